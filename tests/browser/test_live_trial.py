"""The page of a trial while it runs: only what changes is fetched, and what somebody works in stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import experiments, trials
from apps.workspaces.access import Actor
from tests.browser.sweep import Sweep, address, is_live
from tests.people import a_job
from tunebook.limits import Limits

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sweep(make_experiment: Callable[..., Any]) -> Sweep:
    return Sweep(make_experiment(job=a_job(limits=Limits(max_trials=1000, max_concurrent=1000)), name="resnet"))


def exclude(actor: Actor, sweep: Sweep, number: int, *, excluded: bool = True) -> None:
    one = Experiment.objects.get(key=sweep.lease.key)
    trials.exclude(actor, one, [Trial.objects.get(experiment=one, number=number).key], excluded=excluded)


def test_metrics_appear_while_the_trial_runs_and_the_page_is_not_loaded_again(signed_in, ada: User, sweep: Sweep):
    sweep.begin()
    page: Page = signed_in(ada, address(sweep, "t/0"))
    is_live(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition(sweep.lease.key)[2]))

    sweep.report(0, 1, 0.5)
    expect(page.locator("#metrics")).to_contain_text("0.5")
    sweep.report(0, 2, 0.25)
    expect(page.locator("#metrics")).to_contain_text("0.25")
    sweep.end(0)

    expect(page.locator("#best")).to_be_visible()
    expect(page.locator("#figures")).to_contain_text("rank 1 of 1")
    assert "/t/0/part/metrics" in asked
    assert "/t/0/part/now" in asked
    assert "/t/0" not in asked


def test_what_is_typed_in_a_form_stays_when_the_trial_changes_meanwhile(
    signed_in, ada: User, actor_ada: Actor, sweep: Sweep
):
    sweep.begin()
    sweep.end(0)
    page: Page = signed_in(ada, address(sweep, "t/0"))
    is_live(page)
    menu, why = page.locator("#exclude > summary"), page.get_by_label("Why")
    menu.click()
    why.fill("a broken disk")

    with page.expect_response(re.compile("/part/now")):
        exclude(actor_ada, sweep, 0)
    expect(page.locator("#why")).to_contain_text("Excluded")
    assert why.input_value() == "a broken disk"
    assert why.evaluate("(field) => field === document.activeElement")
    page.get_by_role("heading", name="Trial 0").click()

    expect(page.get_by_role("button", name="Include again")).to_be_visible()


def test_what_was_typed_in_a_menu_is_there_when_it_is_opened_again(
    signed_in, ada: User, actor_ada: Actor, sweep: Sweep
):
    sweep.begin()
    page: Page = signed_in(ada, address(sweep))
    is_live(page)
    limits = page.locator("#change-limits > summary")
    limits.click()
    page.get_by_label("Trials in all").fill("77")
    page.get_by_role("heading", name="resnet").click()

    one = Experiment.objects.get(key=sweep.lease.key)
    with page.expect_response(re.compile("/part/controls")):
        experiments.pause(actor_ada, one)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    limits.click()

    expect(page.get_by_label("Trials in all")).to_have_value("77")


def test_the_logs_appear_when_a_waiting_trial_begins(signed_in, ada: User, actor_ada: Actor, sweep: Sweep):
    one = Experiment.objects.get(key=sweep.lease.key)
    trial = trials.queue(actor_ada, one, {"x": 0.25})
    page: Page = signed_in(ada, address(sweep, "t/0"))
    is_live(page)
    expect(page.get_by_role("heading", name="Output")).to_have_count(0)

    sweep.take(trial)

    expect(page.get_by_role("heading", name="Output")).to_be_visible()
