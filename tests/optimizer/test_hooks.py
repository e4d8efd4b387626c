"""Webhooks of workspaces: what they hear, how often it is tried, and that nothing is said twice."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.optimizer import hooks
from apps.optimizer.webhooks import Undeliverable
from apps.sharing.models import Delivery, Webhook
from apps.tuning import experiments
from apps.tuning import hooks as verbs
from apps.workspaces.access import Actor, NotAllowed
from apps.workspaces.models import Workspace
from tunebook.errors import SpecError

pytestmark = pytest.mark.django_db
Make = Callable[..., Experiment]
URL = "https://hooks.example.com/tunebook"


class Receiver:
    """Takes messages, or refuses them with a status or an error."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.heard: list[tuple[str, bytes, Mapping[str, str]]] = []

    def __call__(self, url: str, data: bytes, headers: Mapping[str, str]) -> int:
        self.heard.append((url, data, headers))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def messages(self) -> list[dict]:
        return [json.loads(data) for _, data, _ in self.heard]


@pytest.fixture
def secret(actor_ada: Actor, workspace: Workspace) -> str:
    _, made = verbs.add_webhook(actor_ada, workspace, url=URL, kinds=list(verbs.KINDS))
    return made


def overdue() -> None:
    Delivery.objects.filter(next_try__isnull=False).update(next_try=timezone.now())


def test_the_end_of_an_experiment_is_told_once_and_signed(secret: str, make_experiment: Make, actor_ada: Actor) -> None:
    experiment, receiver = make_experiment(name="digits"), Receiver()
    experiments.stop(actor_ada, experiment)
    experiments.update(actor_ada, experiment, experiments.Changes(description="said afterwards"))

    for _ in range(2):
        hooks.collect()
        hooks.send_due(receiver)

    (message,) = receiver.messages
    assert (message["kind"], message["experiment"]["name"]) == ("experiment.stopped", "digits")
    url, data, headers = receiver.heard[0]
    signed = f"{headers['X-Tunebook-Time']}.{headers['X-Tunebook-Id']}.".encode() + data
    assert url == URL
    assert headers["X-Tunebook-Signature"] == hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def test_what_happened_before_it_was_added_is_not_told(
    make_experiment: Make, actor_ada: Actor, workspace: Workspace
) -> None:
    experiments.stop(actor_ada, make_experiment())
    verbs.add_webhook(actor_ada, workspace, url=URL, kinds=["experiment.stopped"])

    assert hooks.collect() == 0


def test_only_the_wanted_kinds_are_told(make_experiment: Make, actor_ada: Actor, workspace: Workspace) -> None:
    verbs.add_webhook(actor_ada, workspace, url=URL, kinds=["experiment.failed"])
    experiments.stop(actor_ada, make_experiment())

    assert hooks.collect() == 0


def test_a_message_that_is_not_taken_is_tried_again_and_given_up_at_last(
    secret: str, make_experiment: Make, actor_ada: Actor
) -> None:
    experiments.stop(actor_ada, make_experiment())
    hooks.collect()
    receiver = Receiver(500, Undeliverable("no public address"), 404, 500, 500, 500)

    before = timezone.now()
    hooks.send_due(receiver)
    delivery = Delivery.objects.get()
    assert delivery.next_try is not None and delivery.next_try - before >= timedelta(seconds=10)
    assert (delivery.tries, delivery.status, delivery.error) == (1, 500, "it answered 500")
    assert hooks.send_due(receiver) == 0 and len(receiver.heard) == 1
    for _ in range(6):
        overdue()
        hooks.send_due(receiver)

    delivery.refresh_from_db()
    assert (delivery.tries, delivery.next_try, delivery.delivered, len(receiver.heard)) == (6, None, None, 6)
    assert Webhook.objects.get().failures == 1


def test_a_webhook_that_takes_nothing_is_paused_with_the_reason(secret: str, actor_ada: Actor) -> None:
    hook = Webhook.objects.get()
    Webhook.objects.update(failures=hooks.MOST_FAILURES - 1)
    verbs.ping(actor_ada, hook)
    Delivery.objects.update(tries=len(hooks.AGAIN))

    hooks.send_due(Receiver(500))

    hook.refresh_from_db()
    assert hook.paused is not None and "in a row were not taken" in hook.reason
    assert hooks.send_due(Receiver()) == 0


def test_a_message_that_another_process_sends_is_left_to_it(secret: str, actor_ada: Actor) -> None:
    verbs.ping(actor_ada, Webhook.objects.get())
    second = Receiver()

    def first(url: str, data: bytes, headers: Mapping[str, str]) -> int:
        hooks.send_due(second)  # while this one is sending
        return 200

    assert hooks.send_due(first) == 1
    assert second.heard == []


def test_a_message_is_sent_again_on_demand(secret: str, actor_ada: Actor) -> None:
    hook, receiver = Webhook.objects.get(), Receiver()
    sent = verbs.ping(actor_ada, hook)
    hooks.send_due(receiver)

    verbs.send_again(actor_ada, hook, sent.pk)
    hooks.send_due(receiver)

    assert [message["kind"] for message in receiver.messages] == ["ping", "ping"]


@pytest.mark.parametrize(
    ("url", "kinds", "where"),
    [
        ("http://example.com", ["experiment.best"], "url"),
        ("https://user:pass@example.com", ["experiment.best"], "url"),
        ("file:///etc/passwd", ["experiment.best"], "url"),
        ("https://", ["experiment.best"], "url"),
        (URL, [], "kinds"),
        (URL, ["everything"], "kinds"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(
    actor_ada: Actor, workspace: Workspace, url: str, kinds: list[str], where: str
) -> None:
    with pytest.raises(SpecError) as refused:
        verbs.add_webhook(actor_ada, workspace, url=url, kinds=kinds)

    assert refused.value.path == where
    assert not Webhook.objects.exists()


def test_only_administrators_have_to_do_with_webhooks(actor_ben: Actor, workspace: Workspace) -> None:
    with pytest.raises(NotAllowed):
        verbs.webhooks_of(actor_ben, workspace)
