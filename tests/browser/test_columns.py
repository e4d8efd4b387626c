"""Columns of the table of trials are made wider and narrower, and stay so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from apps.experiments.models import Experiment
from tests.browser.accessibility import problems
from tests.browser.test_charts import SHIFT
from tests.dashboard.trials import with_trials
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, Uniform

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

Visit = Callable[..., Page]
WIDTHS = "() => [...document.querySelectorAll('.trials thead th')].map((one) => Math.round(one.getBoundingClientRect().width))"
X, KIND = 4, 5
"""The places of two columns: tick, trial, status and loss stand before them."""


@pytest.fixture
def page(signed_in: Visit, ada: User, make_experiment: Callable[..., Experiment]) -> Page:
    one = make_experiment(job=a_job(space=Space({"x": Uniform(0.0, 1.0), "kind": Choice(["a", "b"])})))
    with_trials(one, *["FINISHED"] * 12, params={"x": 0.123456789, "kind": "a"})
    return signed_in(ada, f"/w/lab/e/{one.key}/trials")


def grip(page: Page, name: str) -> Any:
    page.locator(".trials thead").hover()
    return page.get_by_role("separator", name=f"Width of {name}")


def test_a_column_is_dragged_and_is_as_wide_on_the_next_visit(page: Page) -> None:
    before = page.evaluate(WIDTHS)
    box = grip(page, "x").bounding_box()

    page.mouse.move(box["x"] + 3, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 63, box["y"] + 10, steps=5)
    page.mouse.up()

    after = page.evaluate(WIDTHS)
    assert after[X] == pytest.approx(before[X] + 60, abs=2)
    assert after[:X] == pytest.approx(before[:X], abs=1)
    page.reload()
    page.wait_for_load_state("networkidle")
    assert page.evaluate(WIDTHS) == pytest.approx(after, abs=1)
    # a page comes in pieces on a slow machine; columns that jump by 60 pixels shift some 0.01
    assert page.evaluate(SHIFT, ".trials") < 1e-3
    assert not problems(page)


def test_arrow_keys_and_a_double_click_do_the_same(page: Page) -> None:
    before = page.evaluate(WIDTHS)
    grip(page, "kind").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)

    wide = page.evaluate(WIDTHS)
    assert wide[KIND] == pytest.approx(before[KIND] + 80, abs=2)
    expect(grip(page, "kind")).to_have_attribute("aria-valuenow", str(wide[KIND]))
    grip(page, "x").focus()
    page.keyboard.press("ArrowRight")
    grip(page, "kind").dblclick()
    assert page.evaluate(WIDTHS)[KIND] == pytest.approx(before[KIND], abs=2)
    grip(page, "x").focus()
    page.keyboard.press("Delete")

    assert page.evaluate(WIDTHS) == pytest.approx(before, abs=1)
    expect(page.locator(".trials.sized")).to_have_count(0)
    assert [one for one in page.context.cookies() if one["name"] == "widths"] == []


def test_a_column_is_never_narrower_than_can_be_seen(page: Page) -> None:
    grip(page, "kind").focus()
    for _ in range(40):
        page.keyboard.press("Shift+ArrowLeft")

    assert page.evaluate(WIDTHS)[KIND] == 48
