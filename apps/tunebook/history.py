"""All that samplers and policies may see of an experiment: its trials as plain data."""

import math
from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from tunebook.distributions import Value, identity
from tunebook.objective import Objective
from tunebook.space import Space
from tunebook.status import ENDED_TRIAL, TrialStatus

Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class TrialView:
    """One trial as samplers and policies see it.

    Args:
        number: its place in the experiment, from 0 on; below 0 for a trial of an earlier experiment to learn from.
        params: its parameters, as plain JSON.
        status: where it stands.
        value: the objective's value of the whole trial; None while there is none.
        curve: (step, value) of the objective for each measurement, in order.
        space_version: the version of the space it was drawn from.
        weight: how much it counts for a model; 0 leaves it out, 1 is a trial of this experiment.
        parent: the number of the trial whose checkpoint it went on from; None when it started afresh.
    """

    number: int
    params: Mapping[str, Value]
    status: TrialStatus
    value: float | None = None
    curve: Curve = ()
    space_version: int = 1
    weight: float = 1.0
    parent: int | None = None

    def __post_init__(self) -> None:
        if type(self.status) is not TrialStatus:
            object.__setattr__(self, "status", TrialStatus(self.status))

    @property
    def step(self) -> int:
        """How many measurements of the objective it has reported."""
        return len(self.curve)

    @property
    def is_running(self) -> bool:
        """True for a trial that has not ended, one that waits for its start included."""
        return self.status not in ENDED_TRIAL

    @property
    def has_ended(self) -> bool:
        """True for a trial that will not change any more."""
        return self.status in ENDED_TRIAL

    @cached_property
    def identity(self) -> Hashable:
        """Equal for two trials with the same parameters."""
        return identity(self.params)

    def until(self, count: int) -> Self:
        """The same trial as it stood after its first measurements."""
        return self if count >= len(self.curve) else replace(self, curve=self.curve[:count])

    def to_dict(self) -> dict[str, Any]:
        """The trial as plain JSON; numbers JSON cannot hold become the words NaN, Infinity and -Infinity."""
        return {
            "number": self.number,
            "params": dict(self.params),
            "status": str(self.status),
            "value": None if self.value is None else _out(self.value),
            "curve": [[step, _out(value)] for step, value in self.curve],
            "space_version": self.space_version,
            "weight": self.weight,
            "parent": self.parent,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote."""
        return cls(
            number=document["number"],
            params=document["params"],
            status=TrialStatus(document["status"]),
            value=None if document.get("value") is None else float(document["value"]),
            curve=tuple((step, float(value)) for step, value in document.get("curve", ())),
            space_version=document.get("space_version", 1),
            weight=document.get("weight", 1.0),
            parent=document.get("parent"),
        )


@dataclass(frozen=True)
class Sorted:
    """The trials of a history by how they stand."""

    finished: tuple[TrialView, ...]
    running: tuple[TrialView, ...]
    failed: tuple[TrialView, ...]
    results: tuple[tuple[TrialView, float], ...]


@dataclass(frozen=True)
class History:
    """The trials of an experiment with its space, its objective and its seed.

    The same history gives the same suggestions and decisions, on any machine of one kind and after any restart.
    """

    space: Space
    objective: Objective
    trials: tuple[TrialView, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "trials", tuple(self.trials))

    @property
    def finished(self) -> tuple[TrialView, ...]:
        """Trials that ended well."""
        return self._sorted.finished

    @property
    def running(self) -> tuple[TrialView, ...]:
        """Trials that have not ended, those that wait for their start included."""
        return self._sorted.running

    @property
    def failed(self) -> tuple[TrialView, ...]:
        """Trials that failed, and those that ended well without a number to show for it."""
        return self._sorted.failed

    @property
    def results(self) -> tuple[tuple[TrialView, float], ...]:
        """What a model learns from: trials with the finite value each came to.

        Early-stopped trials count with what their curve came to; cancelled ones and those of weight 0 do not count.
        """
        return self._sorted.results

    @cached_property
    def best(self) -> TrialView | None:
        """The finished trial with the best value, the earliest of equals; None before there is one."""
        own = [trial for trial in self.finished if trial.number >= 0 and trial.weight > 0]
        rated = [trial for trial in own if trial.value is not None and math.isfinite(trial.value)]
        return min(rated, key=lambda trial: (self.objective.sign * (trial.value or 0.0), trial.number), default=None)

    @property
    def next_number(self) -> int:
        """The number the next trial will have."""
        return 1 + max(max((trial.number for trial in self.trials), default=-1), -1)

    @cached_property
    def tried(self) -> Set[Hashable]:
        """The identities of all parameter sets there are trials of, whatever became of them."""
        return frozenset(trial.identity for trial in self.trials if trial.number >= 0)

    def others(self, trial: TrialView, reached: int = 1) -> tuple[TrialView, ...]:
        """All other trials with at least so many measurements, ended ones included, those of weight 0 not."""
        known = (other for other in self.trials if other.number != trial.number and other.weight > 0)
        return tuple(other for other in known if other.step >= reached)

    def best_until(self, trial: TrialView, step: int) -> float:
        """The best of a trial's first measurements; infinity on the bad side when none is finite."""
        best = self.objective.best(value for _, value in trial.curve[:step])
        return self.objective.worst() if best is None else best

    def mean_until(self, trial: TrialView, step: int) -> float:
        """The mean of a trial's first measurements, where a non-finite one counts as the worst."""
        values = [value for _, value in trial.curve[:step]]
        if not values or not all(map(math.isfinite, values)):
            return self.objective.worst()
        mean = math.fsum(values) / len(values)
        return min(max(mean, min(values)), max(values))  # rounding must not put the mean of equals beside them

    def extended(self, *trials: TrialView) -> "History":
        """The same history with more trials."""
        return replace(self, trials=(*self.trials, *trials))

    def to_dict(self) -> dict[str, Any]:
        """The history as plain JSON."""
        return {
            "space": self.space.to_dict(),
            "objective": self.objective.to_dict(),
            "trials": [trial.to_dict() for trial in self.trials],
            "seed": self.seed,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote."""
        return cls(
            space=Space.from_dict(document["space"]),
            objective=Objective.from_dict(document["objective"]),
            trials=tuple(TrialView.from_dict(trial) for trial in document["trials"]),
            seed=document["seed"],
        )

    @cached_property
    def _sorted(self) -> "Sorted":
        """The trials by how they stand, in one pass: histories may be long and are looked at often."""
        finished, running, failed, results = [], [], [], []
        for trial in self.trials:
            status, value = trial.status, trial.value
            if status is TrialStatus.FINISHED:
                finished.append(trial)
                if value is None or not math.isfinite(value):
                    failed.append(trial)
                elif trial.weight > 0:
                    results.append((trial, value))
            elif status is TrialStatus.EARLY_STOPPED:
                value = self.objective.reduce(each for _, each in trial.curve) if value is None else value
                if value is not None and math.isfinite(value) and trial.weight > 0:
                    results.append((trial, value))
            elif status is TrialStatus.FAILED:
                failed.append(trial)
            elif status not in ENDED_TRIAL:
                running.append(trial)
        return Sorted(tuple(finished), tuple(running), tuple(failed), tuple(results))


def _out(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
