"""Browsers signed in as the three people, and trials to look at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.trials.models import Trial
from apps.workspaces.models import Member, Role, Workspace
from tests.dashboard.trials import with_trials


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Facets are kept for a while; not from one test to the next."""
    cache.clear()


def queries_of(client: Client, address: str) -> int:
    """How many queries a page takes when nothing but the session is known from before."""
    client.get(address)
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def as_ada(ada: User) -> Client:
    return signed_in(ada)


@pytest.fixture
def as_ben(ben: User) -> Client:
    return signed_in(ben)


@pytest.fixture
def as_cleo(cleo: User) -> Client:
    return signed_in(cleo)


@pytest.fixture
def as_dora(workspace: Workspace) -> Client:
    """A member: may create and run, not manage."""
    dora = User.objects.create_user("dora")
    Member.objects.create(workspace=workspace, user=dora, role=Role.MEMBER)
    return signed_in(dora)


@pytest.fixture
def add_trials() -> Callable[..., list[Trial]]:
    """Give an experiment trials in these statuses."""
    return with_trials
