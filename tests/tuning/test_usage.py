from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import Entry
from apps.experiments.models import Experiment
from apps.experiments.workers import Worker
from apps.tuning import experiments, people, usage
from apps.workspaces.access import Actor, NotAllowed
from apps.workspaces.models import Workspace
from tests.dashboard.trials import with_trials
from tests.people import a_job
from tunebook.errors import SpecError

Make = Callable[..., Experiment]


def test_what_was_used_is_summed_by_person_and_experiment(
    make_experiment: Make, actor_ada: Actor, workspace: Workspace
) -> None:
    now = timezone.now()
    hour = {"started": now - timedelta(hours=1), "ended": now}
    with_trials(make_experiment(name="short"), "FINISHED", **hour)
    with_trials(make_experiment(name="long"), "FINISHED", "FAILED", **hour)
    with_trials(make_experiment(name="running"), "RUNNING", started=now - timedelta(minutes=30))
    with_trials(make_experiment(name="old"), "FINISHED", started=now - timedelta(days=40), ended=now)

    found = usage.usage(actor_ada, workspace, days=30)

    assert [(one.name, one.trials, round(one.seconds / 60)) for one in found.people] == [("ada", 4, 210)]
    assert [(one.name, one.trials) for one in found.experiments] == [("long", 2), ("short", 1), ("running", 1)]
    assert usage.usage(actor_ada, workspace, days=60).trials == 5


def test_usage_tells_nobody_of_what_they_may_not_see(
    make_experiment: Make, actor_ben: Actor, workspace: Workspace
) -> None:
    with_trials(make_experiment(name="secret", accessibility="PRIVATE"), "FINISHED")

    found = usage.usage(actor_ben, workspace, days=30)

    assert (found.people, found.experiments, found.trials) == ([], [], 0)


def test_optimizers_come_with_what_they_drive(
    make_experiment: Make, actor_ada: Actor, actor_ben: Actor, workspace: Workspace
) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    busy = Worker.objects.create(name="busy", host="gpu-1", pid=1, slots=4)
    lost = Worker.objects.create(name="lost", host="gpu-2", pid=2, slots=4, seen=hour_ago)
    secret = make_experiment(name="secret", accessibility="PRIVATE")
    Experiment.objects.filter(pk=secret.pk).update(driver="busy")

    for actor, driven in ((actor_ada, [secret]), (actor_ben, [])):
        found = {one.name: held for one, held in usage.workers(actor, workspace)}
        assert (found["busy"], found["lost"]) == (driven, [])
    assert (busy.is_alive, lost.is_alive) == (True, False)


def test_a_workspace_gets_another_name_and_keeps_its_address(
    actor_ada: Actor, actor_ben: Actor, workspace: Workspace
) -> None:
    people.change_workspace(actor_ada, workspace, name="  Vision   team ")

    workspace.refresh_from_db()
    assert (workspace.slug, workspace.name) == ("lab", "Vision team")
    assert Entry.objects.get(action="workspace.rename").detail == "The lab -> Vision team"
    with pytest.raises(NotAllowed):
        people.change_workspace(actor_ben, workspace, name="mine")


@pytest.mark.parametrize(("default", "api", "elsewhere"), [("", "PRIVATE", "PUBLIC"), ("PUBLIC", *["PUBLIC"] * 2)])
def test_a_new_experiment_that_says_nothing_is_seen_as_its_workspace_has_it(
    actor_ada: Actor, workspace: Workspace, default: str, api: str, elsewhere: str
) -> None:
    people.change_workspace(actor_ada, workspace, default_accessibility=default)
    partial = Workspace(pk=workspace.pk, slug=workspace.slug)

    def made(**given: Any) -> str:
        return experiments.create(actor_ada, a_job(), workspace=partial, **given).accessibility

    assert (made(), made(usual="PUBLIC")) == (api, elsewhere)
    assert (made(accessibility="PRIVATE"), made(accessibility="PUBLIC")) == ("PRIVATE", "PUBLIC")


def test_a_default_that_is_none_is_refused_and_changes_are_in_the_audit_log(
    actor_ada: Actor, workspace: Workspace
) -> None:
    people.change_workspace(actor_ada, workspace, default_accessibility="PRIVATE")

    with pytest.raises(SpecError, match="default_accessibility: must be empty or one of PUBLIC, PRIVATE"):
        people.change_workspace(actor_ada, workspace, name="other", default_accessibility="ALL")
    workspace.refresh_from_db()
    assert (workspace.name, workspace.default_accessibility) == ("The lab", "PRIVATE")
    assert Entry.objects.get(action="workspace.visibility").detail == "unset -> PRIVATE"


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "x" * 129])
def test_a_name_that_is_none_is_refused(actor_ada: Actor, workspace: Workspace, name: str) -> None:
    with pytest.raises(SpecError):
        people.change_workspace(actor_ada, workspace, name=name)
