"""A hypersearch task as a job."""

from dataclasses import dataclass, field
from typing import Any

from tunebook.command import Command
from tunebook.errors import SpecError
from tunebook.fields import Fields
from tunebook.job import Job
from tunebook.limits import MAX_CONCURRENT, MAX_SECONDS, MAX_TRIALS, Limits
from tunebook.objective import Goal, Metric, Objective
from tunebook.readings import Readings
from tunebook.sampling import Sampling
from tunebook.space import Space
from tunebook.wire.wmla.algorithms import GRID, Asked, Installed, load_sampling, name_of
from tunebook.wire.wmla.documents import limit, task_name, whole
from tunebook.wire.wmla.launching import RESULTS, Model, command, local_command, read_args
from tunebook.wire.wmla.spaces import load_experiments, load_space

GOALS: dict[str, Goal] = {"minimize": "minimize", "maximize": "maximize"}
RESULT_FILE = f"{RESULTS}/val_dict_list.json"
MINUTE = 60.0
EXIT_STATUS = "exit_status"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What stands around a document: the uploaded model, the installed algorithm that it names, shared data.

    source: the folder that the model lies in where it was not uploaded; its script's own folder is where trials run.
    """

    model: Model = field(default_factory=Model)
    source: str = ""
    plugin: Installed | None = None
    shared: str = ""
    needs_group: bool = False


@dataclass(frozen=True)
class Details:
    """What a document says besides the search: the wanted name (may be empty), and the instance group."""

    name: str
    group: str
    algorithm: str
    args: str


def details(document: object, path: str = "", *, needs_group: bool = False) -> Details:
    """The name, the group and the algorithm, checked. Raises SpecError."""
    task = Fields(document, path).require("modelSpec", "algoDef")
    spec = task.inside("modelSpec").require("args", *(["sigName"] if needs_group else []))
    return Details(
        name=task_name(task),
        group=spec.text("sigName", empty=not needs_group),
        algorithm=name_of(task.inside("algoDef")),
        args=spec.text("args", empty=False),
    )


def load(document: object, path: str = "", *, around: Surroundings | None = None) -> Job:
    """The job of a task. Raises SpecError with the wire's path of the first thing that is wrong."""
    around = around or Surroundings()
    found = Fields(document, path)
    said = details(document, path, needs_group=around.needs_group)
    definition = found.inside("algoDef").require("objectiveMetric", "objective")
    most = limit(definition, "maxJobNum", MAX_TRIALS)
    experiments = _experiments(found, said.algorithm)
    space = Space({}) if experiments else load_space(found.items("hyperParams"), found.at("hyperParams"))
    job = Job(
        space=space,
        objective=_objective(definition),
        sampling=load_sampling(definition, Asked(most, experiments), around.plugin, found),
        limits=_limits(definition, most),
        command=_command(found.inside("modelSpec"), around),
        readings=Readings("records", (RESULT_FILE,)),
    )
    try:
        return job.check()
    except SpecError as error:
        raise SpecError(_wire_path(error.path, found), error.message) from None


def _experiments(document: Fields, algorithm: str) -> list[dict[str, Any]]:
    """The listed experiments; none where a space is to be searched. One of the two must be there, and fit."""
    listed, searched = document.document.get("experiments"), document.document.get("hyperParams")
    if listed and searched:
        raise SpecError(document.at("experiments"), "must not be sent together with hyperParams")
    if algorithm == GRID:
        if not listed:
            raise SpecError(document.at("experiments"), f"is required by {GRID}")
        return load_experiments(document.items("experiments"), document.at("experiments"))
    if listed:
        raise SpecError(document.at("experiments"), f"is for {GRID} only; {algorithm} takes hyperParams")
    if not searched:
        raise SpecError(document.at("hyperParams"), "is required")
    return []


def _objective(definition: Fields) -> Objective:
    """The metric's best value over all entries of a trial's file counts, not its last."""
    name = definition.text("objectiveMetric", empty=False)
    if len(name) > 255 or not name.isprintable():
        raise SpecError(definition.at("objectiveMetric"), "must be a printable text of 1 to 255 characters")
    goal = GOALS[definition.word("objective", GOALS, "")]
    additional_metrics(definition)
    return Objective(goal, (Metric(name),), mode="best")


def additional_metrics(definition: Fields) -> dict[str, str]:
    """The other metrics to tell about, each with minimize, maximize or latest; any other word means latest."""
    found = {}
    for name, word in definition.mapping("additionalMetrics").items():
        if not isinstance(word, str | None):
            raise SpecError(definition.at(f"additionalMetrics.{name}"), "must be minimize, maximize or latest")
        found[name] = (word or "").lower() if (word or "").lower() in GOALS else "latest"
    return found


def _limits(definition: Fields, most: int | None) -> Limits:
    minutes = limit(definition, "maxRunTime", 10**9)
    at_once = [whole(definition, name, 1, MAX_CONCURRENT) for name in ("maxParalleJobNum", "maxParalleJob")]
    return Limits(
        max_trials=most,
        max_concurrent=at_once[0] or at_once[1] or 1,
        max_seconds=None if minutes is None else min(minutes * MINUTE, MAX_SECONDS),
    )


def _command(spec: Fields, around: Surroundings) -> Command:
    path = spec.at("args")
    try:
        launch = read_args(spec.text("args"), path)
        if around.source and not around.model.code:
            return local_command(launch, around.source, shared=around.shared)
        return command(launch, around.model, shared=around.shared, path=path)
    except SpecError as error:
        raise (error if error.path.startswith(path) else SpecError(path, error.message)) from None


def _wire_path(path: str, document: Fields) -> str:
    """Where the wire says what stands at this place of the job."""
    places = {
        "command": "modelSpec.args",
        "sampling.options.resource": "algoDef.algoParams.ResourceName",
        "sampling": "algoDef.algoParams",
        "space": "hyperParams",
        "objective": "algoDef.objectiveMetric",
        "limits": "algoDef",
    }
    return document.at(places.get(path) or places.get(path.split(".")[0], path))


def single(args: str, *, around: Surroundings, path: str = "args") -> Job:
    """The job of one training without a search, which has succeeded when its script has ended well."""
    launch = read_args(args, path)
    job = Job(
        space=Space({}),
        objective=Objective("minimize", (Metric(EXIT_STATUS),)),
        sampling=Sampling("grid"),
        limits=Limits(max_trials=1),
        command=command(launch, around.model, shared=around.shared, path=path),
        readings=Readings("exit"),
    )
    try:
        return job.check()
    except SpecError as error:
        raise SpecError(path, error.message) from None
