"""A sweep as the objects of its YAML file, the forms of values as azure.ai.ml writes them.

Odd ones are meant: true in a choice is written as 1, a slack as a float, a lone `compute` with azureml: in front. Two
differ on purpose: a local `code` or `path` stays as it is, where the original makes an asset's name of it.
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tunebook.sweep.declarations import ALGORITHMS, BanditPolicy, EarlyTerminationPolicy, SamplingAlgorithm
from tunebook.sweep.entities import Input, JobResourceConfiguration, Output
from tunebook.sweep.errors import ValidationException
from tunebook.sweep.search_space import Choice, Randint, SweepDistribution, faced

if TYPE_CHECKING:
    from tunebook.sweep.command_job import ParameterizedCommand
    from tunebook.sweep.sweep_job import SweepJob

GOALS = ("minimize", "maximize")
RULES = ("random", "sobol")
_ASSET = "azureml:"
_NO_ASSET = ("azureml:", "local", "${{")

Form = dict[str, Any]


def sweep_form(job: "SweepJob") -> Form:
    """The whole file. Raises ValidationException with the path of a value that no file can have."""
    return _kept(
        name=_text(job.name),
        display_name=_text(job.display_name),
        description=_text(job.description),
        experiment_name=_text(job.experiment_name),
        type=job.type,
        tags=_texts(job.tags),
        properties=_texts(job.properties),
        compute=None if job.compute is None else _asset(job.compute, "compute"),
        identity=None if job.identity is None else job.identity.to_members(),
        inputs={str(name): _input(value) for name, value in job.inputs.items()},
        outputs={str(name): _output(value, f"outputs.{name}") for name, value in job.outputs.items()},
        trial=None if job.trial is None else trial_form(job.trial),
        search_space=_space(job.search_space),
        sampling_algorithm=_sampling(job.sampling_algorithm),
        objective=_objective(job.objective),
        early_termination=_policy(job.early_termination),
        limits=_limits(job.limits),
        queue_settings=_queue(job.queue_settings),
        resources=_resources(job.resources),
    )


def trial_form(trial: "ParameterizedCommand") -> Form:
    """What each trial runs."""
    environment = trial.environment
    return _kept(
        command=_text(trial.command),
        code=None if trial.code is None else os.fspath(trial.code),
        environment=_asset(environment, "trial.environment") if isinstance(environment, str) else environment,
        environment_variables=trial.environment_variables,
        distribution=trial.distribution,
        resources=_resources(trial.resources),
        queue_settings=_queue(trial.queue_settings),
    )


def distribution_form(distribution: Any, path: str) -> Form:
    """One entry of the search space."""
    found = faced(distribution)
    if not isinstance(found, SweepDistribution):
        raise ValidationException(path, f"must be a distribution, got {found!r:.60}")
    if isinstance(found, Choice):
        values = None if found.values is None else [_option(value, path) for value in found.values]
        return _kept(type=found.type, values=values)
    convert: Callable[[Any, str], Any] = _whole if isinstance(found, Randint) else _number
    arguments = {name: convert(getattr(found, name), f"{path}.{name}") for name in found.arguments}
    return _kept(type=found.type, **arguments)


def _space(space: Mapping[str, Any] | None) -> Form | None:
    if space is None:
        return None
    return {str(name): distribution_form(entry, f"search_space.{name}") for name, entry in space.items()}


def _option(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        return {str(name): _member(member, f"{path}.{name}") for name, member in value.items()}
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value
    raise ValidationException(path, f"an option must be a number, text or an object, got {value!r:.60}")


def _member(value: Any, path: str) -> Any:
    """What stands inside an option: a distribution, a number, or text."""
    value = faced(value)
    if isinstance(value, SweepDistribution):
        return distribution_form(value, path)
    if isinstance(value, int):
        return int(value)
    return value if value is None or isinstance(value, float) else str(value)


def _sampling(algorithm: Any) -> str | Form | None:
    if algorithm is None or isinstance(algorithm, str):
        return algorithm.lower() if algorithm else None
    if not isinstance(algorithm, SamplingAlgorithm) or algorithm.type not in ALGORITHMS:
        raise ValidationException("sampling_algorithm", f"must be random, grid or bayesian, got {algorithm!r:.80}")
    rule, seed, base = (getattr(algorithm, name, None) for name in ("rule", "seed", "logbase"))
    if rule and str(rule).lower() not in RULES:
        raise ValidationException("sampling_algorithm.rule", f"must be random or sobol, got {rule!r}")
    return _kept(
        type=algorithm.type,
        rule=str(rule).lower() if rule else None,
        seed=_whole(seed, "sampling_algorithm.seed"),
        logbase=_base(base),
    )


def _base(value: Any) -> float | str | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return str(value)


def _objective(objective: Any) -> Form | None:
    if objective is None:
        return None
    goal = getattr(objective, "goal", None)
    if goal and str(goal).lower() not in GOALS:
        raise ValidationException("objective.goal", f"must be minimize or maximize, got {goal!r}")
    return _kept(goal=str(goal).lower() if goal else None, primary_metric=_text(objective.primary_metric))


def _policy(policy: Any) -> Form | None:
    if policy is None:
        return None
    if not isinstance(policy, EarlyTerminationPolicy):
        raise ValidationException("early_termination", f"must be a policy, got {policy!r:.60}")
    convert = _slack if isinstance(policy, BanditPolicy) else _whole
    place = "early_termination"
    return _kept(
        type=policy.type,
        **{
            name: (convert if name.startswith("slack") else _whole)(getattr(policy, name), f"{place}.{name}")
            for name in policy.members
        },
    )


def _limits(limits: Any) -> Form | None:
    if limits is None:
        return None
    names = ("max_concurrent_trials", "max_total_trials", "timeout", "trial_timeout")
    return _kept(**{name: _whole(getattr(limits, name, None), f"limits.{name}") for name in names})


def _queue(settings: Any) -> Form | None:
    if settings is None:
        return None
    return {name: str(value).lower() for name, value in settings.to_members().items()}


def _resources(resources: JobResourceConfiguration | None) -> Form | None:
    if resources is None:
        return None
    found = resources.to_members()
    return {**found, **({"instance_type": str(found["instance_type"])} if "instance_type" in found else {})}


def _input(value: Any) -> Any:
    if isinstance(value, Input):
        return value.to_members()
    if isinstance(value, bool):
        return int(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _output(value: Any, path: str) -> Any:
    if value is None or isinstance(value, Output):
        return None if value is None else value.to_members()
    raise ValidationException(path, f"must be an Output or an object, got {value!r:.60}")


def _asset(name: Any, path: str) -> str:
    if not isinstance(name, str):
        raise ValidationException(path, f"must be text, got {name!r:.60}")
    return name if name.startswith(_NO_ASSET) or re.match(r"\w+://", name) else _ASSET + name


def _number(value: Any, path: str) -> float | int | None:
    if isinstance(value, int):
        return int(value)
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise ValidationException(path, f"must be a number, got {value!r:.60}") from None


def _whole(value: Any, path: str) -> int | None:
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        raise ValidationException(path, f"must be a whole number, got {value!r:.60}") from None


def _slack(value: Any, path: str) -> float | None:
    number = _number(value, path)
    return None if number is None else float(number)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _texts(values: Mapping[str, Any]) -> Form:
    return {str(name): _text(value) for name, value in values.items()}


def _kept(**members: Any) -> Form:
    return {name: value for name, value in members.items() if value is not None}
