"""WMLA's tasks as jobs: what each member comes to, and how each wrong one is refused."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunebook import Choice, LogUniform, QLogUniform, QUniform, Randint, Uniform
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.samplers import build
from tunebook.status import ExperimentStatus, TrialStatus
from tunebook.wire import wmla
from tunebook.wire.recognise import recognise, recognise_document

RATE = {"name": "lr", "type": "Range", "dataType": "DOUBLE", "minDbVal": 0.001, "maxDbVal": 0.1}
UNITS = {"name": "units", "type": "Range", "dataType": "INT", "minIntVal": 8, "maxIntVal": 64}
KIND = {"name": "kind", "type": "Discrete", "dataType": "STR", "discreateStrVal": ["a", "b"]}
LISTED = [
    {"id": 7, "hyperParams": [{"name": "lr", "dataType": "DOUBLE", "fixedVal": "0.1"}]},
    {
        "id": 7,
        "hyperParams": [
            {"name": "units", "dataType": "int", "fixedVal": 8},
            {"name": "kind", "dataType": "STRING", "fixedVal": "a"},
        ],
    },
]


def a_task(**changes: Any) -> dict[str, Any]:
    """A task; members by their path with __ for the dots, None leaves one out."""
    document: dict[str, Any] = {
        "modelSpec": {"sigName": "dli", "args": "--exec-start PyTorch --model-main main.py"},
        "algoDef": {"algorithm": "Random", "maxJobNum": 10, "objectiveMetric": "loss", "objective": "minimize"},
        "hyperParams": copy.deepcopy([RATE, UNITS, KIND]),
    }
    for path, value in changes.items():
        *above, name = path.split("__")
        place: Any = document
        for one in above:
            place = place[int(one)] if one.isdigit() else place[one]
        key: Any = int(name) if name.isdigit() else name
        if value is None and key in place:
            del place[key]
        else:
            place[key] = copy.deepcopy(value)
    return document


def with_params(algorithm: str, **values: Any) -> dict[str, Any]:
    return a_task(
        algoDef__algorithm=algorithm,
        algoDef__algoParams=[{"name": name, "value": value} for name, value in values.items()],
    )


def a_grid(**changes: Any) -> dict[str, Any]:
    return a_task(hyperParams=None, experiments=LISTED, algoDef__algorithm="ExperimentGridSearch", **changes)


def one(**entry: Any) -> Any:
    """The distribution of one hyperparameter."""
    return wmla.load(a_task(hyperParams=[{"name": "x", **entry}])).space["x"]


def test_a_task_becomes_a_job() -> None:
    job = wmla.load(a_task(algoDef__maxRunTime=90, algoDef__maxParalleJobNum=3))

    assert (job.objective.goal, job.objective.name, job.objective.mode) == ("minimize", "loss", "best")
    assert (job.limits.max_trials, job.limits.max_concurrent, job.limits.max_seconds) == (10, 3, 5400.0)
    assert (job.readings.type, job.readings.sources) == ("records", ("outputs/val_dict_list.json",))
    assert list(job.space) == ["lr", "units", "kind"]
    assert Job.from_dict(json.loads(json.dumps(job.to_dict()))) == job


@pytest.mark.parametrize(
    ("entry", "distribution"),
    [
        ({"type": "Range", "dataType": "double", "minDbVal": 0, "maxDbVal": 1}, Uniform(0.0, 1.0)),
        ({"type": "range", "dataType": "INT", "minIntVal": 1, "maxIntVal": 5}, Randint(6, 1)),
        ({"type": "Range", "dataType": "int", "minIntVal": "1", "maxIntVal": "5"}, Randint(6, 1)),
        (
            {"type": "Range", "dataType": "DOUBLE", "minDbVal": 0.001, "maxDbVal": 0.1, "step": "0.002"},
            QUniform(0.001, 0.1, 0.002, from_min=True),
        ),
        (
            {"type": "Range", "dataType": "int", "minIntVal": 1, "maxIntVal": 8, "step": 3},
            QUniform(1, 8, 3, from_min=True, whole=True),
        ),
        (
            {"type": "Range", "dataType": "double", "minDbVal": -3, "maxDbVal": 0, "power": "10"},
            LogUniform.between(0.001, 1.0),
        ),
        (
            {"type": "Range", "dataType": "int", "minIntVal": 0, "maxIntVal": 5, "power": 2},
            QLogUniform.between(1.0, 32.0, 1, clip=False, whole=True),
        ),
        (
            {"type": "Range", "dataType": "double", "minDbVal": 1, "maxDbVal": 3, "power": 0.5},
            LogUniform.between(0.125, 0.5),
        ),
        (
            {"type": "Range", "dataType": "double", "minDbVal": -3, "maxDbVal": 0, "power": 10, "step": 1},
            Choice((0.001, 0.01, 0.1, 1.0)),
        ),
        (
            {"type": "Range", "dataType": "int", "minIntVal": 0, "maxIntVal": 3, "power": 2, "step": 1},
            Choice((1, 2, 4, 8)),
        ),
        ({"type": "Discrete", "dataType": "int", "discreteIntVal": [1, "2"]}, Choice((1, 2))),
        ({"type": "Discrete", "dataType": "double", "discreteDbVal": [1, "0.5"]}, Choice((1.0, 0.5))),
        ({"type": "Discrete", "dataType": "str", "discreateStrVal": ["a", 2]}, Choice(("a", "2"))),
        ({"type": "Discrete", "dataType": "string", "discreteStrVal": ["a"]}, Choice(("a",))),
        (
            {
                "type": "Range",
                "dataType": "double",
                "minDbVal": 0.5,
                "maxDbVal": 2,
                "minIntVal": 0,
                "discreteDbVal": [],
                "discreateStrVal": [],
                "step": 0,
                "power": "",
            },
            Uniform(0.5, 2.0),
        ),
    ],
)
def test_a_hyperparameter_becomes_a_distribution(entry: dict[str, Any], distribution: Any) -> None:
    assert one(**entry) == distribution


def test_steps_and_powers_have_no_float_dust() -> None:
    stepped = one(type="Range", dataType="double", minDbVal=0.001, maxDbVal=0.1, step=0.002)
    powers = one(type="Range", dataType="double", minDbVal=-5, maxDbVal=-1, power=10, step=1)

    assert {"0.029", "0.071", "0.097"} <= {str(value) for value in stepped.values()}
    assert powers.values == (1e-05, 0.0001, 0.001, 0.01, 0.1)


def test_listed_experiments_may_differ_in_their_parameters() -> None:
    job = wmla.load(a_grid(algoDef__maxJobNum=-1))

    sampler = build(job.sampling, job.space, job.objective, 0, limits=job.limits)
    assert sampler.chosen["experiments"] == ({"lr": 0.1}, {"units": 8, "kind": "a"})
    assert (len(job.space), job.limits.max_trials) == (0, None)


@pytest.mark.parametrize(
    ("document", "name", "options"),
    [
        (with_params("random"), "random", {}),
        (
            with_params("Tpe"),
            "tpe",
            {"n_startup": 10, "n_candidates": 24, "rule": "linear", "gamma": 0.25, "linear_forgetting": 25},
        ),
        (
            with_params("TPE", WarmUp="5", EICandidate=12, GoodRatio="0.5", GoodMax="9"),
            "tpe",
            {"n_startup": 5, "n_candidates": 12, "rule": "linear", "gamma": 0.5, "linear_forgetting": 9},
        ),
        (with_params("Bayesian"), "bayesian", {"n_startup": 10, "n_candidates": 1000}),
        (with_params("Bayesian", CubeSize="1000000"), "bayesian", {"n_startup": 10, "n_candidates": 10_000}),
        (with_params("BAYESIAN", InitPoints="1", CubeSize="5"), "bayesian", {"n_startup": 2, "n_candidates": 10}),
        (with_params("Bayesian", Noiseless="false"), "bayesian", {"n_startup": 10, "n_candidates": 1000}),
        (
            with_params("Bayesian", Noiseless="True"),
            "bayesian",
            {"n_startup": 10, "n_candidates": 1000, "noise": "none"},
        ),
        (
            with_params("Hyperband", ResourceName="epochs", ResourceValue="81"),
            "hyperband",
            {"resource": "epochs", "max_resource": 81, "eta": 3.0, "rounds": 1},
        ),
        (
            with_params("Hyperband", resourcename="epochs", ResourceValue=27, eta="4"),
            "hyperband",
            {"resource": "epochs", "max_resource": 27, "eta": 4, "rounds": 1},
        ),
    ],
)
def test_an_algorithm_becomes_a_sampler(document: dict[str, Any], name: str, options: dict[str, Any]) -> None:
    job = wmla.load(document)

    assert (job.sampling.name, job.sampling.options) == (name, options)
    build(job.sampling, job.space, job.objective, 0, limits=job.limits)


def test_without_a_limit_of_trials_the_defaults_are_their_own() -> None:
    tpe = wmla.load(a_task(algoDef__algorithm="Tpe", algoDef__maxJobNum=-1))
    bayesian = wmla.load(a_task(algoDef__algorithm="Bayesian", algoDef__maxJobNum=None))

    assert (tpe.limits.max_trials, tpe.sampling.options["n_startup"]) == (None, 20)
    assert (bayesian.limits.max_trials, bayesian.sampling.options["n_candidates"]) == (None, 10_000)


def test_the_old_way_to_give_eta_counts_where_there_is_no_new_one() -> None:
    document = with_params("Hyperband", ResourceName="epochs", ResourceValue="9")
    document["algoDef"]["hyperbandEta"] = "2"

    assert wmla.load(document).sampling.options["eta"] == 2


def test_parameters_of_other_algorithms_are_ignored() -> None:
    assert wmla.load(with_params("Random", ResourceName="epochs", Unheard="of", WarmUp="1")).sampling.options == {}


@pytest.mark.parametrize(("value", "seed"), [("7", 7), (7, 7), ("-1", 2**63 - 1), ("", None)])
def test_the_seed_is_kept(value: Any, seed: int | None) -> None:
    assert wmla.load(with_params("Random", RandomSeed=value)).sampling.seed == seed


def test_a_plugin_gets_the_parameters_in_its_words() -> None:
    document = with_params("mine", alpha=0.5, beta=None)
    document["hyperParams"][2]["dataType"] = "string"
    around = wmla.Surroundings(plugin=wmla.Installed("mine", "/srv/mine"))

    arguments = wmla.load(document, around=around).sampling.options["arguments"]

    assert (arguments["name"], arguments["folder"]) == ("mine", "/srv/mine")
    assert arguments["algo_params"] == {"alpha": "0.5", "beta": ""}
    assert [entry["dataType"] for entry in arguments["hyper_parameters"]] == ["DOUBLE", "INT", "STR"]


LONG = "x" * 256
WRONG: list[tuple[dict[str, Any], str]] = [
    (a_task(modelSpec=None), "modelSpec"),
    (a_task(modelSpec="x"), "modelSpec"),
    (a_task(modelSpec__args=None), "modelSpec.args"),
    (a_task(modelSpec__args=" "), "modelSpec.args"),
    (a_task(modelSpec__args=["a"]), "modelSpec.args"),
    (a_task(modelSpec__args="--model-main 'a.py"), "modelSpec.args"),
    (a_task(modelSpec__args="--exec-start PyTorch"), "modelSpec.args"),
    (a_task(modelSpec__args="--model-main"), "modelSpec.args"),
    (a_task(modelSpec__args="--model-main ../a.py"), "modelSpec.args: --model-main"),
    (a_task(modelSpec__args="--model-main a.py --model-dir /etc"), "modelSpec.args: --model-dir"),
    (a_task(modelSpec__args="--exec-start distPyTorch --model-main a.py"), "modelSpec.args"),
    (a_task(modelSpec__args="--exec-start COBOL --model-main a.py"), "modelSpec.args"),
    (a_task(modelSpec__args="--user-cmd --"), "modelSpec.args"),
    (a_task(modelSpec__sigName=7), "modelSpec.sigName"),
    (a_task(hpoName="a b"), "hpoName"),
    (a_task(hpoName="a/b"), "hpoName"),
    (a_task(hpoName=LONG), "hpoName"),
    (a_task(hpoName="Algorithm"), "hpoName"),
    (a_task(hpoName=3), "hpoName"),
    (a_task(algoDef=None), "algoDef"),
    (a_task(algoDef=[]), "algoDef"),
    (a_task(algoDef__algorithm=None), "algoDef.algorithm"),
    (a_task(algoDef__algorithm=5), "algoDef.algorithm"),
    (a_task(algoDef__algorithm="Annealing"), "algoDef.algorithm"),
    (a_task(algoDef__maxJobNum=0), "algoDef.maxJobNum"),
    (a_task(algoDef__maxJobNum=-2), "algoDef.maxJobNum"),
    (a_task(algoDef__maxJobNum="many"), "algoDef.maxJobNum"),
    (a_task(algoDef__maxJobNum=1.5), "algoDef.maxJobNum"),
    (a_task(algoDef__maxJobNum=True), "algoDef.maxJobNum"),
    (a_task(algoDef__maxJobNum=10**7), "algoDef.maxJobNum"),
    (a_task(algoDef__maxRunTime=0), "algoDef.maxRunTime"),
    (a_task(algoDef__maxRunTime="long"), "algoDef.maxRunTime"),
    (a_task(algoDef__maxParalleJobNum=0), "algoDef.maxParalleJobNum"),
    (a_task(algoDef__maxParalleJobNum="x"), "algoDef.maxParalleJobNum"),
    (a_task(algoDef__maxParalleJob=-1), "algoDef.maxParalleJob"),
    (a_task(algoDef__objectiveMetric=None), "algoDef.objectiveMetric"),
    (a_task(algoDef__objectiveMetric=" "), "algoDef.objectiveMetric"),
    (a_task(algoDef__objectiveMetric=LONG), "algoDef.objectiveMetric"),
    (a_task(algoDef__objective=None), "algoDef.objective"),
    (a_task(algoDef__objective="best"), "algoDef.objective"),
    (a_task(algoDef__additionalMetrics=["a"]), "algoDef.additionalMetrics"),
    (a_task(algoDef__additionalMetrics={"a": 1}), "algoDef.additionalMetrics.a"),
    (a_task(algoDef__algoParams={"a": 1}), "algoDef.algoParams"),
    (a_task(algoDef__algoParams=["a"]), "algoDef.algoParams.0"),
    (a_task(algoDef__algoParams=[{"value": 1}]), "algoDef.algoParams.0.name"),
    (a_task(algoDef__algoParams=[{"name": "a", "value": []}]), "algoDef.algoParams.0.value"),
    (with_params("Random", RandomSeed="x"), "algoDef.algoParams.RandomSeed"),
    (with_params("Tpe", WarmUp="2"), "algoDef.algoParams.WarmUp"),
    (with_params("Tpe", WarmUp="x"), "algoDef.algoParams.WarmUp"),
    (with_params("Tpe", EICandidate="1"), "algoDef.algoParams.EICandidate"),
    (with_params("Tpe", GoodRatio="0"), "algoDef.algoParams.GoodRatio"),
    (with_params("Tpe", GoodRatio="1e999"), "algoDef.algoParams.GoodRatio"),
    (with_params("Tpe", GoodMax="1"), "algoDef.algoParams.GoodMax"),
    (with_params("Bayesian", InitPoints="0"), "algoDef.algoParams.InitPoints"),
    (with_params("Bayesian", CubeSize="-1"), "algoDef.algoParams.CubeSize"),
    (with_params("Bayesian", Noiseless="maybe"), "algoDef.algoParams.Noiseless"),
    (with_params("Hyperband", ResourceValue="9"), "algoDef.algoParams.ResourceName"),
    (with_params("Hyperband", ResourceName="epochs"), "algoDef.algoParams.ResourceValue"),
    (with_params("Hyperband", ResourceName="epochs", ResourceValue="0"), "algoDef.algoParams.ResourceValue"),
    (with_params("Hyperband", ResourceName="epochs", ResourceValue="1.5"), "algoDef.algoParams.ResourceValue"),
    (with_params("Hyperband", ResourceName="epochs", ResourceValue="9", eta="1"), "algoDef.algoParams.eta"),
    (with_params("Hyperband", ResourceName="epochs", ResourceValue="9", eta="1.5"), "algoDef.algoParams.eta"),
    (with_params("Hyperband", ResourceName="lr", ResourceValue="9"), "algoDef.algoParams.ResourceName"),
    (with_params("Hyperband", ResourceName=LONG, ResourceValue="9"), "algoDef.algoParams"),
    (a_task(hyperParams=None), "hyperParams"),
    (a_task(hyperParams=[]), "hyperParams"),
    (a_task(hyperParams="lr"), "hyperParams"),
    (a_task(hyperParams__0="lr"), "hyperParams.0"),
    (a_task(experiments=LISTED), "experiments"),
    (a_task(hyperParams=None, experiments=LISTED), "experiments"),
    (a_task(algoDef__algorithm="ExperimentGridSearch"), "experiments"),
    (a_grid(experiments__0="x"), "experiments.0"),
    (a_grid(experiments__0__id="x"), "experiments.0.id"),
    (a_grid(experiments__0__hyperParams="x"), "experiments.0.hyperParams"),
    (a_grid(experiments__0__hyperParams__0__name=""), "experiments.0.hyperParams.0.name"),
    (a_grid(experiments__0__hyperParams__0__dataType="float"), "experiments.0.hyperParams.0.dataType"),
    (a_grid(experiments__0__hyperParams__0__fixedVal="x"), "experiments.0.hyperParams.0.fixedVal"),
    (a_grid(experiments__0__hyperParams__0__fixedVal=[]), "experiments.0.hyperParams.0.fixedVal"),
    (a_grid(experiments__1__hyperParams__0__fixedVal=1.5), "experiments.1.hyperParams.0.fixedVal"),
    (a_task(hyperParams__0__name=None), "hyperParams.0.name"),
    (a_task(hyperParams__0__name=" "), "hyperParams.0.name"),
    (a_task(hyperParams__0__name=LONG), "hyperParams.0.name"),
    (a_task(hyperParams__1__name="lr"), "hyperParams.1.name"),
    (a_task(hyperParams__0__type=None), "hyperParams.0.type"),
    (a_task(hyperParams__0__type="Normal"), "hyperParams.0.type"),
    (a_task(hyperParams__0__dataType=None), "hyperParams.0.dataType"),
    (a_task(hyperParams__0__dataType="float"), "hyperParams.0.dataType"),
    (a_task(hyperParams__0__dataType="str"), "hyperParams.0.dataType"),
    (a_task(hyperParams__0__minDbVal=None), "hyperParams.0.minDbVal"),
    (a_task(hyperParams__0__minDbVal="x"), "hyperParams.0.minDbVal"),
    (a_task(hyperParams__0__minDbVal=True), "hyperParams.0.minDbVal"),
    (a_task(hyperParams__0__maxDbVal=0), "hyperParams.0.maxDbVal"),
    (a_task(hyperParams__0__step=-1), "hyperParams.0.step"),
    (a_task(hyperParams__0__step="x"), "hyperParams.0.step"),
    (a_task(hyperParams__0__step=1e-300), "hyperParams.0.step"),
    (a_task(hyperParams__0__power="-2"), "hyperParams.0.power"),
    (a_task(hyperParams__0__power=1), "hyperParams.0.power"),
    (a_task(hyperParams__0__power=[]), "hyperParams.0.power"),
    (a_task(hyperParams__0__power=10, hyperParams__0__maxDbVal=1000), "hyperParams.0.power"),
    (a_task(hyperParams__0__power=10, hyperParams__0__step=1e-9), "hyperParams.0.step"),
    (a_task(hyperParams__1__minIntVal=1.5), "hyperParams.1.minIntVal"),
    (a_task(hyperParams__1__maxIntVal=7), "hyperParams.1.maxIntVal"),
    (a_task(hyperParams__1__maxIntVal=str(2**63)), "hyperParams.1.maxIntVal"),
    (a_task(hyperParams__1__step=0.5), "hyperParams.1.step"),
    (a_task(hyperParams__1__power=10), "hyperParams.1.power"),
    (a_task(hyperParams__2__discreateStrVal=[]), "hyperParams.2.discreateStrVal"),
    (a_task(hyperParams__2__discreateStrVal="ab"), "hyperParams.2.discreateStrVal"),
    (a_task(hyperParams__2__discreateStrVal=[{}]), "hyperParams.2.discreateStrVal.0"),
    (a_task(hyperParams__2__discreateStrVal=["x" * 5000]), "hyperParams.2.discreateStrVal.0"),
]


@pytest.mark.parametrize(
    ("document", "path"), WRONG, ids=[f"{path}-{number}" for number, (_, path) in enumerate(WRONG)]
)
def test_each_member_wrong_once_is_named(document: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as caught:
        wmla.load(document)

    assert caught.value.path == path
    assert len(caught.value.message) < 300


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    "modelSpec", "modelSpec__args", "modelSpec__sigName", "hpoName", "algoDef", "algoDef__algorithm", "algoDef__maxJobNum",
    "algoDef__maxRunTime", "algoDef__maxParalleJobNum", "algoDef__objectiveMetric", "algoDef__objective",
    "algoDef__algoParams", "algoDef__additionalMetrics", "algoDef__hyperbandEta", "hyperParams", "hyperParams__0",
    "hyperParams__0__name", "hyperParams__0__type", "hyperParams__0__dataType", "hyperParams__0__minDbVal",
    "hyperParams__0__maxDbVal", "hyperParams__0__step", "hyperParams__0__power", "hyperParams__2__discreateStrVal",
    "experiments",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(place=st.sampled_from(PLACES), value=anything, algorithm=st.sampled_from([*wmla.BUILT_IN, "mine"]))
def test_nonsense_is_read_or_refused_and_never_breaks(place: str, value: Any, algorithm: str) -> None:
    around = wmla.Surroundings(plugin=wmla.Installed("mine", "/srv/mine"))
    try:
        document = a_task(**{"algoDef__algorithm": algorithm, place: value})
        job = wmla.load(document, around=around)
    except SpecError:
        return
    json.dumps(job.to_dict())


def test_data_is_json_or_a_printed_dictionary() -> None:
    document = a_task()

    assert wmla.read_data(json.dumps(document)) == wmla.read_data(repr(document)) == document


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "data: must be an object"),
        ("{'a': 1, 'a': 2}", "data.a: is given twice"),
        ('{"a": 1, "a": 2}', "data.a: is given twice"),
        ('{"a": NaN}', "data: NaN is not a JSON number"),
        ("{'a': open('x')}", "data: neither JSON nor a Python dictionary"),
        ("[" * 100_000, "data: is nested deeper"),
        ("{" + "'a' " * 100_000, "data: "),
        ('{"a": ' + "9" * 100 + "}", "64 bits"),
    ],
)
def test_other_data_is_refused(text: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        wmla.read_data(text)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("args", "files", "folder", "ends_with"),
    [
        ("--model-dir m --model-main a.py --lr 0.1", ["m/a.py"], "m", "exec python a.py --lr 0.1"),
        ("--model-dir m --model-main a.py", ["a.py"], None, "exec python a.py"),
        ("--model-main a.py", ["top/a.py", "top/b/c.py"], "top", "exec python a.py"),
        ("--model-main b/a.py", ["m/b/a.py"], "m/b", "exec python a.py"),
        ("--model-main a.py --x 'b c' --y=$HOME", ["a.py"], None, "exec python a.py --x 'b c' '--y=$HOME'"),
        (
            "--exec-start=PyTorch  --msd-env a=b\n --numWorker 2 --model-main a.py -v",
            ["a.py"],
            None,
            "exec python a.py -v",
        ),
        (
            "--user-cmd --exec-start PyTorch -- python -m x --model-main y",
            ["a.py"],
            None,
            "exec python -m x --model-main y",
        ),
        ("--user-cmd --model-dir m -- ./run.sh", ["m/run.sh"], "m", "exec ./run.sh"),
        ("--user-cmd --model-dir m -- ./run.sh", ["run.sh"], None, "exec ./run.sh"),
    ],
)
def test_arguments_become_a_command(args: str, files: list[str], folder: str | None, ends_with: str) -> None:
    model = wmla.Model("0" * 32, tuple(files))

    command = wmla.load(a_task(modelSpec__args=args), around=wmla.Surroundings(model=model)).command

    assert command.working_dir == folder
    assert str(command.steps[0]).split("\n")[-1] == ends_with
    assert command.environment["RESULT_DIR"] == f"${{NNI_OUTPUT_DIR}}{f'/{folder}' if folder else ''}/outputs"


def test_an_interpreter_of_conda_is_used_where_it_is() -> None:
    args = "--conda-home /opt/conda --conda-env-name dli --model-main a.py"

    lines = str(wmla.load(a_task(modelSpec__args=args)).command.steps[0]).split("\n")

    assert lines[-2:] == ['PY=/opt/conda/envs/dli/bin/python; [ -x "$PY" ] || PY=python', 'exec "$PY" a.py']


def test_a_script_that_is_not_there_is_named_with_what_is() -> None:
    around = wmla.Surroundings(model=wmla.Model("0" * 32, ("x/a.py", "x/b.py")))

    with pytest.raises(SpecError) as caught:
        wmla.load(a_task(), around=around)

    assert str(caught.value) == (
        "modelSpec.args: --model-main 'main.py' is not in the uploaded file, which holds x/a.py, x/b.py"
    )


def test_a_group_is_needed_only_where_the_server_says_so() -> None:
    document = a_task(modelSpec__sigName=None)

    wmla.load(document)
    with pytest.raises(SpecError) as caught:
        wmla.load(document, around=wmla.Surroundings(needs_group=True))

    assert caught.value.path == "modelSpec.sigName"


@pytest.mark.parametrize("write", [json.dumps, repr])
def test_a_pasted_task_is_recognised(write: Any) -> None:
    kind, job = recognise(write(a_task()))

    assert kind == "wmla"
    assert job == wmla.load(a_task())


def test_every_status_has_a_word() -> None:
    assert set(wmla.TASK_WORDS) == set(ExperimentStatus)
    assert set(wmla.TRIAL_WORDS) == set(TrialStatus)


@pytest.mark.parametrize("status", ["CREATED", "WAITING", "RUNNING", "NO_MORE_TRIAL", "UNKNOWN"])
def test_what_goes_on_is_never_called_otherwise(status: str) -> None:
    for has_started in (False, True):
        assert wmla.task_state(status, has_started=has_started, has_result=False) in ("SUBMITTED", "RUNNING")


def test_a_training_has_a_word_for_every_status_of_its_trial_or_its_experiment() -> None:
    words = {wmla.exec_state(status) for status in (*TrialStatus, *ExperimentStatus)}

    assert words == {"SUBMITTED", "RUNNING", "FINISHED", "FAILED", "KILLED"}


def test_a_task_out_of_time_has_failed_only_without_a_result() -> None:
    assert wmla.task_state("SYS_CANCELED", has_started=True, has_result=True) == "FINISHED"
    assert wmla.task_state("SYS_CANCELED", has_started=True, has_result=False) == "FAILED"


def test_the_record_of_a_task_has_the_form_that_clients_read() -> None:
    at = datetime(2026, 1, 9, 17, 32, 3, tzinfo=UTC)
    trial = wmla.Trial(number=0, key="abc", status="FINISHED", params={"lr": 0.081, "units": 8}, value=2.5, started=at)
    facts = wmla.Facts(
        name="ada-hpo-1",
        status="FINISHED",
        creator="ada",
        created=at,
        now=at,
        started=at,
        ended=at.replace(hour=21, minute=36, second=5),
        complete=1,
        total=1,
        best=0,
        trials=[trial],
    )

    record = wmla.task(a_task(), facts)

    assert record["best"] == record["experiments"][0]
    assert record["best"] == {
        "id": 0,
        "state": "FINISHED",
        "metricVal": 2.5,
        "maxiteration": 0,
        "appId": "wmla-abc",
        "driverId": "driver-abc",
        "startTime": "2026-01-09 17:32:03",
        "hyperParams": [
            {"name": "lr", "dataType": "double", "fixedVal": "0.081", "userDefined": False},
            {"name": "units", "dataType": "int", "fixedVal": "8", "userDefined": False},
        ],
    }
    assert (record["createtime"], record["duration"], record["progress"]) == ("2026-01-09 17:32:03", "04:04:02", "1/1")
    assert [entry["type"] for entry in record["hyperParams"]] == ["range", "range", "discrete"]


def test_a_script_beside_its_document_is_run_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "main.py").touch()
    document = a_task(modelSpec__args="--model-dir digits --model-main main.py --lr 1")

    _, found = recognise_document(document, base_path=str(tmp_path))
    _, elsewhere = recognise_document(document, base_path=str(tmp_path / "digits"))
    _, nowhere = recognise_document(document, base_path="/nowhere")

    for job in (found, elsewhere):
        assert isinstance(job, Job)
        assert job.command.working_dir == str(tmp_path / "digits")
        assert str(job.command.steps[0]).endswith("exec python main.py --lr 1")
    assert isinstance(nowhere, Job)
    assert nowhere.command.working_dir is None


def test_a_bound_that_is_no_number_is_told_as_it_was_sent() -> None:
    with pytest.raises(SpecError, match=r"maxDbVal: must be a number, got 'much'"):
        wmla.load(
            a_task(
                hyperParams=[{"name": "x", "type": "Range", "dataType": "double", "minDbVal": 0, "maxDbVal": "much"}]
            )
        )
