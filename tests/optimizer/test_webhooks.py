"""What a monitor hears, and where a request may go."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain, islice, repeat
from pathlib import Path

import pytest

from apps.config import tls
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


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Starts a receiver that hears one message and answers with these pieces, one every tenth of a second; its address."""
    files = tls.ready(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.ca))
    monkeypatch.setattr(webhooks, "public_address", lambda host, port: "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    pause = threading.Event()

    def answer(listening: socket.socket, pieces: Iterable[bytes]) -> None:
        with listening, listening.accept()[0] as plain, suppress(OSError):
            with context.wrap_socket(plain, server_side=True) as channel:
                heard = b""
                while not heard.endswith(b"{}"):
                    heard += channel.recv(65536)
                for piece in pieces:
                    channel.sendall(piece)
                    pause.wait(0.1)

    def start(*pieces: bytes, rest: Iterable[bytes] = ()) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=answer, args=[listening, chain(pieces, rest)], daemon=True).start()
        return f"https://localhost:{listening.getsockname()[1]}/robot"

    return start


@pytest.mark.parametrize("status", [200, 302, 500])
def test_what_a_receiver_answers_is_told_and_not_followed(receiver: Callable[..., str], status: int) -> None:
    url = receiver(f"HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode())

    assert webhooks.post(url, b"{}", {}) == status


def test_a_certificate_that_nobody_vouches_for_is_refused(
    receiver: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = receiver(b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(ssl.SSLCertVerificationError):
        webhooks.post(url, b"{}", {})


@pytest.mark.parametrize("begins", [b"HTTP/1.1 200 X\r\n", b"HTTP/1.1 200 X\r\n\r\n"], ids=["header", "body"])
def test_a_receiver_that_answers_letter_by_letter_holds_nobody_up(
    receiver: Callable[..., str], monkeypatch: pytest.MonkeyPatch, begins: bytes
) -> None:
    monkeypatch.setattr(webhooks, "LONGEST", 0.5)
    url = receiver(begins, rest=islice(repeat(b"x"), 200))
    began = time.monotonic()

    assert webhooks.post(url, b"{}", {}) == 200
    assert time.monotonic() - began < 10
