"""Charts as a visitor meets them: drawn, walked by keyboard, zoomed, saved, live, and in words when there is nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.yardstick import slowness

SHIFT = """(within) => new Promise((done) => {
    let sum = 0;
    const isWithin = ({ node }) => (node?.closest ? node : node?.parentElement)?.closest(within) ?? node?.querySelector?.(within);
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) sum += entry.sources.some(isWithin) ? entry.value : 0;
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => done(sum), 100);
})"""


def a_history(count: int = 12, **changes: Any) -> dict[str, Any]:
    return {
        "chart": "history",
        "goal": "minimize",
        "metric": "loss",
        "started": "2025-11-20T10:00:00Z",
        "max_trials": 20,
        "number": list(range(count)),
        "statuses": ["FAILED", "FINISHED"],
        "status": [0 if number == 3 else 1 for number in range(count)],
        "value": [None if number == 3 else 10.0 - number / 2 for number in range(count)],
        "ended": [60.0 * (number + 1) for number in range(count)],
        **changes,
    }


def a_figure(payload: dict[str, Any] | None = None, *, name: str = "history", attributes: str = "") -> str:
    block = f'<script type="application/json">{json.dumps(payload)}</script>' if payload else ""
    return (
        f'<figure class="chart" data-chart="{name}" data-empty="No trial has finished yet." {attributes}>'
        f"<figcaption><h2>Progress</h2></figcaption><div class='chart-frame'><p>Needs scripts.</p></div>{block}</figure>"
    )


def is_drawn(page: Page) -> bool:
    script = """() => {
        const canvas = document.querySelector(".chart-stage canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.some((part) => part > 0);
    }"""
    return bool(page.evaluate(script))


def happen(page: Page, kind: str, payload: dict[str, Any], stream: str = "exp:k") -> None:
    script = "(detail) => document.dispatchEvent(new CustomEvent('tb:event', { detail }))"
    page.evaluate(script, {"stream": stream, "kind": kind, "payload": payload})


def show(stage: Any, open_page: Any, figure: str, **options: Any) -> Page:
    page: Page = open_page(stage.show(figure), **options)
    return page


def test_a_history_is_drawn_with_its_words_and_nothing_on_the_page_moves(stage, open_page):
    page = show(stage, open_page, a_figure(a_history()))
    chart = page.get_by_role("application")

    expect(chart).to_have_attribute(
        "aria-label", "Progress. 12 trials, 11 succeeded; best 4.5 in trial 11. Arrow keys walk the points."
    )
    assert is_drawn(page)
    assert page.evaluate(SHIFT, "body") == 0


def test_arrow_keys_walk_the_points_and_say_them(stage, open_page):
    page = show(stage, open_page, a_figure(a_history()))
    page.get_by_role("application").focus()

    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")

    expect(page.locator(".chart-words")).to_have_text("Trial 10: Succeeded\nloss 5\nended after 11 m 0 s")


def test_a_point_leads_to_its_trial(stage, open_page):
    stage.show("<h1>Trial two</h1>", path="/t/2")
    page = show(stage, open_page, a_figure(a_history(), attributes='data-href="/t/{number}"'))
    page.get_by_role("application").focus()

    for key in ("Home", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)

    expect(page.get_by_role("heading", name="Trial two")).to_be_visible()


def test_dragging_zooms_and_new_points_outside_are_counted_until_it_is_reset(stage, open_page):
    page = show(stage, open_page, a_figure(a_history(), attributes='data-stream-of="exp:k"'))
    box = page.locator(".chart-stage").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2

    page.mouse.move(box["x"] + 100, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, y, steps=4)
    page.mouse.up()
    happen(page, "trial", {"number": 12, "status": "FINISHED", "value": 3.0, "ended": "2025-11-20T10:20:00Z"})

    expect(page.locator(".chart-note")).to_have_text("1 new point outside view")
    page.get_by_role("button", name="Reset zoom").click()
    expect(page.locator(".chart-note")).to_be_hidden()
    expect(page.get_by_role("button", name="Reset zoom")).to_be_hidden()


def test_live_trials_join_the_drawing_without_moving_the_page(stage, open_page):
    page = show(stage, open_page, a_figure(a_history(), attributes='data-stream-of="exp:k"'))
    expect(page.get_by_role("application")).to_have_attribute("aria-label", _containing("12 trials"))

    for number in range(12, 60):
        happen(page, "trial", {"number": number, "status": "FINISHED", "value": 1 / number, "ended": None})
    happen(page, "trial", {"number": 99, "status": "FINISHED", "value": 0.0, "ended": None}, stream="exp:other")

    expect(page.get_by_role("application")).to_have_attribute("aria-label", _containing("60 trials, 59 succeeded"))
    assert page.evaluate(SHIFT, "body") == 0


def test_curves_grow_by_live_metrics(stage, open_page):
    payload = {
        "chart": "curves",
        "goal": "maximize",
        "metric": "accuracy",
        "best": None,
        "best_value": None,
        "trials": [],
    }
    page = show(stage, open_page, a_figure(payload, name="curves", attributes='data-stream-of="exp:k"'))
    expect(page.get_by_text("No trial has finished yet.")).to_be_visible()

    for step in range(1, 4):
        happen(page, "metrics", {"trial": 0, "step": step, "value": step / 10})
    happen(page, "trial", {"number": 0, "status": "FINISHED", "value": 0.3})

    expect(page.get_by_text("No trial has finished yet.")).to_be_hidden()
    expect(page.get_by_role("application")).to_have_attribute("aria-label", _containing("1 curve; the best is trial 0"))


@pytest.mark.parametrize("frames", ["drawn", "not yet drawn"])
def test_one_trials_curve_stands_beside_the_best_and_the_median(stage, open_page, frames):
    line = {"step": [1, 2], "value": [1.0, 0.5]}
    payload = {
        "chart": "curve", "number": 7, "goal": "minimize", "metric": "loss",
        "this": line, "median": line, "best": {**line, "number": 3},
    }  # fmt: skip
    page: Page = open_page()
    if frames == "not yet drawn":
        page.add_init_script("window.requestAnimationFrame = () => 1;")
    page.goto(stage.show(a_figure(payload, name="curve")))
    page.get_by_role("application").focus()

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")

    expect(page.locator(".chart-words")).to_contain_text("best (trial 3)")


def test_parallel_coordinates_say_what_is_not_active(stage, open_page):
    payload = {
        "axes": [
            {"name": "lr", "scale": "log", "min": 0.001, "max": 0.1},
            {"name": "optimizer", "scale": "category", "values": ["adam", "sgd"]},
            {"name": "momentum", "scale": "linear", "min": 0, "max": 1},
        ],
        "rows": [[0.01, "adam", None], [0.1, "sgd", 0.9]],
        "value": None,
        "number": None,
    }
    page = show(stage, open_page, a_figure(payload, name="parallel"))
    page.get_by_role("application").focus()

    page.keyboard.press("ArrowRight")

    expect(page.locator(".chart-words")).to_have_text("Suggestion 1\nlr: 0.01\noptimizer: adam\nmomentum: not active")
    assert is_drawn(page)


def test_parallel_coordinates_without_a_trial_are_words_alone(stage, open_page):
    axes = [{"name": "x", "scale": "linear", "min": 0, "max": 1}]
    payload = {
        "chart": "sample",
        "axes": axes,
        "rows": [],
        "value": [],
        "number": [],
        "goal": "minimize",
        "metric": "loss",
    }

    page = show(stage, open_page, a_figure(payload, name="parallel"))

    expect(page.get_by_text("No trial has finished yet.")).to_be_visible()
    expect(page.get_by_role("application")).to_have_count(0)


def test_a_finger_reads_a_line_of_parallel_coordinates_and_brushes_along_an_axis(stage, open_page):
    payload = {
        "axes": [{"name": name, "scale": "linear", "min": 0, "max": 1} for name in ("a", "b", "c", "d", "e", "f")],
        "rows": [[0.5] * 6, [0.9] * 6],
        "value": None,
        "number": None,
    }
    page = show(
        stage, open_page, a_figure(payload, name="parallel"), viewport={"width": 390, "height": 700}, has_touch=True
    )
    frame, chart = page.locator(".chart-frame"), page.get_by_role("application")
    box = chart.bounding_box()
    assert frame.evaluate("frame => frame.scrollWidth - frame.clientWidth") == 0  # six axes fit beside each other
    top, bottom = 44, box["height"] - 40
    middle = box["y"] + (top + bottom) / 2

    page.touchscreen.tap(box["x"] + box["width"] / 2 - 12, middle)
    expect(page.locator(".chart-tip")).to_contain_text("Suggestion 1")

    cdp, x = page.context.new_cdp_session(page), box["x"] + 28
    for kind, y in (("touchStart", middle - 30), ("touchMove", middle), ("touchMove", middle + 30), ("touchEnd", None)):
        points = [] if y is None else [{"x": x, "y": y}]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    expect(page.locator(".chart-words")).to_have_text("1 of 2 rows kept")


def test_a_distribution_counts_its_results_in_words(stage, open_page):
    one = {"chart": "edf", "goal": "minimize", "metric": "loss", "total": 1, "value": [0.5], "share": [1.0]}

    page = open_page(stage.show(a_figure(one, name="edf")))
    expect(page.get_by_role("application", name="1 result; half are at most 0.5.")).to_be_visible()

    page.goto(stage.show(a_figure({**one, "total": 16053}, name="edf")))
    expect(page.get_by_role("application", name="16,053 results; half are at most 0.5.")).to_be_visible()


def test_nothing_to_draw_is_said_in_words(stage, open_page):
    page = show(stage, open_page, a_figure(a_history(0)))

    expect(page.get_by_text("No trial has finished yet.")).to_be_visible()


@pytest.mark.parametrize("value", ["NaN", "Infinity", None])
def test_a_history_without_one_finite_value_is_said_in_words_too(stage, open_page, value):
    page = show(stage, open_page, a_figure(a_history(2, value=[value, value], status=[1, 1])))

    expect(page.get_by_text("No trial has finished yet.")).to_be_visible()


def test_a_chart_that_cannot_be_loaded_says_why_and_can_be_tried_again(stage, open_page):
    page = show(stage, open_page, a_figure(attributes='data-src="/data.json"'))
    expect(page.get_by_text("This chart could not be drawn.")).to_contain_text("not here any more")
    open_page.complaints.clear()  # the browser itself reports the 404

    stage.answer("/data.json", a_history())
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("application")).to_have_attribute("aria-label", _containing("12 trials"))


def test_a_chart_that_is_far_away_says_when_it_is_drawn(stage, open_page):
    page = show(stage, open_page, "<p>Not yet.</p>" * 200 + a_figure(a_history()))

    expect(page.get_by_text("Drawn when it comes into view.")).to_be_attached()

    page.locator("figure").scroll_into_view_if_needed()
    expect(page.locator("figure[data-drawn]")).to_be_visible()
    expect(page.get_by_text("Drawn when it comes into view.")).to_have_count(0)


def test_numbers_and_picture_can_be_saved(stage, open_page):
    page = show(stage, open_page, a_figure(a_history(2)))

    with page.expect_download() as table:
        page.get_by_label("Progress: more").click()
        page.get_by_role("button", name="Save CSV").click()
    with page.expect_download() as picture:
        page.get_by_label("Progress: more").click()
        page.get_by_role("button", name="Save picture").click()

    assert table.value.path().read_text() == '\ufeff"series","trial","loss"\n"trials",0,10\n"trials",1,9.5\n'
    assert table.value.suggested_filename == "progress.csv"
    assert picture.value.path().read_bytes().startswith(b"\x89PNG")


def test_a_theme_chosen_by_hand_is_drawn_at_once(stage, open_page):
    page = show(stage, open_page, a_figure(a_history()), color_scheme="light")
    expect(page.get_by_role("application")).to_have_attribute("aria-label", _containing("12 trials"))
    sample = "() => document.querySelector('.chart-stage canvas').toDataURL()"
    before = page.evaluate(sample)

    page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")

    page.wait_for_function(f"(before) => ({sample})() !== before", arg=before)


def test_ten_thousand_points_are_drawn_within_a_second(stage, open_page):
    page = show(stage, open_page, a_figure(a_history(10_000, max_trials=None)))
    expect(page.get_by_role("application")).to_have_attribute("aria-label", _containing("10,000 trials"))

    script = """() => new Promise((done) => {
        const start = performance.now();
        document.documentElement.dataset.theme = "dark";
        requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start))));
    })"""

    slow = slowness(page)
    took = page.evaluate(script)
    assert took < 1_000 * max(slow, slowness(page))


def _containing(words: str) -> Any:
    return re.compile(re.escape(words))


def test_a_chart_of_some_trials_asks_for_its_numbers_again_and_keeps_its_zoom(stage, open_page):
    stage.answer("/data.json", a_history())
    figure = a_figure(attributes='data-src="/data.json?q=status:succeeded" data-stream-of="exp:k"')
    page = show(stage, open_page, figure)
    chart = page.get_by_role("application")
    expect(chart).to_have_attribute("aria-label", _containing("12 trials"))
    chart.focus()
    page.keyboard.press("+")

    stage.answer("/data.json", a_history(14))
    happen(page, "trial", {"number": 12, "status": "FAILED", "value": None, "ended": None})

    expect(chart).to_have_attribute("aria-label", _containing("14 trials"))
    expect(page.get_by_role("button", name="Reset zoom")).to_be_visible()


def test_a_gap_in_the_feed_makes_a_chart_ask_again_at_once(stage, open_page):
    stage.answer("/data.json", a_history())
    page = show(stage, open_page, a_figure(attributes='data-src="/data.json" data-stream-of="exp:k"'))
    expect(page.get_by_role("application")).to_have_attribute("aria-label", _containing("12 trials"))

    stage.answer("/data.json", a_history(15))
    page.evaluate("() => document.dispatchEvent(new CustomEvent('tb:reload'))")

    expect(page.get_by_role("application")).to_have_attribute("aria-label", _containing("15 trials"))
