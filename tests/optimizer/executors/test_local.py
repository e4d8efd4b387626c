"""What the local executor and its runner do beyond the contract, with real processes."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.optimizer import runner
from apps.optimizer.executors import local as local_executor
from apps.optimizer.executors.base import Handle, Observation, State
from apps.optimizer.executors.local import LocalExecutor, host_name
from apps.optimizer.runner import attempt as attempts
from apps.optimizer.runner import files, logs
from tests.optimizer.executors.conftest import a_spec
from tests.optimizer.held import start_keeper
from tests.optimizer.waiting import until
from tunebook import disk


def end_of(executor: LocalExecutor, handle: Handle) -> Observation:
    until(lambda: executor.poll([handle])[0].has_ended, what="the attempt ends")
    return executor.poll([handle])[0]


def run(executor: LocalExecutor, step: str = "", **more: object) -> tuple[Handle, Observation]:
    handle = executor.launch(a_spec(step, **more))
    return handle, end_of(executor, handle)


def started(executor: LocalExecutor, step: str, **more: object) -> Handle:
    """A launched attempt whose command has printed `ready`."""
    handle = executor.launch(a_spec(step, **more))
    until(lambda: "ready" in executor.logs(handle, "out", 0, 100).text, what="the command is ready")
    return handle


def launch_order(executor: LocalExecutor, step: str, attempt: int = 1, **order: object) -> Handle:
    """Launch with members of the runner's order that no spec sets."""
    spec = a_spec(step, attempt=attempt)
    executor.runners[spec.key] = executor.keeper.launch({**executor.order(spec), **order})
    return Handle("local", executor.scope, spec.key, spec.place)


def output(executor: LocalExecutor, handle: Handle) -> str:
    return executor.logs(handle, "out", 0, 100_000).text


def folder(executor: LocalExecutor, handle: Handle) -> Path:
    return Path(executor.folder(handle))


def processes_with(text: str) -> list[int]:
    """The living processes whose command line holds a text."""
    found = []
    for pid in runner.processes():
        try:
            line = runner.read_file(f"/proc/{pid}/cmdline")
        except OSError:
            continue
        if text.encode() in line and runner.start_ticks(pid) is not None:
            found.append(pid)
    return found


def runner_of(executor: LocalExecutor, handle: Handle) -> int:
    identity = executor.journal(handle).runner
    assert identity is not None
    return int(identity["runner"])


def test_steps_run_one_after_another_until_one_fails(local: LocalExecutor) -> None:
    handle, end = run(local, steps=("echo one", ["sh", "-c", "echo two; exit 4"], "echo three"))

    lines = [note for note in runner.read_journal(local.folder(handle))[1] if note["event"] == "ended"]

    assert output(local, handle) == "one\ntwo\n"
    assert (end.code, end.step) == (4, "cmd2")
    assert [(line["id"], line["code"], line["out"]) for line in lines] == [("cmd1", 0, [0, 4]), ("cmd2", 4, [4, 8])]


def test_a_later_attempt_goes_on_at_the_step_that_failed_in_the_same_folder(local: LocalExecutor) -> None:
    steps = ("echo kept > file", "test -e again", "cat file")
    run(local, steps=steps)

    handle, end = run(local, attempt=2, steps=steps[:1] + ("cat file",), first_step=1, work_of=1)

    assert (end.code, output(local, handle)) == (0, "kept\n")


def test_a_command_gets_its_parameters_as_a_file(local: LocalExecutor) -> None:
    handle, _ = run(local, "cat $TUNEBOOK_PARAMS_FILE", params={"lr": 0.5, "model": {"_name": "svm"}})

    assert json.loads(output(local, handle)) == {"lr": 0.5, "model": {"_name": "svm"}}


def test_a_command_sees_no_variables_of_the_optimizer(local: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEBOOK_SECRET_KEY", "hidden")
    monkeypatch.setenv("LC_TIME", "C")
    executor = LocalExecutor(local.data)

    handle, _ = run(executor, "env", environment={"MINE": "1"})
    executor.close()

    names = {line.partition("=")[0] for line in output(executor, handle).splitlines()}
    assert {"MINE", "PATH", "LC_TIME", "TUNEBOOK_SPOOL"} <= names
    assert "TUNEBOOK_SECRET_KEY" not in names


def test_what_is_noted_on_disk_has_no_values_of_variables(local: LocalExecutor) -> None:
    handle, _ = run(local, "true", environment={"TOKEN": "hidden"})

    texts = [path.read_text() for path in folder(local, handle).iterdir() if path.is_file()]

    assert len(texts) == 4 and not any("hidden" in text for text in texts)


def test_the_attempts_folder_is_for_its_owner_only(local: LocalExecutor) -> None:
    handle, _ = run(local, "true")

    modes = {
        path.name: path.stat().st_mode & 0o777 for path in [folder(local, handle), *folder(local, handle).iterdir()]
    }

    assert all(mode & 0o077 == 0 for mode in modes.values()), modes


def test_a_command_has_no_input_and_no_descriptors_of_others(local: LocalExecutor) -> None:
    handle, _ = run(local, "readlink /proc/self/fd/0; ls /proc/self/fd | tr '\\n' ' '")

    assert output(local, handle).splitlines() == ["/dev/null", "0 1 2 3 "]


def test_a_command_is_in_a_group_of_its_own_and_dies_with_its_runner(local: LocalExecutor) -> None:
    handle = started(local, "echo ready; exec sleep 61.01")
    (command,) = until(lambda: processes_with("sleep\x0061.01"), what="the shell has become the command")

    group = os.getpgid(command)
    os.kill(runner_of(local, handle), signal.SIGKILL)

    until(lambda: not processes_with("sleep\x0061.01"), what="the command is gone")
    assert group == command != os.getpgid(0)
    assert end_of(local, handle).state == State.LOST


def test_what_a_killed_runner_leaves_behind_is_ended_too(local: LocalExecutor) -> None:
    handle = started(local, "(setsid sleep 61.02 &); echo ready; sleep 61.02")

    os.kill(runner_of(local, handle), signal.SIGKILL)

    assert end_of(local, handle).state == State.LOST
    assert not processes_with("sleep\x0061.02")


def test_a_command_whose_keeper_and_runner_were_killed_is_ended_before_lost_is_said(local: LocalExecutor) -> None:
    handle = started(local, "echo ready; exec sleep 61.21")
    os.kill(local.keeper.hello()["pid"], signal.SIGKILL)

    os.kill(runner_of(local, handle), signal.SIGKILL)

    assert end_of(local, handle).state == State.LOST
    assert not processes_with("sleep\x0061.21")


def test_lost_is_said_only_when_nothing_is_left_even_without_the_keeper(local: LocalExecutor) -> None:
    handle = started(local, "(setsid sleep 61.03 &); echo ready; sleep 61.03")
    os.kill(local.keeper.hello()["pid"], signal.SIGKILL)

    os.kill(runner_of(local, handle), signal.SIGKILL)

    assert end_of(local, handle).state == State.LOST
    assert not processes_with("sleep\x0061.03")


def test_a_killed_keeper_is_replaced_and_its_attempts_go_on(local: LocalExecutor) -> None:
    handle = started(local, "echo ready; read line < gate; echo done")
    first = local.keeper.hello()["pid"]
    os.kill(first, signal.SIGKILL)

    _, other = run(local, "true", trial=7)
    os.mkfifo(folder(local, handle) / "work" / "pipe")
    (folder(local, handle) / "work" / "gate").write_text("go\n")

    assert other.code == 0
    assert local.keeper.hello()["pid"] != first
    assert end_of(local, handle).has_ended


def test_a_keeper_of_another_protocol_is_replaced_and_its_attempts_go_on(
    local: LocalExecutor, restarted: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = started(local, "echo ready; sleep 0.2; exit 5")
    first = local.keeper.hello()["pid"]

    hello = restarted.keeper._exchange
    answers = iter([{"protocol": 0}])
    monkeypatch.setattr(restarted.keeper, "_exchange", lambda *given: next(answers, None) or hello(*given))
    second = restarted.keeper.hello()["pid"]

    assert second != first
    assert end_of(restarted, handle).code == 5
    restarted.keeper.retire()


def test_a_stop_reaches_the_whole_group(local: LocalExecutor) -> None:
    handle = started(local, "sleep 61.04 & sleep 61.04 & echo ready; wait")

    local.stop(handle, 5.0)

    assert end_of(local, handle).state == State.STOPPED
    assert not processes_with("sleep\x0061.04")


def test_a_command_may_use_its_grace(local: LocalExecutor) -> None:
    handle = started(local, "trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.01; done")

    local.stop(handle, 10.0)

    assert end_of(local, handle).state == State.STOPPED
    assert "saved" in output(local, handle)


def test_a_command_that_ignores_the_stop_is_killed_after_its_grace(local: LocalExecutor) -> None:
    handle = started(local, "trap '' TERM; echo ready; while :; do sleep 0.01; done")

    local.stop(handle, 0.05)

    end = end_of(local, handle)
    assert (end.state, end.signal) == (State.STOPPED, 9)


def test_an_attempt_that_is_stopped_before_it_starts_never_runs(local: LocalExecutor) -> None:
    spec = a_spec("echo ran")
    local.stop(Handle("local", local.scope, spec.key, spec.place), 1.0)

    handle = local.launch(spec)

    assert end_of(local, handle).state == State.STOPPED
    assert output(local, handle) == ""


def test_a_script_sees_the_stop_as_a_file(local: LocalExecutor) -> None:
    handle = started(local, "trap '' TERM; echo ready; until [ -e $TUNEBOOK_STOP_FILE ]; do sleep 0.01; done; exit 0")

    local.stop(handle, 10.0)

    end = end_of(local, handle)
    assert (end.state, end.code) == (State.STOPPED, 0)


def test_daemons_of_a_command_end_with_it(local: LocalExecutor) -> None:
    _, end = run(local, "(setsid sleep 61.05 &) ; exit 0")

    assert (end.state, end.code) == (State.EXITED, 0)
    assert not processes_with("sleep\x0061.05")


def test_a_command_that_takes_too_long_is_ended(local: LocalExecutor) -> None:
    _, end = run(local, "sleep 61.06", time_limit=0.05)

    assert (end.state, end.reason) == (State.TIMEOUT, "timeout")


def test_a_runner_that_has_its_lock_but_could_not_write_yet_is_not_lost(
    local: LocalExecutor, restarted: LocalExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_executor, "BEGINS_WITHIN", 0.0)
    start_keeper(local.data, before="its first note", gate=tmp_path / "gate")
    handle = local.launch(a_spec("exit 3"))
    until(lambda: runner.is_locked(str(folder(local, handle) / runner.JOURNAL)), what="the runner has its lock")

    seen, found = restarted.adopt(handle), restarted.find(handle.key, handle.place)
    (tmp_path / "gate").touch()

    assert seen.state == State.PENDING
    assert found == handle
    assert end_of(restarted, handle).code == 3


def test_an_order_given_twice_runs_once_though_the_first_runner_could_not_write_yet(
    local: LocalExecutor, restarted: LocalExecutor, tmp_path: Path
) -> None:
    start_keeper(local.data, before="its first note", gate=tmp_path / "gate")
    handle = local.launch(a_spec("echo ran"))
    until(lambda: runner.is_locked(str(folder(local, handle) / runner.JOURNAL)), what="the runner has its lock")

    restarted.launch(a_spec("echo ran"))
    until(lambda: runner.start_ticks(restarted.runners[handle.key]) is None, what="the second runner has gone")
    seen = restarted.poll([handle])[0]
    (tmp_path / "gate").touch()

    assert seen.state == State.PENDING
    assert end_of(restarted, handle).code == 0
    assert output(restarted, handle) == "ran\n"


def test_a_runner_that_is_still_on_its_way_is_waited_for(
    local: LocalExecutor, restarted: LocalExecutor, tmp_path: Path
) -> None:
    start_keeper(local.data, before="its lock", gate=tmp_path / "gate")
    handle = local.launch(a_spec("exit 3"))

    seen = restarted.adopt(handle)
    (tmp_path / "gate").touch()

    assert seen.state == State.PENDING
    assert end_of(restarted, handle).code == 3


def test_a_runner_that_comes_after_its_attempt_was_called_lost_runs_nothing(
    local: LocalExecutor, restarted: LocalExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_executor, "BEGINS_WITHIN", 0.0)
    start_keeper(local.data, before="its lock", gate=tmp_path / "gate")
    handle = local.launch(a_spec("echo ran"))

    seen = restarted.adopt(handle)
    (tmp_path / "gate").touch()
    until(lambda: local.keeper.hello()["busy"] == 0, what="the runner has gone")

    assert seen.state == State.LOST
    assert output(local, handle) == ""
    assert local.adopt(handle).state == restarted.adopt(handle).state == State.LOST


def test_a_runner_that_died_before_it_wrote_anything_is_lost_at_once(local: LocalExecutor, tmp_path: Path) -> None:
    start_keeper(local.data, before="its first note", gate=tmp_path / "gate")
    handle = local.launch(a_spec("echo ran"))
    os.kill(local.runners[handle.key], signal.SIGKILL)

    end = end_of(local, handle)

    assert (end.state, end.message) == (State.LOST, "its runner never started")


def test_an_attempt_whose_process_cannot_be_seen_from_here_runs_while_its_lock_is_held(
    local: LocalExecutor, restarted: LocalExecutor
) -> None:
    handle = started(local, "echo ready; until [ -e go ]; do sleep 0.01; done; exit 3")
    restarted.boot = "another machine with the same folder, or another container"

    seen = restarted.adopt(handle)
    (folder(local, handle) / "work" / "go").touch()

    assert seen.state == State.RUNNING
    assert end_of(restarted, handle).code == 3


def test_an_attempt_whose_process_cannot_be_reached_from_here_stops_by_its_file(
    local: LocalExecutor, restarted: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = started(local, "echo ready; sleep 61.22")
    restarted.boot = "another machine with the same folder, or another container"
    monkeypatch.setattr(local_executor, "send", lambda *process: None)

    restarted.stop(handle, 5.0)

    assert end_of(restarted, handle).state == State.STOPPED
    assert not processes_with("sleep\x0061.22")


def test_a_keeper_elsewhere_may_start_what_this_optimizer_cannot_see(
    local: LocalExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_keeper(local.data, before="its lock", gate=tmp_path / "gate")
    launch = local.keeper.launch
    monkeypatch.setattr(local.keeper, "launch", lambda order: launch(order) and 2**22 + 1)  # no process has it here
    handle = local.launch(a_spec("exit 3"))

    seen = local.poll([handle])[0]
    (tmp_path / "gate").touch()

    assert seen.state == State.PENDING
    assert end_of(local, handle).code == 3


def test_what_was_launched_before_a_power_cut_and_left_only_rubbish_is_lost(
    local: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_executor, "BEGINS_WITHIN", 0.0)
    spec = a_spec("echo ran")
    handle = Handle("local", local.scope, spec.key, spec.place)
    folder(local, handle).mkdir(parents=True)
    (folder(local, handle) / runner.JOURNAL).write_bytes(b"\0\0\0")

    assert local.adopt(handle).state == State.LOST


def test_a_program_that_does_not_exist_is_a_launch_error(local: LocalExecutor) -> None:
    _, end = run(local, steps=(["no-such-program", "x"],))

    assert end.state == State.NOT_LAUNCHED
    assert "no-such-program" in end.message


def test_what_could_not_be_started_stands_in_its_error_log_and_its_journal(local: LocalExecutor) -> None:
    handle, _ = run(local, steps=("true", ["no-such-program", "x"], "echo never"))

    lines = [note for note in runner.read_journal(local.folder(handle))[1] if note["event"] == "ended"]

    assert "no-such-program" in local.logs(handle, "err", 0, 1000).text
    assert [(line["id"], line["code"]) for line in lines] == [("cmd1", 0), ("cmd2", None)]


def test_a_program_is_searched_where_the_commands_own_variables_say(local: LocalExecutor, tmp_path: Path) -> None:
    (tmp_path / "shadowed").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "shadowed" / "a-tool").write_text("may not be run")
    (tmp_path / "mine" / "a-tool").write_text("#!/bin/sh\necho found $1\n")
    (tmp_path / "mine" / "a-tool").chmod(0o700)
    path = f"/no/such/folder:{tmp_path / 'shadowed'}:{tmp_path / 'mine'}"

    handle, _ = run(local, steps=(["a-tool", "it"],), environment={"PATH": path})

    assert output(local, handle) == "found it\n"


def test_a_working_directory_that_does_not_exist_is_a_launch_error(local: LocalExecutor) -> None:
    _, end = run(local, "true", working_dir="/no/such/folder")

    assert end.state == State.NOT_LAUNCHED
    assert "/no/such/folder" in end.message


def test_files_are_written_before_the_first_step(local: LocalExecutor) -> None:
    handle, _ = run(local, "cat conf/a.ini", files=[("conf/a.ini", "lr=0.1\n")])

    assert output(local, handle) == "lr=0.1\n"


def test_two_attempts_of_one_trial_never_run_at_once(local: LocalExecutor) -> None:
    first = started(local, "echo ready; sleep 61.07")

    second = launch_order(local, "echo second", attempt=2, lock_patience=0.05)
    end = end_of(local, second)

    assert end.state == State.NOT_LAUNCHED
    assert "still running" in end.message
    assert local.poll([first])[0].state == State.RUNNING


def test_a_runner_that_ends_well_is_used_again(local: LocalExecutor) -> None:
    first, _ = run(local, "true", trial=1)
    until(lambda: local.keeper.hello()["busy"] == 0)

    second, _ = run(local, "true", trial=2)

    assert runner_of(local, first) == runner_of(local, second)


def test_a_runner_whose_command_was_stopped_is_not_used_again(local: LocalExecutor) -> None:
    first = started(local, "echo ready; sleep 61.08", trial=1)
    local.stop(first, 1.0)
    end_of(local, first)

    second, _ = run(local, "true", trial=2)

    assert runner_of(local, first) != runner_of(local, second)


def test_a_long_log_keeps_head_and_tail_and_its_offsets(local: LocalExecutor) -> None:
    blocks = "until [ $(stat -c %b ../out.log) -lt 1000 ]; do sleep 0.02; done"
    handle = launch_order(local, f"seq -w 0 400000; echo ready; {blocks}", log_limit=65536, log_head=8192)
    end_of(local, handle)

    head = local.logs(handle, "out", 0, 70)
    inner = local.logs(handle, "out", 100_000, 70)
    tail = local.logs(handle, "out", inner.size - 20, 100)

    assert head.text.startswith("000000\n000001\n")
    assert inner.offset > 1_000_000
    assert tail.text.endswith("400000\nready\n")
    assert os.stat(folder(local, handle) / "out.log").st_blocks * 512 < 1_000_000


def test_the_keeper_stays_small(local: LocalExecutor) -> None:
    for trial in range(5):
        run(local, "true", trial=trial)

    lines = runner.read_file(f"/proc/{local.keeper.hello()['pid']}/status").decode().splitlines()
    (resident,) = [int(line.split()[1]) for line in lines if line.startswith("VmRSS")]

    assert resident < 16 * 1024


def test_a_data_folder_with_a_long_path_works(tmp_path: Path) -> None:
    executor = LocalExecutor(tmp_path / ("x" * 80) / ("y" * 80))

    _, end = run(executor, "true")
    executor.keeper.retire()

    assert end.code == 0


def test_a_full_disk_starts_nothing(local: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LEAST_FREE", 1 << 60)
    monkeypatch.setattr(disk, "LEAST_SHARE", 1.0)

    health = local.health()

    assert not health.ready and health.reason.startswith("disk_low")


def test_how_an_attempt_ended_is_not_forgotten_while_the_disk_is_full(local: LocalExecutor) -> None:
    handle = started(local, "echo ready; until [ -e go ]; do sleep 0.01; done; exit 3")
    journal, aside = Path(local.folder(handle)) / runner.JOURNAL, Path(local.folder(handle)) / "aside"
    until(lambda: local.observe(handle).started)
    journal.rename(aside)
    journal.symlink_to("/dev/full")
    (journal.parent / "work" / "go").touch()
    until(lambda: not children(local, handle), what="the command has ended")
    meanwhile = local.observe(handle)

    aside.rename(journal)

    end = until(lambda: (seen := local.observe(handle)).has_ended and seen)
    assert meanwhile.state == State.RUNNING
    assert (end.state, end.code) == (State.EXITED, 3)
    assert [note["event"] for note in runner.read_journal(str(journal.parent))[1]] == [
        "claimed", "started", "ended", "exit",
    ]  # fmt: skip


def test_a_journal_that_a_power_cut_has_spoilt_says_what_it_still_says(tmp_path: Path) -> None:
    (tmp_path / runner.JOURNAL).write_bytes(b'{"event": "claimed"}\n\0\0\0\n{"event": "exit", "co')

    size, notes = runner.read_journal(str(tmp_path))

    assert (size, notes) == (46, [{"event": "claimed"}])


def children(local: LocalExecutor, handle: Handle) -> list[int]:
    identity = local.journal(handle).runner
    assert identity is not None
    return [pid for pid in runner.children(identity["runner"]) if runner.start_ticks(pid) is not None]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_folder_that_is_full_or_read_only_is_waited_for(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LOOK_FOR_ROOM_EVERY", 0.001)
    refusals = [OSError(number, "no"), OSError(number, "no")]
    written: list[str] = []

    def write(text: str) -> None:
        if refusals:
            raise refusals.pop()
        written.append(text)

    runner.patiently(write, "the end")

    assert written == ["the end"]


def test_who_holds_a_lock_is_told_on_a_disk_that_is_read_only_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = str(tmp_path / "journal"), os.open
    held = runner.lock(path)

    def read_only(name: str, flags: int, mode: int = 0o777) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(errno.EROFS, "read-only")
        return opened(name, flags, mode)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", read_only)
        while_held = runner.is_locked(path)
        assert held is not None
        os.close(held)
        afterwards = runner.is_locked(path)

    assert (while_held, afterwards) == (True, False)


def test_other_trouble_with_a_record_is_not_waited_for() -> None:
    def write() -> None:
        raise OSError(errno.EIO, "broken")

    with pytest.raises(OSError, match="broken"):
        runner.patiently(write)


@pytest.mark.parametrize("text", ["short", "x" * 5000])
def test_a_record_is_written_whole_or_not_at_all(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lines"
    path.write_text("before\n")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        if len(text) < 90:
            runner.write_file(str(path), text.encode(), os.O_APPEND)
        else:
            with pytest.raises(OSError):
                runner.write_file(str(path), text.encode(), os.O_APPEND)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert path.read_text() == ("before\nshort" if text == "short" else "before\n")


def test_logs_are_cut_short_where_the_disk_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logs, "LEAST_FREE", 1 << 60)
    monkeypatch.setattr(logs, "LEAST_FREE_SHARE", 1.0)
    attempt = runner.Runner({"folder": str(tmp_path)}, runner.identity("boot"))
    attempt.logs = [os.open(name, os.O_RDWR | os.O_CREAT) for name in runner.LOGS]
    for log in attempt.logs:
        os.write(log, b"x" * (6 << 20))

    attempt.cap_logs()

    taken = [os.fstat(log).st_blocks * 512 for log in attempt.logs]
    assert all(size <= logs.LOG_LIMIT_WHEN_FULL for size in taken)
    assert [os.fstat(log).st_size for log in attempt.logs] == [6 << 20] * 2
    for log in attempt.logs:
        os.close(log)


def test_a_command_that_failed_on_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    attempt = runner.Runner({"folder": str(tmp_path)}, runner.identity("boot"))
    monkeypatch.setattr(logs, "LEAST_FREE_SHARE", 0.0)
    with_room = attempt.verdict(3 << 8, [0, 0])
    monkeypatch.setattr(logs, "LEAST_FREE", 1 << 60)
    monkeypatch.setattr(logs, "LEAST_FREE_SHARE", 1.0)

    failed, succeeded = attempt.verdict(3 << 8, [0, 0]), attempt.verdict(0, [0, 0])

    assert (failed["code"], failed["reason"], failed["message"]) == (3, "exit", "the disk was full")
    assert not with_room["message"]
    assert not succeeded["message"]


def test_runner_and_optimizer_call_the_same_disk_full() -> None:
    assert (logs.LEAST_FREE, logs.LEAST_FREE_SHARE) == (disk.FULL, disk.FULL_SHARE)


def test_a_data_folder_that_is_gone_starts_nothing(local: LocalExecutor) -> None:
    local.data = local.data / "unplugged"

    assert local.health().reason.startswith("disk_missing: ")


def test_a_nearly_full_disk_says_that_logs_are_cut(local: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "FULL", 1 << 60)
    monkeypatch.setattr(disk, "FULL_SHARE", 1.0)

    health = local.health()

    assert not health.ready and "logs of running trials are cut" in health.reason


def test_an_identity_of_another_boot_is_dead(local: LocalExecutor) -> None:
    handle = started(local, "echo ready; sleep 61.09")
    identity = local.journal(handle).runner

    assert identity is not None
    assert local.lives(identity)
    assert not local.lives({**identity, "boot": "another"})
    assert not local.lives({**identity, "runner_ticks": identity["runner_ticks"] - 1})


def test_a_runner_that_has_run_enough_takes_no_further_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    class Played:
        def __init__(self, order: object, boot: str) -> None:
            ran.append(order)

        def run(self) -> bool:
            return True

    monkeypatch.setattr(attempts, "Runner", Played)
    monkeypatch.setattr(attempts, "ATTEMPTS_PER_RUNNER", 2)
    keeper, ours = socket.socketpair()
    with keeper, ours:
        keeper.sendall(runner.frame(b"2"))

        runner.take_orders(ours, b"1", "boot")
        keeper.setblocking(False)
        said = keeper.recv(16)

    assert ran == [1, 2]
    assert said == b"."


HUNGRY = "import sys; print('ready', flush=True); held = b'x' * ({mib} * 2**20); print(len(held))"


@pytest.mark.parametrize(
    "step", [[sys.executable, "-c", HUNGRY.format(mib=600)], f'{sys.executable} -c "{HUNGRY.format(mib=600)}"']
)
def test_a_command_that_wants_more_memory_than_a_trial_may_use_is_out_of_memory(
    local: LocalExecutor, step: Any
) -> None:
    _, end = run(local, steps=(step,), memory=400 * 2**20)

    assert (end.state, end.reason, end.by_limit) == (State.OOM, "oom", True)
    assert end.message == "a trial may use 400 MiB"


def test_a_command_that_keeps_to_its_memory_ends_as_it_does(local: LocalExecutor) -> None:
    step = [sys.executable, "-c", HUNGRY.format(mib=50) + "; print('out of memory', file=sys.stderr); sys.exit(3)"]

    handle, end = run(local, steps=(step,), memory=400 * 2**20)

    assert (end.state, end.code, end.by_limit) == (State.EXITED, 3, False)
    assert output(local, handle) == f"ready\n{50 * 2**20}\n"


def test_the_next_command_of_the_same_runner_has_no_limit(local: LocalExecutor) -> None:
    run(local, steps=("true",), memory=64 * 2**20)

    _, end = run(local, steps=([sys.executable, "-c", HUNGRY.format(mib=100)],), attempt=2)

    assert (end.state, end.code) == (State.EXITED, 0)


@pytest.fixture
def hierarchy(tmp_path: Path) -> Path:
    """Files as a control group with a memory controller shows them."""
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "cgroup.subtree_control").write_text("cpu")
    return tmp_path


def test_a_control_group_gets_the_limit_and_ends_as_a_whole(hierarchy: Path) -> None:
    group = runner.memory_group("tb-1", 5_000_000, [str(hierarchy / "shut"), str(hierarchy / "ours")])

    assert group == str(hierarchy / "ours" / "tb-1")
    assert (hierarchy / "ours" / "cgroup.subtree_control").read_text() == "+memory"
    files = {name: (Path(group) / name).read_text() for name in os.listdir(group)}
    assert files == {"memory.max": "5000000", "memory.swap.max": "0", "memory.oom.group": "1"}


def test_without_a_control_group_of_ours_there_is_none(hierarchy: Path) -> None:
    assert runner.memory_group("tb-1", 5_000_000, []) is None
    assert runner.memory_group("tb-1", 5_000_000, [str(hierarchy / "shut")]) is None


@pytest.mark.parametrize(("text", "times"), [("low 0\nmax 7\noom 2\noom_kill 2\n", 2), ("max 7\noom 0\n", 0), ("", 0)])
def test_the_kernel_tells_how_often_a_group_met_its_limit(tmp_path: Path, text: str, times: int) -> None:
    (tmp_path / "memory.events").write_text(text)

    assert runner.times_over(str(tmp_path)) == times


def test_the_control_groups_of_this_very_process_can_be_told() -> None:
    for folder in runner.own_groups():
        assert os.path.exists(f"{folder}/cgroup.procs")


def test_a_machine_whose_name_a_power_cut_has_emptied_gets_another(tmp_path: Path) -> None:
    (tmp_path / "host").write_text("")

    name = host_name(tmp_path)

    assert name and host_name(tmp_path) == name


def test_an_attempt_took_as_long_as_it_ran_though_the_clock_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts.time, "monotonic", lambda: 130.0)
    monkeypatch.setattr(attempts.time, "time", lambda: 5_000.0)

    assert attempts.span(100.0) == (4_970.0, 5_000.0)
