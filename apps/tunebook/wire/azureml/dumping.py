"""A job of ours as the properties of an ARM sweep job, for experiments that came by another wire."""

import re
import shlex
from typing import Any

from tunebook.command import Command
from tunebook.job import Job
from tunebook.placeholders import wrapped
from tunebook.space import Space
from tunebook.wire import durations, expressions, terminations
from tunebook.wire.azureml.documents import Details
from tunebook.wire.azureml.loading import ALGORITHMS, GOALS, camel
from tunebook.wire.azureml.shapes import converted
from tunebook.wire.azureml.versions import TODAY
from tunebook.wire.references import Bindings, environment

_RANDOM_OPTIONS = ("rule", "logbase")


def dump(job: Job, shape: str = TODAY, details: Details | None = None) -> dict[str, Any]:
    """The properties; what Azure has no word for is refused with the place in our document.

    Samplers that Azure does not know are told as Random.
    """
    said = details or Details("Sweep")
    properties: dict[str, Any] = {
        "jobType": "Sweep",
        "displayName": said.display_name or None,
        "description": said.description or None,
        "experimentName": said.experiment,
        "tags": dict(said.tags),
        "properties": {},
        "searchSpace": expressions.dump_space(job.space),
        "samplingAlgorithm": _sampling(job),
        "objective": {"goal": _word(GOALS, job.objective.goal), "primaryMetric": job.objective.name},
        "limits": _limits(job),
        "trial": {
            "command": _line(job.command, job.space),
            "environmentVariables": _own_variables(job),
        },
        "computeId": "local",
    }
    if job.policy is not None:
        word, members = terminations.dump(job.policy, camel)
        properties["earlyTermination"] = {"policyType": word, **members}
    return converted({name: value for name, value in properties.items() if value is not None}, TODAY, shape)


def _sampling(job: Job) -> dict[str, Any]:
    sampling = job.sampling
    known = sampling.name if sampling.name in ALGORITHMS.values() else "random"
    said: dict[str, Any] = {"samplingAlgorithmType": _word(ALGORITHMS, known)}
    if known == sampling.name == "random":
        said |= {name: sampling.options[name] for name in _RANDOM_OPTIONS if sampling.options.get(name) is not None}
        said |= {} if sampling.seed is None else {"seed": sampling.seed}
    return said


def _limits(job: Job) -> dict[str, Any]:
    limits = job.limits
    times = {"timeout": limits.max_seconds, "trialTimeout": limits.trial_seconds}
    return {
        "jobLimitsType": "Sweep",
        "maxConcurrentTrials": limits.max_concurrent,
        **({} if limits.max_trials is None else {"maxTotalTrials": limits.max_trials}),
        **{name: durations.text_of(seconds) for name, seconds in times.items() if seconds is not None},
    }


def _line(command: Command, space: Space) -> str:
    """The steps in one shell line, with Azure's references."""
    steps = [step if isinstance(step, str) else _joined(step) for step in command.steps]
    line = " && ".join(steps)
    for name in space.leaves():
        literal = command.literals.get(name, wrapped(name))
        for word in {literal, wrapped(name)}:
            line = line.replace(word, "${{search_space." + name + "}}")
    return line


def _joined(words: tuple[str, ...]) -> str:
    """An argument list as a shell line, its placeholders left bare."""
    return " ".join(word if re.fullmatch(r"[\w./=:${}\-]+", word) else shlex.quote(word) for word in words)


def _own_variables(job: Job) -> dict[str, str]:
    """The variables without those that every trial of Azure gets."""
    given = environment(Bindings(tuple(job.space)), {})
    return {name: text for name, text in job.command.environment.items() if given.get(name) != text}


def _word(words: dict[str, Any], ours: str) -> str:
    return next(word for word, meaning in words.items() if meaning == ours)
