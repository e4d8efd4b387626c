"""The audit log: who did what when. Rows are added in the transaction of what they tell, and never changed."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.workspaces.models import Workspace

MAX_DETAIL = 1_000


class Entry(models.Model):
    """One thing that somebody did. `username` stays when the user is gone; without a workspace it concerns the whole."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+", null=True, db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, db_index=False)
    username = models.CharField(max_length=150, blank=True)
    with_key = models.BooleanField(default=False, help_text="by a program with a key, not in a browser")
    action = models.CharField(max_length=40, help_text="as `experiment.stop`, `member.admit`")
    subject = models.CharField(max_length=255, blank=True, help_text="the key or the name of what it was done to")
    detail = models.CharField(max_length=MAX_DETAIL, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-at", "-id"], name="audit_newest"),
            models.Index(fields=["workspace", "subject", "-at"], name="audit_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.username} {self.action} {self.subject}"
