"""A sweep: what is searched, for what, within which limits, and what each trial runs."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunebook.fields import listed
from tunebook.sweep import files, wire_form, yaml_form
from tunebook.sweep.declarations import (
    ALGORITHMS,
    POLICIES,
    EarlyTerminationPolicy,
    Objective,
    SamplingAlgorithm,
    SweepJobLimits,
)
from tunebook.sweep.entities import Identity, JobResourceConfiguration, QueueSettings, inputs_of, outputs_of
from tunebook.sweep.errors import ValidationException

if TYPE_CHECKING:
    from tunebook.sweep.command_job import ParameterizedCommand


class SweepJob:
    """A sweep job. Every argument may be left out and set later as an attribute of the same name.

    Args:
        name, display_name, description, tags, properties, experiment_name: who it is.
        search_space: parameter name -> distribution.
        objective: an Objective, or an object of goal and primary_metric.
        sampling_algorithm: "random", "grid", "bayesian" or one of their classes; the server's default is random.
        early_termination: a policy, or its name.
        limits: a SweepJobLimits.
        trial: a CommandJob, or the trial of another sweep.
        inputs, outputs: by name; values, Input and Output.
        compute, resources, queue_settings, identity: kept, and told back.
    """

    trial: "ParameterizedCommand | None"

    def __init__(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, Any] | None = None,
        display_name: str | None = None,
        experiment_name: str | None = None,
        identity: Identity | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        compute: str | None = None,
        limits: SweepJobLimits | None = None,
        sampling_algorithm: str | SamplingAlgorithm | None = None,
        search_space: Mapping[str, Any] | None = None,
        objective: Objective | Mapping[str, Any] | None = None,
        trial: "ParameterizedCommand | None" = None,
        early_termination: EarlyTerminationPolicy | str | None = None,
        queue_settings: QueueSettings | None = None,
        resources: Mapping[str, Any] | JobResourceConfiguration | None = None,
        **kwargs: Any,
    ) -> None:
        self.name = name
        self.description = description
        self.tags: dict[str, Any] = dict(tags or {})
        self.properties: dict[str, Any] = dict(kwargs.pop("properties", None) or {})
        self.services: Mapping[str, Any] | None = kwargs.pop("services", None)
        self._base_path: str = kwargs.pop("base_path", None) or os.getcwd()
        known: Any = {
            word: kwargs.pop(word, None) for word in ("id", "status", "log_files", "creation_context", "type")
        }
        if kwargs:
            raise TypeError(f"SweepJob() got an unexpected keyword argument {next(iter(kwargs))!r}")
        self._id: str | None = known["id"]
        self._status: str | None = known["status"]
        self._log_files: dict[str, str] | None = known["log_files"]
        self._creation_context = known["creation_context"]
        self.display_name = display_name
        self.experiment_name = experiment_name
        self.compute = compute
        self.inputs = inputs
        self.outputs = outputs
        self.trial = trial
        self.identity = identity
        self.sampling_algorithm = sampling_algorithm
        self.early_termination = early_termination
        self._limits = limits
        self.search_space = None if search_space is None else dict(search_space)
        self.queue_settings = queue_settings
        self.objective = Objective(**objective) if isinstance(objective, Mapping) else objective
        self.resources = resources

    @property
    def type(self) -> str:
        """`sweep`."""
        return "sweep"

    @property
    def id(self) -> str | None:
        """The id that the service gave it."""
        return self._id

    @property
    def status(self) -> str | None:
        """The word for where it stands, when it was read from a service."""
        return self._status

    @property
    def log_files(self) -> dict[str, str] | None:
        """Names and addresses of its logs, when it was read from a service."""
        return self._log_files

    @property
    def creation_context(self) -> Any:
        """Who made it and when, when it was read from a service."""
        return self._creation_context

    @property
    def base_path(self) -> str:
        """The folder that relative paths start from."""
        return self._base_path

    @property
    def studio_url(self) -> str | None:
        """The address of its page, when it was read from a service."""
        studio = (self.services or {}).get("Studio")
        return studio.get("endpoint") if isinstance(studio, Mapping) else getattr(studio, "endpoint", None)

    @property
    def inputs(self) -> dict[str, Any]:
        """Values and Input objects by name."""
        return self._inputs

    @inputs.setter
    def inputs(self, given: Mapping[str, Any] | None) -> None:
        self._inputs = inputs_of(given)

    @property
    def outputs(self) -> dict[str, Any]:
        """Output objects by name."""
        return self._outputs

    @outputs.setter
    def outputs(self, given: Mapping[str, Any] | None) -> None:
        self._outputs = outputs_of(given)

    @property
    def resources(self) -> JobResourceConfiguration | None:
        """What it would like of a cluster."""
        return self._resources

    @resources.setter
    def resources(self, value: Mapping[str, Any] | JobResourceConfiguration | None) -> None:
        self._resources = JobResourceConfiguration(**value) if isinstance(value, Mapping) else value

    @property
    def limits(self) -> SweepJobLimits | None:
        """How many trials, and how long."""
        return self._limits

    @limits.setter
    def limits(self, value: SweepJobLimits) -> None:
        if not isinstance(value, SweepJobLimits):
            raise ValidationException("limits", f"must be SweepJobLimits, got {type(value)}")
        self._limits = value

    @property
    def sampling_algorithm(self) -> str | SamplingAlgorithm | None:
        """How values are chosen, as it was given."""
        return self._sampling_algorithm

    @sampling_algorithm.setter
    def sampling_algorithm(self, value: str | SamplingAlgorithm | None) -> None:
        known = value is None or isinstance(value, SamplingAlgorithm)
        if not known and not (isinstance(value, str) and value.lower() in ALGORITHMS):
            there_are = f"there are {listed(ALGORITHMS)}"
            raise ValidationException("sampling_algorithm", f"unsupported sampling algorithm: {value}; {there_are}")
        self._sampling_algorithm = value

    @property
    def early_termination(self) -> EarlyTerminationPolicy | None:
        """The policy that cancels trials; a name that was given is the policy with its defaults."""
        return self._early_termination

    @early_termination.setter
    def early_termination(self, value: EarlyTerminationPolicy | str | None) -> None:
        if isinstance(value, str) and value.lower() in POLICIES:
            value = POLICIES[value.lower()]()
        if value is not None and not isinstance(value, EarlyTerminationPolicy):
            what = value if isinstance(value, str) else f"of type {type(value)}"
            message = f"unsupported value {what}; must be a policy or one of {', '.join(POLICIES)}"
            raise ValidationException("early_termination", message)
        self._early_termination = value

    def set_limits(
        self,
        *,
        max_concurrent_trials: int | None = None,
        max_total_trials: int | None = None,
        timeout: int | None = None,
        trial_timeout: int | None = None,
    ) -> None:
        """Change the limits that are named; times in seconds."""
        self._limits = self._limits or SweepJobLimits()
        _change(
            self._limits,
            max_concurrent_trials=max_concurrent_trials,
            max_total_trials=max_total_trials,
            timeout=timeout,
            trial_timeout=trial_timeout,
        )

    def set_objective(self, *, goal: str | None = None, primary_metric: str | None = None) -> None:
        """Change what is named of the objective."""
        if self.objective is None:
            self.objective = Objective(goal, primary_metric)
        else:
            _change(self.objective, goal=goal or None, primary_metric=primary_metric or None)

    def set_resources(
        self,
        *,
        instance_type: str | list[str] | None = None,
        instance_count: int | None = None,
        locations: list[str] | None = None,
        properties: dict[str, Any] | None = None,
        docker_args: str | None = None,
        shm_size: str | None = None,
    ) -> None:
        """Change what is named of the resources."""
        self._resources = self._resources or JobResourceConfiguration()
        _change(
            self._resources,
            instance_type=instance_type,
            instance_count=instance_count,
            locations=locations,
            properties=properties,
            docker_args=docker_args,
            shm_size=shm_size,
        )

    def dump(self, dest: files.Destination, **kwargs: Any) -> None:
        """Write the sweep as a YAML file, or into an open one.

        Raises FileExistsError when there is a file already, ValidationException when a value cannot be written.
        """
        files.write(yaml_form.sweep_form(self), dest)

    def to_wire(self) -> dict[str, Any]:
        """The body that creates it as an ARM job: its name and `properties`.

        What is missing of a sweep whose trial is a command job is taken from that.
        """
        return {"name": self.name, "properties": wire_form.sweep_properties(self)}


def _change(holder: Any, **members: Any) -> None:
    for name, value in members.items():
        if value is not None:
            setattr(holder, name, value)
