"""Tags of a job: those that our tags can hold are tags of the experiment, the others are kept beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from apps.tags.models import MAX_TAGS, checked
from tunebook.errors import SpecError

EXPERIMENT = "experiment"
"""The key of the tag that holds a job's experimentName, by which jobs are gathered and found."""

UNNAMED = "Default"
"""Where jobs without an experimentName belong."""


def parted(tags: Mapping[str, str], experiment: str) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """The pairs that become tags of ours, the experiment's first if it has a name of its own, and the rest."""
    ours = [(EXPERIMENT, experiment)] if experiment not in ("", UNNAMED) and _fits(EXPERIMENT, experiment) else []
    rest: dict[str, str] = {}
    for key, value in tags.items():
        if key != EXPERIMENT and len(ours) < MAX_TAGS and _fits(key, value):
            ours.append((key, value))
        else:
            rest[key] = value
    return tuple(ours), rest


def joined(ours: Iterable[tuple[str, str]], rest: Mapping[str, str]) -> dict[str, str]:
    """The tags of a job again."""
    return {key: value for key, value in ours if key != EXPERIMENT} | dict(rest)


def _fits(key: str, value: str) -> bool:
    try:
        checked([(key, value)])
    except SpecError:
        return False
    return True
