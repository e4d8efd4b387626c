"""What one worker at a time does for all: stale experiments become UNKNOWN, orphans are stopped, old events go."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper, Q, Value
from django.db.models.functions import Now

from apps.experiments.models import Chore
from apps.feed import upkeep as feed_upkeep
from apps.optimizer import census
from apps.optimizer.work import Place
from apps.tuning import driving, leases

log = logging.getLogger(__name__)

EVERY = 10.0
HOLD = timedelta(seconds=30)


def run(worker: str, place: Place) -> None:
    """The chores of this machine, and those of the installation if it is this worker's turn."""
    if hold(f"orphans:{place.host}"[:32], worker):
        census.bury(place.host)
        stop_orphans(place)
    if hold("maintenance", worker):
        abandoned = leases.abandon()
        if abandoned:
            log.warning("%d experiments have no living optimizer", abandoned)
        feed_upkeep.purge()


def hold(chore: str, worker: str) -> bool:
    """Take or keep a chore's lease by the database's clock; False when another worker has it. Up to three queries."""
    until = ExpressionWrapper(Now() + Value(HOLD), output_field=DateTimeField())
    mine = Chore.objects.filter(Q(holder=worker) | Q(until=None) | Q(until__lt=Now()), pk=chore)
    if mine.update(holder=worker, until=until):
        return True
    Chore.objects.bulk_create([Chore(name=chore)], ignore_conflicts=True)
    return bool(mine.update(holder=worker, until=until))


def stop_orphans(place: Place) -> int:
    """Stop attempts on this machine that no open attempt row knows; how many there were."""
    owned = list(place.executor.list_owned())
    if not owned:
        return 0
    known = {key for key, _state in driving.host_attempts(place.host)}
    orphans = [handle for handle in owned if handle.key not in known]
    for handle in orphans:
        if place.executor.poll([handle])[0].has_ended:
            continue
        log.warning("stopping %s: nobody knows it", handle.key)
        place.executor.stop(handle, 5.0)
    return len(orphans)
