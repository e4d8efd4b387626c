"""Ways in for others: links that show one experiment, invitations, wishes to come in; and webhooks, the way out."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.sharing.hooks import Delivery, Webhook
from apps.workspaces.models import Role, Workspace

__all__ = ["AccessRequest", "Delivery", "Invitation", "ShareLink", "Webhook"]


class LinkQuerySet(models.QuerySet["ShareLink"]):
    def open(self) -> LinkQuerySet:
        return self.filter(revoked=None, expires__gt=timezone.now(), experiment__trashed=False)


class ShareLink(models.Model):
    """Shows one experiment, read-only, to whoever has its secret, until it expires. Of the secret only a hash is kept."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=128, blank=True, help_text="whom it is for")
    created = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True, editable=False)
    opened = models.PositiveIntegerField(default=0)
    last_opened = models.DateTimeField(null=True, editable=False)

    objects = LinkQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "-id"]

    def __str__(self) -> str:
        return f"{self.experiment_id} until {self.expires:%Y-%m-%d}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> InvitationQuerySet:
        unused = Q(most_uses=None) | Q(uses__lt=F("most_uses"))
        return self.filter(unused, revoked=None, expires__gt=timezone.now())


class Invitation(models.Model):
    """Makes whoever follows it a member with a role, as often as it says, until it expires."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    creator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=128, blank=True, help_text="whom it is for")
    created = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField()
    revoked = models.DateTimeField(null=True, editable=False)
    uses = models.PositiveIntegerField(default=0)
    most_uses = models.PositiveIntegerField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created", "-id"]

    def __str__(self) -> str:
        return f"{self.role} in {self.workspace_id}"


class RequestQuerySet(models.QuerySet["AccessRequest"]):
    def open(self) -> RequestQuerySet:
        return self.filter(declined=None, created__gt=timezone.now() - AccessRequest.LAPSES, user__is_active=True)


class AccessRequest(models.Model):
    """Somebody's wish to have a role in the workspace of that address.

    It names an address and no workspace, and is stored whether or not there is one, so that neither the answer to a wish
    nor the time it takes tells an outsider which addresses are workspaces.
    """

    LAPSES = timedelta(days=30)

    slug = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    role = models.CharField(max_length=8, choices=Role)
    note = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(default=timezone.now, editable=False)
    declined = models.DateTimeField(null=True, editable=False)

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["created", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["slug", "user"], name="one_request_per_user")]

    def __str__(self) -> str:
        return f"{self.user_id} asks for {self.role} in {self.slug}"
