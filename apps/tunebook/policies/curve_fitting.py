"""Curve fitting: go on only with a trial whose curve, drawn on to the end, will be nearly as good as the best.

Source: Domhan, Springenberg and Hutter, Speeding up Automatic Hyperparameter Optimization of Deep Neural Networks by
Extrapolation of Learning Curves, IJCAI 2015, whose idea NNI's Curvefitting takes up. Both draw samples of a mixture of
curve families; here each family is fitted by least squares and counts by how well it fits, which needs no chance.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tunebook.errors import SpecError
from tunebook.history import History, TrialView
from tunebook.policies.base import Decision, Policy, check_number, check_whole, counted
from tunebook.status import TrialStatus

FEWEST, MOST = 3, 100  # points: fewer fit every family, of more some are left out
POWERS = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
RATES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # of the decay, over the whole course
LATEST = 2.0  # times the mean weight that the newest point has, as the end of a curve tells most about its future


@dataclass(frozen=True, kw_only=True)
class CurveFittingPolicy(Policy):
    """Stop a trial whose predicted value at the last step is too far behind the best finished trial.

    Falling and rising curves are drawn on as level + gain x family(step), with powers, exponentials and a logarithm as
    families. A trial that already is good enough goes on, whatever is predicted.

    Args:
        epoch_num: the last measurement, whose value is predicted; 1 or more. A trial that goes on beyond it is judged by
            its latest one.
        start_step: measurements before the first judgement; 1 or more.
        threshold: the share of the best finished value that must be reached, above 0 and at most 1. Values below 0,
            and losses, may be as much worse as the share says: 0.95 allows 5%.
        gap: judge at every so-manieth measurement after the first; 1 or more.

    Example:
        >>> CurveFittingPolicy(epoch_num=20, start_step=6, threshold=0.95).name
        'curve_fitting'
    """

    name: ClassVar[str] = "curve_fitting"

    epoch_num: int = 20
    start_step: int = 6
    threshold: float = 0.95
    gap: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("epoch_num", self.epoch_num, low=1)
        check_whole("start_step", self.start_step, low=1)
        check_number("threshold", self.threshold, low=0.0, high=1.0)
        if self.threshold == 0:
            raise SpecError("threshold", "must be above 0")
        check_whole("gap", self.gap, low=1)

    def due(self, trial: TrialView) -> bool:
        step = trial.step
        return super().due(trial) and step >= self.start_step and (step - self.start_step) % self.gap == 0

    def judge(self, trial: TrialView, history: History) -> Decision:
        ended = [other for other in history.others(trial) if other.status is TrialStatus.FINISHED]
        best = history.objective.best(history.best_until(other, other.step) for other in ended)
        if best is None:
            return Decision.go_on("no trial has finished yet")
        bar = best + history.objective.sign * abs(best) * (1 - self.threshold)
        mine = history.best_until(trial, trial.step)
        if not history.objective.is_worse(mine, bar):
            return Decision.go_on("it is good enough already")
        last = max(self.epoch_num, trial.step)
        predicted = extrapolated([value for _, value in trial.curve], last)
        if predicted is None:
            return Decision.go_on("too few numbers to draw its curve on")
        if history.objective.is_worse(predicted, bar):
            return Decision.end(
                f"best {mine:g} after {counted(trial.step, 'measurement')}, and {predicted:.6g} predicted after {last}:"
                f" worse than {bar:.6g}, {self.threshold:g} of the best finished trial"
            )
        return Decision.go_on()


def extrapolated(values: Sequence[float], at: int) -> float | None:
    """The value a curve will have at a later place, counted from 1; None when it has too few numbers to tell."""
    points = [(place, value) for place, value in enumerate(values, start=1) if math.isfinite(value)]
    if len(points) < FEWEST:
        return None
    points = points[: -1 : math.ceil(len(points) / MOST)] + points[-1:]  # a thousand points tell no more than a hundred
    scale = max(abs(value) for _, value in points) or 1.0
    fits = [_fit(family, [(place, value / scale) for place, value in points], at) for family in _families(at)]
    known = [fit for fit in fits if fit is not None]
    if not known:
        return None
    least = min(error for error, _ in known)
    floor = 1e-12 + 0.05 * least
    weights = [((least + floor) / (error + floor)) ** (len(points) / 2) for error, _ in known]
    total = math.fsum(weights)
    mean = math.fsum(weight * value for weight, (_, value) in zip(weights, known, strict=True)) / total
    return mean * scale if math.isfinite(mean * scale) else None


def _families(last: int) -> list[Callable[[int], float]]:
    """Shapes of learning curves, each a function of the place with nothing left to fit but level and gain."""
    powers = [lambda place, power=power: place**-power for power in POWERS]
    decays = [lambda place, rate=rate: math.exp(-rate * place / last) for rate in RATES]
    return [*powers, *decays, lambda place: -math.log(place + 1)]


def _fit(family: Callable[[int], float], points: list[tuple[int, float]], at: int) -> tuple[float, float] | None:
    """The weighted mean square error of the best level and gain, and the value they give at a place."""
    weights = [1 + (LATEST - 1) * index / len(points) for index in range(len(points))]
    shapes = [family(place) for place, _ in points]
    total = math.fsum(weights)
    middle = math.fsum(w * x for w, x in zip(weights, shapes, strict=True)) / total
    level = math.fsum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    spread = math.fsum(w * (x - middle) ** 2 for w, x in zip(weights, shapes, strict=True))
    if spread < 1e-300:
        return None
    gain = math.fsum(w * (x - middle) * (y - level) for w, x, (_, y) in zip(weights, shapes, points, strict=True))
    gain /= spread
    error = math.fsum(
        w * (y - level - gain * (x - middle)) ** 2 for w, x, (_, y) in zip(weights, shapes, points, strict=True)
    )
    return error / total, level + gain * (family(at) - middle)
