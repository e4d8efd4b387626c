"""Where a trial keeps its checkpoints, and where it finds those of the trial it goes on from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.trials.models import Trial
from tunebook.job import Job
from tunebook.sampling import CHECKPOINTS


@dataclass(frozen=True)
class Checkpoints:
    """The folders of one trial; `parent` is None for one that starts afresh."""

    own: Path
    parent: Path | None

    def environment(self) -> dict[str, str]:
        """What the trial's process is told."""
        found = {"TUNEBOOK_CHECKPOINT_DIR": os.fspath(self.own)}
        if self.parent is not None:
            found["TUNEBOOK_PARENT_CHECKPOINT_DIR"] = os.fspath(self.parent)
        return found


def of(job: Job, data: Path, experiment: str, trial: Trial) -> Checkpoints | None:
    """The folders of a trial; None where the sampler lets no trial go on from another."""
    if not job.sampling.hands_on:
        return None
    chosen = job.sampling.options.get("all_checkpoint_dir")

    def folder(number: int) -> Path:
        if chosen:
            return Path(str(chosen)).absolute() / experiment / str(number)
        return data.absolute() / "trials" / experiment / str(number) / "checkpoint"

    return Checkpoints(folder(trial.number), None if trial.parent is None else folder(trial.parent))


def params_of(job: Job, data: Path, experiment: str, trial: Trial) -> Mapping[str, Any]:
    """A trial's parameters as its script gets them: population-based training hands the folders on as parameters."""
    found = of(job, data, experiment, trial)
    if found is None or job.sampling.adds != CHECKPOINTS:
        return trial.params
    load, save = CHECKPOINTS
    return {**trial.params, load: os.fspath(found.parent or found.own), save: os.fspath(found.own)}
