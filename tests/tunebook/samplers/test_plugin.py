"""Plugins in their own processes: good ones are asked, bad ones are ended with a reason."""

import gc
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.tunebook.samplers import plugins
from tests.tunebook.samplers.rungs import LINE, begin, end, finish, start
from tunebook import Objective, Space, SpecError, TrialStatus, Uniform
from tunebook.samplers import build
from tunebook.samplers.plugin import PluginFailed, PluginSampler, located
from tunebook.samplers.plugin_process import Bounds, PluginProcess
from tunebook.sampling import Sampling

ROOT = Path(__file__).resolve().parents[3]
PATH = str(Path(plugins.__file__))


def plugin(kind: str = "Plugin", *, seed: int = 3, space: Space = LINE, **options: Any) -> PluginSampler:
    sampling = Sampling("plugin", {"path": PATH, "class": kind, **options})
    sampling.check(space)
    made = build(sampling, space, Objective(), seed)
    assert isinstance(made, PluginSampler)
    return made


def is_alive(pid: int) -> bool:
    """Whether it still runs; one that has ended but that nobody has waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(") ")[2][0] not in "ZX"


def pid_of(sampler: PluginSampler) -> int:
    assert sampler._process is not None
    return sampler._process.pid


def failure(kind: str, **options: Any) -> str:
    sampler = plugin(kind, **options)
    with pytest.raises(PluginFailed) as failed:
        sampler.ask(start(), 1)
    assert sampler._process is None
    return str(failed.value)


def test_a_plugin_is_asked_and_its_prints_are_no_answers() -> None:
    asked = plugin().ask(start(), 3)

    assert [LINE.contains(suggestion.params) for suggestion in asked] == [True] * 3
    assert {(suggestion.source, suggestion.note) for suggestion in asked} == {("plugin", "by Plugin of plugins")}


def test_arguments_reach_the_class() -> None:
    (asked,) = plugin(arguments={"low": 0.99}).ask(start())

    assert asked.params["x"] >= 0.99


def test_a_new_process_with_the_same_history_asks_the_same() -> None:
    past = finish(begin(start(), *plugin().ask(start(), 4)))
    kept = plugin()
    kept.ask(start(), 1)

    assert kept.ask(past, 2) == plugin().ask(past, 2) != plugin(seed=4).ask(past, 2)


def test_each_trial_is_told_once_when_it_has_ended() -> None:
    sampler = plugin("Teller")
    past = start()
    answers = []
    for _ in range(3):
        (asked,) = sampler.ask(past)
        answers.append(asked.params["x"])
        past = finish(begin(past, asked))
    past = begin(past, *sampler.ask(past))

    assert answers == [0.0, 0.111, 0.222]
    assert [asked.params["x"] for asked in sampler.ask(past)] == [0.334]
    assert [asked.params["x"] for asked in plugin("Teller").ask(past)] == [0.334]


def test_a_rewritten_history_starts_the_plugin_anew() -> None:
    sampler = plugin("Teller")
    past = finish(begin(start(), *plugin().ask(start(), 3)))
    sampler.ask(past)
    before = pid_of(sampler)

    (asked,) = sampler.ask(end(past, 1, TrialStatus.FINISHED, 0.123))

    assert pid_of(sampler) != before
    assert asked.params["x"] == 0.333


def test_failed_trials_are_told_without_a_value() -> None:
    past = begin(start(), *plugin().ask(start(), 1))
    past = end(past, 0, TrialStatus.FAILED, None)

    (asked,) = plugin("Learning").ask(past)

    assert LINE.contains(asked.params)


def test_a_plugin_says_when_it_is_exhausted() -> None:
    sampler = plugin("Ending")
    past = start()
    while asked := sampler.ask(past, 5):
        past = finish(begin(past, *asked))
        assert not sampler.exhausted(past)

    assert len(past.trials) == 3
    assert sampler.exhausted(past)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Raising", ["ZeroDivisionError", "about to divide", 'return [{"x": 1 / 0}]']),
        ("Crashing", ["status 7", "goodbye"]),
        ("Killed", ["signal SIGKILL"]),
        ("Leaving", ["SystemExit", "no license"]),
        ("Outside", ["outside the space", "x"]),
        ("Listless", ["'int' object is not iterable"]),
        ("Wordy", ["'x' instead of a parameter set"]),
        ("NotANumber", ["ValueError"]),
        ("Deep", ["[[[["]),
        ("Missing", ["has no attribute 'Missing'"]),
    ],
)
def test_a_misbehaving_plugin_is_ended_with_its_last_lines(kind: str, words: list[str]) -> None:
    text = failure(kind)

    for word in words:
        assert word in text


def test_a_plugin_that_cannot_be_made_shows_nothing_but_why(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("class Plugin\n")
    process = PluginProcess(Bounds())
    process.send({"do": "start", "path": str(tmp_path), "module": "broken", "class": "Plugin", "memory": 2 << 30})
    process.send({"do": "ask", "count": 1, "number": 0, "seed": 7, "changed": []})
    process._process.wait(20.0)

    with pytest.raises(PluginFailed) as failed:
        process.receive(20.0)

    assert "SyntaxError" in str(failed.value)
    assert "NoneType" not in str(failed.value)


def test_a_hanging_plugin_is_ended_in_time() -> None:
    began = time.monotonic()

    text = failure("Hanging", call_seconds=0.5)

    assert time.monotonic() - began < 60  # it would hang for an hour
    assert "within 0.5 seconds" in text
    assert "thinking hard" in text


def test_a_plugin_that_takes_long_to_start_has_its_time_for_the_call_all_the_same() -> None:
    asked = plugin("SlowToStart", call_seconds=1.0).ask(start(), 1)

    assert len(asked) == 1


def test_a_flooding_plugin_is_ended() -> None:
    text = failure("Flooding")

    assert "printed more than 1048576 bytes" in text
    assert len(text) < 5000


def test_a_plugin_gets_no_more_memory_than_it_may() -> None:
    assert "MemoryError" in failure("Hungry", memory_mb=256)


def test_what_a_plugin_writes_to_its_output_is_no_answer() -> None:
    (asked,) = plugin("Talking").ask(start())

    assert asked.params == {"x": 0.5}


def test_a_plugin_sees_neither_questions_nor_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEBOOK_SECRET", "of the server")

    (asked,) = plugin("Reading").ask(start())

    assert asked.params == {"x": 0.25}


def test_after_a_failure_it_is_started_anew(tmp_path: Path) -> None:
    sampler = plugin("FailingTwice", arguments={"path": str(tmp_path / "starts")})
    for _ in range(2):
        with pytest.raises(PluginFailed, match="not yet"):
            sampler.ask(start())

    assert len(sampler.ask(start())) == 1


def test_an_impatient_asker_does_not_wait() -> None:
    sampler = plugin("Slow")
    sampler.patience = 0.0

    first = sampler.ask(start(), 2)

    assert first == []
    assert sampler.is_thinking
    assert not sampler.exhausted(start())
    while not sampler.is_ready:
        time.sleep(0.005)
    assert len(sampler.ask(start(), 2)) == 2
    assert not sampler.is_thinking


def test_an_impatient_asker_hears_of_trouble_too() -> None:
    sampler = plugin("Hanging", call_seconds=0.3)
    sampler.patience = 0.0
    assert sampler.ask(start()) == []
    while not sampler.is_ready:
        time.sleep(0.005)

    with pytest.raises(PluginFailed, match="did not answer"):
        sampler.ask(start())


def test_the_process_ends_with_its_sampler() -> None:
    sampler = plugin()
    sampler.ask(start())
    pid = pid_of(sampler)

    del sampler
    gc.collect()

    assert not is_alive(pid)


def test_the_process_ends_soon_after_an_optimizer_that_was_killed() -> None:
    script = (
        "import os, sys; from tests.tunebook.samplers.test_plugin import *; made = plugin('Slow'); made.patience = 0.0;"
        "made.ask(start()); print(pid_of(made), flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    pid = int(killed.stdout)

    deadline = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert killed.returncode == -9
    assert not is_alive(pid)


def test_an_interpreter_that_is_not_there_is_a_failure() -> None:
    assert "cannot be started" in failure("Plugin", python="/nowhere/python")


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "options.module"),
        ({"path": "/srv/plugins"}, "options.module"),
        ({"path": "a.py", "call_seconds": 61}, "options.call_seconds"),
        ({"path": "a.py", "memory_mb": 1}, "options.memory_mb"),
        ({"path": "a.py", "arguments": [1]}, "options.arguments"),
        ({"path": 5}, "options.path"),
    ],
)
def test_an_impossible_declaration_is_refused_at_submission(options: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as refused:
        Sampling("plugin", options).check(Space({"x": Uniform(0, 1)}))

    assert refused.value.path == path


@pytest.mark.parametrize(
    ("path", "module", "found"),
    [
        ("/srv/mine.py", "", ("/srv", "mine")),
        ("/srv/mine.py", "other", ("/srv", "other")),
        ("/srv/folder", "pack.mod", ("/srv/folder", "pack.mod")),
        ("", "installed.algorithm", ("", "installed.algorithm")),
    ],
)
def test_a_plugin_is_found_by_file_folder_or_name(path: str, module: str, found: tuple[str, str]) -> None:
    assert located(path, module) == found
