"""The files of jobs under the paths at which Azure's storage has them.

`ExperimentRun/dcid.<job>/...` are a job's artifacts and logs, `azureml/<job>/<output>/...` the files of one output.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from apps.artifacts import artifacts
from apps.artifacts.models import Artifact
from apps.dialects.azureml import naming
from apps.dialects.azureml.naming import Child
from apps.experiments.models import Experiment
from apps.trials import logs
from apps.trials.models import Trial
from apps.workspaces.access import Actor, OutOfReach
from apps.workspaces.models import Workspace

OUTPUTS = "outputs"
LOGS = {"user_logs/std_log.txt": "out.log", "user_logs/std_err.txt": "err.log"}
_ARTIFACTS = re.compile(r"ExperimentRun/dcid\.(?P<job>[^/]+)/(?P<rest>.*)", re.DOTALL)
_OUTPUT = re.compile(r"(?:azureml|dataset)/(?P<job>[^/]+)/(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class JobFile:
    """One file under its path in the storage."""

    path: str
    size: int


def listed(actor: Actor, workspace: Workspace, prefix: str) -> list[JobFile]:
    """The files whose path begins so; none without the name of a job. A fixed number of queries."""
    place = _place(actor, workspace, prefix)
    if place is None:
        return []
    base, folder, rest, experiment, trial = place
    found = [
        JobFile(f"{base}{row.path.removeprefix(folder)}", row.size)
        for row in artifacts.of(experiment, trial).filter(path__startswith=f"{folder}{rest}").order_by("path")
    ]
    written = _logs(experiment, trial) if not folder else ()
    return [*(JobFile(f"{base}{name}", size) for name, _, size in written if name.startswith(rest)), *found]


def opened(actor: Actor, workspace: Workspace, path: str) -> tuple[IO[bytes], int] | None:
    """A file and its size; None when there is none."""
    place = _place(actor, workspace, path)
    if place is None:
        return None
    _, folder, rest, experiment, trial = place
    for name, file, _ in _logs(experiment, trial) if not folder else ():
        if name == rest:
            handle = os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
            return handle, os.fstat(handle.fileno()).st_size
    row: Artifact | None = artifacts.find(experiment, trial, f"{folder}{rest}")
    return (artifacts.open(row), row.size) if row is not None else None


def _place(actor: Actor, workspace: Workspace, path: str) -> tuple[str, str, str, Experiment, Trial | None] | None:
    """(what stands before an artifact's own path, the folder it lies in, the rest, experiment, trial)."""
    for pattern, folder in ((_ARTIFACTS, ""), (_OUTPUT, f"{OUTPUTS}/")):
        match = pattern.fullmatch(path)
        if match is None:
            continue
        try:
            found = naming.find_any(actor, workspace, match["job"])
        except OutOfReach:
            return None
        base = path[: match.start("rest")]
        if isinstance(found, Child):
            return base, folder, match["rest"], found.experiment, found.trial
        return base, folder, match["rest"], found, _only_trial(found)
    return None


def _only_trial(experiment: Experiment) -> Trial | None:
    """The one trial of a command job, whose files are the job's."""
    named = getattr(experiment, "arm_job", None)
    if named is None or named.job_type != "Command":
        return None
    return Trial.objects.filter(experiment=experiment, number=0).first()


def _logs(experiment: Experiment, trial: Trial | None) -> Iterator[tuple[str, Path, int]]:
    """(name, file, size) of what the newest attempt of a trial has written."""
    if trial is None:
        return
    folder = logs.attempt_folder(experiment.key, trial.number, max(trial.attempt_count, 1))
    for name, file in LOGS.items():
        try:
            found = os.lstat(folder / file)
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):  # a trial could leave anything there
            yield name, folder / file, found.st_size
