"""What one worker at a time does for all: stale experiments become UNKNOWN, orphans are stopped, old events go,
files that nothing refers to are collected, old trash is emptied, and what finding needs is kept."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import DateTimeField, ExpressionWrapper, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from apps.artifacts import snapshots, store
from apps.experiments.models import Chore
from apps.feed import upkeep as feed_upkeep
from apps.optimizer import census, hooks, leftovers
from apps.optimizer.work import Place
from apps.search import facts
from apps.tuning import attempts, leases, remains, trash

log = logging.getLogger(__name__)

EVERY = 10.0
HOLD = timedelta(seconds=30)
COLLECT_EVERY = timedelta(minutes=10)
FACTS_EVERY = timedelta(seconds=10)
RECENT = timedelta(minutes=10)
FACTS_AT_ONCE = 600
ALL_FACTS_EVERY = timedelta(hours=1)
LEFTOVERS_EVERY = timedelta(hours=1)
HOOKS_EVERY = timedelta(seconds=5)
SLACK = timedelta(minutes=1)
POSTMAN = hooks.Postman()
PURGE = feed_upkeep.Purge()
STOPPED: set[str] = set()
"""Launch keys of orphans that were told of; ending one may take several rounds."""
FREE = Q(until=None) | Q(until__lt=Now())


def run(worker: str, place: Place) -> None:
    """The chores of this machine, and those of the installation if it is this worker's turn."""
    if hold(f"orphans:{place.host}"[:32], worker):
        census.bury(place.host, place.data)
        stop_orphans(place)
        leftovers.remove(place.data)
    if due(f"leftovers:{place.host}"[:32], LEFTOVERS_EVERY):
        leftovers.find(place.data)
    if hold("maintenance", worker):
        abandoned = leases.abandon()
        if abandoned:
            log.warning("%d experiments have no living optimizer", abandoned)
        PURGE.step()
        remains.remove(seconds=leftovers.LONGEST)
    if due("facts", FACTS_EVERY):
        keep_facts()
    if due("webhooks", HOOKS_EVERY):
        POSTMAN.go()
    if due("trash", COLLECT_EVERY):
        hooks.forget()
        trash.empty()
    if due("artifacts", COLLECT_EVERY):
        collect_files()


def run_elsewhere(worker: str, place: Place) -> None:
    """The chores of machines that are not this one: stop what nobody knows."""
    if hold(f"orphans:{place.host}"[:32], worker):
        stop_orphans(place)


def keep_facts() -> None:
    """What finding needs of the experiments that changed lately; now and then of all, in portions that delay nobody."""
    facts.catch_up(timezone.now() - RECENT, most=FACTS_AT_ONCE)
    if due("all facts", ALL_FACTS_EVERY) and facts.catch_up(most=FACTS_AT_ONCE) >= FACTS_AT_ONCE:
        _again("all facts")


def collect_files() -> None:
    """Remove some of the files that nothing refers to any more; where there are more, at the next turn."""
    snapshots.collect()
    if store.collect() >= store.COLLECT_AT_ONCE:
        _again("artifacts")


def hold(chore: str, worker: str) -> bool:
    """Take or keep a chore's lease by the database's clock; False when another worker has it. Up to three queries."""
    return _take(chore, Q(holder=worker) | FREE, worker, HOLD)


def due(chore: str, every: timedelta) -> bool:
    """Whether it is time for a chore that some worker does once in a while; then it is this one's. Up to three queries."""
    return _take(chore, FREE, "", every)


def _again(chore: str) -> None:
    """There is more of it: go on at the next turn."""
    Chore.objects.filter(pk=chore).update(until=None)


def _take(chore: str, where: Q, worker: str, span: timedelta) -> bool:
    until = ExpressionWrapper(Now() + Value(span), output_field=DateTimeField())
    # a little more than anybody may ask for: who waited for the row has an earlier "now" than who took it before
    before_the_clock_was_set = Q(until__gt=until + Value(SLACK))
    wanted = Chore.objects.filter(where | before_the_clock_was_set, pk=chore)
    if wanted.update(holder=worker, until=until):
        return True
    Chore.objects.bulk_create([Chore(name=chore)], ignore_conflicts=True)
    return bool(wanted.update(holder=worker, until=until))


def stop_orphans(place: Place) -> int:
    """Stop attempts on this machine that no open attempt row knows; how many there were."""
    owned = list(place.executor.list_owned())
    if not owned:
        return 0
    known = attempts.open_ones([handle.key for handle in owned])
    orphans = [handle for handle in owned if handle.key not in known]
    for handle in orphans:
        if place.executor.poll([handle])[0].has_ended:
            continue
        if handle.key not in STOPPED:
            STOPPED.add(handle.key)
            log.warning("stopping %s: nobody knows it", handle.key)
            attempts.orphan_stopped(handle.place[0], handle.place[1], handle.key)
        place.executor.stop(handle, 5.0)
    return len(orphans)
