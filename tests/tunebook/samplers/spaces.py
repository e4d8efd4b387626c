"""Spaces, histories and random spaces that the tests of samplers share."""

import math
import random
from collections.abc import Callable

from hypothesis import strategies as st

from tunebook import (
    Choice,
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    Objective,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    Randint,
    Space,
    TrialStatus,
    Uniform,
)
from tunebook.history import History, TrialView
from tunebook.objective import Goal
from tunebook.space import Params

MIXED = Space(
    {
        "lr": LogUniform.between(1e-4, 1),
        "momentum": Uniform(0, 0.99),
        "depth": Randint(12, lower=2),
        "width": QLogUniform.between(8, 1024, 8),
        "noise": Normal(0, 1),
        "optimizer": Choice(["adam", "sgd", 3, None, True]),
    }
)
NESTED = Space(
    {
        "lr": LogUniform(-9, 0),
        "model": Choice(
            [
                {
                    "_name": "svm",
                    "C": LogUniform.between(0.01, 100),
                    "kernel": Choice(["rbf", {"_name": "poly", "degree": Randint(6, 2)}]),
                },
                {"_name": "forest", "trees": QUniform(10, 500, 10), "C": Uniform(0, 1)},
                "bayes",
            ]
        ),
    }
)
WIDE = Space({f"x{index}": Uniform(0, 1) for index in range(200)})
MANY_OPTIONS = Space({"word": Choice([f"option {index}" for index in range(10_000)]), "x": Uniform(0, 1)})
ONE_POINT = Space({"a": Choice(["only"]), "b": Randint(1), "c": LogUniform(-1, -1), "d": QUniform(0.1, 0.2, 5)})
LISTED = Space({"batch": Choice([64, 16, 32, 128.5, -1]), "layers": Choice([1, 2]), "rate": Choice([0.1, 0.1, 1])})
FINITE = Space({"a": Choice(["x", "y"]), "b": Randint(3), "c": QUniform(2, 10, 5, clip=True)})


def score(params: Params) -> float:
    """A number that depends on all parameters, the same on every machine."""
    return random.Random(repr(sorted(params.items()))).random()


def history(
    space: Space, count: int, value: Callable[[Params], float | None] = score, *, goal: Goal = "minimize"
) -> History:
    """A history of so many finished trials with random parameters."""
    draw = random.Random(5)
    trials = []
    for number in range(count):
        params = space.sample(draw)
        trials.append(TrialView(number, params, TrialStatus.FINISHED, value(params)))
    return History(space, Objective(goal), tuple(trials), seed=3)


def with_pending(past: History, params: Params) -> History:
    """The same history with one more trial, which runs."""
    return past.extended(TrialView(past.next_number, params, TrialStatus.RUNNING))


def with_result(past: History, params: Params, value: float) -> History:
    """The same history with one more finished trial."""
    return past.extended(TrialView(past.next_number, params, TrialStatus.FINISHED, value))


def bounded(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_infinity=False)


@st.composite
def distributions(draw: st.DrawFn, depth: int = 1) -> Distribution:
    """Any distribution with reasonable arguments."""
    low = draw(bounded(-1e3, 1e3))
    high = low + draw(bounded(0, 1e3))
    q = draw(st.sampled_from([0.1, 0.25, 1, 3, 50.0]))
    kind = draw(st.integers(0, 12))
    simple: list[Callable[[], Distribution]] = [
        lambda: Uniform(low, high),
        lambda: QUniform(low, high, q, clip=draw(st.booleans())),
        lambda: LogUniform(low / 200, high / 200),
        lambda: LogUniform.between(math.exp(low / 100), math.exp(high / 100)),
        lambda: QLogUniform(low / 200, high / 200, q),
        lambda: Normal(low, (high - low) / 10),
        lambda: QNormal(low, (high - low) / 10, q),
        lambda: LogNormal(low / 500, (high - low) / 500),
        lambda: QLogNormal(low / 500, (high - low) / 500, q),
        lambda: Randint(int(low) + draw(st.integers(1, 10_000)), int(low)),
        lambda: QUniform(low, high, q, from_min=True),
        lambda: QUniform(int(low), high if high >= int(low) else int(low), int(max(q, 1)), from_min=True, whole=True),
    ]
    if kind < len(simple):
        return simple[kind]()
    options: list[object] = draw(st.lists(st.one_of(st.integers(), st.text(max_size=3)), min_size=1, max_size=4))
    if depth:
        options += [
            {"_name": f"nested{index}", f"m{draw(st.integers(0, 2))}": draw(distributions(depth=depth - 1))}
            for index in range(draw(st.integers(0, 2)))
        ]
    return Choice(tuple(options))


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """A space of one to four parameters of any kind."""
    return Space({f"p{index}": draw(distributions()) for index in range(draw(st.integers(1, 4)))})
