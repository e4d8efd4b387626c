"""People at work: from the form to the trash and back, by mouse and by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import trash
from apps.workspaces.access import Actor
from tests.browser.sweep import Sweep
from tests.browser.test_live_page import WATCH_SHIFTS, is_live
from tests.optimizer.processes import optimizer
from tests.optimizer.waiting import until
from tests.people import PASSWORD
from tunebook.status import LIVE_TRIAL

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


def test_the_form_shows_the_options_of_what_is_picked(signed_in: Visit, ada: User) -> None:
    page = signed_in(ada, "/w/lab/new")
    shown = page.locator("details:visible > summary", has_text="Options of")
    expect(shown).to_have_count(0)

    page.locator("[name=sampler]").select_option("tpe")
    page.locator("[name=policy]").select_option("halving")

    expect(shown).to_have_text(["Options of tpe", "Options of halving"])


def test_a_menu_that_asks_for_a_name_takes_it_at_once(signed_in: Visit, ada: User) -> None:
    page = signed_in(ada, "/w/lab/?q=best<1")

    page.get_by_text("Save view").click()
    expect(page.locator("details[open] [data-first]")).to_be_focused()
    page.keyboard.type("Good ones")
    page.keyboard.press("Enter")

    expect(page.get_by_role("link", name="Good ones")).to_be_visible()


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
    expect(page.get_by_role("heading", name="No trials yet")).to_have_count(0)  # nobody loaded the page again
    page.get_by_role("link", name="Show the filter").click()
    expect(page.get_by_label("Filter the trials")).to_be_visible()

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
    page.locator("summary", has_text="Stop").click()
    page.get_by_role("button", name="Stop now").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop now").click()
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
    expect(page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".head-status")).to_contain_text("Stopped")


def test_signing_in_by_hand(open_page: Visit, served: str, ada: User) -> None:
    ada.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)  # the product knows no quick hasher
    ada.save()
    page = open_page(f"{served}/w/lab/trash")

    page.get_by_label("User name").fill("ada")
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


REPORTS_OR_FAILS = """printf '{"step": 0, "metrics": {"loss": %s}}\\n' ${x} >> "$TUNEBOOK_SPOOL"
sleep 0.1; case ${x} in 0.[0-2]*) exit 3;; esac"""


def test_a_real_sweep_from_the_form_to_its_end_and_out_of_the_trash(
    signed_in: Visit, open_page: Any, ada: User
) -> None:
    page = signed_in(ada, "/w/lab/new")
    type_in_a_sweep(page)
    page.get_by_role("button", name="Create and start").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("walked")
    one = Experiment.objects.get(name="walked")
    base = page.url

    with optimizer(Path(settings.TUNEBOOK_DATA)) as process:
        change_the_limits(page, base, one)
        watch_fifty_trials(page, base, one)
        compare_orders_and_filter(page, base)
        restart_a_failed_trial(page, base, one)
        stop(page, base, one)
        process.terminate()
        process.wait(60)
    bin_and_restore(page, base)
    delete_for_good(page, base, one)
    open_page.complaints.clear()  # Chromium notes the 404 of what is gone


def type_in_a_sweep(page: Page) -> None:
    page.get_by_label("Name", exact=False).first.fill("walked")
    page.get_by_role("textbox", name="Metric").fill("loss")
    row = page.locator("[data-rowset-row]").nth(0)
    row.get_by_label("Name").fill("x")
    row.get_by_label("Type").select_option("uniform")
    row.get_by_label("Low").fill("0")
    row.get_by_label("High").fill("1")
    while page.locator("[data-rowset-row]").count() > 1:
        page.locator("[data-rowset-row]").last.get_by_role("button", name="Remove this parameter").click()
    page.get_by_label("Trials in all").fill("30000")
    page.get_by_label("Trials at once").fill("1")
    page.get_by_label("Seed").fill("7")
    page.get_by_label("Commands").fill(REPORTS_OR_FAILS)


def change_the_limits(page: Page, base: str, one: Experiment) -> None:
    page.goto(base + "settings")
    page.get_by_label("Trials in all").fill("29000")
    page.get_by_label("Trials at once").fill("2")

    page.get_by_role("button", name="Change limits").click()

    expect(page.get_by_label("Trials in all")).to_have_value("29000")
    expect(page.locator("header").filter(has_text="/ 29,000").first).to_be_visible()
    one.refresh_from_db()
    assert (one.max_trials, one.max_concurrent) == (29000, 2)
    until(lambda: one.trials.filter(status__in=LIVE_TRIAL).count() == 2, what="two trials at once")


def watch_fifty_trials(page: Page, base: str, one: Experiment) -> None:
    until(lambda: one.trials.filter(ended__isnull=False).count() >= 25, what="a page full of trials")
    page.goto(base + "trials")
    is_live(page)
    documents: list[str] = []
    page.on("request", lambda request: documents.append(request.url) if request.resource_type == "document" else None)
    ended = page.locator('[data-object^="experiment:"] [data-field="ended"]').first
    page.mouse.wheel(0, 300)
    page.wait_for_function("() => scrollY > 0")
    page.locator("tbody [data-tick]").nth(12).focus()
    page.evaluate("() => getSelection().selectAllChildren(document.querySelector('h1'))")
    page.evaluate(WATCH_SHIFTS)
    state = "() => [scrollY, document.activeElement.value, String(getSelection())]"
    before, began = page.evaluate(state), int(ended.inner_text())

    page.wait_for_function("(most) => Number(document.querySelector('[data-field=ended]').textContent) >= most",
                           arg=began + 50, timeout=60_000)  # fmt: skip

    assert page.evaluate(state) == before
    assert page.evaluate("() => window.shifts") == []
    assert documents == []
    expect(page.get_by_role("button", name=re.compile(r"\d+ new · show"))).to_be_visible()


def compare_orders_and_filter(page: Page, base: str) -> None:
    page.goto(base + "trials?q=status:succeeded")
    shown = page.locator("tbody td[data-field=value]")
    orders = []
    for _ in range(2):
        page.get_by_role("columnheader", name="loss").get_by_role("link").click()
        page.wait_for_load_state()
        orders.append([float(text) for text in shown.all_inner_texts()])

    assert orders[0] == sorted(orders[0]) and orders[1] == sorted(orders[1], reverse=True)
    assert orders[0][0] < orders[1][0]
    page.get_by_label("Filter the trials").fill("x>0.9")
    page.get_by_role("button", name="Search").click()
    expect(page).to_have_url(re.compile("q=x"))
    assert all(float(text) > 0.9 for text in shown.all_inner_texts() if text != "–")


def restart_a_failed_trial(page: Page, base: str, one: Experiment) -> None:
    page.goto(base + "trials?q=status:failed")
    page.locator("tbody th a").first.click()
    expect(page.locator(".notice").first).to_contain_text("exited with status 3")
    number = int(page.get_by_role("heading", level=1).inner_text().removeprefix("Trial "))

    page.get_by_role("button", name="Restart as new").click()

    said = page.get_by_text(re.compile(r"Started again as trial \d+\."))
    expect(said).to_be_visible()
    again = int(re.findall(r"\d+", said.inner_text())[0])
    old, new = (one.trials.get(number=known) for known in (number, again))
    assert (new.params, new.restart_of_id, new.extra) == (old.params, old.pk, True)
    page.goto(f"{base}t/{again}")
    expect(page.locator(".head-status")).to_have_text("Failed", timeout=30_000)


def stop(page: Page, base: str, one: Experiment) -> None:
    page.goto(base)
    is_live(page)
    page.locator("summary", has_text="Stop").click()
    page.get_by_role("button", name="Stop now").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop now").click()
    expect(page.locator(".head-status")).to_contain_text("Stopped", timeout=30_000)
    assert not one.trials.filter(ended=None).exists()


def bin_and_restore(page: Page, base: str) -> None:
    page.goto(base + "settings")
    page.get_by_role("button", name="Move to trash").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Catalog")
    page.get_by_role("link", name="Trash").first.click()
    page.get_by_role("button", name="Restore walked").click()
    expect(page.get_by_text("Restored.", exact=True)).to_be_visible()
    page.goto(base)
    expect(page.get_by_role("heading", level=1)).to_have_text("walked")


def delete_for_good(page: Page, base: str, one: Experiment) -> None:
    page.goto(base + "settings")
    page.get_by_role("button", name="Move to trash").last.click()
    page.get_by_role("link", name="Trash").first.click()
    page.get_by_text("Delete for good walked").click()
    page.get_by_label("Type walked to confirm").fill("walked")
    page.get_by_role("button", name="Delete for good", exact=True).click()
    expect(page.get_by_text("walked is deleted for good.")).to_be_visible()
    page.goto(base)
    expect(page.get_by_role("heading", level=1)).not_to_have_text("walked")
    assert not Trial.objects.filter(experiment_id=one.pk).exists()


def test_a_phone_offers_the_orders_that_its_tables_have_no_head_for(
    signed_in: Visit, ada: User, make_experiment: Make
) -> None:
    for name in ("bert", "alexnet", "resnet"):
        make_experiment(name=name)
    page = signed_in(ada, "/w/lab/?q=visibility:public", viewport={"width": 390, "height": 844})

    page.get_by_label("Order", exact=True).select_option(label="Name ↑")
    expect(page).to_have_url(re.compile("sort=name"))

    names = page.locator("tbody .name a").all_inner_texts()
    assert [name for name in names if name in ("alexnet", "bert", "resnet")] == ["alexnet", "bert", "resnet"]
    expect(page.get_by_label("Order", exact=True)).to_have_value("name")
    assert "q=visibility" in page.url
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.get_by_label("Order", exact=True)).to_be_hidden()


def test_whoever_watches_an_experiment_that_is_binned_is_told_and_nothing_is_asked_for_in_vain(
    signed_in: Visit, ada: User, actor_ada: Actor, make_experiment: Make
) -> None:
    one = make_experiment(name="resnet")
    page = signed_in(ada, f"/w/lab/e/{one.key}/")
    is_live(page)
    page.wait_for_load_state("networkidle")  # what it asks for at first it may still get

    trash.delete(actor_ada, one)

    expect(page.locator("[data-notices]")).to_contain_text("Somebody moved this experiment to the trash.")
    page.wait_for_timeout(500)  # in which a fragment would have been asked for, and complained of by the console
