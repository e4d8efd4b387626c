"""Workspaces, their members and keys."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.tunebook import parameters, rows
from apps.dialects.tunebook.base import TunebookView
from apps.tuning import people, usage
from apps.workspaces.models import Key, Member, Workspace


class Me(TunebookView):
    """Who is asking."""

    operations = {"GET": "GetMe"}

    def get(self, request: Request) -> HttpResponse:
        """Read your name and your role in each workspace."""
        names = {pk: slug for slug, pk in self.actor.slugs.items()}
        roles = {names[pk]: role for pk, role in self.actor.roles.items()}
        return self.answer({"username": self.actor.username, "id": str(self.actor.user_id), "roles": roles})


class Workspaces(TunebookView):
    """The workspaces within reach."""

    operations = {"GET": "ListWorkspaces"}

    def get(self, request: Request) -> HttpResponse:
        """List your workspaces."""
        found = Workspace.objects.filter(pk__in=self.actor.roles)
        return self.answer({"items": [rows.workspace(one, self.actor) for one in found]})


class OneWorkspace(TunebookView):
    """One workspace."""

    fields = parameters.WORKSPACE
    operations = {"PATCH": "ChangeWorkspace"}

    def patch(self, request: Request, slug: str) -> HttpResponse:
        """Change what is sent: the name, though the address stays, and who sees new experiments. For administrators."""
        found = people.change_workspace(self.actor, self.workspace(slug), **self.document())
        return self.answer(rows.workspace(found, self.actor))


class WorkspaceUsage(TunebookView):
    """What a workspace uses."""

    query = parameters.USAGE
    operations = {"GET": "GetUsage"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """Read how many trials were begun in so many days, their seconds, and the bytes of all files, within reach."""
        days = self.parameters["days"]
        found = usage.usage(self.actor, self.workspace(slug), days=days)
        people_used = [rows.used(one, "username") for one in found.people]
        longest = [{"key": one.key, **rows.used(one, "name")} for one in found.experiments]
        return self.answer({"days": days, "people": people_used, "experiments": longest})


class WorkspaceWorkers(TunebookView):
    """The optimizers."""

    operations = {"GET": "ListWorkers"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List the optimizers that live and the latest that left, with the experiments of the workspace they drive."""
        found = usage.workers(self.actor, self.workspace(slug))
        return self.answer({"items": [rows.worker(one, held) for one, held in found]})


class Members(TunebookView):
    """The members of a workspace."""

    creates = True
    fields = parameters.MEMBER
    operations = {"GET": "ListMembers", "POST": "AdmitMember"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List the members."""
        found = Member.objects.filter(workspace=self.workspace(slug)).select_related("user").order_by("user__username")
        return self.answer({"items": [rows.member(row) for row in found]})

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Make somebody a member, or give a member another role. For administrators."""
        workspace, given = self.workspace(slug), self.document()
        username, role = given["username"], given["role"]
        return self.created(lambda: rows.member(people.admit(self.actor, workspace, username, role)))


class OneMember(TunebookView):
    """One member of a workspace."""

    operations = {"DELETE": "DismissMember"}

    def delete(self, request: Request, slug: str, username: str) -> HttpResponse:
        """End a membership. For administrators."""
        people.dismiss(self.actor, self.workspace(slug), username)
        return self.answer({"username": username, "dismissed": True})


class Keys(TunebookView):
    """The keys of a workspace."""

    creates = True
    fields = parameters.KEY
    operations = {"GET": "ListKeys", "POST": "IssueKey"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List your keys here; as an administrator everybody's."""
        workspace = self.workspace(slug)
        found = Key.objects.filter(workspace=workspace).select_related("user")
        if not self.actor.may("manage", workspace.pk):
            found = found.filter(user_id=self.actor.user_id)
        return self.answer({"items": [rows.key(row) for row in found]})

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Make a key for yourself. Its secret and its token are shown only here."""
        given, workspace = self.document(), self.workspace(slug)

        def create() -> rows.Row:
            issued = people.issue_key(
                self.actor,
                workspace,
                role=given.get("role", "member"),
                name=given.get("name", ""),
                days=given.get("days"),
            )
            return {**rows.key(issued.row), "access_key_secret": issued.access_key_secret, "token": issued.token}

        return self.created(create)


class OneKey(TunebookView):
    """One key of a workspace."""

    operations = {"DELETE": "RevokeKey"}

    def delete(self, request: Request, slug: str, access_key_id: str) -> HttpResponse:
        """Revoke a key at once: your own, or any as an administrator."""
        workspace = self.workspace(slug)
        return self.answer(rows.key(people.revoke_key(self.actor, workspace, access_key_id)))
