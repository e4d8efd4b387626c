"""Installed algorithms in the optimizer's loop: a good one ends its task well, bad ones fail alone and are told about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.experiments.models import Experiment
from apps.optimizer import trouble
from apps.optimizer import worker as worker_module
from apps.optimizer.executors.base import LaunchSpec
from apps.optimizer.executors.replay import Recording, ReplayExecutor, World
from apps.optimizer.worker import OptimizerWorker, Options
from apps.trials.models import Trial
from tests.dialects.wmla.conftest import BATCH, RATE, TASKS, Wmla, a_document, a_tar

pytestmark = pytest.mark.django_db
HEAD = """
import os, sys, time
from plugins.core.logger import logger
from plugins.core.base_plugin_opt import BasePluginOptimizer

class PluginOptimizer(BasePluginOptimizer):
    def search(self, number_samples, last_exp_results):
        self.known = getattr(self, "known", 0) + len(last_exp_results or [])
"""
GOOD = """
if self.known >= 4:
    return []
rates = [0.001 * (self.known + place + 1) for place in range(number_samples)]
return [{"learning_rate": rate, "batch": 16} for rate in rates]
"""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OptimizerWorker]:
    """A worker that leaves when all is done, and gives a task in trouble its next try at once."""
    monkeypatch.setattr(trouble, "LONGEST_REST", 0.0)
    monkeypatch.setattr(worker_module, "POLL", 0.05)

    def play(spec: LaunchSpec) -> Recording:
        return Recording(points=[{"loss": spec.params["learning_rate"]}])

    made = OptimizerWorker(ReplayExecutor(tmp_path, play, World()), tmp_path, slots=4, options=Options(until_idle=True))
    yield made
    made.receiver.close()


def submitted(there: Wmla, search: str, **options: object) -> str:
    """The name of a task that asks an algorithm with this `search`; its trials report instead of leaving a file."""
    body = "".join(f"        {line}\n" for line in search.strip().split("\n"))
    assert there.install({"name": "mine"}, a_tar(**{"optimizer.py": HEAD + body})).status_code == 201
    rate = {**RATE, "step": 0}
    document = a_document(algoDef__algorithm="mine", algoDef__maxJobNum=-1, hyperParams=[rate, BATCH])
    made = there.submit(document)
    assert made.status_code == 201, made.content
    experiment = Experiment.objects.get()
    experiment.job["sampling"]["options"] |= options
    experiment.job["readings"] = {"type": "report", "sources": [], "combine": "final"}
    experiment.job["command"]["code"], experiment.job["command"]["working_dir"] = "", None
    experiment.save()
    return str(made.json())


def test_an_algorithm_that_has_no_more_ends_its_task(ada_there: Wmla, worker: OptimizerWorker) -> None:
    name = submitted(ada_there, GOOD)

    worker.run()

    record = ada_there.get(f"{TASKS}/{name}").json()
    assert (record["state"], record["progress"], record["best"]["metricVal"]) == ("FINISHED", "4/4", 0.001)
    assert {trial.source for trial in Trial.objects.all()} == {"plugin"}


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("logger.info('about to leave'); sys.stderr.flush(); os._exit(7)", ["status 7", "about to leave"]),
        ("print('thinking hard'); time.sleep(60)", ["did not answer within 1 seconds", "thinking hard"]),
        ("print('x' * (2 << 20))", ["printed more than"]),
        ("return [{'learning_rate': 5.0, 'batch': 16}]", ["outside the space"]),
        ("return 'nonsense'", ["instead of a dict"]),
        ("raise RuntimeError('no idea')", ["no idea"]),
        ("return [bytearray(1 << 40)]", ["MemoryError"]),
    ],
)
def test_a_bad_algorithm_fails_its_task_with_its_last_lines(
    ada_there: Wmla, worker: OptimizerWorker, search: str, words: list[str]
) -> None:
    name = submitted(ada_there, search, call_seconds=1.0 if "sleep" in search else 30.0)

    worker.run()

    record = ada_there.get(f"{TASKS}/{name}").json()
    assert record["state"] == "FAILED"
    assert record["message"].startswith("the sampler failed: the plugin ")
    for word in words:
        assert word in record["message"]
