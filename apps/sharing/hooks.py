"""Webhooks of a workspace: addresses that hear what happens there, and each message with what became of it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.workspaces.models import Workspace
from apps.workspaces.secrets import unseal


class Webhook(models.Model):
    """One address. `cursor` is the number of the last event of the workspace's feed that was looked at for it."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    kinds = models.JSONField(default=list, help_text="what it wants to hear")
    sealed_secret = models.TextField(help_text="signs its messages")
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, related_name="+", null=True, db_index=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    paused = models.DateTimeField(null=True, editable=False)
    reason = models.CharField(max_length=255, blank=True, help_text="why it is paused")
    cursor = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="messages in a row that were given up")

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.url

    @property
    def secret(self) -> str:
        return unseal(self.sealed_secret)


class Delivery(models.Model):
    """One message to one webhook."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries", db_index=False)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=64, help_text="the experiment's key")
    payload = models.JSONField()
    created = models.DateTimeField(default=timezone.now, editable=False)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(null=True, default=timezone.now, help_text="none when it is done or given up")
    delivered = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="of the last answer")
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["next_try"], condition=models.Q(next_try__isnull=False), name="delivery_due"),
            models.Index(fields=["webhook", "-id"], name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
