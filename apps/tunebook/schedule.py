"""When trials may be started: a daily window."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Self

from tunebook.errors import SpecError
from tunebook.fields import Fields, below, listed

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS: dict[str, frozenset[int]] = {
    "everyday": frozenset(range(7)),
    "weekend": frozenset({5, 6}),
    "workday": frozenset(range(5)),
    **{name: frozenset({number}) for number, name in enumerate(_WEEK)},
}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Schedule:
    """The window in which trials may be started; those that run go on outside it.

    day: "everyday", "weekend", "workday" or a day's English name.
    start, end: `HH:MM` from 00:00 to 23:59, both minutes included. An end before the start reaches into the next
    morning and belongs to the day it began; an equal one means the whole day.

        Schedule("weekend", "22:00", "06:00")
    """

    day: str = "everyday"
    start: str = "00:00"
    end: str = "23:59"

    def __post_init__(self) -> None:
        if self.day not in DAYS:
            raise SpecError("day", f"must be one of {listed(DAYS)}, got {self.day!r}")
        for name in ("start", "end"):
            value = getattr(self, name)
            if not isinstance(value, str) or not _CLOCK.fullmatch(value):
                raise SpecError(name, f"must be a time HH:MM from 00:00 to 23:59, got {value!r}")

    def open_at(self, moment: datetime) -> bool:
        """May a trial be started at this moment, read on the moment's own clock?"""
        return any(start <= moment < end for start, end in self._windows_around(moment))

    def opens_next(self, moment: datetime) -> datetime:
        """The moment itself when the window is open, else when it next opens."""
        if self.open_at(moment):
            return moment
        return min(start for start, _ in self._windows_around(moment) if start > moment)

    def to_dict(self) -> dict[str, Any]:
        """The window as plain JSON."""
        return {"day": self.day, "start": self.start, "end": self.end}

    @classmethod
    def from_dict(cls, document: object, path: str = "schedule") -> Self:
        """Read what `to_dict` wrote. Raises SpecError with the path of what is wrong."""
        fields = Fields(document, path, ("day", "start", "end"))
        day, start, end = (
            fields.word("day", DAYS, "everyday"),
            fields.text("start", "00:00"),
            fields.text("end", "23:59"),
        )
        with below(path):
            return cls(day, start, end)

    def _windows_around(self, moment: datetime) -> list[tuple[datetime, datetime]]:
        """The windows from yesterday's to next week's: enough to hold this moment or the next opening."""
        start, end = _time(self.start), _time(self.end)
        windows = []
        for offset in range(-1, 9):
            day = moment.date() + timedelta(days=offset)
            if day.weekday() in DAYS[self.day]:
                opens = datetime.combine(day, start, moment.tzinfo)
                closes = datetime.combine(day, end, moment.tzinfo) + _MINUTE
                windows.append((opens, closes if end > start else closes + timedelta(days=1) - _whole(start, end)))
        return windows


def _time(text: str) -> time:
    hours, minutes = text.split(":")
    return time(int(hours), int(minutes))


def _whole(start: time, end: time) -> timedelta:
    """What to take off so that equal ends make exactly one day."""
    return _MINUTE if start == end else timedelta(0)
