"""Asking for a role in a workspace, and what its administrators do about it."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.audit.recording import record
from apps.sharing.models import AccessRequest
from apps.tuning import people
from apps.tuning.errors import Conflict, LimitReached
from apps.workspaces.access import Actor, OutOfReach, require
from apps.workspaces.models import Member, Role, Workspace
from tunebook.errors import SpecError

LONGEST_NOTE = 300
LONGEST_SLUG = 64
MOST = 20


def ask(actor: Actor, slug: str, *, role: str, note: str = "") -> None:
    """Wish for a role in the workspace of that address, whether or not there is one; nothing tells which.

    Asked again, the newer wish counts; after it was declined nothing happens until it lapses. Raises Conflict where the
    actor has the role, LimitReached at too many wishes, SpecError for what can be no wish.
    """
    wanted = _checked(slug, role, note)
    has = actor.role_in(actor.slugs[slug]) if slug in actor.slugs else None
    if has is not None and has.rank >= wanted.rank:
        raise Conflict(f"you have the role {has.label} there already")
    mine = AccessRequest.objects.filter(user_id=actor.user_id)
    with transaction.atomic():
        mine.filter(created__lte=timezone.now() - AccessRequest.LAPSES).delete()
        if mine.exclude(slug=slug).count() >= MOST:
            raise LimitReached(f"at most {MOST} requests of one person in {AccessRequest.LAPSES.days} days")
        wish = {"role": wanted, "note": " ".join(note.split())}
        row, is_new = AccessRequest.objects.get_or_create(slug=slug, user_id=actor.user_id, defaults=wish)
        if not is_new and row.declined is None:
            AccessRequest.objects.filter(pk=row.pk).update(**wish)


def asked(actor: Actor, workspace: Workspace) -> AccessRequest | None:
    """What a member has asked for here and nobody has decided yet. One query."""
    require(actor, workspace.pk, "read")
    return AccessRequest.objects.open().filter(slug=workspace.slug, user_id=actor.user_id).first()


def requests_of(actor: Actor, workspace: Workspace) -> QuerySet[AccessRequest]:
    """The wishes that wait for a decision, oldest first. For administrators."""
    require(actor, workspace.pk, "manage")
    return AccessRequest.objects.open().filter(slug=workspace.slug).select_related("user")


def accept(actor: Actor, workspace: Workspace, number: int, *, role: str) -> Member:
    """Give whoever asked a role, which may be another than they asked for. Raises OutOfReach once it is decided."""
    with transaction.atomic():
        row = _locked(actor, workspace, number)
        record(actor, workspace.pk, "member.accept", row.user.get_username(), _told(row))
        return people.admit(actor, workspace, row.user.get_username(), role)


def decline(actor: Actor, workspace: Workspace, number: int) -> AccessRequest:
    """Let a wish be; whoever asked is told nothing. Raises OutOfReach once it is decided."""
    with transaction.atomic():
        row = _locked(actor, workspace, number)
        row.declined = timezone.now()
        row.save(update_fields=["declined"])
        record(actor, workspace.pk, "member.decline", row.user.get_username(), _told(row))
    return row


def _locked(actor: Actor, workspace: Workspace, number: int) -> AccessRequest:
    row = requests_of(actor, workspace).select_for_update(of=("self",)).filter(pk=number).first()
    if row is None:
        raise OutOfReach("request", str(number))
    return row


def _told(row: AccessRequest) -> str:
    return f"asked on {row.created:%Y-%m-%d} for {row.role}{': ' if row.note else ''}{row.note}"


def _checked(slug: str, role: str, note: str) -> Role:
    if not 1 <= len(slug) <= LONGEST_SLUG or not all(one.isalnum() or one in "-_" for one in slug):
        raise SpecError("workspace", "must be what stands behind /w/ in its address")
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise SpecError("note", f"at most {LONGEST_NOTE} characters without NUL, got {len(note)}")
    if role not in Role.values:
        raise SpecError("role", f"must be one of {', '.join(Role.values)}, got {role!r}")
    return Role(role)
