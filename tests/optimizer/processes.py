"""Real optimizer processes on the test's database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent


def database_url() -> str:
    """The address of the database that the running test uses."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(given["NAME"])
    user = f"{quote(given['USER'])}:{quote(given['PASSWORD'])}@" if given["USER"] else ""
    host = given["HOST"] or given["OPTIONS"].get("host", "")
    port = f"&port={given['PORT']}" if given["PORT"] else ""
    return f"postgres://{user}/{given['NAME']}?host={quote(host, safe='')}{port}"


@contextmanager
def optimizer(data: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`run_optimizer` in a process of its own, with a data folder that no other test uses; killed at the end."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TUNEBOOK_DATA": str(data),
        "TUNEBOOK_DATABASE_URL": database_url(),
    }
    command = [sys.executable, str(ROOT / "manage.py"), "run_optimizer", "--slots", "2", *options]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """What no process can prepare for."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()
