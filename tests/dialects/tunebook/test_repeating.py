"""Creations sent again with the same Idempotency-Key."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import RequestFactory
from django.utils import timezone

from apps.dialects.models import Answered
from apps.dialects.refusal import Refusal
from apps.dialects.repeating import once
from apps.discussion.models import Comment
from apps.experiments.models import Experiment
from apps.search.models import SavedView
from apps.sharing.models import AccessRequest, Delivery, Invitation, ShareLink, Webhook
from apps.trials.models import Trial
from apps.tuning import discussion, transfer
from apps.workspaces.access import Actor
from apps.workspaces.models import Key, Member, Workspace
from tests.dialects.tunebook.conftest import Ours
from tests.people import a_job


def creation(**members: Any) -> dict[str, Any]:
    return {"name": "once", "job": a_job().to_dict(), **members}


def test_the_second_answer_is_the_first(ours: Ours) -> None:
    first = ours.post("/experiments", creation(), Idempotency_Key="k 1")
    second = ours.post("/experiments", creation(), Idempotency_Key="k 1")

    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Experiment.objects.count() == 1


def test_another_key_or_none_creates_again(ours: Ours) -> None:
    for headers in ({"Idempotency_Key": "a"}, {"Idempotency_Key": "b"}, {}, {}):
        ours.post("/experiments", creation(), **headers)

    assert Experiment.objects.count() == 4


def test_the_same_key_for_another_request_is_refused(ours: Ours) -> None:
    ours.post("/experiments", creation(), Idempotency_Key="k")

    answer = ours.post("/experiments", creation(name="other"), Idempotency_Key="k")

    assert (answer.status, answer.code) == (422, "idempotency_mismatch")
    assert Experiment.objects.count() == 1


def test_the_same_key_of_somebody_else_is_another_one(ours: Ours, ours_ben: Ours) -> None:
    ours.post("/experiments", creation(), Idempotency_Key="k")

    assert ours_ben.post("/experiments", creation(), Idempotency_Key="k").status == 403


def test_a_key_is_one_persons_even_where_the_request_is_the_same(ours: Ours, ben: User, workspace: Workspace) -> None:
    Member.objects.filter(user=ben).update(role="member")
    token = Key.objects.issue(user=ben, workspace=workspace, role="member").token

    first = ours.post("/experiments", creation(), Idempotency_Key="k")
    other = Ours(token).post("/experiments", creation(), Idempotency_Key="k")

    assert (first.status, other.status) == (201, 201)
    assert first["key"] != other["key"]


def test_a_failed_creation_leaves_the_key_unused(ours: Ours) -> None:
    refused = ours.post("/experiments", creation(tags={"": "x"}), Idempotency_Key="k")

    assert refused.status == 422
    assert ours.post("/experiments", creation(), Idempotency_Key="k").status == 201


def test_a_day_later_the_key_is_free(ours: Ours) -> None:
    ours.post("/experiments", creation(), Idempotency_Key="k")
    Answered.objects.update(at=timezone.now() - timedelta(hours=25))

    ours.post("/experiments", creation(name="other"), Idempotency_Key="k")

    assert Experiment.objects.count() == 2


CREATIONS: dict[str, tuple[str, dict[str, Any] | None, type[Model]]] = {
    "trial": ("/experiments/{key}/trials", {"params": {"x": 0.5}}, Trial),
    "restart": ("/experiments/{key}/trials/0/restart", {}, Trial),
    "restarts": ("/experiments/{key}/restart-failed", {}, Trial),
    "import": ("/experiments/import", {"document": None}, Experiment),
    "comment": ("/experiments/{key}/comments", {"text": "so"}, Comment),
    "link": ("/experiments/{key}/links", {"name": "for Eve"}, ShareLink),
    "invitation": ("/workspaces/lab/invitations", {"role": "viewer", "most_uses": 2}, Invitation),
    "webhook": ("/workspaces/lab/webhooks", {"url": "https://example.org/hook"}, Webhook),
    "ping": ("/workspaces/lab/webhooks/{hook}/deliveries", None, Delivery),
    "key": ("/workspaces/lab/keys", {"name": "ci"}, Key),
    "member": ("/workspaces/lab/members", {"username": "cleo", "role": "viewer"}, Member),
    "view": ("/workspaces/lab/views", {"name": "mine", "query": ""}, SavedView),
    "request": ("/workspaces/lab/requests/{request}", {"role": "viewer"}, Member),
}


@pytest.mark.parametrize("what", CREATIONS)
def test_whatever_is_created_is_created_once(
    ours: Ours, cleo: User, make_experiment: Any, workspace: Workspace, what: str, settings: Any
) -> None:
    settings.TUNEBOOK_ALLOW_WEBHOOKS = True
    experiment = make_experiment()
    Trial.objects.create(experiment=experiment, number=0, params={"x": 0.25}, source="x", status="FAILED")
    Experiment.objects.update(trial_count=1, failed_count=1)
    hook = ours.post("/workspaces/lab/webhooks", {"url": "https://example.org/other"})["id"]
    asked = AccessRequest.objects.create(slug=workspace.slug, user=cleo, role="viewer")
    path, body, model = CREATIONS[what]
    if what == "import":
        body = {"document": json.loads("".join(transfer.dump(experiment)))}
    address = path.format(key=experiment.key, hook=hook, request=asked.pk)
    before = model._default_manager.count()

    first = ours.post(address, body, Idempotency_Key="k")
    second = ours.post(address, body, Idempotency_Key="k")

    assert first.status in (200, 201), first.body
    assert (second.status, second.body) == (first.status, first.body)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert model._default_manager.count() == before + 1


def test_while_the_first_request_is_in_work_the_second_is_told_so(ours: Ours) -> None:
    ours.post("/experiments", creation(), Idempotency_Key="k")
    Answered.objects.update(body="")

    answer = ours.post("/experiments", creation(), Idempotency_Key="k")

    assert (answer.status, answer.code, answer.field) == (409, "in_progress", "Idempotency-Key")
    assert ours.post("/experiments", creation(name="other"), Idempotency_Key="k").code == "idempotency_mismatch"
    assert Experiment.objects.count() == 1


def test_what_died_with_its_process_may_be_sent_again_after_a_while(ours: Ours) -> None:
    ours.post("/experiments", creation(), Idempotency_Key="k")
    Answered.objects.update(body="", at=timezone.now() - timedelta(minutes=3))

    again = [ours.post("/experiments", creation(), Idempotency_Key="k") for _ in range(2)]

    assert [answer.status for answer in again] == [201, 201]
    assert again[0].body == again[1].body
    assert Experiment.objects.count() == 2


def test_a_slow_request_whose_key_was_taken_over_creates_nothing(
    make_experiment: Any, actor_ada: Actor, rf: RequestFactory
) -> None:
    experiment = make_experiment()

    def create() -> bytes:
        made = discussion.comment(actor_ada, experiment, "late")
        Answered.objects.update(at=timezone.now() + timedelta(seconds=1))  # another request has claimed it
        return str(made.pk).encode()

    with pytest.raises(Refusal, match="still in work"):
        once(rf.post("/x", headers={"Idempotency-Key": "k"}), actor_ada, lambda: create)

    assert Comment.objects.count() == 0


def test_an_answer_with_a_secret_is_not_readable_in_the_database(ours: Ours) -> None:
    secret = ours.post("/workspaces/lab/keys", {"name": "ci"}, Idempotency_Key="k")["access_key_secret"]

    kept = Answered.objects.get().body

    assert kept and secret not in kept


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "é", "a\tb"])
def test_a_wrong_key_is_refused(ours: Ours, key: str) -> None:
    answer = ours.post("/experiments", creation(), Idempotency_Key=key)

    assert (answer.status, answer.field) == (400, "Idempotency-Key")
    assert Experiment.objects.count() == 0
