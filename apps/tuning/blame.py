"""Giving up on an experiment that takes its optimizers with it, so that the others get on."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.experiments import tally
from apps.experiments.models import Experiment
from apps.feed.models import Event, experiment_stream
from apps.trials.models import Attempt, AttemptState, Trial
from apps.tuning.announce import announce_experiment, note, trial_summary
from apps.tuning.experiments import ACTIVE, cancel_unstarted
from tunebook.status import LIVE_TRIAL, ExperimentStatus, TrialStatus

MOST_DEATHS = 5
WITHIN = timedelta(minutes=10)
DIED = "its optimizer died while it was busy with this experiment"
GIVEN_UP = (
    f"{MOST_DEATHS} optimizers died within {WITHIN.seconds // 60} minutes while they were busy with this experiment"
)


def optimizer_died(key: str) -> bool:
    """Note in the experiment's event log that its driver died; whether that was once too often and it is FAILED now.

    What still runs of it belongs to nobody then and is ended by the upkeep of its machine.
    """
    with transaction.atomic():
        held = Experiment.objects.select_for_update(of=("self",)).select_related("workspace").lean()
        row = held.filter(key=key, status__in=ACTIVE).first()
        if row is None:
            return False
        recent = Event.objects.filter(stream=experiment_stream(key), kind="note", at__gt=timezone.now() - WITHIN)
        deaths = sum(event.payload.get("text") == DIED for event in recent) + 1
        if deaths < MOST_DEATHS:
            announce_experiment(row, listed=False, also=(note(DIED, level="warning"),))
            return False
        _give_up(row)
    return True


def _give_up(row: Experiment) -> None:
    now = timezone.now()
    before = tally.place(row)
    ended = {"reason": GIVEN_UP, "ended": now, "modified": now}
    live = list(Trial.objects.filter(experiment=row, status__in=LIVE_TRIAL))
    Attempt.objects.filter(experiment=row, ended=None).update(
        state=AttemptState.LOST, ended=now, fenced=True, reason="lost"
    )
    Trial.objects.filter(pk__in=[trial.pk for trial in live]).update(status=TrialStatus.SYS_CANCELED, **ended)
    row.waiting_count = row.running_count = row.unknown_count = 0
    row.sys_canceled_count += len(live)
    for trial in live:
        trial.ended = now
        row.spent += trial.took
    waiting = cancel_unstarted(row, TrialStatus.SYS_CANCELED, GIVEN_UP)
    row.status, row.reason, row.ended, row.modified = ExperimentStatus.FAILED, GIVEN_UP, now, now
    row.driver, row.lease_until = "", None
    row.epoch += 1
    row.save()
    tally.shift(before, tally.place(row))
    gone = Trial.objects.filter(pk__in=[trial.pk for trial in (*live, *waiting)]).order_by("number")
    said = [("trial", trial_summary(trial)) for trial in gone]
    announce_experiment(row, also=(note(f"{DIED}; given up", level="error"), *said))
