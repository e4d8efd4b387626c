"""PAI's assessor: a lenient median stop with a quantile of one's own, and patience."""

import math
from dataclasses import dataclass
from typing import ClassVar

from tunebook.history import History, TrialView
from tunebook.policies.base import Decision, Policy, check_flag, check_number, check_whole, counted


@dataclass(frozen=True, kw_only=True)
class PaiAssessorPolicy(Policy):
    """Stop a trial whose best value so far is worse than the others' middle value at the same step.

    The middle is an existing value: of an even number of trials the worse of the two in the middle.

    Args:
        start_step: measurements before the first judgement; 0 or more.
        proportion: the quantile that stands for the middle, counted from the worst; 0.5 is the median.
        moving_avg: compare with the others' means up to the step instead of their values at it.
        earlystop: False switches the comparison with others off.
        patience: stop after so many measurements in a row without improvement; None or 0 never does.

    Example:
        >>> PaiAssessorPolicy(start_step=10, proportion=0.5).name
        'pai_assessor'
    """

    name: ClassVar[str] = "pai_assessor"

    start_step: int = 0
    proportion: float = 0.5
    moving_avg: bool = False
    earlystop: bool = True
    patience: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("start_step", self.start_step, low=0)
        check_number("proportion", self.proportion, low=0.0, high=1.0)
        check_flag("moving_avg", self.moving_avg)
        check_flag("earlystop", self.earlystop)
        if self.patience is not None:
            check_whole("patience", self.patience, low=0)

    def due(self, trial: TrialView) -> bool:
        return super().due(trial) and trial.step >= self.start_step

    def judge(self, trial: TrialView, history: History) -> Decision:
        waited = self._without_gain(trial, history)
        if self.patience and waited >= self.patience:
            return Decision.end(
                f"no improvement in the last {counted(waited, 'measurement')} (patience {self.patience})"
            )
        peers = history.others(trial, reached=trial.step) if self.earlystop else ()
        if not peers:
            return Decision.go_on("no other trial has come this far")
        best = history.best_until(trial, trial.step)
        bar = self._middle([self._standing(peer, trial.step, history) for peer in peers], history)
        if history.objective.is_worse(best, bar):
            what = "median" if self.proportion == 0.5 else f"{self.proportion:g} quantile"
            return Decision.end(
                f"best {best:g} is worse than the {what} {bar:.6g} of {counted(len(peers), 'other trial')}"
                f" after {counted(trial.step, 'measurement')}"
            )
        return Decision.go_on()

    def _standing(self, peer: TrialView, step: int, history: History) -> float:
        return history.mean_until(peer, step) if self.moving_avg else peer.curve[step - 1][1]

    def _middle(self, values: list[float], history: History) -> float:
        bad = history.objective.worst()
        known = (value if math.isfinite(value) else bad for value in values)
        losses = sorted((history.objective.sign * value for value in known), reverse=True)
        return history.objective.sign * losses[int((len(losses) - 1) * self.proportion)]

    def _without_gain(self, trial: TrialView, history: History) -> int:
        """How many of the latest measurements brought nothing better than those before."""
        best, waited = None, 0
        for _, value in trial.curve:
            if history.objective.is_better(value, best):
                best, waited = value, 0
            else:
                waited += 1
        return waited
