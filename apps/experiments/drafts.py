"""What somebody has typed for an experiment that is not created yet."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.workspaces.models import Workspace


class Draft(models.Model):
    """The fields of the form as one person has left them in one workspace; nobody else sees them.

    `origin` is the key of the experiment that is cloned; empty for a new one.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    origin = models.CharField(max_length=16, blank=True)
    typed = models.TextField(help_text="as a browser sends a form")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "workspace", "origin"], name="one_draft_per_form")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.workspace_id}"

    @property
    def page(self) -> str:
        """Which opened page it was typed in; empty for what scripts or older versions have kept."""
        return dict(parse_qsl(self.typed)).get("page", "")
