"""Notes, comments, share links, invitations and the audit log through our own API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.experiments.models import Experiment
from apps.tuning import asking, trials
from apps.workspaces.access import Actor
from tests.dialects.tunebook.conftest import Ours

pytestmark = pytest.mark.django_db
Make = Callable[..., Experiment]


@pytest.fixture
def key(make_experiment: Make) -> str:
    return make_experiment(accessibility="PUBLIC").key


def test_a_note_is_read_with_its_versions(ours: Ours, key: str) -> None:
    assert ours.get(f"/experiments/{key}/note")["number"] == 0

    ours.send("PUT", f"/experiments/{key}/note", {"text": "one", "based_on": 0})
    ours.send("PUT", f"/experiments/{key}/note", {"text": "two", "based_on": 1})
    late = ours.send("PUT", f"/experiments/{key}/note", {"text": "mine", "based_on": 1})

    found = ours.get(f"/experiments/{key}/note")
    assert (found["text"], [one["text"] for one in found["versions"]]) == ("two", ["two", "one"])
    assert (late.status, late.code) == (409, "conflict")


def test_comments_stand_on_experiments_and_trials(ours: Ours, make_experiment: Make, actor_ada: Actor) -> None:
    experiment = make_experiment()
    trials.queue(actor_ada, experiment, {"x": 0.5})

    said = ours.post(f"/experiments/{experiment.key}/trials/0/comments", {"text": "odd"})

    assert (said.status, said["trial"], said["author"]) == (201, 0, "ada")
    assert ours.get(f"/experiments/{experiment.key}/comments")["items"] == []
    changed = ours.send("PATCH", f"/experiments/{experiment.key}/comments/{said['id']}", {"text": "even"})
    assert changed["text"] == "even"
    ours.send("DELETE", f"/experiments/{experiment.key}/comments/{said['id']}")
    assert ours.get(f"/experiments/{experiment.key}/trials/0/comments")["items"] == []


def test_a_link_tells_its_secret_once(ours: Ours, key: str) -> None:
    made = ours.post(f"/experiments/{key}/links", {"days": 3, "name": "review"})

    assert made.status == 201 and made["path"].startswith("/s/")
    listed = ours.get(f"/experiments/{key}/links")["items"]
    assert [(one["name"], "path" in one) for one in listed] == [("review", False)]
    assert ours.send("DELETE", f"/experiments/{key}/links/{made['id']}").status == 200
    assert ours.get(f"/experiments/{key}/links")["items"] == []


def test_requests_for_access_are_listed_accepted_and_declined(
    ours: Ours, ours_ben: Ours, actor_ben: Actor, actor_cleo: Actor
) -> None:
    asking.ask(actor_cleo, "lab", role="member", note="for X")
    asking.ask(actor_ben, "lab", role="admin")

    first, second = ours.get("/workspaces/lab/requests")["items"]

    assert (first["username"], first["role"], first["note"]) == ("cleo", "member", "for X")
    path = "/workspaces/lab/requests/{}".format
    assert ours_ben.get("/workspaces/lab/requests").status == 403
    assert ours_ben.post(path(second["id"]), {"role": "admin"}).status == 403
    assert ours.post(path(first["id"]), {"role": "owner"}).status == 400
    assert ours.post(path(first["id"]), {"role": "viewer"})["role"] == "viewer"
    assert ours.send("DELETE", path(second["id"]))["declined"] is True
    assert ours.send("DELETE", path(second["id"])).status == 404
    assert ours.send("DELETE", path(2**40)).status == 404
    assert ours.get("/workspaces/lab/requests")["items"] == []


def test_invitations_and_the_log_of_them(ours: Ours) -> None:
    made = ours.post("/workspaces/lab/invitations", {"role": "viewer", "name": "Dora", "most_uses": 3})

    assert made.status == 201 and made["path"].startswith("/join/")
    assert [one["role"] for one in ours.get("/workspaces/lab/invitations")["items"]] == ["viewer"]
    log = ours.get("/workspaces/lab/audit", action="member")
    assert [(one["action"], one["subject"], one["with_key"]) for one in log["items"]] == [
        ("member.invite", "Dora", True)
    ]
    assert ours.send("DELETE", f"/workspaces/lab/invitations/{made['id']}").status == 200
    assert ours.get("/workspaces/lab/invitations")["items"] == []


def test_a_webhook_is_added_tried_paused_and_removed(ours: Ours) -> None:
    made = ours.post("/workspaces/lab/webhooks", {"url": "https://hooks.example.com", "kinds": ["experiment.best"]})
    one = f"/workspaces/lab/webhooks/{made['id']}"

    assert made.status == 201 and made["secret"]
    assert "secret" not in ours.get("/workspaces/lab/webhooks")["items"][0]
    assert ours.post(f"{one}/deliveries").status == 201
    assert [row["kind"] for row in ours.get(f"{one}/deliveries")["items"]] == ["ping"]
    assert ours.send("PATCH", one, {"paused": True})["paused"] is True
    assert ours.send("DELETE", one).status == 200
    assert ours.get("/workspaces/lab/webhooks")["items"] == []


WRITES: list[tuple[str, str, Any]] = [
    ("PUT", "/experiments/KEY/note", {"text": "x"}),
    ("POST", "/experiments/KEY/comments", {"text": "x"}),
    ("POST", "/experiments/KEY/links", {"days": 1}),
    ("GET", "/experiments/KEY/links", None),
    ("POST", "/workspaces/lab/invitations", {"role": "viewer"}),
    ("GET", "/workspaces/lab/invitations", None),
    ("GET", "/workspaces/lab/audit", None),
    ("GET", "/workspaces/lab/webhooks", None),
    ("POST", "/workspaces/lab/webhooks", {"url": "https://example.com"}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_viewer_may_not_and_an_outsider_sees_nothing(
    ours_ben: Ours, ours_cleo: Ours, key: str, method: str, path: str, body: Any
) -> None:
    path = path.replace("KEY", key)

    for client, status in ((ours_ben, 403), (ours_cleo, 404)):
        answer = client.get(path) if method == "GET" else client.send(method, path, body)
        assert answer.status == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("PUT", "/experiments/KEY/note", {}, 400, "text"),
        ("PUT", "/experiments/KEY/note", {"text": 1}, 400, "text"),
        ("PUT", "/experiments/KEY/note", {"text": "x", "based_on": -1}, 400, "based_on"),
        ("PUT", "/experiments/KEY/note", {"text": "x" * 100_001}, 400, "text"),
        ("POST", "/experiments/KEY/comments", {"text": ""}, 400, "text"),
        ("POST", "/experiments/KEY/comments", {"text": "  "}, 422, "text"),
        ("POST", "/experiments/KEY/links", {"days": 0}, 400, "days"),
        ("POST", "/experiments/KEY/links", {"days": 366}, 400, "days"),
        ("POST", "/experiments/KEY/links", {"day": 1}, 400, "day"),
        ("DELETE", "/experiments/KEY/links/99999999999", None, 404, ""),
        ("PATCH", "/experiments/KEY/comments/77", {"text": "x"}, 404, ""),
        ("POST", "/workspaces/lab/invitations", {"role": "king"}, 400, "role"),
        ("POST", "/workspaces/lab/invitations", {"role": "viewer", "most_uses": 0}, 400, "most_uses"),
        ("PUT", "/experiments/KEY/trials/5/note", {"text": "x"}, 404, ""),
        ("POST", "/workspaces/lab/webhooks", {"url": "http://example.com"}, 422, "url"),
        ("POST", "/workspaces/lab/webhooks", {"url": "https://example.com", "kinds": ["all"]}, 400, "kinds"),
        ("PATCH", "/workspaces/lab/webhooks/5", {"paused": True}, 404, ""),
    ],
)
def test_each_mistake_is_named(
    ours: Ours, key: str, method: str, path: str, body: Any, status: int, field: str
) -> None:
    answer = ours.send(method, path.replace("KEY", key), body)

    assert (answer.status, answer.field) == (status, field)
