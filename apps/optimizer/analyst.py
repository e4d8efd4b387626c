"""Works out findings that somebody wants, one at a time, in a process of its own beside the driving of trials."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO, Any

from django.db import transaction

from apps.experiments.models import Experiment
from apps.feed.models import experiment_stream
from apps.feed.writing import append
from apps.insights import keeping
from apps.insights.models import Insight

log = logging.getLogger(__name__)

EVERY = 1.0
MOST_SECONDS = 90
"""Of the processor's time that it may take."""
LONGEST = 900.0
"""Seconds after which it is given up: it may have to wait long for a processor that trials leave free."""
REST = 5.0
"""Seconds at least between two findings of an experiment that runs: trials that end fast need the processors."""
NICE = 15
ENDS = {
    -signal.SIGXCPU: f"it took more than {MOST_SECONDS} seconds of the processor's time",
    -signal.SIGKILL: f"it was killed: after {LONGEST / 60:.0f} minutes, or for want of memory",
}
PROGRAM = (sys.executable, "-m", "tunebook.findings", str(MOST_SECONDS))


class Analyst:
    """Looks for wanted findings now and then; costs one small query per second while there is nothing to do."""

    def __init__(self) -> None:
        self.insight: Insight | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.answer: IO[bytes] | None = None
        self.trouble: IO[bytes] | None = None
        self.began = self.next_look = self.next_hold = 0.0
        self.due: dict[int, int] = {}
        self.rests: dict[int, float] = {}

    def notice(self, experiment: Experiment) -> None:
        """Ask for findings when enough trials of a driven experiment have ended since last time, or all have."""
        ended, due = experiment.ended_count, self.due.get(experiment.pk, keeping.FIRST)
        if experiment.has_ended:
            keeping.want(experiment.pk, ended, final=True)
            self.due.pop(experiment.pk, None)
            self.rests.pop(experiment.pk, None)
        elif ended >= due:
            moment = time.monotonic()
            if moment >= self.rests.setdefault(experiment.pk, moment + REST):
                self.rests[experiment.pk] = moment + REST
                self.due[experiment.pk] = keeping.due_at(ended)
                keeping.want(experiment.pk, ended)

    def turn(self) -> None:
        """Finish what has been worked out, begin what is wanted."""
        moment = time.monotonic()
        if self.process is not None:
            if self.process.poll() is not None:
                self.finish()
            elif moment - self.began > LONGEST:
                self.process.kill()
            elif moment >= self.next_hold and self.insight is not None:
                self.next_hold = moment + keeping.HOLD.total_seconds() / 2
                keeping.hold(self.insight)
        elif moment >= self.next_look:
            self.next_look = moment + EVERY
            self.insight = keeping.claim()
            if self.insight is not None:
                self.begin(self.insight)

    def begin(self, insight: Insight) -> None:
        try:
            asked = json.dumps(keeping.request(insight)).encode()
        except Exception as error:  # a row that cannot be read must not stop the optimizer
            log.exception("no findings for experiment %s", insight.experiment_id)
            keeping.give_up(insight, f"{type(error).__name__}: {error}")
            self.insight = None
            return
        # both stay open until the process has ended, which is seen in a later turn
        self.answer, self.trouble = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed by finish and close
        with tempfile.TemporaryFile() as question:
            question.write(asked)
            question.seek(0)
            self.process = subprocess.Popen(
                PROGRAM, stdin=question, stdout=self.answer, stderr=self.trouble, env=_environment()
            )
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, NICE)
        self.began = time.monotonic()
        self.next_hold = self.began + keeping.HOLD.total_seconds() / 2

    def finish(self) -> None:
        """Keep the answer of the process that has ended."""
        process, insight, answer, trouble = self.process, self.insight, self.answer, self.trouble
        self.process = self.insight = self.answer = self.trouble = None
        self.next_look = 0.0
        assert process is not None and insight is not None and answer is not None and trouble is not None
        with answer, trouble:
            found, said = _read(answer), _read(trouble)
        if process.returncode != 0:
            last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
            why = last or ENDS.get(process.returncode, f"ended with {process.returncode}")
            log.error("no findings for experiment %s: %s", insight.experiment_id, why)
            keeping.give_up(insight, why)
            return
        with transaction.atomic():
            keeping.keep(insight, json.loads(found))
            append(experiment_stream(insight.experiment.key), [("insight", {"ended": insight.ended})])

    def close(self) -> None:
        """Leave what is being worked out to the next optimizer."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        for file in (self.answer, self.trouble):
            if file is not None:
                file.close()
        self.answer = self.trouble = None


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _environment() -> dict[str, Any]:
    """One thread: the trials need the processors."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
