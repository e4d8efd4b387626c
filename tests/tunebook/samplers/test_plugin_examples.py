"""The plugins that are shown as examples."""

import importlib.util
from pathlib import Path

import tunebook
from tests.tunebook.samplers.rungs import begin, finish
from tunebook import Choice, LogUniform, Objective, Randint, Space, Uniform
from tunebook.history import History
from tunebook.samplers import build
from tunebook.sampling import Sampling
from tunebook.space import Params

EXAMPLES = Path(str(tunebook.__file__)).parent / "examples" / "plugins"
BOWL = Space({"x": Uniform(-5, 5), "y": Uniform(-5, 5)})


def bowl(params: Params) -> float:
    return float((params["x"] - 1) ** 2 + (params["y"] + 2) ** 2)


def best(name: str, count: int, **arguments: object) -> float:
    options = {"path": str(EXAMPLES / f"{name}.py"), "arguments": arguments, "memory_mb": 8192}
    sampler = build(Sampling("plugin", options), BOWL, Objective(), 3)
    past = History(BOWL, Objective())
    while len(past.trials) < count:
        past = finish(begin(past, *sampler.ask(past, 5)), bowl)
    return min(trial.value for trial in past.trials if trial.value is not None)


def test_hill_climbing_climbs() -> None:
    assert best("hill_climbing", 60) < 0.05


HAS_OPTUNA = all(importlib.util.find_spec(name) is not None for name in ("optuna", "cmaes"))

if HAS_OPTUNA:  # it is in the example's own requirements only

    def test_cma_es_of_optuna_closes_in() -> None:
        assert best("optuna_cmaes", 80, sigma0=0.3) < 0.05

    def test_cma_es_of_optuna_goes_on_in_a_new_process_and_with_every_kind_of_parameter() -> None:
        space = Space(
            {"lr": LogUniform(-9, 0), "depth": Randint(9, lower=2), "kind": Choice(["a", "b"]), "x": Uniform(0, 1)}
        )
        options = {"path": str(EXAMPLES / "optuna_cmaes.py"), "memory_mb": 8192}
        past = History(space, Objective("maximize"))
        for _ in range(2):
            sampler = build(Sampling("plugin", options), space, past.objective, 3)
            for _ in range(3):
                past = finish(begin(past, *sampler.ask(past, 5)), lambda params: params["lr"])

        assert [space.problems(trial.params) for trial in past.trials] == [[]] * 30
