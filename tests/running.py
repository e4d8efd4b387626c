"""A command in a process of its own, as somebody runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Running:
    """One command in a process of its own, and the lines that it has said so far."""

    def __init__(self, data: Path, *arguments: str, **variables: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("TUNEBOOK_", "DJANGO_"))}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**kept, "TUNEBOOK_DATA": str(data), "PYTHONUNBUFFERED": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def line(self, words: str) -> str:
        """The first line from now on that contains these words. Fails when the process ends without saying them."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return line
        raise AssertionError(f"never said {words!r}:\n{self.said}")

    def end(self) -> int:
        """Ask it to end as a terminal or a service manager would. Its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.said += self.process.communicate(timeout=120)[0]
        return self.process.returncode

    def children(self) -> dict[str, int]:
        """The processes that it started: the command of each and its number."""
        found = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                words = (status.parent / "cmdline").read_text().split("\0")
            except (OSError, ValueError):
                continue  # it has ended meanwhile
            if parent == self.process.pid and "manage.py" in " ".join(words):
                found[next(word for word in words if word in ("serve", "run_optimizer"))] = int(status.parent.name)
        return found
