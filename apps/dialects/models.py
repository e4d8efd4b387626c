"""Answers that are kept for a day, so that a creation that is sent again creates nothing again."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class Answered(models.Model):
    """What a creation with an Idempotency-Key was answered, sealed; written in the transaction of the creation.

    Until then `body` is empty: the request is in work.
    """

    principal = models.CharField(max_length=64, help_text="which user, through which key")
    token = models.CharField(max_length=128, help_text="the Idempotency-Key")
    digest = models.CharField(max_length=64, help_text="of method, path and body")
    body = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False, db_index=True)

    class Meta:
        db_table = "tunebook_api_answered"
        constraints: ClassVar = [models.UniqueConstraint(fields=["principal", "token"], name="one_answer_per_token")]

    def __str__(self) -> str:
        return f"{self.principal} {self.token}"
