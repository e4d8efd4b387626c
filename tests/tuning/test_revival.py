"""A stopped experiment goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.experiments.models import Experiment, Tally
from apps.feed.models import Event
from apps.trials.models import Trial
from apps.tuning import experiments, revival
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor, NotAllowed, OutOfReach

pytestmark = pytest.mark.django_db
Make = Callable[..., Experiment]


def stopped(make: Make, actor: Actor) -> Experiment:
    experiment = make()
    now = timezone.now()
    Experiment.objects.filter(pk=experiment.pk).update(started=now - timedelta(hours=3), trial_count=2)
    for number, status in enumerate(["FINISHED", "USER_CANCELED"]):
        Trial.objects.create(
            experiment=experiment, number=number, params={"x": number / 4}, source="random", status=status
        )
    experiments.stop(actor, experiment)
    Experiment.objects.filter(pk=experiment.pk).update(ended=now - timedelta(hours=2))
    return experiment


def test_it_waits_again_and_tries_again_what_was_interrupted(make_experiment: Make, actor_ada: Actor) -> None:
    experiment = stopped(make_experiment, actor_ada)

    row = revival.revive(actor_ada, experiment)

    assert (row.status, row.desired, row.reason, row.ended) == ("WAITING", "run", "", None)
    again = Trial.objects.get(number=2)
    assert (again.params, again.status, again.restart_of and again.restart_of.number) == ({"x": 0.25}, "CREATED", 1)
    assert {tally.status for tally in Tally.objects.filter(number__gt=0)} == {"WAITING"}
    assert "restarted by ada" in [event.payload.get("text") for event in Event.objects.filter(kind="note")]


def test_the_time_it_lay_still_does_not_count(make_experiment: Make, actor_ada: Actor) -> None:
    row = revival.revive(actor_ada, stopped(make_experiment, actor_ada))

    assert row.started is not None
    assert timedelta(minutes=59) < timezone.now() - row.started < timedelta(minutes=61)


def test_twice_interrupted_is_tried_again_once_each_time(make_experiment: Make, actor_ada: Actor) -> None:
    experiment = stopped(make_experiment, actor_ada)

    for _ in range(2):
        revival.revive(actor_ada, experiment)
        experiments.stop(actor_ada, experiment)

    assert list(Trial.objects.order_by("number").values_list("restart_of__number", flat=True)) == [None, None, 1, 2]


@pytest.mark.parametrize("status", ["WAITING", "RUNNING", "FINISHED", "EARLY_STOPPED", "SYS_CANCELED"])
def test_what_was_not_stopped_cannot_go_on(make_experiment: Make, actor_ada: Actor, status: str) -> None:
    experiment = make_experiment()
    Experiment.objects.update(status=status)

    with pytest.raises(Conflict, match=status):
        revival.revive(actor_ada, experiment)


def test_only_those_who_may_run_it_let_it_go_on(
    make_experiment: Make, actor_ada: Actor, actor_ben: Actor, actor_cleo: Actor
) -> None:
    experiment = stopped(make_experiment, actor_ada)

    with pytest.raises(NotAllowed):
        revival.revive(actor_ben, experiment)
    with pytest.raises(OutOfReach):
        revival.revive(actor_cleo, experiment)
