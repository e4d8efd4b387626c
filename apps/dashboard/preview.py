"""What a job would ask first, before it exists."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from tunebook.history import History
from tunebook.job import Job


def first_suggestions(job: Job, seed: int, count: int) -> list[dict[str, Any]]:
    """The parameters of the first trials. Raises SpecError where the sampler cannot search the space.

    None for a plugin: somebody's program runs where the optimizer is, never beside the pages.
    """
    sampler = _samplers().build(job.sampling, job.space, job.objective, seed, job.limits)
    if job.sampling.name == "plugin":
        return []
    past = History(space=job.space, objective=job.objective, trials=(), seed=seed)
    return [dict(suggestion.params) for suggestion in sampler.ask(past, count)]


@cache
def _samplers() -> Any:
    """The samplers with numpy and scipy, loaded when first asked for: most web processes never are (30 MiB each)."""
    return import_module("tunebook.samplers")
