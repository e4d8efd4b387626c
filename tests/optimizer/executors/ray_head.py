"""A real Ray head on this machine, that asks for a token."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from apps.optimizer.executors.base import Unavailable
from apps.optimizer.executors.ray_jobs import RayJobs
from tests.optimizer.waiting import until

TOKEN = "a-token-of-this-test-and-of-nothing-else"
START_SECONDS = 180.0
PORTS = (
    "--port",
    "--dashboard-port",
    "--dashboard-agent-listen-port",
    "--dashboard-agent-grpc-port",
    "--runtime-env-agent-port",
    "--metrics-export-port",
    "--node-manager-port",
    "--object-manager-port",
)


class Head:
    """One head, which can be killed and started again with nothing remembered."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ray-"))  # sockets lie in it, whose names must be short
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.address = f"http://127.0.0.1:{self.ports['--dashboard-port']}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers as one that knows nothing yet."""
        options = [f"{name}={port}" for name, port in self.ports.items()]
        command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus=4"]
        environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("TUNEBOOK_")},
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        with open(self.folder / "head.log", "ab") as log:
            self.process = subprocess.Popen(
                [*command, "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", *options]
                + ["--disable-usage-stats", f"--temp-dir={self.folder}/t"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.answers, seconds=START_SECONDS, what=f"the head answers, see {self.folder}/head.log")

    def answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, (self.folder / "head.log").read_text()[-3000:]
        try:
            RayJobs(self.address, TOKEN).all()
        except Unavailable:
            return False
        return True

    def kill(self) -> None:
        """End all its processes at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            for pid in processes_of(self.folder):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def processes_of(folder: Path) -> list[int]:
    """Processes whose command line names the folder of a head."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and os.fsencode(folder) in Path(f"/proc/{name}/cmdline").read_bytes():
                found.append(int(name))
    return found


@contextlib.contextmanager
def running_head() -> Iterator[Head]:
    head = Head()
    try:
        head.start()
        yield head
    finally:
        head.kill()
        shutil.rmtree(head.folder, ignore_errors=True)


OURS = range(20_000, 32_768)
"""Ports that no system gives away by itself, neither to who asks for any nor to who calls somebody, and Ray's workers take
none of: they stay free until the head takes them, also while it is started again."""


def free_ports(count: int) -> list[int]:
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.SystemRandom().sample(OURS, len(OURS)):
            with contextlib.suppress(OSError):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                found.append(port)
            if len(found) == count:
                return found
    raise AssertionError("no port is free")
