"""What a question costs: CPU of one ask and tell after so many trials, side by side, on one thread.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python -m tests.benchmarks.optimizer.speed --peers tpe optuna-tpe

Also how fast the cost grows: the slope of log cost over log trials between the two longest histories.
"""

import argparse
import math
import random
import sys
import time
from statistics import median

import numpy as np
from scipy.special import logsumexp

from tests.benchmarks.optimizer import peers
from tunebook import Choice, Distribution, LogUniform, QLogUniform, Randint, Space, Uniform

AGAINST = {
    "random": "optuna-random",
    "sobol": "optuna-random",
    "grid": "optuna-random",
    "tpe": "optuna-tpe",
    "bayesian-alone": "optuna-gp",
}
GOALS = {
    "random": "0.25",
    "sobol": "0.25",
    "grid": "0.25",
    "tpe": "0.08 at 100, 1,000 and 10,000",
    "bayesian-alone": "0.12 / 0.19 / 0.12 at 100 / 300 / 1,000",
}


def mixed(dimensions: int) -> Space:
    """A space of so many parameters: real, logarithmic, whole and quantised numbers, and choices, in turn."""
    kinds: list[Distribution] = [
        Uniform(-1, 1),
        LogUniform.between(1e-5, 1),
        Randint(100, 1),
        Choice(["a", "b", "c", "d"]),
        QLogUniform.between(1, 1024, 1),
    ]
    return Space({f"p{index}": kinds[index % len(kinds)] for index in range(dimensions)})


def value_of(number: int) -> float:
    """A value that looks like a result."""
    return random.Random(number).gauss(0, 1)


def filled(name: str, space: Space, trials: int) -> peers.Peer:
    """A peer that has seen so many random trials."""
    draw = random.Random(1)
    if name in peers.OPTUNA:
        return peers.optuna_with_history(name, space, [(space.sample(draw), value_of(each)) for each in range(trials)])
    peer = peers.make(name, space, 0)
    for each in range(trials):
        peer.tell(space.sample(draw), value_of(each))
    return peer


def cost(name: str, space: Space, trials: int, repeats: int) -> float:
    """The median CPU seconds of one ask and one tell."""
    peer = filled(name, space, trials)
    spent = []
    for each in range(repeats + 1):
        value = value_of(trials + each)
        started = time.process_time()
        params = peer.ask()
        peer.tell(params, value)
        spent.append(time.process_time() - started)
    return median(spent[1:])  # the first builds what is kept


def bare(trials: int, dimensions: int, candidates: int = 24) -> float:
    """CPU seconds of a Parzen estimator's arithmetic alone: two matrix products, exp, logsumexp."""
    random_numbers = np.random.default_rng(0)
    rows, points = random_numbers.random((trials, dimensions)), random_numbers.random((candidates, dimensions))
    spent = []
    for _ in range(21):
        started = time.process_time()
        logsumexp(points @ rows.T - 0.5 * (points**2 @ np.ones((dimensions, trials))), axis=1)
        spent.append(time.process_time() - started)
    return median(spent)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", nargs="+", default=[*AGAINST, *dict.fromkeys(AGAINST.values())])
    # hyperopt takes no results that it did not ask for, so that a long history of it would take too long to make
    parser.add_argument("--trials", nargs="+", type=int, default=[10, 100, 1_000, 5_000, 10_000])
    parser.add_argument("--dimensions", nargs="+", type=int, default=[2, 10, 30])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    for dimensions in options.dimensions:
        space = mixed(dimensions)
        print(f"\n{dimensions} mixed parameters: CPU ms of one ask and tell after so many trials", flush=True)
        print(f"  {'':16s}" + "".join(f"{trials:10,d}" for trials in options.trials) + "   slope   goal")
        costs = {}
        for name in options.peers:
            costs[name] = [1e3 * cost(name, space, trials, options.repeats) for trials in options.trials]
            print(
                f"  {name:16s}"
                + "".join(f"{each:10.3f}" for each in costs[name])
                + f"   {_slope(options.trials, costs[name])}"
            )
        print(
            f"  {'bare arithmetic':16s}" + "".join(f"{1e3 * bare(each, dimensions):10.3f}" for each in options.trials)
        )
        for name, against in AGAINST.items():
            if name in costs and against in costs:
                ratios = [ours / theirs for ours, theirs in zip(costs[name], costs[against], strict=True)]
                print(
                    f"  {name} / {against:12s}"
                    + "".join(f"{ratio:10.3f}" for ratio in ratios)
                    + f"   at most {GOALS[name]}"
                )


def _slope(trials: list[int], costs: list[float]) -> str:
    if len(trials) < 2:
        return "  -  "
    return f"{math.log(costs[-1] / costs[-2]) / math.log(trials[-1] / trials[-2]):5.2f}"


if __name__ == "__main__":
    main(sys.argv[1:])
