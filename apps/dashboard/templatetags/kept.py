"""What a trial has left behind, for its page: files and words."""

from __future__ import annotations

from collections import defaultdict

from django import template

from apps.artifacts import artifacts, remarks
from apps.artifacts.artifacts import Entry
from apps.experiments.models import Experiment
from apps.trials.models import Trial

register = template.Library()

UNITS = ("bytes", "kB", "MB", "GB")
MOST_SHOWN = 200


@register.simple_tag
def kept_files(experiment: Experiment, trial: Trial) -> list[Entry]:
    """The files and folders of a trial. One query."""
    return artifacts.listing(experiment, trial)


@register.simple_tag
def logged(trial: Trial) -> dict[str, list[tuple[str, str]]]:
    """The parameters and tags that the script has written down, by kind. One query."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in remarks.of([trial.pk], remarks.PARAM, remarks.TAG)[:MOST_SHOWN]:
        found[row.kind].append((row.name, row.text))
    return dict(found)


@register.filter
def bytes_in_words(size: int) -> str:
    """1 byte, 12 bytes, 3.4 kB, 120 MB."""
    if size == 1:
        return "1 byte"
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {UNITS[unit]}" if unit == 0 or value >= 99.5 else f"{value:.3g} {UNITS[unit]}"


@register.filter
def last_part(path: str) -> str:
    """The name of a file or folder in its folder."""
    return path.rpartition("/")[2]
