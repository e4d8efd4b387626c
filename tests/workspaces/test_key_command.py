"""`manage.py key` for scripts."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.workspaces.access import actor_of_key, usable_key
from apps.workspaces.models import Member, Role

pytestmark = pytest.mark.django_db


def key(**options):
    out = StringIO()
    call_command("key", stdout=out, **options)
    return json.loads(out.getvalue())


def test_it_makes_what_is_missing_and_prints_one_object():
    answer = key(user="dora", workspace="new-lab", role="member", create=True)

    found = usable_key(token=answer["token"])
    assert found is not None
    assert set(answer) == {"access_key_id", "access_key_secret", "token"}
    assert list(actor_of_key(*found).slugs) == ["new-lab"]


def test_without_create_an_unknown_user_or_workspace_is_named():
    with pytest.raises(CommandError, match="nobody"):
        key(user="nobody", workspace="lab", role="member")


def test_it_does_not_raise_a_members_role(ben, workspace):
    answer = key(user="ben", workspace="lab", role="admin", create=True)

    found = usable_key(token=answer["token"])
    assert found is not None
    assert actor_of_key(*found).role_in(workspace.pk) is Role.VIEWER
    assert Member.objects.get(user=ben).role == Role.VIEWER


def test_a_slug_that_is_no_slug_is_refused():
    with pytest.raises(CommandError, match="letters"):
        key(user="dora", workspace="a lab!", role="member", create=True)
