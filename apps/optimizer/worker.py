"""One optimizer process: claims experiments, drives them, keeps its leases, and leaves in good order."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from django.db import close_old_connections
from django.db.models.functions import Now
from django.utils import timezone

from apps.experiments.models import Experiment, Host, Worker
from apps.feed import wake
from apps.optimizer import census, logbook, marker, runner, tracking, upkeep, webhooks
from apps.optimizer.analyst import Analyst
from apps.optimizer.driver import Driver, changed_rows, overhear
from apps.optimizer.executors.base import Executor
from apps.optimizer.executors.nowhere import Nowhere
from apps.optimizer.trouble import Trouble
from apps.optimizer.work import Place
from apps.tuning import leases
from apps.tuning.again import is_lost
from apps.tuning.errors import UNAVAILABLE
from apps.tuning.experiments import ACTIVE
from apps.tuning.leases import Lease
from tunebook.platform import LOCAL

log = logging.getLogger(__name__)

HEARTBEAT = 5.0
SELF_FENCE = 20.0
POLL = 1.0
CLAIM_EVERY = 0.05
HEALTH_EVERY = 5.0
RETRY_DATABASE = 1.0
CHECK_EVERY = 0.02
MEASURED, WRITTEN = b"m", b"w"
"""The kinds of pokes: a training script has measured, somebody has written to the database."""
MOST_WAIT_FOR_CLOSE = 10.0


@dataclass(frozen=True)
class Options:
    """How a worker runs. until_idle: leave when nothing is active. drain: on TERM wait for live trials; stop_trials:
    on TERM cancel them."""

    until_idle: bool = False
    drain: bool = False
    stop_trials: bool = False
    claims: int = 1_000


class OptimizerWorker:
    """The loop. Everything it holds in memory may be lost at any moment."""

    def __init__(
        self,
        executor: Executor,
        data: Path,
        *,
        slots: int,
        table_url: str = "",
        url: str = "",
        options: Options,
        elsewhere: Mapping[str, tuple[Executor, int]] = MappingProxyType({}),
    ) -> None:
        """elsewhere: by the name of a platform, what runs attempts on other machines, and how many at a time."""
        self.options = options
        self.name = census.name_of_this_process(executor.scope)
        self.receiver = wake.Receiver("optimizer", hears_itself=False)
        ear = str(self.receiver.path)
        authority = tracking.authority(data, url)
        self.place = Place(executor, data, executor.scope, slots, executor.scope, table_url, ear, url, authority)
        self.elsewhere = {
            name: Place(one, data, one.scope, room, executor.scope, table_url, "", url, authority)
            for name, (one, room) in elsewhere.items()
        }
        self.marker = marker.Marker(data, self.name)
        self.drivers: dict[int, Driver] = {}
        self.leaving = threading.Event()
        self.is_new = True
        self.renewed = time.monotonic()
        self.next_beat = self.next_claim = self.next_health = self.next_chores = 0.0
        self.database_trouble = ""
        self.next_check, self.must_check = 0.0, True
        self.next_offer = 0.0
        self.webhooks = webhooks.Sender()
        self.analyst = Analyst()

    def run(self) -> None:
        """Work until told to leave; release what is held on every way out but a crash."""
        try:
            self.register()
            while not self.is_done():
                self.receiver.wait(self.patience())
                self.round()
        finally:
            self.leave()

    def round(self) -> None:
        """One pass over everything. A database that is away is waited for; trials go on meanwhile."""
        try:
            self.beat()
            self.claim()
            self.chores()
            self.turns()
            self.say_once("")
        except UNAVAILABLE as error:
            self.say_once(" ".join(str(error).split()))
            if is_lost(error):
                self.drivers.clear()  # the server that comes back may lack the last of what this one was told is written
            close_old_connections()
            self.next_beat = 0.0
            self.leaving.wait(RETRY_DATABASE)

    def say_once(self, trouble: str) -> None:
        """Tell the log what is wrong with the database, and when that is over; not every second that it lasts."""
        if trouble and trouble != self.database_trouble:
            log.warning("the database does not answer, trials go on: %s", trouble)
        elif self.database_trouble and not trouble:
            log.info("the database answers again")
        self.database_trouble = trouble

    def ask_to_leave(self) -> None:
        """Finish this round, then go. Safe to call from a signal handler."""
        self.leaving.set()
        self.next_beat = 0.0  # to say so
        runner.wake(str(self.receiver.path.parent))  # which reaches this process too

    def register(self) -> None:
        """Add this process to those who do the work, and take over at once from those that died here."""
        census.bury(self.place.host, self.place.data)
        census.refuse_too_many(self.place.host)
        row = {"host": self.place.host, "pid": os.getpid(), "slots": self.place.slots, "left": None}
        Worker.objects.update_or_create(name=self.name, defaults=row)
        Host.objects.update_or_create(name=self.place.host, defaults={"slots": self.place.slots})
        log.info("optimizer %s started with %d slots", self.name, self.place.slots)

    def is_done(self) -> bool:
        if self.leaving.is_set():
            waits = self.options.drain or self.options.stop_trials
            return not (waits and any(driver.work.live for driver in self.drivers.values()))
        return self.options.until_idle and not self.drivers and not self.is_new and not self.has_more()

    def has_more(self) -> bool:
        """Whether any experiment is active; there may be one where the database does not answer."""
        try:
            return Experiment.objects.filter(status__in=ACTIVE, ended=None).exists()
        except UNAVAILABLE:
            return True

    def beat(self) -> None:
        """Renew this worker's row and all leases; drop what has another driver."""
        moment = time.monotonic()
        if moment < self.next_beat:
            return
        Worker.objects.filter(name=self.name).update(seen=Now(), draining=self.leaving.is_set())
        held = leases.renew(self.name)
        self.renewed = moment  # the leases may have been renewed long before the answer came
        self.next_beat = moment + HEARTBEAT
        for pk, driver in list(self.drivers.items()):
            if (pk, driver.lease.epoch) not in held:
                self.note(driver.lease, f"{self.name} does not drive it any more: its lease is another's, or over")
                self.drop(pk)
        self.take_again({pk: epoch for pk, epoch in held if pk not in self.drivers})

    def take_again(self, dropped: dict[int, int]) -> None:
        """Drive anew what is still ours but was dropped because the database failed in the middle of a turn."""
        if dropped and not self.leaving.is_set():
            for pk, key in Experiment.objects.filter(pk__in=dropped).values_list("pk", "key"):
                self.take(Lease(pk, key, self.name, dropped[pk]))

    def claim(self) -> None:
        """Take over experiments that nobody drives: a fair share, and one more. What is held beyond that is given back."""
        moment = time.monotonic()
        written = self.is_new or WRITTEN in self.receiver.heard
        if self.leaving.is_set() or moment < self.next_claim - (POLL - CLAIM_EVERY if written else 0.0):
            return
        self.next_claim = moment + POLL
        hosts = list(Worker.objects.alive().filter(draining=False).values_list("host", flat=True))
        room = min(self.options.claims, self.share(len(hosts))) - len(self.drivers)
        for lease in leases.claim(self.name, most=room) if room > 0 else ():
            self.take(lease)
        if room < 0 and set(hosts) == {self.place.host}:  # another machine could not see the trials that run here
            self.give_back(-room)
        self.is_new = False

    def share(self, workers: int) -> int:
        """How many experiments one of so many workers may drive."""
        if workers <= 1:
            return self.options.claims
        active = Experiment.objects.filter(status__in=ACTIVE, ended=None).count()
        return math.ceil(active / workers) + 1

    def give_back(self, count: int) -> None:
        """Leave experiments to a worker that came later, first those with the fewest trials to adopt."""
        for driver in sorted(self.drivers.values(), key=lambda one: len(one.work.live))[:count]:
            leases.release(driver.lease)
            self.note(driver.lease, f"{self.name} leaves it to another optimizer; trials go on")
            self.drop(driver.lease.experiment_id)
        wake.poke()

    def take(self, lease: Lease) -> None:
        self.marker.show(lease.key)
        with self.trouble(lease):
            driver = self.drivers[lease.experiment_id] = Driver(lease, self.place_of)
            self.note(lease, f"{self.name} drives it now{_adopted(driver)}")

    def place_of(self, platform: str) -> Place:
        """Where trials of that platform run."""
        if platform == LOCAL:
            return self.place
        if platform not in self.elsewhere:
            nowhere = Nowhere(
                platform.lower(), f"its optimizer has no {platform}: set TUNEBOOK_{platform}_ADDRESS there"
            )
            self.elsewhere[platform] = replace(
                self.place, executor=nowhere, host=nowhere.scope, obstacle=nowhere.reason
            )
        return self.elsewhere[platform]

    @property
    def places(self) -> list[Place]:
        return [self.place, *self.elsewhere.values()]

    def chores(self) -> None:
        """Now and then: whether there is disk left, and the upkeep that one worker at a time does."""
        moment = time.monotonic()
        if moment >= self.next_health:
            self.next_health = moment + HEALTH_EVERY
            for place in self.places:
                health = place.executor.health()
                place.obstacle = "" if health.ready else health.reason
        if moment >= self.next_chores:
            self.next_chores = moment + upkeep.EVERY
            upkeep.run(self.name, self.place)
            for place in self.elsewhere.values():
                upkeep.run_elsewhere(self.name, place)
        self.analyst.turn()

    def turns(self) -> None:
        """Give every driver its turn. A driver in trouble is set aside; the others go on."""
        if time.monotonic() - self.renewed > SELF_FENCE:
            return
        changed = self.changed()
        measured = MEASURED in self.receiver.heard
        self.receiver.heard.clear()
        longest = min((one.work.served_at for one in self.drivers.values() if one.work.starves), default=math.inf)
        for pk, driver in list(self.drivers.items()):
            driver.work.yields = driver.work.served_at > longest
            self.marker.show(driver.lease.key)
            with self.trouble(driver.lease):
                self.turn(driver, measured, changed=pk in changed)
            if driver.has_ended:
                self.drivers.pop(pk, None)
        self.marker.show(marker.NOBODY)
        self.feed_the_starved()

    def feed_the_starved(self) -> None:
        """Offer free slots to those who wait for one, first to whoever was served the longest ago."""
        waiting = [driver for driver in self.drivers.values() if driver.work.starves]
        if all(self.is_full(driver.work.place) for driver in waiting) and time.monotonic() < self.next_offer:
            return
        self.next_offer = time.monotonic() + POLL  # other workers of this machine free slots too
        for driver in sorted(waiting, key=lambda one: one.work.served_at):
            driver.work.yields = False
            with self.trouble(driver.lease):
                self.turn(driver, False, changed=True)

    def is_full(self, place: Place) -> bool:
        """Whether this worker alone has taken all slots there."""
        mine = sum(len(driver.work.live) for driver in self.drivers.values() if driver.work.place is place)
        return mine >= place.slots

    def changed(self) -> set[int]:
        """The experiments that others have changed; looked up when somebody has written, and now and then."""
        moment = time.monotonic()
        self.must_check = self.must_check or WRITTEN in self.receiver.heard or moment >= self.next_check
        if not self.drivers or not self.must_check or moment < self.next_check - POLL + CHECK_EVERY:
            return set()
        self.must_check, self.next_check = False, moment + POLL
        return changed_rows(self.drivers) | overhear(self.drivers)

    def turn(self, driver: Driver, measured: bool, *, changed: bool) -> None:
        leaving = self.leaving.is_set()
        if leaving and self.options.stop_trials and not driver.work.evicts:
            driver.work.evicts = changed = True
        driver.turn(
            announced=measured,
            changed=changed,
            obstacle="its optimizer is leaving" if leaving else driver.work.place.obstacle,
            asks=not leaving,
        )
        if driver.work.messages:
            self.webhooks.tell(driver.work)
        if driver.row is not None:
            self.analyst.notice(driver.row)

    def trouble(self, lease: Lease) -> Trouble:
        return Trouble(self, lease)

    def note(self, lease: Lease, text: str, *, level: str = "info", error: BaseException | None = None) -> None:
        """Add to the log of an experiment."""
        logbook.write(self.place.data, lease.key, text, level=level, error=error)

    def drop(self, pk: int) -> None:
        """Forget an experiment without touching its processes."""
        self.drivers.pop(pk, None)

    def patience(self) -> float:
        """How long to sleep when nobody pokes."""
        moment = time.monotonic()
        marks = [POLL, self.next_beat - moment]
        if self.must_check:
            marks.append(self.next_check - POLL + CHECK_EVERY - moment)
        marks += [driver.wants() for driver in self.drivers.values()]
        return max(min(marks), 0.001)

    def leave(self) -> None:
        """Release everything, so that another worker takes over at once; trials go on."""
        for is_last in (False, True):
            try:
                self.release()
                break
            except UNAVAILABLE as error:
                close_old_connections()
                if is_last:
                    log.warning("what it drove is free when its leases end: %s", " ".join(str(error).split()))
        self.drivers.clear()
        self.receiver.close()
        self.marker.close()
        self.webhooks.close()
        self.analyst.close()
        for place in self.places:
            place.executor.close()
        wake.poke()
        log.info("optimizer %s left", self.name)

    def release(self) -> None:
        """Give back the leases and say that this worker is gone. One query for each experiment, and one."""
        deadline = time.monotonic() + MOST_WAIT_FOR_CLOSE
        for driver in self.drivers.values():
            if time.monotonic() < deadline:
                leases.release(driver.lease)
                self.note(driver.lease, f"{self.name} leaves; trials go on")
        Worker.objects.filter(name=self.name).update(left=timezone.now())


def _adopted(driver: Driver) -> str:
    """What was already there when a driver began, in words."""
    live, waiting = len(driver.work.live), len(driver.work.created)
    found = [f"{number} {what}" for number, what in ((live, "that run"), (waiting, "that wait")) if number]
    return f", with trials from before: {', '.join(found)}" if found else ""
