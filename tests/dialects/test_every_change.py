"""Whoever may change nothing changes nothing by the vendors' APIs, also with a request in which nothing is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.artifacts import remarks
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey
from tests.dialects.addresses import CHANGING, addresses
from tests.dialects.azureml.conftest import VERSION, a_base, a_trial
from tests.dialects.hyperdrive.conftest import a_scope
from tests.dialects.operations import contents
from tests.dialects.wmla.conftest import BASE, MODEL, a_document
from tests.tunebook.wire.test_azureml import today
from tests.tunebook.wire.test_hyperdrive import a_document as a_hyperdrive

pytestmark = pytest.mark.django_db
VENDORS = ("hyperdrive", "mlflow", "wmla", "azureml")
ARM = a_base("lab")
RUNS = f"/hyperdrive/v1.0/{a_scope('lab')}"
HISTORY = f"/azureml/history/v1.0{ARM}"
M = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts/{sweep}/{ended}/artifacts"
PLUGIN = {"name": "mine", "sigName": "lab"}
SWEEP = {"properties": today(inputs={}, trial=a_trial())}
ASSET = {"properties": {"isArchived": True}}

# View -> each of its methods that change something, with what is sent: an address, and a body as JSON or as a form.
Sent = tuple[str, Any]
CHANGES: dict[str, dict[str, Sent]] = {
    "hyperdrive.runs.Runs": {"post": (f"{RUNS}/runs", {"config": a_hyperdrive()})},
    "hyperdrive.runs.OneRun": {"post": (f"{RUNS}/runs/new", {"config": a_hyperdrive()})},
    "hyperdrive.runs.OneNamedRun": {"post": (f"{RUNS}/hdruns/new", {"config": a_hyperdrive()})},
    "hyperdrive.runs.CancelRun": {"post": (f"{RUNS}/runs/{{sweep}}/cancel", None)},
    "mlflow.runs.UpdateRun": {"post": (f"{M}/runs/update", {"run_id": "{ended}", "run_name": "new"})},
    "mlflow.runs.LeaveOut": {"post": (f"{M}/runs/delete", {"run_id": "{ended}"})},
    "mlflow.runs.TakeBack": {"post": (f"{M}/runs/restore", {"run_id": "{left_out}"})},
    "mlflow.records.SetTag": {"post": (f"{M}/runs/set-tag", {"run_id": "{ended}", "key": "a", "value": "b"})},
    "mlflow.records.LogBatch": {
        "post": (f"{M}/runs/log-batch", {"run_id": "{ended}", "tags": [{"key": "a", "value": "b"}]})
    },
    "mlflow.records.DeleteTag": {"post": (f"{M}/runs/delete-tag", {"run_id": "{ended}", "key": "there"})},
    "mlflow.logged_models.OneModel": {
        "patch": (f"{M}/logged-models/m-1", {"status": "LOGGED_MODEL_READY"}),
        "delete": (f"{M}/logged-models/m-1", None),
    },
    "mlflow.logged_models.ModelParams": {
        "post": (f"{M}/logged-models/m-1/params", {"params": [{"key": "a", "value": "b"}]})
    },
    "mlflow.logged_models.ModelTags": {
        "patch": (f"{M}/logged-models/m-1/tags", {"tags": [{"key": "a", "value": "b"}]})
    },
    "mlflow.logged_models.ModelTag": {"delete": (f"{M}/logged-models/m-1/tags/there", None)},
    "mlflow.files.ProxyFile": {"put": (f"{FILES}/new.txt", b"new"), "delete": (f"{FILES}/there.txt", None)},
    "wmla.algorithms.Install": {"post": (f"{BASE}/hypersearch/algorithm/install", {"data": PLUGIN, "file": "plugin"})},
    "wmla.algorithms.OneAlgorithm": {"delete": (f"{BASE}/hypersearch/algorithm/there", None)},
    "wmla.execs.Execs": {
        "post": (f"{BASE}/execs?sigName=lab&args=--model-main+main.py", {"file": "main"}),
        "delete": (f"{BASE}/execs", None),
    },
    "wmla.execs.OneExec": {"delete": (f"{BASE}/execs/{{ended_exec}}", None)},
    "wmla.execs.StopExec": {"post": (f"{BASE}/execs/{{running_exec}}/stop", None)},
    "wmla.tasks.Tasks": {
        "post": (f"{BASE}/hypersearch", {"data": a_document(), "file": "model"}),
        "delete": (f"{BASE}/hypersearch", None),
    },
    "wmla.tasks.OneTask": {
        "put": (f"{BASE}/hypersearch/running", None),
        "delete": (f"{BASE}/hypersearch/ended", None),
    },
    "wmla.tasks.ForceStop": {"put": (f"{BASE}/hypersearch/running/force", None)},
    "wmla.tasks.Restart": {"put": (f"{BASE}/hypersearch/ended/restart", None)},
    "azureml.jobs.OneJob": {"put": (f"{ARM}/jobs/new", SWEEP), "delete": (f"{ARM}/jobs/there", None)},
    "azureml.jobs.CancelJob": {"post": (f"{ARM}/jobs/there/cancel", None)},
    "azureml.history.OneRun": {"patch": (f"{HISTORY}/runs/there", {"displayName": "new"})},
    "azureml.containers.OneEnvironment": {"put": (f"{ARM}/environments/there", ASSET)},
    "azureml.data.OneDataContainer": {"put": (f"{ARM}/data/there", ASSET)},
    "azureml.assets.OneEnvironmentVersion": {
        "put": (f"{ARM}/environments/new/versions/1", {"properties": {"image": "x"}})
    },
    "azureml.assets.OneCodeVersion": {
        "put": (f"{ARM}/codes/new/versions/1", {"properties": {"codeUri": "https://x/uploads/none"}})
    },
    "azureml.assets.StartUpload": {"post": (f"{ARM}/codes/new/versions/1/startPendingUpload", {})},
    "azureml.data.OneDataVersion": {
        "put": (f"{ARM}/data/new/versions/1", {"properties": {"dataType": "uri_file", "dataUri": "https://x/y"}})
    },
}
NOT_BY_KEY = {
    "mlflow.runs.CreateRun",
    "mlflow.records.LogMetric",
    "mlflow.records.LogParameter",
    "mlflow.records.LogInputs",
    "mlflow.records.LogOutputs",
    "mlflow.records.LogModel",
    "mlflow.experiments.CreateExperiment",
    "mlflow.experiments.ChangeExperiment",
    "mlflow.logged_models.Models",
}
"""What a key of any role is refused: only trials do it, by a token that opens nothing else."""
CHANGE_NOTHING = {
    "mlflow.runs.SearchRuns",
    "mlflow.experiments.SearchExperiments",
    "mlflow.logged_models.SearchModels",
    "mlflow.files.NoMultipart",
    "azureml.history.RunData",
    "azureml.datastores.Secrets",
    "azureml.computes.OneCompute",
}
BY_SIGNATURE = {"azureml.storage.UploadContainer", "azureml.storage.JobFiles"}
OF_ONESELF = {"wmla.logon.LogOff"}
"""Ends the session that it comes with."""
IN_ONES_OWN = {"wmla.algorithms.Install", "wmla.execs.Execs", "wmla.tasks.Tasks"}
"""Somebody else makes with these what is their own, where they are at home; and deletes of their own what there is."""
CASES = [(view, method) for view, methods in CHANGES.items() for method in methods]


def views(vendor: str) -> Iterator[tuple[str, type]]:
    """The views of a vendor's addresses, with the names that the tables above have for them."""
    for _, view in addresses(vendor):
        yield f"{view.__module__.removeprefix('apps.dialects.')}.{view.__name__}", view


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_address_that_changes_something_is_tried_here(vendor: str) -> None:
    known = {(view, method) for view, methods in CHANGES.items() for method in methods}
    others = NOT_BY_KEY | CHANGE_NOTHING | BY_SIGNATURE | OF_ONESELF

    untried = {
        (name, method)
        for name, view in views(vendor)
        for method in CHANGING
        if hasattr(view, method) and name not in others and (name, method) not in known
    }

    assert untried == set()


def as_form(members: dict[str, Any]) -> dict[str, Any]:
    files = {
        "model": ("digits.modelDir.tar", MODEL),
        "main": ("main.py", b"print(1)\n"),
        "plugin": ("optimizer.py", b"pass\n"),
    }
    given: dict[str, Any] = {}
    for name, value in members.items():
        if name == "file":
            given[name] = SimpleUploadedFile(*files[value])
        elif name == "config":
            given[name] = SimpleUploadedFile("config.json", json.dumps(value).encode())
        else:
            given[name] = json.dumps(value)
    return given


def send(world: dict[str, str], token: str | None, view: str, method: str) -> Any:
    """Do what the table says, with what the world has for the names in braces."""
    path, body = CHANGES[view][method]
    for name, value in world.items():
        path = path.replace(f"{{{name}}}", value)
    client = Client(
        raise_request_exception=False, headers={"Authorization": f"Bearer {token}"} if token is not None else {}
    )
    if view.startswith("azureml"):
        path += f"?api-version={VERSION}"
    if isinstance(body, dict) and {"config", "file", "data"} & set(body):
        return client.post(path, as_form(body))
    text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    for name, value in world.items():
        text = text.replace(f"{{{name}}}".encode(), value.encode())
    return client.generic(method.upper(), path, text, content_type="application/json" if text else "")


@pytest.fixture
def world(
    make_experiment: Callable[..., Experiment], key_ada: IssuedKey, settings: Any, tmp_path: Any
) -> dict[str, str]:
    """Of everything that the table names one, made by ada."""
    settings.TUNEBOOK_DATA = str(tmp_path)
    cache.clear()
    client = Client(headers={"Authorization": f"Bearer {key_ada.token}"})

    def done(answer: Any) -> Any:
        assert answer.status_code in (200, 201), answer.content
        return answer

    sweep = make_experiment()
    trials = [
        Trial.objects.create(
            experiment=sweep,
            number=number,
            params={"x": 0.5},
            source="random",
            status="FINISHED",
            value=1.0,
            attempt_count=1,
            excluded=number == 1,
        )
        for number in range(2)
    ]
    Experiment.objects.filter(pk=sweep.pk).update(trial_count=2, finished_count=2)
    model = {
        "info": {"model_id": "m-1", "tags": [{"key": "there", "value": "x"}]},
        "data": {"params": [], "metrics": []},
    }
    remarks.write_all(trials[0], 1, {remarks.TAG: {"there": "x"}, remarks.MODEL: {"m-1": json.dumps(model)}})
    names = {"sweep": sweep.key, "ended": trials[0].key, "left_out": trials[1].key}
    done(client.put(f"{FILES}/there.txt".replace("{sweep}", sweep.key).replace("{ended}", trials[0].key), b"there"))
    asked = f"?api-version={VERSION}"
    done(client.put(f"{ARM}/jobs/there{asked}", SWEEP, content_type="application/json"))
    for kind, properties in (
        ("environments", {"image": "x"}),
        ("data", {"dataType": "uri_file", "dataUri": "https://x/y"}),
    ):
        address = f"{ARM}/{kind}/there/versions/1{asked}"
        done(client.put(address, {"properties": properties}, content_type="application/json"))
    done(client.post(f"{BASE}/hypersearch/algorithm/install", as_form({"data": {"name": "there"}, "file": "plugin"})))
    for name in ("running", "ended"):
        document = a_document(hpoName=name)
        done(client.post(f"{BASE}/hypersearch", as_form({"data": document, "file": "model"})))
        made = done(client.post(f"{BASE}/execs?sigName=lab&args=--model-main+main.py", as_form({"file": "main"})))
        names[f"{name}_exec"] = made.json()["id"]
    done(client.put(f"{BASE}/hypersearch/ended"))
    done(client.post(f"{BASE}/execs/{names['ended_exec']}/stop"))
    cache.clear()
    return names


@pytest.mark.parametrize(("view", "method"), CASES)
def test_only_who_may_change_something_changes_it(
    world: dict[str, str], strangers: dict[str, str | None], key_ada: IssuedKey, view: str, method: str
) -> None:
    before = contents()
    refusals = {401, 403, 404} | ({200} if view in IN_ONES_OWN and method == "delete" else set())
    if view in IN_ONES_OWN and method == "post":
        del strangers["an admin elsewhere"]

    answers = {who: send(world, token, view, method).status_code for who, token in strangers.items()}
    after = contents()
    done = send(world, key_ada.token, view, method)

    assert {who: status for who, status in answers.items() if status not in refusals} == {}
    assert after == before
    assert done.status_code < 300, done.content
    assert contents() != before
