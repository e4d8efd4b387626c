"""People at work: from the form to the trash and back, by mouse and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from apps.experiments.models import Experiment
from tests.browser.sweep import Sweep
from tests.people import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Visit = Callable[..., Page]
Make = Callable[..., Experiment]


def fill_in(page: Page) -> None:
    """A small experiment, typed into the form."""
    page.get_by_label("Name", exact=False).first.fill("typed by hand")
    page.get_by_label("Tags").fill("walk, team=browser")
    page.get_by_role("textbox", name="Metric").fill("loss")
    rows = page.locator("[data-rowset-row]")
    rows.nth(0).get_by_label("Name").fill("lr")
    rows.nth(0).get_by_label("Type").select_option("loguniform")
    rows.nth(0).get_by_label("Low").fill("0.0001")
    rows.nth(0).get_by_label("High").fill("0.1")
    rows.nth(1).get_by_label("Name").fill("model")
    rows.nth(1).get_by_label("Type").select_option("choice")
    rows.nth(1).get_by_label("Values").fill("svm, forest")
    page.get_by_label("Trials at once").fill("3")
    page.get_by_label("Commands").fill("train --lr ${lr} --model ${model}")


def test_an_experiment_from_the_form_to_the_trash_and_back(signed_in: Visit, ada: User) -> None:
    page = signed_in(ada, "/w/lab/")
    page.get_by_role("link", name="New experiment").click()
    fill_in(page)
    page.get_by_role("button", name="Preview 20 suggestions").click()
    expect(page.get_by_role("heading", name="The first 20 suggestions")).to_be_visible()
    expect(page.get_by_label("Tags")).to_have_value("walk, team=browser")
    page.get_by_role("button", name="Create and start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("typed by hand")
    assert "#" not in page.url

    one = Experiment.objects.get(name="typed by hand")
    sweep = Sweep(one)
    for number in sweep.begin(3):
        sweep.report(number, 1, 0.5 - number / 10)
        sweep.end(number)
    expect(page.locator('header [data-field="best"]').first).to_have_text("0.3")

    page.get_by_role("link", name="Trials").first.click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name="loss").click()
    expect(page.locator("tbody th a").first).to_have_text("2")
    page.get_by_label("Filter the trials").fill("value<0.45")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("tbody th a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trial 2")

    page.goto(page.url.partition("/t/")[0] + "/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: trials that run go on")).to_be_visible()
    page.get_by_text("Stop", exact=True).click()
    page.get_by_role("button", name="Stop now").click()
    expect(page.locator(".head-status")).to_contain_text("Stopped")
    page.get_by_role("link", name="Clone").click()
    expect(page.get_by_label("Name", exact=False).first).to_have_value("typed by hand (copy)")

    page.goto(page.url.partition("/new")[0] + "/?q=tag:walk")
    page.get_by_label("Tick typed by hand").check()
    page.get_by_role("button", name="Move to trash").click()
    expect(page.get_by_text("1 experiment moved to the trash.")).to_be_visible()
    page.get_by_role("link", name="Trash").first.click()
    page.get_by_role("button", name="Restore typed by hand").click()
    expect(page.get_by_text("Restored.", exact=True)).to_be_visible()
    page.goto(page.url.replace("/trash", "/"))
    expect(page.locator("tbody tr")).to_have_count(1)


def test_an_error_keeps_what_was_typed_and_leads_to_its_field(signed_in: Visit, open_page: Any, ada: User) -> None:
    page = signed_in(ada, "/w/lab/new")
    fill_in(page)
    page.locator("[data-rowset-row]").nth(0).get_by_label("Low").fill("5")

    page.get_by_role("button", name="Create and start").click()

    expect(page.get_by_text("Not created yet.")).to_be_visible()
    page.get_by_role("link", name="Parameter lr").click()
    assert page.evaluate("document.activeElement.id").startswith("id_space-0-")
    expect(page.get_by_label("Commands")).to_have_value("train --lr ${lr} --model ${model}")
    assert Experiment.objects.count() == 0
    open_page.complaints.clear()  # Chromium notes the 400


def test_a_pasted_document_fills_the_form_and_rows_come_and_go(signed_in: Visit, ada: User) -> None:
    page = signed_in(ada, "/w/lab/new")
    page.get_by_text("Paste a document instead").click()
    page.get_by_label("Text").fill(
        "lr: {_type: loguniform, _value: [0.001, 1]}\nunits: {_type: choice, _value: [8, 16]}"
    )
    page.get_by_role("button", name="Read it into the form").click()

    expect(page.get_by_text("Read as: search space in the form of NNI and PAI.")).to_be_visible()
    rows = page.locator("[data-rowset-row]")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Add a parameter").click()
    expect(rows).to_have_count(3)
    rows.nth(0).get_by_role("button", name="Remove this parameter").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(0).get_by_label("Name")).to_have_value("units")


def test_the_keyboard_alone_finds_opens_and_stops(signed_in: Visit, ada: User, make_experiment: Make) -> None:
    make_experiment(name="resnet")
    make_experiment(name="bert")
    page = signed_in(ada, "/w/lab/")

    page.keyboard.press("/")
    page.keyboard.type("resnet")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("resnet")
    page.keyboard.press("2")
    expect(page).to_have_url(re.compile(r"/trials$"))
    page.keyboard.press("1")
    expect(page).to_have_url(re.compile(r"/e/\w+/$"))
    page.keyboard.press("p")
    expect(page.get_by_text("Paused: trials that run go on")).to_be_visible()
    summary = page.locator("summary", has_text="Stop")
    summary.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Stop now").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".head-status")).to_contain_text("Stopped")


def test_signing_in_by_hand(open_page: Visit, served: str, ada: User) -> None:
    ada.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)  # the product knows no quick hasher
    ada.save()
    page = open_page(f"{served}/w/lab/trash")

    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Trash")


def test_deleting_for_good_takes_the_name(signed_in: Visit, ada: User, make_experiment: Make) -> None:
    one = make_experiment(name="resnet")
    page = signed_in(ada, f"/w/lab/e/{one.key}/settings")
    page.get_by_role("button", name="Move to trash").last.click()
    page.get_by_role("link", name="Trash").first.click()

    page.get_by_text("Delete for good resnet").click()
    page.get_by_label("Type resnet to confirm").fill("resnet")
    page.get_by_role("button", name="Delete for good", exact=True).click()

    expect(page.get_by_text("resnet is deleted for good.")).to_be_visible()
    assert not Experiment.objects.filter(pk=one.pk).exists()
