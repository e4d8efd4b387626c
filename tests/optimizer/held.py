"""A real keeper whose runners wait at a gate, as on a machine that has no time or no room for them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from apps.optimizer import runner

PROGRAM = """
import os, sys, time
sys.path.append(os.path.dirname({package!r}))
from runner import attempt, keeper

def hold(folder):
    if {only!r} in folder:
        while not os.path.exists({gate!r}):
            time.sleep(0.005)

take, note = attempt.Runner.claim, attempt.Runner.note
if {before!r} == "its lock":
    attempt.Runner.claim = lambda self: (hold(self.folder), take(self))[1]
else:
    attempt.Runner.note = lambda self, *given, **more: (hold(self.folder), note(self, *given, **more))[1]
keeper.main({data!r})
"""


def start_keeper(data: Path, *, before: str, gate: Path, only: str = "/") -> None:
    """Start the keeper of a data folder; attempts with `only` in their folder wait until the gate exists.

    before: "its lock", so that nothing tells of the runner, or "its first note".
    """
    package = str(Path(runner.__file__).parent)
    program = PROGRAM.format(package=package, only=only, gate=str(gate), before=before, data=str(data))
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True, timeout=30)
