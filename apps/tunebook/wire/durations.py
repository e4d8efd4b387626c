"""ISO 8601 durations: `PT2H` is 7200 seconds."""

import re

from tunebook.errors import SpecError
from tunebook.fields import Fields

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_SECONDS = {"weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
LONGEST = 366 * 86_400


def read(fields: Fields, name: str) -> float | None:
    """The seconds of a member, or None when it is absent. Raises SpecError for anything but a duration above 0."""
    text = fields.optional_text(name)
    if text is None:
        return None
    seconds = seconds_of(text)
    if seconds is None:
        raise SpecError(fields.at(name), f"must be an ISO 8601 duration like PT2H or PT90M, got {text!r:.40}")
    if not 1 <= seconds <= LONGEST:
        raise SpecError(fields.at(name), f"must be from 1 second to 366 days, got {text:.40}")
    return seconds


def seconds_of(text: str) -> float | None:
    """The seconds of a duration; None when it is none. Years and months have no fixed length and are not read."""
    found = _DURATION.fullmatch(text.strip().upper())
    parts = {unit: amount for unit, amount in found.groupdict().items() if amount} if found else {}
    if not parts or text.strip().upper().endswith("T"):
        return None
    return sum(float(amount) * _SECONDS[unit] for unit, amount in parts.items())


def text_of(seconds: float) -> str:
    """The duration with whole seconds, as hours, minutes and seconds: 5400 is PT1H30M."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    date = f"{days}D" if days else ""
    parts = ((hours, "H"), (minutes, "M"), (rest, "S"))
    time = "".join(f"{amount}{unit}" for amount, unit in parts if amount)
    return f"P{date}T{time}" if time else f"P{date}" if date else "PT0S"
