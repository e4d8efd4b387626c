"""The password once more, where the sign-in is a while ago."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from django.test import Client

from apps.dashboard.views.confirming import RECENT
from apps.workspaces.models import Key
from apps.workspaces.throttle import TRIES
from tests.people import PASSWORD

KEYS = "/w/lab/settings/keys"
ISSUE = {"act": "issue", "role": "viewer", "name": 'a <b> & "c"', "days": "90"}


class Fields(HTMLParser):
    """The hidden fields of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if tag == "input" and about.get("type") == "hidden":
            self.found[about["name"] or ""] = about.get("value") or ""


def grow_old(client: Client, by: int = RECENT + 5) -> None:
    client.get(KEYS)
    session = client.session
    session["begun"] = int(time.time()) - by
    session.save()


def test_shortly_after_the_sign_in_nobody_is_asked(as_ada: Client) -> None:
    grow_old(as_ada, by=RECENT - 60)

    assert as_ada.post(KEYS, ISSUE).status_code == 200
    assert Key.objects.count() == 1


@pytest.mark.parametrize("section", ["keys", "members", "connect", "webhooks"])
def test_an_old_session_changes_nothing_without_the_password(as_ada: Client, section: str) -> None:
    grow_old(as_ada)

    answer = as_ada.post(f"/w/lab/settings/{section}", ISSUE)

    assert answer.status_code == 403
    assert b"Your password once more" in answer.content
    assert Key.objects.count() == 0
    assert as_ada.get(f"/w/lab/settings/{section}").status_code == 200


def test_what_was_sent_is_done_when_the_password_is_given_and_then_nobody_is_asked_for_a_while(as_ada: Client) -> None:
    grow_old(as_ada)
    kept = Fields(as_ada.post(KEYS, ISSUE).content.decode()).found

    done = as_ada.post(KEYS, {**kept, "password_again": PASSWORD})
    again = as_ada.post(KEYS, ISSUE)

    assert (done.status_code, again.status_code) == (200, 200)
    assert [key.name for key in Key.objects.all()] == [ISSUE["name"]] * 2
    assert PASSWORD not in str(kept)


def test_a_wrong_password_does_nothing_and_counts_as_a_failed_sign_in(as_ada: Client) -> None:
    grow_old(as_ada)

    wrong = [as_ada.post(KEYS, {**ISSUE, "password_again": "no"}).status_code for _ in range(TRIES)]
    right = as_ada.post(KEYS, {**ISSUE, "password_again": PASSWORD})

    assert set(wrong) == {403}
    assert right.status_code == 429
    assert int(right["Retry-After"]) > 0
    assert Key.objects.count() == 0
