"""What is optimised: which metrics with which weights, in which direction, and how a curve becomes one value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from tunebook.errors import SpecError
from tunebook.fields import is_finite

Goal = Literal["minimize", "maximize"]
Mode = Literal["final", "best", "avg"]


@dataclass(frozen=True)
class Metric:
    """One metric a trial reports, and how much it counts in the objective; a weight may be negative.

    Example:
        >>> Metric("accuracy", weight=0.5)
        Metric(name='accuracy', weight=0.5)
    """

    name: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise SpecError("name", f"must be a text that is not empty, got {self.name!r}")
        if not is_finite(self.weight):
            raise SpecError("weight", f"must be a finite number, got {self.weight!r}")


@dataclass(frozen=True)
class Objective:
    """Goal, metrics, mode and target of an experiment. The goal's direction is asked here and nowhere else.

    Args:
        goal: ``minimize`` or ``maximize``.
        metrics: one or more; a measurement's value is the sum of weight x value.
        mode: how a trial's series becomes its value: the ``final`` one, the ``best`` one or the ``avg``.
        target: a value that is good enough to end the experiment, or None.

    NaN and infinity are never better than anything.

    Example:
        >>> Objective("maximize", (Metric("accuracy"),)).best([0.7, 0.9, float("nan")])
        0.9
    """

    goal: Goal = "minimize"
    metrics: tuple[Metric, ...] = (Metric("default"),)
    mode: Mode = "final"
    target: float | None = None

    def __post_init__(self) -> None:
        if self.goal not in ("minimize", "maximize"):
            raise SpecError("goal", f"must be minimize or maximize, got {self.goal!r}")
        if self.mode not in ("final", "best", "avg"):
            raise SpecError("mode", f"must be final, best or avg, got {self.mode!r}")
        object.__setattr__(self, "metrics", tuple(self.metrics))
        if not self.metrics:
            raise SpecError("metrics", "needs at least one metric")
        names = [metric.name for metric in self.metrics]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise SpecError(f"metrics.{index}.name", f"{name!r} is given twice")
        if self.target is not None and not is_finite(self.target):
            raise SpecError("target", f"must be a finite number or left out, got {self.target!r}")

    @property
    def name(self) -> str:
        """The first metric's name."""
        return self.metrics[0].name

    @property
    def sign(self) -> float:
        """1.0 when smaller is better, -1.0 when larger is: ``sign * value`` is a loss."""
        return 1.0 if self.goal == "minimize" else -1.0

    def is_better(self, value: float | None, than: float | None) -> bool:
        """True when the first value is strictly better; a missing or non-finite one is worse than any number."""
        return self._loss(value) < self._loss(than)

    def is_worse(self, value: float | None, than: float | None) -> bool:
        """True when the first value is strictly worse."""
        return self._loss(value) > self._loss(than)

    def best(self, values: Iterable[float | None]) -> float | None:
        """The best finite value, or None when there is none."""
        finite = [value for value in values if value is not None and math.isfinite(value)]
        return min(finite, key=self._loss) if finite else None

    def worst(self) -> float:
        """The value no trial can be worse than: infinity on the bad side."""
        return self.sign * math.inf

    def combine(self, values: Mapping[str, float]) -> float | None:
        """The weighted sum of one measurement's metrics; None while one of them is missing."""
        if any(metric.name not in values for metric in self.metrics):
            return None
        return sum(metric.weight * values[metric.name] for metric in self.metrics)

    def reduce(self, series: Iterable[float]) -> float | None:
        """One value for a whole series, by mode. Non-finite entries are left out; None when nothing is left.

        Only the last entry is the ``final`` one: where that is not finite, what came before it is not it.
        """
        values = list(series)
        if self.mode == "final":
            return values[-1] if values and math.isfinite(values[-1]) else None
        finite = [value for value in values if math.isfinite(value)]
        if self.mode == "best" or not finite:
            return self.best(finite)
        return math.fsum(finite) / len(finite)

    def reached(self, value: float | None) -> bool:
        """True when there is a target and the value is as good as it or better."""
        return self.target is not None and not self.is_worse(value, self.target)

    def to_dict(self) -> dict[str, Any]:
        """The objective as plain JSON."""
        metrics = [{"name": metric.name, "weight": metric.weight} for metric in self.metrics]
        return {"goal": self.goal, "metrics": metrics, "mode": self.mode, "target": self.target}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], path: str = "objective") -> Objective:
        """Build one from plain JSON; a SpecError names the place below ``path``."""
        if not isinstance(document, Mapping):
            raise SpecError(path, "must be an object")
        unknown = sorted(set(document) - {"goal", "metrics", "mode", "target"})
        if unknown:
            raise SpecError(f"{path}.{unknown[0]}", "is not known here; allowed: goal, metrics, mode, target")
        metrics = _metrics(document.get("metrics", [{"name": "default"}]), f"{path}.metrics")
        try:
            return cls(
                cast(Goal, document.get("goal", "minimize")),
                metrics,
                cast(Mode, document.get("mode", "final")),
                document.get("target"),
            )
        except SpecError as error:
            raise error.under(path) from None

    def _loss(self, value: float | None) -> float:
        return math.inf if value is None or not math.isfinite(value) else self.sign * value


def _metrics(entries: Any, path: str) -> tuple[Metric, ...]:
    if not isinstance(entries, list | tuple):
        raise SpecError(path, "must be a list of objects with name and weight")
    metrics = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not set(entry) <= {"name", "weight"} or "name" not in entry:
            raise SpecError(f"{path}.{index}", "must be an object with name and, if wanted, weight")
        try:
            metrics.append(Metric(entry["name"], entry.get("weight", 1.0)))
        except SpecError as error:
            raise error.under(f"{path}.{index}") from None
    return tuple(metrics)
