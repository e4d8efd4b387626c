"""Reading metrics from an attempt's files, piece by piece, each measurement once."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import struct
from pathlib import Path
from typing import Any

import pytest

from apps.optimizer.readings import Offsets, ReadingError, Request, base, left_out, read
from apps.optimizer.readings import stdout as stdout_module
from apps.optimizer.readings import summary as summary_module
from apps.optimizer.readings import table as table_module
from apps.tuning.measuring import Reading

LOSS = r"loss=([0-9.]+)"


class Attempt:
    """An attempt's folder that grows, and a reader that remembers its offsets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.offsets: Offsets = {}
        folder.mkdir(exist_ok=True)
        self.work.mkdir()

    def write(self, name: str, text: str | bytes) -> None:
        with open(self.folder / name, "ab") as file:
            file.write(text.encode() if isinstance(text, str) else text)

    def read(self, **given: Any) -> list[Reading]:
        asked = {"type": "report", "metrics": ["loss"], **given}
        found, self.offsets = read(Request(folder=str(self.folder), work=self.work, offsets=self.offsets, **asked))
        json.dumps(self.offsets)
        return found


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(tmp_path)


def line(step: object, **metrics: object) -> str:
    return json.dumps({"step": step, "metrics": metrics, "at": 1.0}) + "\n"


def step_line(name: str, out: tuple[int, int], code: int = 0) -> str:
    return json.dumps({"event": "ended", "id": name, "code": code, "out": out, "err": [0, 0]}) + "\n"


# report


def test_reports_are_read_once(attempt: Attempt) -> None:
    attempt.write("metrics.jsonl", line(0, loss=1.5, accuracy=0.5))
    first = attempt.read()
    attempt.write("metrics.jsonl", line(1, loss=1.0))

    second, third = attempt.read(), attempt.read()

    assert first == [Reading("loss", 0, 1.5), Reading("accuracy", 0, 0.5)]
    assert (second, third) == ([Reading("loss", 1, 1.0)], [])


def test_half_a_line_waits_for_its_end(attempt: Attempt) -> None:
    whole = line(0, loss=1.5)
    attempt.write("metrics.jsonl", whole[:10])
    first = attempt.read()

    attempt.write("metrics.jsonl", whole[10:])

    assert (first, attempt.read()) == ([], [Reading("loss", 0, 1.5)])


def test_words_stand_for_what_json_lacks(attempt: Attempt) -> None:
    attempt.write("metrics.jsonl", line(0, a="NaN", b="-Infinity"))

    nan, infinity = attempt.read()

    assert math.isnan(nan.value) and infinity.value == -math.inf


@pytest.mark.parametrize(
    "bad",
    [
        "not json\n",
        "[1]\n",
        "17\n",
        '{"step": 1}\n',
        line(-1, loss=1),
        line(1.5, loss=1),
        line(True, loss=1),
        line("1", loss=1),
        line(0, loss="high"),
        line(0, loss=True),
        line(0, loss=None),
        '{"step": 0, "metrics": [1]}\n',
        '{"step": 0, "metrics": {"": 1}}\n',
        b"\xff\xfe\n",
        "[" * 100_000 + "\n",
    ],
)
def test_lines_that_are_no_reports_are_left_out(attempt: Attempt, bad: str | bytes) -> None:
    attempt.write("metrics.jsonl", bad)
    attempt.write("metrics.jsonl", line(5, loss=2.0))

    assert attempt.read() == [Reading("loss", 5, 2.0)]


@pytest.mark.parametrize("name", ["", "a\0b", "\udcff.txt", "n" * 256])
def test_what_no_metric_can_be_called_is_left_out(attempt: Attempt, name: str) -> None:
    attempt.write("metrics.jsonl", line(0, **{name: 1, "löss": 2}))
    value = json.dumps({name: 3, "löss": 4})
    frame = json.dumps({"type": "PERIODICAL", "sequence": 0, "value": value})
    (attempt.folder / "nni/.nni").mkdir(parents=True)
    attempt.write("nni/.nni/metrics", f"ME{len(frame):06}{frame}")

    assert [(one.metric, one.value) for one in attempt.read(type="nni")] == [("löss", 2.0), ("löss", 4.0)]


def test_an_attempt_without_files_has_measured_nothing(attempt: Attempt) -> None:
    assert attempt.read() == []


def test_what_finished_steps_reported_before_is_carried_over_once(attempt: Attempt, tmp_path: Path) -> None:
    earlier = tmp_path / "1"
    earlier.mkdir()
    (earlier / "attempt.jsonl").write_text(
        '{"event": "ended", "id": "cmd1", "code": 0, "ended": 10}\n{"event": "ended", "id": "cmd2", "code": 1, "ended": 20}\n'
    )
    lines = [{"step": step, "metrics": {"loss": step}, "at": at} for step, at in enumerate((5, 9, 15))]
    lines.append({"step": 3, "metrics": {"loss": 3}})
    (earlier / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    attempt.write("metrics.jsonl", line(2, loss=7.0))

    first = attempt.read(earlier=[str(earlier)])
    again = attempt.read(earlier=[str(earlier)], final=True)

    assert first == [Reading("loss", 0, 0.0), Reading("loss", 1, 1.0), Reading("loss", 2, 7.0)]
    assert again == []


# stdout


def test_each_match_in_the_output_is_a_measurement(attempt: Attempt) -> None:
    attempt.write("out.log", "start\nloss=3.0\nloss=2.0 loss=1.5\n")

    found = attempt.read(type="stdout", metrics=[LOSS])

    assert found == [Reading(LOSS, 0, 3.0), Reading(LOSS, 1, 2.0), Reading(LOSS, 2, 1.5)]


def test_numbering_goes_on_between_looks(attempt: Attempt) -> None:
    attempt.write("out.log", "loss=3.0\nlo")
    attempt.read(type="stdout", metrics=[LOSS])
    attempt.write("out.log", "ss=2.0\n")

    found = attempt.read(type="stdout", metrics=[LOSS])

    assert found == [Reading(LOSS, 1, 2.0)]


def test_a_last_line_without_its_end_counts_when_the_attempt_has_ended(attempt: Attempt) -> None:
    attempt.write("out.log", "loss=3.0")

    running = attempt.read(type="stdout", metrics=[LOSS])
    ended = attempt.read(type="stdout", metrics=[LOSS], final=True)

    assert (running, ended) == ([], [Reading(LOSS, 0, 3.0)])


def test_a_source_names_the_command_whose_output_counts(attempt: Attempt) -> None:
    attempt.write("out.log", "loss=9.0\nloss=2.0\n")
    attempt.write("attempt.jsonl", step_line("cmd1", (0, 9)) + step_line("cmd2", (9, 18)))

    second = attempt.read(type="stdout", metrics=[LOSS], sources=["cmd2"])

    assert second == [Reading(LOSS, 0, 2.0)]


def test_a_running_commands_output_begins_where_the_last_one_ended(attempt: Attempt) -> None:
    attempt.write("out.log", "loss=9.0\nloss=2.0\n")
    attempt.write("attempt.jsonl", step_line("cmd1", (0, 9)) + '{"event": "started", "step": "cmd2"}\n')

    found = attempt.read(type="stdout", metrics=[LOSS], sources=["cmd2"])

    assert found == [Reading(LOSS, 0, 2.0)]


def test_a_command_that_an_earlier_attempt_finished_counts_with_its_output(attempt: Attempt, tmp_path: Path) -> None:
    earlier = tmp_path / "1"
    earlier.mkdir()
    (earlier / "out.log").write_text("loss=2\nloss=7\n")
    (earlier / "attempt.jsonl").write_text(step_line("cmd1", (0, 7)) + step_line("cmd2", (7, 14), code=3))
    attempt.write("out.log", "loss=1\n")
    attempt.write("attempt.jsonl", step_line("cmd2", (0, 7)))

    asked = {"type": "stdout", "metrics": [LOSS], "sources": ["cmd1", "cmd2"], "earlier": [str(earlier)]}
    found = attempt.read(**asked) + attempt.read(**asked, final=True)

    assert [(one.value, one.source) for one in found] == [(2.0, 0), (1.0, 1)]


def test_several_sources_are_kept_apart(attempt: Attempt) -> None:
    attempt.write("out.log", "loss=9.0\nloss=2.0\n")
    attempt.write("attempt.jsonl", step_line("cmd1", (0, 9)) + step_line("cmd2", (9, 18)))

    found = attempt.read(type="stdout", metrics=[LOSS], sources=["cmd1", "cmd2,worker"])

    assert found == [Reading(LOSS, 0, 9.0, 0), Reading(LOSS, 0, 2.0, 1)]


def test_a_source_may_be_a_file(attempt: Attempt) -> None:
    attempt.write("work/train.log", "loss=0.25\n")

    found = attempt.read(type="stdout", metrics=[LOSS], sources=["train.log"])

    assert found == [Reading(LOSS, 0, 0.25)]


def test_the_middle_that_was_freed_from_a_long_log_is_passed_over(attempt: Attempt) -> None:
    with open(attempt.folder / "out.log", "wb") as log:
        log.write(b"loss=3\n")
        log.seek(1 << 40)
        log.write(b"\nloss=1\n")

    first = attempt.read(type="stdout", metrics=[LOSS], final=True)
    found = first + attempt.read(type="stdout", metrics=[LOSS], final=True)
    for _ in range(5):
        found += attempt.read(type="stdout", metrics=[LOSS], final=True)

    assert [one.value for one in found] == [3.0, 1.0]


def test_a_match_that_is_no_number_is_left_out(attempt: Attempt) -> None:
    attempt.write("out.log", "loss=1.2.3\nloss=1.0\n")

    found = attempt.read(type="stdout", metrics=[LOSS])

    assert found == [Reading(LOSS, 0, 1.0)]


def test_an_expression_that_never_ends_is_given_up(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdout_module, "PATIENCE", 0.1)
    attempt.write("out.log", "a" * 200 + "!\n")

    with pytest.raises(ReadingError, match="take too long"):
        attempt.read(type="stdout", metrics=["(a+)+$"])


# json


def test_a_json_file_of_lines_is_a_series(attempt: Attempt) -> None:
    attempt.write("work/m.json", '{"loss": 3}\n{"loss": 2}\n')
    first = attempt.read(type="json", sources=["m.json"])
    attempt.write("work/m.json", '{"loss": 1}\n')

    second = attempt.read(type="json", sources=["m.json"])

    assert first == [Reading("loss", 0, 3.0), Reading("loss", 1, 2.0)]
    assert second == [Reading("loss", 2, 1.0)]


def test_a_json_file_may_be_one_object_over_several_lines(attempt: Attempt) -> None:
    attempt.write("work/m.json", '{\n "loss": 3,\n "other": 1\n}\n')

    found = attempt.read(type="json", sources=["m.json"], final=True)

    assert (found, attempt.read(type="json", sources=["m.json"], final=True)) == ([Reading("loss", 0, 3.0)], [])


def test_a_json_object_without_a_line_end_counts_at_the_end(attempt: Attempt) -> None:
    attempt.write("work/m.json", '{"loss": 3}')

    found = attempt.read(type="json", sources=["m.json"], final=True)

    assert found == [Reading("loss", 0, 3.0)]


def test_a_json_object_that_is_written_anew_counts_anew(attempt: Attempt) -> None:
    path = attempt.work / "m.json"
    path.write_text('{\n"loss": 3}\n')
    os.utime(path, ns=(1, 1))
    first = attempt.read(type="json", sources=["m.json"])
    path.write_text('{\n"loss": 2.5}\n')

    second = attempt.read(type="json", sources=["m.json"])

    assert (first, second) == ([Reading("loss", 0, 3.0)], [Reading("loss", 1, 2.5)])


def test_a_json_list_is_a_series(attempt: Attempt) -> None:
    attempt.write("work/m.json", '[{"loss": 3}, {"loss": 2}]')

    found = attempt.read(type="json", sources=["m.json"], final=True)

    assert found == [Reading("loss", 0, 3.0), Reading("loss", 1, 2.0)]


def test_a_member_that_is_a_list_is_a_series(attempt: Attempt) -> None:
    attempt.write("work/m.json", '{"loss": [3, 2]}\n')

    found = attempt.read(type="json", sources=["m.json"])

    assert found == [Reading("loss", 0, 3.0), Reading("loss", 1, 2.0)]


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes 100 bytes, and what can only be read whole may have 200."""
    for module in (base, summary_module):
        monkeypatch.setattr(module, "MOST_BYTES", 100)
        monkeypatch.setattr(module, "MOST_AT_ONCE", 200)


@pytest.mark.usefixtures("_small")
def test_a_json_file_that_is_too_long_for_a_look_is_read_at_the_end(attempt: Attempt) -> None:
    attempt.write("work/m.json", json.dumps([{"loss": 10 + number} for number in range(10)], indent=0))

    running = attempt.read(type="json", sources=["m.json"])
    ended = attempt.read(type="json", sources=["m.json"], final=True)

    assert running == []
    assert [one.value for one in ended] == list(range(10, 20))
    assert left_out(attempt.offsets) == []


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("kind", ["json", "records"])
def test_a_json_file_that_is_too_long_at_the_end_is_told(attempt: Attempt, kind: str) -> None:
    attempt.write("work/m.json", json.dumps([{"loss": 10 + number} for number in range(20)], indent=0))

    found = attempt.read(type=kind, sources=["m.json"])
    early = left_out(attempt.offsets)
    found += attempt.read(type=kind, sources=["m.json"], final=True)

    assert (found, early) == ([], [])
    assert left_out(attempt.offsets) == ["m.json is not read: it is longer than 0 MiB (322 bytes)"]


# summary


def event(step: int, tag: str, value: float, tensor: bool = False) -> bytes:
    """One record of an event file, put together by hand."""

    def chunk(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2, len(data)]) + data

    number = struct.pack("<f", value)
    content = chunk(8, b"\x08\x01" + chunk(4, number)) if tensor else b"\x15" + number
    summary = chunk(1, chunk(1, tag.encode()) + content)
    data = b"\x09" + struct.pack("<d", 1.0) + bytes([2 << 3, step]) + chunk(5, summary)
    return struct.pack("<Q", len(data)) + b"crc!" + data + b"crc!"


@pytest.mark.parametrize("tensor", [False, True])
def test_scalars_of_event_files_are_read(attempt: Attempt, tensor: bool) -> None:
    (attempt.work / "runs").mkdir()
    attempt.write("work/runs/events.out.tfevents.1", event(7, "loss", 0.5, tensor) + event(7, "other", 1.0))

    found = attempt.read(type="summary", sources=["runs"])

    assert found == [Reading("loss", 7, 0.5)]


def test_half_an_event_waits_for_its_end(attempt: Attempt) -> None:
    (attempt.work / "runs").mkdir()
    name, whole = "work/runs/events.out.tfevents.1", event(7, "loss", 0.5)
    attempt.write(name, whole[:20])
    first = attempt.read(type="summary", sources=["runs"])

    attempt.write(name, whole[20:])

    assert (first, attempt.read(type="summary", sources=["runs"])) == ([], [Reading("loss", 7, 0.5)])


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(("length", "values"), [(120, [0.5, 2.0, 0.25]), (300, [0.5, 0.25])])
def test_a_long_record_does_not_hide_what_follows(attempt: Attempt, length: int, values: list[float]) -> None:
    picture = event(8, "loss", 2.0)[12:-4]
    picture += bytes([6 << 3 | 2, length]) + b"x" * length if length < 128 else b"\x32\xac\x02" + b"x" * length
    long = struct.pack("<Q", len(picture)) + b"crc!" + picture + b"crc!"
    attempt.write("work/run.tfevents", event(7, "loss", 0.5) + long + event(9, "loss", 0.25))

    found = [one for _ in range(5) for one in attempt.read(type="summary", sources=["run.tfevents"])]

    assert [one.value for one in found] == values


def test_more_event_files_than_are_read_are_told(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary_module, "MOST_FILES", 2)
    (attempt.work / "runs").mkdir()
    for step in range(3):
        attempt.write(f"work/runs/{step}.tfevents", event(step, "loss", 0.5))

    found = attempt.read(type="summary", sources=["runs"])

    assert [one.step for one in found] == [0, 1]
    assert left_out(attempt.offsets) == ["of runs only 2 event files are read"]


def test_event_files_of_one_name_in_several_folders_are_kept_apart(attempt: Attempt) -> None:
    for step, folder in enumerate(("train", "val")):
        (attempt.work / "runs" / folder).mkdir(parents=True)
        attempt.write(f"work/runs/{folder}/events.out.tfevents.1", event(step, "loss", 0.5 + step))

    found = attempt.read(type="summary", sources=["runs"])

    assert found == [Reading("loss", 0, 0.5), Reading("loss", 1, 1.5)]


def test_a_summary_folder_that_is_not_there_yet_is_empty(attempt: Attempt) -> None:
    assert attempt.read(type="summary", sources=["runs"]) == []


# table


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "results.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("create table result (epoch integer, loss real)")
        connection.executemany("insert into result values (?, ?)", [(0, 3.0), (1, 2.0), (2, None)])
    connection.close()
    return f"sqlite:///{path}"


STATEMENT = "select epoch, loss from result order by epoch"


def test_a_statement_is_run_once_when_the_attempt_has_ended(attempt: Attempt, database: str) -> None:
    asked = {"type": "table", "sources": [STATEMENT], "table_url": database}

    running, ended, again = attempt.read(**asked), attempt.read(**asked, final=True), attempt.read(**asked, final=True)

    assert (running, again) == ([], [])
    assert ended == [Reading("loss", 0, 3.0), Reading("loss", 1, 2.0)]


def test_every_row_of_a_long_result_is_read(attempt: Attempt, database: str) -> None:
    many = "with recursive n(loss) as (select 1 union all select loss + 1 from n limit 25000) select loss from n"

    found = attempt.read(type="table", sources=[many], table_url=database, final=True)

    assert found[-1] == Reading("loss", 24_999, 25_000.0)
    assert len(found) == 25_000


def test_an_endless_result_is_read_until_a_trial_may_have_no_more(
    attempt: Attempt, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "MAX_POINTS", 10)
    endless = "with recursive n(loss) as (select 1 union all select loss + 1 from n) select loss from n"

    found = attempt.read(type="table", sources=[endless], table_url=database, final=True)

    assert len(found) == 11


def test_a_statement_cannot_write(attempt: Attempt, database: str) -> None:
    with pytest.raises(ReadingError, match="failed"):
        attempt.read(type="table", sources=["delete from result"], table_url=database, final=True)


@pytest.mark.parametrize("scheme", ["sqlite://", "sqlite:///", ""])
def test_a_database_is_named_by_an_address_or_a_path(attempt: Attempt, database: str, scheme: str) -> None:
    path = database.removeprefix("sqlite:///")

    found = attempt.read(type="table", sources=[STATEMENT], table_url=f"{scheme}{path}", final=True)

    assert len(found) == 2


def test_a_statement_that_never_ends_is_given_up(
    attempt: Attempt, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "PATIENCE", 0.05)
    endless = "with recursive n(loss) as (select 1 union all select loss + 1 from n) select max(loss) as loss from n"

    with pytest.raises(ReadingError, match="failed: interrupted"):
        attempt.read(type="table", sources=[endless], table_url=database, final=True)


def test_without_a_database_the_refusal_names_the_setting(attempt: Attempt) -> None:
    with pytest.raises(ReadingError, match="TUNEBOOK_TABLE_DATABASE_URL"):
        attempt.read(type="table", sources=[STATEMENT], final=True)


def test_what_a_script_reports_is_read_beside_other_sources(attempt: Attempt) -> None:
    attempt.write("metrics.jsonl", line(0, lr=0.1))
    attempt.write("out.log", "loss=3.0\n")

    found = attempt.read(type="stdout", metrics=[LOSS])

    assert found == [Reading("lr", 0, 0.1), Reading(LOSS, 0, 3.0)]
