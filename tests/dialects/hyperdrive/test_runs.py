"""HyperDrive runs: created from a multipart config, cancelled, refused in HyperDrive's envelope."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.test.client import encode_multipart

from apps.artifacts.models import Snapshot
from apps.experiments.models import Experiment
from apps.workspaces.models import IssuedKey, Workspace
from tests.dialects.hyperdrive.conftest import HyperDrive, a_scope
from tests.tunebook.wire.test_hyperdrive import a_document, a_generator
from tunebook.job import Job
from tunebook.wire import hyperdrive


def files_of(experiment: Experiment) -> list[str]:
    """The paths of the code that its trials get."""
    return [one["path"] for one in Snapshot.objects.get(key=experiment.job["command"]["code"]).files]


@pytest.mark.parametrize("escaped", [False, True])
def test_a_run_is_created_whichever_way_the_scope_is_escaped(ada_there: HyperDrive, escaped: bool) -> None:
    answer = ada_there.create(a_document(), escaped=escaped)

    assert answer.status == 201
    result = answer.body["result"]
    assert (answer.body["code"], result["name"], result["status"]) == (201, "digits", "Queued")
    experiment = Experiment.objects.get(key=result["hyperdrive_run_id"])
    assert result["platform_config"]["ParentRunId"] == experiment.key
    assert (experiment.dialect, json.loads(experiment.submitted)) == ("hyperdrive", a_document())
    assert Job.from_dict(experiment.job) == hyperdrive.load(a_document())
    assert [(tag.key, tag.value) for tag in experiment.tags.all()] == [("experiment", "vision")]


def test_every_required_member_of_the_answer_is_there(ada_there: HyperDrive) -> None:
    result = ada_there.create(a_document()).body["result"]

    for name in ("all_jobs_generated", "cancellation_requested"):
        assert result[name] is False
    for name in ("created", "modified", "experiment_id", "hyperdrive_run_id", "status"):
        assert isinstance(result[name], str) and result[name]
    assert isinstance(result["created_by_user_id"], int)
    assert "user" not in result
    assert result["experiment_uri"].endswith(f"/e/{result['hyperdrive_run_id']}/")


def test_words_of_the_address_are_compared_without_case(ada_there: HyperDrive, workspace: Workspace) -> None:
    scope = a_scope(workspace.slug.upper()).replace("resourceGroups", "RESOURCEGROUPS").replace("Micro", "micro")

    assert ada_there.create(a_document(), scope=scope).status == 201


def test_a_config_may_be_a_plain_field(ada_there: HyperDrive) -> None:
    assert ada_there.post("runs", {"config": json.dumps(a_document())}).status == 201


def test_scripts_come_from_the_folder_of_their_experiment(ada_there: HyperDrive, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "vision").mkdir()
    (tmp_path / "vision" / "train.py").write_text("print('vision')")
    (tmp_path / "other.py").write_text("print('other')")
    settings.TUNEBOOK_SOURCES = str(tmp_path)

    ada_there.create(a_document())
    ada_there.create(a_document(), scope=ada_there.scope.replace("vision", "other"))
    ada_there.create(a_document(), scope=ada_there.scope.replace("vision", ".."))
    ada_there.create(a_document(), scope=ada_there.scope.replace("vision", "é" * 128))  # too long for a folder

    own, *whole = [files_of(row) for row in Experiment.objects.order_by("pk")]
    assert own == ["train.py"]
    assert whole == [["other.py", "vision/train.py"]] * 3


@pytest.mark.parametrize("experiment", ["x" * 129, "x" * 3000, "a\nb", "acs:a"])
def test_an_experiment_that_cannot_be_a_tag_is_refused_by_its_name(
    ada_there: HyperDrive, settings: Any, tmp_path: Path, experiment: str
) -> None:
    settings.TUNEBOOK_SOURCES = str(tmp_path)

    answer = ada_there.create(a_document(), scope=ada_there.scope.replace("vision", quote(experiment)))

    assert (answer.status, Experiment.objects.count()) == (400, 0)
    assert answer.body["message"].startswith("experiment: ")


def test_a_run_keeps_the_scripts_as_they_were_when_it_came(
    ada_there: HyperDrive, settings: Any, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    settings.TUNEBOOK_SOURCES = str(tmp_path)
    script.write_text("print('first')")
    ada_there.create(a_document())

    script.write_text("print('second')")
    ada_there.create(a_document())

    first, second = [row.job["command"]["code"] for row in Experiment.objects.order_by("pk")]
    assert first != second


def test_a_folder_of_sources_that_is_not_there_is_said(ada_there: HyperDrive, settings: Any, tmp_path: Path) -> None:
    settings.TUNEBOOK_SOURCES = str(tmp_path / "nowhere")

    answer = ada_there.create(a_document())

    assert (answer.status, Experiment.objects.count()) == (400, 0)
    assert "folder of sources" in answer.body["message"]


@pytest.mark.parametrize("escaped", [False, True])
def test_a_run_is_cancelled_once_and_again(ada_there: HyperDrive, escaped: bool) -> None:
    run = ada_there.create(a_document()).body["result"]["hyperdrive_run_id"]

    first, second = ada_there.cancel(run, escaped=escaped), ada_there.cancel(run, escaped=escaped)

    assert first.body == second.body == {"code": 200, "result": f"Cancellation requested for {run}"}
    assert (first.status, second.status) == (200, 200)
    assert Experiment.objects.get(key=run).status == "USER_CANCELED"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": None}, "name"),
        ({"max_total_jobs": 1001}, "max_total_jobs"),
        ({"generator_config": a_generator("GRID")}, "generator_config.parameter_space.lr"),
        ({"generator_config": a_generator(lr=["uniform", [1, 0]])}, "generator_config.parameter_space.lr.1.1"),
        ({"policy_config": {"name": "Bandit"}}, "policy_config.properties.slack_factor"),
        ({"primary_metric_config": {"name": "a", "goal": "up"}}, "primary_metric_config.goal"),
    ],
)
def test_what_is_wrong_is_400_and_nothing_is_stored(ada_there: HyperDrive, changes: Any, path: str) -> None:
    answer = ada_there.create(a_document(**changes))

    assert (answer.status, answer.body["code"]) == (400, 400)
    assert answer.body["message"].startswith(f"{path}: ")
    assert set(answer.body) == {"code", "message"}
    assert not Experiment.objects.exists()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe", b'{"name": NaN}'])
def test_a_config_that_is_no_object_is_400(ada_there: HyperDrive, text: bytes) -> None:
    answer = ada_there.create(text)

    assert (answer.status, set(answer.body)) == (400, {"code", "message"})


def test_a_form_without_config_is_400(ada_there: HyperDrive) -> None:
    answer = ada_there.post("runs", {"other": "x"})

    assert (answer.status, answer.body["message"]) == (400, "config: the form needs a part of this name")


def test_a_broken_form_is_400(ada_there: HyperDrive) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        assert ada_there.post("runs", b"nonsense", content_type=kind).status == 400


def test_a_body_that_is_no_form_is_415(ada_there: HyperDrive) -> None:
    answer = ada_there.post("runs", json.dumps(a_document()), content_type="application/json")

    assert (answer.status, answer.body["code"]) == (415, 415)


def test_too_large_a_form_is_413(ada_there: HyperDrive) -> None:
    assert ada_there.create(a_document(filler="x" * 1_100_000)).status == 413


def test_a_missing_or_wrong_token_is_401(workspace: Workspace) -> None:
    for token in (None, "tb_wrong"):
        answer = HyperDrive(token, a_scope(workspace.slug)).create(a_document())
        assert (answer.status, answer.body["code"]) == (401, 401)


def test_a_viewer_creates_nothing(ben_there: HyperDrive) -> None:
    assert ben_there.create(a_document()).status == 403


def test_an_outsider_sees_no_workspace_and_no_run(ada_there: HyperDrive, cleo_there: HyperDrive) -> None:
    run = ada_there.create(a_document()).body["result"]["hyperdrive_run_id"]

    assert cleo_there.create(a_document()).status == 404
    assert cleo_there.cancel(run).status == 404
    assert Experiment.objects.get(key=run).status != "USER_CANCELED"


def test_what_is_not_there_is_404(ada_there: HyperDrive, key_ada: IssuedKey) -> None:
    assert ada_there.cancel("nothing").status == 404
    assert ada_there.create(a_document(), scope=a_scope("elsewhere")).status == 404
    answer = Client().get("/hyperdrive/v1.0/nonsense")
    assert (answer.status_code, answer.json()["code"]) == (404, 404)


def test_other_methods_are_405(ada_there: HyperDrive) -> None:
    answer = ada_there.client.get(f"/hyperdrive/v1.0/{ada_there.scope}/runs")

    assert (answer.status_code, answer.json()["code"]) == (405, 405)


def test_creating_costs_a_fixed_number_of_queries(ada_there: HyperDrive, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(30):
        assert ada_there.create(a_document()).status == 201


def test_a_client_may_choose_the_id_of_its_run(ada_there: HyperDrive) -> None:
    first = ada_there.create(a_document(), path="hdruns/HD_mine-1")
    second = ada_there.create(a_document(), path="hdruns/HD_mine-1")

    assert (first.status, second.status, second.body["code"]) == (201, 409, 409)
    result = first.body["result"]
    assert result["hyperdrive_run_id"] == result["platform_config"]["ParentRunId"] == "HD_mine-1"
    assert ada_there.get("runs/HD_mine-1").body["result"]["name"] == "digits"
    assert ada_there.cancel("HD_mine-1").status == 200
    assert [row.status for row in Experiment.objects.all()] == ["USER_CANCELED"]


@pytest.mark.parametrize("run", ["-a", "a b", "é", "x" * 256])
def test_an_id_that_cannot_be_is_400(ada_there: HyperDrive, run: str) -> None:
    answer = ada_there.create(a_document(), path=f"hdruns/{run}")

    assert (answer.status, answer.body["message"].partition(":")[0]) == (400, "run_id")
    assert not Experiment.objects.exists()


def test_a_child_is_tagged_with_the_run_that_started_it(ada_there: HyperDrive) -> None:
    answer = ada_there.create(a_document(), path="runs/pipeline-1")

    assert answer.status == 201
    tags = {tag.key: tag.value for tag in Experiment.objects.get().tags.all()}
    assert tags == {"experiment": "vision", "parent_run": "pipeline-1"}


def test_a_run_is_looked_at(ada_there: HyperDrive, cleo_there: HyperDrive) -> None:
    run = ada_there.create(a_document()).body["result"]["hyperdrive_run_id"]

    found = ada_there.get(f"runs/{run}")

    assert (found.status, found.body["result"]["status"]) == (200, "Queued")
    assert cleo_there.get(f"runs/{run}").status == ada_there.get("runs/nothing").status == 404


@pytest.mark.parametrize("path", ["runs", "runs/mine"])
def test_a_creation_that_is_sent_again_with_its_key_creates_nothing_again(ada_there: HyperDrive, path: str) -> None:
    def create(name: str, boundary: str) -> Any:
        body = encode_multipart(boundary, {"config": json.dumps(a_document() | {"name": name})})
        kind = f"multipart/form-data; boundary={boundary}"
        return ada_there.post(path, body, content_type=kind, headers={"Idempotency-Key": "k"})

    first, second = create("digits", "one"), create("digits", "other")
    changed = create("letters", "one")

    assert (first.status, second.status, changed.status) == (201, 201, 400)
    assert first.body == second.body
    assert Experiment.objects.count() == 1
