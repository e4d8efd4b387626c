"""Inside a training script: the trial's parameters, its measurements, and whether it should stop.

    from tunebook import run

    values = run.params(lr=0.1)
    for epoch in range(20):
        run.log(accuracy=train(values["lr"]), step=epoch)
        if run.should_stop():
            break

Outside a trial `params()` gives the defaults, `log` keeps quiet and `should_stop` is always False, so that the script
runs by hand as it is. Nothing here ever raises because of the server: a failure is logged once, and training goes on.
"""

import atexit
import functools
import json
import logging
import os
import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunebook.spool import Spool, Wake

if TYPE_CHECKING:
    from tunebook.reporting import Sender

__all__ = ["checkpoint_dir", "in_trial", "log", "params", "parent_checkpoint_dir", "should_stop"]

_logger = logging.getLogger("tunebook.run")
_METRIC_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,255}")  # what a job's metric may be called
SETTLE_SECONDS = 30.0
"""So long a script that ends waits for the file of its measurements, if that could not be written."""
_MAX_STEP = 2**53 - 1


def params(**defaults: Any) -> dict[str, Any]:
    """The parameters of this trial; what it does not set keeps the default given here.

    Outside a trial these are the defaults alone.
    """
    return {**defaults, **_session().read_params()}


def log(metrics: Mapping[str, float] | None = None, /, *, step: int | None = None, **named: float) -> None:
    """Report measurements: `log(loss=0.2, step=3)` or `log({"val/loss": 0.2})`.

    step: a whole number from 0 on; None counts the calls, 0 first. Values are numbers (also of numpy or torch); NaN and
    infinity are reported as such. What is no number is left out, with one warning.
    """
    _session().log({**(metrics or {}), **named}, step)


def should_stop() -> bool:
    """Has somebody asked this trial to stop? A look at a file; call it as often as you like."""
    return _session().should_stop()


def in_trial() -> bool:
    """Does this script run as a trial of Tunebook?"""
    return _session().has_trial


def checkpoint_dir() -> str | None:
    """The folder in which this trial keeps its checkpoints, for itself and for trials that go on from it.

    It exists. None where no trial goes on from another (the sampler decides that), and outside a trial.
    """
    return os.environ.get("TUNEBOOK_CHECKPOINT_DIR") or None


def parent_checkpoint_dir() -> str | None:
    """The folder of the trial from whose checkpoint this one is to go on; None when it starts afresh."""
    return os.environ.get("TUNEBOOK_PARENT_CHECKPOINT_DIR") or None


class Session:
    """What this process knows of its trial, from the environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._params_file = environment.get("TUNEBOOK_PARAMS_FILE", "")
        self._stop_file = environment.get("TUNEBOOK_STOP_FILE", "")
        self._url, self._token = environment.get("TUNEBOOK_URL", ""), environment.get("TUNEBOOK_TOKEN", "")
        path = environment.get("TUNEBOOK_SPOOL", "")
        self.is_remote = bool(self._url and self._token)
        if self.is_remote and not path:
            path = f".tunebook-{environment.get('TUNEBOOK_TRIAL', 'trial')}-{os.getpid()}.jsonl"
        self._spool = Spool(path) if path else None
        self._wake = Wake(environment["TUNEBOOK_WAKE"]) if environment.get("TUNEBOOK_WAKE") else None
        self._sender: Sender | None = None
        self._sender_of = 0
        self._next_step = 0
        self._settles = False
        self._lock = threading.Lock()
        self._noted: set[str] = set()
        self.has_trial = bool(self._spool or self._params_file)

    def read_params(self) -> dict[str, Any]:
        if not self._params_file:
            return {}
        try:
            with open(self._params_file, encoding="utf-8") as file:
                found = json.load(file)
            if isinstance(found, dict):
                return found
            self._note("the file of parameters does not hold an object")
        except (OSError, ValueError) as error:
            self._note(f"cannot read the parameters: {error}")
        return {}

    def log(self, metrics: Mapping[str, Any], step: int | None) -> None:
        numbers = {name: number for name, value in metrics.items() if (number := self._number(name, value)) is not None}
        with self._lock:
            step = self._step(step)
            if step is None or not numbers or self._spool is None:
                return
            try:
                self._spool.append(step, numbers)
            except OSError as error:
                self._note(f"measurements wait for the file that they go to: {error}")
                if not self._settles:
                    self._settles = True
                    atexit.register(self._settle)
                return
            except ValueError as error:
                self._note(f"cannot report measurements: {error}")
                return
            self._tell()

    def _settle(self) -> None:
        """At the end of the script: a disk that is full may have room in a moment, and the last values count the most."""
        if self._spool is not None and self._spool.settle(SETTLE_SECONDS):
            self._tell()

    def should_stop(self) -> bool:
        if self._sender is not None and self._sender.stopped:
            return True
        return bool(self._stop_file) and os.path.exists(self._stop_file)

    def _tell(self) -> None:
        """Wake the one who reads the spool, which on another machine is a thread of ours."""
        if self.is_remote:
            self._sending().poke()
        elif self._wake is not None:
            self._wake.poke()

    def _sending(self) -> "Sender":
        """The sender of this process; a fork gets its own, as threads are not inherited."""
        # Only here: the modules of HTTP take 50 ms to load, and a trial on the server's own machine needs none of them.
        from tunebook.reporting import Sender

        if self._sender is None or self._sender_of != os.getpid():
            assert self._spool is not None
            self._sender, self._sender_of = Sender(self._spool, self._url, self._token), os.getpid()
            self._sender.start()
            atexit.register(self._sender.close)
        return self._sender

    def _step(self, step: int | None) -> int | None:
        try:
            chosen = self._next_step if step is None else int(step)
        except (TypeError, ValueError, OverflowError):
            chosen = -1
        if not 0 <= chosen <= _MAX_STEP:
            self._note(f"a step must be a whole number from 0 on, got {step!r:.60}")
            return None
        self._next_step = chosen + 1
        return chosen

    def _number(self, name: str, value: Any) -> float | None:
        if not isinstance(name, str) or not _METRIC_NAME.fullmatch(name):
            self._note(f"a metric's name is 1 to 255 characters on one line, got {name!r:.140}")
            return None
        try:
            return float(value)
        except Exception as error:  # a value of any library, whose conversion may raise what it likes
            self._note(f"{name} must be a number: {error}")
            return None

    def _note(self, message: str) -> None:
        """Say it once."""
        if message not in self._noted:
            self._noted.add(message)
            _logger.warning("tunebook: %s", message)


@functools.cache
def _session() -> Session:
    return Session(os.environ)
