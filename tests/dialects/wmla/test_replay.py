"""What the public notebooks and tools call, against a server and an optimizer that really run."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey
from tests.dialects.wmla.conftest import a_tar
from tests.dialects.wmla.models import DIGITS, PLUGIN
from tests.optimizer.processes import optimizer
from tests.optimizer.waiting import until
from tests.people import PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ARGS = "--exec-start PyTorch --cs-datastore-meta type=fs --model-dir pytorch_hpo --model-main main.py --epochs 2"
RATE = {
    "name": "learning_rate",
    "type": "Range",
    "dataType": "DOUBLE",
    "minDbVal": 0.001,
    "maxDbVal": 0.1,
    "step": "0.002",
}
PENALTY = {"name": "penalty", "type": "Discrete", "dataType": "str", "discreateStrVal": ["l1", "l2"]}
GRID = [
    {"id": 1, "hyperParams": [{"name": "learning_rate", "dataType": "double", "fixedVal": "0.01"}]},
    {
        "id": 2,
        "hyperParams": [
            {"name": "penalty", "dataType": "STRING", "fixedVal": "l1"},
            {"name": "learning_rate", "dataType": "double", "fixedVal": 0.1},
        ],
    },
]


@pytest.fixture
def base(served: str, settings: Any, tmp_path: Path, ada: User, key_ada: IssuedKey) -> Iterator[str]:
    """The address of a server beside which an optimizer works."""
    settings.TUNEBOOK_DATA = tmp_path / "data"
    settings.TUNEBOOK_DATA.mkdir()
    with optimizer(settings.TUNEBOOK_DATA):
        yield f"http://{served}"


def a_task(algorithm: str, jobs: int, *params: tuple[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "modelSpec": {"sigName": "dli", "args": ARGS},
        "algoDef": {
            "algorithm": algorithm,
            "maxRunTime": 60,
            "maxJobNum": jobs,
            "maxParalleJobNum": 2,
            "objectiveMetric": "loss",
            "objective": "minimize",
            "additionalMetrics": {"accuracy": "maximize"},
            "algoParams": [{"name": name, "value": value} for name, value in params],
        },
        "hyperParams": [RATE, PENALTY],
        **changes,
    }


def polled(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """As the notebooks do: ask again while the task is one of two words, and look into its experiments meanwhile."""
    deadline = time.monotonic() + 90
    record = look()
    while record["state"] in ("SUBMITTED", "RUNNING"):
        assert time.monotonic() < deadline, f"{why()}\n{record}"
        for one in record["experiments"]:
            assert {"id", "state", "appId", "hyperParams"} <= one.keys()
        time.sleep(0.1)
        record = look()
    return record


@pytest.mark.parametrize(
    ("algorithm", "jobs", "params"),
    [
        ("Random", 2, [("RandomSeed", "2")]),
        (
            "Tpe",
            4,
            [("RandomSeed", "2"), ("WarmUp", "3"), ("EICandidate", "10"), ("GoodRatio", "0.25"), ("GoodMax", "25")],
        ),
        ("Bayesian", 4, [("InitPoints", "2"), ("CubeSize", "100"), ("Noiseless", "true")]),
        ("Hyperband", -1, [("ResourceName", "epochs"), ("ResourceValue", "3"), ("eta", "3"), ("RandomSeed", "1")]),
        ("ExperimentGridSearch", -1, [("eta", "3")]),
    ],
)
def test_an_old_notebook_tunes_a_model_with(
    base: str, algorithm: str, jobs: int, params: list[tuple[str, str]]
) -> None:
    """It logs on to a session once, looks at `ok` only, and then sends name and password with each call."""
    url, auth = f"{base}/platform/rest/deeplearning/v1", ("ada", PASSWORD)
    headers = {"Accept": "application/json"}
    with requests.Session() as session:
        assert session.get(f"{base}/platform/rest/conductor/v1/auth/logon", verify=False, auth=auth, headers=headers).ok
        task = a_task(algorithm, jobs, *params)
        if algorithm == "ExperimentGridSearch":
            task = {**a_task(algorithm, jobs, *params, experiments=GRID)}
            del task["hyperParams"]
        tar = io.BytesIO(a_tar(**{"pytorch_hpo/main.py": DIGITS, "._pytorch_hpo": "litter"}))

        made = session.post(
            f"{url}/hypersearch", headers=headers, auth=auth, data={"data": str(task)}, files={"file": tar}
        )
        assert made.ok, made.text
        record = polled(lambda: session.get(f"{url}/hypersearch/{made.json()}", headers=headers, auth=auth).json())

        assert record["state"] == "FINISHED", why()
        best, rows = record["best"], record["experiments"]
        assert best["metricVal"] == min(one["metricVal"] for one in rows)
        assert [one["id"] for one in rows] == list(range(len(rows)))
        assert {one["state"] for one in rows} == {"FINISHED"}
        assert record["progress"] == f"{len(rows)}/{len(rows)}"
        assert re.fullmatch(r"\d\d:\d\d:\d\d", record["duration"])
        by_name = [{one["name"]: one for one in row["hyperParams"]} for row in rows]
        rates = [float(row["learning_rate"]["fixedVal"]) for row in by_name]
        assert all(0.001 <= rate <= 0.1 and len(str(rate)) <= 6 for rate in rates)
        if algorithm == "Hyperband":
            budgets = [row["epochs"] for row in by_name]
            assert [one["fixedVal"] for one in budgets] == ["1", "1", "1", "3", "3", "3"]
            assert {one["dataType"] for one in budgets} == {"str"}
        elif algorithm == "ExperimentGridSearch":
            assert [[one["name"] for one in row["hyperParams"]] for row in rows] == [
                ["learning_rate"],
                ["learning_rate", "penalty"],
            ]
            assert {one["type"] for row in rows for one in row["hyperParams"]} == {"fix"}
        else:
            assert len(rows) == jobs
        accuracy = best["metrics"][0]
        assert accuracy["name"] == "accuracy"
        assert accuracy["min"] <= accuracy["latest"] <= accuracy["max"]

        log = requests.get(f"{url}/execs/{best['appId']}/log", auth=auth, headers={"Accept": "text/plain"})
        assert "epoch 1" in log.text
        result = requests.get(f"{url}/execs/{best['appId']}/result", auth=auth)
        about = result.headers["Content-Disposition"]
        size = int(about.split("size=")[1])
        name = about.split("filename=")[1].split(";")[0]
        assert (name, size) == (f"{best['appId']}.zip", len(result.content))
        inside = zipfile.ZipFile(io.BytesIO(result.content))
        values = json.loads(inside.read("val_dict_list.json"))
        assert min(one["loss"] for one in values) == best["metricVal"]

        assert session.delete(f"{url}/hypersearch/{made.json()}", auth=auth).status_code == 200
        assert session.get(f"{url}/hypersearch/{made.json()}", auth=auth).status_code == 404
        assert session.get(f"{url}/execs/{best['appId']}", auth=auth).json()["state"] == "FINISHED"


def test_a_newer_notebook_tunes_a_script_with_an_installed_algorithm(base: str) -> None:
    """It logs on for a token, sends the script under its own name, and reads an object."""
    login = requests.get(
        f"{base}/auth/v1/logon", auth=("ada", PASSWORD), json={"username": "ada", "password": PASSWORD}
    )
    headers = {"accept": "application/json", "X-Auth-Token": login.json()["accessToken"]}
    url = f"{base}/platform/rest/deeplearning/v1"
    plugin = io.BytesIO(a_tar(**{"optimizer.py": PLUGIN}))
    installed = requests.post(
        f"{url}/hypersearch/algorithm/install",
        headers=headers,
        files={
            "file": plugin,
            "data": (None, str({"name": "mine", "condaHome": "/opt/anaconda3", "remoteExec": False})),
        },
    )
    assert installed.ok, installed.text
    names = [one["name"] for one in requests.get(f"{url}/hypersearch/algorithm", headers=headers).json()]
    assert names == ["Random", "TPE", "Bayesian", "Hyperband", "ExperimentGridSearch", "mine"]
    task = a_task("mine", 3, ("random_seed", "2"))
    task["modelSpec"]["args"] = "--exec-start PyTorch --model-main WMLA_HPO.py --epochs 2"

    made = requests.post(
        f"{url}/hypersearch",
        headers=headers,
        data={"data": json.dumps(task)},
        files={"WMLA_HPO.py": ("WMLA_HPO.py", DIGITS)},
    )
    assert made.json()["href"] == f"/platform/rest/deeplearning/v1/hypersearch/{made.json()['uid']}", made.text
    in_use = requests.delete(f"{url}/hypersearch/algorithm/mine", headers=headers)
    record = polled(lambda: requests.get(f"{url}/hypersearch/{made.json()['uid']}", headers=headers).json())

    assert in_use.status_code == 409
    assert record["state"] == "FINISHED", why()
    rates = [float(one["fixedVal"]) for row in record["experiments"] for one in row["hyperParams"][:1]]
    assert len(rates) == 3
    assert all(
        abs(((rate - 0.001) / 0.002) % 1) % 1 < 1e-6 or abs(((rate - 0.001) / 0.002) % 1 - 1) < 1e-6 for rate in rates
    )
    assert requests.delete(f"{url}/hypersearch/algorithm/mine", headers=headers).status_code == 200


def test_a_command_line_tool_starts_a_training_and_fetches_its_results(base: str) -> None:
    """It asks for the configuration first, sends a token as Bearer, and writes addresses with a slash at the end."""
    login = requests.get(f"{base}/auth/v1/logon", auth=("ada", PASSWORD))
    headers = {"Authorization": f"Bearer {login.json()['accessToken']}"}
    url = f"{base}/platform/rest/deeplearning/v1"
    assert all(isinstance(value, str) for value in requests.get(f"{url}/conf", headers=headers).json().values())
    assert "PyTorch" in [one["name"] for one in requests.get(f"{url}/execs/frameworks", headers=headers).json()]
    script = "import os; print('working'); open(os.environ['RESULT_DIR'] + '/model.pt', 'w').write('weights')"

    started = requests.post(
        f"{url}/execs/?args=--exec-start+PyTorch%20--model-main%20train.py+--lr+0.1",
        headers=headers,
        files={"file": ("train.py", script)},
    )
    found = polled_exec(url, started.json()["id"], headers)
    log = requests.get(
        f"{url}/execs/{found['id']}/log?logType=outlog", headers={**headers, "Accept": "application/json"}
    )
    result = requests.get(f"{url}/execs/{found['id']}/result", headers=headers)
    last = requests.get(f"{url}/scheduler/applications/{found['id']}/driver/logs/stdout?lastlines=1", headers=headers)

    assert found["state"] == "FINISHED", found
    assert log.json() == "working\n"
    assert last.text == "working\n"
    assert zipfile.ZipFile(io.BytesIO(result.content)).read("model.pt") == b"weights"
    assert found["id"] in [one["id"] for one in requests.get(f"{url}/execs/", headers=headers).json()]
    assert requests.delete(f"{url}/execs/{found['id']}", headers=headers).ok
    assert requests.post(f"{base}/auth/v1/logoff", headers=headers).ok
    assert requests.get(f"{url}/execs", headers=headers).status_code == 401


def why() -> str:
    """The reasons of what has not gone well."""
    rows = [
        *Experiment.objects.values_list("name", "status", "reason", "driver", "troubles", "epoch"),
        *Trial.objects.values_list("number", "status", "reason"),
    ]
    return "\n".join(map(str, rows))


WAITING = """
import json, os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
json.dump([{"loss": 1.0}], open(os.environ["RESULT_DIR"] + "/val_dict_list.json", "w"))
"""


def test_a_task_is_stopped_at_once_and_goes_on_later(base: str, tmp_path: Path) -> None:
    """Its script does not listen to a polite stop."""
    url, auth = f"{base}/platform/rest/deeplearning/v1/hypersearch", ("ada", PASSWORD)
    task = a_task("Random", 2)
    task["modelSpec"]["args"] = f"--model-main wait.py {tmp_path / 'gate'}"
    name = requests.post(url, auth=auth, data={"data": str(task)}, files={"file": ("wait.py", WAITING)}).json()

    def look() -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{url}/{name}", auth=auth).json()
        return found

    until(lambda: look()["running"] == 2, what="both run")
    began = time.monotonic()
    assert requests.delete(f"{url}/{name}", auth=auth).status_code == 409
    assert requests.put(f"{url}/{name}/force", auth=auth, headers={"Accept": "*/*"}).ok
    stopped = polled(look)
    took = time.monotonic() - began
    (tmp_path / "gate").touch()
    assert requests.put(f"{url}/{name}/restart", auth=auth).ok
    record = polled(look)

    assert stopped["state"] == "STOPPED"
    assert {one["state"] for one in stopped["experiments"]} == {"STOPPED"}
    assert took < 14  # of the grace of a polite stop
    assert (record["state"], record["progress"]) == ("FINISHED", "2/2"), why()
    assert [one["hyperParams"] for one in record["experiments"]] == [
        one["hyperParams"] for one in stopped["experiments"]
    ]


def polled_exec(url: str, name: str, headers: dict[str, str]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        found: dict[str, Any] = requests.get(f"{url}/execs/{name}", headers=headers).json()
        if found["state"] not in ("PENDING_CRD_SCHEDULER", "SUBMITTED", "RUNNING"):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
