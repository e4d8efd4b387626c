"""WMLA's plugin algorithms run unchanged in a process of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tunebook.wire.test_wmla import with_params
from tunebook.history import History, TrialView
from tunebook.samplers import Sampler, build
from tunebook.samplers.plugin import PluginFailed
from tunebook.status import TrialStatus
from tunebook.wire import wmla

HEAD = """
import json, time
from plugins.core.logger import logger
from plugins.core.base_plugin_opt import BasePluginOptimizer
import numpy

class PluginOptimizer(BasePluginOptimizer):
    def __init__(self, name, hyper_parameters, **kwargs):
        super(PluginOptimizer, self).__init__(name, hyper_parameters, **kwargs)
        self.seen, self.options = hyper_parameters, kwargs
        self.calls = 0
    def search(self, number_samples, last_exp_results):
        self.calls += 1
        logger.info("call %s", self.calls)
"""
STEPPED = {"name": "lr", "type": "range", "dataType": "double", "minDbVal": 0.001, "maxDbVal": 0.1, "step": "0.002"}
UNITS = {"name": "units", "type": "Range", "dataType": "INT", "minIntVal": 1, "maxIntVal": 9, "step": 2}
KIND = {"name": "kind", "type": "Discrete", "dataType": "string", "discreateStrVal": ["a", "b"]}

Made = Callable[..., tuple[Sampler, Any]]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """A sampler that asks an algorithm with this `search`, and its job."""
    samplers = []

    def make(search: str, *, hyper: list[Any] | None = None, **params: Any) -> tuple[Sampler, Any]:
        body = "".join(f"        {line}\n" for line in search.strip().split("\n"))
        (tmp_path / "optimizer.py").write_text(HEAD + body)
        document = {**with_params("mine", **params), "hyperParams": hyper or [STEPPED, UNITS, KIND]}
        around = wmla.Surroundings(plugin=wmla.Installed("mine", str(tmp_path)))
        job = wmla.load(document, around=around)
        samplers.append(build(job.sampling, job.space, job.objective, 3, limits=job.limits))
        return samplers[-1], job

    yield make
    for sampler in samplers:
        sampler.close()


def past(job: Any, *trials: TrialView) -> History:
    return History(job.space, job.objective, trials, 3)


def view(number: int, params: dict[str, Any], status: TrialStatus = TrialStatus.FINISHED, **known: Any) -> TrialView:
    return TrialView(number, params, status, **known)


ONE = '{"lr": 0.011, "units": 1, "kind": "a"}'


def test_values_are_made_plain_and_moved_to_their_steps(made: Made) -> None:
    sampler, job = made("return [{'lr': numpy.float64(0.0304), 'units': numpy.int64(4), 'kind': 'b'}] * number_samples")

    found = sampler.ask(past(job), 2)

    assert [one.params for one in found] == [{"lr": 0.031, "units": 5, "kind": "b"}] * 2
    assert {type(value) for value in found[0].params.values()} == {float, int, str}


@pytest.mark.parametrize(("drawn", "value"), [(0.1, 0.099), (0.0999, 0.099), (0.001, 0.001), (0.0021, 0.003)])
def test_moving_to_a_step_never_leaves_the_range(made: Made, drawn: float, value: float) -> None:
    sampler, job = made(f"return [{{'lr': {drawn}}}]", hyper=[STEPPED])

    assert sampler.ask(past(job), 1)[0].params == {"lr": value}


def test_an_algorithm_sees_its_parameters_and_options_as_on_its_own_platform(made: Made) -> None:
    sampler, job = made(
        """
assert [one["type"] for one in self.seen] == ["Range", "Range", "Discrete"], self.seen
assert [one["dataType"] for one in self.seen] == ["DOUBLE", "INT", "STR"], self.seen
assert self.options == {"alpha": "0.5", "rounds": "3"}, self.options
assert not last_exp_results
return [{"lr": 0.011, "units": 1, "kind": "a"}]
""",
        alpha=0.5,
        rounds="3",
    )

    assert len(sampler.ask(past(job), 1)) == 1


def test_results_of_the_last_batch_are_told_when_all_of_it_has_ended(made: Made) -> None:
    sampler, job = made(
        f"""
if self.calls == 1:
    return [{ONE}, {ONE}]
with open({{path!r}}, "w") as target:
    json.dump(last_exp_results, target)
return [{ONE}]
""".replace("{path!r}", "self.options['path']"),
        path="/dev/null",
    )
    first = [one.params for one in sampler.ask(past(job), 2)]
    running = view(1, first[1], TrialStatus.RUNNING)

    waiting = sampler.ask(past(job, view(0, first[0], value=0.5), running), 1)
    done = past(job, view(0, first[0], value=0.5), view(1, first[1], TrialStatus.FAILED))
    after = sampler.ask(done, 1)

    assert (waiting, sampler.exhausted(done)) == ([], False)
    assert len(after) == 1


def test_a_result_has_the_form_that_authors_are_told(made: Made, tmp_path: Path) -> None:
    sampler, job = made(
        f"""
assert last_exp_results == [
    {{"id": 0, "hyperparams": {ONE}, "state": "FINISHED", "metricVal": 0.25,
     "metrics": [{{"iteration": 1, "loss": 0.5}}, {{"iteration": 2, "loss": 0.25}}]}},
    {{"id": 1, "hyperparams": {ONE}, "state": "STOPPED", "metricVal": None, "metrics": []}},
], last_exp_results
return [{ONE}]
"""
    )
    params = {"lr": 0.011, "units": 1, "kind": "a"}
    ended = view(0, params, value=0.25, curve=((1, 0.5), (2, 0.25)))

    found = sampler.ask(past(job, ended, view(1, params, TrialStatus.USER_CANCELED)), 1)

    assert found[0].params == params


@pytest.mark.parametrize("nothing", ["[]", "None", "numpy.array([])"])
def test_an_empty_answer_ends_the_task(made: Made, nothing: str) -> None:
    sampler, job = made(f"return {nothing}")

    assert sampler.ask(past(job), 1) == []
    assert sampler.exhausted(past(job))


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("raise ValueError('no idea')", "no idea"),
        ("return 5", "TypeError"),
        ("return [5]", "instead of a dict"),
        ("return [{'lr': 5.0, 'units': 1, 'kind': 'a'}]", "outside the space: lr"),
        ("return [{'lr': 0.011, 'units': 1, 'kind': 'z'}]", "outside the space: kind"),
        ("return [{'lr': 0.011}]", "units: is missing"),
        ("return [{'lr': float('nan'), 'units': 1, 'kind': 'a'}]", "raised ValueError"),
        ("import os; print('last words', flush=True); os._exit(7)", "last words"),
        ("import nothing_like_it", "nothing_like_it"),
    ],
)
def test_a_bad_algorithm_is_told_about_with_its_last_lines(made: Made, search: str, words: str) -> None:
    sampler, job = made(search)

    with pytest.raises(PluginFailed) as caught:
        sampler.ask(past(job), 1)

    assert words in str(caught.value)


def test_a_file_that_is_no_algorithm_is_told_about(made: Made, tmp_path: Path) -> None:
    sampler, job = made("return []")
    for text, words in [("syntax error here", "SyntaxError"), ("x = 1", "PluginOptimizer")]:
        (tmp_path / "optimizer.py").write_text(text)

        with pytest.raises(PluginFailed) as caught:
            sampler.ask(past(job), 1)

        assert words in str(caught.value)


def test_a_range_of_powers_takes_the_value_itself(made: Made) -> None:
    power = {"name": "lr", "type": "Range", "dataType": "double", "minDbVal": -3, "maxDbVal": 0, "power": "10"}
    sampler, job = made("return [{'lr': 0.0123}]", hyper=[power])

    assert sampler.ask(past(job), 1)[0].params == {"lr": 0.0123}
