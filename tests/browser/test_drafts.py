"""A form that keeps its draft on the server, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from apps.experiments.models import Draft
from tests.browser.accessibility import problems

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Visit = Callable[..., Page]
NEW = "/w/lab/new"


def test_what_is_typed_is_there_in_another_browser_until_it_is_discarded(signed_in: Visit, ada: User) -> None:
    page = signed_in(ada, NEW)
    page.get_by_label("Name optional").first.fill("half a sweep")
    page.get_by_role("button", name="Add a parameter").click()
    page.locator("#id_space-2-name").fill("momentum")
    expect(page.locator("[data-draft-said]")).to_contain_text("Saved at")

    other = signed_in(ada, NEW)

    expect(other.get_by_text("Draft restored")).to_be_visible()
    expect(other.locator("#id_name")).to_have_value("half a sweep")
    expect(other.locator("#id_space-2-name")).to_have_value("momentum")
    assert not problems(other)
    other.get_by_role("button", name="Discard").click()
    other.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(other.get_by_text("The draft is discarded.")).to_be_visible()
    expect(other.locator("#id_name")).to_have_value("")


def test_leaving_at_once_saves_what_was_just_typed(signed_in: Visit, ada: User) -> None:
    page = signed_in(ada, NEW)
    page.locator("#id_name").fill("in a hurry")

    address = page.url
    page.get_by_role("link", name="Catalog").first.click()
    page.wait_for_url("**/w/lab/")
    for _ in range(600):
        if Draft.objects.exists():
            break
        page.wait_for_timeout(50)  # what is sent by a page that is left arrives when it arrives

    page.goto(address)
    expect(page.locator("#id_name")).to_have_value("in a hurry")


def test_without_the_server_the_browser_keeps_it(signed_in: Visit, open_page: Any, ada: User) -> None:
    page = signed_in(ada, NEW)
    page.route("**/new", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    page.locator("#id_name").fill("on a train")
    expect(page.locator("[data-draft-said]")).to_have_text("Kept in this browser")

    page.unroute("**/new")
    page.reload()

    expect(page.locator("#id_name")).to_have_value("on a train")
    assert not Draft.objects.exists()
    assert open_page.complaints.pop().startswith("Failed to load resource")


def test_two_tabs_keep_what_was_typed_in_each(signed_in: Visit, open_page: Any, ada: User) -> None:
    first = signed_in(ada, NEW)
    second = first.context.new_page()
    second.goto(first.url)
    first.locator("#id_name").fill("in the first")
    expect(first.locator("[data-draft-said]")).to_contain_text("Saved at")

    second.locator("#id_name").fill("in the second")
    expect(second.locator("[data-draft-said]")).to_contain_text("Kept in this tab")
    for tab in (first, second):
        tab.reload()

    expect(first.locator("#id_name")).to_have_value("in the first")
    expect(second.locator("#id_name")).to_have_value("in the second")
