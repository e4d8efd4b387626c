"""Algorithms: the built-in ones, and those that are installed, used and removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.artifacts.models import Snapshot
from apps.dialects.wmla import plugins
from apps.dialects.wmla.models import Algorithm
from apps.experiments.models import Experiment
from tests.dialects.wmla.conftest import TASKS, Wmla, a_document, a_tar
from tests.dialects.wmla.models import PLUGIN

pytestmark = pytest.mark.django_db
PLACE = f"{TASKS}/algorithm"
TAR = a_tar(**{"optimizer.py": PLUGIN, "helper.py": "", "._optimizer.py": "litter"})
BUILT_IN = ["Random", "TPE", "Bayesian", "Hyperband", "ExperimentGridSearch"]


def test_the_built_in_ones_are_listed_and_found_in_any_case(ada_there: Wmla) -> None:
    listed = ada_there.get(PLACE).json()

    assert [one["name"] for one in listed] == BUILT_IN
    assert listed[0] == {"name": "Random", "type": "BUILD_IN", "remoteExec": False}
    assert ada_there.get(f"{PLACE}/tpe").json()["name"] == "TPE"
    assert ada_there.get(PLACE, type="USER_PLUGIN").json() == []


def test_an_uploaded_algorithm_is_installed_used_and_removed(ada_there: Wmla) -> None:
    made = ada_there.install(
        repr({"name": "mine", "condaHome": "/opt/conda", "condaEnv": "dli", "logLevel": "debug"}), TAR
    )
    listed = ada_there.get(PLACE, type="USER_PLUGIN").json()
    submitted = ada_there.submit(a_document(algoDef__algorithm="mine", algoDef__algoParams=[{"name": "a", "value": 1}]))
    options = Experiment.objects.get().job["sampling"]["options"]
    folder = Path(options["arguments"]["folder"])
    laid = sorted(path.name for path in folder.iterdir())
    in_use = ada_there.delete(f"{PLACE}/mine")
    Experiment.objects.update(status="FINISHED")
    removed = ada_there.delete(f"{PLACE}/mine")

    assert made.status_code == 201, made.content
    assert listed == [made.json()]
    described = listed[0]
    assert (described["name"], described["type"], described["creator"]) == ("mine", "USER_PLUGIN", "ada")
    assert (described["condaHome"], described["logLevel"], described["remoteExec"]) == ("/opt/conda", "DEBUG", False)
    assert submitted.status_code == 201, submitted.content
    assert laid == ["helper.py", "optimizer.py"]
    assert options["arguments"]["algo_params"] == {"a": "1"}
    assert in_use.status_code == 409
    assert removed.status_code == 200
    assert not folder.exists()
    assert ada_there.get(f"{PLACE}/mine").status_code == 404


def test_the_files_of_an_algorithm_may_lie_in_one_folder(ada_there: Wmla) -> None:
    ada_there.install({"name": "mine"}, a_tar(**{"top/optimizer.py": PLUGIN, "top/x.py": ""}))

    found = plugins.ready(Algorithm.objects.get())

    assert (Path(found.folder) / "optimizer.py").is_file()


def test_a_folder_of_the_server_needs_an_administrators_leave(ada_there: Wmla, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "optimizer.py").write_text(PLUGIN)
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "mine")
    data = {"name": "mine", "path": str(tmp_path / "mine")}

    refused = ada_there.install(data)
    settings.TUNEBOOK_WMLA_PLUGIN_PATHS = (str(tmp_path / "allowed"),)
    outside = [
        ada_there.install({**data, "path": str(tmp_path / path)})
        for path in ("mine", "allowed/link", "allowed/../mine")
    ]
    missing = ada_there.install({**data, "path": str(tmp_path / "allowed")})
    settings.TUNEBOOK_WMLA_PLUGIN_PATHS = (str(tmp_path),)
    # one notebook sends `data` a second time, as a file of that name
    taken = ada_there.client.post(f"{PLACE}/install", {"data": [str(data), _File(str(data))]})

    assert refused.status_code == 403
    assert b"path: is not below a folder that this installation allows" in refused.content
    assert {one.status_code for one in outside} == {403}
    assert (missing.status_code, Algorithm.objects.count()) == (400, 1)
    assert taken.status_code == 201, taken.content
    assert taken.json()["path"] == str(tmp_path / "mine")


def _File(text: str) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("data", text.encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "name: is required"),
        ({"name": " "}, "name: must not be empty"),
        ({"name": 5}, "name: must be text"),
        ({"name": "a/b"}, "name: must be a printable text"),
        ({"name": "x" * 256}, "name: must be a printable text"),
        ({"name": "tpe"}, "name: 'tpe' is the name of a built-in algorithm"),
        ({"name": "install"}, "name: 'install' is the name"),
        ({"name": "a", "path": 5}, "path: must be text"),
        ({"name": "a", "condaHome": []}, "condaHome: must be text"),
        ({"name": "a", "condaEnv": "x" * 300}, "condaEnv: must be at most 255"),
        ({"name": "a", "remoteExec": "maybe"}, "remoteExec: must be true or false"),
        ({"name": "a", "logLevel": "LOUD"}, "logLevel: must be one of DEBUG, INFO"),
        ("[1]", "data: must be an object"),
        ("{'name': open('/etc/passwd')}", "data: neither JSON"),
    ],
)
def test_each_member_wrong_once_is_named_and_nothing_is_stored(ada_there: Wmla, data: Any, words: str) -> None:
    refused = ada_there.install(data, TAR)

    assert refused.status_code == 400
    assert words in refused.content.decode()
    assert not Algorithm.objects.exists()
    assert not Snapshot.objects.exists()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (None, "path: is required without an uploaded file"),
        (a_tar(**{"main.py": ""}), "file: must hold optimizer.py at its top"),
        (a_tar(**{"a/b/optimizer.py": ""}), "file: must hold optimizer.py at its top"),
        (a_tar(**{"../optimizer.py": ""}), "file: ../optimizer.py leads out"),
    ],
)
def test_useless_and_hostile_files_are_refused(ada_there: Wmla, file: bytes | None, words: str) -> None:
    refused = ada_there.install({"name": "mine"}, file)

    assert refused.status_code == 400
    assert words in refused.content.decode()
    assert not Algorithm.objects.exists()


def test_a_name_is_taken_once(ada_there: Wmla) -> None:
    assert ada_there.install({"name": "mine"}, TAR).status_code == 201

    again = ada_there.install({"name": "mine"}, TAR)

    assert again.content == b"Error 400: name: there is an algorithm 'mine' already; choose another name\n"


def test_a_built_in_one_cannot_be_removed(ada_there: Wmla) -> None:
    refused = ada_there.delete(f"{PLACE}/Tpe")

    assert (refused.status_code, refused.content) == (
        403,
        b"Error 403: algorithm Tpe is built in and cannot be removed.\n",
    )


def test_an_unknown_one_and_an_unknown_type_are_refused(ada_there: Wmla) -> None:
    assert ada_there.get(f"{PLACE}/nobody").status_code == 404
    assert ada_there.delete(f"{PLACE}/nobody").status_code == 404
    assert (
        ada_there.get(PLACE, type="MAGIC").content
        == b"Error 400: type: must be one of BUILD_IN, USER_PLUGIN, got 'MAGIC'\n"
    )
    refused = ada_there.submit(a_document(algoDef__algorithm="nobody"))
    assert refused.content.startswith(b"Error 400: algoDef.algorithm: must be one of Random, TPE, Bayesian")


def test_outsiders_see_none_and_viewers_install_none(ada_there: Wmla, ben_there: Wmla, cleo_there: Wmla) -> None:
    ada_there.install({"name": "mine"}, TAR)

    assert cleo_there.get(f"{PLACE}/mine").status_code == 404
    assert cleo_there.delete(f"{PLACE}/mine").status_code == 404
    assert cleo_there.submit(a_document(algoDef__algorithm="mine")).status_code == 400
    assert cleo_there.install({"name": "mine"}, TAR).status_code == 201
    assert ben_there.get(f"{PLACE}/mine").status_code == 200
    assert ben_there.delete(f"{PLACE}/mine").status_code == 403
    assert ben_there.install({"name": "other"}, TAR).status_code == 403
