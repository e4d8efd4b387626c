"""Which sampler searches, with which options and seed: a declaration, so that writing one needs no numpy."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from tunebook.errors import SpecError
from tunebook.fields import Fields, below, listed, unknown
from tunebook.space import Space


class Allowed(Protocol):
    """What an option may be."""

    def problem(self, value: object) -> str:
        """What is wrong with a value, or an empty text."""


@dataclass(frozen=True)
class Words:
    """One of some words, in any case."""

    words: tuple[str, ...]

    def problem(self, value: object) -> str:
        fits = isinstance(value, str) and value.lower() in self.words
        return "" if fits else f"must be one of {listed(self.words)}"


@dataclass(frozen=True)
class Bounds:
    """A number within bounds, ends included."""

    low: float
    high: float = math.inf
    whole: bool = False

    def problem(self, value: object) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool) and self._fits(value):
            return ""
        what = "a whole number" if self.whole else "a number"
        return f"must be {what} of at least {self.low:g}" + (
            f" and at most {self.high:g}" if self.high < math.inf else ""
        )

    def _fits(self, value: float) -> bool:
        if not self.low <= value <= self.high:
            return False
        return value <= sys.float_info.max and not (self.whole and value % 1)


class Base:
    """The base of logarithms: a positive number other than 1, or "e"."""

    def problem(self, value: object) -> str:
        try:
            number = float(value) if isinstance(value, str | int | float) and value != "e" else math.e
        except (ValueError, OverflowError):
            number = math.nan
        fits = isinstance(value, str | int | float) and not isinstance(value, bool) and 0 < number < math.inf
        return "" if fits and number != 1 else 'must be a number above 0 other than 1, or "e"'


@dataclass(frozen=True)
class Text:
    """A text that is not blank."""

    longest: int = 255

    def problem(self, value: object) -> str:
        fits = isinstance(value, str) and value.strip() and len(value) <= self.longest
        return "" if fits else f"must be a text of 1 to {self.longest} characters"


class ParameterSets:
    """A list of parameter sets, each an object of names and values."""

    def problem(self, value: object) -> str:
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_EXPERIMENTS:
            return f"must be a list of 1 to {MAX_EXPERIMENTS} parameter sets"
        fits = all(isinstance(entry, Mapping) and all(isinstance(name, str) for name in entry) for entry in value)
        return "" if fits else "must be a list of objects of names and values"


class Object:
    """An object of names and anything."""

    def problem(self, value: object) -> str:
        fits = isinstance(value, Mapping) and all(isinstance(name, str) for name in value)
        return "" if fits else "must be an object of names and values"


RESOURCE = "budget"
"""The name under which samplers with budgets hand a trial its budget, unless the option ``resource`` says another."""
MAX_BUDGET = 81
"""The largest budget unless the option ``max_resource`` says another."""
MAX_EXPERIMENTS = 100_000
_BUDGET = Bounds(1, 1_000_000_000, whole=True)
_BUDGETS: Mapping[str, Allowed] = {
    "resource": Text(),
    "min_resource": _BUDGET,
    "max_resource": _BUDGET,
    "eta": Bounds(2, 1000),
}
_HYPERBAND: Mapping[str, Allowed] = {
    **_BUDGETS,
    "exec_mode": Words(("serial", "parallelism")),
    "rounds": Bounds(0, 10_000, whole=True),
}
CHECKPOINTS = ("load_checkpoint_dir", "save_checkpoint_dir")
"""Under these names population-based training hands a trial its folders, as NNI does."""
_SOME = Bounds(0, 10_000, whole=True)
_MANY = Bounds(1, 10_000, whole=True)
_POSITIVE = Bounds(0)
# The samplers of this release, their options and what each may be. A test holds this table equal to the registry.
SAMPLERS: Mapping[str, Mapping[str, Allowed]] = {
    "auto": {},
    "random": {"rule": Words(("random", "sobol")), "logbase": Base()},
    "sobol": {},
    "grid": {"order": Words(("bisect", "listed"))},
    "tpe": {
        "n_startup": _SOME,
        "n_candidates": _MANY,
        "rule": Words(("linear", "sqrt")),
        "gamma": _POSITIVE,
        "linear_forgetting": Bounds(1, whole=True),
        "prior_weight": _POSITIVE,
        "constant_liar": Words(("worst", "mean", "best", "none")),
        "failures": Words(("avoid", "ignore")),
    },
    "bayesian": {
        "n_startup": Bounds(2, 10_000, whole=True),
        "acquisition": Words(("ei", "ucb", "poi")),
        "kappa": _POSITIVE,
        "xi": _POSITIVE,
        "n_candidates": Bounds(10, 20_000, whole=True),
        "noise": Words(("fitted", "none")),
        "beside_choices": Words(("tpe", "nothing")),
    },
    "gp": {
        "utility": Words(("ei", "ucb", "poi")),
        "kappa": _POSITIVE,
        "xi": _POSITIVE,
        "nu": _POSITIVE,
        "alpha": _POSITIVE,
        "cold_start_num": _SOME,
        "selection_num_warm_up": Bounds(1, whole=True),
        "selection_num_starting_points": Bounds(1, whole=True),
    },
    "evolution": {"population_size": Bounds(2, 10_000, whole=True), "sample_size": _MANY},
    "cmaes": {"population_size": _SOME, "sigma": Bounds(1e-9, 1), "n_startup": _SOME},
    "anneal": {"n_startup": _MANY, "best_rank": Bounds(1), "shrink": _POSITIVE},
    "experiments": {"experiments": ParameterSets()},
    "hyperband": _HYPERBAND,
    "halving": _BUDGETS,
    "bohb": {
        **_HYPERBAND,
        "min_points": _SOME,
        "random_fraction": Bounds(0, 1),
        "n_candidates": _MANY,
        "gamma": Bounds(0, 1),
    },
    "pbt": {
        "all_checkpoint_dir": Text(4096),
        "population_size": Bounds(2, 10_000, whole=True),
        "factor": Bounds(0, 10),
        "resample_probability": Bounds(0, 1),
        "fraction": Bounds(0, 0.5),
        "generations": Bounds(0, 1_000_000, whole=True),
    },
    "plugin": {
        "path": Text(4096),
        "module": Text(4096),
        "class": Text(4096),
        "arguments": Object(),
        "python": Text(4096),
        "call_seconds": Bounds(0.1, 60),
        "memory_mb": Bounds(64, 1_048_576, whole=True),
    },
}

MAX_SEED = 2**63 - 1
MAX_SOURCES = 20
WARM_WEIGHT = 0.3


@dataclass(frozen=True)
class Sampling:
    """How the next parameters are chosen.

    name: "auto" (picked by the space) or one of `SAMPLERS`: "random", "sobol", "grid", "tpe", "bayesian", "gp",
        "evolution", "cmaes", "anneal", "experiments", "hyperband", "halving", "bohb", "pbt", "plugin".
    options: what that sampler understands, by name.
    seed: a whole number from 0 on; None lets the server draw one and keep it.
    warm_start: keys of earlier experiments of the workspace, whose results a model learns from as well.
    warm_weight: how much such a result counts, above 0 and at most 1, where one of this experiment counts 1.

        Sampling("tpe", seed=7)
    """

    name: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    warm_start: tuple[str, ...] = ()
    warm_weight: float = WARM_WEIGHT

    def __post_init__(self) -> None:
        object.__setattr__(self, "warm_start", tuple(self.warm_start))
        if len(self.warm_start) > MAX_SOURCES or not all(isinstance(key, str) and key for key in self.warm_start):
            raise SpecError("warm_start", f"must be a list of up to {MAX_SOURCES} keys of experiments")
        weight = self.warm_weight
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight <= 1:
            raise SpecError("warm_weight", f"must be a number above 0 and at most 1, got {weight!r}")
        if not isinstance(self.name, str) or self.name not in SAMPLERS:
            raise SpecError("name", unknown(str(self.name), SAMPLERS, "sampler"))
        if not isinstance(self.options, Mapping):
            raise SpecError("options", f"must be an object of names and values, got {self.options!r:.60}")
        for option, value in self.options.items():
            allowed = SAMPLERS[self.name].get(option)
            if allowed is None:
                raise SpecError(f"options.{option}", unknown(str(option), SAMPLERS[self.name], "option"))
            problem = allowed.problem(value) if value is not None else ""
            if problem:
                raise SpecError(f"options.{option}", f"{problem}, got {value!r:.60}")
        if self.seed is not None and (isinstance(self.seed, bool) or not isinstance(self.seed, int)):
            raise SpecError("seed", f"must be a whole number, got {self.seed!r}")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise SpecError("seed", f"must be from 0 to {MAX_SEED}, got {self.seed}")

    @property
    def adds(self) -> tuple[str, ...]:
        """Names of parameters that every trial gets besides those of the space."""
        return CHECKPOINTS if self.name == "pbt" else self.budget

    @property
    def budget(self) -> tuple[str, ...]:
        """The name under which a trial gets its budget, if the sampler gives it one."""
        return (str(self.options.get("resource") or RESOURCE),) if "resource" in SAMPLERS[self.name] else ()

    @property
    def hands_on(self) -> bool:
        """Whether a trial may go on from the checkpoint of another one."""
        return bool(self.adds)

    def check(self, space: Space) -> None:
        """Refuse a space that this sampler cannot search, and options that do not fit each other or the space."""
        self._check_order(space)
        for name in self.adds:
            if name in space:
                path = "name" if self.name == "pbt" else "options.resource"
                raise SpecError(path, f"{self.name} hands each trial {name!r}, which must not be in the space as well")
        low, high = self.options.get("min_resource") or 1, self.options.get("max_resource") or MAX_BUDGET
        if low > high:
            raise SpecError("options.min_resource", f"must be at most max_resource ({high:g}), got {low:g}")
        if self.name == "experiments" and not self.options.get("experiments"):
            raise SpecError("options.experiments", "is required: the parameter sets to try")
        if self.name == "plugin" and not (
            self.options.get("module") or str(self.options.get("path") or "").endswith(".py")
        ):
            raise SpecError("options.module", "is required: the plugin's module, or path with its file")
        for place, entry in enumerate(self.options.get("experiments") or ()):
            found = misfit(space, entry)
            if found:
                raise SpecError(f"options.experiments.{place}.{found[0]}", found[1])

    def _check_order(self, space: Space) -> None:
        if self.name != "grid" or str(self.options.get("order")).lower() != "listed":
            return
        for name, (distribution, _) in space.leaves().items():
            if distribution.size is None:
                message = f"a grid in listed order needs countable values, {name} has none; use bisect"
                raise SpecError("options.order", message)

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain JSON."""
        found: dict[str, Any] = {"name": self.name, "options": dict(self.options), "seed": self.seed}
        if self.warm_start:
            found |= {"warm_start": list(self.warm_start), "warm_weight": self.warm_weight}
        return found

    @classmethod
    def from_dict(cls, document: object, path: str = "sampling") -> Self:
        """Read what `to_dict` wrote. Raises SpecError with the path of what is wrong."""
        fields = Fields(document, path, ("name", "options", "seed", "warm_start", "warm_weight"))
        name, options, seed = fields.text("name", "auto"), fields.mapping("options"), fields.integer("seed")
        sources, weight = fields.texts("warm_start"), fields.number("warm_weight")
        with below(path):
            return cls(name, options, seed, sources, WARM_WEIGHT if weight is None else weight)


def misfit(space: Space, params: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first parameter of the space whose value lies outside it, and a sentence about it; None when all fit."""
    for name, value in params.items():
        distribution = space.get(name)
        if distribution is not None and not distribution.contains(value):
            return name, f"must be in {distribution.describe()}, got {value!r:.60}"
    return None
