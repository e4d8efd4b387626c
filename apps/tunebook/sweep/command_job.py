"""What a trial runs, and the function that builds sweeps from commands."""

import copy
import os
import re
from collections.abc import Mapping
from typing import Any

from tunebook.sweep.declarations import (
    BanditPolicy,
    CommandJobLimits,
    EarlyTerminationPolicy,
    Objective,
    SamplingAlgorithm,
    SweepJobLimits,
)
from tunebook.sweep.entities import Identity, JobResourceConfiguration, QueueSettings, inputs_of, outputs_of
from tunebook.sweep.errors import UnexpectedKeywordError, ValidationException
from tunebook.sweep.search_space import is_distribution
from tunebook.sweep.sweep_job import SweepJob

Code = str | os.PathLike[str]


class ParameterizedCommand:
    """A command line and what it needs: the trial of a sweep.

    Args:
        command: a shell line; `${{search_space.lr}}`, `${{inputs.data}}` and `${{outputs.model}}` are filled.
        code: the folder it runs in.
        environment: the name of an environment, or one as an object; kept, the server runs trials in its own.
        environment_variables: variables of the command.
        distribution, resources, queue_settings: what it would like of a cluster; kept.
    """

    def __init__(
        self,
        command: str | None = None,
        *,
        code: Code | None = None,
        environment: Any = None,
        environment_variables: Mapping[str, Any] | None = None,
        distribution: Any = None,
        resources: Mapping[str, Any] | JobResourceConfiguration | None = None,
        queue_settings: QueueSettings | None = None,
    ) -> None:
        self.command = command
        self.code = code
        self.environment = environment
        self.environment_variables: dict[str, Any] | None = dict(environment_variables or {})
        self.distribution = distribution
        self.resources = JobResourceConfiguration(**resources) if isinstance(resources, Mapping) else resources
        self.queue_settings = queue_settings


class CommandJob(ParameterizedCommand):
    """A command with its inputs and outputs; as the trial of a sweep it lends them, and its compute, to the sweep."""

    def __init__(
        self,
        *,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        limits: CommandJobLimits | None = None,
        identity: Identity | None = None,
        services: Mapping[str, Any] | None = None,
        parent_job_name: str | None = None,
        name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        display_name: str | None = None,
        experiment_name: str | None = None,
        compute: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.type = "command"
        self.inputs = inputs_of(inputs)
        self.outputs = outputs_of(outputs)
        self.limits = limits
        self.identity = identity
        self.services = services
        self.parent_job_name = parent_job_name
        self.name = name
        self.description = description
        self.tags = dict(tags or {})
        self.properties = dict(properties or {})
        self.display_name = display_name
        self.experiment_name = experiment_name
        self.compute = compute


class Command(CommandJob):
    """A command that can be called with other inputs, distributions among them, and then be made a sweep.

    Example:
        >>> job = command(command="train.py --lr ${{inputs.lr}}", inputs={"lr": 0.1}, environment="azureml:e:1")
        >>> sweep = job(lr=Uniform(0.01, 0.1)).sweep(primary_metric="accuracy", goal="maximize")
    """

    def __call__(self, *args: Any, **inputs: Any) -> "Command":
        """A copy with some inputs replaced; its name, description and experiment are not taken along."""
        if args:
            raise ValidationException("", f"takes inputs by keyword only: {', '.join(self.inputs)}; got {args!r:.60}")
        for name in inputs:
            if name not in self.inputs:
                allowed = ", ".join(repr(known) for known in self.inputs) or "none"
                raise UnexpectedKeywordError(name, f"unexpected keyword argument, valid keywords: {allowed}")
        made = copy.copy(self)
        made.name = made.description = made.experiment_name = None
        made.display_name = self.display_name if self.display_name != self.name else None
        made.inputs = {**self.inputs, **inputs_of(inputs)}
        made.environment_variables = dict(self.environment_variables or {})
        made.resources, made.limits = copy.deepcopy(self.resources), copy.deepcopy(self.limits)
        made.queue_settings = copy.deepcopy(self.queue_settings)
        return made

    def sweep(
        self,
        *,
        primary_metric: str,
        goal: str,
        sampling_algorithm: str | SamplingAlgorithm = "random",
        compute: str | None = None,
        max_concurrent_trials: int | None = None,
        max_total_trials: int | None = None,
        timeout: int | None = None,
        trial_timeout: int | None = None,
        early_termination_policy: EarlyTerminationPolicy | str | None = None,
        search_space: Mapping[str, Any] | None = None,
        identity: Identity | None = None,
        queue_settings: QueueSettings | None = None,
        job_tier: str | None = None,
        priority: str | None = None,
    ) -> SweepJob:
        """The sweep over the inputs that are distributions; `search_space` brings more. The others stay inputs.

        In the command `${{inputs.lr}}` of a swept input becomes `${{search_space.lr}}`.
        """
        space = {name: value for name, value in self.inputs.items() if is_distribution(value)} | dict(
            search_space or {}
        )
        queue = queue_settings or self.queue_settings
        if queue is not None:
            queue.job_tier, queue.priority = job_tier or queue.job_tier, priority or queue.priority
        made = SweepJob(
            name=self.name,
            description=self.description,
            tags=self.tags,
            properties=self.properties,
            display_name=self.display_name,
            experiment_name=self.experiment_name,
            compute=compute or self.compute,
            inputs={name: value for name, value in self.inputs.items() if name not in space},
            outputs=self.outputs,
            identity=identity or self.identity,
            trial=self._trial(space),
            search_space=space,
            sampling_algorithm=sampling_algorithm,
            objective=Objective(goal, primary_metric),
            early_termination=_without_unset(early_termination_policy),
            queue_settings=queue,
        )
        made.limits = SweepJobLimits(
            max_concurrent_trials=max_concurrent_trials,
            max_total_trials=max_total_trials,
            timeout=timeout,
            trial_timeout=trial_timeout,
        )
        return made

    def _trial(self, space: Mapping[str, Any]) -> ParameterizedCommand:
        line = self.command
        for name in space if line else ():
            reference = "${{search_space." + name + "}}"
            line = reference.join(re.split(rf"\$\{{\{{\s*inputs\.{re.escape(name)}\s*\}}\}}", line or ""))
        trial = ParameterizedCommand(
            line,
            code=self.code,
            environment=self.environment,
            environment_variables=self.environment_variables,
            distribution=self.distribution,
            resources=self.resources,
        )
        # Without variables such a trial says nothing of them, where the one of a CommandJob says there are none.
        trial.environment_variables = trial.environment_variables or None
        return trial


def command(
    *,
    name: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
    display_name: str | None = None,
    command: str | None = None,
    experiment_name: str | None = None,
    environment: Any = None,
    environment_variables: Mapping[str, Any] | None = None,
    distribution: Any = None,
    compute: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    instance_count: int | None = None,
    instance_type: str | None = None,
    locations: list[str] | None = None,
    docker_args: str | list[str] | None = None,
    shm_size: str | None = None,
    timeout: int | None = None,
    code: Code | None = None,
    identity: Identity | None = None,
    is_deterministic: bool = True,
    services: Mapping[str, Any] | None = None,
    job_tier: str | None = None,
    priority: str | None = None,
    parent_job_name: str | None = None,
) -> Command:
    """A command to call with distributions and to sweep; see `Command`."""
    wishes: dict[str, Any] = {
        "instance_count": instance_count,
        "instance_type": instance_type,
        "locations": locations,
        "docker_args": docker_args,
        "shm_size": shm_size,
    }
    wanted = {wish: value for wish, value in wishes.items() if value is not None}
    return Command(
        name=name,
        description=description,
        tags=tags,
        properties=properties,
        display_name=display_name,
        command=command,
        experiment_name=experiment_name,
        environment=environment,
        environment_variables=environment_variables,
        distribution=distribution,
        compute=compute,
        inputs=inputs,
        outputs=outputs,
        code=code,
        identity=identity,
        services=services,
        parent_job_name=parent_job_name,
        resources=JobResourceConfiguration(**wanted) if wanted else None,
        limits=None if timeout is None else CommandJobLimits(timeout=timeout),
        queue_settings=QueueSettings(job_tier=job_tier, priority=priority) if job_tier or priority else None,
    )


def _without_unset(policy: EarlyTerminationPolicy | str | None) -> EarlyTerminationPolicy | str | None:
    """A copy of a bandit whose slack of 0 is not sent at all."""
    if not isinstance(policy, BanditPolicy):
        return policy
    made = copy.copy(policy)
    made.slack_amount, made.slack_factor = policy.slack_amount or None, policy.slack_factor or None
    return made
