"""How good is what is found: normalised regret at 25, 50, 100 and 200 trials, side by side.

    python -m tests.benchmarks.optimizer.quality run results.jsonl --peers tpe optuna-tpe --seeds 5
    python -m tests.benchmarks.optimizer.quality report results.jsonl --against optuna-tpe

With `--running 16` so many trials run at any time, told in a random order; such a peer is named `tpe x16`.
A run appends one line for each problem, peer and seed, and leaves out what the file already has.
"""

import argparse
import json
import math
import random
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.benchmarks.optimizer import peers
from tests.benchmarks.optimizer.nested import nested
from tests.benchmarks.optimizer.problems import SPACES, Problem, bbob, tables

BUDGETS = (25, 50, 100, 200)
FLOOR = {"bbob": 1e-8, "sklearn": 1e-3, "nested": 1e-2}  # a regret below this is as good as none


def problems(options: argparse.Namespace) -> Iterator[tuple[Problem, int]]:
    """The problems that were asked for, each with the seeds it is played with.

    No two problems share a seed: who draws the same first points on many problems that are alike is lucky, or not, on
    all of them, and a hundred pairs tell as little as one.
    Of nested functions each is played once, from the number `--first` on.
    With `--rotate` each function is played once in each dimension, with instances in turn; with `--every 3` only in
    every third of its dimensions, in turn as well.
    """
    if "bbob" in options.suites and not options.rotate:
        for seed in range(options.first, options.first + options.seeds):
            for problem in bbob(tuple(options.dimensions), tuple(options.instances), tuple(options.functions)):
                yield problem, _seed(problem, seed)
    elif "bbob" in options.suites:
        for function in options.functions:
            for place, dimension in enumerate(options.dimensions):
                if (function - place) % options.every == 0:
                    instance = options.instances[(function + dimension) % len(options.instances)]
                    for problem in bbob((dimension,), (instance,), (function,)):
                        yield problem, _seed(problem)
    if "sklearn" in options.suites:
        for seed in range(options.first, options.first + options.seeds):
            for problem in tables(tuple(options.datasets), tuple(options.models)):
                yield problem, _seed(problem, seed)
    if "nested" in options.suites:
        for number in range(options.first, options.first + options.seeds):
            yield nested(number), _seed(nested(number))


def _seed(problem: Problem, place: int = 0) -> int:
    return zlib.crc32(f"{problem.suite}/{problem.name}/{place}".encode()) % 1_000_000


def play(problem: Problem, name: str, seed: int, trials: int, running: int = 1) -> dict[str, Any]:
    """One run: the best value so far after each budget, and the CPU time of all asks and tells."""
    peer = peers.make(name, problem.space, seed, trials, running)
    order = random.Random(seed)
    best, at, spent, told = math.inf, {}, 0.0, 0
    waiting: list[Mapping[str, Any]] = []
    while told < trials:
        started = time.process_time()
        while len(waiting) < min(running, trials - told) and (params := peer.ask()):
            waiting.append(params)
        spent += time.process_time() - started
        if not waiting:
            break
        params = waiting.pop(order.randrange(len(waiting)))
        value = problem.evaluate(params)
        started = time.process_time()
        peer.tell(params, value)
        spent += time.process_time() - started
        best, told = min(best, value), told + 1
        if told in BUDGETS:
            at[str(told)] = best
    values = problem.random_values
    label = name if running == 1 else f"{name} x{running}"
    entry = {"suite": problem.suite, "problem": problem.name, "peer": label, "seed": seed, "best": at, "seconds": spent}
    return {**entry, "middle": values[len(values) // 2], "optimum": problem.optimum, "lowest": values[0]}


def run(options: argparse.Namespace) -> None:
    """Play everything that is not in the file yet."""
    path = Path(options.file)
    done = {(line["problem"], line["peer"], line["seed"]) for line in read([options.file])} if path.exists() else set()
    for problem, seed in problems(options):
        for name in options.peers:
            label = name if options.running == 1 else f"{name} x{options.running}"
            if (problem.name, label, seed) in done:
                continue
            entry = play(problem, name, seed, options.trials, options.running)
            with path.open("a") as file:
                file.write(json.dumps(entry) + "\n")


def read(paths: Iterable[str]) -> list[dict[str, Any]]:
    """The lines of some files."""
    return [json.loads(line) for path in paths for line in Path(path).read_text().splitlines()]


Regrets = dict[tuple[str, int], dict[str, float]]  # (problem, seed) -> peer -> regret


def regrets(lines: list[dict[str, Any]], suite: str, budget: int) -> Regrets:
    """Regrets at one budget, 0 at the optimum and 1 at the median of random points."""
    lowest: dict[str, float] = defaultdict(lambda: math.inf)
    for line in lines:
        lowest[line["problem"]] = min(lowest[line["problem"]], line["lowest"], *line["best"].values())
    found: Regrets = defaultdict(dict)
    for line in lines:
        if line["suite"] == suite and str(budget) in line["best"]:
            optimum = lowest[line["problem"]] if line["optimum"] is None else line["optimum"]
            regret = (line["best"][str(budget)] - optimum) / max(line["middle"] - optimum, 1e-300)
            found[line["problem"], line["seed"]][line["peer"]] = max(regret, FLOOR[suite])
    return found


def report(options: argparse.Namespace) -> None:
    """Mean ranks, and geometric means of regrets as ratios to one peer, paired by problem and seed."""
    lines = read(options.files)
    names = options.peers or sorted({line["peer"] for line in lines})
    for suite in sorted({line["suite"] for line in lines}):
        for dimension in ("", *((" d2 ", " d5 ", " d10 ") if suite == "bbob" and options.by_dimension else ())):
            print(f"\n{suite}{dimension}: mean rank | regret as a ratio to {options.against} (geometric mean of pairs)")
            tabled = {budget: regrets(lines, suite, budget) for budget in BUDGETS}
            for name in names:
                cells = [_cell(_some(tabled[budget], dimension), names, name, options.against) for budget in BUDGETS]
                print(
                    f"  {name:20s}"
                    + " ".join(f"{budget:4d}: {cell}" for budget, cell in zip(BUDGETS, cells, strict=True))
                )


def _some(found: Regrets, dimension: str) -> Regrets:
    return {key: value for key, value in found.items() if dimension in f"{key[0]} "}


def _cell(found: Regrets, names: list[str], name: str, against: str) -> str:
    paired = [by_peer for by_peer in found.values() if name in by_peer and against in by_peer]
    whole = [by_peer for by_peer in found.values() if all(each in by_peer for each in names)]
    logs = [math.log(by_peer[name] / by_peer[against]) for by_peer in paired]
    ratio = f"{math.exp(fmean(logs)):6.3f} ({len(logs):3d})" if logs else "     -      "
    ranks = [_rank(by_peer, names, name) for by_peer in whole]
    return f"{fmean(ranks):4.2f} | {ratio}" if ranks else f"  -  | {ratio}"


def _rank(by_peer: dict[str, float], names: list[str], name: str) -> float:
    better = sum(by_peer[other] < by_peer[name] for other in names)
    equal = sum(by_peer[other] == by_peer[name] for other in names)
    return better + (equal + 1) / 2


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(required=True)
    playing = verbs.add_parser("run")
    playing.add_argument("file")
    playing.add_argument("--peers", nargs="+", default=["tpe", "optuna-tpe"])
    playing.add_argument("--suites", nargs="+", default=["bbob", "sklearn"])
    playing.add_argument("--seeds", type=int, default=5)
    playing.add_argument("--first", type=int, default=0, help="the first of the seeds, for others than last time")
    playing.add_argument("--trials", type=int, default=max(BUDGETS))
    playing.add_argument("--rotate", action="store_true", help="each function once in each dimension")
    playing.add_argument("--every", type=int, default=1, help="with --rotate: only every so-manieth dimension")
    playing.add_argument("--running", type=int, default=1)
    playing.add_argument("--dimensions", nargs="+", type=int, default=[2, 5, 10])
    playing.add_argument("--instances", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    playing.add_argument("--functions", nargs="+", type=int, default=list(range(1, 25)))
    playing.add_argument("--datasets", nargs="+", default=["digits", "wine"])
    playing.add_argument("--models", nargs="+", default=list(SPACES))
    playing.set_defaults(verb=run)
    reporting = verbs.add_parser("report")
    reporting.add_argument("files", nargs="+")
    reporting.add_argument("--peers", nargs="+")
    reporting.add_argument("--against", default="optuna-tpe")
    reporting.add_argument("--by-dimension", action="store_true")
    reporting.set_defaults(verb=report)
    options = parser.parse_args(arguments)
    options.verb(options)


if __name__ == "__main__":
    main(sys.argv[1:])
