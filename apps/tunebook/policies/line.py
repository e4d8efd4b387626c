"""The line that a policy draws: at each step the worst value with which a trial would still go on."""

from __future__ import annotations

import math

from tunebook.history import History, TrialView
from tunebook.policies.bandit import BanditPolicy
from tunebook.policies.base import Policy
from tunebook.policies.median_stopping import MedianStoppingPolicy
from tunebook.policies.nni_medianstop import NniMedianstopPolicy
from tunebook.policies.pai_assessor import PaiAssessorPolicy
from tunebook.policies.truncation_selection import TruncationSelectionPolicy
from tunebook.status import TrialStatus

COMPARING: tuple[type[Policy], ...] = (
    BanditPolicy,
    MedianStoppingPolicy,
    NniMedianstopPolicy,
    PaiAssessorPolicy,
    TruncationSelectionPolicy,
)
"""Policies that hold a trial's best against the others': the better it is, the surer it goes on."""
STEPS = 16
ROUNDS = 12


def line(policy: Policy, history: History, steps: int = STEPS) -> list[tuple[int, float]]:
    """Some steps of the longest curve, each with the worst value there that the policy lets go on, by asking the policy.

    Each point supposes a new trial that reported this one value from its start. Steps at which any value goes on, or
    which are not judged, are left out; no point at all for policies that extrapolate a curve instead of comparing.

    Example:
        >>> line(BanditPolicy(slack_amount=1.0), History(Space({}), Objective("minimize"), (TrialView(0, {}, TrialStatus.RUNNING, curve=((1, 2.0),)),)))
        [(1, 3.0)]
    """
    longest = max((trial.curve for trial in history.trials), key=len, default=())
    if not isinstance(policy, COMPARING) or not longest:
        return []
    values = [value for trial in history.trials for _, value in trial.curve if math.isfinite(value)]
    if not values:
        return []
    low, high = min(values), max(values)
    margin = max(high - low, abs(high), abs(low), 1e-9)
    chosen = sorted({max(1, round((place + 1) * len(longest) / steps)) for place in range(steps)})
    points = []
    for step in chosen:
        found = _worst(policy, history, step, low - margin, high + margin)
        if found is not None:
            points.append((longest[step - 1][0], float(f"{found:.4g}")))
    return points


def _worst(policy: Policy, history: History, step: int, low: float, high: float) -> float | None:
    """The border between going on and stopping after `step` measurements, by bisection; None where there is none."""
    sign = history.objective.sign
    good, bad = (low, high) if sign > 0 else (high, low)
    if not policy.due(_supposed(history, step, bad)):
        return None
    if not _stops(policy, history, step, bad) or _stops(policy, history, step, good):
        return None
    for _ in range(ROUNDS):
        middle = (good + bad) / 2
        if _stops(policy, history, step, middle):
            bad = middle
        else:
            good = middle
    return good


def _stops(policy: Policy, history: History, step: int, value: float) -> bool:
    return policy.judge(_supposed(history, step, value), history).stop


def _supposed(history: History, step: int, value: float) -> TrialView:
    curve = tuple((place + 1, value) for place in range(step))
    return TrialView(history.next_number, {}, TrialStatus.RUNNING, None, curve)
