"""Tasks: submitted, looked at, stopped, restarted, deleted; and refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.artifacts.models import Blob, Snapshot
from apps.dialects.wmla.models import Submission
from apps.experiments.models import Experiment
from apps.trials.models import Measurement, Trial
from apps.workspaces.models import IssuedKey, Member, Role, Workspace
from tests.dialects.wmla.conftest import EXECS, MODEL, TASKS, Wmla, a_document, a_tar, basic
from tests.tunebook.wire.test_wmla import WRONG

pytestmark = pytest.mark.django_db


def ended(name: str, status: str = "FINISHED", **columns: Any) -> Experiment:
    """The experiment of a task, ended as an optimizer would."""
    now = timezone.now()
    times = {"started": now - timedelta(hours=2), "ended": now}
    Experiment.objects.filter(wmla__name=name).update(status=status, **{**times, **columns})
    return Experiment.objects.get(wmla__name=name)


def a_trial(experiment: Experiment, number: int = 0, status: str = "FINISHED", **columns: Any) -> Trial:
    params = {"learning_rate": round(0.081 - number / 100, 3), "batch": 16}
    Experiment.objects.filter(pk=experiment.pk).update(trial_count=number + 1)
    made: Trial = Trial.objects.create(
        experiment=experiment, number=number, params=params, source="random", status=status, attempt_count=1, **columns
    )
    return made


def nothing_is_stored() -> bool:
    return not (
        Experiment.objects.exists() or Submission.objects.exists() or Snapshot.objects.exists() or Blob.objects.exists()
    )


@pytest.mark.parametrize("write", [json.dumps, repr])
def test_a_task_is_submitted_and_read(ada_there: Wmla, write: Callable[[Any], str]) -> None:
    made = ada_there.submit(write(a_document()))
    name = made.json()
    record = ada_there.get(f"{TASKS}/{name}").json()

    assert made.status_code == 201, made.content
    assert name.startswith("ada-hpo-")
    assert (record["hpoName"], record["state"], record["progress"]) == (name, "SUBMITTED", "0/4")
    assert record["experiments"] == []
    assert "best" not in record
    assert record["creator"] == "ada"
    experiment = Experiment.objects.get()
    assert (experiment.name, experiment.dialect, experiment.sampler, experiment.seed) == (name, "wmla", "random", 2)
    assert json.loads(experiment.submitted) == a_document()
    assert [one["path"] for one in Snapshot.objects.get().files] == ["digits/helper.py", "digits/main.py"]
    assert experiment.job["command"]["working_dir"] == "digits"


def test_a_name_can_be_chosen_once_and_again_after_its_deletion(ada_there: Wmla) -> None:
    first = ada_there.submit(a_document(hpoName="mine"))
    second = ada_there.submit(a_document(hpoName="mine"))
    ended("mine")
    deleted = ada_there.delete(f"{TASKS}/mine")
    third = ada_there.submit(a_document(hpoName="mine"))

    assert (first.status_code, first.json()) == (201, "mine")
    assert (second.status_code, second.content) == (
        400,
        b"Error 400: hpoName: there is a task 'mine' already; choose another name\n",
    )
    assert (deleted.status_code, third.status_code) == (200, 201)


@pytest.mark.parametrize(
    "parts",
    [
        {"WMLA_HPO.py": SimpleUploadedFile("WMLA_HPO.py", b"print(1)")},
        {"file": SimpleUploadedFile("main.py", b"print(1)")},
        {"file": SimpleUploadedFile("blob", b"print(1)")},
    ],
)
def test_a_single_script_is_taken_under_the_name_that_is_run(ada_there: Wmla, parts: dict[str, Any]) -> None:
    script = "WMLA_HPO.py" if "WMLA_HPO.py" in parts else "main.py"
    document = a_document(modelSpec__args=f"--model-main {script}")
    for file in parts.values():
        file.seek(0)

    made = ada_there.client.post(TASKS, {"data": json.dumps(document), **parts})

    assert made.status_code == 201, made.content
    assert [one["path"] for one in Snapshot.objects.get().files] == [script]


def test_a_part_without_a_file_name_is_taken_as_bytes(ada_there: Wmla) -> None:
    """The SDK sends in-memory data so; read as text a tar would be spoilt."""
    parts = [
        b'Content-Disposition: form-data; name="data"\r\nContent-Type: text/plain\r\n\r\n'
        + json.dumps(a_document()).encode(),
        b'Content-Disposition: form-data; name="file"\r\n\r\n' + MODEL,
    ]
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"

    made = ada_there.client.generic("POST", TASKS, body, content_type="multipart/form-data; boundary=x")

    assert made.status_code == 201, made.content
    assert Snapshot.objects.get().files[1]["path"] == "digits/main.py"


def test_a_whole_command_needs_no_file_and_may_come_urlencoded(ada_there: Wmla) -> None:
    document = a_document(modelSpec__args="--user-cmd -- true")

    made = ada_there.client.post(
        TASKS, f"data={json.dumps(document)}".replace("%", "%25"), content_type="application/x-www-form-urlencoded"
    )

    assert made.status_code == 201, made.content
    assert Experiment.objects.get().job["command"]["code"] == ""


@pytest.mark.parametrize(
    ("document", "path"), WRONG, ids=[f"{path}-{number}" for number, (_, path) in enumerate(WRONG)]
)
def test_a_wrong_member_is_named_and_nothing_is_stored(ada_there: Wmla, document: dict[str, Any], path: str) -> None:
    refused = ada_there.submit(document)

    assert refused.status_code == 400
    assert refused["content-type"].startswith("text/plain")
    assert refused.content.decode().startswith(f"Error 400: {path}: ")
    assert refused.content.count(b"\n") == 1
    assert nothing_is_stored()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (None, "file: is required"),
        (b"", "file: must not be empty"),
        (a_tar(**{"../evil.py": "x"}), "file: ../evil.py leads out of the archive"),
        (a_tar(**{"/etc/evil": "x"}), "file: /etc/evil is an absolute path"),
        (a_tar(zeros="0" * (30 << 20)), "file: it unpacks to more than 100 times its size"),
        (MODEL[: len(MODEL) // 2], "file: its packed data ends too early"),
        (a_tar(**{"other.py": "x"}), "modelSpec.args: --model-main 'main.py' is not in the uploaded file"),
    ],
)
def test_a_hostile_or_useless_file_is_refused_whole(ada_there: Wmla, file: bytes | None, words: str) -> None:
    refused = ada_there.submit(file=file)

    assert refused.status_code == 400
    assert words in refused.content.decode()
    assert nothing_is_stored()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "data: is required"),
        ("{'a': ", "data: neither JSON nor a Python dictionary"),
        ("[" * 50_000, "deeper"),
        ("{'modelSpec': __import__('os')}", "neither JSON"),
        ('{"modelSpec": NaN}', "NaN"),
        ("{'modelSpec': '\\ud800'}", "half characters"),
    ],
)
def test_data_that_is_none_is_refused(ada_there: Wmla, data: str, words: str) -> None:
    refused = ada_there.submit(data)

    assert refused.status_code == 400
    assert words in refused.content.decode()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"", "", 400),
        (b"x", "multipart/form-data", 400),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n\xff\r\n--x--',
            "multipart/form-data; boundary=x",
            400,
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n\0\r\n--x--',
            "multipart/form-data; boundary=x",
            400,
        ),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n" * 60 + b"--x--", "multipart/form-data; boundary=x", 400),
        (b"data=%FF", "application/x-www-form-urlencoded", 400),
        (b"data=" + b"x" * (1 << 20), "application/x-www-form-urlencoded", 413),
    ],
)
def test_a_body_that_is_no_form_is_refused(ada_there: Wmla, body: bytes, kind: str, status: int) -> None:
    refused = ada_there.client.generic("POST", TASKS, body, content_type=kind)

    assert refused.status_code == status, refused.content
    assert refused.content.startswith(b"Error %d: " % status)
    assert nothing_is_stored()


def test_a_form_that_says_to_be_too_large_is_not_read(ada_there: Wmla) -> None:
    refused = ada_there.client.generic(
        "POST", TASKS, b"x", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(1 << 40)
    )

    assert refused.status_code == 413


@pytest.mark.parametrize(
    ("way", "setting", "is_object"),
    [("basic", "auto", False), ("token", "auto", True), ("basic", "object", True), ("token", "string", False)],
)
def test_the_answer_is_a_name_or_an_object(
    key_ada: IssuedKey, settings: Any, way: str, setting: str, is_object: bool
) -> None:
    settings.TUNEBOOK_WMLA_SUBMIT_ANSWER = setting
    header = f"Bearer {key_ada.token}" if way == "token" else basic("ada")

    answer = Wmla(Authorization=header).submit(a_document(hpoName="mine")).json()

    wanted = {"uid": "mine", "href": f"{TASKS}/mine"} if is_object else "mine"
    assert answer == wanted


def test_the_group_is_needed_unless_the_installation_says_otherwise(ada_there: Wmla, settings: Any) -> None:
    document = a_document(modelSpec__sigName=None)
    refused = ada_there.submit(document)
    settings.TUNEBOOK_WMLA_SIGNAME_OPTIONAL = True
    taken = ada_there.submit(document)

    assert refused.content == b"Error 400: modelSpec.sigName: is required\n"
    assert taken.status_code == 201


def test_the_group_chooses_among_several_workspaces(ada_there: Wmla, ada: Any) -> None:
    other = Workspace.objects.create(slug="other", name="Other")
    Member.objects.create(workspace=other, user=ada, role=Role.MEMBER)

    there = ada_there.submit(a_document(modelSpec__sigName="OTHER"))
    nowhere = ada_there.submit(a_document(modelSpec__sigName="dli-edt"))

    assert there.status_code == 201
    assert Experiment.objects.get().workspace == other
    assert nowhere.content == b"Error 400: sigName: instance group name 'dli-edt' not found; yours are lab, other\n"


def test_a_record_tells_what_has_run(ada_there: Wmla) -> None:
    name = ada_there.submit(a_document(algoDef__additionalMetrics={"accuracy": "maximize", "other": "what"})).json()
    experiment = ended(name, best_trial=1, best_value=0.5)
    a_trial(experiment, 0, "FAILED", best_value=0.1)
    best = a_trial(experiment, 1, value=0.5)
    for step, value in enumerate([0.1, 0.9, 0.4]):
        Measurement.objects.create(trial=best, name="accuracy", step=step, value=value)

    record = ada_there.get(f"{TASKS}/{name}").json()

    assert (record["state"], record["progress"], record["duration"]) == ("FINISHED", "2/2", "02:00:00")
    assert (record["complete"], record["failed"], record["running"]) == (2, 1, 0)
    assert [one["state"] for one in record["experiments"]] == ["FAILED", "FINISHED"]
    assert "metricVal" not in record["experiments"][0]
    assert record["best"] == record["experiments"][1]
    assert record["best"]["metrics"] == [{"name": "accuracy", "min": 0.1, "max": 0.9, "latest": 0.4}]
    assert [one["fixedVal"] for one in record["best"]["hyperParams"]] == ["0.071", "16"]


def test_the_list_takes_the_same_queries_for_any_number_of_tasks(
    ada_there: Wmla, django_assert_max_num_queries: Callable[[int], CaptureQueriesContext]
) -> None:
    for number in range(5):
        a_trial(ended(ada_there.submit(a_document(hpoName=f"t{number}")).json()))
    ada_there.submit(a_document(hpoName="new"))

    with django_assert_max_num_queries(5) as few:
        some = ada_there.get(TASKS, limit=2).json()
    with django_assert_max_num_queries(len(few)):
        found = ada_there.get(f"{TASKS}/").json()
    finished = ada_there.get(TASKS, limit="10", state="FINISHED", sort_by="id:desc").json()

    assert [one["hpoName"] for one in found] == ["new", "t4", "t3", "t2", "t1", "t0"]
    assert [one["hpoName"] for one in some] == ["new", "t4"]
    assert [one["hpoName"] for one in finished] == ["t4", "t3", "t2", "t1", "t0"]
    assert len(found[1]["experiments"]) == 1
    assert not [one["sql"] for one in few if "IN (SELECT" in one["sql"]]  # a list of all experiments, for few tasks


def test_a_task_is_stopped_once(ada_there: Wmla) -> None:
    name = ada_there.submit().json()

    first, second = ada_there.put(f"{TASKS}/{name}"), ada_there.put(f"{TASKS}/{name}")

    assert first.status_code == 200
    assert (second.status_code, second.content) == (
        400,
        f"Error 400: model tuning {name} is already stopped.\n".encode(),
    )
    assert ada_there.get(f"{TASKS}/{name}").json()["state"] == "STOPPED"


def test_a_forced_stop_leaves_no_grace_and_is_harmless_again(ada_there: Wmla) -> None:
    name = ada_there.submit().json()
    Experiment.objects.update(status="RUNNING", running_count=1)

    answers = [ada_there.put(f"{TASKS}/{name}/force").status_code for _ in range(2)]

    experiment = Experiment.objects.get()
    assert answers == [200, 200]
    assert (experiment.desired, experiment.job["command"]["grace"]) == ("stop", 0.0)
    assert ada_there.get(f"{TASKS}/{name}").json()["state"] == "RUNNING"


def test_a_stopped_task_goes_on_and_tries_again_what_was_interrupted(ada_there: Wmla) -> None:
    name = ada_there.submit().json()
    experiment = ended(name, "USER_CANCELED", desired="stop", finished_count=1, user_canceled_count=1)
    a_trial(experiment, 0, value=0.5)
    a_trial(experiment, 1, "USER_CANCELED")

    again = ada_there.put(f"{TASKS}/{name}/restart")

    record = ada_there.get(f"{TASKS}/{name}").json()
    assert again.status_code == 200, again.content
    assert (record["state"], record["progress"]) == ("RUNNING", "1/4")
    assert [one["state"] for one in record["experiments"]] == ["FINISHED", "NOTRUN"]
    assert [one["id"] for one in record["experiments"]] == [0, 1]
    experiment.refresh_from_db()
    assert (experiment.status, experiment.desired, experiment.extra_trials) == ("WAITING", "run", 1)
    assert experiment.started and timezone.now() - experiment.started < timedelta(hours=2, seconds=5)


@pytest.mark.parametrize("status", ["WAITING", "RUNNING", "FINISHED"])
def test_only_a_stopped_task_can_be_restarted(ada_there: Wmla, status: str) -> None:
    name = ada_there.submit().json()
    ended(name, status)

    refused = ada_there.put(f"{TASKS}/{name}/restart")

    assert refused.status_code == 400
    assert refused.content.startswith(f"Error 400: model tuning {name} cannot be restarted".encode())


def test_a_running_task_is_not_deleted(ada_there: Wmla) -> None:
    name = ada_there.submit().json()

    refused = ada_there.delete(f"{TASKS}/{name}")

    assert refused.status_code == 409
    assert ada_there.get(f"{TASKS}/{name}").status_code == 200


def test_a_deleted_task_leaves_its_trainings(ada_there: Wmla) -> None:
    name = ada_there.submit().json()
    trial = a_trial(ended(name))

    deleted = ada_there.delete(f"{TASKS}/{name}")

    assert deleted.status_code == 200
    assert ada_there.get(f"{TASKS}/{name}").status_code == 404
    assert ada_there.get(TASKS).json() == []
    assert ada_there.get(f"{EXECS}/wmla-{trial.key}").json()["state"] == "FINISHED"
    assert Experiment.objects.get().trashed


def test_all_ended_tasks_of_the_caller_are_deleted(ada_there: Wmla, ben_there: Wmla) -> None:
    Member.objects.filter(user__username="ben").update(role=Role.MEMBER)
    names = [ada_there.submit().json() for _ in range(3)]
    other = ben_there.submit().json()
    for name in (*names[:2], other):
        ended(name)

    answer = ada_there.delete(f"{TASKS}/")

    assert (answer.status_code, answer.json()) == (200, {"running": [names[2]]})
    assert [one["hpoName"] for one in ada_there.get(TASKS).json()] == [other, names[2]]


@pytest.mark.parametrize("verb", ["get", "put", "delete"])
@pytest.mark.parametrize("name", ["nobody", "%00", "a" * 3000, "..", "%2e%2e%2f"])
def test_an_unknown_task_is_not_there(ada_there: Wmla, verb: str, name: str) -> None:
    answer = getattr(ada_there, verb)(f"{TASKS}/{name}")

    assert answer.status_code == 404
    assert answer.content.startswith(b"Error 404: ")


def test_outsiders_see_nothing_and_viewers_change_nothing(ada_there: Wmla, ben_there: Wmla, cleo_there: Wmla) -> None:
    name = ada_there.submit().json()

    assert cleo_there.get(TASKS).json() == []
    for path in (f"{TASKS}/{name}", f"{TASKS}/{name}/force", f"{TASKS}/{name}/restart"):
        assert cleo_there.put(path).status_code == 404
        assert ben_there.put(path).status_code == 403
    assert cleo_there.get(f"{TASKS}/{name}").status_code == 404
    assert ben_there.get(f"{TASKS}/{name}").json()["hpoName"] == name
    assert (cleo_there.delete(f"{TASKS}/{name}").status_code, ben_there.delete(f"{TASKS}/{name}").status_code) == (
        404,
        403,
    )
    refused = ben_there.submit()
    assert (refused.status_code, Experiment.objects.count()) == (403, 1)
    assert refused.content == b"Error 403: to create here needs the role member; yours is viewer\n"


@pytest.mark.parametrize("filename", ["..", "a\x07b.py", "x" * 300, "\\..\\evil.py", "C:evil.py", "héllo.py"])
def test_a_script_is_called_what_is_run_whatever_its_file_was_called(ada_there: Wmla, filename: str) -> None:
    head = f'Content-Disposition: form-data; name="model"; filename="{filename}"\r\n\r\nprint(1)'.encode()
    data = (
        b'Content-Disposition: form-data; name="data"\r\n\r\n'
        + repr(a_document(modelSpec__args="--model-main a/b.py")).encode()
    )
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in (data, head)) + b"--x--\r\n"

    made = ada_there.client.generic("POST", TASKS, body, content_type="multipart/form-data; boundary=x")

    assert made.status_code == 201, made.content
    assert [one["path"] for one in Snapshot.objects.get().files] == ["a/b.py"]


@pytest.mark.parametrize("main", ["x" * 300, "a\x07b.py", "/".join("abcdefghijklmnopqrstuvwxyz")])
def test_a_script_with_a_name_that_cannot_be_is_refused(ada_there: Wmla, main: str) -> None:
    refused = ada_there.submit(a_document(modelSpec__args=f"--model-main '{main}'"), b"print(1)")

    assert refused.status_code == 400
    assert refused.content.startswith(b"Error 400: file: ")
    assert nothing_is_stored()


def test_a_task_in_the_trash_gives_its_name_away(ada_there: Wmla) -> None:
    ada_there.submit(a_document(hpoName="mine"))
    Experiment.objects.update(trashed=True)

    assert ada_there.submit(a_document(hpoName="mine")).status_code == 201
    assert len(ada_there.get(TASKS).json()) == 1
