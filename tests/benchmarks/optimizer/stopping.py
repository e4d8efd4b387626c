"""What early stopping saves and what it costs, on recorded curves of real models, side by side.

    python -m tests.benchmarks.optimizer.stopping --trials 60 --orders 10

Each policy sees the same trials in the same orders, so many at a time, and each trial until it is stopped. Saved is
the share of all training steps that were not made; lost is by how much the best final value of a trial that ran to
its end is worse than the best of all, where 1 is the distance from the best to the median.
"""

import argparse
import random
from collections.abc import Callable
from statistics import fmean, median
from typing import Any

from tests.benchmarks.optimizer.curves import STEPS, recorded
from tunebook import Objective, Space, TrialStatus, Uniform
from tunebook.history import TrialView
from tunebook.ledger import Ledger
from tunebook.policies import (
    BanditPolicy,
    CurveFittingPolicy,
    HalvingPolicy,
    MedianStoppingPolicy,
    NniMedianstopPolicy,
    PaiAssessorPolicy,
    Policy,
    TruncationSelectionPolicy,
)

SPACE = Space({"x": Uniform(0, 1)})
Judge = Callable[[int, list[float]], bool]  # a trial's number and its values so far; whether it is stopped


class Ours:
    """One of our policies."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._ledger = Ledger(SPACE, Objective())

    def __call__(self, number: int, values: list[float]) -> bool:
        curve = tuple(enumerate(values, 1))
        running = TrialView(number, {"x": 0.5}, TrialStatus.RUNNING, None, curve)
        self._ledger.put(running)
        stops = self._policy.review(running, self._ledger, judged=len(values) - 1).stop
        if stops or len(values) == STEPS:
            status = TrialStatus.EARLY_STOPPED if stops else TrialStatus.FINISHED
            self._ledger.put(TrialView(number, {"x": 0.5}, status, values[-1], curve))
        return stops


class Optuna:
    """One of Optuna's pruners."""

    def __init__(self, pruner: Callable[[Any], Any]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._states = optuna.trial.TrialState
        self._study = optuna.create_study(pruner=pruner(optuna.pruners))
        self._trials: dict[int, Any] = {}

    def __call__(self, number: int, values: list[float]) -> bool:
        if number not in self._trials:
            self._trials[number] = self._study.ask()
        trial = self._trials[number]
        trial.report(values[-1], len(values))
        stops = bool(trial.should_prune())
        if stops:
            self._study.tell(trial, state=self._states.PRUNED)
        elif len(values) == STEPS:
            self._study.tell(trial, values[-1])
        return stops


JUDGES: dict[str, Callable[[], Judge]] = {
    "median_stopping": lambda: Ours(MedianStoppingPolicy(delay_evaluation=5)),
    "optuna MedianPruner": lambda: Optuna(lambda pruners: pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=5)),
    "nni_medianstop": lambda: Ours(NniMedianstopPolicy(start_step=5)),
    "pai_assessor": lambda: Ours(PaiAssessorPolicy(start_step=5)),
    "pai_assessor, means": lambda: Ours(PaiAssessorPolicy(start_step=5, moving_avg=True)),
    "pai_assessor, patience 5": lambda: Ours(PaiAssessorPolicy(start_step=5, earlystop=False, patience=5)),
    "bandit, slack 0.2": lambda: Ours(BanditPolicy(slack_factor=0.2, delay_evaluation=5)),
    "halving": lambda: Ours(HalvingPolicy(min_steps=1, eta=3)),
    "optuna SuccessiveHalving": lambda: Optuna(
        lambda pruners: pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    ),
    "truncation_selection": lambda: Ours(
        TruncationSelectionPolicy(truncation_percentage=20, delay_evaluation=5, evaluation_interval=2)
    ),
    "curve_fitting": lambda: Ours(CurveFittingPolicy(epoch_num=STEPS)),
}


def play(judge: Judge, curves: list[list[float]], running: int) -> tuple[float, float]:
    """The share of steps that were saved, and the best final value of a trial that came to its end."""
    todo = list(range(len(curves)))
    live: dict[int, int] = {}
    steps, best = 0, float("inf")
    while todo or live:
        while todo and len(live) < running:
            live[todo.pop(0)] = 0
        for number in list(live):
            live[number] += 1
            steps += 1
            stops = judge(number, curves[number][: live[number]])
            if stops or live[number] == STEPS:
                del live[number]
                best = best if stops else min(best, curves[number][-1])
    return 1 - steps / (STEPS * len(curves)), best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--orders", type=int, default=10)
    parser.add_argument("--running", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--models", nargs="+", default=["mlp", "sgd", "boosting"])
    parser.add_argument("--datasets", nargs="+", default=["digits", "wine"])
    options = parser.parse_args()
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for model in options.models:
        for data in options.datasets:
            curves = recorded(model, data, options.trials)
            finals = [curve[-1] for curve in curves]
            lowest, middle = min(finals), median(finals)
            for order in range(options.orders):
                mixed = random.Random(order).sample(curves, len(curves))
                for running in options.running:
                    for name, judge in JUDGES.items():
                        saved, best = play(judge(), mixed, running)
                        lost = (min(best, middle) - lowest) / (middle - lowest)
                        found.setdefault((name, running), []).append((saved, lost))
    print(f"{'':26s} " + "".join(f"{running:3d} running: saved   lost " for running in options.running))
    for name in JUDGES:
        cells = [found[name, running] for running in options.running]
        print(
            f"{name:26s} "
            + "".join(
                f"{fmean(saved for saved, _ in cell):18.1%} {fmean(lost for _, lost in cell):6.3f} " for cell in cells
            )
        )
    print(f"means over {len(next(iter(found.values())))} runs of {options.trials} trials")


if __name__ == "__main__":
    main()
