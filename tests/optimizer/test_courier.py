"""What a courier finds on the machine of a cluster, and leaves there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from apps.optimizer import courier

OLD = 1_000_000_000


def a_folder(above: Path, name: str, *, old: bool = True) -> Path:
    program = above / name / "remote.pyz"
    program.parent.mkdir()
    program.write_bytes(b"")
    if old:
        os.utime(program, (OLD, OLD))
    return program


def test_what_killed_attempts_have_left_is_removed_and_what_runs_is_not(tmp_path: Path) -> None:
    mine, left = a_folder(tmp_path, "tunebook-mine"), a_folder(tmp_path, "tunebook-left")
    fresh, other = a_folder(tmp_path, "tunebook-fresh", old=False), a_folder(tmp_path, "another-left")
    held = a_folder(tmp_path, "tunebook-held")
    holder = f"import fcntl, sys; f = open({str(held)!r}); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert courier.hold(mine)

        courier.clear(mine)
        process.communicate()

    assert [path.exists() for path in (mine, fresh, other, held, left)] == [True, True, True, True, False]


def test_an_order_names_the_folder_of_its_machine() -> None:
    order = {
        "cwd": "/data/trials/k/3/1/work",
        "steps": [{"command": ["cat", "/data/trials/k/3/1/params.json"]}],
        "n": 1,
    }

    found = courier.localised(order, "/data/trials/k/3", "/tmp/x")

    assert found == {"cwd": "/tmp/x/1/work", "steps": [{"command": ["cat", "/tmp/x/1/params.json"]}], "n": 1}
