"""Whether the web process answers yet. Standard library only, and little of it: the supervisor of `up` stays in memory."""

import contextlib
import socket
import time
from collections.abc import Callable

ASK_EVERY = 0.05  # seconds; a start takes one or two
PATIENCE = 2.0  # seconds for one answer


def answers(host: str, port: int, tls: bool = False) -> bool:
    """Whether the probe of being alive is answered at this address. Never raises.

    With TLS it is enough that somebody accepts: the web process listens once it has loaded everything, and reading its
    answer would cost the supervisor the memory of a TLS library.
    """
    request = b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n"
    with contextlib.suppress(OSError), socket.create_connection((reachable(host), port), PATIENCE) as web:
        if tls:
            return True
        web.sendall(request)
        return web.recv(16).split(b" ")[1:2] == [b"200"]
    return False


def wait(host: str, port: int, then: Callable[[], None], tls: bool = False) -> None:
    """Call `then` as soon as somebody answers."""
    while not answers(host, port, tls):
        time.sleep(ASK_EVERY)
    then()


def reachable(host: str) -> str:
    """The address by which this machine reaches what listens on `host`."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
