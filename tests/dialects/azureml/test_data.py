"""Data that jobs read: local files that a client uploads, and data assets by name and version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.artifacts import places, snapshots
from apps.artifacts.models import Snapshot
from apps.dialects.azureml import inputs
from apps.dialects.azureml.models import DataVersion, JobInput, Upload
from apps.experiments.models import Experiment
from apps.workspaces.models import Workspace
from tests.dialects.azureml.conftest import Answer, Arm, a_trial
from tests.tunebook.wire.test_azureml import today

FOLDER = "LocalUpload/0a1b2c"
STORE = "azureml://datastores/workspaceblobstore/paths"


def address(arm: Arm, path: str) -> str:
    """Where the client puts a file: what the default datastore and its secrets tell it."""
    told = arm.call("GET", f"{arm.base}/datastores/workspaceblobstore").properties
    secrets = arm.call("POST", f"{arm.base}/datastores/workspaceblobstore/listSecrets").body
    return f"/azureml/storage.blob.{told['endpoint']}/{told['containerName']}/{path}?{secrets['sasToken']}"


def upload(arm: Arm, path: str, content: bytes = b"x,y\n1,2\n") -> int:
    where = address(arm, f"{FOLDER}/{path}")
    return Client().put(where, content, headers={"x-ms-blob-type": "BlockBlob"}).status_code


def put(arm: Arm, uri: str, kind: str = "uri_folder", name: str = "sweep") -> Answer:
    inputs = {"data": {"jobInputType": kind, "uri": uri}}
    return arm.put(name, today(inputs=inputs, trial=a_trial(command="train ${{inputs.data}} ${{search_space.lr}}")))


def register(arm: Arm, version: str = "1", **properties: Any) -> Answer:
    given = {"dataType": "uri_folder", "dataUri": f"{STORE}/{FOLDER}/data", **properties}
    return arm.call("PUT", f"{arm.base}/data/iris/versions/{version}", {"properties": given})


def path_in(experiment: Experiment) -> Path:
    """What the command of a job names as its data."""
    found = re.search(r"train (\S+)", experiment.job["command"]["steps"][-1])
    assert found is not None
    return Path(found[1])


def test_an_uploaded_folder_is_read_in_place(ada_there: Arm) -> None:
    assert [upload(ada_there, path) for path in ("data/a.csv", "data/sub/b.csv")] == [201, 201]

    answer = put(ada_there, f"{STORE}/{FOLDER}/data/")

    folder = path_in(Experiment.objects.get())
    assert answer.status == 201
    assert sorted(str(one.relative_to(folder)) for one in folder.rglob("*.csv")) == ["a.csv", "sub/b.csv"]
    assert answer.properties["inputs"]["data"]["uri"] == f"{STORE}/{FOLDER}/data/"  # as it was sent


def test_files_that_come_into_a_new_folder_at_once_lie_together(
    ada_there: Arm, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = inputs.upload_of
    new = [known(Workspace.objects.get(slug="lab"), f"{FOLDER}/data/{name}") for name in ("a.csv", "b.csv")]
    monkeypatch.setattr(inputs, "upload_of", lambda workspace, path: new.pop(0))  # neither sees the other's
    upload(ada_there, "data/a.csv")
    upload(ada_there, "data/b.csv")
    monkeypatch.setattr(inputs, "upload_of", known)

    put(ada_there, f"{STORE}/{FOLDER}/data")

    assert sorted(one.name for one in path_in(Experiment.objects.get()).iterdir()) == ["a.csv", "b.csv"]


def test_an_uploaded_file_is_a_file(ada_there: Arm) -> None:
    upload(ada_there, "a.csv", b"only this")
    upload(ada_there, "other.csv")

    put(ada_there, f"{STORE}/{FOLDER}/a.csv", "uri_file")

    path = path_in(Experiment.objects.get())
    assert (path.name, path.read_bytes()) == ("a.csv", b"only this")
    assert [one.name for one in path.parent.iterdir()] == ["a.csv"]


def test_data_that_trials_share_cannot_be_written_to(ada_there: Arm) -> None:
    upload(ada_there, "data/a.csv")
    put(ada_there, f"{STORE}/{FOLDER}/data")

    assert (path_in(Experiment.objects.get()) / "a.csv").stat().st_mode & 0o222 == 0


def test_the_client_sees_what_it_has_uploaded_already(ada_there: Arm) -> None:
    where = address(ada_there, f"{FOLDER}/a.csv")
    before = Client().head(where).status_code
    upload(ada_there, "a.csv")
    told = Client().put(f"{where}&comp=metadata", headers={"x-ms-meta-upload_status": "completed"})

    after = Client().head(where)

    assert (before, told.status_code, after.status_code) == (404, 200, 200)
    assert after["x-ms-meta-upload_status"] == "completed"


@pytest.mark.parametrize("path", ["ExperimentRun/dcid.sweep/outputs/x", "LocalUpload/x", "x", "LocalUpload/a/../b"])
def test_nothing_else_of_the_datastore_can_be_written(ada_there: Arm, path: str) -> None:
    answer = Client().put(address(ada_there, path), b"x")

    assert answer.status_code in (400, 403)
    assert Upload.objects.count() == 0


def test_a_viewer_uploads_no_data(ben_there: Arm) -> None:
    assert upload(ben_there, "a.csv") == 403
    assert Upload.objects.count() == 0


def test_a_data_asset_is_kept_by_name_and_version(ada_there: Arm) -> None:
    upload(ada_there, "data/a.csv")

    made, again = register(ada_there, description="first"), register(ada_there, description="second")

    assert (made.status, again.status, again.properties["description"]) == (201, 200, "second")
    assert ada_there.call("GET", f"{ada_there.base}/data/iris/versions/1").properties["dataType"] == "uri_folder"
    container = ada_there.call("GET", f"{ada_there.base}/data/iris").properties
    assert (container["latestVersion"], container["nextVersion"]) == ("1", "2")
    assert [one["name"] for one in ada_there.call("GET", f"{ada_there.base}/data").body["value"]] == ["iris"]
    assert [one["name"] for one in ada_there.call("GET", f"{ada_there.base}/data/iris/versions").body["value"]] == ["1"]


def test_an_archived_version_is_listed_when_asked_for(ada_there: Arm) -> None:
    upload(ada_there, "data/a.csv")
    register(ada_there)
    register(ada_there, isArchived=True)

    def listed(**query: str) -> int:
        return len(ada_there.call("GET", f"{ada_there.base}/data/iris/versions", **query).body["value"])

    assert (listed(), listed(listViewType="All"), listed(listViewType="ArchivedOnly")) == (0, 1, 1)


def test_an_asset_is_archived_and_brought_back_as_a_whole(ada_there: Arm) -> None:
    register(ada_there, dataUri="https://example.org/iris.csv", dataType="uri_file")
    path = f"{ada_there.base}/data"
    known = ada_there.call("GET", f"{path}/iris").body
    known["properties"]["isArchived"] = True

    archived = ada_there.call("PUT", f"{path}/iris", known)

    def listed(**query: str) -> list[bool]:
        return [one["properties"]["isArchived"] for one in ada_there.call("GET", path, **query).body["value"]]

    assert (archived.status, ada_there.call("GET", f"{path}/iris").body) == (200, archived.body)
    assert (listed(), listed(listViewType="ArchivedOnly"), listed(listViewType="All")) == ([], [True], [True])
    assert ada_there.call("GET", f"{path}/iris/versions").body["value"] == []
    known["properties"]["isArchived"] = False
    assert ada_there.call("PUT", f"{path}/iris", known).status == 200
    assert (listed(), listed(listViewType="ArchivedOnly")) == ([False], [])
    assert ada_there.call("GET", f"{path}/iris").properties["dataType"] == "uri_file"


@pytest.mark.parametrize("named", ["azureml:iris:1", "azureml:iris@latest", "ARM", "azureml:azureml:iris"])
def test_a_job_reads_a_data_asset_by_its_name(ada_there: Arm, named: str) -> None:
    upload(ada_there, "data/a.csv")
    register(ada_there)
    Upload.objects.all().delete()  # as after a day
    whole = {"ARM": f"{ada_there.base}/data/iris/versions/1"}
    uri = whole.get(named, f"{ada_there.base}/data/azureml:iris/versions/1" if named.count(":") == 2 else named)

    answer = put(ada_there, uri)

    assert answer.status == 201
    assert (path_in(Experiment.objects.get()) / "a.csv").is_file()


def test_a_data_asset_elsewhere_is_handed_on(ada_there: Arm) -> None:
    register(ada_there, dataUri="https://example.org/iris.csv", dataType="uri_file")

    put(ada_there, "azureml:iris:1", "uri_file")

    assert "https://example.org/iris.csv" in Experiment.objects.get().job["command"]["steps"][-1]


def test_where_a_version_lies_never_changes(ada_there: Arm) -> None:
    register(ada_there, dataUri="https://example.org/1")

    answer = register(ada_there, dataUri="https://example.org/2")

    assert answer.status == 409
    assert DataVersion.objects.get().properties["dataUri"] == "https://example.org/1"


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"dataUri": ""}, "properties.dataUri"),
        ({"dataUri": 7}, "properties.dataUri"),
        ({"dataType": "table"}, "properties.dataType"),
        ({"dataUri": f"{STORE}/{FOLDER}/never"}, "properties.dataUri"),
        ({"dataUri": f"{STORE}/elsewhere/x"}, "properties.dataUri"),
    ],
)
def test_a_data_asset_that_is_wrong_is_400(ada_there: Arm, properties: dict[str, Any], field: str) -> None:
    answer = register(ada_there, **properties)

    assert (answer.status, answer.error["target"]) == (400, field)
    assert DataVersion.objects.count() == 0


@pytest.mark.parametrize(
    "uri",
    [
        "azureml:nothing:1",
        "azureml:iris",
        "azureml://registries/public/data/x/versions/1",
        "azureml://datastores/other/paths/x",
        f"{STORE}/{FOLDER}/data",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/other/data/x/versions/1",
        "azureml://subscriptions/s/resourcegroups/g/workspaces/other/datastores/workspaceblobstore/paths/LocalUpload/a/b",
    ],
)
def test_data_that_is_not_here_is_said_before_anything_is_stored(ada_there: Arm, uri: str) -> None:
    answer = put(ada_there, uri)

    assert (answer.status, answer.error["target"]) == (400, "properties.inputs.data.uri")
    assert Experiment.objects.count() == 0


def test_an_upload_whose_bytes_are_gone_is_to_be_sent_again(ada_there: Arm) -> None:
    upload(ada_there, "data/a.csv")
    where = address(ada_there, f"{FOLDER}/data/a.csv")
    [file] = Upload.objects.get().files.all()
    places.place().remove(file.sha256)

    assert Client().head(where).status_code == 404
    assert put(ada_there, f"{STORE}/{FOLDER}/data").status == 400


def test_what_a_job_reads_stays_until_the_job_goes(ada_there: Arm) -> None:
    upload(ada_there, "data/a.csv")
    put(ada_there, f"{STORE}/{FOLDER}/data")
    found = Experiment.objects.get()
    folder = path_in(found)
    Snapshot.objects.update(touched="2020-01-01T00:00Z")

    snapshots.collect()
    kept = folder.is_dir()
    JobInput.objects.filter(experiment=found).delete()
    Snapshot.objects.update(touched="2020-01-01T00:00Z")
    snapshots.collect()

    assert kept
    assert not folder.exists()


def test_strangers_see_no_data(ada_there: Arm, cleo_there: Arm) -> None:
    register(ada_there, dataUri="https://example.org/1")

    for path in ("data", "data/iris", "data/iris/versions", "data/iris/versions/1"):
        assert cleo_there.call("GET", f"{ada_there.base}/{path}").status == 404


def test_names_that_no_database_keeps_are_refused(ada_there: Arm) -> None:
    path, _, secret = address(ada_there, f"{FOLDER}/a.csv").partition("?")
    container = path.removesuffix(f"/{FOLDER}/a.csv")
    answers = [
        Client().put(f"{path}%00?{secret}", b"x"),
        Client().put(f"{path}%2500?{secret}", b"x"),
        Client().put(f"{path}?comp=block&blockid=%00&{secret}", b"x"),
        Client().get(f"{container}/azureml/a%00/b?{secret}"),
        Client().get(f"{container}?comp=list&prefix=azureml/a%00/b&{secret}"),
    ]

    assert [(one.status_code, one["x-ms-error-code"]) for one in answers] == [(400, "InvalidUri")] * 5
    assert not Upload.objects.exists()
