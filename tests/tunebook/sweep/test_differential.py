"""The same sweeps in our classes and in those of the real azure-ai-ml package: files, wire, signatures, attributes."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tunebook.sweep.original import NAMES, OURS, outcome, real

pytest.importorskip("azure.ai.ml", reason="the real package is a development dependency")
Build = Callable[[SimpleNamespace], Any]


@pytest.fixture(scope="module")
def theirs() -> SimpleNamespace:
    return real()


def a_trial(ns: SimpleNamespace, **members: Any) -> Any:
    return ns.CommandJob(**{"command": "python train.py", "environment": "azureml:env:1", **members})


def of(**members: Callable[[SimpleNamespace], Any]) -> Build:
    """A sweep with these members, each made with the classes at hand."""

    def build(ns: SimpleNamespace) -> Any:
        made = {name: member(ns) for name, member in members.items()}
        return ns.SweepJob(**{"trial": a_trial(ns), "search_space": {"lr": ns.Uniform(0, 1)}, **made})

    return build


def entry(kind: str, *args: Any, **kwargs: Any) -> Build:
    return of(search_space=lambda ns: {"x": getattr(ns, kind)(*args, **kwargs)})


DISTRIBUTIONS: dict[str, Build] = {
    f"{kind}{args}{kwargs or ''}": entry(kind, *args, **kwargs)
    for kind, tries in {
        "Uniform": [((0, 1), {}), ((0.5, 1.5), {}), ((), {"min_value": -1, "max_value": 2}), ((), {})],
        "LogUniform": [((-6, -1), {}), ((), {"min_value": -6.5, "max_value": -1}), ((1,), {})],
        "QUniform": [((0, 1, 0.25), {}), ((1, 100, 5), {}), ((), {"min_value": 0.05, "max_value": 0.75, "q": 1})],
        "QLogUniform": [((0, 5, 2), {}), ((1.0, 5.0), {}), ((), {"q": 0.5})],
        "Normal": [((0, 1), {}), ((2.0, -1.0), {}), ((), {"mu": 2.0, "sigma": 1.0}), ((), {"sigma": 3})],
        "LogNormal": [((0.0, 1.0), {}), ((), {"mu": 1})],
        "QNormal": [((2.0, 1.0, 1), {}), ((), {"mu": 2.0, "sigma": 1.0, "q": 0.1}), ((1, 2), {})],
        "QLogNormal": [((5.0, 2.0), {}), ((5, 2, 3), {})],
        "Randint": [((5,), {}), ((), {"upper": 100}), ((), {})],
        "Choice": [
            (([16, 32, 64],), {}),
            ((["adam", "sgd"],), {}),
            (([0.1, 2, "x", None],), {}),
            (([True, False],), {}),
            ((), {"values": ["1", 1], "type": "choice"}),
            (([],), {}),
            (([{"space1": True}, {"space2": True}],), {}),
            (([{"a": 1, "b": 1.5, "c": "t"}],), {}),
        ],
    }.items()
    for args, kwargs in tries
}
NESTED: dict[str, Build] = {
    "nested uniform": of(search_space=lambda ns: {"m": ns.Choice([{"lr": ns.Uniform(0, 1)}, "none"])}),
    "nested choice": of(search_space=lambda ns: {"m": ns.Choice([{"o": ns.Choice(["a", "b"]), "n": 3}])}),
    "nested all": of(
        search_space=lambda ns: {
            "m": ns.Choice(
                [
                    {"a": ns.Normal(0, 1), "b": ns.QNormal(0, 1, 1), "c": ns.Randint(3)},
                    {"d": ns.QUniform(0, 1, 0.5), "e": ns.LogUniform(0, 1)},
                ]
            )
        }
    ),
    "many": of(search_space=lambda ns: {f"p{n}": ns.Uniform(n, n + 1) for n in range(20)}),
    "empty": of(search_space=lambda ns: {}),
}
POLICIES: dict[str, Build] = {
    f"{kind}{given}": of(early_termination=lambda ns, kind=kind, given=given: getattr(ns, kind)(**given))
    for kind, tries in {
        "BanditPolicy": [
            {},
            {"slack_factor": 0.15, "evaluation_interval": 1, "delay_evaluation": 10},
            {"slack_amount": 0.2},
            {"slack_amount": 1, "slack_factor": 2},
            {"slack_factor": 1},
            {"slack_factor": None, "slack_amount": 0.1},
        ],
        "MedianStoppingPolicy": [{}, {"delay_evaluation": 5, "evaluation_interval": 2}],
        "TruncationSelectionPolicy": [
            {},
            {"truncation_percentage": 20},
            {"truncation_percentage": 150, "delay_evaluation": 5, "evaluation_interval": 2},
        ],
    }.items()
    for given in tries
} | {
    "policy bandit": of(early_termination=lambda ns: "bandit"),
    "policy BANDIT": of(early_termination=lambda ns: "BANDIT"),
    "policy hyperband": of(early_termination=lambda ns: "hyperband"),
    "policy 3": of(early_termination=lambda ns: 3),
}
ALGORITHMS: dict[str, Build] = {
    **{
        f"random {given}": of(sampling_algorithm=lambda ns, given=given: ns.RandomSamplingAlgorithm(**given))
        for given in (
            {},
            {"seed": 999, "rule": "sobol", "logbase": "e"},
            {"rule": "random"},
            {"logbase": 10},
            {"logbase": 2.5, "seed": 0},
        )
    },
    "grid": of(sampling_algorithm=lambda ns: ns.GridSamplingAlgorithm()),
    "bayesian": of(sampling_algorithm=lambda ns: ns.BayesianSamplingAlgorithm()),
    **{
        f"text {word}": of(sampling_algorithm=lambda ns, word=word: word)
        for word in ("random", "grid", "bayesian", "RANDOM", "Grid", "hyperband", "")
    },
    "number": of(sampling_algorithm=lambda ns: 3),
}
OBJECTIVES: dict[str, Build] = {
    f"objective {given}": of(objective=lambda ns, given=given: ns.Objective(*given))
    for given in [("maximize", "acc"), ("Maximize", "acc"), ("MINIMIZE", "loss"), ("minimize",)]
} | {"objective as object": of(objective=lambda ns: {"goal": "Maximize", "primary_metric": "acc"})}
LIMITS: dict[str, Build] = {
    f"limits {given}": of(limits=lambda ns, given=given: ns.SweepJobLimits(**given))
    for given in [
        {},
        {"max_total_trials": 8, "max_concurrent_trials": 4},
        {"max_total_trials": 8, "max_concurrent_trials": 4, "timeout": 7200, "trial_timeout": 600},
        *({"timeout": seconds} for seconds in (0, 1, 59, 60, 61, 90, 3661, 86400, -5, "60", 60.5)),
        *({"trial_timeout": seconds} for seconds in (0, 30, 100, "100")),
    ]
}
MEMBERS: dict[str, Build] = {
    "names": of(
        name=lambda ns: "n", display_name=lambda ns: "d", description=lambda ns: "e", experiment_name=lambda ns: "x"
    ),
    "tags": of(tags=lambda ns: {"a": "b", "c": "1"}, properties=lambda ns: {"p": "q"}),
    "compute": of(compute=lambda ns: "cpu-cluster"),
    "compute with prefix": of(compute=lambda ns: "azureml:cpu-cluster"),
    "compute local": of(compute=lambda ns: "local"),
    "literals": of(inputs=lambda ns: {"a": 1, "b": "s", "c": 2.5, "d": True, "e": "3"}),
    "literal none": of(inputs=lambda ns: {"a": None, "b": "s"}),
    "literal none referred to": of(
        inputs=lambda ns: {"a": None}, trial=lambda ns: a_trial(ns, command="python train.py ${{inputs.a}}")
    ),
    "input file": of(inputs=lambda ns: {"d": ns.Input(type="uri_file", path="https://x.example/y.csv")}),
    "input mode": of(inputs=lambda ns: {"d": ns.Input(path="https://x.example/", mode="ro_mount")}),
    "input download": of(inputs=lambda ns: {"d": ns.Input(path="https://x.example/", mode="download")}),
    "input object": of(inputs=lambda ns: {"input1": {"file": "top_level.csv", "mode": "ro_mount"}}),
    "output": of(outputs=lambda ns: {"model": ns.Output(type="uri_folder")}),
    "output object": of(outputs=lambda ns: {"model": {"type": "uri_file", "mode": "upload"}}),
    "output none": of(outputs=lambda ns: {"model": None}),
    "output mode": of(outputs=lambda ns: {"m": ns.Output(type="mlflow_model", path="azureml://d/p", mode="rw_mount")}),
    "resources object": of(resources=lambda ns: {"instance_count": 2}),
    "resources": of(
        resources=lambda ns: ns.JobResourceConfiguration(instance_count=1, instance_type="a", shm_size="2g")
    ),
    "queue": of(queue_settings=lambda ns: ns.QueueSettings(job_tier="Spot", priority="low")),
    "identity managed": of(identity=lambda ns: ns.ManagedIdentityConfiguration(client_id="c")),
    "identity token": of(identity=lambda ns: ns.AmlTokenConfiguration()),
    "identity user": of(identity=lambda ns: ns.UserIdentityConfiguration()),
    "unknown member": of(banana=lambda ns: 3),
    "objective without a goal": of(objective=lambda ns: ns.Objective(None, "acc")),
    "no trial": lambda ns: ns.SweepJob(trial=None, search_space={"lr": ns.Uniform(0, 1)}),
}
TRIALS: dict[str, Build] = {
    f"trial {members}": of(trial=lambda ns, members=members: a_trial(ns, **members))
    for members in [
        {},
        {"environment": "env:1"},
        {"environment_variables": {"A": "1"}},
        {"code": "./src"},
        {"command": "train --lr ${{search_space.lr}}"},
        {"command": "train --lr {search_space.lr}"},
        {"resources": {"instance_count": 2}},
        {"distribution": {"type": "pytorch", "process_count_per_instance": 2}},
        {"compute": "gpu", "inputs": {"a": 1}},
        {"command": "train --a ${{inputs.a}}", "inputs": {"a": 1}},
        {"command": "train --a ${{inputs.a}}"},
    ]
} | {
    "trial's timeout": of(trial=lambda ns: a_trial(ns, limits=ns.CommandJobLimits(timeout=300))),
    "trial's timeout beside limits": of(
        trial=lambda ns: a_trial(ns, limits=ns.CommandJobLimits(timeout=300)),
        limits=lambda ns: ns.SweepJobLimits(max_total_trials=3),
    ),
    "trial's timeout behind the sweep's": of(
        trial=lambda ns: a_trial(ns, limits=ns.CommandJobLimits(timeout=300)),
        limits=lambda ns: ns.SweepJobLimits(trial_timeout=120),
    ),
}


def changed(change: Callable[[Any, SimpleNamespace], Any], **members: Callable[[SimpleNamespace], Any]) -> Build:
    """A sweep that was changed after it was made."""

    def build(ns: SimpleNamespace) -> Any:
        job = of(**members)(ns)
        change(job, ns)
        return job

    return build


CHANGES: dict[str, Build] = {
    "set_limits makes them": changed(lambda job, ns: job.set_limits(max_total_trials=3, timeout=5)),
    "set_limits leaves the others": changed(
        lambda job, ns: job.set_limits(timeout=100), limits=lambda ns: ns.SweepJobLimits(max_total_trials=7)
    ),
    "set_objective makes it": changed(lambda job, ns: job.set_objective(goal="maximize", primary_metric="a")),
    "set_objective leaves the other": changed(
        lambda job, ns: job.set_objective(primary_metric="b"), objective=lambda ns: ns.Objective("minimize", "a")
    ),
    "set_resources makes them": changed(lambda job, ns: job.set_resources(instance_count=3, shm_size="1g")),
    "set_resources leaves the others": changed(
        lambda job, ns: job.set_resources(instance_type="b"), resources=lambda ns: {"instance_count": 2}
    ),
    "limits set": changed(lambda job, ns: setattr(job, "limits", ns.SweepJobLimits(max_total_trials=2))),
    "limits set to a number": changed(lambda job, ns: setattr(job, "limits", 3)),
    "limits set to none": changed(lambda job, ns: setattr(job, "limits", None)),
    "algorithm set": changed(lambda job, ns: setattr(job, "sampling_algorithm", "Bayesian")),
    "algorithm set wrong": changed(lambda job, ns: setattr(job, "sampling_algorithm", "sobol")),
    "policy set": changed(lambda job, ns: setattr(job, "early_termination", ns.MedianStoppingPolicy())),
    "policy set wrong": changed(lambda job, ns: setattr(job, "early_termination", ["bandit"])),
    "inputs set": changed(lambda job, ns: setattr(job, "inputs", {"a": 2})),
    "resources set": changed(lambda job, ns: setattr(job, "resources", {"instance_count": 4})),
    "name set": changed(lambda job, ns: setattr(job, "display_name", "later")),
    "timeout set": changed(
        lambda job, ns: setattr(job.limits, "timeout", 10), limits=lambda ns: ns.SweepJobLimits(timeout=900)
    ),
}


def iris(ns: SimpleNamespace, **members: Any) -> Any:
    """The command of the documentation's examples."""
    return ns.command(
        **{
            "inputs": {"kernel": "linear", "penalty": 1.0},
            "compute": "cpu-cluster",
            "environment": "azureml:env:1",
            "code": "./scripts",
            "command": "python scripts/train.py --kernel $kernel --penalty $penalty",
            "experiment_name": "sklearn-iris-flowers",
            **members,
        }
    )


def swept(
    inputs: Callable[[SimpleNamespace], dict[str, Any]],
    arguments: Callable[[SimpleNamespace], dict[str, Any]] | None = None,
    **members: Any,
) -> Build:
    def build(ns: SimpleNamespace) -> Any:
        given = arguments(ns) if arguments else {}
        return iris(ns, **members)(**inputs(ns)).sweep(**{"primary_metric": "acc", "goal": "Maximize", **given})

    return build


REFERRING = "train --k ${{inputs.kernel}} --p ${{inputs.penalty}}"
COMMANDS: dict[str, Build] = {
    "bandit": swept(
        lambda ns: {"kernel": ns.Uniform(0.0005, 0.005), "penalty": ns.Uniform(0.9, 0.99)},
        lambda ns: {
            "sampling_algorithm": "random",
            "primary_metric": "best_val_acc",
            "max_total_trials": 8,
            "max_concurrent_trials": 4,
            "early_termination_policy": ns.BanditPolicy(slack_factor=0.15, evaluation_interval=1, delay_evaluation=10),
        },
    ),
    "choice and loguniform": swept(lambda ns: {"kernel": ns.Choice(["a", "b"]), "penalty": ns.LogUniform(-6, -1)}),
    "lognormals": swept(lambda ns: {"kernel": ns.LogNormal(0.0, 1.0), "penalty": ns.QLogNormal(5.0, 2.0)}),
    "median": swept(
        lambda ns: {"penalty": ns.Uniform(0.9, 0.99)},
        lambda ns: {"early_termination_policy": ns.MedianStoppingPolicy(delay_evaluation=5, evaluation_interval=2)},
    ),
    "randint and normal": swept(lambda ns: {"penalty": ns.Randint(5), "kernel": ns.Normal(2.0, 1.0)}),
    "steps": swept(lambda ns: {"penalty": ns.QNormal(2.0, 1.0, 1), "kernel": ns.QLogUniform(1.0, 5.0)}),
    "truncation": swept(
        lambda ns: {"penalty": ns.QUniform(0.05, 0.75, 1)},
        lambda ns: {
            "early_termination_policy": ns.TruncationSelectionPolicy(delay_evaluation=5, evaluation_interval=2)
        },
    ),
    "references": swept(lambda ns: {"kernel": ns.Choice(["a"])}, command=REFERRING),
    "all references": swept(lambda ns: {"kernel": ns.Choice(["a"]), "penalty": ns.Uniform(0, 1)}, command=REFERRING),
    "no distribution": swept(lambda ns: {"kernel": "rbf"}, lambda ns: {"search_space": {"z": ns.Randint(3)}}),
    "search_space beside": swept(
        lambda ns: {"kernel": ns.Choice(["a"])}, lambda ns: {"search_space": {"z": ns.Randint(3)}}, command=REFERRING
    ),
    "limits": swept(
        lambda ns: {"kernel": ns.Choice(["a"])},
        lambda ns: {"max_total_trials": 3, "timeout": 30, "trial_timeout": 100, "compute": "other"},
    ),
    "slack amount": swept(
        lambda ns: {"kernel": ns.Choice(["a"])},
        lambda ns: {"early_termination_policy": ns.BanditPolicy(slack_amount=0.1)},
    ),
    "algorithm class": swept(
        lambda ns: {"kernel": ns.Choice(["a"])}, lambda ns: {"sampling_algorithm": ns.GridSamplingAlgorithm()}
    ),
    "members kept": swept(
        lambda ns: {"kernel": ns.Choice(["a"])},
        name="n",
        description="d",
        display_name="dn",
        tags={"t": "1"},
        environment_variables={"A": "1"},
        instance_count=2,
        shm_size="2g",
        timeout=100,
    ),
    "queue": swept(
        lambda ns: {"kernel": ns.Choice(["a"])}, lambda ns: {"job_tier": "standard"}, job_tier="spot", priority="low"
    ),
    "unknown input": swept(lambda ns: {"kernl": ns.Choice(["a"])}),
    "no metric": lambda ns: iris(ns)(kernel=ns.Choice(["a"])).sweep(goal="maximize"),
    "positional": lambda ns: iris(ns)(3),
    "without a call": lambda ns: iris(ns).sweep(primary_metric="a", goal="minimize", search_space={"z": ns.Randint(3)}),
    "twice": swept(lambda ns: {"kernel": ns.Choice(["a"]), "penalty": 3}),
}
CASES: dict[str, Build] = {
    **DISTRIBUTIONS,
    **NESTED,
    **POLICIES,
    **ALGORITHMS,
    **OBJECTIVES,
    **LIMITS,
    **MEMBERS,
    **TRIALS,
    **CHANGES,
    **{f"command {name}": build for name, build in COMMANDS.items()},
}
# What the service would refuse and the real client crashes on; ours says what is wrong.
CRASHES = {"no trial", "objective without a goal"}


@pytest.mark.parametrize("name", CASES)
def test_the_file_is_the_same(name, theirs):
    assert outcome(OURS, CASES[name], "file") == outcome(theirs, CASES[name], "file")


@pytest.mark.parametrize("name", [name for name in CASES if name not in CRASHES])
def test_what_is_sent_is_the_same(name, theirs):
    assert outcome(OURS, CASES[name], "wire") == outcome(theirs, CASES[name], "wire")


@pytest.mark.parametrize("name", ["--lr", "a b", "1a", "a-b", "", "lr", "_x9"])
def test_names_of_parameters_are_refused_alike(name, theirs):
    build = of(search_space=lambda ns: {name: ns.Uniform(0, 1)})

    assert outcome(OURS, build, "wire") == outcome(theirs, build, "wire")


# Not in the packages that name the others, or without a signature of its own.
UNSIGNED = {"CommandJob", "ParameterizedCommand", "SweepDistribution", "EarlyTerminationPolicy"}


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in UNSIGNED and not name.endswith(("Error", "Exception"))]
)
def test_arguments_have_the_same_names_order_and_defaults(name, theirs):
    ours, other = (_parameters(getattr(space, name)) for space in (OURS, theirs))

    assert ours == other


def _parameters(of_what: Any) -> list[tuple[str, Any, Any]]:
    found = inspect.signature(of_what).parameters.values()
    return [(one.name, one.kind, one.default) for one in found if one.kind is not one.VAR_KEYWORD]


ATTRIBUTES = (
    *("name", "id", "inputs", "outputs", "base_path", "creation_context", "log_files", "status", "studio_url", "type"),
    *("tags", "properties", "limits", "resources", "sampling_algorithm", "early_termination", "objective", "trial"),
    *("compute", "services", "queue_settings", "identity", "search_space", "display_name", "experiment_name"),
)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_an_empty_sweep_has_the_same_attributes(attribute, theirs):
    assert getattr(OURS.SweepJob(), attribute) == getattr(theirs.SweepJob(), attribute)


@pytest.mark.parametrize(
    "make",
    [
        lambda ns: vars(ns.BanditPolicy(slack_factor=0.1)),
        lambda ns: vars(ns.MedianStoppingPolicy()),
        lambda ns: vars(ns.TruncationSelectionPolicy(truncation_percentage=3)),
        lambda ns: vars(ns.RandomSamplingAlgorithm(seed=3)),
        lambda ns: vars(ns.GridSamplingAlgorithm()),
        lambda ns: vars(ns.BayesianSamplingAlgorithm()),
        lambda ns: vars(ns.SamplingAlgorithm()),
        lambda ns: vars(ns.Objective("Maximize", "a")),
        lambda ns: vars(ns.Objective(None)),
        lambda ns: vars(ns.SweepJobLimits(timeout=3)),
        lambda ns: vars(ns.QUniform(1, 2)),
        lambda ns: vars(ns.Choice([1])),
        lambda ns: vars(ns.Randint(upper=3)),
        lambda ns: ns.Uniform(0, 1) == ns.Uniform(0, 1.0),
        lambda ns: ns.Uniform(0, 1) == ns.LogUniform(0, 1),
        lambda ns: ns.Uniform(0, 1) == 3,
        lambda ns: ns.BanditPolicy() == ns.BanditPolicy(slack_factor=0),
        lambda ns: ns.BanditPolicy() == ns.BanditPolicy(slack_factor=1),
        lambda ns: ns.Objective("minimize", "a") == ns.Objective("minimize", "a"),
        lambda ns: ns.SweepJobLimits(timeout=5) == ns.SweepJobLimits(timeout=60),
        lambda ns: isinstance(ns.LogUniform(), ns.Uniform) and isinstance(ns.QLogNormal(), ns.Normal),
        lambda ns: ns.SweepJobLimits(timeout=5).timeout,
        lambda ns: hasattr(ns.Objective(None), "goal"),
    ],
)
def test_objects_are_alike(make, theirs):
    assert make(OURS) == make(theirs)


@pytest.mark.parametrize(
    "call",
    [
        lambda ns: ns.BanditPolicy(1),
        lambda ns: ns.BanditPolicy(slack=1),
        lambda ns: ns.MedianStoppingPolicy(slack_factor=1),
        lambda ns: ns.TruncationSelectionPolicy(exclude_finished_jobs=True),
        lambda ns: ns.Uniform(0, 1, 2),
        lambda ns: ns.Uniform(low=0),
        lambda ns: ns.Choice(options=[1]),
        lambda ns: ns.Randint(lower=1),
        lambda ns: ns.RandomSamplingAlgorithm("sobol"),
        lambda ns: ns.GridSamplingAlgorithm(seed=1),
        lambda ns: ns.Objective(),
        lambda ns: ns.SweepJobLimits(3),
        lambda ns: ns.SweepJob("name"),
        lambda ns: ns.SweepJob(banana=1),
    ],
)
def test_wrong_arguments_are_a_type_error(call, theirs):
    for space in (OURS, theirs):
        with pytest.raises(TypeError):
            call(space)
