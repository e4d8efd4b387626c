"""Ask: let the sampler suggest, outside any transaction. Suggestions wait in memory until a slot is free."""

from __future__ import annotations

from statistics import median

from apps.optimizer.work import Work
from tunebook.samplers.plugin import PluginFailed

AHEAD_BELOW = 1.0
"""Seconds: where trials are shorter, suggestions are asked ahead, without the very last results."""
INDEPENDENT = frozenset({"random", "sobol", "grid"})
BATCH = 16


class SamplerFailed(Exception):
    """The sampler raised an error; the text says which."""


def ask(work: Work, count: int) -> bool:
    """Ask for `count` more; whether there is anything new to act on: a suggestion, or that there will be none."""
    history = work.foreseen()
    try:
        found = work.sampler.ask(history, count)
        done = not found and work.sampler.exhausted(history)
    except PluginFailed as error:
        raise SamplerFailed(str(error)) from error
    except Exception as error:
        raise SamplerFailed(f"{type(error).__name__}: {error}") from error
    work.suggestions += found
    work.is_exhausted = work.is_exhausted or done
    if not work.is_thinking:
        work.asks_in_vain = not (found or done)
    return bool(found) or done


def ask_ahead(work: Work, durations: list[float]) -> None:
    """Have suggestions ready where waiting for the last result would gain nothing or cost more than it brings.

    Who runs one trial at a time wants each to learn from all before it, and the same course each time.
    """
    if work.is_exhausted or work.closing is not None or work.has_ended:
        return
    most = work.job.limits.max_trials
    left = BATCH if most is None else most - len(work.views) - len(work.suggestions)
    wanted = min(work.job.limits.max_concurrent, BATCH)
    if len(work.suggestions) >= wanted or left <= 0:
        return
    if work.sampler.name in INDEPENDENT:
        ask(work, min(BATCH, left))
    elif work.job.limits.max_concurrent > 1 and len(durations) >= 3 and median(durations) < AHEAD_BELOW:
        ask(work, min(wanted - len(work.suggestions), left))
