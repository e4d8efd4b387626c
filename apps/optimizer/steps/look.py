"""Look: what has become of the open attempts, and what they have measured. Reads processes and files.

Writes nothing but what an ended attempt leaves behind: until its outputs are kept, an attempt counts as running.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from apps.optimizer import readings
from apps.optimizer.executors.base import State
from apps.optimizer.readings import ReadingError, Request
from apps.optimizer.steps.keep import outputs_are_kept
from apps.optimizer.work import Live, Work, now
from apps.trials.models import Attempt
from apps.tuning.measuring import MAX_POINTS, TOO_MANY_POINTS

LOOK_EVERY = 0.2
"""Seconds between two looks at the files of an attempt that nobody has announced news of."""


def look(work: Work, *, announced: bool) -> None:
    """Poll the executor and read new measurements. `announced`: somebody has poked us, so look at every file."""
    launched = [live for live in work.live.values() if live.handle is not None and not live.has_ended]
    observed = work.place.executor.poll([live.handle for live in launched if live.handle is not None])
    for live, observation in zip(launched, observed, strict=True):
        live.observation = observation
        if observation.has_ended and not outputs_are_kept(work, live):
            live.observation = replace(observation, state=State.RUNNING)
            live.next_look = now() + LOOK_EVERY
            continue
        if announced or observation.has_ended or now() >= live.next_look:
            live.next_look = now() + LOOK_EVERY
            read(work, live)


def read(work: Work, live: Live) -> None:
    """Take in what an attempt has measured since the last look; what cannot be read at all fails the attempt."""
    if live.is_full:
        return
    ended = live.has_ended
    folder = work.folder(live.attempt)
    request = Request(
        type=work.job.readings.type,
        folder=folder,
        work=work.work_folder(live.attempt) if work.job.readings.sources else Path(folder),
        metrics=[metric.name for metric in work.job.objective.metrics],
        sources=sources(work, live.attempt),
        offsets=live.offsets,
        final=ended,
        earlier=_earlier(work, live),
        table_url=work.place.table_url,
    )
    try:
        found, offsets = readings.read(request)
        live.fresh += found
        # one reading takes some MiB; the values that count may stand behind many that say nothing
        while ended and offsets != live.offsets:
            live.offsets = offsets
            if len(live.fresh) > MAX_POINTS - live.trial.point_count:
                live.is_full = True
                live.notes.append(TOO_MANY_POINTS)
                break
            found, offsets = readings.read(request.with_offsets(offsets))
            live.fresh += found
    except (ReadingError, OSError) as error:
        refuse(work, live, str(error))
        return
    live.offsets = offsets


def _earlier(work: Work, live: Live) -> list[str]:
    """The folders of the attempts that an attempt goes on from."""
    if not work.job.command.resume:
        return []
    numbers = range(1, live.attempt.number)
    return [work.folder(Attempt(trial=live.attempt.trial, number=number)) for number in numbers]


def sources(work: Work, attempt: Attempt) -> list[str]:
    """Where an attempt's metrics are read, every placeholder filled."""
    named = work.job.readings.sources
    if not any("$" in source or work.job.command.literals for source in named):
        return list(named)
    values = work.variables(attempt)
    return [values.fill(source) for source in named]


def refuse(work: Work, live: Live, message: str) -> None:
    """Give up an attempt whose metrics cannot be read: stop it if it lives, and say why at its end."""
    live.trouble = message
    if live.handle is not None and not live.has_ended:
        work.place.executor.stop(live.handle, work.job.command.grace)
