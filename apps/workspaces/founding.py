"""The first account of an installation, made in the browser by whoever can read what the server printed."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from apps.workspaces.access import OutOfReach
from apps.workspaces.models import Member, Role, Workspace
from tunebook.errors import SpecError

FILE = "setup-code"


def is_needed() -> bool:
    """Whether nobody has an account yet. One query."""
    return not get_user_model().objects.exists()


def code() -> str:
    """The code without which nobody makes the first account; drawn once and kept in the data folder for its owner."""
    path = _path()
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    drawn = secrets.token_urlsafe(18)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(file, "w") as kept:
        kept.write(drawn + "\n")
    return drawn


def check(given: str) -> None:
    """Raise OutOfReach unless the first account is still to be made and this is the code."""
    if not is_needed() or not hmac.compare_digest(given.encode(), code().encode()):
        raise OutOfReach("setup")


def found(given: str, *, username: str, password: str, workspace: str) -> tuple[Any, Workspace]:
    """Make the first user, the first workspace, and the user its administrator. SpecError names the wrong field."""
    with transaction.atomic():
        check(given)
        user = get_user_model()(username=checked_name(username), is_staff=True)
        check_password(password, user)
        name = workspace.strip()
        slug = slugify(name)
        if not 1 <= len(name) <= 128 or not 1 <= len(slug) <= 64:
            raise SpecError("workspace", "must have 1 to 64 characters, some of them letters or digits")
        user.set_password(password)
        user.save()
        place = Workspace.objects.create(slug=slug, name=name)
        Member.objects.create(workspace=place, user=user, role=Role.ADMIN)
        transaction.on_commit(lambda: _path().unlink(missing_ok=True))
    return user, place


def checked_name(username: str) -> str:
    """A user name nobody has yet, whatever its case. Raises SpecError."""
    name = username.strip()
    if not 1 <= len(name) <= 150:
        raise SpecError("username", "must have 1 to 150 characters")
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError as error:
        raise SpecError("username", error.messages[0]) from None
    if get_user_model().objects.filter(username__iexact=name).exists():
        raise SpecError("username", "is taken; if it is yours, sign in first")
    return name


def check_password(password: str, user: Any) -> None:
    """Raise SpecError on a password that is too easy to guess."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise SpecError("password", " ".join(error.messages)) from None


def _path() -> Path:
    return Path(settings.TUNEBOOK_DATA) / FILE
