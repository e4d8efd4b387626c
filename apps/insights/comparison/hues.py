"""The colour of each thing that is compared: its own wherever it appears, whatever stands beside it where that can be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

HUES = 8
"""Hues of the chart palette; static/js/charts/theme.js knows them as hue1 to hue8."""


@dataclass(frozen=True)
class Look:
    """A hue from 1 to 8, and whether the line is dashed because a solid one has the hue already."""

    hue: int
    dashed: bool = False


def looks(keys: Iterable[str]) -> dict[str, Look]:
    """A look for each key, from the key itself; who comes later to a taken one gets the next that is free.

    So another one behind them changes no colour, and one taken away only those that had to give way to it.
    """
    free = [Look(hue, dashed) for dashed in (False, True) for hue in range(1, HUES + 1)]
    found: dict[str, Look] = {}
    for key in dict.fromkeys(keys):
        start = crc32(key.encode()) % HUES
        ranked = sorted(free, key=lambda look: (look.dashed, (look.hue - 1 - start) % HUES))
        found[key] = ranked[0] if ranked else Look(start + 1, True)
        if ranked:
            free.remove(ranked[0])
    return found
