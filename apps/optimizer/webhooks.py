"""Tells a job's monitor about failures and new bests, if the installation allows requests to the outside.

Only https, only to public addresses, to exactly the address that was checked, without redirects; what the other side
answers is never looked at. A message that cannot be delivered is dropped: a failing watcher never disturbs a sweep.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import logging
import queue
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from django.conf import settings

from apps.optimizer.work import Work
from tunebook.monitor import Monitor

log = logging.getLogger(__name__)

SECONDS = 5.0
LONGEST = 15.0
"""Seconds that a whole message may take: a receiver that answers letter by letter would hold up all others."""
MOST_ANSWER = 64 * 1024
MOST_WAITING = 200
BEST_EVERY = 10.0
"""Seconds between two messages about new bests of one experiment."""

Post = Callable[[str, bytes], None]


class Undeliverable(Exception):
    """The address may not be used, or nobody took the message."""


class Sender:
    """Takes messages from the loop and sends them from a thread of its own, started with the first one."""

    def __init__(self, post: Post | None = None, *, allowed: bool | None = None) -> None:
        self.post = post or deliver
        self.allowed = settings.TUNEBOOK_ALLOW_WEBHOOKS if allowed is None else allowed
        self.waiting: queue.Queue[tuple[str, bytes] | None] = queue.Queue(MOST_WAITING)
        self.thread: threading.Thread | None = None
        self.told: dict[str, float] = {}

    def tell(self, work: Work) -> None:
        """Send what a driver has to say; nothing without a monitor or where webhooks are off."""
        messages, work.messages = work.messages, []
        monitor = work.job.monitor
        if monitor is None or not self.allowed:
            return
        for kind, text in messages:
            if kind == "best" and time.monotonic() - self.told.get(work.lease.key, -BEST_EVERY) < BEST_EVERY:
                continue
            self.told[work.lease.key] = time.monotonic()
            self.put(monitor.url, body(monitor, f"experiment {work.lease.key}: {text}"))

    def put(self, url: str, data: bytes) -> None:
        if self.thread is None:
            self.thread = threading.Thread(target=self.run, name="webhooks", daemon=True)
            self.thread.start()
        try:
            self.waiting.put_nowait((url, data))
        except queue.Full:
            log.warning("a webhook message was dropped: too many are waiting")

    def run(self) -> None:
        while (item := self.waiting.get()) is not None:
            try:
                self.post(*item)
            except (Undeliverable, OSError, http.client.HTTPException, ValueError) as error:
                log.warning("a webhook message was not delivered: %s", error)

    def close(self) -> None:
        """Send what is waiting, for a few seconds at most."""
        if self.thread is not None:
            self.waiting.put(None)
            self.thread.join(SECONDS)
            self.thread = None


def body(monitor: Monitor, text: str) -> bytes:
    """The message as chat robots of the monitor's kind take it."""
    content = f"{monitor.keyword} {text}".strip()
    at = {
        "atMobiles": list(monitor.at_mobiles),
        "atUserIds": list(monitor.at_user_ids),
        "isAtAll": monitor.is_at_all,
    }
    return json.dumps({"msgtype": "text", "text": {"content": content}, "at": at}).encode()


def deliver(url: str, data: bytes) -> None:
    """Post JSON to a public https address. Raises Undeliverable, OSError or HTTPException."""
    status = post(url, data, headers(data))
    if status >= 300:
        raise Undeliverable(f"{urlsplit(url).hostname} answered {status}")


def post(url: str, data: bytes, headers: Mapping[str, str]) -> int:
    """Post JSON to a public https address; the status of the answer. Raises Undeliverable, OSError or HTTPException."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise Undeliverable("only https addresses are called")
    port = parts.port or 443
    address = public_address(parts.hostname, port)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with socket.create_connection((address, port), timeout=SECONDS) as plain:
        with (
            ssl.create_default_context().wrap_socket(plain, server_hostname=parts.hostname) as channel,
            _ended(channel),
        ):
            connection = http.client.HTTPConnection(parts.hostname, port, timeout=SECONDS)
            connection.sock = channel
            connection.request("POST", target, body=data, headers=dict(headers))
            answer = connection.getresponse()
            answer.read(MOST_ANSWER)
    return answer.status


@contextmanager
def _ended(channel: ssl.SSLSocket) -> Iterator[None]:
    """End the connection when the block takes too long, so that whoever reads from it gets an error."""
    timer = threading.Timer(LONGEST, _shut, [channel])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(channel: ssl.SSLSocket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(channel, socket.SHUT_RDWR)


def public_address(host: str, port: int) -> str:
    """The first address of a host, all of which must be public."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not ipaddress.ip_address(address).is_global or ipaddress.ip_address(address).is_multicast:
            raise Undeliverable(f"{host} is not a public address")
    return found[0]


def headers(data: bytes) -> dict[str, str]:
    """What tells the receiver when, which and from whom: the signature is over time, id and body."""
    moment, identity = str(int(time.time())), secrets.token_hex(8)
    key = hashlib.sha256(b"webhooks" + settings.SECRET_KEY.encode()).digest()
    signature = hmac.new(key, f"{moment}.{identity}.".encode() + data, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "X-Tunebook-Time": moment,
        "X-Tunebook-Id": identity,
        "X-Tunebook-Signature": signature,
    }
