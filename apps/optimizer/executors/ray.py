"""Runs attempts as jobs of a Ray cluster. What they write comes home into the attempts' folders, as if they ran here.

Two things are known of an attempt: what its runner sends (`tunebook.mirror`), which is the truth, and what Ray says of
its job, which is the second opinion. Where they part, the attempt is fenced: nothing that it sends is taken any more, so
that its runner ends it. It is LOST, and may be tried again, when its runner has confirmed that or has certainly ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from apps.optimizer import bundle
from apps.optimizer.executors import orders
from apps.optimizer.executors.base import (
    Handle,
    Health,
    LaunchSpec,
    LogChunk,
    Observation,
    Refused,
    State,
    Unavailable,
)
from apps.optimizer.executors.ray_jobs import ENDED, Exists, Job, RayJobs
from apps.optimizer.executors.ray_watch import Seen, Watch
from apps.optimizer.executors.records import Journal, Records, ended
from apps.optimizer.folders import Place
from tunebook import disk, mirror

ON_ITS_WAY = 5.0
"""Seconds that the last words of a job may take after Ray has seen its end."""
FRESH = 30.0
STOP_MARGIN = 5
STUCK_AFTER = 30.0
WAITED_TOO_LONG = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"
"""What Ray says of a job that it had no room for within RAY_JOB_START_TIMEOUT_SECONDS, a quarter of an hour by default."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Which cluster, and how its trials reach this installation.

    url: the server's address as trials see it. authority: the text of the certificate authority that vouches for it.
    lost_after: seconds of silence after which a trial ends itself and is fenced here.
    allows_anyone: whether a head that takes jobs without a token may be used.
    """

    address: str
    token: str = ""
    url: str = ""
    authority: str = ""
    lost_after: float = 120.0
    allows_anyone: bool = False


class RayExecutor:
    """Attempts as Ray jobs; `instance` tells this installation's jobs from those of others."""

    name = "ray"
    is_remote = True

    def __init__(self, data: Path, cluster: Cluster, *, instance: str) -> None:
        self.data, self.cluster, self.instance = data, cluster, instance
        self.scope = urlsplit(cluster.address).netloc.rpartition("@")[2][:128]
        self.records = Records(os.fspath(data))
        self.jobs = RayJobs(cluster.address, cluster.token)
        self.watch = Watch(self.jobs, allows_anyone=cluster.allows_anyone)
        self.launched: dict[str, float] = {}
        self.over: dict[str, float] = {}
        """When Ray was first seen to say that a job is over whose runner has not said so."""
        self.bundled = False

    def launch(self, spec: LaunchSpec) -> Handle:
        """Write the order down and submit a job that comes for it. Waits for the head, a few seconds at most."""
        handle = self.handle(spec.key, spec.place)
        if self.has_begun(handle):
            return handle
        if not self.cluster.url:
            raise Unavailable("set TUNEBOOK_URL to the address at which trials on Ray reach this server")
        if not spec.token:
            raise Refused("an attempt on Ray needs a token to report with")
        seen = self.watch.look()
        if seen.trouble:
            raise Unavailable(seen.trouble)
        self.write_order(handle, spec)
        try:
            self.jobs.submit(self.job(spec))
        except Exists:
            pass  # the same launch, by an optimizer that died on the way
        self.launched[spec.key] = time.monotonic()
        self.watch.soon()
        return handle

    def find(self, key: str, place: Place) -> Handle | None:
        """The handle of an attempt whose job has come, or is known to Ray; in doubt it was launched."""
        handle = self.handle(key, place)
        if self.has_begun(handle):
            return handle
        if not mirror.is_marked(self.folder(handle), mirror.ORDER):
            return None
        seen = self.watch.look()
        if seen.trouble or key in seen.jobs:
            return handle
        try:
            return handle if self.jobs.get(key) is not None else None
        except Unavailable:
            return handle

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        """A look at a few files for each attempt; at the cluster looks a thread."""
        if not handles:
            return []
        seen = self.watch.look()
        return [self.observe(handle, seen) for handle in handles]

    def adopt(self, handle: Handle) -> Observation:
        return self.poll([handle])[0]

    def stop(self, handle: Handle, grace: float) -> None:
        """Leave word for the runner, which asks every few seconds; Ray ends what has not begun or does not obey."""
        folder = self.folder(handle)
        if self.records.journal(handle).end is not None:
            return
        with contextlib.suppress(OSError):  # the disk is full: Ray ends it
            os.makedirs(folder, mode=0o700, exist_ok=True)
            mirror.mark(folder, mirror.STOP, json.dumps({"grace": grace}))
        waited = mirror.age(folder, mirror.STOP, time.time())
        if waited is None or waited > grace + STUCK_AFTER or not self.has_begun(handle):
            self.watch.end(handle.key)

    def logs(self, handle: Handle, stream: str, offset: int, limit: int) -> LogChunk:
        return self.records.logs(handle, stream, offset, limit)

    def list_owned(self) -> Iterator[Handle]:
        """The jobs of this installation that Ray has not seen to end; those whose end is known here are cleared away."""
        for key, job in self.watch.look().jobs.items():
            told = job.get("metadata") or {}
            experiment, trial, attempt, *_ = [*str(told.get("tunebook_place", "")).split("/"), "", "", ""]
            if told.get("tunebook") != self.instance or not (trial.isdigit() and attempt.isdigit()):
                continue
            handle = self.handle(key, (experiment, int(trial), int(attempt)))
            folder = self.folder(handle)
            if job["status"] in ENDED:
                if not mirror.is_marked(folder, mirror.ORDER) or self.records.journal(handle).end is not None:
                    self.watch.done.setdefault(key)  # of an optimizer that died before it had it deleted
                self.records.forget(handle)
            elif mirror.is_marked(folder, mirror.FENCED) and not self.has_begun(handle):
                self.watch.end(key)  # it was given up while it waited for room: nothing of it will ever run
            else:
                yield handle

    def forget(self, handle: Handle) -> None:
        """Remove the attempt's folder, and its job, unless it lives."""
        if self.adopt(handle).has_ended:
            self.records.forget(handle)
            self.watch.done.setdefault(handle.key)
            self.watch.soon()
            shutil.rmtree(self.folder(handle), ignore_errors=True)

    def health(self) -> Health:
        """Not ready when the head does not answer, when trials could not report, or when the disk here is full."""
        trouble = disk.trouble(self.data)
        if trouble:
            return Health(False, f"{trouble}: {disk.WORDS[trouble]}")
        if not self.cluster.url:
            return Health(False, "set TUNEBOOK_URL to the address at which trials on Ray reach this server")
        seen = self.watch.look()
        return Health(not seen.trouble, seen.trouble)

    def close(self) -> None:
        self.watch.close()

    def handle(self, key: str, place: Place) -> Handle:
        return Handle(self.name, self.scope, key, place)

    def folder(self, handle: Handle) -> str:
        return self.records.folder(handle)

    def has_begun(self, handle: Handle) -> bool:
        """Whether its runner was ever heard of."""
        return mirror.is_marked(self.folder(handle), mirror.HEARTBEAT)

    def write_order(self, handle: Handle, spec: LaunchSpec) -> None:
        """Lay out what the job comes for: the order in the attempt's folder, and the program that runs it."""
        if not self.bundled:
            bundle.write(self.data)
            self.bundled = True
        folder = self.folder(handle)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        order = {
            **orders.order(self.records.root, spec, {}),
            "follows": list(spec.follows),
            "outputs": list(spec.outputs),
            "lost_after": self.cluster.lost_after,
        }
        draft = os.path.join(folder, f"{mirror.ORDER}.new")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(order, file)
        os.replace(draft, os.path.join(folder, mirror.ORDER))

    def job(self, spec: LaunchSpec) -> dict[str, Any]:
        """The job as Ray takes it. Its variables can be read by whoever may talk to Ray: they hold no secret but the
        token, which is good for this attempt alone."""
        variables = {
            "TUNEBOOK_URL": self.cluster.url,
            "TUNEBOOK_TOKEN": spec.token,
            "RAY_JOB_STOP_WAIT_TIME_S": str(int(spec.grace) + STOP_MARGIN),
            **({"TUNEBOOK_AUTHORITY": self.cluster.authority} if self.cluster.authority else {}),
        }
        experiment, trial, attempt = spec.place
        return {
            "submission_id": spec.key,
            "entrypoint": bundle.entrypoint(),
            "runtime_env": {"env_vars": variables},
            "metadata": {"tunebook": self.instance, "tunebook_place": f"{experiment}/{trial}/{attempt}"},
            "entrypoint_num_cpus": spec.cpus,
            "entrypoint_num_gpus": spec.gpus,
            **({"entrypoint_memory": spec.memory} if spec.memory else {}),
        }

    def observe(self, handle: Handle, seen: Seen) -> Observation:
        """What has become of an attempt, by its folder and by the last look at the cluster."""
        journal = self.records.journal(handle)
        if journal.end is not None:
            self.settle(handle)
            return ended(handle, journal.end)
        folder = self.folder(handle)
        if mirror.is_marked(folder, mirror.GONE):
            return self.lost(handle, "its runner was told that it counts no more, and has ended it")
        silence = mirror.age(folder, mirror.HEARTBEAT, time.time())
        if mirror.is_marked(folder, mirror.FENCED):
            return self.fenced(handle, silence, seen)
        if seen.trouble:
            if silence is not None and silence < min(FRESH, self.cluster.lost_after):
                return self.running(handle, journal)
            is_given_up = (
                mirror.is_marked(folder, mirror.STOP) if silence is None else silence > self.cluster.lost_after
            )
            if is_given_up:
                return self.fence(handle, seen.trouble)
            return Observation(handle=handle, state=State.UNREACHABLE, message=seen.trouble)
        job = seen.jobs.get(handle.key)
        if job is None:
            return self.unknown(handle, journal, silence, seen)
        if job["status"] == "PENDING" and silence is None and mirror.is_marked(folder, mirror.STOP):
            self.fence(
                handle, "it was stopped before it began"
            )  # Ray itself hears of that when there is room, not before
            return self.fenced(handle, silence, seen)
        if job["status"] in ENDED:
            return self.ended_without_a_word(handle, journal, silence, job)
        if silence is not None and silence > self.cluster.lost_after:
            return self.fence(handle, f"nothing was heard of it for {silence:.0f} s, though Ray says {job['status']}")
        if silence is None:
            return Observation(handle=handle, state=State.QUEUED, message=str(job.get("message") or ""))
        return self.running(handle, journal)

    def running(self, handle: Handle, journal: Journal) -> Observation:
        return Observation(handle=handle, state=State.RUNNING, started=journal.started)

    def unknown(self, handle: Handle, journal: Journal, silence: float | None, seen: Seen) -> Observation:
        """Ray does not know its job: too early to be seen, or a head that was started anew."""
        if seen.at < self.launched.get(handle.key, 0.0):
            return Observation(handle=handle, state=State.QUEUED)
        why = "Ray does not know its job any more"
        if silence is not None:
            return self.fence(handle, why)
        return self.lost(handle, why)

    def ended_without_a_word(self, handle: Handle, journal: Journal, silence: float | None, job: Job) -> Observation:
        """Ray says that its job is over; its runner has not."""
        since = self.over.setdefault(handle.key, time.monotonic())
        if time.monotonic() - since < ON_ITS_WAY:
            return (
                self.running(handle, journal) if silence is not None else Observation(handle=handle, state=State.QUEUED)
            )
        why = _said(job)
        if job["status"] == "STOPPED":
            self.settle(handle)
            return Observation(handle=handle, state=State.STOPPED, message=why)
        if silence is None:
            self.settle(handle)
            state = State.NO_ROOM if job.get("error_type") == WAITED_TOO_LONG else State.NOT_LAUNCHED
            return Observation(handle=handle, state=state, message=why)
        if job.get("driver_exit_code") is not None:
            return self.lost(handle, f"its runner has ended without its last words: {why}")
        return self.fence(handle, why)

    def fence(self, handle: Handle, why: str) -> Observation:
        """From now on nothing is taken from it; its runner hears that and ends it."""
        with contextlib.suppress(OSError):  # the disk is full: once more at the next look
            os.makedirs(self.folder(handle), mode=0o700, exist_ok=True)
            mirror.mark(self.folder(handle), mirror.FENCED, why)
        self.watch.end(handle.key)
        return Observation(handle=handle, state=State.UNREACHABLE, message=f"{why}; what is left of it is being ended")

    def fenced(self, handle: Handle, silence: float | None, seen: Seen) -> Observation:
        """Wait until its runner has confirmed its end, or must have ended it for want of an answer."""
        folder = self.folder(handle)
        try:
            why = Path(folder, mirror.FENCED).read_text()
        except OSError:
            why = ""
        since = mirror.age(folder, mirror.FENCED, time.time()) or 0.0
        job = seen.jobs.get(handle.key)
        waits = silence is None and not seen.trouble and (job is None or job["status"] == "PENDING")
        if waits and mirror.is_marked(folder, mirror.STOP):
            self.settle(handle)
            return Observation(handle=handle, state=State.STOPPED, message="it had not begun")
        has_exited = job is not None and job["status"] in ENDED and job.get("driver_exit_code") is not None
        quiet = since if silence is None else silence
        if has_exited or quiet > 2 * self.cluster.lost_after:
            return self.lost(handle, why)
        self.watch.end(handle.key)
        return Observation(handle=handle, state=State.UNREACHABLE, message=f"{why}; what is left of it is being ended")

    def lost(self, handle: Handle, why: str) -> Observation:
        self.settle(handle)
        return Observation(handle=handle, state=State.LOST, message=why)

    def settle(self, handle: Handle) -> None:
        """Its end is known: nobody needs its job and its order any more."""
        self.over.pop(handle.key, None)
        self.launched.pop(handle.key, None)
        self.records.forget(handle)
        self.watch.done.setdefault(handle.key)
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self.folder(handle), mirror.ORDER))  # the job's variables stand in it


def cluster_of(settings: Any, *, url: str, authority: str) -> Cluster:
    """The cluster that the settings name."""
    return Cluster(
        address=settings.TUNEBOOK_RAY_ADDRESS,
        token=settings.TUNEBOOK_RAY_TOKEN,
        url=url,
        authority=Path(authority).read_text() if authority else "",
        lost_after=float(settings.TUNEBOOK_RAY_LOST_AFTER),
        allows_anyone=settings.TUNEBOOK_ALLOW_UNAUTHENTICATED_ENGINE,
    )


def _said(job: Mapping[str, Any]) -> str:
    """What Ray says of an ended job, its last line."""
    lines = [line.strip() for line in str(job.get("message") or "").splitlines() if line.strip()]
    words = lines[-1][:500] if lines else ""
    return f"its job {job['status'].lower()}: {words}" if words else f"its job {job['status'].lower()}"
