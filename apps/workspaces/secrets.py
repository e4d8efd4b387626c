"""Encryption of what must be read back: signing secrets at rest. The key comes from the installation's secret key."""

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class Unreadable(Exception):
    """The text was sealed under another secret key."""


@lru_cache(maxsize=4)
def _box(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"tunebook.seal:" + secret_key.encode()).digest()))


def seal(text: str) -> str:
    """The text encrypted and authenticated, as ASCII."""
    return _box(settings.SECRET_KEY).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text again; Unreadable when the installation's secret key has changed."""
    try:
        return _box(settings.SECRET_KEY).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("this secret was sealed under another TUNEBOOK_SECRET_KEY; issue a new key") from error
