"""The keeper: hands orders to runners, forks them, waits for them. What its death would lose, it does not know."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import time

from .attempt import take_orders
from .files import lock
from .journal import PROTOCOL, encode
from .processes import PR_SET_CHILD_SUBREAPER, boot_id, children, libc, send_signal, set_oom_score, start_ticks
from .sockets import LAUNCH, RETIRE, frame, short

TYPE_CHECKING = False
if TYPE_CHECKING:  # what only the type checker needs would stay in the keeper's memory
    from typing import Any, NoReturn

    Record = dict[str, Any]

IDLE_SECONDS = 20.0
RUNNER_IDLE_SECONDS = 5.0
OOM_SCORE = 500


class Keeper:
    """Hands orders to runners, forks them, waits for them, and kills what a dead runner has left behind."""

    def __init__(self, data: str, umask: int) -> None:
        self.umask = umask
        self.run_folder = os.path.join(data, "run")
        self.socket_path = os.path.join(self.run_folder, "keeper.sock")
        self.boot = boot_id()
        self.clients: dict[int, tuple[socket.socket, bytearray]] = {}
        self.runners: dict[int, socket.socket] = {}
        self.idle: dict[int, float] = {}
        self.retired = False
        self.lock: int | None = None

    def listen(self) -> bool:
        """Become the keeper of the data folder; False when it has one."""
        os.makedirs(self.run_folder, mode=0o700, exist_ok=True)
        self.lock = lock(os.path.join(self.run_folder, "keeper.lock"), 1.0)
        if self.lock is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket_path)
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short(self.socket_path) as name:
            self.server.bind(name)
        self.server.listen(64)
        self.inode = os.stat(self.socket_path).st_ino
        return True

    def serve(self) -> None:
        """Answer until nobody needs this keeper any more."""
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        set_oom_score(OOM_SCORE)
        self.wake_out, self.wake_in = socket.socketpair()
        self.wake_in.setblocking(False)
        self.wake_out.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, stack: None)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)  # what runners, and so commands, inherit
        signal.set_wakeup_fd(self.wake_in.fileno(), warn_on_full_buffer=False)
        self.poll = select.poll()
        for channel in (self.server, self.wake_out):
            self.poll.register(channel, select.POLLIN)
        quiet_since = time.monotonic()
        while True:
            for handle, _event in self.poll.poll(5_000):
                self.attend(handle)
            self.dismiss_idle()
            if self.clients or self.runners:
                quiet_since = time.monotonic()
            elif self.retired or self.abandoned() or time.monotonic() - quiet_since > IDLE_SECONDS:
                return

    def abandoned(self) -> bool:
        try:
            return os.stat(self.socket_path).st_ino != self.inode
        except OSError:
            return True

    def attend(self, handle: int) -> None:
        if handle == self.wake_out.fileno():
            with contextlib.suppress(BlockingIOError):
                self.wake_out.recv(4096)
            self.reap()
        elif handle == self.server.fileno():
            client, _ = self.server.accept()
            self.clients[client.fileno()] = (client, bytearray())
            self.poll.register(client, select.POLLIN)
        elif handle in self.clients:
            self.read(*self.clients[handle])
        else:
            self.hear(handle)

    def reap(self) -> None:
        """Wait for ended children; a child that is no runner was left by a runner that died."""
        widowed = False
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                widowed = widowed or pid not in self.runners or os.WIFSIGNALED(status)
                self.bury(pid)
        if widowed:
            for pid in children(os.getpid()):
                if pid not in self.runners:
                    send_signal(pid, signal.SIGKILL)

    def bury(self, pid: int) -> None:
        channel = self.runners.pop(pid, None)
        self.idle.pop(pid, None)
        if channel is not None and channel.fileno() >= 0:
            self.poll.unregister(channel)
            channel.close()

    def hear(self, handle: int) -> None:
        """A runner says that it can take another order, or has closed its end and is about to go."""
        for pid, channel in self.runners.items():
            if channel.fileno() != handle:
                continue
            try:
                free = channel.recv(16) == b"."
            except OSError:
                free = False
            if free and not self.retired:
                self.idle[pid] = time.monotonic()
            else:
                self.dismiss(pid)
            return

    def dismiss(self, pid: int) -> None:
        """Let a runner go: it ends when it finds its channel closed."""
        self.idle.pop(pid, None)
        channel = self.runners[pid]
        if channel.fileno() >= 0:
            self.poll.unregister(channel)
            channel.close()

    def dismiss_idle(self) -> None:
        now = time.monotonic()
        for pid, since in list(self.idle.items()):
            if self.retired or now - since > RUNNER_IDLE_SECONDS:
                self.dismiss(pid)

    def read(self, client: socket.socket, buffer: bytearray) -> None:
        try:
            data = client.recv(1 << 18)
        except OSError:
            data = b""
        if not data:
            self.drop(client)
            return
        buffer += data
        while len(buffer) >= 4 and len(buffer) >= 4 + int.from_bytes(buffer[:4], "big"):
            size = int.from_bytes(buffer[:4], "big")
            request = bytes(buffer[4 : 4 + size])
            del buffer[: 4 + size]
            answer = encode(self.answer(request[:1], request[1:])).encode()
            try:
                client.sendall(frame(answer), socket.MSG_NOSIGNAL)
            except OSError:
                self.drop(client)
                return

    def drop(self, client: socket.socket) -> None:
        self.poll.unregister(client)
        del self.clients[client.fileno()]
        client.close()

    def answer(self, verb: bytes, body: bytes) -> Record:
        if verb == LAUNCH and not self.retired:
            return self.launch(body)
        if verb == RETIRE:
            self.retire()
        busy = len(self.runners) - len(self.idle)
        ids = {"pid": os.getpid(), "ticks": start_ticks(os.getpid()), "boot": self.boot}
        return {"protocol": PROTOCOL, "retired": self.retired, "busy": busy, **ids}

    def retire(self) -> None:
        """Make room for another keeper; the runners that live are kept to their end."""
        if not self.retired:
            self.retired = True
            self.poll.unregister(self.server)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.socket_path)
            if self.lock is not None:
                os.close(self.lock)

    def launch(self, body: bytes) -> Record:
        """Give an order to an idle runner, or to a new one; which process has it now."""
        while self.idle:
            pid, _since = self.idle.popitem()
            try:
                self.runners[pid].sendall(frame(body), socket.MSG_NOSIGNAL)
                return {"pid": pid}
            except OSError:
                self.dismiss(pid)
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError as error:
            return {"error": "busy", "message": error.strerror}
        if pid == 0:
            become_runner(theirs, body, self.boot, self.umask)
        theirs.close()
        self.runners[pid] = ours
        self.poll.register(ours, select.POLLIN)
        return {"pid": pid}


def become_runner(channel: socket.socket, body: bytes, boot: str, umask: int) -> NoReturn:
    """In the forked child: let go of what is the keeper's, run attempts, and never return."""
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
        gc.disable()
        os.setsid()
        os.umask(umask)  # what commands write may be for others too; our own files say their mode
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        kept = channel.detach()
        os.closerange(3, kept)
        os.closerange(kept + 1, 1024)
        take_orders(socket.socket(fileno=kept), body, boot)
        code = 0
    except BaseException as error:
        os.write(2, f"runner {os.getpid()}: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def main(data: str) -> int:
    umask = os.umask(0o077)
    keeper = Keeper(os.path.abspath(data), umask)
    if not keeper.listen():
        return 0
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    gc.collect()
    gc.freeze()
    keeper.serve()
    return 0
