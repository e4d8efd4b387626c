"""What a monitor hears, and where a request may go."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from apps.optimizer import webhooks
from apps.optimizer.executors.replay import Recording
from apps.optimizer.webhooks import Sender, Undeliverable
from tests.optimizer.conftest import Theatre
from tunebook.limits import Limits
from tunebook.monitor import Monitor

MONITOR = Monitor("https://hooks.example.com/robot", keyword="sweep", at_mobiles=("123",))


class Ear:
    def __init__(self) -> None:
        self.heard: list[tuple[str, dict]] = []

    def __call__(self, url: str, data: bytes) -> None:
        self.heard.append((url, json.loads(data)))

    def texts(self) -> list[str]:
        return [message["text"]["content"] for _, message in self.heard]


def played(theatre: Callable[..., Theatre], sender: Sender, **job: object) -> Theatre:
    stage = theatre(**{"monitor": MONITOR, "limits": Limits(max_trials=1), **job})
    stage.play()
    assert stage.driver is not None
    sender.tell(stage.driver.work)
    sender.close()
    return stage


@pytest.mark.django_db
def test_a_new_best_is_told(theatre: Callable[..., Theatre]) -> None:
    ear = Ear()

    stage = played(theatre, Sender(ear, allowed=True))

    ((url, message),) = ear.heard
    assert url == MONITOR.url
    assert message["text"]["content"].startswith(f"sweep experiment {stage.experiment.key}: new best")
    assert message["at"]["atMobiles"] == ["123"]


@pytest.mark.django_db
def test_a_failure_is_told(theatre: Callable[..., Theatre]) -> None:
    ear = Ear()

    played(
        theatre,
        Sender(ear, allowed=True),
        recording=lambda spec: Recording(code=1),
        limits=Limits(max_trials=9, max_failed=1),
    )

    assert "failed: 2 trials failed" in ear.texts()[-1]


@pytest.mark.django_db
def test_nothing_is_told_where_webhooks_are_off(theatre: Callable[..., Theatre]) -> None:
    ear = Ear()

    played(theatre, Sender(ear, allowed=False))

    assert ear.heard == []


def test_a_message_that_cannot_be_delivered_disturbs_nothing() -> None:
    def broken(url: str, data: bytes) -> None:
        raise OSError("no route")

    sender = Sender(broken, allowed=True)
    sender.put("https://hooks.example.com", b"{}")

    sender.close()

    assert sender.thread is None


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "224.0.0.1", "fe80::1"])
def test_only_public_addresses_are_called(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    found = [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", (address, 443))]
    monkeypatch.setattr(webhooks.socket, "getaddrinfo", lambda *given, **more: found)

    with pytest.raises(Undeliverable, match="not a public address"):
        webhooks.deliver("https://hooks.example.com/x", b"{}")


def test_only_https_is_called() -> None:
    with pytest.raises(Undeliverable, match="https"):
        webhooks.deliver("http://hooks.example.com/x", b"{}")
