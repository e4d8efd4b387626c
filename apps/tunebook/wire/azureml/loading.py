"""The properties of an ARM job, in the shape of 2021 or today's, as a job of ours."""

import re

from tunebook.command import Command, Step
from tunebook.errors import SpecError
from tunebook.fields import Fields
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Goal, Metric, Objective
from tunebook.policies import Policy
from tunebook.readings import Readings
from tunebook.sampling import Sampling
from tunebook.space import Space
from tunebook.wire import durations, expressions, terminations
from tunebook.wire.azureml import bindings as binding
from tunebook.wire.azureml.documents import (
    JOB_TYPES,
    PATH,
    check_surroundings,
    check_trial,
    check_word,
)
from tunebook.wire.azureml.versions import OLD, TODAY
from tunebook.wire.references import Bindings, command_line, environment

ALGORITHMS = {"Random": "random", "Grid": "grid", "Bayesian": "bayesian"}
GOALS: dict[str, Goal] = {"Maximize": "maximize", "Minimize": "minimize"}
MOST_TRIALS, MOST_CONCURRENT = 1000, 100
USUAL_SECONDS = 5_184_000.0
# A command job has no metric of its own; its one trial counts as it ends.
EXIT_STATUS = "exit_status"


def load(document: object, shape: str = TODAY, path: str = PATH, *, source: str | None = None) -> Job:
    """The job of `properties`. Raises SpecError with the wire's path of what is wrong: `properties.searchSpace.lr`.

    shape: OLD or TODAY, see `shape_of`. source: the folder that the code was brought to; trials run there.
    A command job is an experiment of one trial.
    """
    fields = Fields(document, path).require("jobType")
    job_type = fields.word("jobType", JOB_TYPES, "")
    check_surroundings(fields, shape)
    job = (_sweep if job_type == "Sweep" else _command_job)(fields, shape, source)
    try:
        return job.check()
    except SpecError as error:
        raise SpecError(_wire_path(error.path, fields, job_type), error.message) from None


def _sweep(fields: Fields, shape: str, source: str | None) -> Job:
    fields.require("objective", "searchSpace", *(("algorithm",) if shape == OLD else ()))
    space = _space(fields)
    sampling = _sampling(fields, shape)
    terminations.check_fit(sampling.name, space, fields.at("searchSpace"))
    trial = fields.inside("trial")
    if not trial.document:
        raise SpecError(trial.at("command"), "is required")
    return Job(
        space=space,
        objective=_objective(fields.inside("objective")),
        sampling=sampling,
        policy=_policy(fields.inside("earlyTermination")),
        limits=_sweep_limits(fields, trial, shape),
        command=_command(trial, binding.load(fields, trial, tuple(space), shape), source),
    )


def _command_job(fields: Fields, shape: str, source: str | None) -> Job:
    limits = fields if shape == OLD else fields.inside("limits")
    return Job(
        space=Space({}),
        objective=Objective("minimize", (Metric(EXIT_STATUS),)),
        sampling=Sampling("grid"),
        limits=Limits(max_trials=1, trial_seconds=durations.read(limits, "timeout")),
        command=_command(fields, binding.load(fields, fields, (), shape), source),
        readings=Readings("exit"),
    )


def _space(fields: Fields) -> Space:
    path = fields.at("searchSpace")
    space = expressions.load_space(fields.mapping("searchSpace"), path)
    if not space:
        raise SpecError(path, "must have at least one parameter")
    return space


def _sampling(fields: Fields, shape: str) -> Sampling:
    """The sampler: random, when the later shape says none."""
    if shape == OLD:
        return Sampling(ALGORITHMS[fields.word("algorithm", ALGORITHMS, "")])
    given = fields.inside("samplingAlgorithm")
    if not given.document:
        return Sampling("random")
    given.require("samplingAlgorithmType")
    name = ALGORITHMS[given.word("samplingAlgorithmType", ALGORITHMS, "")]
    seed = given.integer("seed", low=0)
    options = {option: given.document[option] for option in ("rule", "logbase") if given.has(option)}
    try:
        return Sampling(name, options if name == "random" else {}, seed)
    except SpecError as error:
        raise SpecError(given.at(error.path.removeprefix("options.")), error.message) from None


def _objective(fields: Fields) -> Objective:
    goal = GOALS[fields.require("goal").word("goal", GOALS, "")]
    return Objective(goal, (Metric(check_word(fields, "primaryMetric")),))


def _policy(fields: Fields) -> Policy | None:
    if not fields.document:
        return None
    word = fields.require("policyType").word("policyType", terminations.POLICIES, "")
    return terminations.load(word, fields, camel)


def _sweep_limits(fields: Fields, trial: Fields, shape: str) -> Limits:
    limits = fields if shape == OLD else fields.inside("limits")
    total = limits.integer("maxTotalTrials", low=1, high=MOST_TRIALS) or MOST_TRIALS
    concurrent = limits.integer("maxConcurrentTrials", low=1, high=MOST_CONCURRENT)
    seconds = durations.read(limits, "timeout")
    each = durations.read(trial, "timeout") if shape == OLD else durations.read(limits, "trialTimeout")
    return Limits(
        max_trials=total,
        max_concurrent=concurrent or min(total, MOST_CONCURRENT),
        max_seconds=seconds or USUAL_SECONDS,
        trial_seconds=each,
    )


def _command(trial: Fields, bound: Bindings, source: str | None) -> Command:
    """The command of a trial, its folders for outputs made first."""
    line = command_line(check_word(trial, "command"), bound, trial.at("command"))
    check_trial(trial)
    own = trial.text_mapping("environmentVariables")
    folders = bound.own_folders()
    steps: tuple[Step, ...] = (("mkdir", "-p", *folders), line) if folders else (line,)
    try:
        return Command(steps=steps, environment=environment(bound, own), working_dir=source)
    except SpecError as error:
        is_variable = error.path.startswith("environment.")
        where = error.path.replace("environment", "environmentVariables", 1) if is_variable else "command"
        raise SpecError(trial.at(where), error.message) from None


def _wire_path(path: str, fields: Fields, job_type: str) -> str:
    """Where the wire says what stands at this place of the job."""
    inside = "trial." if job_type == "Sweep" else ""
    if path.startswith("command.environment."):
        return fields.at(path.replace("command.environment.", f"{inside}environmentVariables.", 1))
    places = {
        "command": f"{inside}command",
        "space": "searchSpace",
        "objective": "objective",
        "sampling.options.logbase": "samplingAlgorithm.logbase",
        "sampling": "samplingAlgorithm",
    }
    return fields.at(places.get(path) or places.get(path.split(".")[0], path))


def camel(name: str) -> str:
    """The wire's spelling of a member: `slack_factor` is slackFactor."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)
