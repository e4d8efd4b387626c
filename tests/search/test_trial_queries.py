"""What queries of an experiment's trials find."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.experiments.models import Experiment
from apps.search.grammar import trials_grammar
from apps.search.parser import parse
from apps.search.trials import narrowed
from apps.trials.models import Measurement, Trial
from tests.dashboard.trials import with_trials
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, Uniform
from tunebook.job import Job

Make = Callable[..., Experiment]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status:failed or value<0.995", {1, 2}),
        ("x>0.005", {1, 2, 3}),
        ("param.x:0.01..0.02", {1, 2}),
        ("not x>0.005", {0}),
        ("kind:svm", {0, 1}),
        ("kind=tree or number:0", {0, 2, 3}),
        ("metric.acc>0.5", {1}),
        ("metric.acc<0.5", {0}),
        ("is:best", {1}),
        ("is:excluded", {3}),
        ("is:counted -status:failed", {0, 1}),
        ("memory", {2}),
        ("reason:memory", {2}),
        ("3", {3}),
        ("started>1h (status:succeeded or status:failed)", {0, 1, 2}),
        ("value:0.9..1", {0, 1}),
    ],
)
def test_a_query_finds_what_it_says(make_experiment: Make, text: str, expected: set[int]) -> None:
    space = Space({"x": Uniform(0, 1), "kind": Choice(["svm", "tree"])})
    one = make_experiment(job=a_job(space=space))
    trials = with_trials(one, "FINISHED", "FINISHED", "FAILED", "EARLY_STOPPED")
    for trial in trials:
        params = {"x": trial.number / 100, "kind": "svm" if trial.number < 2 else "tree"}
        Trial.objects.filter(pk=trial.pk).update(params=params, excluded=trial.number == 3)
    Trial.objects.filter(pk=trials[2].pk).update(reason="out of memory")
    points = [(0, 0, 0.9), (0, 1, 0.1), (1, 0, 0.2), (1, 1, 0.8)]
    rows = [Measurement(trial=trials[at], name="acc", step=step, value=value) for at, step, value in points]
    Measurement.objects.bulk_create(rows)
    query = parse(text, trials_grammar(space.leaves()))

    with CaptureQueriesContext(connection) as asked:
        rows = narrowed(Trial.objects.filter(experiment=one), query, one, Job.from_dict(one.job).space)
        found = set(rows.values_list("number", flat=True))

    assert query.problems == []
    assert found == expected
    assert len(asked) == 1
