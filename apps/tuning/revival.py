"""Let a stopped experiment go on."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.experiments import tally
from apps.experiments.models import Desired, Experiment
from apps.trials.models import Trial
from apps.tuning import trials
from apps.tuning.announce import announce_experiment, note
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor, OutOfReach, require
from tunebook.status import ExperimentStatus, TrialStatus

REVIVABLE = (ExperimentStatus.USER_CANCELED, ExperimentStatus.FAILED)
INTERRUPTED = (TrialStatus.USER_CANCELED, TrialStatus.SYS_CANCELED)


def revive(actor: Actor, experiment: Experiment) -> Experiment:
    """Let an experiment that was stopped, or has failed, go on where it was; what was interrupted is tried again.

    The time it lay still does not count against its time limit. Raises Conflict for one that was neither.
    """
    require(actor, experiment.workspace_id, "run")
    with transaction.atomic():
        row = (
            Experiment.objects.select_for_update(of=("self",))
            .select_related("workspace")
            .filter(pk=experiment.pk)
            .first()
        )
        if row is None:
            raise OutOfReach("experiment", experiment.key)
        if row.status not in REVIVABLE:
            raise Conflict(f"only a stopped experiment can go on; this one is {row.status}", status=row.status)
        before, now = tally.place(row), timezone.now()
        if row.started is not None and row.ended is not None:
            row.started += now - row.ended
        row.status, row.desired, row.reason, row.ended = ExperimentStatus.WAITING, Desired.RUN, "", None
        row.troubles, row.retry_at, row.modified = 0, None, now
        row.version += 1
        row.save()
        tally.shift(before, tally.place(row))
        announce_experiment(row, also=(note(f"restarted by {actor.username}", by=actor.username),))
        again = Trial.objects.filter(experiment=row, status__in=INTERRUPTED, restarts=None).order_by("number")
        trials.restart(actor, row, list(again.values_list("key", flat=True)))
    row.refresh_from_db()
    return row
