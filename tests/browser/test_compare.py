"""Comparisons and reports in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect

from apps.experiments.models import Experiment
from apps.reports import report
from apps.trials.models import Measurement, Trial
from apps.tuning import discussion, sharing
from apps.workspaces import founding
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tests.browser.accessibility import problems_in_both_themes
from tests.browser.site import context_of
from tests.browser.weight import MOST_BYTES, MOST_REQUESTS, first_visit
from tests.insights.studies import study
from tests.insights.test_keeping import worked_out

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., Experiment]


@pytest.fixture
def pair(make_experiment: Make, ada: User) -> list[Experiment]:
    found = []
    for count, name in ((40, "a sweep of resnets with a long name that says which: narrow"), (70, "wide")):
        one = study(make_experiment, count, name=name)
        worked_out(one)
        for trial in Trial.objects.filter(experiment=one)[:6]:
            rows = [Measurement(trial=trial, name="loss", step=step, value=1 / (step + 1)) for step in range(20)]
            Measurement.objects.bulk_create(rows)
            Trial.objects.filter(pk=trial.pk).update(value_count=20, last_step=19)
        found.append(one)
    return found


def drawn(page: Page, count: int) -> None:
    page.locator("figure[data-drawn]").nth(count - 1).wait_for(state="attached")


def watched(page: Page) -> list[str]:
    """What the page complains of; the server of these tests has no websocket."""
    complaints: list[str] = []

    def complain(text: str) -> None:
        if "WebSocket" not in text:
            complaints.append(text)

    page.on("pageerror", lambda error: complain(str(error)))
    page.on("console", lambda message: complain(message.text) if message.type == "error" else None)
    return complaints


def test_ticked_rows_are_compared_and_the_charts_drawn(
    chromium: Browser, site: str, ada: User, pair: list[Experiment]
) -> None:
    context = context_of(chromium, site, ada)
    page = context.new_page()
    complaints = watched(page)

    page.goto("/w/lab/")
    for one in pair:
        page.get_by_label(f"Tick {one.name}").check()
    page.keyboard.press("Escape")
    page.locator("body").press("c")
    page.wait_for_url("**/w/lab/compare?e=*")
    drawn(page, 1)
    page.get_by_label("Across").select_option("cost")
    page.locator("figure[data-chart=compare-edf]").scroll_into_view_if_needed()
    drawn(page, 2)
    page.get_by_role("link", name="Take wide away").click()

    assert page.url.endswith(f"/w/lab/compare?e={pair[0].key}")
    context.close()
    assert complaints == []


def test_a_trial_is_read_beside_the_table_and_excluded_by_keys(
    chromium: Browser, site: str, ada: User, pair: list[Experiment]
) -> None:
    context = context_of(chromium, site, ada)
    page = context.new_page()
    complaints = watched(page)
    peek = page.locator("#peek")

    page.goto(f"/w/lab/e/{pair[0].key}/trials?sort=number")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("c")
    expect(page.get_by_text("Nothing is ticked yet")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(peek).to_contain_text("Trial 0")
    page.keyboard.press("j")
    expect(peek).to_contain_text("Trial 1")
    expect(page).to_have_url(re.compile(r"open=1$"))
    drawn(page, 1)
    page.keyboard.press("Escape")
    expect(peek).to_be_empty()
    expect(page).to_have_url(re.compile(r"sort=number$"))
    page.keyboard.press("e")
    page.keyboard.type("a bad seed")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Trial 1 excluded")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Trial 1 counts again")).to_be_visible()
    page.get_by_role("link", name="Status").click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile(r"sort=status$"))

    context.close()
    assert complaints == []


def test_ticked_trials_are_compared(chromium: Browser, site: str, ada: User, pair: list[Experiment]) -> None:
    context = context_of(chromium, site, ada)
    page = context.new_page()
    complaints = watched(page)

    page.goto(f"/w/lab/e/{pair[0].key}/trials?sort=number")
    page.get_by_label("Tick trial 0", exact=True).check()
    page.get_by_label("Tick trial 3", exact=True).check()
    page.get_by_role("button", name="Compare").click()
    drawn(page, 1)

    assert page.url.endswith(f"/w/lab/compare?t={pair[0].key}:0,{pair[0].key}:3")
    assert page.get_by_role("columnheader", name="Trial 3").is_visible()
    context.close()
    assert complaints == []


def test_a_report_opens_from_a_file_and_asks_nobody(
    chromium: Browser, pair: list[Experiment], actor_ada: Actor, tmp_path: Path
) -> None:
    discussion.write_note(actor_ada, pair[1], "# What it was\n<img src=http://example.com/x.png onerror=alert(1)>")
    file = tmp_path / "report.html"
    file.write_text(report.html(pair[1]), encoding="utf-8")
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    complaints, asked = watched(page), []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(file.as_uri())
    drawn(page, page.locator("figure[data-chart]").count())  # all of them, since it may be printed as it stands
    expect(page.get_by_text("needs scripts")).to_have_count(0)
    page.get_by_label("Across").first.select_option("cost")

    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
    assert asked == [file.as_uri()]
    assert complaints == []
    assert page.get_by_text("because").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.context.close()


def test_what_is_shared_and_compared_breaks_no_accessibility_rule_and_fits_a_phone(
    chromium: Browser, site: str, ada: User, actor_ada: Actor, workspace: Workspace, pair: list[Experiment], tmp_path: Path,
) -> None:  # fmt: skip
    one, other = pair
    _, link = sharing.share(actor_ada, other, days=7, name="Dora")
    _, invitation = sharing.invite(actor_ada, workspace, role="viewer", name="Dora")
    discussion.write_note(actor_ada, other, "# Heading\n- one\n- two\n\n> said\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    discussion.comment(actor_ada, other, "so `it` is")
    file = tmp_path / "report.html"
    file.write_text(report.html(other), encoding="utf-8")
    addresses = {
        "compare": f"/w/lab/compare?e={one.key},{other.key},gone",
        "compare nothing": "/w/lab/compare",
        "compare trials": f"/w/lab/compare?t={one.key}:0,{other.key}:1",
        "import": "/w/lab/import",
        "notes": f"/w/lab/e/{other.key}/notes",
        "webhooks": "/w/lab/settings/webhooks",
        "audit": "/w/lab/settings/audit",
        "shared": f"/s/{link}",
        "join": f"/join/{invitation}",
        "report": file.as_uri(),
    }
    wide, desk = (context_of(chromium, site, ada, viewport={"width": width, "height": 900}) for width in (390, 1440))
    stranger = context_of(chromium, site, None)
    found: dict[str, Any] = {}

    for name, address in addresses.items():
        page = (stranger if name in ("shared", "join") else desk).new_page()
        page.goto(address)
        if page.locator("figure[data-chart]").count():
            drawn(page, 1)
        if violations := problems_in_both_themes(page):
            found[name] = violations
        page.close()
        phone = wide.new_page()
        phone.goto(address)
        over = phone.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            found[f"{name}, width"] = over
        phone.close()

    for context in (wide, desk, stranger):
        context.close()
    assert found == {}


def test_a_first_visit_of_a_comparison_is_light(
    chromium: Browser, site: str, ada: User, pair: list[Experiment]
) -> None:
    loaded = first_visit(chromium, site, ada, f"/w/lab/compare?e={pair[0].key},{pair[1].key}")

    assert len(loaded) <= MOST_REQUESTS, loaded
    assert sum(loaded.values()) <= MOST_BYTES, loaded


def test_the_first_page_of_an_installation_breaks_no_accessibility_rule(
    chromium: Browser, site: str, settings: Any, tmp_path: Path
) -> None:
    settings.TUNEBOOK_DATA = tmp_path
    context = context_of(chromium, site, None, viewport={"width": 390, "height": 844})
    page = context.new_page()

    page.goto(f"/setup?code={founding.code()}")

    assert page.get_by_role("heading", level=1).is_visible()
    assert problems_in_both_themes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context.close()
