"""The only place that decides who may do what.

An object out of reach looks like one that does not exist (`OutOfReach`); one in reach whose change is not allowed
says so (`NotAllowed`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from apps.workspaces.models import Key, Member, Role, Workspace, hash_token
from apps.workspaces.statement import Statement

NEEDS: Mapping[str, Role] = {
    "read": Role.VIEWER,
    "create": Role.MEMBER,
    "edit": Role.MEMBER,
    "run": Role.MEMBER,
    "manage": Role.ADMIN,
}


class OutOfReach(Exception):
    """There is no such thing, or none that this actor may know of."""

    def __init__(self, what: str = "experiment", key: str = "") -> None:
        self.what, self.key = what, key
        super().__init__(f"no {what} {key!r} here" if key else f"no such {what}")


class NotAllowed(Exception):
    """The actor sees the thing but lacks the right to do this with it."""

    def __init__(self, action: str, needs: Role, has: Role | None) -> None:
        self.action, self.needs, self.has = action, needs, has
        super().__init__(f"to {action} here needs the role {needs}; yours is {has or 'none'}")


@dataclass(frozen=True)
class Actor:
    """Somebody who asks: a user through a browser, or through a key that narrows them to one workspace."""

    user_id: int
    username: str
    roles: Mapping[int, Role] = field(default_factory=dict)
    slugs: Mapping[str, int] = field(default_factory=dict)
    key_id: int | None = None

    def role_in(self, workspace_id: int) -> Role | None:
        return self.roles.get(workspace_id)

    def may(self, action: str, workspace_id: int) -> bool:
        role = self.role_in(workspace_id)
        return role is not None and role.rank >= NEEDS[action].rank

    @property
    def administers(self) -> list[int]:
        return [workspace for workspace, role in self.roles.items() if role is Role.ADMIN]


def require(actor: Actor, workspace_id: int, action: str) -> None:
    """Raise OutOfReach to outsiders and NotAllowed to members with too small a role."""
    role = actor.role_in(workspace_id)
    if role is None:
        raise OutOfReach("workspace")
    if not actor.may(action, workspace_id):
        raise NotAllowed(action, NEEDS[action], role)


def workspace_of(actor: Actor, slug: str | None) -> Workspace:
    """The workspace of that slug; without a slug the actor's only or first one. One query."""
    if slug is None:
        found = Workspace.objects.filter(pk__in=actor.roles).order_by("pk").first()
    else:
        found = Workspace.objects.filter(pk__in=actor.roles, slug=slug).first()
    if found is None:
        raise OutOfReach("workspace", slug or "")
    return found


def visible(actor: Actor) -> Q:
    """What of the experiments this actor may see: all where admin; elsewhere public ones and own ones."""
    admin = actor.administers
    others = [workspace for workspace in actor.roles if workspace not in admin]
    shared = Q(workspace_id__in=others) & (Q(accessibility="PUBLIC") | Q(creator_id=actor.user_id))
    if not others:
        return Q(workspace_id__in=admin)
    return Q(workspace_id__in=admin) | shared if admin else shared


def sees(actor: Actor, workspace_id: int, accessibility: str, creator_id: int) -> bool:
    """The rule of `visible` for one experiment whose columns are at hand."""
    role = actor.role_in(workspace_id)
    return role is Role.ADMIN or (role is not None and (accessibility == "PUBLIC" or creator_id == actor.user_id))


def actor_of_user(user: Any) -> Actor:
    """The actor behind a signed-in browser. One query."""
    members = Member.objects.filter(user=user).order_by("workspace_id")
    rows = list(members.values_list("workspace_id", "workspace__slug", "role"))
    return Actor(
        user_id=user.pk,
        username=user.get_username(),
        roles={workspace: Role(role) for workspace, _, role in rows},
        slugs={slug: workspace for workspace, slug, _ in rows},
    )


def actor_of_key(key: Key, membership: Role | None) -> Actor:
    """The actor behind a key: its user, in its workspace, with the smaller of the two roles."""
    if membership is None:
        return Actor(user_id=key.user_id, username=key.user.get_username(), key_id=key.pk)
    role = min(Role(key.role), membership, key=lambda role: role.rank)
    return Actor(
        user_id=key.user_id,
        username=key.user.get_username(),
        roles={key.workspace_id: role},
        slugs={key.workspace.slug: key.workspace_id},
        key_id=key.pk,
    )


def usable_key(*, access_key_id: str = "", token: str = "") -> tuple[Key, Role | None] | None:
    """The key of this id or token, with its user's role; None when unknown, expired or revoked.

    One query, of a text that is compiled once: every request of every program begins with it. The key comes with the
    columns that requests need, of its user the id, name and activity.
    """
    found = BY_ID.rows([access_key_id]) if access_key_id else BY_TOKEN.rows([hash_token(token)])
    if not found:
        return None
    key, role = _key_of(found[0])
    if key.revoked or not key.user.is_active or (key.expires and key.expires <= timezone.now()):
        return None
    return key, Role(role) if role else None


def _key_of(values: Sequence[Any]) -> tuple[Key, str | None]:
    pk, key_id, sealed, role, expires, revoked, last_used, user, username, active, workspace, slug, membership = values
    key = Key(
        pk=pk,
        access_key_id=key_id,
        sealed_secret=sealed,
        role=role,
        expires=expires,
        revoked=revoked,
        last_used=last_used,
    )
    key.user = get_user_model()(pk=user, username=username, is_active=active)
    key.workspace = Workspace(pk=workspace, slug=slug)
    return key, membership


def _keys(**lookup: str) -> QuerySet[Key, Any]:
    membership = Member.objects.filter(workspace=OuterRef("workspace"), user=OuterRef("user")).values("role")[:1]
    return (
        Key.objects.filter(**lookup)
        .order_by()
        .values_list(
            "pk",
            "access_key_id",
            "sealed_secret",
            "role",
            "expires",
            "revoked",
            "last_used",
            "user_id",
            "user__username",
            "user__is_active",
            "workspace_id",
            "workspace__slug",
            Subquery(membership),
        )
    )


BY_ID = Statement(lambda: _keys(access_key_id="?"))
BY_TOKEN = Statement(lambda: _keys(token_hash="?"))
