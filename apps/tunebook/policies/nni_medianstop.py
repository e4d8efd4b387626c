"""NNI's Medianstop: a lenient median of the finished trials' running averages."""

from dataclasses import dataclass
from typing import ClassVar

from tunebook.history import History, TrialView
from tunebook.policies.base import Decision, Policy, check_whole, counted
from tunebook.status import TrialStatus


@dataclass(frozen=True, kw_only=True)
class NniMedianstopPolicy(Policy):
    """Stop a trial whose best value so far is worse than the middle of the finished trials' means up to its step.

    Only trials that ended well and have come this far count. The middle is one of their means: of an even number the
    worse of the two in the middle, as NNI takes it.

    Args:
        start_step: measurements before the first judgement; 0 or more.

    Example:
        >>> NniMedianstopPolicy(start_step=5).name
        'nni_medianstop'
    """

    name: ClassVar[str] = "nni_medianstop"

    start_step: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("start_step", self.start_step, low=0)

    def due(self, trial: TrialView) -> bool:
        return super().due(trial) and trial.step >= self.start_step

    def judge(self, trial: TrialView, history: History) -> Decision:
        peers = [peer for peer in history.others(trial, reached=trial.step) if peer.status is TrialStatus.FINISHED]
        if not peers:
            return Decision.go_on("no finished trial has come this far")
        sign = history.objective.sign
        losses = sorted(sign * history.mean_until(peer, trial.step) for peer in peers)
        bar = sign * losses[len(losses) // 2]
        best = history.best_until(trial, trial.step)
        if history.objective.is_worse(best, bar):
            return Decision.end(
                f"best {best:g} is worse than the median {bar:.6g} of the averages"
                f" of {counted(len(peers), 'finished trial')} after {counted(trial.step, 'measurement')}"
            )
        return Decision.go_on()
