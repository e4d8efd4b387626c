"""The client of the resident keeper: finds it, starts it when there is none, hands it orders."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apps.optimizer import runner
from apps.optimizer.executors.base import Busy, Unavailable

START_SECONDS = 10.0
ANSWER_SECONDS = 10.0


class KeeperClient:
    """A connection to the keeper of a data folder, made when first needed and again when it breaks."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.socket: socket.socket | None = None

    def launch(self, order: Mapping[str, Any]) -> int:
        """The process that has the order. Raises Busy when the machine cannot fork, Unavailable without a keeper.

        A keeper that died between two orders is replaced; an order sent twice runs once, because of its lock.
        """
        answer = self._ask(runner.LAUNCH, runner.encode(order).encode())
        if "pid" in answer and "error" not in answer and "protocol" not in answer:
            return int(answer["pid"])
        raise Busy(f"no process could be started: {answer.get('message', 'the keeper is going')}")

    def hello(self) -> Mapping[str, Any]:
        """Who the keeper is: its protocol, process and how many runners are busy."""
        return self._ask(runner.HELLO)

    def retire(self) -> None:
        """Ask the keeper to go when its runners have ended; does nothing when there is none."""
        self.close()
        with contextlib.suppress(OSError):
            self._connect()
            self._exchange(runner.RETIRE)
        self.close()

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def _ask(self, verb: bytes, body: bytes = b"") -> dict[str, Any]:
        for last_try in (False, True):
            if self.socket is None:
                self._find_or_start()
            try:
                return self._exchange(verb, body)
            except OSError as error:
                self.close()
                if last_try:
                    raise Unavailable(f"the keeper of {self.data} does not answer: {error}") from error
        raise AssertionError("unreachable")

    def _exchange(self, verb: bytes, body: bytes = b"") -> dict[str, Any]:
        if self.socket is None:
            raise ConnectionError("not connected")
        self.socket.sendall(runner.frame(verb + body))
        answer = runner.receive_frame(self.socket)
        if answer is None:
            raise ConnectionResetError("it closed the connection")
        return dict(json.loads(answer))

    def _connect(self) -> None:
        path = str(self.data / "run" / "keeper.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(ANSWER_SECONDS)
        try:
            with runner.short(path) as name:
                self.socket.connect(name)
        except OSError:
            self.close()
            raise

    def _find_or_start(self) -> None:
        """Connect to a keeper that speaks our protocol; another one is retired and replaced."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self._connect()
                if self._exchange(runner.HELLO)["protocol"] == runner.PROTOCOL:
                    return
                self._exchange(runner.RETIRE)
            self.close()
            self._start()
        raise Unavailable(f"no keeper could be started for {self.data}")

    def _start(self) -> None:
        """Start a keeper; it returns when somebody listens."""
        self.data.joinpath("run").mkdir(mode=0o700, parents=True, exist_ok=True)
        command = [sys.executable, "-I", "-S", str(Path(runner.__file__).parent), str(self.data)]
        with open(self.data / "run" / "keeper.log", "ab") as log:
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False, timeout=START_SECONDS
                )
            except subprocess.TimeoutExpired as error:
                raise Unavailable(f"the keeper takes more than {START_SECONDS:g} seconds to start") from error
        if done.returncode != 0:
            raise Unavailable(f"the keeper could not be started, see {self.data / 'run' / 'keeper.log'}")
