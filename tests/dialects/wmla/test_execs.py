"""Trainings: started, listed, read, stopped, deleted."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.trials import logs
from apps.trials.models import Trial
from tests.dialects.wmla.conftest import BASE, EXECS, TASKS, Wmla
from tests.dialects.wmla.test_tasks import a_trial

pytestmark = pytest.mark.django_db


def an_exec(there: Wmla) -> tuple[str, Experiment]:
    """A training submitted alone, and its experiment."""
    made = there.start()
    assert made.status_code == 201, made.content
    return str(made.json()["id"]), Experiment.objects.order_by("-pk")[0]


def folder_of(experiment: Experiment, number: int = 0) -> Path:
    folder = logs.attempt_folder(experiment.key, number, 1)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_training_is_started_and_read(ada_there: Wmla) -> None:
    made = ada_there.start("--exec-start PyTorch --appName try --model-main main.py --lr 0.1")

    record = made.json()
    assert made.status_code == 201
    assert record["id"] == record["appId"] == record["submissionId"]
    assert (record["state"], record["appName"], record["framework"]) == ("SUBMITTED", "try", "PyTorch")
    assert (record["sigName"], record["creator"]) == ("lab", "ada")
    assert all(not isinstance(value, dict | list) for value in record.values())
    assert ada_there.get(f"{EXECS}/{record['id']}").json() == record
    assert ada_there.get(f"{EXECS}/").json() == [record]
    assert ada_there.get(TASKS).json() == []
    experiment = Experiment.objects.get()
    assert (experiment.max_trials, experiment.sampler, experiment.dialect) == (1, "grid", "wmla")


def test_the_list_holds_the_trainings_of_tasks_too_in_the_same_queries(
    ada_there: Wmla, django_assert_max_num_queries: Callable[[int], CaptureQueriesContext]
) -> None:
    alone = [an_exec(ada_there)[0] for _ in range(3)]
    ada_there.submit()
    task = Experiment.objects.get(wmla__kind="task")
    of_task = [f"wmla-{a_trial(task, number).key}" for number in range(3)]

    with django_assert_max_num_queries(5):
        found = ada_there.get(EXECS).json()

    assert [one["id"] for one in found] == [*alone[::-1], *of_task[::-1]]


@pytest.mark.parametrize(
    ("kind", "text"),
    [("outlog", "one\ntwo\n"), ("errlog", "bad\n"), ("outerrlog", "one\ntwo\nbad\n"), ("", "one\ntwo\nbad\n")],
)
def test_a_log_is_text_or_one_json_string(ada_there: Wmla, kind: str, text: str) -> None:
    name, experiment = an_exec(ada_there)
    a_trial(experiment)
    folder = folder_of(experiment)
    (folder / "out.log").write_text("one\ntwo\n")
    (folder / "err.log").write_text("bad\n")

    plain = ada_there.client.get(f"{EXECS}/{name}/log?logType={kind}", headers={"Accept": "text/plain"})
    as_json = ada_there.client.get(f"{EXECS}/{name}/log?logType={kind}", headers={"Accept": "application/json"})
    last = ada_there.get(f"{BASE}/scheduler/applications/{name}/executor/1/logs/stdout", lastlines=1)
    none = ada_there.get(f"{BASE}/scheduler/applications/{name}/driver/logs/stderr", lastlines=0)

    assert (plain.content.decode(), plain["content-type"]) == (text, "text/plain; charset=utf-8")
    assert json.loads(as_json.content) == text
    assert (last.content, none.content) == (b"two\n", b"")


def test_an_unknown_log_is_refused_and_one_that_is_not_there_is_empty(ada_there: Wmla) -> None:
    name, _ = an_exec(ada_there)

    refused = ada_there.get(f"{EXECS}/{name}/log", logType="secrets")

    assert refused.content.startswith(b"Error 400: logType: must be one of outlog, errlog, outerrlog")
    assert ada_there.get(f"{EXECS}/{name}/log").content == b""


def test_results_come_as_a_zip_without_what_links_lead_to(ada_there: Wmla, tmp_path: Path) -> None:
    name, experiment = an_exec(ada_there)
    a_trial(experiment)
    results = folder_of(experiment) / "work" / "outputs"
    (results / "deep").mkdir(parents=True)
    (results / "val_dict_list.json").write_text("[]")
    (results / "deep" / "model.bin").write_bytes(b"x" * 100_000)
    (tmp_path / "secret").write_text("secret")
    (results / "link").symlink_to(tmp_path / "secret")
    (results / "folder").symlink_to(tmp_path)
    os.mkfifo(results / "pipe")
    (results / os.fsdecode(b"odd-\xff")).write_text("odd")

    answer = ada_there.get(f"{EXECS}/{name}/result")

    content = b"".join(answer.streaming_content)
    assert answer["Content-Disposition"] == f"attachment;filename={name}.zip;size={len(content)}"
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert sorted(archive.namelist()) == ["deep/model.bin", "odd-\N{REPLACEMENT CHARACTER}", "val_dict_list.json"]
    assert archive.read("deep/model.bin") == b"x" * 100_000


@pytest.mark.parametrize("is_placed", [False, True])
def test_results_of_one_that_never_ran_are_an_empty_zip(ada_there: Wmla, is_placed: bool) -> None:
    name, experiment = an_exec(ada_there)
    if is_placed:
        a_trial(experiment)

    answer = ada_there.get(f"{EXECS}/{name}/result")

    assert zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).namelist() == []


def test_a_training_is_stopped_and_then_deleted(ada_there: Wmla) -> None:
    name, _ = an_exec(ada_there)

    running = ada_there.delete(f"{EXECS}/{name}")
    stopped = ada_there.client.post(f"{EXECS}/{name}/stop")
    state = ada_there.get(f"{EXECS}/{name}").json()["state"]
    deleted = ada_there.delete(f"{EXECS}/{name}")

    assert (running.status_code, stopped.status_code, state, deleted.status_code) == (409, 200, "KILLED", 200)
    assert ada_there.get(f"{EXECS}/{name}").status_code == 404


def test_a_training_has_ended_only_when_it_can_be_deleted(ada_there: Wmla) -> None:
    name, experiment = an_exec(ada_there)
    a_trial(experiment)
    Experiment.objects.update(status="RUNNING")

    before = ada_there.get(f"{EXECS}/{name}").json()["state"]
    Experiment.objects.update(status="FINISHED")
    after = ada_there.get(f"{EXECS}/{name}").json()["state"]

    assert (before, after, ada_there.delete(f"{EXECS}/{name}").status_code) == ("RUNNING", "FINISHED", 200)


def test_a_tasks_training_is_stopped_alone_but_deleted_with_its_task(ada_there: Wmla) -> None:
    task = ada_there.submit().json()
    experiment = Experiment.objects.get()
    Experiment.objects.update(status="RUNNING", running_count=1)
    trial = a_trial(experiment, status="RUNNING")

    stopped = ada_there.client.post(f"{EXECS}/wmla-{trial.key}/stop")
    refused = ada_there.delete(f"{EXECS}/wmla-{trial.key}")

    assert stopped.status_code == 200
    assert Trial.objects.get().desired == "stop"
    assert (refused.status_code, task.encode() in refused.content) == (409, True)


def test_all_ended_trainings_of_the_caller_are_deleted(ada_there: Wmla) -> None:
    first, experiment = an_exec(ada_there)
    second, _ = an_exec(ada_there)
    Experiment.objects.filter(pk=experiment.pk).update(status="FINISHED", ended=timezone.now())

    answer = ada_there.delete(f"{EXECS}/")

    assert (answer.status_code, answer.json()) == (200, {"running": [second]})
    assert ada_there.get(f"{EXECS}/{first}").status_code == 404


@pytest.mark.parametrize(
    ("args", "file", "words"),
    [
        ("", b"x", "args: is required"),
        ("--lr 1", b"x", "args: --model-main is required"),
        ("--model-main other/x.py --model-dir /etc", b"x", "args: --model-dir: must be a path inside the model"),
        ("--exec-start edtPyTorch --model-main main.py", b"x", "args: --exec-start 'edtPyTorch' cannot be run"),
        ("--model-main main.py", None, "file: is required"),
        ("--model-main main.py", b"", "file: must not be empty"),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_is_stored(
    ada_there: Wmla, args: str, file: bytes | None, words: str
) -> None:
    refused = ada_there.start(args, file)

    assert refused.status_code in (400, 415)
    assert words in refused.content.decode() or refused.status_code == 415
    assert not Experiment.objects.exists()


def test_frameworks_are_listed(ada_there: Wmla) -> None:
    found = ada_there.get(f"{EXECS}/frameworks").json()

    assert found[0]["name"] == "PyTorch"
    assert set(found[0]) == {"name", "description", "desc", "frameworkVersion"}
    assert ada_there.get(f"{BASE}/frameworks/all").json() == [one["name"] for one in found]
    assert ada_there.get(f"{BASE}/frameworks?backend=spark").json() == found


def test_applications_are_filtered_sorted_and_cut(ada_there: Wmla) -> None:
    names = [an_exec(ada_there)[0] for _ in range(3)]
    place = f"{BASE}/scheduler/applications"

    assert {one["applicationid"] for one in ada_there.get(place).json()} == set(names)
    assert [one["applicationid"] for one in ada_there.get(place, applicationid=names[1]).json()] == [names[1]]
    assert ada_there.get(place, state="RUNNING").json() == []
    ordered = [one["applicationid"] for one in ada_there.get(place, sort="-applicationid").json()]
    assert ordered == sorted(names, reverse=True)
    assert len(ada_there.get(place, start="1", length="1").json()) == 1
    assert ada_there.get(place, search="nothing like it").json() == []
    assert ada_there.get(place, start="x", length="-1", sort="none").status_code == 200


@pytest.mark.parametrize("path", ["", "/log", "/result"])
@pytest.mark.parametrize("name", ["wmla-nobody", "x", "%00", "a" * 3000])
def test_an_unknown_training_is_not_there(ada_there: Wmla, name: str, path: str) -> None:
    assert ada_there.get(f"{EXECS}/{name}{path}").status_code == 404


def test_outsiders_see_none_and_viewers_stop_none(ada_there: Wmla, ben_there: Wmla, cleo_there: Wmla) -> None:
    name, _ = an_exec(ada_there)

    assert cleo_there.get(EXECS).json() == []
    for path in ("", "/log", "/result"):
        assert cleo_there.get(f"{EXECS}/{name}{path}").status_code == 404
    assert (cleo_there.delete(f"{EXECS}/{name}").status_code, ben_there.delete(f"{EXECS}/{name}").status_code) == (
        404,
        403,
    )
    assert ben_there.client.post(f"{EXECS}/{name}/stop").status_code == 403
    assert ben_there.get(f"{EXECS}/{name}").status_code == 200
    assert ben_there.start().status_code == 403
