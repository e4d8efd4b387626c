"""Reap: write down what was seen of open attempts, their measurements and their ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from apps.optimizer.executors.base import Observation, State
from apps.optimizer.readings import left_out
from apps.optimizer.work import Live, Work, needs_curves, now
from apps.tuning.announce import note, storable
from apps.tuning.driving import Tick
from apps.tuning.measuring import TOO_MANY_POINTS
from apps.tuning.names import TOO_MANY
from apps.tuning.outcomes import How, Outcome
from tunebook.status import TrialStatus

HOW: Mapping[State, How] = {
    State.EXITED: "exited",
    State.SIGNALED: "signaled",
    State.TIMEOUT: "timeout",
    State.STOPPED: "stopped",
    State.OOM: "oom",
    State.NOT_LAUNCHED: "launch_error",
    State.NO_ROOM: "no_room",
    State.LOST: "lost",
}
UNKNOWN_AFTER = 60.0


def reap(work: Work, tick: Tick) -> None:
    """Import measurements, note starts and ends; ended attempts leave the driver's memory."""
    for live in list(work.live.values()):
        if live.fresh:
            import_readings(work, tick, live)
        observation = live.observation
        if observation is None:
            continue
        if observation.has_ended:
            end(work, tick, live, observation)
        elif observation.state == State.UNREACHABLE:
            doubt(work, tick, live, observation)
        else:
            live.unreachable_since = None
            confirm(work, tick, live, observation)


def import_readings(work: Work, tick: Tick, live: Live) -> None:
    """Store new measurements with how far they were read."""
    stored = tick.measured(live.attempt, live.fresh, live.offsets, ending=live.has_ended)
    live.fresh = []
    if stored.surplus and not live.is_told_of_metrics:
        live.is_told_of_metrics = True
        named = ", ".join(sorted(stored.surplus)[:3])
        words = f"trial {live.trial.number}: {TOO_MANY}; left out: {named}"
        tick.said.append(note(words, level="warning"))
    if stored.is_full and not live.is_full:
        live.is_full = True
        tick.said.append(note(f"trial {live.trial.number}: {TOO_MANY_POINTS}", level="warning"))
    if stored.points and needs_curves(work.job):
        work.extend_curve(live.trial, stored.points)
        live.has_new_points = True


def confirm(work: Work, tick: Tick, live: Live, observation: Observation) -> None:
    """Note that a launched attempt has been seen alive."""
    if live.handle is None or live.is_queued:
        return
    if live.is_to_be_recorded(now()):
        tick.launched(live.attempt, handle=live.handle.to_dict(), started=moment(observation.started))
        live.is_recorded = True
    elif live.is_recorded and live.trial.status != TrialStatus.RUNNING:
        tick.confirmed(live.attempt)
    else:
        return
    work.remember(live.trial)


def end(work: Work, tick: Tick, live: Live, observation: Observation) -> None:
    """Note an end; a trial that is to be tried again goes back to those that wait."""
    del work.live[live.attempt.pk]
    unread = left_out(live.offsets)
    tick.said += [note(f"trial {live.trial.number}: {words}", level="warning") for words in (*live.notes, *unread)]
    missing = "; ".join(unread) if observation.code == 0 else ""  # why there may be no value
    if tick.ended(live.attempt, outcome(observation, live.trouble or missing)) == TrialStatus.CREATED:
        work.created.append(live.trial)
        work.remember(live.trial, curve=())
    else:
        work.remember(live.trial)


def doubt(work: Work, tick: Tick, live: Live, observation: Observation) -> None:
    """Say UNKNOWN when an executor has not been able to tell for a while; nothing is freed or retried by that."""
    live.unreachable_since = live.unreachable_since or now()
    if now() - live.unreachable_since > UNKNOWN_AFTER and live.trial.status != TrialStatus.UNKNOWN:
        tick.unknown(live.trial, storable(observation.message) or "its executor cannot be reached")
        work.remember(live.trial)


def outcome(observation: Observation, trouble: str = "") -> Outcome:
    """An executor's observation of an end in the domain's words, and what was wrong on our side."""
    return Outcome(
        how=HOW[observation.state],
        code=observation.code,
        signal=observation.signal,
        started=moment(observation.started),
        ended=moment(observation.ended),
        text=storable(observation.message or trouble),
        by_limit=observation.by_limit,
    )


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
