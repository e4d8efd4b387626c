"""A file of measurements, one JSON line each, appended so that no other writer can tear them."""

import json
import math
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

Measurement = Mapping[str, float]

LOOK_EVERY = 2.0  # seconds between two looks for another waiting process
MOST_LEFT = 8 * 1024 * 1024  # bytes that are kept in memory while the disk is full
TRY_EVERY = 0.5
LONGEST_PATH = 100  # the address of a unix socket holds about 107 bytes


def line_of(step: int, metrics: Measurement) -> bytes:
    """One line of the file; what is not finite goes as a word, as JSON has none for it."""
    words = {name: as_json(value) for name, value in metrics.items()}
    record = {"step": step, "metrics": words, "at": round(time.time(), 6)}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def as_json(value: float) -> float | str:
    """The number, or the word for one that is not finite: "NaN", "Infinity", "-Infinity"."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


class Spool:
    """The file of one attempt. It is opened at the first line and stays open; a fork writes to the same end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = -1
        self._left = b""

    def append(self, step: int, metrics: Measurement) -> None:
        """Add a line by a single write. Raises OSError when that cannot be done now; the line then goes with the next."""
        if len(self._left) < MOST_LEFT:
            self._left += line_of(step, metrics)
        self._write()

    def settle(self, seconds: float) -> bool:
        """Write what could not be written before, trying for so long; whether all is written."""
        deadline = time.monotonic() + seconds
        while self._left:
            try:
                self._write()
            except OSError:
                if time.monotonic() > deadline:
                    return False
                time.sleep(TRY_EVERY)
        return True

    def _write(self) -> None:
        if self._file < 0:
            os.makedirs(os.path.dirname(self.path) or ".", mode=0o700, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        written = os.write(self._file, self._left)  # fewer bytes than given on a disk that fills up
        self._left = self._left[written:]

    def size(self) -> int:
        """Bytes in the file; 0 while there is none."""
        try:
            return os.path.getsize(self.path)
        except OSError:
            return 0

    def read(self, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """Whole lines from an offset, `limit` at most, and the offset behind them; broken lines are left out."""
        try:
            with open(self.path, "rb") as file:
                file.seek(offset)
                lines = [line for _, line in zip(range(limit), file, strict=False) if line.endswith(b"\n")]
        except FileNotFoundError:
            return [], offset
        return [record for line in lines if (record := _record(line))], offset + sum(map(len, lines))


class Wake:
    """Tells whoever waits for measurements that there are new ones. Nobody there, or too busy: it goes on.

    The one who waits may have been restarted under another name in the same folder: `optimizer-17-ab12.sock` is looked
    for among `optimizer-*.sock`, at most once in a while.
    """

    def __init__(self, path: str) -> None:
        self._folder, self._name = os.path.split(path)
        self._look_again = 0.0

    def poke(self) -> None:
        """Send one byte, or nothing."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                if not self._reached(sender, self._name) and time.monotonic() >= self._look_again:
                    self._look_again = time.monotonic() + LOOK_EVERY
                    self._name = next((name for name in self._others() if self._reached(sender, name)), self._name)
        except (OSError, AttributeError):  # no such folder, no descriptors left, or a system without such sockets
            return

    def _reached(self, sender: socket.socket, name: str) -> bool:
        """Was it there to hear it? A full queue counts: it will look anyway."""
        path = os.path.join(self._folder, name)
        folder = -1
        try:
            if len(os.fsencode(path)) > LONGEST_PATH:
                folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
                path = f"/proc/self/fd/{folder}/{name}"
            sender.sendto(b"m", path)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            if folder >= 0:
                os.close(folder)
        return True

    def _others(self) -> list[str]:
        role, dash, _ = self._name.partition("-")
        return sorted(name for name in os.listdir(self._folder) if dash and name.startswith(role + dash))


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
