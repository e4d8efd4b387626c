"""Experiments through our own API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.dialects.base import problem_of
from apps.experiments.models import Experiment
from apps.trials import logs
from apps.tuning import experiments
from apps.tuning.errors import Stale
from apps.tuning.experiments import Changes
from apps.workspaces.access import Actor
from tests.dialects.tunebook.conftest import Ours
from tests.people import a_job
from tunebook.distributions import Uniform
from tunebook.job import Job
from tunebook.space import Space

Make = Callable[..., Experiment]


def creation(**members: Any) -> dict[str, Any]:
    return {"name": "ours", "job": a_job().to_dict(), **members}


def test_the_optimizers_log_is_read_by_lines(
    ours_ben: Ours, ours_cleo: Ours, make_experiment: Any, settings: Any, tmp_path: Path
) -> None:
    settings.TUNEBOOK_DATA = tmp_path
    key = make_experiment().key
    assert ours_ben.get(f"/experiments/{key}/optimizer-log").body["items"] == []
    path = logs.optimizer_log(tmp_path, key)
    path.parent.mkdir(parents=True)
    logs.older(path).write_text("one\ntwo\n")
    path.write_text("three\n")

    page = ours_ben.get(f"/experiments/{key}/optimizer-log", page=2, page_size=2)

    assert (page["items"], page["total"]) == (["three"], 3)
    assert ours_cleo.get(f"/experiments/{key}/optimizer-log").status == 404


def test_a_created_experiment_is_answered_whole(ours: Ours) -> None:
    answer = ours.post("/experiments", creation(tags={"team": "vision", "draft": ""}, description="why"))

    assert answer.status == 201
    assert (answer["name"], answer["workspace"], answer["creator"]) == ("ours", "lab", "ada")
    assert (answer["status"], answer["accessibility"]) == ("WAITING", "PRIVATE")
    assert answer["tags"] == {"team": "vision", "draft": ""}
    assert answer["job"]["limits"]["max_trials"] == 5
    assert ours.get(f"/experiments/{answer['key']}")["description"] == "why"


def test_one_can_be_created_without_starting(ours: Ours) -> None:
    key = ours.post("/experiments", creation(start=False))["key"]

    assert ours.get(f"/experiments/{key}")["status"] == "CREATED"
    assert ours.post(f"/experiments/{key}/resume")["status"] == "WAITING"


def test_a_snapshot_tells_where_the_feed_stood(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key

    answer = ours.get(f"/experiments/{key}")

    events = ours.get("/events", stream=f"exp:{key}", after=answer["cursor"])
    assert events["items"] == [] and events["reset"] is False
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["two", "one"]),
        ({"order": "asc"}, ["one", "two"]),
        ({"sort": "name", "order": "asc"}, ["one", "two"]),
        ({"sort": "best"}, ["one", "two"]),
        ({"name": "ONE"}, ["one"]),
        ({"name": "one,two"}, ["two", "one"]),
        ({"word": "tw"}, ["two"]),
        ({"status": "waiting,running"}, ["two", "one"]),
        ({"status": "FAILED"}, []),
        ({"tag": "team=vision"}, ["one"]),
        ({"tag": "team"}, ["one"]),
        ({"creator": "ada"}, ["two", "one"]),
        ({"creator": "ben"}, []),
        ({"workspace": "lab"}, ["two", "one"]),
        ({"best_lt": "0.6"}, ["one"]),
        ({"best_gt": "0.6"}, []),
        ({"trials_gte": "1"}, []),
        ({"created_gt": "2100-01-01"}, []),
        ({"created_lte": "2100-01-01"}, ["two", "one"]),
        ({"page_size": "1"}, ["two"]),
        ({"page_size": "1", "page": "2"}, ["one"]),
        ({"trashed": "true"}, []),
    ],
)
def test_the_list_filters_sorts_and_pages(
    ours: Ours, make_experiment: Make, query: dict[str, str], expected: list[str]
) -> None:
    first = make_experiment(name="one", tags=(("team", "vision"),))
    make_experiment(name="two")
    Experiment.objects.filter(pk=first.pk).update(best_value=0.5, best_trial=0)
    if query.get("sort") == "best":
        Experiment.objects.filter(name="two").update(best_value=0.25, best_trial=0)

    answer = ours.get("/experiments", **query)

    assert answer.status == 200
    assert [row["name"] for row in answer["items"]] == expected
    if "page" not in query and "page_size" not in query:
        assert answer["total"] == len(expected)


def test_the_list_keeps_its_number_of_queries(ours: Ours, make_experiment: Make) -> None:
    counts = []
    for wave in range(2):
        for number in range(1 + 20 * wave):
            make_experiment(name=str(number), tags=(("n", str(number)),))
        ours.get("/experiments")
        with CaptureQueriesContext(connection) as queries:
            ours.get("/experiments", page_size="200")
        counts.append(len(queries))

    assert counts == [3, 3]


def test_what_is_sent_is_changed(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key

    answer = ours.send("PATCH", f"/experiments/{key}", {"name": "new", "tags": {"a": "b"}, "accessibility": "private"})

    assert answer.status == 200
    assert (answer["name"], answer["tags"], answer["accessibility"]) == ("new", {"a": "b"}, "PRIVATE")
    assert answer["version"] == 2


def test_a_stale_version_is_not_overwritten(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key

    first = ours.send("PATCH", f"/experiments/{key}", {"name": "mine"}, If_Match='"1"')
    second = ours.send("PATCH", f"/experiments/{key}", {"name": "theirs"}, If_Match='"1"')

    assert (first.status, second.status, second.code) == (200, 412, "stale")
    assert ours.get(f"/experiments/{key}")["name"] == "mine"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"1"', 200),
        ("1", 200),
        ("*", 200),
        ('"7", "1"', 200),
        ('"0"', 412),
        ('"one"', 412),
        ('W/"1"', 412),
        ("99999999999999999999", 412),
        ("", 400),
        ("one", 400),
        ('"1', 400),
        ('"1" "2"', 400),
        ("1, 2", 400),
        pytest.param('"1"' + ",   " * 1000 + "x", 400, id="many commas"),
    ],
)
@pytest.mark.parametrize(
    ("method", "place", "body"),
    [
        ("PATCH", "", {"name": "new"}),
        ("PATCH", "/limits", {"max_trials": 7}),
        ("PUT", "/space", {"space": {"x": {"type": "uniform", "min_value": 0, "max_value": 2}}}),
        ("DELETE", "", None),
    ],
)
def test_an_edit_on_a_condition_is_made_where_it_holds(
    ours: Ours, make_experiment: Make, method: str, place: str, body: Any, condition: str, status: int
) -> None:
    path = f"/experiments/{make_experiment().key}"

    answer = ours.send(method, path + place, body, If_Match=condition)

    assert answer.status == status
    assert (status == 200) == (Experiment.objects.filter(version=1, trashed=False).count() == 0)
    if status != 200:
        assert (answer.code, answer.field) == ("stale" if status == 412 else "bad_parameter", "If-Match")


def test_an_edit_tells_the_condition_of_the_next_one(ours: Ours, make_experiment: Make) -> None:
    path = f"/experiments/{make_experiment().key}"

    tags = [ours.get(path).headers["ETag"]]
    for name in "ab":
        tags.append(ours.send("PATCH", path, {"name": name}, If_Match=tags[-1]).headers["ETag"])

    assert tags == ['"1"', '"2"', '"3"']


def test_what_was_changed_between_the_look_and_the_edit_is_stale_too(actor_ada: Actor, make_experiment: Make) -> None:
    seen = make_experiment()
    experiments.update(actor_ada, seen, Changes(name="theirs"))

    with pytest.raises(Stale) as refused:
        experiments.update(actor_ada, seen, Changes(name="mine"), version=seen.version)

    assert (problem_of(refused.value).status, problem_of(refused.value).code) == (412, "stale")


def test_what_has_no_versions_meets_no_condition(ours: Ours, make_experiment: Make) -> None:
    path = f"/experiments/{make_experiment().key}"

    statuses = [ours.post(f"{path}/comments", {"text": "so"}, If_Match=condition).status for condition in ('"1"', "*")]

    assert statuses == [412, 201]


def test_changed_limits_leave_what_others_changed_of_the_job_meanwhile(actor_ada: Actor, make_experiment: Make) -> None:
    seen = make_experiment()
    space = Space({"y": Uniform(0.0, 1.0)})
    experiments.respace(actor_ada, Experiment.objects.get(pk=seen.pk), space)

    changed = experiments.limit(actor_ada, seen, max_trials=9)

    assert Job.from_dict(changed.job).space == space
    assert changed.max_trials == 9


def test_a_changed_job_takes_effect(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key
    job = ours.get(f"/experiments/{key}")["job"]
    job["limits"]["max_trials"] = 50

    answer = ours.send("PATCH", f"/experiments/{key}", {"job": job})

    assert (answer.status, answer["max_trials"]) == (200, 50)


def test_pause_resume_drain_and_stop(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key

    said = [ours.post(f"/experiments/{key}/{verb}")["desired"] for verb in ("pause", "resume", "drain", "stop")]

    assert said == ["pause", "run", "drain", "stop"]
    assert ours.post(f"/experiments/{key}/stop")["status"] == "USER_CANCELED"
    assert (ours.post(f"/experiments/{key}/pause").status, ours.post(f"/experiments/{key}/pause").code) == (
        409,
        "conflict",
    )


def test_the_trash_gives_back_or_forgets(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key

    assert ours.post(f"/experiments/{key}/purge").status == 404
    assert ours.send("DELETE", f"/experiments/{key}")["trashed"] is True
    assert [row["key"] for row in ours.get("/experiments", trashed="true")["items"]] == [key]
    assert ours.get(f"/experiments/{key}").status == 404
    assert ours.post(f"/experiments/{key}/restore")["trashed"] is False
    assert ours.post(f"/experiments/{key}/restore").status == 404
    ours.send("DELETE", f"/experiments/{key}")
    assert ours.post(f"/experiments/{key}/purge")["purged"] is True
    assert Experiment.objects.count() == 0


def test_a_finished_experiment_is_reopened_by_a_higher_limit(ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key
    Experiment.objects.filter(key=key).update(status="FINISHED")

    assert ours.post(f"/experiments/{key}/reopen", {"max_trials": 2}).code == "bad_spec"
    assert ours.post(f"/experiments/{key}/reopen", {"max_trials": 50})["status"] == "WAITING"


SPACE = {"x": {"type": "uniform", "min_value": 2, "max_value": 1}}


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"{", 400, "bad_json", ""),
        (b"[1]", 400, "bad_json", ""),
        (b'{"name": "a", "name": "b"}', 400, "bad_json", "name"),
        (b'{"name": "\\u0000"}', 400, "bad_text", "name"),
        (b'{"name": 1e999}', 400, "bad_number", ""),
        ({}, 400, "missing_parameter", "job"),
        ({"job": None}, 400, "missing_parameter", "job"),
        ({"job": []}, 400, "bad_parameter", "job"),
        ({"job": {}}, 422, "bad_space", "job.space"),
        (creation(status="FINISHED"), 400, "unknown_field", "status"),
        (creation(key="mine"), 400, "unknown_field", "key"),
        (creation(name="x" * 256), 400, "bad_parameter", "name"),
        (creation(name=1), 400, "bad_parameter", "name"),
        (creation(tags=["a"]), 400, "bad_parameter", "tags"),
        (creation(tags={"a": 1}), 400, "bad_parameter", "tags"),
        (creation(tags={"": "x"}), 422, "bad_spec", "tags[0].Key"),
        (creation(accessibility="all"), 400, "bad_parameter", "accessibility"),
        (creation(start="perhaps"), 400, "bad_parameter", "start"),
        (creation(workspace="elsewhere"), 404, "not_found", ""),
        (creation(workspace=""), 400, "bad_parameter", "workspace"),
        (creation(job={**a_job().to_dict(), "space": SPACE}), 422, "bad_space", "job.space.x"),
        (creation(job={**a_job().to_dict(), "limits": {"max_concurrent": 0}}), 422, "bad_limit", "job.limits"),
        (creation(job={**a_job().to_dict(), "command": {"steps": []}}), 422, "bad_command", "job.command.steps"),
    ],
)
def test_a_wrong_creation_is_refused_with_its_place(
    ours: Ours, cleo: Any, body: Any, status: int, code: str, field: str
) -> None:
    answer = ours.post("/experiments", body)

    assert (answer.status, answer.code) == (status, code), answer
    assert answer.field.startswith(field)
    assert Experiment.objects.count() == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"page": "0"}, "bad_page"),
        ({"page_size": "201"}, "bad_page"),
        ({"page_size": "many"}, "bad_page"),
        ({"sort": "colour"}, "bad_parameter"),
        ({"order": "up"}, "bad_parameter"),
        ({"status": "RUNNING,BUSY"}, "bad_parameter"),
        ({"accessibility": "SECRET"}, "bad_parameter"),
        ({"trashed": "perhaps"}, "bad_parameter"),
        ({"best_lt": "much"}, "bad_parameter"),
        ({"best_lt": "nan"}, "bad_parameter"),
        ({"created_gt": "yesterday"}, "bad_parameter"),
        ({"name": "a\0b"}, "bad_text"),
        ({"limit": "5"}, "unknown_field"),
    ],
)
def test_a_wrong_parameter_of_the_list_is_refused(ours: Ours, query: dict[str, str], code: str) -> None:
    answer = ours.get("/experiments", **query)

    assert (answer.status, answer.code) == (400, code)


VERBS = ["stop", "pause", "resume", "drain", "reopen", "restore", "purge", "trials"]
READS = ["", "/trials", "/trials/0", "/trials/0/measurements", "/trials/0/logs"]


@pytest.mark.parametrize("path", READS)
def test_cleo_reads_nothing(ours_cleo: Ours, make_experiment: Make, path: str) -> None:
    key = make_experiment().key

    hidden, missing = ours_cleo.get(f"/experiments/{key}{path}"), ours_cleo.get(f"/experiments/nothing{path}")

    assert (hidden.status, hidden.code) == (missing.status, missing.code) == (404, "not_found")


@pytest.mark.parametrize("verb", VERBS)
def test_only_members_act(ours_ben: Ours, ours_cleo: Ours, make_experiment: Make, verb: str) -> None:
    experiment = make_experiment()
    if verb in ("restore", "purge"):
        Experiment.objects.filter(pk=experiment.pk).update(trashed=True)
    body = {"reopen": {"max_trials": 50}, "trials": {"params": {"x": 0.5}}}.get(verb, {})

    viewer = ours_ben.post(f"/experiments/{experiment.key}/{verb}", body)
    outsider = ours_cleo.post(f"/experiments/{experiment.key}/{verb}", body)

    assert (viewer.status, viewer.code) == (403, "not_allowed")
    assert (outsider.status, outsider.code) == (404, "not_found")


@pytest.mark.parametrize("verb", ["stop", "pause", "resume", "drain"])
def test_a_verb_without_parameters_takes_none(ours: Ours, make_experiment: Make, verb: str) -> None:
    answer = ours.post(f"/experiments/{make_experiment().key}/{verb}", {"force": True})

    assert (answer.status, answer.code, answer.field) == (400, "unknown_field", "force")


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/experiments/", "/experiments/x/y", "/experiments/x/trials/y"])
def test_unknown_addresses_answer_in_json(ours: Ours, path: str) -> None:
    assert (ours.get(path).status, ours.get(path).code) == (404, "not_found")


def test_a_wrong_method_is_refused(ours: Ours) -> None:
    assert (ours.send("PUT", "/experiments").status, ours.send("PUT", "/experiments").code) == (
        405,
        "method_not_allowed",
    )
