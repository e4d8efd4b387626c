"""Finding and steering through our own API: queries, words, views, stars, files, limits."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey, Key, Workspace
from tests.dashboard.trials import with_trials
from tests.dialects.tunebook.conftest import BASE, Ours

Make = Callable[..., Experiment]


def test_the_list_takes_the_query_of_the_catalog(ours: Ours, make_experiment: Make) -> None:
    make_experiment(name="resnet", tags=[("vision", "")])
    make_experiment(name="bert")

    answer = ours.get("/experiments", query="(tag:vision or name:nothing) -status:failed")

    assert ([one["name"] for one in answer["items"]], answer["total"]) == (["resnet"], 1)
    assert ours.get("/experiments", query="resnet", name="bert")["total"] == 0


def test_a_part_that_is_not_understood_refuses_the_whole_with_its_place(ours: Ours) -> None:
    answer = ours.get("/experiments", query="resnet staus:running")

    assert (answer.status, answer.code, answer.field) == (400, "bad_query", "query")
    assert "at 8, 'staus:running': there is no field 'staus'" in answer["error"]["message"]
    assert answer["error"]["message"].endswith("did you mean status:running")


def test_trials_take_a_query_too(ours: Ours, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED", "FAILED", "FINISHED")

    answer = ours.get(f"/experiments/{one.key}/trials", query="status:failed or param.x>0.015")

    assert ([trial["number"] for trial in answer["items"]], answer["total"]) == ([1, 2], 2)
    assert ours.get(f"/experiments/{one.key}/trials", query="param.y>1").code == "bad_query"
    both = ours.get(f"/experiments/{one.key}/trials", query="x<1", status="FAILED")
    assert [trial["number"] for trial in both["items"]] == [1]


def test_words_complete_a_query(ours: Ours, make_experiment: Make) -> None:
    one = make_experiment()

    answer = ours.get("/query-words", text="resnet sta")

    assert (answer["from"], answer["to"], answer["options"][0]["text"]) == (7, 10, "status:")
    trial_words = ours.get("/query-words", text="va", experiment=one.key)
    assert trial_words["options"][0]["text"] == "value"


def test_views_are_saved_changed_and_dropped(ours: Ours, ours_ben: Ours) -> None:
    made = ours.post("/workspaces/lab/views", {"name": "mine", "query": "owner:me"})
    assert (made.status, made["name"], made["shared"], made["owner"]) == (201, "mine", False, "ada")
    assert ours_ben.get("/workspaces/lab/views")["items"] == []

    shared = ours.send("PATCH", f"/workspaces/lab/views/{made['id']}", {"shared": True, "sort": "-best"})
    assert (shared["query"], shared["sort"], shared["shared"]) == ("owner:me", "-best", True)
    assert [one["name"] for one in ours_ben.get("/workspaces/lab/views")["items"]] == ["mine"]
    assert ours_ben.send("DELETE", f"/workspaces/lab/views/{made['id']}").status == 403

    assert ours.send("DELETE", f"/workspaces/lab/views/{made['id']}")["dropped"] is True
    assert ours.get("/workspaces/lab/views")["items"] == []


def test_a_key_that_only_reads_leaves_its_owners_shared_views(ours: Ours, ada: User, workspace: Workspace) -> None:
    reading = Ours(Key.objects.issue(user=ada, workspace=workspace, role="viewer").token)
    shared, own = (
        ours.post("/workspaces/lab/views", {"name": name, "shared": name == "shared"})["id"]
        for name in ("shared", "own")
    )

    refused = [
        reading.send("PATCH", f"/workspaces/lab/views/{shared}", {"name": "new"}),
        reading.send("PATCH", f"/workspaces/lab/views/{shared}", {"shared": False}),
        reading.send("DELETE", f"/workspaces/lab/views/{shared}"),
    ]

    assert {(answer.status, answer.code) for answer in refused} == {(403, "not_allowed")}
    assert reading.send("DELETE", f"/workspaces/lab/views/{own}").status == 200
    assert [one["name"] for one in ours.get("/workspaces/lab/views")["items"]] == ["shared"]


def test_a_view_keeps_columns(ours: Ours) -> None:
    made = ours.post("/workspaces/lab/views", {"name": "slim", "columns": ["owner", "best"]})
    forgotten = ours.send("PATCH", f"/workspaces/lab/views/{made['id']}", {"columns": []})

    assert (made["columns"], forgotten["columns"]) == (["name", "best", "owner"], [])
    assert ours.post("/workspaces/lab/views", {"name": "x", "columns": ["nonsense"]}).status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": " "}, 422),
        ({"name": "x", "query": "staus:x"}, 422),
        ({"name": "x" * 81}, 400),
        ({"name": 5}, 400),
    ],
)
def test_a_view_that_cannot_be_is_refused(ours: Ours, body: dict[str, object], status: int) -> None:
    assert ours.post("/workspaces/lab/views", body).status == status
    assert ours.get("/workspaces/lab/views")["items"] == []


def test_two_views_of_one_person_differ_in_name(ours: Ours) -> None:
    ours.post("/workspaces/lab/views", {"name": "mine", "query": "owner:me"})

    assert ours.post("/workspaces/lab/views", {"name": "mine"}).status == 409


def test_a_viewer_saves_for_himself_but_shares_nothing(ours_ben: Ours, ours_cleo: Ours) -> None:
    assert ours_ben.post("/workspaces/lab/views", {"name": "a"}).status == 201
    assert ours_ben.post("/workspaces/lab/views", {"name": "b", "shared": True}).status == 403
    assert ours_cleo.post("/workspaces/lab/views", {"name": "c"}).status == 404


def test_a_star_is_put_on_and_taken_off_by_whoever_may_read(ours_ben: Ours, ours: Ours, make_experiment: Make) -> None:
    key = make_experiment().key

    assert ours_ben.send("PUT", f"/experiments/{key}/star")["starred"] is True
    assert ours_ben.send("PUT", f"/experiments/{key}/star").status == 200
    assert ours_ben.get("/experiments", query="is:starred")["total"] == 1
    assert ours.get("/experiments", query="is:starred")["total"] == 0
    assert ours_ben.send("DELETE", f"/experiments/{key}/star")["starred"] is False
    assert ours_ben.get("/experiments", query="is:starred")["total"] == 0


def test_what_has_ended_is_archived_and_taken_back(
    ours: Ours, ours_ben: Ours, ours_cleo: Ours, make_experiment: Make
) -> None:
    done, runs = make_experiment().key, make_experiment().key
    Experiment.objects.filter(key=done).update(status="FINISHED")

    assert ours.send("PUT", f"/experiments/{done}/archive")["archived"] is True
    assert ours.send("PUT", f"/experiments/{done}/archive").status == 200
    assert ours.get("/experiments", query="is:archived")["total"] == 1
    assert ours.get("/experiments")["total"] == 2
    assert ours.send("PUT", f"/experiments/{runs}/archive").status == 409
    assert ours_ben.send("DELETE", f"/experiments/{done}/archive").status == 403
    assert ours_cleo.send("PUT", f"/experiments/{done}/archive").status == 404
    assert ours.send("DELETE", f"/experiments/{done}/archive")["archived"] is False
    assert ours.get("/experiments", query="is:archived")["total"] == 0


def test_the_catalog_comes_as_a_file(key_ben: IssuedKey, make_experiment: Make) -> None:
    make_experiment(name="=cmd()", tags=[("team", "vision")])
    make_experiment(name="other")
    make_experiment(name="secret", accessibility="PRIVATE")
    client, headers = Client(), {"Authorization": f"Bearer {key_ben.token}"}

    csv = client.get(f"{BASE}/workspaces/lab/export", {"query": "tag:team"}, headers=headers)
    text = b"".join(csv).decode()  # type: ignore[arg-type]  # a streamed answer is its pieces
    whole = client.get(f"{BASE}/workspaces/lab/export", {"format": "json"}, headers=headers)
    listed = json.loads(b"".join(whole))  # type: ignore[arg-type]  # as above

    assert csv["Content-Disposition"] == 'attachment; filename="lab.csv"'
    assert text.splitlines()[0].startswith("key,name,status,owner")
    assert "'=cmd()" in text.splitlines()[1] and "team=vision" in text
    assert {one["name"] for one in listed} == {"=cmd()", "other"}
    assert listed[1]["tags"] == {"team": "vision"}


def test_limits_change_alone_and_are_checked(ours: Ours, ours_ben: Ours, make_experiment: Make) -> None:
    key = make_experiment().key

    answer = ours.send("PATCH", f"/experiments/{key}/limits", {"max_concurrent": 7, "patience": 3, "trial_memory": 512})

    assert answer["job"]["limits"]["max_concurrent"] == 7
    assert answer["job"]["limits"]["trial_memory"] == 512
    assert answer["job"]["limits"]["max_trials"] == 5
    assert ours.send("PATCH", f"/experiments/{key}/limits", {"max_concurrent": 0}).status == 400
    assert ours.send("PATCH", f"/experiments/{key}/limits", {"trial_memory": 15}).status == 400
    assert ours.send("PATCH", f"/experiments/{key}/limits", {"min_gain": 1.0, "patience": None}).status == 422
    assert ours_ben.send("PATCH", f"/experiments/{key}/limits", {"max_concurrent": 2}).status == 403


def test_a_trial_is_excluded_with_a_reason_and_the_best_follows(ours: Ours, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED", "FINISHED")

    answer = ours.post(f"/experiments/{one.key}/trials/1/exclude", {"reason": "a typo in the script"})

    assert (answer["excluded"], answer["excluded_why"]) == (True, "a typo in the script")
    assert ours.get(f"/experiments/{one.key}")["best"]["trial"] == 0
    back = ours.post(f"/experiments/{one.key}/trials/1/include")
    assert (back["excluded"], back["excluded_why"]) == (False, "")
    assert ours.get(f"/experiments/{one.key}")["best"]["trial"] == 1


def test_all_failed_trials_begin_again_once(ours: Ours, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FAILED", "FINISHED", "FAILED")

    answer = ours.post(f"/experiments/{one.key}/restart-failed")

    assert [trial["number"] for trial in answer["items"]] == [3, 4]
    assert ours.post(f"/experiments/{one.key}/restart-failed")["items"] == []
    assert Trial.objects.filter(experiment=one).count() == 5


def test_a_warm_start_is_forecast(ours: Ours, ours_cleo: Ours, make_experiment: Make) -> None:
    one = make_experiment(name="earlier")
    with_trials(one, "FINISHED", "FINISHED")
    Experiment.objects.filter(pk=one.pk).update(finished_count=2)

    answer = ours.post("/workspaces/lab/warm-start", {"job": one.job, "sources": [one.key]})

    assert answer["candidates"] == [{"key": one.key, "name": "earlier", "succeeded": 2}]
    (transfer,) = answer["transfers"]
    assert (transfer["trials"], transfer["whole"], transfer["partly"]) == (2, 2, 0)
    assert transfer["parameters"] == [{"name": "x", "had": 2, "fit": 2, "same": True}]
    assert ours.post("/workspaces/lab/warm-start", {"job": {}}).status == 422
    assert ours_cleo.post("/workspaces/lab/warm-start", {"job": one.job}).status == 404
