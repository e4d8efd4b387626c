"""The built-in algorithms, what their parameters may be, and which sampler answers each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import Fields, listed
from tunebook.sampling import MAX_SEED, Sampling
from tunebook.space import Params
from tunebook.wire.wmla.documents import number, to_number, to_whole

GRID = "ExperimentGridSearch"
BUILT_IN = ("Random", "TPE", "Bayesian", "Hyperband", GRID)
"""In the order of the service's list; requests may write them in any case."""
ADAPTER = Path(__file__).with_name("plugin") / "wmla_adapter.py"
_MANY = 10_000
_MOST_CANDIDATES = 1_000_000
_MOST_LOOKED_AT = 10_000  # more take seconds and gigabytes, and the best of them is only where a finer search starts
_MOST_RESOURCE = 1_000_000_000


@dataclass(frozen=True)
class Installed:
    """A plugin algorithm as it lies on the server: its folder, the interpreter if it needs one of its own, what it logs."""

    name: str
    folder: str
    python: str = ""
    log_level: str = "INFO"


@dataclass(frozen=True)
class Asked:
    """What the search is to be: `most` is the number of trials, None for no limit."""

    most: int | None
    experiments: Sequence[Params] = ()


class Given:
    """`algoParams` by name, in any case; what nobody knows is ignored, as these clients send them with any algorithm."""

    def __init__(self, definition: Fields) -> None:
        self.path = definition.at("algoParams")
        self.values: dict[str, Any] = {}
        self._known: dict[str, Any] = {}
        for index, entry in enumerate(definition.items("algoParams")):
            fields = Fields(entry, f"{self.path}.{index}").require("name")
            name, value = fields.text("name", empty=False), entry.get("value")
            if isinstance(value, Mapping | list):
                raise SpecError(fields.at("value"), "must be text or a number")
            self.values[name] = value
            self._known[name.lower()] = value

    def at(self, name: str) -> str:
        return f"{self.path}.{name}"

    def text(self, name: str) -> str | None:
        value = self._known.get(name.lower())
        return None if value is None or value == "" else str(value)

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A whole number within bounds, ends included."""
        value = self._known.get(name.lower())
        if value is None or value == "":
            return None
        found = to_whole(value, self.at(name))
        if not low <= found <= high:
            raise SpecError(self.at(name), f"must be from {low} to {high}, got {found}")
        return found

    def above(self, name: str, low: float) -> float | None:
        """A number above a bound."""
        value = self._known.get(name.lower())
        if value is None or value == "":
            return None
        found = to_number(value, self.at(name))
        if not low < found < math.inf:
            raise SpecError(self.at(name), f"must be above {low:g}, got {found:g}")
        return found

    @property
    def seed(self) -> int | None:
        """The RandomSeed; negative ones are taken too."""
        value = self._known.get("randomseed")
        return None if value is None or value == "" else to_whole(value, self.at("RandomSeed")) & MAX_SEED


def name_of(definition: Fields) -> str:
    """The algorithm's name: a built-in one as the list writes it, any other as it was sent."""
    wanted = definition.require("algorithm").text("algorithm", empty=False)
    return next((name for name in BUILT_IN if name.lower() == wanted.lower()), wanted)


def load_sampling(definition: Fields, asked: Asked, plugin: Installed | None, document: Fields) -> Sampling:
    """The sampler and its options. Raises SpecError with the wire's path."""
    name, given = name_of(definition), Given(definition)
    if name not in _READERS and plugin is None:
        known = f"{listed(BUILT_IN)} and the installed ones"
        raise SpecError(definition.at("algorithm"), f"must be one of {known}, got {name!r:.60}")
    try:
        return _READERS[name](given, asked, definition) if plugin is None else _plugin(plugin, given, document)
    except SpecError as error:
        raise (error if error.path.startswith(definition.path) else SpecError(given.path, error.message)) from None


def _random(given: Given, asked: Asked, definition: Fields) -> Sampling:
    return Sampling("random", {}, given.seed)


def _tpe(given: Given, asked: Asked, definition: Fields) -> Sampling:
    warm_up = given.whole("WarmUp", 3, _MANY) or 20
    options = {
        "n_startup": min(warm_up, asked.most or warm_up),
        "n_candidates": given.whole("EICandidate", 2, _MANY) or 24,
        "rule": "linear",
        "gamma": given.above("GoodRatio", 0) or 0.25,
        "linear_forgetting": given.whole("GoodMax", 2, _MANY) or 25,
    }
    return Sampling("tpe", options, given.seed)


def _bayesian(given: Given, asked: Asked, definition: Fields) -> Sampling:
    points, cube = given.whole("InitPoints", 1, _MANY), given.whole("CubeSize", 1, _MOST_CANDIDATES)
    noiseless = given.text("Noiseless")
    if noiseless is not None and noiseless.lower() not in ("true", "false"):
        raise SpecError(given.at("Noiseless"), f"must be true or false, got {noiseless!r:.40}")
    if asked.most is None:
        cube = max(10_000, cube or 0)
    cube = max(cube or (asked.most or 0) * 100, asked.most or 0, 10)
    # a model of one point says nothing, so that two are the least
    options: dict[str, Any] = {"n_startup": max(points or 10, 2), "n_candidates": min(cube, _MOST_LOOKED_AT)}
    # WMLA takes true where nothing is said; a noise that is fitted is as small where there is none, and right elsewhere
    if noiseless is not None and noiseless.lower() == "true":
        options["noise"] = "none"
    return Sampling("bayesian", options, given.seed)


def _hyperband(given: Given, asked: Asked, definition: Fields) -> Sampling:
    resource = given.text("ResourceName")
    most = given.whole("ResourceValue", 1, _MOST_RESOURCE)
    for name, value in (("ResourceName", resource), ("ResourceValue", most)):
        if value is None:
            raise SpecError(given.at(name), "is required by Hyperband")
    eta = given.above("eta", 1) or number(definition, "hyperbandEta") or 3.0
    if not 2 <= eta <= 1000:
        raise SpecError(given.at("eta"), f"must be from 2 to 1000, got {eta:g}")
    options = {"resource": resource, "max_resource": most, "eta": eta, "rounds": 1}
    return Sampling("hyperband", options, given.seed)


def _grid(given: Given, asked: Asked, definition: Fields) -> Sampling:
    return Sampling("experiments", {"experiments": [dict(one) for one in asked.experiments]})


def _plugin(plugin: Installed, given: Given, document: Fields) -> Sampling:
    arguments = {
        "name": plugin.name,
        "log_level": plugin.log_level,
        "folder": plugin.folder,
        "hyper_parameters": [_as_plugins_see(entry) for entry in document.items("hyperParams")],
        "algo_params": {name: "" if value is None else str(value) for name, value in given.values.items()},
    }
    options: dict[str, Any] = {"path": str(ADAPTER), "class": "WmlaPlugin", "arguments": arguments}
    if plugin.python:
        options["python"] = plugin.python
    return Sampling("plugin", options, given.seed)


def _as_plugins_see(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A hyperparameter as plugins get it: its words always written the same way."""
    data = {"STRING": "STR"}.get(entry["dataType"].upper(), entry["dataType"].upper())
    return {**entry, "type": entry["type"].capitalize(), "dataType": data}


_READERS = {"Random": _random, "TPE": _tpe, "Bayesian": _bayesian, "Hyperband": _hyperband, GRID: _grid}
