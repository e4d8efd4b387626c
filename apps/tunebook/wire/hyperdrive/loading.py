"""A HyperDrive experiment as a job."""

from typing import Any

from tunebook.command import Command, Step
from tunebook.errors import SpecError
from tunebook.fields import Fields
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Goal, Metric, Objective
from tunebook.policies import Policy
from tunebook.sampling import Sampling
from tunebook.space import Space
from tunebook.wire import expressions, terminations
from tunebook.wire.hyperdrive.documents import check_form, overrides
from tunebook.wire.references import Bindings, command_line, environment, options
from tunebook.wire.terminations import DEFAULT, POLICIES

GENERATORS = {"RANDOM": "random", "GRID": "grid", "BAYESIANOPTIMIZATION": "bayesian"}
GOALS: dict[str, Goal] = {"MAXIMIZE": "maximize", "MINIMIZE": "minimize"}
MOST_JOBS, MOST_CONCURRENT, MOST_MINUTES, USUAL_MINUTES = 1000, 100, 43_200, 10_080
# A definition may be empty by the description; its trials then fail with this sentence instead of running nothing.
_NOTHING_TO_RUN = "platform_config.Definition.Overrides names neither a script nor a command"


def load(document: object, path: str = "") -> Job:
    """The job of an experiment document. Raises SpecError with the wire's path of the first thing that is wrong."""
    whole = Fields(document, path)
    check_form(whole)
    generator = whole.inside("generator_config").require("name", "parameter_space")
    space = _space(generator)
    sampler = GENERATORS[generator.word("name", GENERATORS, "")]
    terminations.check_fit(sampler, space, generator.at("parameter_space"))
    platform = whole.inside("platform_config")
    job = Job(
        space=space,
        objective=_objective(whole.inside("primary_metric_config")),
        sampling=_sampling(generator, sampler),
        policy=_policy(whole.inside("policy_config")),
        limits=_limits(whole, overrides(platform)),
        command=_command(overrides(platform), space),
    )
    try:
        return job.check()
    except SpecError as error:
        raise SpecError(_wire_path(error.path, whole), error.message) from None


def _space(generator: Fields) -> Space:
    path = generator.at("parameter_space")
    space = expressions.load_space(generator.document["parameter_space"], path)
    if not space:
        raise SpecError(path, "must have at least one parameter")
    return space


def _sampling(generator: Fields, sampler: str) -> Sampling:
    """The sampler; `properties` may bring what a random one understands."""
    given = generator.inside("properties")
    seed = given.integer("seed", low=0)
    options = {name: given.document[name] for name in ("rule", "logbase") if given.has(name)}
    try:
        return Sampling(sampler, options if sampler == "random" else {}, seed)
    except SpecError as error:
        raise SpecError(given.at(error.path.removeprefix("options.")), error.message) from None


def _objective(metric: Fields) -> Objective:
    metric.require("name", "goal")
    name = metric.text("name", empty=False)
    return Objective(GOALS[metric.word("goal", GOALS, "")], (Metric(name),))


def _policy(policy: Fields) -> Policy | None:
    word = policy.require("name").word("name", (DEFAULT, *POLICIES), "")
    return terminations.load(word, policy.inside("properties"), lambda name: name)


def _limits(whole: Fields, run: Fields) -> Limits:
    total = whole.integer("max_total_jobs", low=1, high=MOST_JOBS) or MOST_JOBS
    concurrent = whole.integer("max_concurrent_jobs", low=1, high=MOST_CONCURRENT) or min(total, MOST_CONCURRENT)
    minutes = whole.integer("max_duration_minutes", low=1, high=MOST_MINUTES) or USUAL_MINUTES
    seconds = run.integer("maxRunDurationSeconds", low=0, high=terminations.INT32)
    return Limits(
        max_trials=total,
        max_concurrent=concurrent,
        max_seconds=minutes * 60.0,
        trial_seconds=float(min(seconds, 366 * 86_400)) if seconds else None,
    )


def _command(run: Fields, space: Space) -> Command:
    bindings = Bindings(tuple(space))
    given = {name: _text(value) for name, value in run.inside("environment").mapping("environmentVariables").items()}
    given |= {name: _text(value) for name, value in run.mapping("environmentVariables").items()}
    step = _step(run, bindings)
    try:
        return Command(steps=(step,), environment=environment(bindings, given))
    except SpecError as error:
        where = "environmentVariables" + error.path.removeprefix("environment")
        raise SpecError(run.at(where if error.path.startswith("environment") else "command"), error.message) from None


def _step(run: Fields, bindings: Bindings) -> Step:
    """The command when there is one, else the script with its arguments; the values of the parameters behind."""
    command = run.document.get("command")
    if isinstance(command, list):
        command = " ".join(run.texts("command"))
    elif command is not None:
        command = run.text("command")
    if command and command.strip():
        return command_line(command, bindings, run.at("command"))
    script = run.text("script")
    if not script:
        return ("python", "-c", f"raise SystemExit({_NOTHING_TO_RUN!r})")
    arguments = run.items("arguments")
    words = [_argument(value, f"{run.at('arguments')}.{index}") for index, value in enumerate(arguments)]
    return ("python", script, *words, *options(bindings.parameters))


def _argument(value: Any, path: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise SpecError(path, "must be text or a number")
    return str(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _wire_path(path: str, whole: Fields) -> str:
    """Where the wire says what stands at this place of the job."""
    places = {
        "command": "platform_config.Definition.Overrides",
        "sampling.options.logbase": "generator_config.properties.logbase",
        "sampling": "generator_config",
        "space": "generator_config.parameter_space",
        "objective": "primary_metric_config",
    }
    return whole.at(places.get(path) or places.get(path.split(".")[0], path))
