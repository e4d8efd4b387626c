"""Finding and steering in a real browser: by keyboard alone, without scripts, with what loads when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from apps.experiments.models import Experiment
from apps.search.models import SavedView, Star
from apps.trials.models import Trial
from tests.browser.accessibility import problems
from tests.browser.sweep import Sweep
from tests.dashboard.trials import with_trials

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Visit = Callable[..., Page]
Make = Callable[..., Experiment]
MOST_TABS = 120


def tab_to(page: Page, name: str) -> None:
    """Walk with the Tab key until the thing of that name has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => { const at = document.activeElement;
            return (at.labels?.[0]?.textContent || at.ariaLabel || at.textContent || "").trim().replace(/\\s+/g, " ") }"""
        )
        if focused == name or focused.startswith(f"{name} "):
            return
    raise AssertionError(f"no {name!r} within {MOST_TABS} steps of the Tab key")


def typed(page: Page, name: str, text: str) -> None:
    tab_to(page, name)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def ready(page: Page) -> None:
    """Wait until the scripts of a page run: keys that are pressed before are lost."""
    expect(page.locator("[data-help]")).to_be_visible()


def test_the_keyboard_alone_submits_finds_opens_and_stops(signed_in: Visit, ada: User) -> None:
    page = signed_in(ada, "/w/lab/")
    ready(page)
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1)).to_have_text("New experiment")
    typed(page, "Name", "by keys")
    typed(page, "Metric", "loss")
    typed(page, "Name", "lr")
    typed(page, "High", "1")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("0")
    for name, text in (
        ("Name", "units"),
        ("Low", "2"),
        ("High", "9"),
        ("Commands", "train --lr ${lr} --units ${units}"),
    ):
        typed(page, name, text)
    tab_to(page, "Create and start")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("by keys")
    one = Experiment.objects.get(name="by keys")
    sweep = Sweep(one)
    sweep.begin(2)

    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", level=1)).to_have_text("Catalog")
    ready(page)
    page.keyboard.press("f")
    page.keyboard.type("owner:me status:run")
    expect(page.get_by_role("option", name="running")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Search the catalog").last).to_have_value("owner:me status:running")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"q=owner%3Ame\+status%3Arunning"))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("by keys")

    ready(page)
    page.keyboard.press("Control+K")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    summary = page.locator("summary", has_text="Stop")
    tab_to(page, "Stop")
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Stop now")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("It cannot go on after that.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".head-status")).to_contain_text("Stopping")


def test_everything_works_without_scripts(signed_in: Visit, ada: User, make_experiment: Make) -> None:
    one = make_experiment(name="resnet", tags=[("vision", "")])
    for number in range(26):
        make_experiment(name=f"e{number:02}", start=number % 2 == 0)
    with_trials(one, "FINISHED", "FINISHED", "FAILED")
    page = signed_in(ada, "/w/lab/", java_script_enabled=False)

    page.get_by_role("link", name="Next page").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.goto(page.url.partition("?")[0])
    page.get_by_role("columnheader", name="Experiment").get_by_role("link").click()
    expect(page.locator("tbody th a").first).to_have_text("e00")
    page.get_by_label("Search the catalog").last.fill("status:created,waiting (resnet or tag:x)")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_text("Save view", exact=True).click()
    page.get_by_label("Keep this query and order as").fill("mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="mine 1")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Star resnet").click()
    expect(page.get_by_text("1 experiment starred.")).to_be_visible()
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()
    assert coming.value.suggested_filename == "lab.csv"

    page.locator("summary", has_text="Menu of resnet").click()
    page.get_by_role("link", name="Open").click()
    page.get_by_text("Limits", exact=True).click()
    page.get_by_role("link", name="Change them in the settings").click()
    page.get_by_label("Trials at once").fill("7")
    page.get_by_role("button", name="Change limits").click()
    expect(page.get_by_text("Trials at once: 2 → 7.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Trials at once: 7 → 2.")).to_be_visible()

    page.get_by_role("link", name="Trials").first.click()
    page.get_by_label("Tick trial 1").check()
    page.get_by_label("Why excluded").fill("odd")
    page.get_by_role("button", name="Exclude").click()
    expect(page.get_by_text("Trial 1 excluded")).to_be_visible()
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Queue a trial").click()
    page.get_by_label("x", exact=True).fill("0.25")
    page.get_by_role("button", name="Queue it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trial 3")
    page.goto(page.url.partition("/t/")[0] + "/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: trials that run go on")).to_be_visible()
    page.locator("summary", has_text="More").click()
    page.get_by_role("button", name="Move to trash").click()
    page.get_by_role("link", name="Trash").first.click()
    page.get_by_role("button", name="Restore resnet").click()
    expect(page.get_by_text("Restored.", exact=True)).to_be_visible()
    assert SavedView.objects.get().query == "status:created,waiting (resnet or tag:x)"
    assert Star.objects.filter(user=ada, experiment=one).exists()
    assert Trial.objects.get(experiment=one, number=1).excluded_why == "odd"


def test_a_wrong_query_is_underlined_and_one_click_mends_it(signed_in: Visit, ada: User, make_experiment: Make) -> None:
    make_experiment(name="resnet")
    make_experiment(name="bert", start=False)
    page = signed_in(ada, "/w/lab/?q=staus:waiting+(resnet")

    expect(page.locator("mark")).to_have_text(["staus:waiting", "("])
    expect(page.get_by_label("Search the catalog").last).to_have_attribute("aria-invalid", "true")
    assert problems(page) == []
    page.get_by_role("link", name="status:waiting", exact=True).click()
    expect(page.locator("mark")).to_have_text(["("])
    page.get_by_role("link", name="status:waiting (resnet)", exact=True).click()
    expect(page.locator("mark")).to_have_count(0)
    expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_opens_over_the_page_is_accessible_too(
    signed_in: Visit, ada: User, make_experiment: Make, scheme: str
) -> None:
    one = make_experiment(name="resnet")
    with_trials(one, "FINISHED")
    page = signed_in(ada, "/w/lab/", color_scheme=scheme)

    page.get_by_label("Search the catalog").last.click()
    page.keyboard.type("s")
    expect(page.get_by_role("option", name="status:")).to_be_visible()
    page.keyboard.press("ArrowDown")
    found = {"completion": problems(page)}
    page.keyboard.press("Escape")
    page.locator("summary", has_text="Menu of resnet").click()
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    found["row menu"] = problems(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+K")
    expect(page.get_by_role("option", name="resnet")).to_be_visible()
    found["palette"] = problems(page)
    page.keyboard.press("Escape")
    page.locator("summary", has_text="Save view").click()
    found["save view"] = problems(page)
    page.goto(f"{page.url.partition('?')[0]}e/{one.key}/")
    page.locator("summary", has_text="Limits").click()
    expect(page.get_by_label("Trials at once")).to_be_visible()
    found["limits"] = problems(page)

    assert {name: texts for name, texts in found.items() if texts} == {}


def test_the_palette_jumps_and_does_what_the_page_offers(signed_in: Visit, ada: User, make_experiment: Make) -> None:
    make_experiment(name="resnet")
    page = signed_in(ada, "/w/lab/help/search")

    page.wait_for_load_state("networkidle")
    page.keyboard.press("Control+K")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("resn")
    expect(page.get_by_role("option", name="resnet").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("resnet")
    ready(page)
    page.keyboard.press("Control+K")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("pause")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Paused: trials that run go on")).to_be_visible()
    ready(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Search or jump anywhere")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_bar_of_ticked_rows_has_its_place_before_scripts_and_after(
    signed_in: Visit, ada: User, make_experiment: Make, width: int
) -> None:
    make_experiment(name="one")
    size = {"width": width, "height": 800}
    top = "() => document.querySelector('[data-tick-form] table').getBoundingClientRect().top"

    page = signed_in(ada, "/w/lab/", viewport=size, java_script_enabled=False)
    before = page.locator("[data-tick-form] table").bounding_box()
    page = signed_in(ada, "/w/lab/", viewport=size)
    ready = page.evaluate(top)
    page.get_by_role("checkbox", name="Tick one").check()
    expect(page.locator("[data-tick-bar]")).to_be_visible()

    assert before is not None
    assert before["y"] == ready == page.evaluate(top)


def test_a_rows_menu_acts_on_its_row(signed_in: Visit, ada: User, make_experiment: Make) -> None:
    make_experiment(name="one")
    make_experiment(name="two")
    page = signed_in(ada, "/w/lab/")

    page.get_by_label("Tick one").check()
    page.locator("summary", has_text="Menu of two").click()
    page.locator("tr", has_text="two").get_by_role("button", name="Pause").click()
    expect(page.get_by_text("1 experiment paused.")).to_be_visible()
    assert [str(found) for found in Experiment.objects.filter(desired="pause")] == ["two"]


def test_the_limits_menu_changes_them_and_can_undo(signed_in: Visit, ada: User, make_experiment: Make) -> None:
    one = make_experiment()
    page = signed_in(ada, f"/w/lab/e/{one.key}/trials?q=status:failed")

    page.locator("summary", has_text="Limits").click()
    page.get_by_label("Trials at once").fill("4")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_text("Trials at once: 2 → 4.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/trials\?q=status:failed$"))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Trials at once: 4 → 2.")).to_be_visible()


def test_a_clone_shows_its_differences_while_it_is_changed(signed_in: Visit, ada: User, make_experiment: Make) -> None:
    one = make_experiment(name="first")
    page = signed_in(ada, f"/w/lab/new?from={one.key}")
    expect(page.get_by_text("None: the same declaration.")).to_be_visible()

    page.get_by_label("Trials in all").fill("50")
    page.get_by_label("Trials at once").focus()

    expect(page.locator("#differences del")).to_have_text("5")
    expect(page.locator("#differences ins")).to_have_text("50")
    expect(page.get_by_label("Trials at once")).to_be_focused()


def test_an_unknown_address_offers_a_search(signed_in: Visit, open_page: Any, ada: User, ben: User) -> None:
    page = signed_in(ada, "/w/lab/e/resnet-of-yore/")
    expect(page.get_by_role("searchbox", name="Search the catalog").last).to_have_value("resnet-of-yore")
    forbidden = signed_in(ben, "/w/lab/new")
    expect(forbidden.get_by_role("heading", level=1)).to_have_text("Not allowed")
    expect(forbidden.get_by_role("searchbox", name="Search the catalog").last).to_be_visible()
    open_page.complaints.clear()  # Chromium notes the 404 and the 403
