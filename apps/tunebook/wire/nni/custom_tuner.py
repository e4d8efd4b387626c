"""A plugin algorithm that runs a tuner class written for NNI, in the plugin's process.

The class, a subclass of `nni.tuner.Tuner`, is made with its own arguments and given the search space as its author
knows it. The interpreter of the plugin needs the package `nni`, and whatever else the class imports.
"""

import importlib
import json
import sys
from typing import Any


class Plugin:
    """folder, module, name: where the class is. search_space: in NNI's form. class_args: what the class is made with."""

    def __init__(
        self,
        space: dict[str, Any],
        objective: dict[str, Any],
        seed: int,
        *,
        folder: str,
        module: str,
        name: str,
        search_space: dict[str, Any],
        class_args: dict[str, Any],
    ) -> None:
        sys.path.insert(0, folder)
        self.tuner = getattr(importlib.import_module(module), name)(**class_args)
        self.tuner.update_search_space(search_space)
        self.asked = 0
        self.open: dict[str, list[int]] = {}
        self.is_exhausted = False

    def tell(self, trial: dict[str, Any]) -> None:
        """Give the tuner what became of a parameter set; one of an earlier process is handed in as known data."""
        ids, value = self.open.get(_key(trial["params"]), []), trial["value"]
        if ids:
            number = ids.pop(0)
            if value is not None:
                self.tuner.receive_trial_result(number, trial["params"], value)
            self.tuner.trial_end(number, value is not None)
        elif value is not None:
            self.tuner.import_data([{"parameter": trial["params"], "value": value}])

    def ask(self, count: int, trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """As many parameter sets as the tuner has, up to `count`."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            try:
                params = self.tuner.generate_parameters(self.asked)
            except Exception as error:
                if type(error).__name__ != "NoMoreTrialError":
                    raise
                self.is_exhausted = not found and all(trial["ended"] for trial in trials)
                break
            params = json.loads(json.dumps(params, default=_plain))
            self.open.setdefault(_key(params), []).append(self.asked)
            self.asked += 1
            found.append(params)
        return found

    def exhausted(self) -> bool:
        """Whether the tuner said that it has no more."""
        return self.is_exhausted


def _key(params: dict[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)


def _plain(value: Any) -> Any:
    """What numpy made, as plain Python."""
    return value.item() if hasattr(value, "item") else value.tolist()
