"""Who may do what, and what an outsider learns."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.workspaces.access import (
    NotAllowed,
    OutOfReach,
    actor_of_key,
    actor_of_user,
    require,
    usable_key,
    workspace_of,
)
from apps.workspaces.models import Key, Member, Role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, {"read"}),
        (Role.MEMBER, {"read", "create", "edit", "run"}),
        (Role.ADMIN, {"read", "create", "edit", "run", "manage"}),
    ],
)
def test_each_role_includes_the_one_before(ben, workspace, role, allowed):
    Member.objects.update(role=role)
    actor = actor_of_user(ben)

    may = {action for action in ("read", "create", "edit", "run", "manage") if actor.may(action, workspace.pk)}

    assert may == allowed


def test_an_outsider_learns_that_there_is_no_such_workspace_a_viewer_what_is_missing(actor_cleo, actor_ben, workspace):
    with pytest.raises(OutOfReach):
        require(actor_cleo, workspace.pk, "read")
    with pytest.raises(NotAllowed, match="member"):
        require(actor_ben, workspace.pk, "create")


def test_a_workspace_is_found_by_members_only(actor_ada, actor_cleo, workspace):
    assert workspace_of(actor_ada, "lab") == workspace
    assert workspace_of(actor_ada, None) == workspace
    with pytest.raises(OutOfReach):
        workspace_of(actor_cleo, "lab")


def test_visibility_needs_no_query_of_its_own(make_experiment, actor_ada, actor_ben, actor_cleo):
    public, private = make_experiment(), make_experiment(accessibility="PRIVATE")

    seen = {actor.username: set(Experiment.objects.visible_to(actor)) for actor in (actor_ada, actor_ben, actor_cleo)}

    assert seen == {"ada": {public, private}, "ben": {public}, "cleo": set()}


def test_a_key_has_the_smaller_of_its_role_and_its_users(key_ben, workspace):
    found = usable_key(access_key_id=key_ben.access_key_id)

    assert found is not None
    assert actor_of_key(*found).role_in(workspace.pk) is Role.VIEWER


def test_a_key_is_found_by_token_and_by_id_in_one_query(key_ada, django_assert_num_queries):
    with django_assert_num_queries(2):
        by_token, by_id = usable_key(token=key_ada.token), usable_key(access_key_id=key_ada.access_key_id)

    assert by_token is not None and by_id is not None
    assert by_token[0] == by_id[0]
    assert by_id[0].secret == key_ada.access_key_secret


@pytest.mark.parametrize(
    "change",
    [
        {"revoked": timezone.now()},
        {"expires": timezone.now() - timedelta(seconds=1)},
    ],
)
def test_a_revoked_or_expired_key_opens_nothing(key_ada, change):
    Key.objects.update(**change)

    assert usable_key(token=key_ada.token) is None


def test_the_key_of_a_user_who_was_switched_off_opens_nothing(key_ada, ada):
    ada.is_active = False
    ada.save()

    assert usable_key(token=key_ada.token) is None


def test_a_key_outlives_its_membership_as_nobody(key_ada, workspace):
    Member.objects.all().delete()

    found = usable_key(token=key_ada.token)

    assert found is not None
    assert actor_of_key(*found).roles == {}


def test_secrets_do_not_lie_in_the_database_in_clear(key_ada):
    row = Key.objects.get()

    assert key_ada.access_key_secret not in row.sealed_secret
    assert key_ada.token not in row.token_hash
