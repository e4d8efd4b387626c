"""How keeper, runners and optimizers find and tell each other: frames on a stream, pokes on datagram sockets."""

from __future__ import annotations

import contextlib
import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only the type checker needs would stay in the keeper's memory
    from collections.abc import Iterator

HELLO, LAUNCH, RETIRE = b"H", b"L", b"R"


def wake(folder: str) -> None:
    """Poke every optimizer that listens in the folder; nobody there is fine."""
    try:
        names = [name for name in os.listdir(folder) if name.startswith("optimizer") and name.endswith(".sock")]
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        for name in names:
            with contextlib.suppress(OSError), short(os.path.join(folder, name)) as address:
                sock.sendto(b"e", address)


@contextlib.contextmanager
def short(path: str) -> Iterator[str]:
    """A name for a socket file that fits the 107 bytes which the kernel allows."""
    if len(os.fsencode(path)) < 100:
        yield path
        return
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    finally:
        os.close(folder)


def receive_frame(channel: socket.socket) -> bytes | None:
    """The next whole frame of a stream; None when the other side has closed it."""
    data = bytearray()
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        piece = channel.recv(1 << 18)
        if not piece:
            return None
        data += piece
    return bytes(data[4:])


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body
