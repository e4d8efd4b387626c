"""The window in which trials may be started. 2024-03-08 is a Friday."""

from datetime import UTC, datetime

import pytest

from tunebook import SpecError
from tunebook.schedule import Schedule


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "moment", "is_open"),
    [
        (Schedule(), "2024-03-08T00:00", True),
        (Schedule(), "2024-03-08T23:59:59", True),
        (Schedule("everyday", "09:00", "17:30"), "2024-03-08T08:59:59", False),
        (Schedule("everyday", "09:00", "17:30"), "2024-03-08T09:00", True),
        (Schedule("everyday", "09:00", "17:30"), "2024-03-08T17:30:59", True),
        (Schedule("everyday", "09:00", "17:30"), "2024-03-08T17:31", False),
        (Schedule("everyday", "22:00", "06:00"), "2024-03-08T23:00", True),
        (Schedule("everyday", "22:00", "06:00"), "2024-03-09T05:00", True),
        (Schedule("everyday", "22:00", "06:00"), "2024-03-09T12:00", False),
        (Schedule("weekend"), "2024-03-08T12:00", False),
        (Schedule("weekend"), "2024-03-09T00:00", True),
        (Schedule("weekend", "22:00", "06:00"), "2024-03-11T05:00", True),
        (Schedule("weekend", "22:00", "06:00"), "2024-03-09T05:00", False),
        (Schedule("friday", "08:00", "08:00"), "2024-03-09T07:59", True),
        (Schedule("friday", "08:00", "08:00"), "2024-03-09T08:00", False),
        (Schedule("workday"), "2024-03-10T12:00", False),
    ],
)
def test_a_window_is_open_from_its_first_to_its_last_minute(schedule, moment, is_open):
    assert schedule.open_at(at(moment)) is is_open


@pytest.mark.parametrize(
    ("schedule", "moment", "opens"),
    [
        (Schedule(), "2024-03-08T12:34:56", "2024-03-08T12:34:56"),
        (Schedule("everyday", "09:00", "17:00"), "2024-03-08T08:00", "2024-03-08T09:00"),
        (Schedule("everyday", "09:00", "17:00"), "2024-03-08T18:00", "2024-03-09T09:00"),
        (Schedule("weekend", "10:00", "11:00"), "2024-03-10T12:00", "2024-03-16T10:00"),
        (Schedule("friday", "08:00", "09:00"), "2024-03-08T10:00", "2024-03-15T08:00"),
    ],
)
def test_the_next_opening_is_told(schedule, moment, opens):
    assert schedule.opens_next(at(moment)) == at(opens)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (("never",), "day"),
        (("everyday", "24:00"), "start"),
        (("everyday", "8"), "start"),
        (("everyday", "08:00", "8:60"), "end"),
    ],
)
def test_what_is_no_window_is_refused_by_name(given, path):
    with pytest.raises(SpecError) as refused:
        Schedule(*given)

    assert refused.value.path == path


def test_a_window_comes_back_from_its_document():
    schedule = Schedule("weekend", "22:00", "06:00")

    assert Schedule.from_dict(schedule.to_dict()) == schedule


def test_a_wrong_document_is_refused_with_its_path():
    with pytest.raises(SpecError) as refused:
        Schedule.from_dict({"start": "25:00"}, "schedule")

    assert refused.value.path == "schedule.start"
