"""Stop a trial that is too far behind the best one at the same step."""

from dataclasses import dataclass
from typing import ClassVar

from tunebook.errors import SpecError
from tunebook.history import History, TrialView
from tunebook.policies.base import Decision, Policy, check_number, counted


@dataclass(frozen=True, kw_only=True)
class BanditPolicy(Policy):
    """Stop a trial whose best value so far is worse than the best of all by more than a slack.

    All are compared over as many measurements as this trial has. Values of 0 or below are handled such that the
    best trial never stops itself: the share of ``slack_factor`` is taken of the distance from 0.

    Args:
        slack_factor: allowed distance from the best as a ratio, e.g. 0.2; 0 or None when not used.
        slack_amount: allowed distance from the best as an amount; 0 or None when not used.
        Exactly one of the two is above 0.

    Example:
        >>> BanditPolicy(slack_factor=0.2, delay_evaluation=5).name
        'bandit'
    """

    name: ClassVar[str] = "bandit"

    slack_factor: float | None = None
    slack_amount: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for argument in ("slack_factor", "slack_amount"):
            if getattr(self, argument) is not None:
                check_number(argument, getattr(self, argument), low=0.0)
        if self.slack_factor and self.slack_amount:
            raise SpecError("slack_amount", "must be left out when slack_factor is given; a bandit has one slack")
        if not self.slack_factor and not self.slack_amount:
            raise SpecError("slack_factor", "is missing; give slack_factor or slack_amount, above 0")

    def judge(self, trial: TrialView, history: History) -> Decision:
        mine = history.best_until(trial, trial.step)
        peers = [history.best_until(other, trial.step) for other in history.others(trial)]
        best = history.objective.best([mine, *peers])
        if best is None:
            return Decision.go_on("no trial has reported a number yet")
        bar = self._bar(best, history)
        if history.objective.is_worse(mine, bar):
            return Decision.end(
                f"best {mine:g} is beyond {bar:.6g}, the slack from the best {best:g},"
                f" after {counted(trial.step, 'measurement')}"
            )
        return Decision.go_on()

    def _bar(self, best: float, history: History) -> float:
        """The worst value that may go on."""
        if self.slack_amount:
            return best + history.objective.sign * self.slack_amount
        factor = self.slack_factor or 0.0
        if history.objective.goal == "minimize":
            return best + abs(best) * factor
        return best - abs(best) * factor / (1 + factor)
