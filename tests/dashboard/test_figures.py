from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.dashboard.templatetags.figures import (
    aligned,
    brief,
    column_digits,
    count,
    duration,
    isolated,
    metric,
    number,
    since,
    words,
)
from apps.dashboard.templatetags.pieces import spark_points
from apps.insights.charts.numbers import short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (12346, "12346"),
        (0.0121, "0.0121"),
        (3.14159, "3.142"),
        (-0.5, "-0.5"),
        (12345.678, "12346"),
        (0.0000123456, "1.235e-5"),
        (12_000_000, "1.2e7"),
        ("NaN", "NaN"),
        ("-Infinity", "-∞"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        ("adam", "adam"),
        (True, "True"),
    ],
)
def test_a_number_has_four_digits_that_tell(value: object, text: str) -> None:
    assert number(value) == text


def test_a_count_that_nobody_reads_is_told_by_its_size() -> None:
    assert [count(12345), count(10**15 - 1)] == ["12,345", "999,999,999,999,999"]
    assert [count(3 * 10**20), count(10**5000)] == ["about 10^20", "about 10^5000"]


def test_a_column_has_as_many_decimals_as_its_spread_needs() -> None:
    assert column_digits([0.5012, 0.5034, 0.5099]) == 6
    assert column_digits([1, 2, 300]) == 0
    assert column_digits([None, float("nan")]) is None
    assert column_digits([9.7e-6, 4.8e-10]) is None
    assert aligned(0.5, 4) == "0.5000"
    assert aligned(1e-9, 4) == "1e-9"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.0002, "1 ms"),
        (0.02, "20 ms"),
        (0.4, "0.4 s"),
        (14, "14 s"),
        (134, "2 m 14 s"),
        (11_520, "3 h 12 m"),
        (187_200, "2 d 4 h"),
    ],
)
def test_a_duration_has_two_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=2), "now"),
        (timedelta(seconds=14), "14 s ago"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(days=5), "5 d ago"),
        (timedelta(days=31), "2026-01-01"),
    ],
)
def test_times_are_relative_until_a_month_has_passed(age: timedelta, text: str) -> None:
    now = datetime(2026, 2, 1, tzinfo=UTC)

    assert since(now - age, now) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("loss", "loss"),
        ("val/acc@5", "val/acc@5"),
        (r"loss=([0-9.]+)", "loss"),
        (r".*validation accuracy: (\d+)", "validation accuracy"),
        (r"(\d+)", r"(\d+)"),
    ],
)
def test_a_metric_that_is_a_pattern_is_called_by_its_word(name: str, text: str) -> None:
    assert metric(name) == text


def test_parameters_are_written_in_full() -> None:
    assert words(0.00441035436) == "0.00441035436"
    assert words(True) == "true"
    assert words(None) == "null"
    assert words({"_name": "svm", "C": 1}) == "svm"


def test_a_sparkline_steps_from_left_to_right() -> None:
    points = spark_points([[1, 0.5], [3, 0.2]], total=5)

    assert points == "0.0,1.0 40.0,1.0 40.0,19.0 80,19.0"


def test_a_sparkline_of_nothing_is_empty_and_of_one_value_is_level() -> None:
    assert spark_points([]) == ""
    assert spark_points([[4, 0.3]]) == "0.0,10.0 80,10.0"


def test_a_value_at_a_glance_has_four_digits_and_words_stay_words() -> None:
    assert brief(0.00441035436) == "0.00441"
    assert brief(12_345_678) == "12345678"
    assert brief({"_name": "svm", "C": 1}) == "svm"


@pytest.mark.parametrize("value", [0.0123449996, 1234.5, 12.125, 0.081275, 1 / 3, 123456.7, 9.99999999e-5])
def test_a_number_reads_the_same_as_the_six_digits_of_it_that_a_chart_gets(value: float) -> None:
    assert number(value) == number(short(value))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("resnet", "resnet"),
        ("ümlaut 日本", "ümlaut 日本"),
        ("a\u202egnp.exe", "\u2068a\u202egnp.exe\u2069"),
        ("שלום", "\u2068שלום\u2069"),
    ],
)
def test_a_name_that_turns_the_direction_of_writing_is_isolated(name: str, shown: str) -> None:
    assert isolated(name) == shown
