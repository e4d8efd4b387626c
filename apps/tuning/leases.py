"""Who drives an experiment: claimed for a while, renewed, released, set aside, or shown as abandoned.

Only the database's clock decides about leases. Each claim raises the experiment's epoch, so that a driver that was
replaced can be told from its successor and gets `Fenced`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from apps.experiments import tally
from apps.experiments.models import COUNT_COLUMNS, Desired, Experiment
from apps.feed.models import experiment_stream, workspace_stream
from apps.feed.writing import append
from apps.trials.models import Trial
from apps.tuning.announce import experiment_summary, note, storable
from apps.tuning.errors import Fenced
from apps.tuning.experiments import ACTIVE
from tunebook.status import ExperimentStatus, TrialStatus

LEASE = timedelta(seconds=30)
ABANDONED_AFTER = timedelta(seconds=15)
LONGEST_REST = timedelta(seconds=300)


@dataclass(frozen=True)
class Lease:
    """A driver's hold on an experiment until the database's clock passes its end."""

    experiment_id: int
    key: str
    driver: str
    epoch: int


def claim(driver: str, *, most: int) -> list[Lease]:
    """Take up to `most` experiments that nobody drives, longest undriven first. One query, and one per claim.

    What lasts longer than anybody may ask for was written before the clock was set back, and counts as over.
    """
    free = Q(lease_until=None) | Q(lease_until__lt=Now()) | Q(lease_until__gt=_in(2 * LEASE))
    due = Q(retry_at=None) | Q(retry_at__lte=Now()) | Q(retry_at__gt=_in(LONGEST_REST))
    candidates = Experiment.objects.filter(free, due, status__in=ACTIVE, ended=None)
    order = F("driven_at").asc(nulls_first=True)
    leases = []
    for pk, key in list(candidates.order_by(order, "pk").values_list("pk", "key")[: max(most, 0)]):
        won = Experiment.objects.filter(free, pk=pk, status__in=ACTIVE).update(
            driver=driver, epoch=F("epoch") + 1, lease_until=_in(LEASE), driven_at=Now()
        )
        if won:
            epoch = Experiment.objects.values_list("epoch", flat=True).get(pk=pk)
            leases.append(Lease(pk, key, driver, epoch))
    return leases


def renew(driver: str) -> set[tuple[int, int]]:
    """Prolong all leases of a driver; (experiment id, epoch) of those it still holds. Two queries."""
    held = Experiment.objects.filter(driver=driver, ended=None)
    held.update(lease_until=_in(LEASE))
    return set(held.values_list("pk", "epoch"))


def release(lease: Lease) -> None:
    """Let another driver take over at once; running trials go on."""
    mine = Experiment.objects.filter(pk=lease.experiment_id, epoch=lease.epoch)
    mine.update(driver="", lease_until=None, driven_at=Now())


def release_all(driver: str) -> int:
    """Let others take over everything from a driver that is known to be dead; how many experiments it held."""
    return Experiment.objects.filter(driver=driver, ended=None).update(driver="", lease_until=None)


def set_aside(lease: Lease, error: str, *, again_in: timedelta) -> None:
    """Record on the experiment that driving it failed, and let it rest before the next try."""
    error = storable(error)
    with transaction.atomic():
        row = locked(lease)
        row.troubles += 1
        row.reason = error
        row.driver, row.lease_until, row.retry_at = "", None, _in(again_in)
        row.modified = timezone.now()
        row.save(update_fields=["troubles", "reason", "driver", "lease_until", "retry_at", "modified"])
        append(experiment_stream(row.key), [note(error, level="error"), ("experiment", experiment_summary(row))])


def abandon() -> int:
    """Show experiments without a living driver, and their live trials, as UNKNOWN; how many. The reaper's work."""
    stale = Experiment.objects.filter(
        status__in=[ExperimentStatus.WAITING, ExperimentStatus.RUNNING, ExperimentStatus.NO_MORE_TRIAL],
        lease_until__lt=_in(-ABANDONED_AFTER),
        ended=None,
    )
    found = list(stale.values_list("pk", "key", "driver", "epoch"))
    return sum(_abandon_one(Lease(*row)) for row in found)


def locked(lease: Lease) -> Experiment:
    held = Experiment.objects.select_for_update(of=("self",)).select_related("workspace").lean()
    row = held.filter(pk=lease.experiment_id, epoch=lease.epoch).first()
    if row is None:
        raise Fenced(f"experiment {lease.key} has another driver")
    return row


KEPT = [
    "status",
    "reason",
    "modified",
    "started",
    "ended",
    "driver",
    "lease_until",
    "troubles",
    "retry_at",
    "trial_count",
    "extra_trials",
    "spent",
    "best_value",
    "best_trial",
    "spark",
    *COUNT_COLUMNS.values(),
]


def _abandon_one(lease: Lease) -> int:
    """One stale experiment to UNKNOWN, unless its driver came back meanwhile."""
    with transaction.atomic():
        held = Experiment.objects.select_for_update(of=("self",)).select_related("workspace").lean()
        row = held.filter(pk=lease.experiment_id, epoch=lease.epoch, lease_until__lt=_in(-ABANDONED_AFTER)).first()
        if row is None or row.status not in CAN_BE_ABANDONED:
            return 0
        before = tally.place(row)
        live = Trial.objects.filter(experiment=row, status__in=[TrialStatus.WAITING, TrialStatus.RUNNING])
        reason = "no optimizer is driving it"
        live.filter(desired=Desired.RUN).update(reason=reason)  # of the others it remains why they are to stop
        live.update(status=TrialStatus.UNKNOWN, modified=timezone.now())
        row.unknown_count += row.waiting_count + row.running_count
        row.waiting_count = row.running_count = 0
        row.status, row.reason, row.modified = ExperimentStatus.UNKNOWN, reason, timezone.now()
        row.save(update_fields=KEPT)
        tally.shift(before, tally.place(row))
        summary = experiment_summary(row)
        append(experiment_stream(row.key), [note(reason, level="warning"), ("experiment", summary)])
        append(workspace_stream(row.workspace.slug), [("experiment", summary)])
    return 1


CAN_BE_ABANDONED = frozenset({"WAITING", "RUNNING", "NO_MORE_TRIAL"})


def _in(span: timedelta) -> ExpressionWrapper:
    """The database's clock plus a span."""
    return ExpressionWrapper(Now() + Value(span), output_field=DateTimeField())
