"""What the test suite needs beside Python packages: a Chromium, and a PostgreSQL of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")
# Durability is not what is tested, and the disk is shared.
QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60 -c listen_addresses="


@dataclass(frozen=True)
class Tool:
    """A program that some tests need."""

    name: str
    package: str  # Debian's
    lost: str  # what cannot run without it

    def find(self) -> Path | None:
        return chromium() if self.package == "chromium" else postgresql()


TOOLS = (
    Tool("Chromium", "chromium", "the browser tests (marker browser)"),
    Tool("PostgreSQL", "postgresql", "the second run of the database tests, on PostgreSQL"),
)


def chromium() -> Path | None:
    """The browser's program: TUNEBOOK_CHROMIUM, or the first that is found."""
    names = [os.environ.get("TUNEBOOK_CHROMIUM", ""), *CHROMIUMS]
    return next((Path(found) for name in names if name and (found := shutil.which(name))), None)


def postgresql() -> Path | None:
    """The folder of the server's programs: the newest of Debian's, else where initdb is on the path."""
    folders = sorted(DEBIAN_POSTGRESQL.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    folders = [folder for folder in folders if (folder / "initdb").is_file()]
    on_path = shutil.which("initdb")
    return folders[0] if folders else Path(on_path).resolve().parent if on_path else None


def provide() -> list[Tool]:
    """Install what is missing where that is possible (root, and apt). The tools that are then still missing."""
    wanted = [tool for tool in TOOLS if tool.find() is None]
    if wanted and os.geteuid() == 0 and shutil.which("apt-get"):
        names = [tool.package for tool in wanted]
        print(f"Installing {' and '.join(names)} for the tests ...", flush=True)
        _apt("update", "-q")
        _apt("install", "-q", "-y", "--no-install-recommends", *names)
    return [tool for tool in wanted if tool.find() is None]


def _apt(*arguments: str) -> None:
    """Run apt-get, twice if need be: mirrors fail now and then. A failure shows in what is missing afterwards."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for _ in range(2):
        done = subprocess.run(
            ["apt-get", *arguments], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return
    print(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-500:]}", file=sys.stderr, flush=True)


@contextmanager
def running_postgresql(programs: Path) -> Iterator[str]:
    """The address of an empty server that lives as long as the block, reachable by a socket file only."""
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="tunebook-pg-"))
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        subprocess.run(command, user=user, group=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    data, log = str(folder / "data"), str(folder / "log")
    try:
        run(
            "initdb",
            "--pgdata",
            data,
            "--username",
            "tunebook",
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--lc-ctype",
            "C.UTF-8",  # the order of bytes is fast, but without it no letter beyond a to z has a case
            "--no-sync",
        )
        run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", log, "--options", f"-k {folder} {QUICK}")
        try:
            yield f"postgres://tunebook@{quote(str(folder), safe='')}/postgres"
        finally:
            run("pg_ctl", "stop", "--mode", "immediate", "--pgdata", data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str | None:
    """Whom to run the server as: PostgreSQL refuses root. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    names = {line.split(":", 1)[0] for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines()}
    return "postgres" if "postgres" in names else "nobody"
