"""Stop a trial that does worse than half of the others did on their way."""

from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from tunebook.history import History, TrialView
from tunebook.policies.base import Decision, Policy, counted


@dataclass(frozen=True, kw_only=True)
class MedianStoppingPolicy(Policy):
    """Stop a trial whose best value so far is worse than the median of all trials' running means up to its step.

    A trial that has fewer measurements counts with the mean of what it has, one without any does not count.

    Example:
        >>> MedianStoppingPolicy(delay_evaluation=5, evaluation_interval=2).name
        'median_stopping'
    """

    name: ClassVar[str] = "median_stopping"

    def judge(self, trial: TrialView, history: History) -> Decision:
        peers = history.others(trial)
        if not peers:
            return Decision.go_on("no other trial has reported yet")
        bar = median(history.mean_until(one, trial.step) for one in (trial, *peers))
        best = history.best_until(trial, trial.step)
        if history.objective.is_worse(best, bar):
            return Decision.end(
                f"best {best:g} is worse than the median {bar:.6g} of {len(peers) + 1} trials' means"
                f" after {counted(trial.step, 'measurement')}"
            )
        return Decision.go_on()
