"""Which optimizer processes of this machine live: a dead one's experiments need not wait for the end of its lease."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from django.db import connection
from django.utils import timezone

from apps.experiments.models import Worker
from apps.optimizer import marker, runner
from apps.tuning import blame, leases

log = logging.getLogger(__name__)

MOST_ON_SQLITE = 4


class TooMany(Exception):
    """This installation's database cannot serve another optimizer; the text says what to do."""


def name_of_this_process(host: str) -> str:
    """A name that tells where the process is and which one exactly: host, process, start, and who can see it."""
    return f"{host}-{os.getpid()}-{runner.start_ticks(os.getpid())}-{view()}"[-64:]


def view() -> str:
    """The boot and the process namespace; only within them a process number means anything."""
    namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    return f"{runner.boot_id()[:4]}{namespace[-5:]}"


def bury(host: str, data: Path) -> int:
    """Release what dead workers of this machine held; how many were dead. One query, and a few per dead one."""
    dead = [row for row in Worker.objects.filter(host=host, left=None) if is_dead(row)]
    for row in dead:
        held = leases.release_all(row.name)
        suspect = marker.last_of(data, row.name)
        if suspect and blame.optimizer_died(suspect):
            log.error("experiment %s is given up: it takes its optimizers with it", suspect)
        Worker.objects.filter(pk=row.pk).update(left=timezone.now())
        log.info("optimizer %s had died; %d of its experiments are free", row.name, held)
    return len(dead)


def is_dead(row: Worker) -> bool:
    """Whether a worker's process is certainly gone; False where this process could not see it."""
    _host, _pid, ticks, seen_from = row.name.rsplit("-", 3)
    return seen_from == view() and runner.start_ticks(row.pid) != int(ticks)


def is_on_sqlite() -> bool:
    return connection.vendor == "sqlite"


def refuse_too_many(host: str) -> None:
    """Raise TooMany where SQLite would have to serve more processes, or another machine, than it can."""
    if not is_on_sqlite():
        return
    others = list(Worker.objects.alive().values_list("host", flat=True))
    if len(others) >= MOST_ON_SQLITE:
        raise TooMany(f"SQLite serves at most {MOST_ON_SQLITE} optimizers; with PostgreSQL there may be more")
    if any(other != host for other in others):
        raise TooMany("SQLite serves optimizers of one machine only; with PostgreSQL there may be several")
