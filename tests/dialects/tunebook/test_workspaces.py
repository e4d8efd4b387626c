"""Members and keys through our own API."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from apps.experiments.models import Experiment
from apps.experiments.workers import Worker
from apps.workspaces.models import IssuedKey, Key, Member, Workspace
from tests.dashboard.trials import with_trials
from tests.dialects.tunebook.conftest import Ours
from tests.people import a_job

MEMBERS, KEYS = "/workspaces/lab/members", "/workspaces/lab/keys"


def test_everybody_learns_who_they_are(ours_ben: Ours) -> None:
    assert ours_ben.get("/me").body == {"username": "ben", "id": ours_ben.get("/me")["id"], "roles": {"lab": "viewer"}}
    assert ours_ben.get("/workspaces")["items"] == [
        {"slug": "lab", "name": "The lab", "role": "viewer", "default_accessibility": ""}
    ]


def test_an_admin_admits_changes_and_dismisses(ours: Ours, ben: User, cleo: User) -> None:
    admitted = ours.post(MEMBERS, {"username": "cleo", "role": "viewer"})
    changed = ours.post(MEMBERS, {"username": "cleo", "role": "MEMBER"})
    dismissed = ours.send("DELETE", f"{MEMBERS}/ben")

    assert (admitted.status, admitted["role"], changed["role"], dismissed.status) == (201, "viewer", "member", 200)
    assert [row["username"] for row in ours.get(MEMBERS)["items"]] == ["ada", "cleo"]
    assert ours.send("DELETE", f"{MEMBERS}/ben").status == 404


def test_a_workspace_is_changed_by_admins_only(ours: Ours, ours_ben: Ours, ours_cleo: Ours) -> None:
    assert ours.send("PATCH", "/workspaces/lab", {"name": "Vision"}).body == {
        "slug": "lab",
        "name": "Vision",
        "role": "admin",
        "default_accessibility": "",
    }
    assert ours_ben.send("PATCH", "/workspaces/lab", {"name": "mine"}).status == 403
    assert ours_cleo.send("PATCH", "/workspaces/lab", {"name": "mine"}).status == 404
    assert ours.send("PATCH", "/workspaces/lab", {"name": ""}).status == 400


def test_new_experiments_are_seen_by_whom_the_workspace_says(ours: Ours) -> None:
    wrong = ours.send("PATCH", "/workspaces/lab", {"default_accessibility": "ALL"})
    changed = ours.send("PATCH", "/workspaces/lab", {"default_accessibility": "PUBLIC"})

    assert (wrong.status, changed["name"], changed["default_accessibility"]) == (400, "The lab", "PUBLIC")
    assert ours.get("/workspaces")["items"][0]["default_accessibility"] == "PUBLIC"
    assert ours.post("/experiments", {"job": a_job().to_dict()})["accessibility"] == "PUBLIC"


def test_usage_and_optimizers_are_read(ours_ben: Ours, ours_cleo: Ours, make_experiment: Any) -> None:
    one = make_experiment(name="resnet")
    with_trials(one, "FINISHED")
    Worker.objects.create(name="busy", host="gpu-1", pid=1, slots=4)
    Experiment.objects.filter(pk=one.pk).update(driver="busy")

    used, workers = ours_ben.get("/workspaces/lab/usage?days=7"), ours_ben.get("/workspaces/lab/workers")

    assert used["people"][0]["username"] == "ada"
    assert used["experiments"][0]["key"] == one.key
    assert [(row["name"], row["experiments"]) for row in workers["items"]] == [("busy", [one.key])]
    assert ours_ben.get("/workspaces/lab/usage?days=0").status == 400
    assert ours_cleo.get("/workspaces/lab/usage").status == 404
    assert ours_cleo.get("/workspaces/lab/workers").status == 404


def test_a_dismissed_members_key_opens_nothing(ours: Ours, ours_ben: Ours) -> None:
    ours.send("DELETE", f"{MEMBERS}/ben")

    assert ours_ben.get("/workspaces")["items"] == []
    assert ours_ben.get("/experiments")["total"] == 0


def test_the_last_admin_stays(ours: Ours, ada: User) -> None:
    assert (ours.send("DELETE", f"{MEMBERS}/ada").status, ours.send("DELETE", f"{MEMBERS}/ada").code) == (
        409,
        "conflict",
    )
    assert ours.post(MEMBERS, {"username": "ada", "role": "member"}).code == "conflict"
    assert Member.objects.get(user=ada).role == "admin"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "username"),
        ({"username": "ben"}, 400, "role"),
        ({"username": "ben", "role": "owner"}, 400, "role"),
        ({"username": "nobody", "role": "viewer"}, 422, "username"),
        ({"username": 1, "role": "viewer"}, 400, "username"),
        ({"username": "ben", "role": "viewer", "since": "now"}, 400, "since"),
    ],
)
def test_a_wrong_membership_is_refused(ours: Ours, ben: User, body: Any, status: int, field: str) -> None:
    answer = ours.post(MEMBERS, body)

    assert (answer.status, answer.field) == (status, field)


def test_only_admins_change_members(ours_ben: Ours, ours_cleo: Ours) -> None:
    body = {"username": "ben", "role": "admin"}

    assert ours_ben.post(MEMBERS, body).code == "not_allowed"
    assert ours_ben.send("DELETE", f"{MEMBERS}/ben").code == "not_allowed"
    assert ours_cleo.post(MEMBERS, body).code == "not_found"
    assert ours_cleo.get(MEMBERS).code == "not_found"


def test_a_key_is_shown_once_and_works(ours: Ours) -> None:
    made = ours.post(KEYS, {"role": "viewer", "name": "for a script", "days": 7})
    client = Ours(made["token"])

    assert made.status == 201 and made["access_key_secret"]
    assert client.get("/me")["roles"] == {"lab": "viewer"}
    listed = ours.get(KEYS)
    assert made["token"] not in str(listed.body) and made["access_key_secret"] not in str(listed.body)


def test_a_revoked_key_is_dead_at_once(ours: Ours) -> None:
    made = ours.post(KEYS, {"role": "viewer"})

    answer = ours.send("DELETE", f"{KEYS}/{made['access_key_id']}")

    assert answer["revoked"]
    assert Ours(made["token"]).get("/me").status == 401


def test_a_key_ends_none_of_its_owners_that_may_do_more(ours: Ours, ada: User, ben: User, workspace: Workspace) -> None:
    reading, other = (Key.objects.issue(user=ada, workspace=workspace, role="viewer") for _ in range(2))
    greater = Key.objects.issue(user=ada, workspace=workspace, role="member")
    bens, bens_other = (Key.objects.issue(user=ben, workspace=workspace, role=role) for role in ("viewer", "admin"))

    def revoke(key: IssuedKey, other: IssuedKey) -> int:
        return Ours(key.token).send("DELETE", f"{KEYS}/{other.access_key_id}").status

    assert revoke(reading, greater) == 403
    assert revoke(reading, other) == 200
    assert revoke(reading, reading) == 200
    assert revoke(bens, bens_other) == 200  # neither may do more than ben, who reads
    assert Ours(greater.token).get("/me").status == 200


def test_a_key_does_no_more_than_its_maker(ours_ben: Ours) -> None:
    assert ours_ben.post(KEYS, {"role": "admin"}).code == "not_allowed"
    assert ours_ben.post(KEYS, {"role": "viewer"}).status == 201


def test_a_key_that_expires_makes_none_that_outlives_it(ours: Ours) -> None:
    short = ours.post(KEYS, {"role": "admin", "days": 7})
    theirs = Ours(short["token"])

    endless = theirs.post(KEYS, {"role": "admin"})
    longer = theirs.post(KEYS, {"role": "admin", "days": 8})
    shorter = theirs.post(KEYS, {"role": "admin", "days": 3})

    assert endless["expires"] == short["expires"]
    assert (longer.code, longer["error"]["field"]) == ("bad_spec", "days") and "at most 6" in longer["error"]["message"]
    assert shorter["expires"] < short["expires"]
    assert ours.post(KEYS, {"role": "admin"})["expires"] is None


def test_others_keys_are_the_admins_business(ours: Ours, ours_ben: Ours) -> None:
    of_ada = Key.objects.get(user__username="ada").access_key_id

    assert ours_ben.send("DELETE", f"{KEYS}/{of_ada}").status == 404
    assert {row["username"] for row in ours_ben.get(KEYS)["items"]} == {"ben"}
    assert {row["username"] for row in ours.get(KEYS)["items"]} == {"ada", "ben"}


@pytest.mark.parametrize(
    "body", [{"days": 0}, {"days": "x"}, {"role": "owner"}, {"name": "x" * 129}, {"token": "mine"}]
)
def test_a_wrong_key_is_refused(ours: Ours, body: Any) -> None:
    assert ours.post(KEYS, body).status == 400
    assert Key.objects.count() == 1
