"""What the scripts add to pages: keys, rows, menus, questions, copies, forms, drafts, logs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

ROWS = "".join(
    f'<tr data-row><td><input type="checkbox" name="key" value="{n}" data-tick aria-label="Tick {n}"></td>'
    f'<td><a href="/row/{n}" data-open>Row {n}</a></td></tr>'
    for n in range(5)
)
TABLE = (
    '<form data-tick-form><div data-tick-bar><b data-tick-count>Selected</b>'
    '<button type="button" data-tick-clear>Clear</button></div>'
    f'<table><thead><tr><th><input type="checkbox" data-tick-all aria-label="Tick all"></th><th>Name</th></tr></thead>{ROWS}</table></form>'
)  # fmt: skip
SPACE_ROW = """
<div data-rowset-row>
  <input name="space-{n}-name" aria-label="Name {n}">
  <select name="space-{n}-type" data-switch aria-label="Type {n}"><option>uniform</option><option>choice</option></select>
  <span data-when="uniform"><input name="space-{n}-low" aria-label="Low {n}"></span>
  <span data-when="choice"><input name="space-{n}-choices" aria-label="Choices {n}"></span>
  <button name="do" value="remove-{n}" data-rowset-remove>Remove {n}</button>
</div>"""
SPACE = (
    '<form method="get" action="/sent" data-draft="new"><input name="title" aria-label="Title">'
    '<div data-rowset="space"><input type="hidden" name="space-TOTAL_FORMS" value="1" data-rowset-total>'
    f'<div data-rowset-rows>{SPACE_ROW.replace("{n}", "0")}</div>'
    f'<template data-rowset-template>{SPACE_ROW.replace("{n}", "__prefix__")}</template>'
    '<button name="do" value="add" data-rowset-add>Add</button></div><button>Send</button></form>'
)  # fmt: skip


@pytest.fixture
def show(stage: Any, open_page: Any) -> Any:
    def show(body: str, **options: Any) -> Page:
        return open_page(stage.show(body, **options))

    return show


def test_rows_are_walked_ticked_and_opened_by_keys(show, stage):
    stage.show("<h1>The third</h1>", path="/row/2")
    page = show(TABLE)

    for key in "jjj":
        page.keyboard.press(key)
    page.keyboard.press("x")

    expect(page.get_by_role("link", name="Row 2")).to_be_focused()
    expect(page.locator("[data-tick-count]")).to_have_text("1 selected")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The third")).to_be_visible()


def test_the_bar_of_ticked_rows_comes_and_goes_and_shift_ticks_a_range(show):
    page = show(TABLE)
    bar = page.locator("[data-tick-bar]")
    expect(bar).to_be_hidden()

    page.get_by_label("Tick 1").check()
    page.get_by_label("Tick 3").click(modifiers=["Shift"])

    expect(page.locator("[data-tick-count]")).to_have_text("3 selected")
    page.get_by_label("Tick all").check()
    expect(page.locator("[data-tick-count]")).to_have_text("5 selected")
    page.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()


def test_keys_are_listed_under_the_question_mark_and_work_outside_fields_only(show, stage):
    stage.show("<h1>The catalog</h1>", path="/catalog")
    page = show('<a href="/catalog" data-key="g c">Catalog</a><input data-key="/" aria-label="Search">')

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("gcCatalog")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("gc?")
    expect(page.get_by_label("Search")).to_have_value("gc?")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("c")

    expect(page.get_by_role("heading", name="The catalog")).to_be_visible()


def test_keys_can_be_switched_off(show, stage):
    page = show('<input data-key="/" aria-label="Search">')
    page.evaluate("() => { document.documentElement.dataset.keys = 'off'; }")

    page.keyboard.press("/")

    expect(page.get_by_label("Search")).not_to_be_focused()


def test_one_menu_is_open_at_a_time_and_escape_gives_the_focus_back(show):
    menu = '<details data-menu><summary>{0}</summary><a href="#{0}">First {0}</a><a href="#x">Second {0}</a></details>'
    page = show(menu.format("one") + menu.format("two"))

    page.get_by_text("one", exact=True).click()
    page.get_by_text("two", exact=True).click()
    expect(page.get_by_role("link", name="First one")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Second two")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.get_by_role("link", name="First two")).to_be_hidden()
    expect(page.get_by_text("two", exact=True)).to_be_focused()


def test_a_menu_closes_when_tab_leads_out_of_it_and_at_escape_from_anywhere(show):
    page = show(
        '<details data-menu><summary>Menu</summary><p>Words</p><a href="#a">Item</a></details><a href="#b">Behind</a>'
    )
    menu = page.locator("details")

    page.get_by_text("Menu").press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Item")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Behind")).to_be_focused()
    expect(menu).not_to_have_attribute("open", "")

    page.get_by_text("Menu").click()
    page.get_by_text("Words").click()
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(page.get_by_text("Menu")).to_be_focused()


def test_a_question_comes_before_what_cannot_be_undone(show, stage):
    stage.show("<h1>Gone</h1>", path="/gone")
    page = show('<form action="/gone" data-confirm="Delete it for good?"><button>Delete</button></form>')

    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete it for good?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Gone")).to_be_hidden()
    page.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()

    expect(page.get_by_role("heading", name="Gone")).to_be_visible()


def test_a_copy_button_says_that_it_copied(show):
    page = show('<button data-copy="the text" hidden>Copy</button><textarea aria-label="Paste here"></textarea>')
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_label("Paste here").focus()
    page.keyboard.press("Control+v")

    expect(page.get_by_label("Paste here")).to_have_value("the text")


def test_rows_of_a_form_are_added_and_removed_and_stay_numbered(show):
    page = show(SPACE)

    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Name 2").fill("momentum")
    page.locator("[data-rowset-remove]").nth(1).click()

    expect(page.locator("[data-rowset-total]")).to_have_value("2")
    expect(page.locator('[name="space-1-name"]')).to_have_value("momentum")


def test_fields_that_do_not_belong_to_a_choice_are_hidden_and_not_sent(show, stage):
    stage.show("<h1>Sent</h1>", path="/sent")
    page = show(SPACE)
    expect(page.get_by_label("Choices 0")).to_be_hidden()

    page.get_by_label("Type 0").select_option("choice")
    page.get_by_label("Choices 0").fill("adam")
    page.get_by_role("button", name="Send").click()

    page.wait_for_url("**/sent?*")
    assert "space-0-choices=adam" in page.url
    assert "space-0-low" not in page.url


def test_what_was_typed_comes_back_after_a_reload_and_can_be_discarded(show, stage):
    page = show(SPACE)
    page.get_by_role("button", name="Add").click()
    page.get_by_label("Title").fill("My sweep")
    page.get_by_label("Name 1").fill("lr")
    page.wait_for_function("() => JSON.stringify(localStorage).includes('lr')")

    page.reload()

    expect(page.get_by_text("put back")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("My sweep")
    expect(page.get_by_label("Name 1")).to_have_value("lr")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_label("Title")).to_have_value("")


def test_a_draft_is_forgotten_when_the_form_is_sent(show, stage):
    stage.show("<h1>Sent</h1>", path="/sent")
    page = show(SPACE)
    page.get_by_label("Title").fill("My sweep")
    page.wait_for_function("() => JSON.stringify(localStorage).includes('My sweep')")

    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/sent?*")
    page.go_back()

    assert page.evaluate("() => Object.keys(localStorage).filter((name) => name.startsWith('draft:'))") == []


def test_a_theme_is_chosen_without_a_reload_and_kept_for_the_server(show):
    page = show(
        '<form action="/nowhere"><button name="theme" value="dark">Dark</button><button name="theme" value="system">System</button></form>'
    )

    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("() => [document.documentElement.dataset.theme, document.cookie]") == ["dark", "theme=dark"]
    page.get_by_role("button", name="System").click()

    assert page.evaluate("() => [document.documentElement.dataset.theme ?? null, document.cookie]") == [None, ""]


def test_times_are_told_relative_to_now(show):
    page = show(
        '<time data-relative datetime="2001-02-03T04:05:06Z">then</time> <time id="now" data-relative>now</time>'
        "<time id='since' data-elapsed></time>"
    )
    page.evaluate("""() => {
        const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
        document.querySelector("#now").dateTime = ago(125);
        document.querySelector("#since").dateTime = ago(3700);
    }""")

    expect(page.get_by_text("2001-02-03")).to_be_visible()
    expect(page.locator("#now")).to_have_text("2 min ago")
    expect(page.locator("#since")).to_have_text("1 h 1 m")


def test_a_time_is_titled_in_the_viewers_zone_once_a_pointer_comes(show):
    page = show('<time data-relative datetime="2001-02-03T04:05:06Z" title="2001-02-03 04:05:06 UTC">then</time>')
    before = page.locator("time").get_attribute("title")

    page.locator("time").hover()

    assert before == "2001-02-03 04:05:06 UTC"
    expect(page.locator("time")).to_have_attribute("title", re.compile("Feb 3, 2001"))


def test_a_log_follows_its_end_unless_somebody_reads_above(show, stage):
    lines = "".join(f"line {number}\n" for number in range(100))
    stage.answer("/log", {"text": "the newest line\n", "offset": 999, "ended": True})

    page = show(
        f'<section><div data-log data-src="/log" data-offset="900"><pre class="log">{lines}</pre></div></section>'
    )

    expect(page.get_by_text("the newest line")).to_be_visible()
    assert (
        page.evaluate(
            "() => { const log = document.querySelector('pre'); return log.scrollHeight - log.scrollTop - log.clientHeight; }"
        )
        < 2
    )
    assert [asked for asked in stage.asked if asked.startswith("/log")] == ["/log?offset=900"]


def test_a_log_of_what_was_deleted_is_asked_for_once(show, open_page, stage):
    page = show('<section><div data-log data-src="/gone"><pre class="log"></pre></div></section>')

    page.wait_for_timeout(5_000)

    assert [asked for asked in stage.asked if asked.startswith("/gone")] == ["/gone?offset=0"]
    open_page.complaints.clear()  # Chromium notes the 404


def test_a_failed_request_in_the_background_becomes_a_notice_once(show):
    page = show("<div data-notices></div>")
    fail = "() => document.dispatchEvent(new CustomEvent('htmx:responseError', { detail: { xhr: { status: 403 } } }))"

    page.evaluate(fail)
    page.evaluate(fail)

    expect(page.get_by_role("alert")).to_have_count(1)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("alert")).to_have_count(0)
