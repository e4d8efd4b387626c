"""How a web process leaves: it says so first, and goes on serving until whoever sends requests here has noticed.

uvicorn closes its listener at the first TERM. A balancer that asks /readyz every few seconds would go on sending
requests to it in the meantime, and their senders would see an error.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType

from uvicorn.supervisors import Multiprocess

from apps.config.health import leaving

ONE_WISH = 2.0
"""Seconds within which a second TERM is the first one again: a service manager tells each process, and their parent does."""


def obey(seconds: float) -> None:
    """From TERM on be unready for so many seconds, and only then let uvicorn end; a second TERM ends at once.

    Call where uvicorn has its signal handlers in place, as when it loads the application. Elsewhere it does nothing.
    """
    end = signal.getsignal(signal.SIGTERM)
    if not callable(end) or threading.current_thread() is not threading.main_thread():
        return
    asked = 0.0

    def told(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not leaving.is_set():
            asked = time.monotonic()
            leaving.set()
            timer = threading.Timer(seconds, end, (number, None))
            timer.daemon = True
            timer.start()
        elif time.monotonic() - asked > ONE_WISH:
            os._exit(128 + number)

    signal.signal(signal.SIGTERM, told)


class Workers(Multiprocess):
    """Several web processes, which are told of a second TERM too."""

    def join_all(self) -> None:
        self.signal_queue.clear()
        while living := [one.process for one in self.processes if one.process.is_alive()]:
            if self.signal_queue:
                self.signal_queue.clear()
                for process in living:
                    process.terminate()
            living[0].join(0.1)
