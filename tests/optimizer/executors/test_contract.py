"""What every executor promises. A new one only adds its name to the `stage` fixture."""

from __future__ import annotations

from apps.optimizer.executors.base import Handle, State
from tests.optimizer.executors.conftest import Stage
from tests.optimizer.waiting import until


def test_a_command_that_ends_well_has_exited_with_zero(stage: Stage) -> None:
    handle = stage.launch("echo hello")

    end = stage.end_of(handle)

    assert (end.state, end.code, end.reason) == (State.EXITED, 0, "exit:0")


def test_a_command_that_fails_shows_its_status(stage: Stage) -> None:
    handle = stage.launch("exit 3")

    end = stage.end_of(handle)

    assert (end.state, end.code, end.reason) == (State.EXITED, 3, "exit:3")


def test_a_command_ended_by_a_signal_shows_which(stage: Stage) -> None:
    handle = stage.launch("kill -9 $$")

    end = stage.end_of(handle)

    assert (end.state, end.signal, end.reason) == (State.SIGNALED, 9, "signal:9")


def test_a_running_command_is_running(stage: Stage) -> None:
    handle = stage.launch("sleep 60")

    until(lambda: stage.observe(handle).state == State.RUNNING)

    assert not stage.observe(handle).has_ended


def test_launching_twice_with_one_key_runs_once(stage: Stage) -> None:
    first = stage.launch("echo hello")
    stage.end_of(first)

    second = stage.launch("echo hello")

    assert second == first
    assert stage.end_of(second).code == 0
    assert stage.executor.logs(second, "out", 0, 100).text == "hello\n"


def test_what_was_never_launched_is_not_found(stage: Stage) -> None:
    found = stage.executor.find("tb-test-9-1", ("abc", 9, 1))

    assert found is None


def test_a_restarted_optimizer_finds_what_was_launched(stage: Stage) -> None:
    handle = stage.launch("sleep 60")
    until(lambda: stage.observe(handle).state == State.RUNNING)

    found = stage.restarted.find(handle.key, handle.place)

    assert found == handle
    assert stage.restarted.adopt(handle).state == State.RUNNING


def test_a_restarted_optimizer_sees_what_ended_meanwhile(stage: Stage) -> None:
    handle = stage.launch("exit 3")
    stage.end_of(handle)

    seen = stage.restarted.adopt(Handle.from_dict(handle.to_dict()))

    assert (seen.state, seen.code) == (State.EXITED, 3)


def test_stopping_ends_the_command(stage: Stage) -> None:
    handle = stage.launch("sleep 60")
    until(lambda: stage.observe(handle).state == State.RUNNING)

    stage.executor.stop(handle, 1.0)

    assert stage.end_of(handle).state == State.STOPPED


def test_stopping_twice_is_stopping_once(stage: Stage) -> None:
    handle = stage.launch("sleep 60")
    until(lambda: stage.observe(handle).state == State.RUNNING)
    stage.executor.stop(handle, 1.0)
    stage.executor.stop(handle, 1.0)

    assert stage.end_of(handle).state == State.STOPPED


def test_stopping_what_has_ended_changes_nothing(stage: Stage) -> None:
    handle = stage.launch("exit 3")
    stage.end_of(handle)

    stage.executor.stop(handle, 1.0)

    assert stage.end_of(handle).reason == "exit:3"


def test_several_attempts_are_polled_in_order(stage: Stage) -> None:
    handles = [stage.launch("exit 3", trial=1), stage.launch("echo hello", trial=2)]
    for handle in handles:
        stage.end_of(handle)

    codes = [seen.code for seen in stage.executor.poll(handles)]

    assert codes == [3, 0]


def test_logs_are_read_by_byte_offset(stage: Stage) -> None:
    handle = stage.launch("echo hello")
    stage.end_of(handle)

    chunk = stage.executor.logs(handle, "out", 2, 3)

    assert (chunk.text, chunk.offset, chunk.next_offset, chunk.size) == ("llo", 2, 5, 6)
    assert not chunk.at_end


def test_logs_are_not_cut_inside_a_character(stage: Stage) -> None:
    handle = stage.launch("echo häßlich")
    stage.end_of(handle)

    first = stage.executor.logs(handle, "out", 0, 4)
    rest = stage.executor.logs(handle, "out", first.next_offset, 100)

    assert first.text + rest.text == "häßlich\n"


def test_a_log_that_is_not_there_is_empty(stage: Stage) -> None:
    handle = stage.launch("echo hello")
    stage.end_of(handle)

    chunk = stage.executor.logs(handle, "nothing", 0, 100)

    assert chunk.text == "" and chunk.at_end


def test_what_runs_is_listed_as_owned_and_what_ended_is_not(stage: Stage) -> None:
    running = stage.launch("sleep 60", trial=1)
    stage.end_of(stage.launch("exit 3", trial=2))

    until(lambda: list(stage.executor.list_owned()) == [running], what="only the running one is listed")


def test_what_ended_can_be_forgotten(stage: Stage) -> None:
    handle = stage.launch("exit 3")
    stage.end_of(handle)

    stage.executor.forget(handle)

    assert stage.executor.find(handle.key, handle.place) is None


def test_what_runs_is_not_forgotten(stage: Stage) -> None:
    handle = stage.launch("sleep 60")
    until(lambda: stage.observe(handle).state == State.RUNNING)

    stage.executor.forget(handle)

    assert stage.executor.find(handle.key, handle.place) == handle
