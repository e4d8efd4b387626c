"""One thread that stores the reports of everybody who waits, together: a commit for many costs as much as for one."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from django.db import OperationalError, close_old_connections

from apps.tuning import reporting
from apps.tuning.reporting import Batch, Taken

log = logging.getLogger(__name__)

MOST_BATCHES = 64
MOST_READINGS = 5_000
"""So many go into one transaction; what is beyond waits for the next."""

Answer = Taken | Exception
Done = Callable[[Answer], None]


class Gatherer:
    """Takes batches from any thread and says later what became of each. While one transaction runs, the next gathers."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Batch, Done]] = deque()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(self, batch: Batch, done: Done) -> None:
        """Have a batch stored; `done` is called in the gatherer's thread when it is committed or refused."""
        with self._news:
            self._waiting.append((batch, done))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gatherer", daemon=True)
                self._thread.start()
            self._news.notify()

    def _run(self) -> None:
        while True:
            group = self._next()
            answers = stored([batch for batch, _ in group])
            for (_, done), answer in zip(group, answers, strict=True):
                done(answer)

    def _next(self) -> list[tuple[Batch, Done]]:
        """Everything that waits, as far as it fits into one transaction; at least one."""
        with self._news:
            while not self._waiting:
                self._news.wait()
            group = [self._waiting.popleft()]
            size = len(group[0][0].readings)
            while self._waiting and len(group) < MOST_BATCHES:
                size += len(self._waiting[0][0].readings)
                if size > MOST_READINGS:
                    break
                group.append(self._waiting.popleft())
            return group


def stored(batches: Sequence[Batch]) -> Sequence[Answer]:
    """Store batches together; where that fails, each alone, so that what is wrong with one does not fail the others."""
    try:
        return reporting.report(batches)
    except Exception as error:
        if len(batches) == 1 and not isinstance(error, OperationalError):
            return [error]
        log.warning("%d reports are stored one by one: %s", len(batches), str(error).strip())
    finally:
        close_old_connections()
    return [_alone(batch) for batch in batches]


def _alone(batch: Batch) -> Answer:
    try:
        return reporting.report([batch])[0]
    except Exception as error:
        return error
    finally:
        close_old_connections()
