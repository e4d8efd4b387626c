"""The plain functions of the scripts, run where they run: in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from apps.dashboard.templatetags import figures
from apps.dashboard.templatetags.drawings import curve_points
from apps.dashboard.templatetags.pieces import spark_points
from apps.dashboard.words import STATE_WORDS, css_class, shown
from apps.insights.charts import coded
from tests.browser.stage import Stage
from tunebook.status import ExperimentStatus


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    site = Stage()
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.show("<h1>Nothing</h1>"))
    yield page
    context.close()
    site.close()


def call(page: Page, module: str, function: str, *arguments: Any) -> Any:
    """The answer of an exported function of a module under static/js."""
    script = "async ([module, name, given]) => (await import(`/js/${module}.js`))[name](...given)"
    return page.evaluate(script, [module, function, list(arguments)])


NUMBERS = [
    None, 0, 1, -3, 42, 999_999, 1_000_000, 123_456_789, 0.5, 0.1, 0.0121, 0.01214999, 3.14159, 12345.678, 99999.5, 0.00012345,
    0.000012345, 1e-7, -1e-7, 1.5e9, -2.25, 100.0, 0.30000000000000004,
    1234.5, 12.125, -2.5625, 1_234_500, 0.0123449996, 0.99999951, 999_999.6, "NaN", "Infinity", "-Infinity",
]  # fmt: skip


def test_numbers_read_the_same_from_server_and_browser(page):
    answers = [call(page, "format", "number", value) for value in NUMBERS]

    assert answers == [figures.number(value) for value in NUMBERS]


def test_durations_read_the_same_from_server_and_browser(page):
    seconds = [
        None,
        0,
        0.0002,
        0.0025,
        0.02,
        0.099,
        0.0996,
        0.4,
        0.94,
        0.96,
        14,
        59.4,
        59.6,
        60,
        134,
        3599,
        3600,
        11_520,
        86_399,
        86_400,
        187_200,
    ]

    assert [call(page, "format", "duration", value) for value in seconds] == [
        figures.duration(value) for value in seconds
    ]


def test_states_read_the_same_from_server_and_browser(page):
    asked = [(status.value, desired) for status in ExperimentStatus for desired in ("run", "pause", "drain", "stop")]

    states = [call(page, "words", "shownState", *pair) for pair in asked]

    assert states == [shown(*pair) for pair in asked]
    assert {call(page, "words", "statusClass", state) for state in states} == {css_class(state) for state in states}
    assert [call(page, "words", "statusWords", state) for state in STATE_WORDS] == list(STATE_WORDS.values())


@pytest.mark.parametrize(
    ("pairs", "total"),
    [([], 10), ([[1, 0.5]], 10), ([[1, 0.5], [4, 0.25], [9, 0.125]], 20), ([[2, 3.0], [5, 3.0]], None)],
)
def test_sparklines_are_drawn_the_same_by_server_and_browser(page, pairs, total):
    assert call(page, "sparkline", "sparkPoints", pairs, total) == spark_points(pairs, total)


@pytest.mark.parametrize("points", [[], [[3, 0.5]], [[0, 1.0], [1, 0.25], [7, 0.375]], [[2, 3.0], [5, 3.0]]])
def test_small_curves_are_drawn_the_same_by_server_and_browser(page, points):
    assert call(page, "sparkline", "curvePoints", points) == curve_points(points)


@pytest.mark.parametrize(
    ("low", "high", "count", "texts"),
    [
        (0, 10, 5, ["0", "2", "4", "6", "8", "10"]),
        (0, 1, 4, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (-1, 1, 4, ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        (0, 3e7, 3, ["0", "1e7", "2e7", "3e7"]),
    ],
)
def test_linear_ticks_stand_at_round_places(page, low, high, count, texts):
    assert [tick["text"] for tick in call(page, "charts/scales", "linearTicks", low, high, count)] == texts


def test_log_ticks_stand_at_powers_and_halves_between_them_when_there_is_room(page):
    wide = [tick["text"] for tick in call(page, "charts/scales", "logTicks", 1e-8, 1, 4)]
    narrow = [tick["text"] for tick in call(page, "charts/scales", "logTicks", 0.1, 10, 8)]

    assert wide == ["1e-8", "1e-6", "1e-4", "0.01", "1"]
    assert narrow == ["0.1", "0.2", "0.5", "1", "2", "5", "10"]


def test_time_ticks_are_written_as_people_say_them(page):
    texts = [tick["text"] for tick in call(page, "charts/scales", "timeTicks", 0, 7200, 4)]

    assert texts == ["0", "30 m", "1 h", "1 h 30", "2 h"]


def test_an_axis_stays_while_the_data_fit_and_then_grows_to_a_round_place(page):
    first = call(page, "charts/scales", "grownDomain", None, 0.3, 97, "linear", 5)
    same = call(page, "charts/scales", "grownDomain", first, 0, 99.9, "linear", 5)
    grown = call(page, "charts/scales", "grownDomain", first, 0, 101, "linear", 5)

    assert first == same == [0, 100]
    assert grown[0] == 0 and grown[1] > 101


@pytest.mark.parametrize("kind", ["linear", "log", "time"])
def test_a_value_comes_back_from_its_place_on_the_axis(page, kind):
    script = """async ([kind]) => {
        const { scale } = await import("/js/charts/scales.js");
        const axis = scale(kind, 0.01, 100);
        return [0.01, 0.5, 3, 100].map((value) => axis.value(axis.at(value)));
    }"""

    assert page.evaluate(script, [kind]) == pytest.approx([0.01, 0.5, 3, 100])


def test_what_has_no_place_on_a_log_axis_has_none(page):
    script = """async () => {
        const { scale } = await import("/js/charts/scales.js");
        return [0, -1].map((value) => Number.isNaN(scale("log", 0.1, 10).at(value)));
    }"""

    assert page.evaluate(script) == [True, True]


def test_smoothing_leaves_gaps_and_starts_at_the_first_value(page):
    smoothed = call(page, "charts/curves", "smooth", [4.0, None, 2.0, 2.0], 0.5)

    assert smoothed[0] == 4 and smoothed[1] is None and 2 < smoothed[3] < smoothed[2] < 4


def test_csv_quotes_text_and_disarms_formulas(page):
    text = call(page, "charts/tools", "csv", [["series", "x"], ['=cmd|"a"', 1.5], ["plain", None]])

    assert text == '"series","x"\r\n"\'=cmd|""a""",1.5\r\n"plain",\r\n'


def test_the_wait_before_reconnecting_lies_between_half_a_second_and_half_a_minute(page):
    waits = [call(page, "live/socket", "backOff", attempt, luck) for attempt in (0, 3, 50) for luck in (0, 1)]

    assert waits == pytest.approx([0.5, 1, 0.5, 8, 0.5, 30])


@pytest.mark.parametrize(
    ("kind", "payload", "sentence"),
    [
        (
            "trial",
            {"number": 48, "status": "FINISHED", "value": 0.0121, "best": True},
            "Trial 48 succeeded, 0.0121, new best",
        ),
        ("trial", {"number": 3, "status": "FAILED", "value": None}, "Trial 3 failed"),
        ("trial", {"number": 3, "status": "RUNNING", "value": None}, ""),
        ("experiment", {"name": "resnet", "status": "FINISHED"}, "resnet: succeeded"),
    ],
)
def test_what_is_said_aloud_of_an_event(page, kind, payload, sentence):
    assert call(page, "live/page", "sentenceOf", kind, payload) == sentence


def test_names_that_begin_alike_are_told_apart(page):
    blocks = ["encoder.block_1.dropout", "encoder.block_10.dropout", "lr"]

    assert [call(page, "charts/names", "telling", name, blocks) for name in blocks] == [
        "…block_1.dropout",
        "…block_10.dropout",
        "lr",
    ]


def test_long_names_of_one_scheme_are_told_apart_behind_the_last_of_its_marks(page):
    names = ["parameter_number_14_of_many", "parameter_number_145_of_many", "parameter_number_2_of_many"]

    assert [call(page, "charts/names", "telling", name, names) for name in names] == [
        "…14_of_many",
        "…145_of_many",
        "…2_of_many",
    ]


def test_columns_that_come_as_steps_are_read_back(page):
    column = {"number": [0, 1, 5, 6], "ended": [4.1, None, 9.3, 86_400.7], "cost": [4.1, None, 0.2, 86_400.7]}

    answer = call(page, "charts/coding", "decoded", coded({"chart": "history", "value": [1.5, None], **column}))

    assert answer == {"chart": "history", "value": [1.5, None], **column}
