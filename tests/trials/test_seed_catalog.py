"""The command that fills a catalog for measuring."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from apps.experiments.models import Experiment, Tally
from apps.trials.models import Measurement, Trial


@pytest.mark.django_db
def test_it_makes_what_was_asked_and_counts_it() -> None:
    out = io.StringIO()

    call_command("seed_catalog", experiments=30, trials=100, largest=20, points=2, stdout=out)

    answer = json.loads(out.getvalue())
    largest = Experiment.objects.get(key=answer["largest"])
    assert (Experiment.objects.count(), Trial.objects.count()) == (30, 100)
    assert largest.trial_count == largest.trials.count() == 20
    assert sum(largest.counts.values()) == 20
    assert Tally.objects.aggregate(total=Sum("number"))["total"] == 30
    assert Measurement.objects.count() == 2 * Trial.objects.exclude(status="FAILED").count()


def test_a_largest_one_beyond_all_is_refused() -> None:
    with pytest.raises(CommandError, match="--trials at least"):
        call_command("seed_catalog", experiments=2, trials=5, largest=20)
