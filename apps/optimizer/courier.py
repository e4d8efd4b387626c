"""Runs one attempt on a machine of a cluster, and sends home what its folder gains. Standard library only.

The runner in the attempt's folder is the one that runs attempts on the server's own machine. This process fetches its
order, starts it, follows its files, and obeys the server: it ends the attempt when it is asked to stop, when the server
says that the attempt counts no more, and when nothing was heard of the server for too long.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import shutil
import signal
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

from apps.optimizer import runner
from apps.optimizer.home import Away, Fenced, Home, NotTaken
from apps.optimizer.runner.processes import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, libc, send_signal

GROWING = ("out.log", "err.log", "metrics.jsonl")
LOGS = GROWING[:2]
LIVE_LOG, LAST_OF_LOG = 48 << 20, 8 << 20
"""So much of a log is sent while it grows; of a longer one its last bytes when the attempt has ended."""
PIECE = 1 << 20
LOOK_EVERY = 0.5
ALIVE_EVERY = 3.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
LEFT_AFTER = 600.0
"""Seconds after which a folder that nobody holds was left by a killed attempt, and is not just being filled."""
TOLD = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


class Courier:
    """One attempt: its folder here, how far its files have been sent, and the process that runs it."""

    def __init__(self, home: Home, order: dict[str, Any], folder: str) -> None:
        self.home, self.order, self.folder = home, order, folder
        self.base = work_folder(order, folder)
        self.lost_after = float(order.get("lost_after", 120.0))
        self.sent: dict[str, int] = {}
        self.stamps: dict[str, tuple[int, int]] = {}
        self.refused: set[str] = set()
        self.ending: dict[str, Any] | None = None
        self.runner = 0
        self.stops = False
        self.next_alive = 0.0
        self.pause = FIRST_PAUSE

    def run(self) -> int:
        """Run the attempt; the exit status of this process, which Ray shows."""
        self.start()
        while True:
            try:
                if self.round():
                    return self.status()
                self.pause = FIRST_PAUSE
                wait = LOOK_EVERY
            except Fenced as error:
                say(f"this attempt counts no more: {error}")
                self.end()
                self.home.gone()
                return 1
            except Away as error:
                silence = time.monotonic() - self.home.heard
                if silence > self.lost_after:
                    say(f"nothing heard of {self.home.url} for {silence:.0f} s, giving up: {error}")
                    self.end()
                    return 1
                wait, self.pause = self.pause, min(self.pause * 2, LONGEST_PAUSE)
            info = signal.sigtimedwait(TOLD, wait)
            if info is not None and info.si_signo != signal.SIGCHLD:
                self.stop(None)

    def round(self) -> bool:
        """Send what is new; whether that was the last of it."""
        reap()
        lives = runner.start_ticks(self.runner) is not None
        journal, end = self.journal()
        if end is None and not lives:
            journal, end = self.journal()
            if end is None:
                raise Fenced("its runner has died without a word")
        self.follow(last=end is not None)
        if end is not None:
            self.ending = end
            for place in self.order.get("outputs", ()):
                self.send_changed(place)
        self.send_bytes(runner.JOURNAL, journal)
        if end is not None:
            return True
        if time.monotonic() >= self.next_alive:
            self.next_alive = time.monotonic() + ALIVE_EVERY
            self.home.alive()
        if self.home.wish.get("stop"):
            self.stop(self.home.wish.get("grace"))
        return False

    def journal(self) -> tuple[bytes, dict[str, Any] | None]:
        """What the runner has noted so far, whole lines only, and its last note if that is the end."""
        try:
            with open(f"{self.folder}/{runner.JOURNAL}", "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return b"", None
        data = data[: data.rfind(b"\n") + 1]
        last = json.loads(data.splitlines()[-1]) if data else {}
        return data, last if last.get("event") == "exit" else None

    def follow(self, *, last: bool) -> None:
        """Send what has been written since the last look."""
        for name in GROWING:
            self.send_growth(name, last=last)
        for place in self.order.get("follows", ()):
            self.send_changed(place)

    def send_bytes(self, name: str, data: bytes) -> None:
        while self.sent.get(name, 0) < len(data):
            at = self.sent.get(name, 0)
            self.sent[name] = self.home.put(name, at, data[at : at + PIECE])

    def send_growth(self, name: str, *, last: bool) -> None:
        """Send what a file has gained; of a log that is too long its head, and its last bytes at the end."""
        try:
            file = os.open(f"{self.folder}/{name}", os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            size = os.fstat(file).st_size
            at = self.sent.get(name, 0)
            while at < size and name not in self.refused:
                if name in LOGS and at >= LIVE_LOG:
                    if not last:
                        return
                    at = max(at, size - LAST_OF_LOG)
                start = data_from(file, at, size) if name in LOGS else at
                data = os.pread(file, PIECE, start)
                if not data:
                    return
                at = self.sent[name] = self.take(name, start, data)
        finally:
            os.close(file)

    def send_changed(self, place: str) -> None:
        """Send a file, or the files of a folder, that have changed since they were sent; growing ones go on."""
        for path in files_of(place):
            above = next((one for one in (self.folder, self.base) if path.startswith(f"{one}/")), None)
            name = path[len(above) + 1 :] if above else ""
            if not name or name in self.refused or os.path.islink(path):
                continue
            if not is_text(name):
                say(f"{name!r} is not sent: no file may be called that")
                self.refused.add(name)
                continue
            try:
                self.send_file(name, path)
            except OSError as error:  # it has gone meanwhile, or must not be read
                if self.ending is not None:
                    say(f"{name} is not sent: {error.strerror}")

    def send_file(self, name: str, path: str) -> None:
        """Send a file whole, or what it has gained since, if it has changed."""
        state = os.stat(path)
        stamp = (state.st_mtime_ns, state.st_size)
        if self.stamps.get(name) == stamp:
            return
        grows = "tfevents" in os.path.basename(path) or name.startswith("nni/")
        at = self.sent.get(name, 0) if grows and name in self.sent else 0
        with open(path, "rb") as file:
            file.seek(at)
            while (data := file.read(PIECE)) or not at:
                at = self.sent[name] = self.take(name, at, data)
                file.seek(at)
                if not data or name in self.refused:
                    break
        self.stamps[name] = stamp

    def take(self, name: str, at: int, data: bytes) -> int:
        """Send one piece; a file that is not taken is left out from then on."""
        try:
            return self.home.put(name, at, data)
        except NotTaken as error:
            say(f"{name} is not sent any further: {error}")
            self.refused.add(name)
            return at

    def start(self) -> None:
        """Start the runner in a process of its own, which ends the attempt if this one dies."""
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.pthread_sigmask(signal.SIG_BLOCK, TOLD)
        me = os.getpid()
        self.runner = os.fork()
        if self.runner:
            return
        code = 1
        try:
            os.setsid()
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)  # what commands inherit
            if os.getppid() == me:
                runner.Runner(self.order, runner.identity(runner.boot_id())).run()
            code = 0
        except BaseException as error:
            say(f"{type(error).__name__}: {error}")
        finally:
            os._exit(code)

    def stop(self, grace: float | None) -> None:
        """Ask the runner to end the command; once is enough."""
        if self.stops:
            return
        self.stops = True
        chosen = self.order.get("grace", 15.0) if grace is None else grace
        with contextlib.suppress(OSError):
            Path(self.folder, "stop").write_text(json.dumps({"grace": chosen}))
        send_signal(self.runner, signal.SIGTERM)

    def end(self) -> None:
        """End everything that runs here, and wait until it has: first the asking way, then by force."""
        self.stop(min(float(self.order.get("grace", 15.0)), 10.0))
        deadline = time.monotonic() + 20.0
        while runner.start_ticks(self.runner) is not None and time.monotonic() < deadline:
            reap()
            time.sleep(0.05)
        while left := [pid for pid in runner.children(os.getpid()) if runner.start_ticks(pid) is not None]:
            for pid in left:
                send_signal(pid, signal.SIGKILL)
            reap()
            time.sleep(0.05)

    def status(self) -> int:
        assert self.ending is not None
        if self.ending.get("code") is not None:
            return int(self.ending["code"])
        return 128 + int(self.ending.get("signal") or 0)


def main() -> int:
    """Fetch the order, run it, leave nothing behind."""
    home = Home(os.environ["TUNEBOOK_URL"], os.environ["TUNEBOOK_TOKEN"], os.environ.get("TUNEBOOK_AUTHORITY", ""))
    program = Path(sys.argv[0]).resolve()
    hold(program)
    clear(program)
    order = patiently(lambda: json.loads(home.get("order")))
    folder = str(program.parent / "trial" / Path(order["folder"]).name)
    order = localised(order, os.path.dirname(order["folder"]), os.path.dirname(folder))
    order["environment"] = environment(order["environment"], program)
    Path(folder).mkdir(mode=0o700, parents=True)
    work = patiently(lambda: home.get("work"))
    with tarfile.open(fileobj=io.BytesIO(work)) as archive:
        archive.extractall(work_folder(order, folder), filter="data")
    say(f"{order['key']} begins in {folder}")
    code = Courier(home, order, folder).run()
    os.chdir("/")
    shutil.rmtree(program.parent, ignore_errors=True)
    return code


def hold(program: Path) -> bool:
    """Hold the folder of this attempt for as long as this process and its runner live; False: another one does."""
    handle = os.open(program, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        os.close(handle)
        return False


def clear(program: Path) -> None:
    """Remove what attempts have left here whose processes were killed."""
    for other in program.parent.parent.glob(f"{program.parent.name.partition('-')[0]}-*/{program.name}"):
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > LEFT_AFTER and hold(other):
                shutil.rmtree(other.parent, ignore_errors=True)


def patiently(ask: Any) -> Any:
    """Ask until there is an answer; a minute, then it is an error."""
    deadline = time.monotonic() + 60.0
    while True:
        try:
            return ask()
        except Away as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"Tunebook does not answer: {error}") from None
            time.sleep(1.0)
        except Fenced as error:
            raise SystemExit(f"Tunebook wants nothing of this attempt: {error}") from None


def work_folder(order: dict[str, Any], folder: str) -> str:
    """The attempt whose `work` this one begins with, which is the first one's where it goes on from there."""
    own = order.get("cwd") or ""
    first = os.path.join(os.path.dirname(folder), "1")
    return first if own.startswith(f"{first}/") else folder


def localised(value: Any, there: str, here: str) -> Any:
    """An order with the trial's folder on this machine wherever it names the one on the server."""
    if isinstance(value, str):
        return value.replace(there, here)
    if isinstance(value, list):
        return [localised(one, there, here) for one in value]
    if isinstance(value, dict):
        return {name: localised(one, there, here) for name, one in value.items()}
    return value


def environment(told: dict[str, str], program: Path) -> dict[str, str]:
    """The variables of the command: this machine's own, those of the order, and where the library is found."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("TUNEBOOK_")}
    merged = {**own, **told}
    paths = [path for path in (merged.get("PYTHONPATH"), f"{program}/lib") if path]
    merged["PYTHONPATH"] = os.pathsep.join(paths)
    if "MLFLOW_TRACKING_SERVER_CERT_PATH" in told and os.environ.get("TUNEBOOK_AUTHORITY"):
        own_authority = program.parent / "ca.pem"
        own_authority.write_text(os.environ["TUNEBOOK_AUTHORITY"])
        merged["MLFLOW_TRACKING_SERVER_CERT_PATH"] = str(own_authority)
    return merged


def files_of(place: str) -> list[str]:
    """The file, or the files of the folder with all below it; what cannot be looked into is left out."""
    if os.path.isfile(place):
        return [place]
    found = (os.path.join(folder, name) for folder, _folders, names in os.walk(place) for name in names)
    return sorted(path for path in found if os.path.isfile(path))


def is_text(name: str) -> bool:
    """Whether a name can stand in an address: it is UTF-8, and has no control characters."""
    return not any(ord(letter) < 32 or 0xD800 <= ord(letter) < 0xE000 for letter in name)


def data_from(file: int, offset: int, size: int) -> int:
    """The next offset that is not in a hole."""
    try:
        return os.lseek(file, offset, os.SEEK_DATA)
    except OSError:
        return size


def reap() -> None:
    """Wait for whatever has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def say(words: str) -> None:
    """A line in the log of the Ray job."""
    sys.stderr.write(f"tunebook: {words}\n")
    sys.stderr.flush()
