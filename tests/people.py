"""The three who stand ready in every test: ada owns the workspace, ben may read it, cleo has no business there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from apps.experiments.models import Experiment
from apps.tuning import experiments
from apps.workspaces.access import Actor, actor_of_user
from apps.workspaces.models import IssuedKey, Key, Member, Role, Workspace
from tunebook import Space
from tunebook.command import Command
from tunebook.distributions import Uniform
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective

PASSWORD = "correct horse battery"


def a_job(**changes: Any) -> Job:
    """A small job that minimises `loss` over one parameter; any member can be given."""
    parts: dict[str, Any] = {
        "space": Space({"x": Uniform(0.0, 1.0)}),
        "objective": Objective("minimize", (Metric("loss"),)),
        "command": Command(steps=("true",)),
        "limits": Limits(max_trials=5, max_concurrent=2),
    }
    return Job(**{**parts, **changes})


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(slug="lab", name="The lab")


@pytest.fixture
def ada(workspace: Workspace) -> User:
    user = User.objects.create_user("ada", password=PASSWORD)
    Member.objects.create(workspace=workspace, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def ben(workspace: Workspace) -> User:
    user = User.objects.create_user("ben", password=PASSWORD)
    Member.objects.create(workspace=workspace, user=user, role=Role.VIEWER)
    return user


@pytest.fixture
def cleo(db: None) -> User:
    elsewhere = Workspace.objects.create(slug="elsewhere", name="Elsewhere")
    user = User.objects.create_user("cleo", password=PASSWORD)
    Member.objects.create(workspace=elsewhere, user=user, role=Role.ADMIN)
    return user


@pytest.fixture
def actor_ada(ada: User) -> Actor:
    return actor_of_user(ada)


@pytest.fixture
def actor_ben(ben: User) -> Actor:
    return actor_of_user(ben)


@pytest.fixture
def actor_cleo(cleo: User) -> Actor:
    return actor_of_user(cleo)


@pytest.fixture
def key_ada(ada: User, workspace: Workspace) -> IssuedKey:
    return Key.objects.issue(user=ada, workspace=workspace, role=Role.ADMIN)


@pytest.fixture
def key_ben(ben: User, workspace: Workspace) -> IssuedKey:
    return Key.objects.issue(user=ben, workspace=workspace, role=Role.ADMIN)


@pytest.fixture
def key_cleo(cleo: User) -> IssuedKey:
    return Key.objects.issue(user=cleo, workspace=Workspace.objects.get(slug="elsewhere"), role=Role.ADMIN)


@pytest.fixture
def make_experiment(actor_ada: Actor, workspace: Workspace) -> Callable[..., Experiment]:
    """Create an experiment of ada's: public unless said otherwise; `job` members by `a_job`."""

    def make(*, job: Job | None = None, **given: Any) -> Experiment:
        given = {"name": "a sweep", "accessibility": "PUBLIC", **given}
        return experiments.create(actor_ada, job or a_job(), workspace=workspace, **given)

    return make
