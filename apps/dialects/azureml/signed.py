"""Addresses that open one thing for a while without a token: the client fetches logs and files as Azure's storage gives them."""

from __future__ import annotations

from dataclasses import dataclass

from django.core import signing

from apps.workspaces.access import Actor
from apps.workspaces.models import Member, Role, Workspace

HOURS = 3600
LIFE = 24 * HOURS
_SALT = "tunebook.azureml"


class Expired(Exception):
    """The signature is wrong, or too old, or its holder has left."""


@dataclass(frozen=True)
class Grant:
    """Who may read what, until when the signature says."""

    actor: Actor
    workspace: Workspace
    what: str


def sign(actor: Actor, workspace: Workspace, what: str) -> str:
    """A word that stands for this actor's right to read this in this workspace, for a day."""
    role = actor.role_in(workspace.pk) or Role.VIEWER
    return signing.dumps([actor.user_id, actor.username, workspace.pk, role.value, what], salt=_SALT, compress=True)


def read(text: str) -> Grant:
    """What was granted. Raises Expired. One query: who was a member may not be any more."""
    try:
        user_id, username, workspace_id, role, what = signing.loads(text, salt=_SALT, max_age=LIFE)
    except (signing.BadSignature, ValueError):
        raise Expired from None
    member = Member.objects.filter(workspace_id=workspace_id, user_id=user_id, user__is_active=True)
    found = member.select_related("workspace").first()
    if found is None:
        raise Expired
    least = min(Role(role), Role(found.role), key=lambda one: one.rank)
    actor = Actor(user_id, username, {workspace_id: least}, {found.workspace.slug: workspace_id})
    return Grant(actor, found.workspace, what)
