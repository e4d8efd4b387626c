"""Asynchronous successive halving as a policy: at certain steps only the better share of the trials goes on.

Source: Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys 2020, in the form that stops trials
instead of starting them again with a larger budget.
"""

from dataclasses import dataclass
from typing import ClassVar

from tunebook.history import History, TrialView
from tunebook.policies.base import Decision, Policy, check_number, check_whole, counted


@dataclass(frozen=True, kw_only=True)
class HalvingPolicy(Policy):
    """Stop a trial that is not among the best 1/eta of those that have come as far, at step min_steps x eta^k.

    Trials are compared by the best of their first measurements, also those that were stopped there. Nobody waits: the
    first trials at a step go on, later ones are held against them.

    Args:
        min_steps: the first step at which trials are compared; 1 or more.
        eta: so many trials for each that goes on, and so much further to the next comparison; 2 or more.

    Example:
        >>> HalvingPolicy(min_steps=1, eta=3).name
        'halving'
    """

    name: ClassVar[str] = "halving"

    min_steps: int = 1
    eta: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_whole("min_steps", self.min_steps, low=1)
        check_number("eta", self.eta, low=2.0, high=1000.0)

    def due(self, trial: TrialView) -> bool:
        return super().due(trial) and self._is_rung(trial.step)

    def judge(self, trial: TrialView, history: History) -> Decision:
        peers = history.others(trial, reached=trial.step)
        sign = history.objective.sign
        mine = history.best_until(trial, trial.step)
        losses = sorted(sign * history.best_until(one, trial.step) for one in (trial, *peers))
        kept = max(int(len(losses) / self.eta + 1e-9), 1)
        bar = sign * losses[kept - 1]
        if history.objective.is_worse(mine, bar):
            return Decision.end(
                f"best {mine:g} is not among the best {kept} of {len(losses)} trials (from {bar:.6g} on)"
                f" after {counted(trial.step, 'measurement')}"
            )
        return Decision.go_on()

    def _is_rung(self, step: int) -> bool:
        rung = float(self.min_steps)
        while int(rung + 1e-9) < step:
            rung *= self.eta
        return int(rung + 1e-9) == step
