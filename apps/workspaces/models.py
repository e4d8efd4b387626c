"""Who is here: workspaces, their members, and the keys that programs sign in with."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.workspaces.secrets import seal, unseal

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"
DELETED = ".deleted"
"""The slug of the workspace of what is deleted for good. Nobody is a member: no address and no command takes it."""


def random_name(length: int) -> str:
    """Letters and digits that people can read aloud, from the system's random source."""
    number, letters = secrets.randbelow(len(LETTERS) ** length), []  # one draw is cheaper than one a letter
    for _ in range(length):
        number, place = divmod(number, len(LETTERS))
        letters.append(LETTERS[place])
    return "".join(letters)


class Role(models.TextChoices):
    """What a member may do; each role includes the one before it."""

    VIEWER = "viewer", "Viewer"
    MEMBER = "member", "Member"
    ADMIN = "admin", "Admin"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


class Workspace(models.Model):
    """A team's shelf of experiments; `slug` is its public id in addresses and on every wire."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=128)
    default_accessibility = models.CharField(
        max_length=8, blank=True, help_text="of new experiments that say nothing of it; empty: what each way in has"
    )
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Member(models.Model):
    """One user's role in one workspace."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "user"], name="one_role_per_member")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.workspace_id}: {self.role}"


class KeyManager(models.Manager["Key"]):
    def issue(self, *, user: Any, workspace: Workspace, role: str, name: str = "", expires: Any = None) -> IssuedKey:
        """A new key with its two secrets in clear; they cannot be read again as a whole."""
        access_key_id, secret = "TB" + random_name(18), random_name(30)
        token = f"tb_{random_name(10)}_{secrets.token_urlsafe(32)}"
        row = self.create(
            access_key_id=access_key_id,
            sealed_secret=seal(secret),
            token_hash=hash_token(token),
            user=user,
            workspace=workspace,
            role=role,
            name=name,
            expires=expires,
        )
        return IssuedKey(row, access_key_id, secret, token)


class Key(models.Model):
    """A program's way in: an id with a signing secret, and a bearer token, both for one workspace.

    The signing secret must be readable to check signatures, so it is kept encrypted; of the token only a hash is kept.
    """

    access_key_id = models.CharField(max_length=32, unique=True)
    sealed_secret = models.TextField()
    token_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="keys")
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="keys")
    role = models.CharField(max_length=8, choices=Role, default=Role.MEMBER)
    name = models.CharField(max_length=128, blank=True)
    created = models.DateTimeField(default=timezone.now, editable=False)
    last_used = models.DateTimeField(null=True, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[KeyManager] = KeyManager()

    class Meta:
        ordering: ClassVar = ["-created", "-id"]

    def __str__(self) -> str:
        return self.access_key_id

    @property
    def secret(self) -> str:
        return unseal(self.sealed_secret)


class IssuedKey:
    """A key just made, with what is shown once."""

    def __init__(self, row: Key, access_key_id: str, access_key_secret: str, token: str) -> None:
        self.row = row
        self.access_key_id = access_key_id
        self.access_key_secret = access_key_secret
        self.token = token


class Nonce(models.Model):
    """A signature's nonce, remembered for as long as its date would be accepted again."""

    key = models.ForeignKey(Key, models.CASCADE, related_name="nonces")
    value = models.CharField(max_length=128)
    at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["key", "value"], name="one_use_per_nonce")]

    def __str__(self) -> str:
        return self.value


def hash_token(token: str) -> str:
    """The SHA-256 under which a token is looked up; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class Failure(models.Model):
    """One sign-in that failed, kept for a minute: by the name and by the address, so that guessing has to wait."""

    place = models.CharField(max_length=64, help_text="a digest of the name, or of the address")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["place", "at"], name="failure_place")]

    def __str__(self) -> str:
        return f"{self.place[:8]} at {self.at}"
