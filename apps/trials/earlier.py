"""What a warm start reads: results of earlier experiments, as a new one's sampler learns from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from tunebook.history import TrialView
from tunebook.job import Job
from tunebook.sampling import Sampling
from tunebook.space import Params
from tunebook.status import TrialStatus

MOST = 1_000  # results, the latest of all sources together


def earlier(workspace_id: int, job: Job) -> tuple[TrialView, ...]:
    """The results of the experiments that a job starts warm from, numbered from -1 down. 2 queries.

    Parameters are taken by their names; those that the space does not have, and values outside it, are dropped. A budget
    of the same name stays, so that what came of a small one is not taken for the result of a large one.
    """
    sampling = job.sampling
    if not sampling.warm_start:
        return ()
    sources = Experiment.objects.filter(workspace=workspace_id, key__in=sampling.warm_start)
    found = results(dict(sources.values_list("pk", "job")), job)
    views: list[TrialView] = []
    for _, params, value in reversed(found):
        known = {name: one for name, one in params.items() if name in job.space and job.space[name].contains(one)}
        if known:
            known |= {name: params[name] for name in sampling.budget if name in params}
            number = len(views) - len(found)
            views.append(TrialView(number, known, TrialStatus.FINISHED, value, weight=sampling.warm_weight))
    return tuple(views)


def results(sources: Mapping[int, Mapping[str, Any]], job: Job) -> list[tuple[int, Params, float]]:
    """The latest results of experiments, whose jobs are given by primary key: experiment, parameters, value. 1 query.

    Of one that gave its trials budgets only those of the largest one count, unless the job knows budgets of that name.
    """
    rows = Trial.objects.filter(
        experiment__in=list(sources), status=TrialStatus.FINISHED, value__isnull=False, excluded=False
    )
    latest = rows.order_by("-pk").values_list("experiment", "params", "value")[:MOST]
    found = [(pk, params, value) for pk, params, value in latest if value is not None]
    budgets = {
        pk: name
        for pk, source in sources.items()
        for name in Sampling.from_dict(source["sampling"]).budget
        if name not in job.space and name not in job.sampling.budget
    }

    def budget(pk: int, params: Params) -> float:
        return params.get(budgets[pk], 0) if pk in budgets else 0

    largest: dict[int, float] = {}
    for pk, params, _ in found:
        largest[pk] = max(largest.get(pk, 0), budget(pk, params))
    return [(pk, params, value) for pk, params, value in found if budget(pk, params) == largest[pk]]
