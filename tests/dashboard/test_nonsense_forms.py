"""Nonsense in every field of every form of every page: refused in words or taken, never an error of ours."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client

from apps.experiments.models import Experiment
from tests.dashboard.trials import with_trials

NONSENSE = ("\x00'\"><svg/onload=1>", "-1", "9" * 40, "💥" * 300)
PAGES = (
    "/w/lab/",
    "/w/lab/trash",
    "/w/lab/new",
    "/w/lab/settings/members",
    "/w/lab/settings/keys",
    "/w/lab/settings/webhooks",
    "/w/lab/settings/audit",
    "/me",
    "{e}",
    "{e}trials",
    "{e}analyse",
    "{e}curves",
    "{e}space",
    "{e}replay",
    "{e}logs",
    "{e}notes",
    "{e}settings",
    "{e}queue",
    "{e}limits",
    "{e}t/3",
)
ENDS_THE_SESSION = ("/logout", "/me/sign-out-others")


class Forms(HTMLParser):
    """The forms of a page: where each goes, how, its fields, and its buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self.open: dict[str, Any] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = {"action": given.get("action", ""), "method": given.get("method", "get").lower()}
            self.open |= {"hidden": {}, "fields": [], "buttons": []}
            self.found.append(self.open)
        elif self.open is not None and given.get("name"):
            if tag == "input" and given.get("type") == "hidden":
                self.open["hidden"][given["name"]] = given.get("value", "")
            elif tag == "button" or given.get("type") == "submit":
                self.open["buttons"].append((given["name"], given.get("value", "")))
            elif tag in ("input", "select", "textarea"):
                self.open["fields"].append(given["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None


@pytest.fixture
def experiment(make_experiment: Callable[..., Experiment]) -> Experiment:
    made = make_experiment(accessibility="PUBLIC")
    with_trials(made, "FINISHED", "FAILED", "RUNNING", "FINISHED")
    return made


@pytest.mark.parametrize("page", PAGES)
def test_nonsense_in_the_forms_of_a_page_is_never_an_error_of_ours(
    as_ada: Client, experiment: Experiment, page: str
) -> None:
    as_ada.raise_request_exception = False
    address = page.format(e=f"/w/lab/e/{experiment.key}/")
    parser = Forms()
    parser.feed(as_ada.get(address).content.decode())
    sent = 0
    for form in parser.found:
        target = urljoin(address, form["action"])
        if urlsplit(target).path in ENDS_THE_SESSION:
            continue
        for nonsense in NONSENSE:
            data = {**form["hidden"], **dict.fromkeys(form["fields"], nonsense)}
            for name, value in [*form["buttons"], ("act", nonsense)]:
                send = as_ada.post if form["method"] == "post" else as_ada.get
                answer = send(target, {**data, name: value})
                sent += 1
                assert answer.status_code < 500, f"{target} with {nonsense!r:.40} and {name}={value!r:.40}"
    assert sent > 0
