"""The one document: what is searched, for what, how, within which limits, and what a trial runs."""

import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

from tunebook import policies
from tunebook.command import Command
from tunebook.errors import SpecError
from tunebook.fields import Fields, below
from tunebook.limits import Limits
from tunebook.logbase import rebased
from tunebook.monitor import Monitor
from tunebook.objective import Objective
from tunebook.platform import RAY, Platform
from tunebook.policies import Policy
from tunebook.readings import Readings
from tunebook.sampling import Sampling
from tunebook.schedule import Schedule
from tunebook.schema import job_schema
from tunebook.space import Space

VERSION = 1
_MEMBERS = (
    "space",
    "objective",
    "sampling",
    "policy",
    "limits",
    "command",
    "readings",
    "schedule",
    "monitor",
    "platform",
)
_COMMAND_SOURCE = re.compile(r"cmd([1-9]\d*)?(,.+)?")
_LOOKS_LIKE_A_PATTERN = re.compile(r"\([^()]*[\\*+\[][^()]*\)")
_NOT_A_NAME = (
    "looks like a regular expression, but scripts report metrics by name;"
    ' with readings of type "stdout" expressions are searched in the output'
)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A whole sweep as declared; whatever a wire says becomes one of these.

    Its space means the same to everybody: where the random sampler is given another base of exponents (`logbase`), the
    bounds are taken as exponents of e from then on.

    Job(
        space=Space({"lr": LogUniform.between(1e-4, 1e-1)}),
        objective=Objective("maximize", (Metric("accuracy"),)),
        command=Command(steps=("python train.py --lr ${lr}",)),
    )
    """

    space: Space
    objective: Objective
    command: Command
    sampling: Sampling = field(default_factory=Sampling)
    policy: Policy | None = None
    limits: Limits = field(default_factory=Limits)
    readings: Readings = field(default_factory=Readings)
    schedule: Schedule | None = None
    monitor: Monitor | None = None
    platform: Platform = field(default_factory=Platform)

    def __post_init__(self) -> None:
        base = self.sampling.options.get("logbase")
        if base is None or base == "e":
            return
        with suppress(SpecError):  # what `check` refuses
            object.__setattr__(self, "space", rebased(self.space, float(base)))
            left = {name: value for name, value in self.sampling.options.items() if name != "logbase"}
            object.__setattr__(self, "sampling", replace(self.sampling, options=left))

    def check(self) -> Self:
        """The job itself, when its parts fit together; SpecError with the path of the part that does not.

        Looked at: what the sampler can search, placeholders that nothing fills, metrics that cannot be read.
        """
        with below("sampling"):
            self.sampling.check(self.space)
            self._check_base()
        with below("command"):
            self.command.check(self.space, self.sampling.adds)
        self._check_readings()
        if self.platform.name == RAY and self.sampling.hands_on:
            raise SpecError(
                "platform.name", f"{self.sampling.name} hands checkpoints on, which stay on one machine: LOCAL"
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """The job as plain JSON, with the version of this form."""
        parts = {name: getattr(self, name) for name in _MEMBERS}
        return {"version": VERSION, **{name: None if part is None else part.to_dict() for name, part in parts.items()}}

    @classmethod
    def from_dict(cls, document: object, path: str = "") -> Self:
        """Read what `to_dict` wrote; only space, objective and command are needed.

        Raises SpecError with the path of what is wrong: unknown members, wrong types, impossible values.
        """
        fields = Fields(document, path, ("version", *_MEMBERS)).require("space", "objective", "command")
        version = fields.integer("version")
        if version not in (None, VERSION):
            raise SpecError(fields.at("version"), f"must be {VERSION}, got {version}")
        given = fields.document

        def read(name: str, reader: Any) -> dict[str, Any]:
            return {name: reader(given[name], fields.at(name))} if fields.has(name) else {}

        return cls(
            space=Space.from_dict(given["space"], fields.at("space")),
            objective=Objective.from_dict(given["objective"], fields.at("objective")),
            command=Command.from_dict(given["command"], fields.at("command")),
            **read("sampling", Sampling.from_dict),
            **read("policy", policies.from_dict),
            **read("limits", Limits.from_dict),
            **read("readings", Readings.from_dict),
            **read("schedule", Schedule.from_dict),
            **read("monitor", Monitor.from_dict),
            **read("platform", Platform.from_dict),
        )

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """The JSON Schema (2020-12) of the document."""
        return job_schema()

    def _check_base(self) -> None:
        base = self.sampling.options.get("logbase")
        if base is not None and base != "e":
            with below("options"):
                rebased(self.space, float(base))

    def _check_readings(self) -> None:
        if self.readings.type == "report":
            for index, metric in enumerate(self.objective.metrics):
                if _LOOKS_LIKE_A_PATTERN.search(metric.name):
                    raise SpecError(f"objective.metrics.{index}.name", f"{_NOT_A_NAME}: {metric.name:.80}")
        if self.readings.type != "stdout":
            return
        for index, metric in enumerate(self.objective.metrics):
            problem = pattern_problem(metric.name)
            if problem:
                raise SpecError(f"objective.metrics.{index}.name", problem)
        for index, source in enumerate(self.readings.sources):
            named = _COMMAND_SOURCE.fullmatch(source)
            if named and int(named[1] or 1) > len(self.command.steps):
                have = len(self.command.steps)
                raise SpecError(f"readings.sources.{index}", f"names {source}, but the command has {have} steps")


def pattern_problem(pattern: str) -> str:
    """What is wrong with a metric's regular expression, or an empty text: it must compile and have a group."""
    if len(pattern) > 500:
        return f"a regular expression must be at most 500 characters, got {len(pattern)}"
    try:
        groups = re.compile(pattern).groups
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    return "" if groups else f"a regular expression must have a group around the number: {pattern}"
