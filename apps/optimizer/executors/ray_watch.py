"""Looks at a Ray cluster now and then in a thread of its own, and has jobs ended there, so that no experiment waits for a
head that does not answer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.optimizer.executors.base import ExecutorError, Unavailable
from apps.optimizer.executors.ray_jobs import ENDED, Job, RayJobs

EVERY = 1.0
UNASKED = 30.0
"""Seconds without a question after which nobody looks any more."""
PATIENCE = 6.0
REST = 10.0
OPEN = "takes jobs from anyone; start Ray with RAY_AUTH_MODE=token, or set TUNEBOOK_ALLOW_UNAUTHENTICATED_ENGINE=1"


@dataclass(frozen=True)
class Seen:
    """What the last look has brought: the jobs, or why there was none to be seen. `at` is when it began."""

    at: float
    jobs: Mapping[str, Job] = field(default_factory=dict)
    trouble: str = ""


class Watch:
    """The latest look at the jobs of a cluster; ended jobs that nobody needs are deleted on the way."""

    def __init__(self, jobs: RayJobs, *, allows_anyone: bool) -> None:
        self.jobs, self.allows_anyone = jobs, allows_anyone
        self.done: dict[str, float | None] = {}
        """Jobs that nobody needs, and since when Ray has been seen to say that they are over."""
        self.unwanted: dict[str, float] = {}
        """Jobs that Ray is to end, and when it is asked next."""
        self.is_checked = allows_anyone
        self.seen: Seen | None = None
        self.first, self.hurry = threading.Event(), threading.Event()
        self.asked = 0.0
        self.is_closed = False
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def look(self) -> Seen:
        """What was seen last. Waits for the first look only, some seconds at most."""
        self.asked = time.monotonic()
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.first.clear()
                self.seen = None
                self.is_closed = False
                self.thread = threading.Thread(target=self.run, name="ray-watch", daemon=True)
                self.thread.start()
        self.first.wait(PATIENCE)
        return self.seen or Seen(self.asked, trouble=f"the Ray head at {self.jobs.address} has not answered yet")

    def soon(self) -> None:
        """Something has changed: look again now."""
        self.hurry.set()

    def end(self, key: str) -> None:
        """Have Ray end a job: it is asked at the next look, and again until the job is over or not known."""
        if key not in self.unwanted:
            self.unwanted[key] = time.monotonic()
            self.soon()

    def close(self) -> None:
        self.is_closed = True
        self.hurry.set()

    def run(self) -> None:
        while not self.is_closed and time.monotonic() - self.asked < UNASKED:
            began = time.monotonic()
            self.seen = self.glance(began)
            self.first.set()
            self.hurry.wait(max(EVERY, 5 * (time.monotonic() - began)))
            self.hurry.clear()

    def obey(self, jobs: Mapping[str, Job], now: float) -> None:
        """Have Ray end what nobody wants. What was asked after this look began may not be in it yet: that comes next time."""
        for key, due in list(self.unwanted.items()):
            if due > now:
                continue
            if key not in jobs or jobs[key]["status"] in ENDED:
                del self.unwanted[key]
            else:
                self.unwanted[key] = now + REST
                self.jobs.stop(key)

    def tidy(self, jobs: Mapping[str, Job], now: float) -> None:
        """Delete jobs that nobody needs. Not at once: Ray would note their end anew, as that of a job that has failed."""
        for key, since in list(self.done.items()):
            if key not in jobs:
                del self.done[key]
            elif jobs[key]["status"] in ENDED:
                if since is None:
                    self.done[key] = now
                elif now - since > REST:
                    self.jobs.delete(key)

    def glance(self, began: float) -> Seen:
        try:
            if not self.is_checked:
                if not self.jobs.asks_for_a_token():
                    return Seen(began, trouble=f"the Ray head at {self.jobs.address} {OPEN}")
                self.is_checked = True
            jobs = self.jobs.all()
        except ExecutorError as error:
            self.is_checked = self.allows_anyone
            return Seen(began, trouble=str(error))
        with contextlib.suppress(Unavailable):  # what was seen stays true; the rest can wait
            self.obey(jobs, began)
            self.tidy(jobs, began)
        return Seen(began, jobs)
