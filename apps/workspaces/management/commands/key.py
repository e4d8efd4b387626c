"""`manage.py key`: a key for scripts, printed as one JSON object."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.text import slugify

from apps.workspaces.models import Key, Member, Role, Workspace


class Command(BaseCommand):
    help = "Make a key for a user in a workspace and print it as JSON: access_key_id, access_key_secret, token."
    requires_system_checks = []  # a script waits for this answer

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, help="the user's name")
        parser.add_argument("--workspace", required=True, help="the workspace's slug")
        parser.add_argument("--role", choices=Role.values, default=Role.MEMBER, help="what the key may do at most")
        parser.add_argument("--create", action="store_true", help="make the user, workspace and membership if missing")
        parser.add_argument("--name", default="", help="a note on what the key is for")

    def handle(self, *args: Any, user: str, workspace: str, role: str, create: bool, name: str, **options: Any) -> None:
        with transaction.atomic():
            owner, place = self._find(user, workspace, role, create)
            issued = Key.objects.issue(user=owner, workspace=place, role=role, name=name)
        answer = {
            "access_key_id": issued.access_key_id,
            "access_key_secret": issued.access_key_secret,
            "token": issued.token,
        }
        self.stdout.write(json.dumps(answer))

    def _find(self, username: str, slug: str, role: str, create: bool) -> tuple[Any, Workspace]:
        users = get_user_model()
        user = users.objects.filter(username=username).first()
        workspace = Workspace.objects.filter(slug=slug).first()
        if create:
            if slugify(slug) != slug.lower():
                raise CommandError(f"--workspace {slug!r}: use letters, digits, hyphens and underscores")
            user = user or users.objects.create_user(username=username)
            workspace = workspace or Workspace.objects.create(slug=slug, name=slug)
            Member.objects.get_or_create(workspace=workspace, user=user, defaults={"role": role})
        if user is None:
            raise CommandError(f"no user {username!r}; add --create to make one")
        if workspace is None:
            raise CommandError(f"no workspace {slug!r}; add --create to make one")
        if not Member.objects.filter(workspace=workspace, user=user).exists():
            raise CommandError(f"{username} is no member of {slug}; add --create to make them one")
        return user, workspace
