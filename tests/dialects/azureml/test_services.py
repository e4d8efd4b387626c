"""The services around ARM: workspace, discovery, environments, code, uploads, run history, files."""

from __future__ import annotations

import re
import tracemalloc
import xml.etree.ElementTree as xml
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from apps.artifacts import artifacts
from apps.artifacts.models import Snapshot
from apps.dialects.azureml.models import Upload
from apps.experiments.models import Experiment
from apps.trials import logs
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey, Workspace
from tests.dialects.azureml.conftest import VERSION, Arm, a_trial
from tests.tunebook.wire.test_azureml import today

HISTORY = "/azureml/history/v1.0"


def local(url: str) -> str:
    """An address in an answer, without the server."""
    return re.sub(r"^https?://[^/]+", "", url)


def upload(arm: Arm, files: dict[str, bytes], name: str = "guid", folder: str = "src") -> str:
    """Upload files as the client does; the codeUri."""
    started = arm.call("POST", f"{arm.base}/codes/{name}/versions/1/startPendingUpload", {})
    place = started.body["blobReferenceForConsumption"]
    base, _, signature = local(place["credential"]["sasUri"]).partition("?")
    for path, content in files.items():
        address = f"{base}/{folder}/{path}?{signature}"
        assert Client().head(address).status_code == 404
        assert Client().put(address, content, headers={"x-ms-blob-type": "BlockBlob"}).status_code == 201
    return f"{place['blobUri']}/{folder}"


def put_code(arm: Arm, uri: str, name: str = "guid", sha256: str = "abc") -> Any:
    properties = {"codeUri": uri, "isAnonymous": True, "properties": {"hash_sha256": sha256, "hash_version": "1"}}
    return arm.call("PUT", f"{arm.base}/codes/{name}/versions/1", {"properties": properties})


@pytest.fixture
def sweep(ada_there: Arm) -> Experiment:
    ada_there.put("sweep")
    found = Experiment.objects.get()
    for number in range(2):
        Trial.objects.create(
            experiment=found,
            number=number,
            params={"lr": 0.05, "bs": 16},
            source="random",
            status="FINISHED",
            value=0.5 + number,
            ended=timezone.now(),
            attempt_count=1,
        )
    return found


def test_the_workspace_says_where_everything_is(ada_there: Arm) -> None:
    told = ada_there.call("GET", ada_there.base)

    assert (told.status, told.body["name"]) == (200, "lab")
    found = Client().get(local(told.properties["discoveryUrl"])).json()
    assert found["history"].endswith("/azureml") and found["api"].endswith("/azureml")
    assert told.properties["mlFlowTrackingUri"].startswith("http")


def test_the_one_cloud_is_told(db: None) -> None:
    [cloud] = Client().get("/metadata/endpoints?api-version=2019-05-01").json()

    assert (cloud["name"], cloud["resourceManager"]) == ("Tunebook", "http://testserver/")


def test_an_environment_is_kept_and_told(ada_there: Arm) -> None:
    path = f"{ada_there.base}/environments/CliV2AnonymousEnvironment/versions/0af"

    first = ada_there.call("PUT", path, {"properties": {"image": "python:3.11"}})
    second = ada_there.call("PUT", path, {"properties": {"image": "python:3.12"}})

    assert (first.status, second.status, second.properties["image"]) == (201, 200, "python:3.12")
    assert ada_there.call("GET", path).body["id"] == path
    assert ada_there.call("GET", path.replace("0af", "1")).status == 404


def test_the_latest_version_of_an_unknown_environment_is_one(ada_there: Arm) -> None:
    path = f"{ada_there.base}/environments/azureml%3Ae/versions"

    [told] = ada_there.call("GET", path, **{"$orderBy": "createdtime desc", "$top": "1"}).body["value"]

    assert told["id"].endswith("/environments/e/versions/1")


def test_uploaded_code_becomes_what_a_job_runs(ada_there: Arm) -> None:
    uri = upload(ada_there, {"train.py": b"print(1)\n", "parts/data.py": b"x = 1\n"})

    made = put_code(ada_there, uri)
    ada_there.put("sweep", today(trial=a_trial(codeId=made.body["id"]), inputs={}))

    snapshot = Snapshot.objects.get()
    assert made.status == 201
    assert [one["path"] for one in snapshot.files] == ["parts/data.py", "train.py"]
    assert Experiment.objects.get().job["command"]["code"] == snapshot.key
    assert not Upload.objects.exists()


def test_code_of_the_same_content_is_found_by_its_hash(ada_there: Arm) -> None:
    put_code(ada_there, upload(ada_there, {"train.py": b"1"}))

    def found(sha256: str) -> list[str]:
        query = {"hash": sha256, "hashVersion": "202208"}
        told = ada_there.call("GET", f"{ada_there.base}/codes/other/versions", **query)
        return [one["id"].rpartition("/codes/")[2] for one in told.body["value"]]

    assert found("abc") == ["guid/versions/1"]
    assert found("def") == []


def test_code_that_was_never_uploaded_can_be_named(ada_there: Arm) -> None:
    answer = ada_there.put("sweep", today(trial=a_trial(codeId="/subscriptions/s/codes/c/versions/1"), inputs={}))

    assert answer.status == 201
    assert Experiment.objects.get().job["command"]["code"] == ""


def test_a_large_file_comes_in_blocks(ada_there: Arm) -> None:
    started = ada_there.call("POST", f"{ada_there.base}/codes/guid/versions/1/startPendingUpload", {})
    place = started.body["blobReferenceForConsumption"]
    base, _, signature = local(place["credential"]["sasUri"]).partition("?")

    for block, content in (("b", b"two"), ("a", b"one ")):
        address = f"{base}/src/x.bin?comp=block&blockid={block}&{signature}"
        assert Client().put(address, content).status_code == 201
    listed = b"<BlockList><Latest>a</Latest><Latest>b</Latest></BlockList>"
    assert Client().put(f"{base}/src/x.bin?comp=blocklist&{signature}", listed).status_code == 201
    put_code(ada_there, f"{place['blobUri']}/src")

    [file] = Snapshot.objects.get().files
    assert (file["path"], file["size"]) == ("x.bin", 7)


@pytest.mark.parametrize(
    ("path", "query", "content", "status"),
    [
        ("src/a", "sig=wrong", b"x", 403),
        ("src/a", "", b"x", 403),
        ("../a", "{sig}", b"x", 400),
        ("src/a%00b", "{sig}", b"x", 400),
        ("src/a", "comp=tier&{sig}", b"x", 400),
        ("src/a", "comp=metadata&{sig}", b"", 404),
        ("src/a", "comp=blocklist&{sig}", b"<a><b>x</b></a>", 400),
        ("src/a", "comp=blocklist&{sig}", b"nonsense", 400),
        ("src/a", "comp=blocklist&{sig}", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 400),
    ],
)
def test_an_upload_that_is_wrong_is_refused(ada_there: Arm, path: str, query: str, content: bytes, status: int) -> None:
    started = ada_there.call("POST", f"{ada_there.base}/codes/guid/versions/1/startPendingUpload", {})
    base, _, signature = local(started.body["blobReferenceForConsumption"]["credential"]["sasUri"]).partition("?")

    answer = Client(raise_request_exception=False).put(f"{base}/{path}?{query.format(sig=signature)}", content)

    assert answer.status_code == status
    assert answer["x-ms-error-code"]


def test_an_upload_ends_with_the_key_that_began_it(ada_there: Arm, key_ada: IssuedKey) -> None:
    started = ada_there.call("POST", f"{ada_there.base}/codes/guid/versions/1/startPendingUpload", {})
    address = local(started.body["blobReferenceForConsumption"]["credential"]["sasUri"]).replace("?", "/a.py?")
    before = Client().put(address, b"x").status_code
    key_ada.row.revoked = timezone.now()
    key_ada.row.save()

    assert (before, Client().put(address, b"y").status_code) == (201, 403)


def test_a_signature_opens_only_what_it_was_given_for(ada_there: Arm) -> None:
    def started(name: str) -> tuple[str, str]:
        told = ada_there.call("POST", f"{ada_there.base}/codes/{name}/versions/1/startPendingUpload", {})
        base, _, signature = local(told.body["blobReferenceForConsumption"]["credential"]["sasUri"]).partition("?")
        return base, signature

    (one, first), (other, _) = started("one"), started("other")
    store = ada_there.call("POST", f"{ada_there.base}/datastores/workspaceblobstore/listSecrets").body["sasToken"]

    assert Client().put(f"{one}/a.py?{first}", b"x").status_code == 201
    assert Client().put(f"{other}/a.py?{first}", b"x").status_code == 403
    assert Client().put(f"{one}/a.py?{store}", b"x").status_code == 403
    assert Client().put(f"/azureml/storage.blob.tunebook/lab/LocalUpload/a/b?{first}", b"x").status_code == 403


def test_a_viewer_uploads_nothing(ben_there: Arm) -> None:
    assert ben_there.call("POST", f"{ben_there.base}/codes/a/versions/1/startPendingUpload", {}).status == 403
    assert ben_there.call("PUT", f"{ben_there.base}/codes/a/versions/1", {"properties": {}}).status == 403
    assert ben_there.call("PUT", f"{ben_there.base}/environments/a/versions/1", {"properties": {}}).status == 403


def test_run_history_tells_a_sweep_and_its_trials(ada_there: Arm, sweep: Experiment) -> None:
    runs = f"{HISTORY}{ada_there.base}/runs"

    run = ada_there.call("GET", f"{runs}/sweep", version=None)
    children = ada_there.call("GET", f"{runs}/sweep/children", version=None)
    child = ada_there.call("GET", f"{runs}/sweep_1", version=None)

    assert (run.body["runId"], run.body["status"], run.body["experimentId"]) == ("sweep", "Queued", "vision")
    assert [(one["runId"], one["status"]) for one in children.body["value"]] == [
        ("sweep_0", "Completed"),
        ("sweep_1", "Completed"),
    ]
    assert (child.body["parentRunId"], child.body["properties"]) == ("sweep", {"acc": "1.5"})
    assert ada_there.call("GET", f"{runs}/nothing", version=None).status == 404


def test_one_trial_of_a_sweep_is_cancelled(ada_there: Arm, ben_there: Arm, sweep: Experiment) -> None:
    Trial.objects.filter(number=1).update(status="RUNNING", ended=None)

    refused = ben_there.cancel("sweep_1")
    answers = [ada_there.cancel(name).status for name in ("sweep_1", "sweep_1", "sweep_0")]

    assert (refused.status, answers) == (403, [200, 200, 200])
    assert list(Trial.objects.order_by("number").values_list("status", "desired")) == [
        ("FINISHED", "run"),
        ("RUNNING", "stop"),
    ]
    assert ada_there.get("sweep_1").properties["status"] == "CancelRequested"
    assert ada_there.get("sweep").properties["status"] == "Queued"
    assert ada_there.cancel("sweep_2").status == 404


def test_a_trial_is_not_put_deleted_or_renamed_as_if_it_were_a_job(ada_there: Arm, sweep: Experiment) -> None:
    run = f"{HISTORY}{ada_there.base}/runs/sweep_1"
    answers = [
        ada_there.put("sweep_1"),
        ada_there.delete("sweep_1"),
        ada_there.call("PATCH", run, {"displayName": "mine"}, version=None),
    ]

    assert [(one.status, one.error["code"]) for one in answers] == [(409, "Conflict")] * 3
    assert all("is a trial of sweep" in one.error["message"] for one in answers)
    assert Experiment.objects.count() == 1
    assert ada_there.call("GET", f"{run}/children", version=None).body["value"] == []


def test_the_log_of_a_sweep_has_a_line_for_each_trial(ada_there: Arm, sweep: Experiment) -> None:
    details = ada_there.call("GET", f"{HISTORY}{ada_there.base}/runs/sweep/details", version=None)
    [(name, address)] = details.body["logFiles"].items()

    text = Client().get(local(address)).content.decode()

    assert name == "user_logs/std_log.txt"
    assert [line.split(" ", 1)[1] for line in text.splitlines()] == [
        'trial 0 Completed acc=0.5 {"bs": 16, "lr": 0.05}',
        'trial 1 Completed acc=1.5 {"bs": 16, "lr": 0.05}',
    ]


def test_the_log_of_a_trial_is_what_it_wrote(ada_there: Arm, sweep: Experiment) -> None:
    folder = logs.attempt_folder(sweep.key, 0, 1)
    folder.mkdir(parents=True)
    (folder / "out.log").write_text("epoch 1\nepoch 2\n")

    details = ada_there.call("GET", f"{HISTORY}{ada_there.base}/runs/sweep_0/details", version=None)
    text = Client().get(local(details.body["logFiles"]["user_logs/std_log.txt"])).content

    assert text == b"epoch 1\nepoch 2\n"


def test_the_log_of_a_trial_that_has_ended_shows_its_errors_too(ada_there: Arm, sweep: Experiment) -> None:
    folder = logs.attempt_folder(sweep.key, 0, 1)
    folder.mkdir(parents=True)
    (folder / "out.log").write_text("epoch 1\n")
    (folder / "err.log").write_text("ValueError: no\n")
    details = ada_there.call("GET", f"{HISTORY}{ada_there.base}/runs/sweep_0/details", version=None)
    address = local(details.body["logFiles"]["user_logs/std_log.txt"])

    Trial.objects.filter(number=0).update(status="RUNNING")
    meanwhile = Client().get(address).content
    Trial.objects.filter(number=0).update(status="FAILED")
    afterwards = Client().get(address).content

    assert (meanwhile, afterwards) == (b"epoch 1\n", b"epoch 1\nValueError: no\n")


def test_an_address_opens_nothing_once_its_key_is_revoked(
    ada_there: Arm, sweep: Experiment, key_ada: IssuedKey
) -> None:
    details = ada_there.call("GET", f"{HISTORY}{ada_there.base}/runs/sweep/details", version=None)
    [address] = details.body["logFiles"].values()
    before = Client().get(local(address)).status_code
    key_ada.row.revoked = timezone.now()
    key_ada.row.save()

    assert (before, Client().get(local(address)).status_code) == (200, 403)


def test_an_address_of_a_log_opens_nothing_once_its_holder_has_left(
    ada_there: Arm, sweep: Experiment, workspace: Workspace
) -> None:
    details = ada_there.call("GET", f"{HISTORY}{ada_there.base}/runs/sweep/details", version=None)
    [address] = details.body["logFiles"].values()
    workspace.members.all().delete()

    assert Client().get(local(address)).status_code == 403
    assert Client().get("/azureml/logs/nonsense").status_code == 403
    assert Client().get(f"/azureml/logs/{signing.dumps([1], salt='other')}").status_code == 403


def test_names_tags_and_hiding_are_changed_through_run_history(ada_there: Arm, sweep: Experiment) -> None:
    path = f"{HISTORY}{ada_there.base}/experiments/vision/runs/sweep"

    changes = {"displayName": "New", "tags": {"a": "1"}, "properties": {"p": "q"}, "hidden": True}
    answer = ada_there.call("PATCH", path, changes, version=None)

    told = ada_there.get("sweep").properties
    assert answer.status == 200
    assert (told["displayName"], told["tags"], told["isArchived"]) == ("New", {"team": "vision", "a": "1"}, True)
    assert told["properties"] == {"p": "q"}


@pytest.mark.parametrize("body", [{"tags": {"a": 1}}, {"tags": []}, {"hidden": "yes"}, {"displayName": 3}])
def test_what_run_history_cannot_keep_is_400(ada_there: Arm, sweep: Experiment, body: dict[str, Any]) -> None:
    path = f"{HISTORY}{ada_there.base}/experiments/vision/runs/sweep"

    answer = ada_there.call("PATCH", path, body, version=None)

    assert (answer.status, answer.error["target"].partition(".")[0]) == (400, next(iter(body)))


def test_a_viewer_changes_nothing_through_run_history(ada_there: Arm, ben_there: Arm, sweep: Experiment) -> None:
    path = f"{HISTORY}{ada_there.base}/experiments/vision/runs/sweep"

    assert ben_there.call("PATCH", path, {"hidden": True}, version=None).status == 403


@pytest.fixture
def files(ada_there: Arm, sweep: Experiment) -> Callable[[str, str], Any]:
    """Asks the storage as the client does, with the signature that the datastore gives."""
    trial = Trial.objects.get(experiment=sweep, number=1)
    artifacts.add(sweep, trial, "outputs/model/weights.txt", b"0123456789")
    folder = logs.attempt_folder(sweep.key, 1, 1)
    folder.mkdir(parents=True)
    (folder / "out.log").write_text("hello\n")
    store = ada_there.call("GET", f"{ada_there.base}/datastores/workspaceartifactstore")
    secret = ada_there.call("POST", f"{ada_there.base}/datastores/workspaceartifactstore/listSecrets")
    account = local(f"http://{store.properties['accountName']}.blob.tunebook")
    base = f"{account}/{store.properties['containerName']}"

    def ask(path: str, query: str = "", **headers: str) -> Any:
        return Client().get(f"{base}/{path}?{query}&{secret.body['sasToken']}", headers=headers)

    return ask


def test_the_files_of_a_trial_are_listed_and_read(files: Callable[..., Any]) -> None:
    listing = files("", "restype=container&comp=list&prefix=ExperimentRun/dcid.sweep_1/")

    names = [one.text for one in xml.fromstring(listing.content).iter("Name")]
    base = "ExperimentRun/dcid.sweep_1"
    assert names == [f"{base}/user_logs/std_log.txt", f"{base}/outputs/model/weights.txt"]
    assert b"".join(files(names[0])) == b"hello\n"
    part = files(names[1], **{"x-ms-range": "bytes=2-4"})
    assert (part.status_code, b"".join(part), part["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert (part["Content-Length"], part["Content-Disposition"]) == ("3", "attachment")
    assert b"".join(files("azureml/sweep_1/model/weights.txt")) == b"0123456789"
    assert files("azureml/sweep_1/model/other").status_code == 404
    assert files("azureml/nothing/model/weights.txt").status_code == 404


def test_a_part_of_a_large_file_takes_little_memory(files: Callable[..., Any]) -> None:
    folder = logs.attempt_folder(Experiment.objects.get().key, 1, 1)
    size = 64 << 20
    with open(folder / "out.log", "wb") as log:
        log.truncate(size)
    address = "ExperimentRun/dcid.sweep_1/user_logs/std_log.txt"

    tracemalloc.start()
    found = sum(map(len, files(address, Range="bytes=1-", **{"Accept-Encoding": "gzip"})))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == size - 1
    assert peak < size // 4


def test_the_storage_stays_shut_without_its_signature(ada_there: Arm, files: Callable[..., Any]) -> None:
    for query in ("", "sig=", "sig=nonsense"):
        answer = Client().get(f"/azureml/storage.blob.tunebook/lab/azureml/sweep_1/model/weights.txt?{query}")
        assert answer.status_code == 403


def test_a_workspaces_signature_opens_no_other(files: Callable[..., Any], key_cleo: IssuedKey) -> None:
    cleo = Arm(key_cleo.token, "elsewhere")
    secret = cleo.call("POST", f"{cleo.base}/datastores/workspaceblobstore/listSecrets").body["sasToken"]

    answer = Client().get(f"/azureml/storage.blob.tunebook/lab/azureml/sweep_1/model/weights.txt?{secret}")

    assert answer.status_code == 403


def test_a_log_that_is_a_link_is_not_followed(files: Callable[..., Any], sweep: Experiment, tmp_path: Path) -> None:
    folder = logs.attempt_folder(sweep.key, 1, 1)
    (tmp_path / "secret").write_text("secret")
    (folder / "err.log").symlink_to(tmp_path / "secret")

    assert files("ExperimentRun/dcid.sweep_1/user_logs/std_err.txt").status_code == 404


def test_what_is_not_there_is_404_in_the_envelope(ada_there: Arm, cleo_there: Arm) -> None:
    for path in ("/azureml", "/azureml/nothing", f"{ada_there.base}/datastores/x", f"{ada_there.base}/jobs/x/y"):
        assert ada_there.call("GET", path).error["code"] == "ResourceNotFound"
    assert cleo_there.call("GET", cleo_there.base).status == 404
    assert ada_there.call("GET", ada_there.base, version=None).status == 400
    assert ada_there.call("GET", ada_there.base, version=VERSION).status == 200
