"""Again for a transaction that the database gave up because another one was in its way."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

COLLISIONS = frozenset({"40001", "40P01"})
"""PostgreSQL's "could not serialize" and "deadlock detected": nothing was written, and the other one goes on."""

PAUSES = (0.02, 0.1, 0.5)
"""At most so many seconds before the second, third and fourth try, and at least half of it.

Without a pause the same locks are often taken again before the other transaction, which waits for them, has woken up.
"""


def again(verb: Callable[P, R]) -> Callable[P, R]:
    """A verb that is tried again after a collision. For verbs that may run twice and open their own transaction.

    Inside somebody else's transaction it is not: that one is lost as a whole.
    """

    @wraps(verb)
    def tried(*arguments: P.args, **options: P.kwargs) -> R:
        for pause in PAUSES:
            try:
                return verb(*arguments, **options)
            except OperationalError as error:
                if connection.in_atomic_block or getattr(error.__cause__, "sqlstate", None) not in COLLISIONS:
                    raise
            time.sleep(pause * random.uniform(0.5, 1))
        return verb(*arguments, **options)

    return tried
