"""Drives one experiment: turn after turn of look, reap, judge, close, launch, ask."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

from apps.experiments.models import Experiment
from apps.optimizer.steps.ask import ask, ask_ahead
from apps.optimizer.steps.close import close, seconds_left
from apps.optimizer.steps.judge import judge
from apps.optimizer.steps.launch import carry_out, claim
from apps.optimizer.steps.look import look
from apps.optimizer.steps.reap import reap
from apps.optimizer.work import RECORD_AFTER, Live, Place, Work, load, now
from apps.trials.models import Trial
from apps.tuning import driving
from apps.tuning.announce import moved, note
from apps.tuning.driving import SEEN, Tick
from apps.tuning.leases import Lease
from apps.tuning.measuring import CURVE
from tunebook.job import Job
from tunebook.status import LIVE_TRIAL, ExperimentStatus, TrialStatus

IMPORT_EVERY = 0.02
"""Seconds between two ticks that only import measurements, so that a chatty script does not cost a commit per line."""
REVIEW_EVERY = 5.0
THINK_EVERY = 0.02
"""Seconds between two looks whether a sampler in another process has its answer."""
MOST_TICKS = 4


class Driver:
    """One claimed experiment. When a turn raises, drop the driver: the next one rebuilds everything."""

    def __init__(self, lease: Lease, place_of: Callable[[str], Place]) -> None:
        """place_of: where trials of a platform run, by its name."""
        self.lease = lease
        self.work: Work = load(lease, place_of)
        self.durations: deque[float] = deque(maxlen=16)
        self.is_new = True
        self.next_review = self.next_import = 0.0
        self.row: Experiment | None = None
        self.disk = self.obstacle = ""

    @property
    def has_ended(self) -> bool:
        return self.work.has_ended

    def turn(self, *, announced: bool, changed: bool, obstacle: str = "", asks: bool = True) -> None:
        """Do what there is to do now.

        announced: somebody poked; changed: the row was changed by others, or slots became free; obstacle: why nothing
        may be launched by this worker; asks: False for a worker that is on its way out.
        """
        work = self.work
        if obstacle != self.obstacle:
            self.obstacle = obstacle
            said = f"nothing can be started: {obstacle}" if obstacle else "trials can be started again"
            work.note(said, level="warning" if obstacle else "info")
        look(work, announced=announced)
        if not (changed or self.is_new or self.has_news()):
            return
        self.is_new = False
        self.next_review = now() + REVIEW_EVERY
        self.next_import = now() + IMPORT_EVERY
        for _ in range(MOST_TICKS):
            self.tick(obstacle)
            carry_out(work)
            if work.has_ended or not work.hungry or not asks or not ask(work, work.hungry):
                break
        if asks and not obstacle:
            ask_ahead(work, list(self.durations))

    def has_news(self) -> bool:
        """Whether there is anything to write down or to decide."""
        moment = now()
        if moment >= self.next_review or (self.has_answer() and self.work.hungry):
            return True
        return any(
            live.has_ended
            or (live.fresh and moment >= self.next_import)
            or (live.handle is None and moment >= self.work.next_due)
            or live.is_to_be_recorded(moment)
            for live in self.work.live.values()
        )

    def has_answer(self) -> bool:
        """Whether a sampler in another process has its answer; it can wait until there is room for what it says."""
        return self.work.is_thinking and self.work.sampler.is_ready

    def tick(self, obstacle: str) -> None:
        """One transaction: everything that was seen, and everything that follows from it."""
        work = self.work
        ends = [live.observation for live in work.live.values() if live.observation and live.has_ended]
        with driving.tick(self.lease, work.job, known=self.row, host=work.place.host) as tick:
            if tick.experiment.modified != work.seen:
                self.catch_up(tick)
            reap(work, tick)
            judge(work, tick)
            close(work, tick)
            claim(work, tick, obstacle)
            self.tell_of_the_disk(tick, obstacle)
            if work.status != tick.experiment.status or ends:
                tick.settle()
        self.after(tick)
        for kind, told in tick.said:
            if kind == "note" and told["level"] != "info" and told["text"] != self.disk:
                work.note(told["text"], level=told["level"])
        self.durations.extend(end.ended - end.started for end in ends if end.ended and end.started)

    def tell_of_the_disk(self, tick: Tick, obstacle: str) -> None:
        """A line in the event log of an experiment that runs, when its disk fills up and when it has room again."""
        kind, _, words = obstacle.partition(": ")
        disk = words if kind.startswith("disk_") else ""
        if disk != self.disk and self.work.live:
            tick.said.append(note(disk or "the disk has room again", level="warning" if disk else "info"))
        self.disk = disk

    def catch_up(self, tick: Tick) -> None:
        """Take in what others have changed: the declaration, stops, queued trials. Two queries, four after an edit."""
        work, row = self.work, tick.experiment
        if row.version != work.version:
            tick.job = Job.from_dict(row.job)
            work.redeclare(tick.job, row.version)
            left_out = Trial.objects.filter(experiment=row, excluded=True)
            work.reweigh(set(left_out.values_list("number", flat=True)))
        live = {one.trial.pk: one.trial for one in work.live.values()}
        open_ones = Trial.objects.filter(experiment=row, status__in=[TrialStatus.CREATED, *LIVE_TRIAL])
        waiting = []
        for trial in open_ones.order_by("number"):
            known = live.get(trial.pk)
            if known is None:
                waiting.append(trial)
                work.remember(trial)
                continue
            known.desired, known.stopped_by, known.reason = trial.desired, trial.stopped_by, trial.reason
            known.status = trial.status
        for gone in {trial.number for trial in work.created} - {trial.number for trial in waiting}:
            work.remember(Trial.objects.get(experiment=row, number=gone))
        work.created = [trial for trial in waiting if trial.status == TrialStatus.CREATED]

    def after(self, tick: Tick) -> None:
        """Keep what the row looks like now, to notice changes by others."""
        work, row = self.work, tick.experiment
        self.row = row
        if row.best_value is not None and work.best != row.best_value:  # none where the only value was left out
            work.messages.append(("best", f"new best {row.best_value:g} by trial {row.best_trial}"))
        if work.status != row.status and row.status == ExperimentStatus.FAILED:
            work.messages.append(("failed", f"failed: {row.reason}"))
        work.seen, work.status, work.best = row.modified, row.status, row.best_value
        if row.has_ended and not work.has_ended:
            work.note(f"ended: {moved(row.status, row.reason)}")
        work.has_ended = row.has_ended
        left = seconds_left(work, row)
        if left is not None and left < REVIEW_EVERY:
            self.next_review = now() + max(left, 0.01)

    def wants(self) -> float:
        """Seconds until it wants a turn even if nothing is heard."""
        moment = now()
        marks = [self.next_review - moment]
        if self.work.is_thinking and (self.work.hungry or not self.has_answer()):
            marks.append(THINK_EVERY)
        for live in self.work.live.values():
            if not live.is_recorded and live.launched_at is not None and not (live.is_out_of_sight or live.is_queued):
                marks.append(live.launched_at + RECORD_AFTER - moment)
            if live.handle is None:
                marks.append(self.work.next_due - moment)
            marks.append((self.next_import if live.fresh else live.next_look) - moment)
        return max(min(marks), 0.0)


def overhear(drivers: dict[int, Driver]) -> set[int]:
    """Take in what attempts have reported over HTTP; the experiments they belong to. One query, one more for each."""
    live = {one.trial.pk: (pk, one) for pk, driver in drivers.items() for one in driver.work.live.values()}
    heard: dict[int, list[Live]] = defaultdict(list)
    rows = Trial.objects.filter(pk__in=list(live)).values("pk", *CURVE) if live else ()
    for row in rows:
        pk, one = live[row["pk"]]
        if any(row[name] != getattr(one.trial, name) for name in SEEN):
            for name in CURVE:
                setattr(one.trial, name, row[name])
            heard[pk].append(one)
    for pk, ones in heard.items():
        drivers[pk].work.hear(ones)
    return set(heard)


def changed_rows(drivers: dict[int, Driver]) -> set[int]:
    """The experiments whose row is not as their driver left it. One query."""
    rows = Experiment.objects.filter(pk__in=list(drivers)).values_list("pk", "modified")
    return {pk for pk, modified in rows if modified != drivers[pk].work.seen}
