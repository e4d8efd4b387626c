"""Letting others in: share links to one experiment, invitations to a workspace."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.audit.recording import record
from apps.experiments.models import Experiment
from apps.sharing.models import AccessRequest, Invitation, ShareLink
from apps.workspaces.access import Actor, NotAllowed, OutOfReach, actor_of_user, require
from apps.workspaces.founding import check_password, checked_name
from apps.workspaces.models import Member, Role, Workspace, hash_token
from tunebook.errors import SpecError

LONGEST_DAYS = 365
MAX_NAME = 128


def share(actor: Actor, experiment: Experiment, *, days: int, name: str = "") -> tuple[ShareLink, str]:
    """A link that shows the experiment to anybody for so many days, and its secret, which is shown only now."""
    require(actor, experiment.workspace_id, "edit")
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        link = ShareLink.objects.create(
            experiment=experiment,
            token_hash=hash_token(token),
            creator_id=actor.user_id,
            name=_name(name),
            expires=_until(days),
        )
        record(actor, experiment.workspace_id, "link.share", experiment.key, f"for {days} days {name}".strip())
    return link, token


def links_of(actor: Actor, experiment: Experiment) -> QuerySet[ShareLink]:
    """The links to an experiment that still show it, newest first."""
    require(actor, experiment.workspace_id, "edit")
    return ShareLink.objects.open().filter(experiment=experiment).select_related("creator")


def unshare(actor: Actor, experiment: Experiment, number: int) -> None:
    """Close a link at once. Twice is once."""
    require(actor, experiment.workspace_id, "edit")
    with transaction.atomic():
        link = ShareLink.objects.filter(experiment=experiment, pk=number).first()
        if link is None:
            raise OutOfReach("link", str(number))
        if link.creator_id != actor.user_id and not actor.may("manage", experiment.workspace_id):
            raise NotAllowed("close somebody else's link", Role.ADMIN, actor.role_in(experiment.workspace_id))
        if link.revoked is None:
            link.revoked = timezone.now()
            link.save(update_fields=["revoked"])
            record(actor, experiment.workspace_id, "link.close", experiment.key, link.name)


def shown_by(token: str, *, count: bool = False) -> Experiment:
    """The experiment that a link shows; with `count` this opening of it is counted. Raises OutOfReach."""
    found = (
        ShareLink.objects.open().filter(token_hash=hash_token(token)).select_related("experiment__workspace").first()
    )
    if found is None:
        raise OutOfReach("link")
    if count:
        ShareLink.objects.filter(pk=found.pk).update(opened=F("opened") + 1, last_opened=timezone.now())
    return found.experiment


def invite(
    actor: Actor, workspace: Workspace, *, role: str, days: int = 7, name: str = "", most_uses: int | None = 1
) -> tuple[Invitation, str]:
    """An invitation, and its secret, which is shown only now. For administrators."""
    require(actor, workspace.pk, "manage")
    if role not in Role.values:
        raise SpecError("role", f"must be one of {', '.join(Role.values)}, got {role!r}")
    if most_uses is not None and not 1 <= most_uses <= 1000:
        raise SpecError("most_uses", f"must be from 1 to 1000, got {most_uses}")
    token = secrets.token_urlsafe(24)
    with transaction.atomic():
        made = Invitation.objects.create(
            workspace=workspace,
            token_hash=hash_token(token),
            role=role,
            creator_id=actor.user_id,
            name=_name(name),
            expires=_until(days),
            most_uses=most_uses,
        )
        record(actor, workspace.pk, "member.invite", name, f"as {role}")
    return made, token


def invitations_of(actor: Actor, workspace: Workspace) -> QuerySet[Invitation]:
    """The invitations that can still be followed, newest first."""
    require(actor, workspace.pk, "manage")
    return Invitation.objects.open().filter(workspace=workspace).select_related("creator")


def withdraw(actor: Actor, workspace: Workspace, number: int) -> None:
    """Close an invitation. Twice is once."""
    require(actor, workspace.pk, "manage")
    with transaction.atomic():
        found = Invitation.objects.filter(workspace=workspace, pk=number).first()
        if found is None:
            raise OutOfReach("invitation", str(number))
        if found.revoked is None:
            found.revoked = timezone.now()
            found.save(update_fields=["revoked"])
            record(actor, workspace.pk, "member.withdraw", found.name, f"as {found.role}")


def invitation_of(token: str) -> Invitation:
    """The open invitation behind a secret. Raises OutOfReach."""
    found = (
        Invitation.objects.open().filter(token_hash=hash_token(token)).select_related("workspace", "creator").first()
    )
    if found is None:
        raise OutOfReach("invitation")
    return found


def follow(token: str, user: Any) -> Workspace:
    """Make a user a member as the invitation says; a member keeps the higher of the two roles. Raises OutOfReach."""
    with transaction.atomic():
        invitation = _locked(token)
        member, made = Member.objects.get_or_create(
            workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
        )
        wanted = Role(invitation.role)
        if not made and Role(member.role).rank < wanted.rank:
            member.role = wanted
            member.save(update_fields=["role"])
            made = True
        AccessRequest.objects.filter(slug=invitation.workspace.slug, user=user).delete()
        if made:
            Invitation.objects.filter(pk=invitation.pk).update(uses=F("uses") + 1)
            record(actor_of_user(user), invitation.workspace_id, "member.join", user.get_username(), f"as {wanted}")
        return invitation.workspace


def follow_as_new(token: str, *, username: str, password: str) -> tuple[Workspace, Any]:
    """Make a new user, a member as the invitation says. Raises SpecError on a name or password that cannot be."""
    with transaction.atomic():
        _locked(token)
        user = get_user_model()(username=checked_name(username))
        check_password(password, user)
        user.set_password(password)
        user.save()
        return follow(token, user), user


def _locked(token: str) -> Invitation:
    rows = Invitation.objects.open().select_for_update(of=("self",)).select_related("workspace")
    found = rows.filter(token_hash=hash_token(token)).first()
    if found is None:
        raise OutOfReach("invitation")
    return found


def _until(days: int) -> Any:
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= LONGEST_DAYS:
        raise SpecError("days", f"must be from 1 to {LONGEST_DAYS}, got {days!r}")
    return timezone.now() + timedelta(days=days)


def _name(name: str) -> str:
    if len(name) > MAX_NAME or "\x00" in name:
        raise SpecError("name", f"at most {MAX_NAME} characters without NUL, got {len(name)}")
    return name
