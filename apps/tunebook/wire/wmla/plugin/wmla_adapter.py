"""Runs a WMLA plugin algorithm, unchanged, as a plugin of ours. Loaded by its path in the plugin's own process.

Standard library only, and any Python from 3.9 on. The algorithm finds `plugins.core.logger` and
`plugins.core.base_plugin_opt` as on its own platform, and its `search` is asked for one batch after another: the next
only when all of the last one have ended.
"""

import importlib
import logging
import math
import sys
import types
from typing import Any

MODULE = "optimizer"
STATES = {"FINISHED": "FINISHED", "EARLY_STOPPED": "STOPPED", "USER_CANCELED": "STOPPED", "SYS_CANCELED": "KILLED"}


class BasePluginOptimizer:
    """What algorithms derive from."""

    def __init__(self, name: str, hyper_parameters: list[dict[str, Any]], **kwargs: str) -> None:
        self.name = name
        self.hyper_parameters = hyper_parameters
        self.kwargs = kwargs

    def search(self, number_samples: int, last_exp_results: list[dict[str, Any]]) -> Any:
        raise TypeError("PluginOptimizer has no method search(number_samples, last_exp_results)")

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state_dict: dict[str, Any]) -> None:
        pass


class WmlaPlugin:
    """One algorithm. It may be made anew at any time; then its first batch tells it of all results so far."""

    def __init__(
        self,
        space: dict[str, Any],
        objective: dict[str, Any],
        seed: int,
        *,
        name: str,
        folder: str,
        hyper_parameters: list[dict[str, Any]],
        algo_params: dict[str, str],
        log_level: str = "INFO",
    ) -> None:
        provide_interface(name, log_level)
        sys.path.insert(0, folder)
        kind = importlib.import_module(MODULE).PluginOptimizer
        self.metric = objective["metrics"][0]["name"]
        self.grids = {entry["name"]: Grid(entry) for entry in hyper_parameters}
        self.optimizer = kind(name, hyper_parameters, **algo_params)
        self.told: set[int] = set()
        self.has_ended = False

    def ask(self, count: int, trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The next batch, or nothing while the last one still runs."""
        if self.has_ended or any(not trial["ended"] for trial in trials):
            return []
        news = [trial for trial in trials if trial["number"] not in self.told and trial["number"] >= 0]
        self.told.update(trial["number"] for trial in news)
        found = self.optimizer.search(count, [self.result(trial) for trial in news])
        if found is None or not len(found):
            self.has_ended = True
            return []
        return [self.snapped(params) for params in found]

    def exhausted(self) -> bool:
        return self.has_ended

    def result(self, trial: dict[str, Any]) -> dict[str, Any]:
        """A trial as `last_exp_results` holds it."""
        value = trial["value"]
        curve = trial.get("curve") or ([] if value is None else [[0, value]])
        return {
            "id": trial["number"],
            "hyperparams": trial["params"],
            "state": STATES.get(trial["status"], "FAILED"),
            "metricVal": value,
            "metrics": [{"iteration": step, self.metric: at} for step, at in curve],
        }

    def snapped(self, params: Any) -> dict[str, Any]:
        """The parameters in plain numbers, each on the grid of its range."""
        if not isinstance(params, dict):
            raise TypeError(f"search gave {params!r:.80} instead of a dict of names and values")
        return {
            name: self.grids[name].snapped(value) if name in self.grids else value for name, value in params.items()
        }


class Grid:
    """Where the values of one hyperparameter lie."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.is_range = entry["type"] == "Range"
        self.is_whole = entry["dataType"] == "INT"
        self.is_text = entry["dataType"] == "STR"
        self.step = float(entry.get("step") or 0) if self.is_range and not float(entry.get("power") or 0) else 0.0
        bounds = ("minIntVal", "maxIntVal") if self.is_whole else ("minDbVal", "maxDbVal")
        self.low, self.high = (float(entry.get(name) or 0) if self.is_range else 0.0 for name in bounds)

    def snapped(self, value: Any) -> Any:
        """The value as plain Python, moved to the nearest step where there are steps."""
        value = value.item() if hasattr(value, "item") else value
        if self.is_text or isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
            return value
        if self.step and self.low <= value <= self.high:
            steps = min(round((value - self.low) / self.step), int((self.high - self.low) / self.step + 1e-9))
            digits = 12 - math.floor(math.log10(max(abs(self.low), abs(value), self.step)))
            value = round(self.low + steps * self.step, digits)
        if self.is_whole:
            return round(value) if math.isfinite(value) else value
        return float(value) if self.is_range else value


def provide_interface(name: str, log_level: str) -> None:
    """Make the modules that algorithms import."""
    logger = logging.getLogger(name or "plugin")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(log_level)
    members: dict[str, dict[str, Any]] = {
        "plugins": {},
        "plugins.core": {},
        "plugins.core.logger": {"logger": logger},
        "plugins.core.base_plugin_opt": {"BasePluginOptimizer": BasePluginOptimizer},
    }
    for path, contents in members.items():
        module = types.ModuleType(path)
        module.__dict__.update(contents)
        module.__path__ = []
        sys.modules[path] = module
        above, _, short = path.rpartition(".")
        if above:
            setattr(sys.modules[above], short, module)
