"""Tuners and assessors by PAI's and NNI's names, with their class arguments."""

from collections.abc import Callable, Mapping
from typing import Any

from tunebook import policies
from tunebook.errors import SpecError
from tunebook.fields import Fields, join, unknown
from tunebook.objective import Goal
from tunebook.placeholders import unwrapped
from tunebook.policies import POLICIES, PaiAssessorPolicy, Policy
from tunebook.sampling import SAMPLERS, Sampling
from tunebook.wire.nni.algorithms import ASSESSORS, tpe_options

# The vendor's tuner -> our sampler and the class arguments that are understood beside the sampler's own.
TUNERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "TPE": ("tpe", ("tpe_args",)),
    "GridSearch": ("grid", ()),
    "Random": ("random", ()),
    "Evolution": ("evolution", ()),
    "GP": ("gp", ()),
    "PBT": ("pbt", ()),
}
DEFAULT_TUNER = "TPE"
ASSESSOR_ARGS = ("optimize_mode", "start_step", "proportion", "moving_avg", "earlystop", "patience")


def load_tuner(yml: Fields, *, is_empty: bool) -> Sampling:
    """The sampler of `yml_config.tuner`: TPE when it says none; with nothing to search it makes one trial."""
    tuner = yml.inside("tuner", ("name", "class_args"))
    name = tuner.text("name") or DEFAULT_TUNER
    sampler = _sampler_of(name)
    if sampler is None:
        offered = [word for word, (behind, _) in TUNERS.items() if behind in SAMPLERS]
        own = [one for one in SAMPLERS if one.upper() not in TUNERS and one not in [of for of, _ in TUNERS.values()]]
        raise SpecError(tuner.at("name"), unknown(name, offered + own, f"tuner {name!r}"))
    members = [member for behind, extra in TUNERS.values() if behind == sampler for member in extra]
    arguments = tuner.inside("class_args", ("optimize_mode", "seed", *members, *SAMPLERS[sampler]))
    seed = arguments.integer("seed", low=0)
    options = tpe_options(arguments) if sampler == "tpe" else {}
    said = {option: arguments.document[option] for option in SAMPLERS[sampler] if arguments.has(option)}
    options |= {option: _unwrapped(option, value) for option, value in said.items()}
    if is_empty:
        return Sampling("grid", seed=seed)
    try:
        return Sampling(sampler, options, seed)
    except SpecError as error:
        raise SpecError(join(arguments.path, error.path.removeprefix("options.")), error.message) from None


def load_assessor(yml: Fields, goal: Goal) -> Policy | None:
    """The policy of `yml_config.assessor`, by the vendor's name or our own; None when it says none."""
    assessor = yml.inside("assessor", ("name", "class_args"))
    if not assessor.text("name"):
        if assessor.document.get("class_args"):
            assessor.require("name")
        return None
    name = assessor.text("name").strip().lower()
    if name in POLICIES:
        own = {key: value for key, value in assessor.mapping("class_args").items() if key != "optimize_mode"}
        return policies.from_dict({**own, "name": name}, assessor.at("class_args"))
    if name not in _ASSESSORS:
        names = [*(word for word, _, _ in _ASSESSORS.values()), *POLICIES]
        raise SpecError(assessor.at("name"), unknown(assessor.text("name"), names, "assessor"))
    _, members, build = _ASSESSORS[name]
    return build(assessor.inside("class_args", members))


def _sampler_of(name: str) -> str | None:
    """The sampler behind a tuner's name, the vendor's or our own, compared without case."""
    words = {sampler: sampler for sampler in SAMPLERS}
    words |= {word.lower(): sampler for word, (sampler, _) in TUNERS.items() if sampler in SAMPLERS}
    return words.get(name.strip().lower())


def _unwrapped(option: str, value: Any) -> Any:
    """The value of an option that names parameters, which may be written `${lr}` as in the search space."""
    if option == "resource" and isinstance(value, str):
        return unwrapped(value)
    if option == "experiments" and isinstance(value, list):
        return [_bare(entry) if isinstance(entry, Mapping) else entry for entry in value]
    return value


def _bare(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {unwrapped(str(name)): value for name, value in entry.items()}


def _pai_assessor(arguments: Fields) -> Policy:
    proportion = arguments.number("proportion", low=0, high=1)
    return PaiAssessorPolicy(
        start_step=arguments.integer("start_step", low=0) or 0,
        proportion=0.5 if proportion is None else proportion,
        moving_avg=_switch(arguments, "moving_avg", default=False),
        earlystop=_switch(arguments, "earlystop", default=True),
        patience=arguments.integer("patience", low=0),
    )


def _switch(arguments: Fields, name: str, *, default: bool) -> bool:
    """A JSON flag, or the word for one: the vendor types `moving_avg` as text."""
    value = arguments.document.get(name)
    if value is None or value == "":
        return default
    word = str(value).strip().lower()
    if not isinstance(value, str | bool) or word not in ("true", "false"):
        raise SpecError(arguments.at(name), f"must be true or false, got {value!r:.60}")
    return word == "true"


_ASSESSORS: Mapping[str, tuple[str, tuple[str, ...], Callable[[Fields], Policy]]] = {
    "paiassessor": ("PAIAssessor", ASSESSOR_ARGS, _pai_assessor),
    **ASSESSORS,
}


def dump_tuner(sampling: Sampling, goal: Goal) -> dict[str, Any]:
    """The tuner's word for a sampler, with its class arguments; a sampler without one keeps its own name."""
    words = {sampler: word for word, (sampler, _) in TUNERS.items()}
    seed = {} if sampling.seed is None else {"seed": sampling.seed}
    arguments = {"optimize_mode": goal, **seed, **sampling.options}
    return {"name": words.get(sampling.name, sampling.name), "class_args": arguments}


def dump_assessor(policy: Policy, goal: Goal) -> dict[str, Any]:
    """The assessor's word for a policy; a policy without one keeps its own name and arguments."""
    arguments = {name: value for name, value in policy.to_dict().items() if name != "name" and value is not None}
    if not isinstance(policy, PaiAssessorPolicy):
        return {"name": policy.name, "class_args": {"optimize_mode": goal, **arguments}}
    own = {name: arguments[name] for name in ASSESSOR_ARGS if name in arguments}
    own["moving_avg"] = str(policy.moving_avg).lower()
    return {"name": "PAIAssessor", "class_args": {"optimize_mode": goal, **own}}
