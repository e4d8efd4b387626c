"""Stop the worst share of the trials at each step."""

from dataclasses import dataclass
from typing import ClassVar

from tunebook.history import History, TrialView
from tunebook.policies.base import Decision, Policy, check_flag, check_whole, counted


@dataclass(frozen=True, kw_only=True)
class TruncationSelectionPolicy(Policy):
    """Stop a trial that is among the worst share of those that have come as far.

    Trials are ranked by the best of their first measurements, as many as this trial has; of n ranked trials
    n * percentage / 100 are cut, rounded down. Of equals, the earlier one stays.

    Args:
        truncation_percentage: the share to cut, a whole number from 1 to 99.
        exclude_finished_jobs: rank only trials that still run.

    Example:
        >>> TruncationSelectionPolicy(truncation_percentage=20).name
        'truncation_selection'
    """

    name: ClassVar[str] = "truncation_selection"

    truncation_percentage: int
    exclude_finished_jobs: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("truncation_percentage", self.truncation_percentage, low=1, high=99)
        check_flag("exclude_finished_jobs", self.exclude_finished_jobs)

    def judge(self, trial: TrialView, history: History) -> Decision:
        ranked = [trial, *self._peers(trial, history)]
        cut = len(ranked) * self.truncation_percentage // 100
        mine = history.best_until(trial, trial.step)
        ahead = sum(not self._is_behind(other, trial, mine, history) for other in ranked[1:])
        if ahead >= len(ranked) - cut:
            return Decision.end(
                f"best {mine:g} is among the worst {cut} of {len(ranked)} trials after {counted(trial.step, 'measurement')}"
                f" (truncation {self.truncation_percentage}%)"
            )
        return Decision.go_on()

    def _peers(self, trial: TrialView, history: History) -> list[TrialView]:
        peers = history.others(trial, reached=trial.step)
        return [peer for peer in peers if peer.is_running or not self.exclude_finished_jobs]

    def _is_behind(self, other: TrialView, trial: TrialView, mine: float, history: History) -> bool:
        theirs = history.best_until(other, trial.step)
        if theirs == mine:
            return other.number > trial.number
        return history.objective.is_worse(theirs, mine)
