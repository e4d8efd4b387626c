"""What administrators can do with members, and everybody with their keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from apps.audit.recording import record
from apps.experiments.models import Accessibility
from apps.sharing.models import AccessRequest
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor, NotAllowed, OutOfReach, require
from apps.workspaces.models import IssuedKey, Key, Member, Role, Workspace
from tunebook.errors import SpecError

LONGEST_NOTE = 128


def change_workspace(
    actor: Actor, workspace: Workspace, *, name: str | None = None, default_accessibility: str | None = None
) -> Workspace:
    """Call a workspace something else, though its address stays; or choose who sees new experiments that do not say it.

    None leaves a member as it is; an empty default leaves the choice to each way in.
    """
    require(actor, workspace.pk, "manage")
    wanted = workspace.name if name is None else " ".join(name.split())
    if not 1 <= len(wanted) <= LONGEST_NOTE or not wanted.isprintable():
        raise SpecError("name", f"must be 1 to {LONGEST_NOTE} printable characters")
    seen = workspace.default_accessibility if default_accessibility is None else default_accessibility
    if seen not in ("", *Accessibility.values):
        raise SpecError("default_accessibility", f"must be empty or one of {', '.join(Accessibility.values)}")
    with transaction.atomic():
        if wanted != workspace.name:
            record(actor, workspace.pk, "workspace.rename", workspace.slug, f"{workspace.name} -> {wanted}")
        if seen != workspace.default_accessibility:
            change = f"{workspace.default_accessibility or 'unset'} -> {seen or 'unset'}"
            record(actor, workspace.pk, "workspace.visibility", workspace.slug, change)
        if (wanted, seen) != (workspace.name, workspace.default_accessibility):
            workspace.name, workspace.default_accessibility = wanted, seen
            workspace.save(update_fields=["name", "default_accessibility"])
    return workspace


def admit(actor: Actor, workspace: Workspace, username: str, role: str) -> Member:
    """Make somebody a member, or give a member another role. The last administrator keeps theirs."""
    require(actor, workspace.pk, "manage")
    wanted = _role(role)
    user = get_user_model().objects.filter(username=username, is_active=True).first()
    if user is None:
        raise SpecError("username", f"there is no user {username!r}")
    with transaction.atomic():
        _keep_an_admin(workspace, user.pk, wanted)
        member, made = Member.objects.get_or_create(workspace=workspace, user=user, defaults={"role": wanted})
        if not made and member.role != wanted:
            member.role = wanted
            member.save(update_fields=["role"])
        AccessRequest.objects.filter(slug=workspace.slug, user=user).delete()
        record(actor, workspace.pk, "member.admit", username, f"as {wanted}")
    return member


def dismiss(actor: Actor, workspace: Workspace, username: str) -> None:
    """End a membership; the keys of that user here stop working at once."""
    require(actor, workspace.pk, "manage")
    with transaction.atomic():
        member = Member.objects.filter(workspace=workspace, user__username=username).first()
        if member is None:
            raise OutOfReach("member", username)
        _keep_an_admin(workspace, member.user_id, None)
        member.delete()
        record(actor, workspace.pk, "member.dismiss", username)


def issue_key(actor: Actor, workspace: Workspace, *, role: str, name: str = "", days: int | None = None) -> IssuedKey:
    """A key for the actor; it may do no more than the actor, and lives so many days (None: until revoked).

    One that is made with a key that expires lives no longer than that one.
    """
    has = actor.role_in(workspace.pk)
    require(actor, workspace.pk, "read")
    wanted = _role(role)
    if has is None or wanted.rank > has.rank:
        raise NotAllowed("make such a key", wanted, has)
    if len(name) > LONGEST_NOTE:
        raise SpecError("name", f"at most {LONGEST_NOTE} characters, got {len(name)}")
    expires = _expiry(actor, days)
    owner: Any = get_user_model().objects.get(pk=actor.user_id)
    with transaction.atomic():
        issued = Key.objects.issue(user=owner, workspace=workspace, role=wanted, name=name, expires=expires)
        record(actor, workspace.pk, "key.issue", issued.access_key_id, f"{wanted} {name}".strip())
    return issued


def _expiry(actor: Actor, days: int | None) -> datetime | None:
    """When a key of so many days expires that this actor makes; at most one query."""
    wanted = timezone.now() + timedelta(days=days) if days is not None else None
    last = Key.objects.filter(pk=actor.key_id).values_list("expires", flat=True).first() if actor.key_id else None
    if last is None:
        return wanted
    if wanted is not None and wanted > last:
        left = max((last - timezone.now()).days, 0)
        raise SpecError("days", f"at most {left}, or left out, for the key that asks expires then, got {days}")
    return wanted or last


def revoke_key(actor: Actor, workspace: Workspace, access_key_id: str) -> Key:
    """End a key at once: one's own, or any as an administrator. Twice is once. Not with a key one that may do more."""
    require(actor, workspace.pk, "read")
    keys = Key.objects.filter(workspace=workspace, access_key_id=access_key_id).select_related("user")
    key = keys.first()
    if key is None or (key.user_id != actor.user_id and not actor.may("manage", workspace.pk)):
        raise OutOfReach("key", access_key_id)
    has, may = actor.role_in(workspace.pk), _may(key)
    if has is not None and may is not None and may.rank > has.rank:
        raise NotAllowed("revoke a key that may do more", may, has)
    if key.revoked is None:
        with transaction.atomic():
            key.revoked = timezone.now()
            key.save(update_fields=["revoked"])
            record(actor, workspace.pk, "key.revoke", access_key_id, key.name)
    return key


def _may(key: Key) -> Role | None:
    """What a key may do now: no more than its owner may. One query."""
    owner = Member.objects.filter(workspace=key.workspace_id, user=key.user_id).first()
    return min(Role(key.role), Role(owner.role), key=lambda role: role.rank) if owner is not None else None


def _keep_an_admin(workspace: Workspace, user_id: int, role: Role | None) -> None:
    """Refuse a change that would leave the workspace without an administrator; holds the workspace's row."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    others = Member.objects.filter(workspace=workspace, role=Role.ADMIN).exclude(user_id=user_id)
    if role != Role.ADMIN and not others.exists():
        raise Conflict("a workspace needs at least one administrator")


def _role(word: str) -> Role:
    if word not in Role.values:
        raise SpecError("role", f"must be one of {', '.join(Role.values)}, got {word!r}")
    return Role(word)
