"""Addresses that open one thing for a while without a token: the client fetches logs and files as Azure's storage gives them."""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing
from django.db.models import Q
from django.utils import timezone

from apps.workspaces.access import Actor
from apps.workspaces.models import Key, Member, Role, Workspace

HOURS = 3600
LIFE = 24 * HOURS
_SALT = "tunebook.azureml"


class Expired(Exception):
    """The signature is wrong, or too old, or its holder has left, or the key it was got with is not valid any more."""


@dataclass(frozen=True)
class Grant:
    """Who may read what, until when the signature says."""

    actor: Actor
    workspace: Workspace
    what: str


def sign(actor: Actor, workspace: Workspace, what: str) -> str:
    """A word that stands for this actor's right to read this in this workspace, for a day."""
    role = actor.role_in(workspace.pk) or Role.VIEWER
    who = [actor.user_id, actor.username, actor.key_id]
    return signing.dumps([*who, workspace.pk, role.value, what], salt=_SALT, compress=True)


def read(text: str) -> Grant:
    """What was granted. Raises Expired. One query, two with a key: what was true when it was signed may not be any more."""
    try:
        user_id, username, key_id, workspace_id, role, what = signing.loads(text, salt=_SALT, max_age=LIFE)
    except (signing.BadSignature, ValueError):
        raise Expired from None
    member = Member.objects.filter(workspace_id=workspace_id, user_id=user_id, user__is_active=True)
    found = member.select_related("workspace").first()
    if found is None or (key_id is not None and not _is_valid(key_id)):
        raise Expired
    least = min(Role(role), Role(found.role), key=lambda one: one.rank)
    actor = Actor(user_id, username, {workspace_id: least}, {found.workspace.slug: workspace_id}, key_id)
    return Grant(actor, found.workspace, what)


def _is_valid(key_id: int) -> bool:
    running = Q(expires=None) | Q(expires__gt=timezone.now())
    return Key.objects.filter(running, pk=key_id, revoked=None).exists()
