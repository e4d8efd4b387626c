"""A session that ends while somebody writes, and the password that is asked for once more."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from apps.dashboard.views.confirming import RECENT
from apps.discussion.models import Note
from apps.experiments.models import Experiment
from apps.workspaces.models import Key
from tests.browser.accessibility import problems_in_both_themes
from tests.people import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Visit = Callable[..., Page]
WIDTHS = [1440, 390]


@pytest.fixture(autouse=True)
def known_password(ada: User) -> None:
    """The product knows no quick hasher, which the tests' people have."""
    ada.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
    ada.save()


def grow_old(page: Page) -> None:
    """Let the session of the page have begun too long ago to touch keys."""
    for row in Session.objects.all():
        store = row.get_session_store_class()(row.session_key)
        store["begun"] = int(time.time()) - RECENT - 5
        store.save()
    page.reload()


def test_a_note_outlives_the_end_of_the_session(
    signed_in: Visit, ada: User, make_experiment: Callable[..., Experiment]
) -> None:
    key = make_experiment().key
    page = signed_in(ada, f"/w/lab/e/{key}/notes")
    page.get_by_label("Note", exact=True).fill("worth an hour")
    page.context.clear_cookies(name="tunebook_session")
    page.get_by_role("button", name="Save note").click()

    expect(page.get_by_text("You are not signed in any more, so nothing was changed.")).to_be_visible()
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Note", exact=True)).to_have_value("worth an hour")
    assert not Note.objects.exists()
    page.get_by_role("button", name="Save note").click()

    expect(page.locator("#note .prose")).to_have_text("worth an hour")
    page.locator("#note summary", has_text="Edit").click()
    expect(page.get_by_text("put back")).to_have_count(0)
    assert Note.objects.get().text == "worth an hour"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_password_once_more_and_the_key_is_made(signed_in: Visit, open_page: Any, ada: User, width: int) -> None:
    page = signed_in(ada, "/w/lab/settings/keys", viewport={"width": width, "height": 844})
    grow_old(page)
    page.get_by_label("What it is for").fill("for the lab's robot")
    page.get_by_role("button", name="Make a key").click()
    field = page.get_by_label("Password of ada")
    expect(field).to_be_focused()
    assert not problems_in_both_themes(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    field.fill("not this one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the password of ada.")
    assert not Key.objects.exists()
    page.get_by_label("Password of ada").fill(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_text("for the lab's robot").first).to_be_visible()
    assert Key.objects.get().name == "for the lab's robot"
    open_page.complaints.clear()  # Chromium notes each 403


def test_what_was_sent_is_left_undone_by_a_link(signed_in: Visit, open_page: Any, ada: User) -> None:
    page = signed_in(ada, "/w/lab/settings/keys")
    grow_old(page)
    page.get_by_role("button", name="Make a key").click()

    page.get_by_role("link", name="Leave it").click()

    expect(page.get_by_role("heading", name="API keys")).to_be_visible()
    assert not Key.objects.exists()
    open_page.complaints.clear()
