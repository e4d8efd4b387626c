"""A sweep as the properties of an ARM job, as its client sends them."""

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunebook.sweep.declarations import ALGORITHMS, SamplingAlgorithm, SweepJobLimits
from tunebook.sweep.entities import Input, JobResourceConfiguration, Output
from tunebook.sweep.errors import ValidationException
from tunebook.sweep.search_space import SweepDistribution, faced
from tunebook.wire.azureml.loading import camel

if TYPE_CHECKING:
    from tunebook.sweep.command_job import ParameterizedCommand
    from tunebook.sweep.sweep_job import SweepJob

Form = dict[str, Any]
_NAME = re.compile(r"[a-zA-Z_]+[a-zA-Z0-9_]*")
_SINGLE = re.compile(r"(?<![{$]){\s*(inputs|outputs|search_space)(\.[\w\-.]+)\s*}(?!})")
_INPUT = re.compile(r"\$\{\{\s*inputs\.([\w\-]+)\s*\}\}")
INPUT_MODES = {
    "mount": "ReadOnlyMount",
    "ro_mount": "ReadOnlyMount",
    "rw_mount": "ReadWriteMount",
    "download": "Download",
    "eval_mount": "EvalMount",
    "eval_download": "EvalDownload",
    "direct": "Direct",
}
OUTPUT_MODES = {"mount": "ReadWriteMount", "rw_mount": "ReadWriteMount", "upload": "Upload", "direct": "Direct"}
_PRIORITIES = {"low": 1, "medium": 2, "high": 3}


def sweep_properties(job: "SweepJob") -> Form:
    """The properties of the job. What is missing of a sweep whose trial is a command job comes from that.

    Raises ValidationException for what no service takes: names of parameters, references to inputs that are not there.
    """
    _take_from_trial(job)
    if job.search_space is None:
        raise ValidationException("search_space", "is required")
    for name in job.search_space:
        if not _NAME.fullmatch(str(name)):
            raise ValidationException(
                f"search_space.{name}", "a name has letters, digits and _ and starts with no digit"
            )
    return _kept(
        jobType="Sweep",
        displayName=job.display_name,
        description=job.description,
        experimentName=job.experiment_name,
        isArchived=False,
        searchSpace={name: _distribution(entry, name) for name, entry in job.search_space.items()},
        samplingAlgorithm=_sampling(job.sampling_algorithm),
        limits=job.limits.to_wire() if job.limits else None,
        earlyTermination=job.early_termination.to_wire() if job.early_termination else None,
        objective=job.objective.to_wire() if job.objective else None,
        properties=job.properties,
        tags=job.tags,
        computeId=job.compute,
        trial=_trial(job.trial, job.inputs) if job.trial else None,
        inputs={name: _input(value) for name, value in job.inputs.items()},
        outputs={name: _output(value) for name, value in job.outputs.items()},
        identity=_identity(job.identity),
        queueSettings=_queue(job.queue_settings),
        resources=_resources(job.resources or (job.trial.resources if job.trial else None)),
    )


def _take_from_trial(job: "SweepJob") -> None:
    trial: Any = job.trial
    if trial is None or getattr(trial, "type", None) != "command":
        return
    job.compute = job.compute or trial.compute
    job.inputs = job.inputs or trial.inputs
    job.outputs = job.outputs or trial.outputs
    each = trial.limits.timeout if trial.limits else None
    if each and job.limits is None:
        job.limits = SweepJobLimits(trial_timeout=each)
    elif each and job.limits is not None and not job.limits.trial_timeout:
        job.limits.trial_timeout = each


def _distribution(entry: Any, name: str) -> list[Any]:
    found = faced(entry)
    if not isinstance(found, SweepDistribution):
        raise ValidationException(f"search_space.{name}", f"must be a distribution, got {found!r:.60}")
    return found.to_wire()


def _sampling(algorithm: Any) -> Form | None:
    if not algorithm:
        return None
    return (
        algorithm.to_wire() if isinstance(algorithm, SamplingAlgorithm) else ALGORITHMS[algorithm.lower()]().to_wire()
    )


def _trial(trial: "ParameterizedCommand", inputs: Mapping[str, Any]) -> Form:
    command = _SINGLE.sub(lambda found: "${{" + found[1] + found[2] + "}}", trial.command or "")
    for name in _INPUT.findall(command):
        if inputs.get(name) is None:
            raise ValidationException("trial.command", f"the job has no input {name!r}, which the command refers to")
    return _kept(
        command=command or None,
        codeId=None if trial.code is None else os.fspath(trial.code),
        environmentId=trial.environment,
        environmentVariables=trial.environment_variables,
        distribution=_renamed(trial.distribution),
        resources=_resources(trial.resources),
    )


def _input(value: Any) -> Form:
    if not isinstance(value, Input):
        return _kept(jobInputType="literal", value=None if value is None else str(value))
    mode = INPUT_MODES.get(value.mode or "")
    return _kept(jobInputType=value.type, uri=value.path, mode=mode)


def _output(value: Output | None) -> Form:
    if value is None:
        return {"jobOutputType": "uri_folder"}
    mode = OUTPUT_MODES.get(value.mode or "")
    return _kept(jobOutputType=value.type, uri=value.path, mode=mode, assetName=value.name, assetVersion=value.version)


def _identity(identity: Any) -> Form | None:
    if identity is None:
        return None
    members = {camel(name): value for name, value in identity.to_members().items() if name != "type"}
    return {"identityType": identity.word, **members}


def _queue(settings: Any) -> Form | None:
    if settings is None:
        return None
    priority = settings.priority
    return _kept(
        jobTier=settings.job_tier.capitalize() if settings.job_tier else None,
        priority=_PRIORITIES.get(priority.lower()) if isinstance(priority, str) else priority,
    )


def _resources(resources: JobResourceConfiguration | None) -> Form | None:
    return _renamed(resources.to_members()) if resources else None


_DISTRIBUTIONS = {"pytorch": "PyTorch", "mpi": "Mpi", "tensorflow": "TensorFlow", "ray": "Ray"}


def _renamed(members: Any) -> Form | None:
    if not isinstance(members, Mapping):
        return None
    form = {camel(str(name)): value for name, value in members.items()}
    if "type" in form:
        form["distributionType"] = _DISTRIBUTIONS.get(str(form.pop("type")).lower())
    return form


def _kept(**members: Any) -> Form:
    return {name: value for name, value in members.items() if value is not None}
