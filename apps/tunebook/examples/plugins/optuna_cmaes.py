"""A plugin algorithm that wraps Optuna's CMA-ES. Numbers are searched by CMA-ES, choices are drawn at random.

Needs what requirements.txt beside it names, in an interpreter of its own or in that of the optimizer:

    python3 -m venv /srv/optuna && /srv/optuna/bin/pip install -r requirements.txt

    "sampling": {"name": "plugin", "options": {
        "path": "/srv/plugins/optuna_cmaes.py", "python": "/srv/optuna/bin/python", "arguments": {"sigma0": 0.3}}}

The study lives in the process. When that is started anew, the trials which have ended warm-start the next one.
"""

import json
import math
from typing import Any

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
ENOUGH = 10  # trials with a value before a warm start is worth it


class Plugin:
    """CMA-ES over uniform, log-uniform and whole numbers; choices are drawn at random.

    arguments: as of optuna.samplers.CmaEsSampler, e.g. sigma0, n_startup_trials, popsize.
    """

    def __init__(self, space: dict[str, Any], objective: dict[str, Any], seed: int, **arguments: Any) -> None:
        self.distributions = {name: _distribution(name, declared) for name, declared in space.items()}
        self.choices = {name: declared["values"] for name, declared in space.items() if declared["type"] == "choice"}
        self.goal = objective["goal"]
        self.given = {"seed": seed % 2**32, "warn_independent_sampling": False, **arguments}
        self.study: optuna.Study | None = None
        self.open: dict[str, optuna.Trial] = {}
        self.earlier: list[optuna.trial.FrozenTrial] = []

    def tell(self, trial: dict[str, Any]) -> None:
        """The end of a trial of this study; of any other, something to start from or to add."""
        value = trial["value"]
        asked = self.open.pop(_key(trial["params"]), None)
        if asked is not None and self.study is not None:
            state = optuna.trial.TrialState.FAIL if value is None else None
            self.study.tell(asked, value, state=state)
        elif value is not None and (frozen := self._frozen(trial["params"], value)) is not None:
            if self.study is None:
                self.earlier.append(frozen)
            else:
                self.study.add_trial(frozen)

    def ask(self, count: int, trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The next members of the present generation."""
        if self.study is None:
            self.study = self._begun()
        found = []
        for _ in range(count):
            asked = self.study.ask(self.distributions)
            params = {name: self._shown(name, value) for name, value in asked.params.items()}
            self.open[_key(params)] = asked
            found.append(params)
        return found

    def _begun(self) -> optuna.Study:
        given = dict(self.given)
        if len(self.earlier) >= ENOUGH:
            given = {name: value for name, value in given.items() if name not in ("x0", "sigma0")}
            given["source_trials"] = self.earlier
        return optuna.create_study(direction=self.goal, sampler=optuna.samplers.CmaEsSampler(**given))

    def _frozen(self, params: dict[str, Any], value: float) -> optuna.trial.FrozenTrial | None:
        """The numbers of a trial of another process; None when they do not fit the space."""
        if params.keys() != self.distributions.keys():
            return None
        numbers = {name: one for name, one in self.distributions.items() if name not in self.choices}
        known = {name: params[name] for name in numbers}
        try:
            return optuna.trial.create_trial(value=value, params=known, distributions=numbers)
        except ValueError:
            return None

    def _shown(self, name: str, value: Any) -> Any:
        """A value as the job has it: of a choice, the option itself."""
        return self.choices[name][value] if name in self.choices else value


def _key(params: dict[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)


def _distribution(name: str, declared: dict[str, Any]) -> optuna.distributions.BaseDistribution:
    kind = declared["type"]
    if kind == "choice":
        return optuna.distributions.CategoricalDistribution(list(range(len(declared["values"]))))
    if kind == "randint":
        return optuna.distributions.IntDistribution(declared.get("lower", 0), declared["upper"] - 1)
    if kind == "uniform":
        return optuna.distributions.FloatDistribution(declared["min_value"], declared["max_value"])
    if kind == "loguniform":
        low = declared.get("low") or math.exp(declared["min_value"])
        high = declared.get("high") or math.exp(declared["max_value"])
        return optuna.distributions.FloatDistribution(low, high, log=True)
    raise ValueError(f"{name}: this plugin cannot search a parameter of type {kind}")
