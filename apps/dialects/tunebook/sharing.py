"""Share links, invitations, requests for access, and the audit log."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.audit.models import Entry
from apps.audit.recording import entries
from apps.dialects.parameters import INT32, Text, Whole, Word
from apps.dialects.tunebook import rows
from apps.dialects.tunebook.base import TunebookView
from apps.dialects.tunebook.parameters import PAGE
from apps.sharing.models import AccessRequest, Invitation, ShareLink
from apps.tuning import asking, experiments, sharing
from apps.workspaces.access import OutOfReach
from apps.workspaces.models import Role

DAYS = Whole(1, sharing.LONGEST_DAYS, "days until it expires", default=7)
NAME = Text("whom it is for", longest=sharing.MAX_NAME)
LINK = {"days": DAYS, "name": NAME}
INVITATION = {
    "role": Word(Role.values, "what the new member may do", required=True),
    "days": DAYS,
    "name": NAME,
    "most_uses": Whole(1, 1000, "how many people may follow it", default=1),
}
REQUEST = {"role": Word(Role.values, "the role to give", required=True)}
AUDIT = {
    **PAGE,
    "subject": Text("only what was done to this, by its key or name", longest=255),
    "username": Text("only what this person did", longest=150),
    "action": Text("only this action, as `experiment.stop`, or a kind of them, as `experiment`", longest=40),
}


class Links(TunebookView):
    """The links that show an experiment to others."""

    creates = True
    fields = LINK
    operations = {"GET": "ListLinks", "POST": "ShareExperiment"}

    def get(self, request: Request, key: str) -> HttpResponse:
        """List the open links; their secrets are shown only when they are made."""
        found = sharing.links_of(self.actor, experiments.find(self.actor, key))
        return self.answer({"items": [link(one) for one in found]})

    def post(self, request: Request, key: str) -> HttpResponse:
        """Make a link that shows the experiment, read-only, to whoever has it; `path` is shown only now."""
        experiment, given = experiments.find(self.actor, key), self.document()

        def create() -> dict[str, Any]:
            made, token = sharing.share(
                self.actor, experiment, days=given.get("days", DAYS.default), name=given.get("name", "")
            )
            return {**link(made), "path": f"/s/{token}"}

        return self.created(create)


class OneLink(TunebookView):
    """One link."""

    operations = {"DELETE": "CloseLink"}

    def delete(self, request: Request, key: str, link_id: int) -> HttpResponse:
        """Close a link at once: your own, or as an administrator any."""
        self.body()
        experiment = experiments.find(self.actor, key)
        if link_id > INT32:
            raise OutOfReach("link", str(link_id))
        sharing.unshare(self.actor, experiment, link_id)
        return self.answer({"id": link_id, "closed": True})


class Invitations(TunebookView):
    """The invitations to a workspace."""

    creates = True
    fields = INVITATION
    operations = {"GET": "ListInvitations", "POST": "Invite"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List the open invitations. For administrators."""
        found = sharing.invitations_of(self.actor, self.workspace(slug))
        return self.answer({"items": [invitation(one) for one in found]})

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Make an invitation; `path` is shown only now. For administrators."""
        workspace, given = self.workspace(slug), self.document()

        def create() -> dict[str, Any]:
            made, token = sharing.invite(
                self.actor,
                workspace,
                role=given["role"],
                days=given.get("days", DAYS.default),
                name=given.get("name", ""),
                most_uses=given.get("most_uses", 1),
            )
            return {**invitation(made), "path": f"/join/{token}"}

        return self.created(create)


class OneInvitation(TunebookView):
    """One invitation."""

    operations = {"DELETE": "WithdrawInvitation"}

    def delete(self, request: Request, slug: str, invitation_id: int) -> HttpResponse:
        """Close an invitation. For administrators."""
        self.body()
        workspace = self.workspace(slug)
        if invitation_id > INT32:
            raise OutOfReach("invitation", str(invitation_id))
        sharing.withdraw(self.actor, workspace, invitation_id)
        return self.answer({"id": invitation_id, "closed": True})


class AccessRequests(TunebookView):
    """Who asks for access to a workspace, or for a greater role."""

    operations = {"GET": "ListAccessRequests"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List the requests that wait for a decision, oldest first. For administrators."""
        found = asking.requests_of(self.actor, self.workspace(slug))
        return self.answer({"items": [wish(one) for one in found]})


class OneAccessRequest(TunebookView):
    """One request for access."""

    fields = REQUEST
    operations = {"POST": "AcceptAccessRequest", "DELETE": "DeclineAccessRequest"}

    def post(self, request: Request, slug: str, request_id: int) -> HttpResponse:
        """Accept with a role, which may be another than was asked for. For administrators."""
        workspace, given = self.workspace(slug), self.document()
        number, role = _row_id(request_id), given["role"]
        return self.created(lambda: rows.member(asking.accept(self.actor, workspace, number, role=role)), 200)

    def delete(self, request: Request, slug: str, request_id: int) -> HttpResponse:
        """Decline; whoever asked is told nothing. For administrators."""
        self.body()
        asking.decline(self.actor, self.workspace(slug), _row_id(request_id))
        return self.answer({"id": request_id, "declined": True})


def _row_id(number: int) -> int:
    if number > INT32:
        raise OutOfReach("request", str(number))
    return number


class Audit(TunebookView):
    """The audit log of a workspace."""

    query = AUDIT
    operations = {"GET": "ListAudit"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List who did what when, newest first. For administrators."""
        asked = self.parameters
        narrowed = {name: asked[name] or "" for name in ("subject", "username", "action")}
        found = entries(self.actor, self.workspace(slug), **narrowed)
        start = (asked["page"] - 1) * asked["page_size"]
        return self.listed([entry(one) for one in found[start : start + asked["page_size"]]], found.count())


def link(row: ShareLink) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "creator": row.creator.get_username(),
        "created": row.created,
        "expires": row.expires,
        "opened": row.opened,
        "last_opened": row.last_opened,
    }


def invitation(row: Invitation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "role": row.role,
        "creator": row.creator.get_username(),
        "created": row.created,
        "expires": row.expires,
        "uses": row.uses,
        "most_uses": row.most_uses,
    }


def wish(row: AccessRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "username": row.user.get_username(),
        "role": row.role,
        "note": row.note,
        "created": row.created,
    }


def entry(row: Entry) -> dict[str, Any]:
    return {
        "id": row.pk,
        "at": row.at,
        "username": row.username,
        "with_key": row.with_key,
        "action": row.action,
        "subject": row.subject,
        "detail": row.detail,
    }
