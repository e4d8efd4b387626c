"""Wake-ups between the processes of one machine, without a broker.

Every process that waits for changes owns a datagram socket under the data folder; after a commit the writer pokes
them all. A poke may be lost: waiting always has a time limit, so only speed depends on it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

_DEAF: set[str] = set()
PATH_LIMIT = 100  # a unix socket's address holds about 107 bytes


def folder() -> Path:
    return Path(settings.TUNEBOOK_DATA) / "run" / "wake"


class Receiver:
    """A process's ear. `wait(seconds)` returns True when poked; `fileno()` serves event loops.

    heard: the first bytes of the pokes since it was last cleared, which tell what kind of news there is.
    hears_itself: whether pokes of this very process reach it; one that knows what it has written need not.
    """

    def __init__(self, role: str, *, hears_itself: bool = True) -> None:
        place = folder()
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = place / f"{role}-{os.getpid()}-{secrets.token_hex(3)}.sock"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        with _reachable(self.path) as address:
            self.socket.bind(address)
        self.heard: set[bytes] = set()
        if not hears_itself:
            _DEAF.add(self.path.name)

    def fileno(self) -> int:
        return self.socket.fileno()

    def drain(self) -> bool:
        """Take all waiting pokes; whether there was one."""
        poked = False
        with contextlib.suppress(BlockingIOError):
            while news := self.socket.recv(64):
                self.heard.add(news[:1])
                poked = True
        return poked

    def wait(self, seconds: float) -> bool:
        """Sleep until poked or the time is over; whether poked."""
        ready, _, _ = select.select([self.socket], [], [], max(seconds, 0))
        return bool(ready) and self.drain()

    def close(self) -> None:
        self.socket.close()
        _DEAF.discard(self.path.name)
        self.path.unlink(missing_ok=True)


def poke() -> None:
    """Wake everybody who waits on this machine. Never raises, never blocks; removes the sockets of the dead."""
    try:
        place = os.path.join(settings.TUNEBOOK_DATA, "run", "wake")
        sockets = [name for name in os.listdir(place) if name.endswith(".sock") and name not in _DEAF]
    except OSError:
        return
    if not sockets:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for name in sockets:
            _poke_one(sender, os.path.join(place, name))


def poke_once() -> Callable[[], None]:
    """For `transaction.on_commit`: several calls in one transaction poke once."""
    return _nothing if any(entry[1] is poke for entry in connection.run_on_commit) else poke


def _nothing() -> None:
    return None


def _poke_one(sender: socket.socket, path: str) -> None:
    try:
        with _reachable(path) as address:
            sender.sendto(b"w", address)
    except ConnectionRefusedError:
        _bury(Path(path))
    except OSError:
        return


def _bury(path: Path) -> None:
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()


@contextlib.contextmanager
def _reachable(path: str | Path) -> Iterator[str]:
    """The address to use for a path; a path too long for a socket is reached through the folder's descriptor."""
    if len(os.fsencode(path)) <= PATH_LIMIT:
        yield str(path)
        return
    parent, name = os.path.split(path)
    directory = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{name}"
    finally:
        os.close(directory)
