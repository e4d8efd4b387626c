import os
import subprocess
import sys
from argparse import ArgumentParser

from django.conf import settings
from django.core.management import BaseCommand

from apps.config import testbed

NOTHING_SELECTED = 5  # pytest's status for it
BROWSER = "tests/browser"  # all that have the mark lie there: tests/conftest.py gives it by the folder


class Command(BaseCommand):
    help = (
        "Run the test suite: everything on SQLite, then what touches the database again on PostgreSQL. "
        "Other arguments go to pytest; with some, only SQLite is used unless --on says otherwise."
    )
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Take our own options and leave every other argument to pytest, which argparse could not."""
        parser = ArgumentParser(prog=f"{argv[0]} test", description=self.help)
        parser.add_argument("--on", choices=["sqlite", "postgresql", "both"], help="the database (both)")
        parser.add_argument("--prepare", action="store_true", help="install what the tests need, run none")
        options, others = parser.parse_known_args(argv[2:])
        raise SystemExit(run(options.on, options.prepare, others))


def run(on: str | None, prepare: bool, others: list[str]) -> int:
    """Provide the tools, then test on one database or on both. The exit status."""
    missing = testbed.provide()
    for tool in missing:
        print(f"{tool.name} is not installed, so these are left out: {tool.lost}.", file=sys.stderr)
    if missing and os.environ.get("CI"):
        print("In CI nothing may be left out.", file=sys.stderr)
        return 1
    if prepare:
        return 0
    on = on or ("sqlite" if others else "both")
    lost = {tool.package for tool in missing}
    statuses = []
    if on != "postgresql" and others:
        statuses += [pytest([*(["-m", "not browser"] if "chromium" in lost else []), *others])]
    elif on != "postgresql":
        statuses += [pytest(_whole("not browser", f"--ignore={BROWSER}"))]
        statuses += [] if "chromium" in lost else [pytest(_whole("browser", BROWSER))]
    programs = testbed.postgresql()
    if on != "sqlite" and programs:
        print("On PostgreSQL:", flush=True)
        with testbed.running_postgresql(programs) as url:
            marked = "database and not browser"
            arguments = ["-m", marked, *others] if others else _whole(marked, f"--ignore={BROWSER}")
            statuses += [pytest(arguments, TUNEBOOK_DATABASE_URL=url)]
    ran = [status for status in statuses if status != NOTHING_SELECTED]
    return max(ran, default=NOTHING_SELECTED)


def pytest(arguments: list[str], **environ: str) -> int:
    """Run pytest in a process of its own, in the environment of the tests."""
    sys.stdout.flush()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TUNEBOOK_", "DJANGO_"))}
    if "TUNEBOOK_CHROMIUM" in os.environ:
        kept["TUNEBOOK_CHROMIUM"] = os.environ["TUNEBOOK_CHROMIUM"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=settings.ROOT, env={**kept, **environ}, check=False
    )
    return done.returncode


def _whole(marked: str, where: str) -> list[str]:
    """All tests with these marks, on every core, in the order in which tests/conftest.py puts their files.

    `where` spares every process the reading of files of which none has these marks.
    """
    return ["-m", marked, "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", where]
