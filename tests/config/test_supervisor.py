"""Keeping processes running, with real ones that are quick to start."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

from apps.config import readiness
from apps.config.supervisor import CANNOT_START, Child, Supervisor

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENT = "import signal; signal.sigwait({signal.SIGTERM})"


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", textwrap.dedent(code)]


def supervise(*children: Child) -> subprocess.Popen[str]:
    """A supervisor in a process of its own, that prints one line when each child has started."""
    listed = [[child.name, list(child.command)] for child in children]
    command = [sys.executable, "-m", "apps.config.supervisor", json.dumps(listed)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_term_ends_all_children_and_then_the_supervisor():
    code = f"import os; os.write(1, b'%d\\n' % os.getpid()); {PATIENT}"
    with supervise(Child("a", python(code)), Child("b", python(code))) as supervisor:
        pids = [int(supervisor.stdout.readline()) for _ in range(2)]

        supervisor.terminate()
        status = supervisor.wait(60)

    assert status == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_killed_supervisor_takes_its_children_with_it():
    code = f"import os; os.write(1, b'%d\\n' % os.getpid()); {PATIENT}"
    with supervise(Child("a", python(code))) as supervisor:
        pid = int(supervisor.stdout.readline())

        supervisor.kill()

    assert wait_until(lambda: not Path(f"/proc/{pid}/exe").exists())


def test_a_crashed_child_is_started_again_and_the_other_left_alone(tmp_path):
    log = tmp_path / "starts"
    crashing = f"open({str(log)!r}, 'a').write('x'); import os; os._exit(3)"
    said: list[str] = []
    patient = Child("patient", python(PATIENT))
    supervisor = Supervisor([Child("crashing", python(crashing)), patient], say=said.append, clock=quick())

    status = supervisor.run(lambda: 7 if log.exists() and len(log.read_text()) >= 3 else None, interval=0.01)

    assert status == 7
    assert said[0] == "The crashing process ended with status 3; starting it again in 1 s."
    assert patient.failures == 0


def test_pauses_between_starts_grow_to_half_a_minute():
    child = Child("crashing", ["false"])

    pauses = []
    for child.failures in range(8):
        pauses.append(child.pause)

    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_can_never_start_ends_everything():
    supervisor = Supervisor(
        [Child("web", python(f"raise SystemExit({CANNOT_START})")), Child("other", python(PATIENT))]
    )

    assert supervisor.run() == 1


def test_readiness_is_asked_until_it_is_there_and_then_no_more():
    looks = iter([False, False, True])
    supervisor = Supervisor([Child("patient", python(PATIENT))])
    asked: list[bool] = []

    def look() -> bool:
        asked.append(next(looks))
        return asked[-1]

    status = supervisor.run(lambda: 7 if supervisor.is_ready is None else None, interval=0.01, is_ready=look)

    assert (status, asked) == (7, [False, False, True])


def test_only_a_web_process_that_answers_is_ready():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        not_listening = readiness.answers("127.0.0.1", port)
        deaf.listen()
        answered = threading.Thread(target=answer_once, args=(deaf,))
        answered.start()

        listening = readiness.answers("0.0.0.0", port)
        answered.join()

    assert (not_listening, listening) == (False, True)


def answer_once(listener: socket.socket) -> None:
    with listener.accept()[0] as client:
        client.recv(4096)
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


def test_a_child_gets_its_signals_as_usual():
    code = "import signal; assert not signal.pthread_sigmask(signal.SIG_BLOCK, []); raise SystemExit(78)"
    supervisor = Supervisor([Child("a", python(code))])

    assert supervisor.run() == 1


def test_the_caller_gets_its_signals_back():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])

    Supervisor([Child("a", python("raise SystemExit(78)"))]).run()

    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def quick():
    """A clock on which every second passes in a hundredth of one."""
    begun = time.monotonic()
    return lambda: begun + (time.monotonic() - begun) * 100


def wait_until(holds, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        os.sched_yield()
    return holds()


def test_a_command_becomes_a_supervisor_from_any_folder(tmp_path):
    code = f"""
        import sys; sys.path.insert(0, {str(ROOT)!r})
        from apps.config.supervisor import Child, become
        sys.path.pop(0)
        become([Child("a", [sys.executable, "-S", "-c", "print('ran', flush=True); {PATIENT}"])], "127.0.0.1", 9, "")
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as started:
        said = started.stdout.readline()
        started.terminate()

    assert said == "ran\n"
