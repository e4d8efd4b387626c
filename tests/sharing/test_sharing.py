"""Share links and invitations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from apps.audit.recording import entries
from apps.experiments.models import Experiment
from apps.sharing.models import Invitation, ShareLink
from apps.tuning import experiments, sharing, trash
from apps.workspaces.access import Actor, NotAllowed, OutOfReach
from apps.workspaces.models import Member, Workspace
from tunebook.errors import SpecError

pytestmark = pytest.mark.django_db
Make = Callable[..., Experiment]
PASSWORD = "a-long-enough-secret-7"


def test_a_link_shows_its_experiment_until_it_is_closed(make_experiment: Make, actor_ada: Actor) -> None:
    experiment = make_experiment()
    link, token = sharing.share(actor_ada, experiment, days=7, name="for the review")

    assert sharing.shown_by(token, count=True) == experiment
    link.refresh_from_db()
    assert (link.opened, token in link.token_hash) == (1, False)
    sharing.unshare(actor_ada, experiment, link.pk)

    with pytest.raises(OutOfReach):
        sharing.shown_by(token)


def test_a_link_that_has_expired_or_whose_experiment_is_in_the_trash_shows_nothing(
    make_experiment: Make, actor_ada: Actor
) -> None:
    experiment, other = make_experiment(), make_experiment()
    link, token = sharing.share(actor_ada, experiment, days=1)
    ShareLink.objects.filter(pk=link.pk).update(expires=timezone.now() - timedelta(seconds=1))
    _, second = sharing.share(actor_ada, other, days=1)
    trash.delete(actor_ada, other)

    for secret in (token, second, "", "nonsense"):
        with pytest.raises(OutOfReach):
            sharing.shown_by(secret)


def test_a_viewer_shares_nothing(make_experiment: Make, actor_ben: Actor) -> None:
    with pytest.raises(NotAllowed):
        sharing.share(actor_ben, make_experiment(), days=1)


@pytest.mark.parametrize("days", [0, 366, -1, True])
def test_a_link_lives_a_day_to_a_year(make_experiment: Make, actor_ada: Actor, days: int) -> None:
    with pytest.raises(SpecError, match="days"):
        sharing.share(actor_ada, make_experiment(), days=days)


def test_an_invitation_makes_a_new_user_a_member_once(actor_ada: Actor, workspace: Workspace) -> None:
    _, token = sharing.invite(actor_ada, workspace, role="member")

    joined, user = sharing.follow_as_new(token, username="dora", password=PASSWORD)

    assert joined == workspace
    assert user.check_password(PASSWORD)
    assert Member.objects.get(user=user).role == "member"
    with pytest.raises(OutOfReach):
        sharing.follow_as_new(token, username="eve", password=PASSWORD)
    assert not get_user_model().objects.filter(username="eve").exists()


def test_a_member_who_follows_an_invitation_keeps_the_higher_role(actor_ada: Actor, workspace: Workspace) -> None:
    ada = get_user_model().objects.get(pk=actor_ada.user_id)
    _, token = sharing.invite(actor_ada, workspace, role="viewer")

    sharing.follow(token, ada)

    assert Member.objects.get(user=ada, workspace=workspace).role == "admin"
    assert Invitation.objects.get().uses == 0


@pytest.mark.parametrize(
    ("username", "password", "where"),
    [
        ("", PASSWORD, "username"),
        ("a b", PASSWORD, "username"),
        ("ADA", PASSWORD, "username"),
        ("dora", "short", "password"),
    ],
)
def test_a_name_or_password_that_cannot_be_uses_up_nothing(
    actor_ada: Actor, workspace: Workspace, username: str, password: str, where: str
) -> None:
    _, token = sharing.invite(actor_ada, workspace, role="member")

    with pytest.raises(SpecError) as refused:
        sharing.follow_as_new(token, username=username, password=password)

    assert refused.value.path == where
    assert sharing.invitation_of(token).uses == 0


def test_only_administrators_invite(actor_ben: Actor, workspace: Workspace) -> None:
    with pytest.raises(NotAllowed):
        sharing.invite(actor_ben, workspace, role="viewer")


def test_what_was_done_stands_in_the_audit_log(make_experiment: Make, actor_ada: Actor, workspace: Workspace) -> None:
    experiment = make_experiment()
    experiments.stop(actor_ada, experiment)
    sharing.invite(actor_ada, workspace, role="viewer", name="Dora")

    log = [(entry.username, entry.action, entry.subject) for entry in entries(actor_ada, workspace)]
    assert log[:2] == [("ada", "member.invite", "Dora"), ("ada", "experiment.stop", experiment.key)]
    assert entries(actor_ada, workspace, action="experiment")[0].action == "experiment.stop"


def test_only_administrators_read_the_audit_log(actor_ben: Actor, workspace: Workspace) -> None:
    with pytest.raises(NotAllowed):
        entries(actor_ben, workspace)
