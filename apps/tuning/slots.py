"""The slots of a machine, counted under the locks that a driver's tick takes: the experiment's row, then the host's."""

from __future__ import annotations

from django.db import connection

from apps.experiments.models import Experiment, Host
from apps.trials.models import Attempt
from apps.tuning.leases import Lease


def lock_known(known: Experiment, lease: Lease, host: str) -> int | None:
    """Lock an experiment's row if it is the one that the driver knows, else None. One small query.

    Where writers exclude each other anyway it counts the slots taken on `host` as well; elsewhere they are -1: unknown.
    """
    alone = not connection.features.has_select_for_update
    statement = f"SELECT ({TAKEN}) {AS_IT_WAS}" if alone else f"SELECT -1 {AS_IT_WAS} FOR UPDATE"
    modified = connection.ops.adapt_datetimefield_value(known.modified)
    row = [lease.experiment_id, lease.epoch, modified]
    with connection.cursor() as cursor:
        cursor.execute(statement, [host, *row] if alone else row)
        found = cursor.fetchone()
    return None if found is None else int(found[0])


def taken_on(host: str, slots: int) -> int:
    """How many slots of a machine are taken, counted under its row lock. One query or two."""
    has_row_locks = connection.features.has_select_for_update
    if has_row_locks and Host.objects.select_for_update().filter(pk=host).first() is None:
        Host.objects.bulk_create([Host(name=host, slots=slots)], ignore_conflicts=True)
        Host.objects.select_for_update().get(pk=host)
    with connection.cursor() as cursor:  # SQLite's writers exclude each other anyway
        cursor.execute(TAKEN, [host])
        (taken,) = cursor.fetchone()
    return int(taken)


TAKEN = f"SELECT count(*) FROM {Attempt._meta.db_table} WHERE host = %s AND ended IS NULL"
AS_IT_WAS = f"FROM {Experiment._meta.db_table} WHERE id = %s AND epoch = %s AND modified = %s"
