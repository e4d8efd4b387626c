"""Trials that others have too, stored as an ended experiment, and somebody who is signed in to look at it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.insights import keeping
from apps.trials.models import Trial
from apps.tuning import experiments
from apps.workspaces.access import actor_of_user
from apps.workspaces.models import Member, Role, Workspace
from tunebook import Space
from tunebook.command import Command
from tunebook.distributions import Choice, LogUniform, Randint, Uniform
from tunebook.findings import findings
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective
from tunebook.status import ExperimentStatus

SPACE = Space(
    {
        "lr": LogUniform.between(1e-5, 1e-1),
        "depth": Randint(13, 1),
        "dropout": Uniform(0, 0.6),
        "optimizer": Choice(["sgd", "adam"]),
        "weight_decay": LogUniform.between(1e-6, 1e-2),
    }
)


def filled(content: list[dict[str, Any]]) -> dict[str, str]:
    """Store the trials; the experiment's key, and a session's."""
    workspace = Workspace.objects.create(slug="bench", name="Bench")
    user = User.objects.create_user("bench")
    Member.objects.create(workspace=workspace, user=user, role=Role.ADMIN)
    job = Job(
        space=SPACE,
        objective=Objective("minimize", (Metric("loss"),)),
        command=Command(steps=("true",)),
        limits=Limits(max_trials=len(content), max_concurrent=4),
    )
    one = experiments.create(actor_of_user(user), job, workspace=workspace, name="bench", start=True)
    began = timezone.now() - timedelta(days=1)
    rows = []
    for number, trial in enumerate(content):
        started = began + timedelta(seconds=5 * number)
        rows.append(
            Trial(
                experiment=one,
                number=number,
                params=trial["params"],
                source="random",
                status="FINISHED",
                value=trial["value"],
                last_value=trial["value"],
                started=started,
                ended=started + timedelta(seconds=4),
            )
        )
    Trial.objects.bulk_create(rows, batch_size=2_000)
    best = min(rows, key=lambda row: row.value or 0.0)
    Experiment.objects.filter(pk=one.pk).update(
        trial_count=len(rows),
        finished_count=len(rows),
        spent=sum(row.took for row in rows),
        best_value=best.value,
        best_trial=best.number,
        status=ExperimentStatus.FINISHED,
        started=began,
        ended=timezone.now(),
    )
    one.refresh_from_db()
    keeping.want(one.pk, len(rows), final=True)
    insight = keeping.claim()
    if insight is not None:
        keeping.keep(insight, findings(keeping.request(insight)))
    client = Client()
    client.force_login(user)
    return {"key": one.key, "session": client.cookies[settings.SESSION_COOKIE_NAME].value}
