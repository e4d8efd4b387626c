"""Launch: give free slots to waiting trials, and after the commit hand them to the executor."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from django.utils import timezone

from apps.artifacts import snapshots
from apps.experiments.models import Desired
from apps.optimizer import checkpoints, tracking
from apps.optimizer.executors.base import Busy, ExecutorError, Handle, LaunchSpec, Observation, State, Unavailable
from apps.optimizer.readings import nni
from apps.optimizer.readings.base import steps_done
from apps.optimizer.steps.close import budget
from apps.optimizer.steps.look import LOOK_EVERY, sources
from apps.optimizer.work import Live, Work, now
from apps.trials.models import Attempt
from apps.tuning import attempts
from apps.tuning.announce import storable
from apps.tuning.driving import Tick
from tunebook.status import ExperimentStatus

STOP_AGAIN_AFTER = 5.0
LAUNCH_AGAIN_AFTER = 1.0
NO_SLOT = "waiting for a free slot on this machine"
NO_SLOT_THERE = "waiting for a free slot on the cluster (TUNEBOOK_RAY_SLOTS)"
NO_SUGGESTION = "the sampler suggests nothing, although no trial runs"
PASSING = (NO_SLOT, NO_SLOT_THERE, NO_SUGGESTION)


def claim(work: Work, tick: Tick, obstacle: str) -> None:
    """Claim slots for waiting trials, then for suggestions; `obstacle` says why nothing may start now, if so."""
    row = tick.experiment
    work.hungry = 0
    work.starves = False
    obstacle = storable(obstacle or hindrance(work, tick))
    if not obstacle and not row.has_ended:
        obstacle = fill(work, tick)
        work.starves = bool(obstacle)
    if row.has_ended:
        return
    if row.live_count and (row.status != ExperimentStatus.NO_MORE_TRIAL or work.created):
        tick.move(ExperimentStatus.RUNNING)
    elif not row.live_count and row.status != ExperimentStatus.NO_MORE_TRIAL:
        obstacle = obstacle or (NO_SUGGESTION if work.asks_in_vain else "")
        if tick.move(ExperimentStatus.WAITING, obstacle):
            return
        is_told = row.reason == obstacle or not (obstacle or row.reason in PASSING)
        if not is_told and row.status == ExperimentStatus.WAITING and not work.closing:
            row.reason, tick.dirty = obstacle, True


def hindrance(work: Work, tick: Tick) -> str:
    """Why this experiment starts nothing now; empty when it may."""
    row = tick.experiment
    if work.closing is not None:
        return "stopping"
    if work.unavailable:
        return work.unavailable
    if row.desired == Desired.PAUSE:
        return "paused"
    if row.desired == Desired.DRAIN:
        return "draining"
    schedule = work.job.schedule
    if schedule is not None:
        moment = timezone.localtime()
        if not schedule.open_at(moment):
            return f"its schedule lets trials start from {schedule.opens_next(moment):%Y-%m-%d %H:%M} on"
    return ""


def fill(work: Work, tick: Tick) -> str:
    """Start as many attempts as there is room for; why there are none, if the machine is the reason.

    Where another experiment waits for a slot, this one leaves what it has just given back to those who waited longer.
    """
    place, row = work.place, tick.experiment
    left = min(budget(work, row), work.job.limits.max_concurrent)
    wanted = len(work.created) + left
    if wanted == 0 or work.job.limits.max_concurrent <= row.live_count:
        return ""
    room = 0 if work.yields else tick.room(host=place.host, slots=place.slots)
    if room == 0:
        return NO_SLOT_THERE if place.executor.is_remote else NO_SLOT
    where: dict[str, Any] = {
        "instance": place.instance,
        "executor": place.executor.name,
        "host": place.host,
        "slots": place.slots,
    }
    chosen = work.created[:room]
    attempts = tick.claim(chosen, **where) if chosen else []
    started = {attempt.trial.pk for attempt in attempts}
    work.created = [trial for trial in work.created if trial.pk not in started and not trial.has_ended]
    take = min(room - len(attempts), left, len(work.suggestions))
    if take > 0:
        attempts += tick.begin(work.suggestions[:take], **where)
        del work.suggestions[:take]
    work.hungry = 0 if work.is_exhausted else min(room - len(attempts), left - take)
    work.served_at = now() if attempts else work.served_at
    for attempt in attempts:
        work.live[attempt.pk] = Live(attempt)
        work.remember(attempt.trial)
    return ""


def carry_out(work: Work) -> None:
    """After the commit: launch what was claimed, stop what is to stop. What was refused is noted in the next tick."""
    for live in list(work.live.values()):
        if live.is_waiting:
            (withdraw if live.trial.desired == Desired.STOP else start)(work, live)
        elif live.trial.desired == Desired.STOP and not live.has_ended:
            stop(work, live)

    if work.unavailable and not any(live.is_waiting for live in work.live.values()):
        work.unavailable = ""  # nobody would notice that it is over


def withdraw(work: Work, live: Live) -> None:
    """End an attempt that could not be launched so far. What may have come of a launch without an answer ends as others do."""
    handle = handle_of(work, live)
    work.place.executor.stop(handle, work.job.command.grace)
    live.handle = work.place.executor.find(handle.key, handle.place)
    if live.handle is None:
        live.observation = Observation(handle=handle, state=State.STOPPED, message="it had not been started")


def handle_of(work: Work, live: Live) -> Handle:
    return Handle(work.place.executor.name, work.place.host, live.attempt.launch_key, work.place_of(live.attempt))


def start(work: Work, live: Live) -> None:
    try:
        lay_code(work, live.attempt)
        live.handle = work.place.executor.launch(specification(work, live.attempt))
        live.launched_at = now()
        live.next_look = live.launched_at + LOOK_EVERY  # it has hardly written anything yet, or pokes
        if work.unavailable:
            work.note("trials can be launched again")
            work.unavailable = ""
    except (Busy, Unavailable) as error:
        work.next_due = now() + LAUNCH_AGAIN_AFTER
        if str(error) != work.unavailable:
            work.note(f"{_named(live)} has to wait: {error}", level="warning")
        work.unavailable = storable(str(error))
    except (ExecutorError, OSError, LookupError, ValueError) as error:
        live.observation = Observation(handle=handle_of(work, live), state=State.NOT_LAUNCHED, message=str(error))
        work.note(f"{_named(live)} could not be launched: {error}", level="error")


def _named(live: Live) -> str:
    return f"trial {live.trial.number}, attempt {live.attempt.number},"


def lay_code(work: Work, attempt: Attempt) -> None:
    """Lay the job's code into the attempt's work folder, which is fresh unless the attempt goes on in an older one.

    One query per job. Raises OSError and LookupError where the code is not there any more.
    """
    if work.job.command.code:
        snapshots.lay(work.snapshot(), Path(work.base_path(attempt)))


def stop(work: Work, live: Live) -> None:
    if live.handle is not None and (live.stop_sent is None or now() - live.stop_sent > STOP_AGAIN_AFTER):
        live.stop_sent = now()
        work.place.executor.stop(live.handle, work.job.command.grace)


def specification(work: Work, attempt: Attempt) -> LaunchSpec:
    """The attempt as the executor takes it, every placeholder filled. Reads the templates of params files."""
    command, limits, trial = work.job.command, work.job.limits, attempt.trial
    params = work.params_of(attempt)
    values = work.variables(attempt)
    root = work.work_path(attempt)
    resumes = command.resume and attempt.number > 1
    folder, reports_to_nni = work.folder(attempt), work.job.readings.type == "nni"
    return LaunchSpec(
        key=attempt.launch_key,
        place=work.place_of(attempt),
        steps=command.filled_steps(values),
        params=params,
        environment={
            **tracking.environment(work, attempt),
            **{name: values.fill(text) for name, text in command.environment.items()},
            **{f"TUNEBOOK_PARAM_{variable(name)}": str(value) for name, value in params.items()},
            **prepared(work, attempt),
            **(nni.environment(folder, work.lease.key, trial.key, trial.number) if reports_to_nni else {}),
            "TUNEBOOK_EXPERIMENT": work.lease.key,
            "TUNEBOOK_TRIAL": trial.key,
            "TUNEBOOK_ATTEMPT": str(attempt.number),
            "TUNEBOOK_WAKE": work.place.ear,
        },
        first_step=done_before(work, attempt) if resumes else 0,
        work_of=1 if resumes else None,
        working_dir=root if command.working_dir else None,
        files=[
            (values.fill(destination), values.fill((Path.cwd() / root / values.fill(source)).read_text()))
            for source, destination in command.params_files
        ]
        + ([nni.parameter_file(folder, trial.number, params)] if reports_to_nni else []),
        time_limit=limits.trial_seconds,
        grace=command.grace,
        memory=limits.trial_memory and limits.trial_memory * 2**20,
        **(for_elsewhere(work, attempt) if work.place.executor.is_remote else {}),
    )


def for_elsewhere(work: Work, attempt: Attempt) -> dict[str, Any]:
    """What an executor on other machines needs besides. One query where another process had made the attempt."""
    if not attempt.token:
        attempts.renew_token(attempt)
    root = work.work_path(attempt)
    follows = [os.path.join(root, source) for source in sources(work, attempt)]
    if work.job.readings.type == "nni":
        follows.append(f"{work.folder(attempt)}/{nni.FOLDER}")
    return {
        "cpus": work.job.platform.cpus,
        "gpus": work.job.platform.gpus,
        "token": attempt.token,
        "follows": follows,
        "outputs": [os.path.join(root, folder) for folder in work.output_folders(attempt)],
    }


def prepared(work: Work, attempt: Attempt) -> dict[str, str]:
    """The variables that name an attempt's folders of checkpoints; its own is made."""
    found = checkpoints.of(work.job, work.place.data, work.lease.key, attempt.trial)
    if found is None:
        return {}
    found.own.mkdir(parents=True, exist_ok=True)
    return found.environment()


def done_before(work: Work, attempt: Attempt) -> int:
    """How many steps earlier attempts have finished."""
    done = {
        line["id"]
        for number in range(1, attempt.number)
        for line in steps_done(work.folder(Attempt(trial=attempt.trial, number=number)))
        if line["code"] == 0
    }
    return min(len(done), len(work.job.command.steps) - 1)


def variable(name: str) -> str:
    """A parameter's name as part of an environment variable's."""
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
