"""Again for a transaction that the database gave up: another one was in its way, or the connection broke."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import Error, connection

from apps.tuning.errors import UNAVAILABLE

P = ParamSpec("P")
R = TypeVar("R")

COLLISIONS = frozenset({"40001", "40P01"})
"""PostgreSQL's "could not serialize" and "deadlock detected": nothing was written, and the other one goes on."""

LOST = frozenset({"57P01", "57P02", "57P03"})
"""The server was told to end this connection, has crashed, or is starting. Whether a commit was made is not known."""

PAUSES = (0.02, 0.1, 0.5)
"""At most so many seconds before the second, third and fourth try, and at least half of it.

Without a pause the same locks are often taken again before the other transaction, which waits for them, has woken up.
"""


def again(verb: Callable[P, R]) -> Callable[P, R]:
    """A verb that is tried again after a collision or a broken connection.

    For verbs that may run twice, also when the first time was not in vain, and open their own transaction. Inside
    somebody else's transaction it is not: that one is lost as a whole.
    """

    @wraps(verb)
    def tried(*arguments: P.args, **options: P.kwargs) -> R:
        for pause in PAUSES:
            try:
                return verb(*arguments, **options)
            except UNAVAILABLE as error:
                if connection.in_atomic_block or not is_passing(error):
                    raise
            connection.close_if_unusable_or_obsolete()
            time.sleep(pause * random.uniform(0.5, 1))
        return verb(*arguments, **options)

    return tried


def is_passing(error: Error) -> bool:
    """Whether the same may go well in a moment."""
    return is_lost(error) or getattr(error.__cause__, "sqlstate", None) in COLLISIONS


def is_lost(error: Error) -> bool:
    """Whether the connection has gone, and perhaps the server: what that raises has often no state of the server's."""
    state = getattr(error.__cause__, "sqlstate", None)
    return state in LOST or (state is None and connection.vendor == "postgresql")
