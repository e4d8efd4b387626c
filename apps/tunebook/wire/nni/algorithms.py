"""Tuners, advisors and assessors by NNI's names, with their class arguments. Source: NNI 3.0's reference of built-ins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from tunebook.errors import SpecError
from tunebook.fields import Fields, below, join, listed
from tunebook.objective import Goal
from tunebook.policies import CurveFittingPolicy, NniMedianstopPolicy, Policy
from tunebook.sampling import SAMPLERS, Sampling

GOALS = ("maximize", "minimize")
LIARS = ("best", "worst", "mean", None)
LEGACY_LIARS = {"min": "best", "max": "worst", "mean": "mean"}
RESOURCE = "TRIAL_BUDGET"
MANY = 10_000
MOST_BUDGET = 1_000_000_000
TPE_ARGS = (
    "constant_liar_type",
    "n_startup_jobs",
    "n_ei_candidates",
    "linear_forgetting",
    "prior_weight",
    "gamma",
)
PBT_ARGS = ("all_checkpoint_dir", "population_size", "factor", "resample_probability", "fraction")
GP_ARGS = tuple(SAMPLERS["gp"])  # the sampler has them from NNI


def optimize_mode(arguments: Fields) -> Goal | None:
    """The direction that these class arguments name, or None."""
    if not arguments.document.get("optimize_mode"):
        return None
    return cast(Goal, arguments.word("optimize_mode", GOALS, ""))


def tpe_options(arguments: Fields) -> dict[str, Any]:
    """NNI's tpe_args under the names of our sampler; what is not said keeps the sampler's own default."""
    given = arguments.inside("tpe_args", TPE_ARGS)
    liar = given.document.get("constant_liar_type", "best")
    if liar not in LIARS:
        raise SpecError(given.at("constant_liar_type"), f"must be one of best, worst, mean or null, got {liar!r:.60}")
    found: dict[str, Any] = {
        "n_startup": given.integer("n_startup_jobs", low=0, high=MANY),
        "n_candidates": given.integer("n_ei_candidates", low=1, high=MANY),
        "linear_forgetting": given.integer("linear_forgetting", low=1),
        "prior_weight": given.number("prior_weight", low=0),
        "gamma": given.number("gamma", low=0),
    }
    if found["gamma"] is not None:
        found["rule"] = "sqrt"
    if "constant_liar_type" in given.document:
        found["constant_liar"] = liar or "none"
    return _said(found)


def median_stop(arguments: Fields) -> Policy:
    return NniMedianstopPolicy(start_step=arguments.integer("start_step", low=0) or 0)


def curve_fitting(arguments: Fields) -> Policy:
    given: dict[str, Any] = {name: arguments.integer(name, low=1) for name in ("epoch_num", "start_step", "gap")}
    given |= {"threshold": arguments.number("threshold", low=0, high=1)}
    with below(arguments.path):
        return CurveFittingPolicy(**_said(given))


ASSESSORS: dict[str, tuple[str, tuple[str, ...], Callable[[Fields], Policy]]] = {
    "medianstop": ("Medianstop", ("optimize_mode", "start_step"), median_stop),
    "curvefitting": (
        "Curvefitting",
        ("optimize_mode", "epoch_num", "start_step", "threshold", "gap"),
        curve_fitting,
    ),
}


def _anneal(arguments: Fields) -> dict[str, Any]:
    """What runs is of no account for annealing here, so that it needs no lie about it."""
    _legacy_liar(arguments)
    return {}


def _tpe_legacy(arguments: Fields) -> dict[str, Any]:
    liar = _legacy_liar(arguments)
    return {} if liar is None else {"constant_liar": liar}


def _legacy_liar(arguments: Fields) -> str | None:
    """What running trials count as, of losses; None unless parallel_optimize is set."""
    liar = LEGACY_LIARS[arguments.word("constant_liar_type", LEGACY_LIARS, "min")]
    return liar if arguments.flag("parallel_optimize") else None


def _evolution(arguments: Fields) -> dict[str, Any]:
    population = arguments.integer("population_size", low=2, high=MANY)
    return _said({"population_size": population, "sample_size": arguments.integer("sample_size", low=1, high=MANY)})


def _hyperband(arguments: Fields) -> dict[str, Any]:
    """All brackets again and again as in NNI, beside each other unless exec_mode is serial; R is 60 unless given."""
    budget = arguments.integer("R", low=1, high=MOST_BUDGET)
    return {
        "resource": RESOURCE,
        "max_resource": budget or 60,
        "exec_mode": arguments.word("exec_mode", ("serial", "parallelism"), "parallelism"),
        **_said({"eta": arguments.integer("eta", low=2)}),
    }


def _bohb(arguments: Fields) -> dict[str, Any]:
    """The kernel bandwidths have no counterpart: the density model has its own."""
    for name in ("bandwidth_factor", "min_bandwidth"):
        arguments.number(name, low=0)
    percent = arguments.number("top_n_percent", low=0, high=100)
    least = arguments.integer("min_budget", low=1) or 1
    most = arguments.integer("max_budget", low=1, high=MOST_BUDGET) or 3
    if least > most:
        raise SpecError(arguments.at("min_budget"), f"must be at most max_budget ({most}), got {least}")
    return {
        "resource": RESOURCE,
        "min_resource": least,
        "max_resource": most,
        **_said(
            {
                "eta": arguments.integer("eta", low=2),
                "min_points": arguments.integer("min_points_in_model", low=1, high=MANY),
                "n_candidates": arguments.integer("num_samples", low=1, high=MANY),
                "random_fraction": arguments.number("random_fraction", low=0, high=1),
                "gamma": None if percent is None else percent / 100,
            }
        ),
    }


def _as_given(*names: str) -> Callable[[Fields], dict[str, Any]]:
    """Reads arguments whose names and bounds the sampler shares with NNI."""
    return lambda arguments: {name: arguments.document[name] for name in names if arguments.has(name)}


def _nothing(arguments: Fields) -> dict[str, Any]:
    return {}


def _said(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Tuner:
    """One of NNI's tuners or advisors: our sampler, its arguments, and the goal where none is said."""

    word: str
    sampler: str
    goal: Goal | None = "maximize"
    arguments: tuple[str, ...] = ()
    options: Callable[[Fields], dict[str, Any]] = _nothing


_EVERY = (
    Tuner("TPE", "tpe", "minimize", ("tpe_args",), tpe_options),
    Tuner("Random", "random", None),
    Tuner("GridSearch", "grid", None),
    Tuner("Anneal", "anneal", "minimize", ("parallel_optimize", "constant_liar_type"), _anneal),
    Tuner("TPE_legacy", "tpe", "minimize", ("parallel_optimize", "constant_liar_type"), _tpe_legacy),
    Tuner("Evolution", "evolution", "maximize", ("population_size",), _evolution),
    Tuner("RegularizedEvolutionTuner", "evolution", "maximize", ("population_size", "sample_size"), _evolution),
    Tuner("Batch", "experiments", None),
    Tuner("GP", "gp", "maximize", GP_ARGS, _as_given(*GP_ARGS)),
    Tuner("PBT", "pbt", "maximize", PBT_ARGS, _as_given(*PBT_ARGS)),
    Tuner("Hyperband", "hyperband", "maximize", ("R", "eta", "exec_mode"), _hyperband),
    Tuner(
        "BOHB",
        "bohb",
        "maximize",
        (
            "min_budget",
            "max_budget",
            "eta",
            "min_points_in_model",
            "top_n_percent",
            "num_samples",
            "random_fraction",
            "bandwidth_factor",
            "min_bandwidth",
        ),
        _bohb,
    ),
)
TUNERS = {tuner.word.lower(): tuner for tuner in _EVERY}
_ALIASES = {"batchtuner": "batch", "gptuner": "gp", "pbttuner": "pbt"}
# NNI has these too; nothing here does what they do.
_LACKING = ("SMAC", "Metis", "DNGO", "NetworkMorphism", "PPO")


def find_tuner(name: str, path: str) -> Tuner:
    """The tuner or advisor of that name, compared without case. Raises SpecError with those there are."""
    word = name.strip().lower()
    found = TUNERS.get(_ALIASES.get(word, word))
    if found is None:
        there = listed(tuner.word for tuner in _EVERY)
        lacking = word.removesuffix("tuner") in {one.lower() for one in _LACKING}
        what = f"the tuner {name} is not offered" if lacking else f"unknown tuner {name!r:.60}"
        raise SpecError(path, f"{what}; there are: {there}, and your own class by className and codeDirectory")
    return found


def load_tuner(tuner: Tuner, arguments: Fields) -> Sampling:
    """The declaration of our sampler behind a tuner's class arguments."""
    seed = arguments.integer("seed", low=0)
    options = tuner.options(arguments)
    try:
        return Sampling(tuner.sampler, options, seed)
    except SpecError as error:
        raise SpecError(join(arguments.path, error.path.removeprefix("options.")), error.message) from None


def load_assessor(assessor: Fields) -> Policy | None:
    """The policy of an assessor section; None when it names none. Raises SpecError with those there are."""
    name = assessor.text("name").strip()
    if not name:
        return None
    if name.lower() not in ASSESSORS:
        there = listed(word for word, _, _ in ASSESSORS.values())
        raise SpecError(assessor.at("name"), f"unknown assessor {name!r:.60}; there are: {there}")
    _, members, build = ASSESSORS[name.lower()]
    return build(assessor.inside("classArgs", members))
