"""Everybody who is compared, behind one way of asking and telling."""

import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from tunebook import Choice, Distribution, LogUniform, QLogUniform, QUniform, Randint, Space, Uniform
from tunebook.optimize import Optimizer


class Peer(Protocol):
    """Somebody who can be asked and told."""

    def ask(self) -> Mapping[str, Any]: ...

    def tell(self, params: Mapping[str, Any], value: float) -> None: ...


class Ours:
    """One of our samplers; ``bayesian-alone`` never asks another one in turn."""

    def __init__(self, name: str, space: Space, seed: int, budget: int | None, running: int) -> None:
        sampler, _, alone = name.partition("-")
        options = {"beside_choices": "nothing"} if alone else {}
        self.tuner = Optimizer(
            space, sampler=sampler, options=options, seed=seed, max_trials=budget, max_concurrent=running
        )

    def ask(self) -> Mapping[str, Any]:
        asked = self.tuner.ask()
        return asked[0] if asked else {}

    def tell(self, params: Mapping[str, Any], value: float) -> None:
        self.tuner.tell(params, value)


class Optuna:
    """One of Optuna's samplers, in memory."""

    def __init__(self, sampler: Callable[[Any, int], Any], space: Space, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.simplefilter("ignore")
        self._space = space
        self.study = optuna.create_study(sampler=sampler(optuna, seed))
        self._trials: dict[int, Any] = {}

    def ask(self) -> Mapping[str, Any]:
        trial = self.study.ask()
        params = self._space.assemble(lambda name, distribution: suggested(trial, name, distribution))
        self._trials[id(params)] = trial
        return params

    def tell(self, params: Mapping[str, Any], value: float) -> None:
        self.study.tell(self._trials.pop(id(params)), value)


def suggested(trial: Any, name: str, distribution: Distribution) -> Any:
    match distribution:
        case Choice():
            return trial.suggest_categorical(name, list(range(len(distribution.values))))
        case Randint():
            return trial.suggest_int(name, distribution.lower, distribution.upper - 1)
        case LogUniform():
            return trial.suggest_float(name, distribution.lowest, distribution.highest, log=True)
        case QLogUniform():
            # Optuna has no logarithm with a step: whole multiples of it, on a logarithmic scale
            low, high = round(distribution.lowest / distribution.q), round(distribution.highest / distribution.q)
            return trial.suggest_int(name, max(low, 1), high, log=True) * distribution.q
        case QUniform():
            return trial.suggest_float(name, distribution.lowest, distribution.highest, step=distribution.q)
        case Uniform():
            return trial.suggest_float(name, distribution.min_value, distribution.max_value)
    raise TypeError(f"no way to ask Optuna for {distribution}")


class Hyperopt:
    """Hyperopt's TPE, asked one by one."""

    def __init__(self, space: Space, seed: int) -> None:
        import hyperopt

        logging.getLogger("hyperopt").setLevel(logging.ERROR)
        self._hyperopt = hyperopt
        self._space = space
        self._trials = hyperopt.Trials()
        self._random = np.random.default_rng(seed)
        # members of the same name in two options of a choice need labels of their own
        self._labels: dict[int, str] = {}
        declared = {name: self._declared(name, each) for name, each in space.items()}
        self._domain = hyperopt.Domain(lambda params: 0.0, declared)

    def ask(self) -> Mapping[str, Any]:
        (number,) = self._trials.new_trial_ids(1)
        self._trials.refresh()
        (self._document,) = self._hyperopt.tpe.suggest(
            [number], self._domain, self._trials, int(self._random.integers(2**31 - 1))
        )
        drawn = {name: values[0] for name, values in self._document["misc"]["vals"].items() if values}
        return self._space.assemble(
            lambda name, distribution: _read(distribution, drawn[self._labels[id(distribution)]])
        )

    def tell(self, params: Mapping[str, Any], value: float) -> None:
        """Only what was asked for just before can be told."""
        self._document["state"] = self._hyperopt.JOB_STATE_DONE
        self._document["result"] = {"loss": value, "status": self._hyperopt.STATUS_OK}
        self._trials.insert_trial_docs([self._document])
        self._trials.refresh()

    def _declared(self, label: str, distribution: Distribution) -> Any:
        hp = self._hyperopt.hp
        self._labels[id(distribution)] = label
        match distribution:
            case Choice():
                options = [
                    {
                        member: self._declared(f"{label}.{option}.{member}", inner)
                        for member, inner in distribution.nested(option).items()
                    }
                    or option
                    for option in range(len(distribution.values))
                ]
                return hp.choice(label, options)
            case Randint():
                return hp.randint(label, distribution.lower, distribution.upper)
            case LogUniform():
                return hp.loguniform(label, distribution.min_value, distribution.max_value)
            case QLogUniform():
                return hp.qloguniform(label, distribution.min_value, distribution.max_value, distribution.q)
            case QUniform():
                return hp.quniform(label, distribution.min_value, distribution.max_value, distribution.q)
            case Uniform():
                return hp.uniform(label, distribution.min_value, distribution.max_value)
        raise TypeError(f"no way to ask hyperopt for {distribution}")


def _read(distribution: Distribution, drawn: Any) -> Any:
    if isinstance(distribution, Choice | Randint):
        return int(drawn)
    value = float(drawn)
    low, high = distribution.lowest, distribution.highest
    return min(max(value, low if low is not None else value), high if high is not None else value)


def _gp(optuna: Any, seed: int) -> Any:
    return optuna.samplers.GPSampler(seed=seed)


OPTUNA: dict[str, Callable[[Any, int], Any]] = {
    "optuna-tpe": lambda optuna, seed: optuna.samplers.TPESampler(seed=seed),
    "optuna-tpe-single": lambda optuna, seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
    "optuna-tpe-group": lambda optuna, seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True),
    "optuna-gp": _gp,
    "optuna-cmaes": lambda optuna, seed: optuna.samplers.CmaEsSampler(seed=seed),
    "optuna-qmc": lambda optuna, seed: optuna.samplers.QMCSampler(seed=seed),
    "optuna-random": lambda optuna, seed: optuna.samplers.RandomSampler(seed=seed),
}


def optuna_with_history(name: str, space: Space, results: list[tuple[Mapping[str, Any], float]]) -> Optuna:
    """Optuna with trials that are put in, not asked for: asking for ten thousand would take half an hour."""
    import optuna

    peer = Optuna(OPTUNA[name], space, 0)
    example = peer.study.ask()
    space.assemble(lambda leaf, distribution: suggested(example, leaf, distribution))
    peer.study.tell(example, 0.0)
    kinds = example.distributions
    for params, value in results:
        drawn = {
            leaf: round(each / inner.q) if isinstance(inner, QLogUniform) else each
            for leaf, inner, each in space.walk(params)
        }
        kept = {leaf: kinds[leaf] for leaf in drawn if leaf in kinds}
        found = {leaf: drawn[leaf] for leaf in kept}
        peer.study.add_trial(optuna.trial.create_trial(params=found, distributions=kept, value=value))
    return peer


def make(name: str, space: Space, seed: int, budget: int | None = None, running: int = 1) -> Peer:
    """The peer of this name, which knows nothing yet; names without a library in front are our samplers."""
    if name in OPTUNA:
        return Optuna(OPTUNA[name], space, seed)
    return Hyperopt(space, seed) if name == "hyperopt-tpe" else Ours(name, space, seed, budget, running)
