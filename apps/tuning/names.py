"""How many metrics a trial may have: no more than pages and charts can offer, however a script makes up their names."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from django.db import connection

from apps.trials.models import Measurement, Trial

MAX_NAMES = 512
TOO_MANY = f"a trial has at most {MAX_NAMES} metrics; count with steps, not with names"
REMEMBERED = 4_096
"""Trials whose names are kept in memory, so that a script that says nothing new costs no query."""

_known: OrderedDict[str, frozenset[str]] = OrderedDict()
_lock = threading.Lock()


def surplus(trial: Trial, names: Iterable[str]) -> frozenset[str]:
    """Of metrics that a trial reports, those that it may not have any more: the last ones of the new.

    Call with the trial's row locked. One query when something is new to this process, none for a trial's first report.
    """
    with _lock:
        known = _known.get(trial.key, frozenset())
    fresh = [name for name in dict.fromkeys(names) if name not in known]
    if not fresh:
        return frozenset()
    if trial.last_step is not None:
        known |= stored(trial)  # what this transaction adds is known here, but not stored yet
        fresh = [name for name in fresh if name not in known]
    room = max(MAX_NAMES - len(known), 0)
    with _lock:
        _known[trial.key] = known | set(fresh[:room])
        _known.move_to_end(trial.key)
        if len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return frozenset(fresh[room:])


def stored(trial: Trial) -> frozenset[str]:
    """The metrics that a trial has measured, of all attempts. One query, which looks at one measurement of each."""
    with connection.cursor() as cursor:
        cursor.execute(NAMES, [trial.pk, trial.pk])
        return frozenset(name for (name,) in cursor.fetchall())


_TABLE = Measurement._meta.db_table
NAMES = f"""
WITH RECURSIVE found(name) AS (
    SELECT min(name) FROM {_TABLE} WHERE trial_id = %s AND name > ''
    UNION ALL
    SELECT (SELECT min(name) FROM {_TABLE} WHERE trial_id = %s AND name > found.name) FROM found WHERE name IS NOT NULL
)
SELECT name FROM found WHERE name IS NOT NULL"""
"""Steps from name to name along the index; the name of the combined objective, which is empty, does not count."""
