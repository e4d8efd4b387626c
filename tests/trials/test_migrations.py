"""What the migrations of data write down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.db import connection

from apps.experiments.models import Experiment
from apps.trials.models import COMBINED, Measurement, Trial


@pytest.mark.django_db
def test_what_trials_took_is_added_up_for_experiments_that_there_are(
    make_experiment: Callable[..., Experiment],
) -> None:
    tried, empty = make_experiment(), make_experiment(name="empty")
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for number, seconds in enumerate((1.5, 40.25, -3, None)):
        ended = None if seconds is None else began + timedelta(seconds=seconds)
        Trial.objects.create(experiment=tried, number=number, params={}, source="x", started=began, ended=ended)
    Trial.objects.create(experiment=tried, number=4, params={}, source="x", ended=began)

    import_module("apps.trials.migrations.0007_sum_what_was_spent").fill(None, connection.schema_editor())

    for one in (tried, empty):
        one.refresh_from_db()
        assert one.spent == pytest.approx(sum(trial.took for trial in Trial.objects.filter(experiment=one)), abs=0.001)
    assert tried.spent == pytest.approx(41.75, abs=0.001)


@pytest.mark.django_db
def test_the_points_of_trials_that_there_are_are_counted(make_experiment: Callable[..., Experiment]) -> None:
    experiment = make_experiment()
    one, other = (
        Trial.objects.create(experiment=experiment, number=number, params={}, source="x") for number in range(2)
    )
    for attempt, name, step in ((1, "loss", 0), (1, "loss", 1), (2, "loss", 0), (1, "size", 0), (1, COMBINED, 0)):
        Measurement.objects.create(trial=one, attempt=attempt, name=name, step=step, value=1.0)

    with connection.cursor() as cursor:
        cursor.execute(import_module("apps.trials.migrations.0009_fill_point_count").FILL)

    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.point_count, other.point_count) == (4, 0)
