"""Where trials run, and how much of it one takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import a_job
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.platform import Platform
from tunebook.sampling import Sampling
from tunebook.wire import pai


def test_a_job_without_one_runs_where_its_optimizer_is() -> None:
    document = {name: part for name, part in a_job().to_dict().items() if name != "platform"}

    assert Job.from_dict(document).platform == Platform()


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"name": "DLC"}, "platform.name"),
        ({"name": "RAY", "cpus": -1}, "platform.cpus"),
        ({"name": "RAY", "gpus": "one"}, "platform.gpus"),
        ({"name": "LOCAL", "gpus": 1}, "platform.name"),
        ({"name": "RAY", "nodes": 3}, "platform.nodes"),
    ],
)
def test_a_platform_that_cannot_be_is_refused_with_its_place(document: Any, path: str) -> None:
    with pytest.raises(SpecError) as refused:
        Platform.from_dict(document)

    assert refused.value.path == path


def test_checkpoints_are_not_handed_on_across_machines() -> None:
    job = a_job(sampling=Sampling("pbt"), platform=Platform(name="RAY"))

    with pytest.raises(SpecError, match="hands checkpoints on"):
        job.check()


def test_the_native_wire_has_words_for_it() -> None:
    job = a_job(platform=Platform(name="RAY", cpus=0.5, gpus=2))

    assert pai.load(pai.dump(job), "").platform == job.platform
