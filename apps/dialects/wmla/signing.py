"""Three ways in: Basic on every call, a token, or a session whose changes carry a csrftoken.

Basic takes a user's name and password, or a key's id and secret. The answer is remembered for a while in this process,
for a password's hash takes longer to check than everything else that a request does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import check_password, make_password
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from apps.dialects.refusal import Refusal
from apps.dialects.wmla.models import Logon
from apps.workspaces.access import Actor, actor_of_key, actor_of_user, usable_key
from apps.workspaces.models import Key, hash_token

COOKIE = "platform.rest.token"
VALID = timedelta(hours=8)
REMEMBERED, REMEMBERED_FOR = 1024, 300.0
TRIES, WINDOW = 10, 60
LONGEST = 1024
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_process_key = secrets.token_bytes(32)
_known: OrderedDict[bytes, float] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class Signed:
    """Who sends a request, and whether with a token: those clients expect other answers."""

    actor: Actor
    by_token: bool
    user: Any
    key: Key | None = None


def identify(http: HttpRequest) -> Signed:
    """Who sends this request. Raises Refusal with 401, 403 for a session without its csrftoken, or 429."""
    scheme, _, rest = http.headers.get("authorization", "").partition(" ")
    token = http.headers.get("x-auth-token", "").strip()
    if scheme.lower() == "bearer" or token:
        return _by_token(token or rest.strip())
    if scheme.lower() == "basic":
        return by_basic(http)
    cookie = http.COOKIES.get(COOKIE, "")
    if cookie and not scheme:
        return _by_session(http, cookie)
    raise _nobody("send Basic credentials, a token, or the cookie of a logon")


def by_basic(http: HttpRequest) -> Signed:
    """The user or the key whose name and secret stand in the header."""
    name, secret = _credentials(http)
    by_key = _key(name, secret)
    if by_key is not None:
        return by_key
    user = get_user_model().objects.filter(username=name, is_active=True).first()
    if user is None or not _is_known(user.password, secret):
        _check(http, name, user, secret)
    return Signed(actor_of_user(user), by_token=False, user=user)


def log_on(signed: Signed) -> tuple[str, str]:
    """A new token for somebody, and the csrftoken that belongs to it. Old ones are cleared away by the way."""
    Logon.objects.filter(expires__lt=timezone.now()).delete()
    token = f"tbs_{secrets.token_urlsafe(32)}"
    Logon.objects.create(
        token_hash=hash_token(token),
        user=signed.user,
        key=signed.key,
        password="" if signed.key else _of_password(signed.user.password),
        expires=timezone.now() + VALID,
    )
    return token, csrf_token(token)


def log_off(http: HttpRequest) -> None:
    """End the token or the session of this request; one that has ended stays so."""
    _, _, rest = http.headers.get("authorization", "").partition(" ")
    for token in (http.headers.get("x-auth-token", ""), rest, http.COOKIES.get(COOKIE, "")):
        if token.strip():
            Logon.objects.filter(token_hash=hash_token(token.strip())).delete()


def csrf_token(token: str) -> str:
    """The csrftoken of a session, which follows from its token."""
    return hash_token(f"csrf:{token}")[:32]


def _by_token(token: str) -> Signed:
    """A logon's token, or a key's own."""
    if token and len(token) <= LONGEST and "\0" not in token:
        known = _logged_on(token)
        if known is not None:
            return known
        found = usable_key(token=token)
        if found is not None:
            return Signed(actor_of_key(*found), by_token=True, user=found[0].user, key=found[0])
    raise _nobody("the token is unknown, expired or ended")


def _by_session(http: HttpRequest, cookie: str) -> Signed:
    known = _logged_on(cookie) if len(cookie) <= LONGEST else None
    if known is None:
        raise _nobody("the session is unknown, expired or ended")
    given = http.GET.get("csrftoken", "")
    if http.method not in SAFE and not hmac.compare_digest(given.encode(), csrf_token(cookie).encode()):
        raise Refusal(
            "csrf", "must be the one of the logon in every change by a session", field="csrftoken", status=403
        )
    return Signed(known.actor, by_token=False, user=known.user, key=known.key)


def _logged_on(token: str) -> Signed | None:
    """One query for the logon, and one or two for what it may do."""
    row = Logon.objects.select_related("user", "key").filter(token_hash=hash_token(token)).first()
    if row is None or row.expires <= timezone.now() or not row.user.is_active:
        return None
    if row.key is not None:
        found = usable_key(access_key_id=row.key.access_key_id)
        return None if found is None else Signed(actor_of_key(*found), by_token=True, user=row.user, key=found[0])
    if row.password != _of_password(row.user.password):
        return None
    return Signed(actor_of_user(row.user), by_token=True, user=row.user)


def _credentials(http: HttpRequest) -> tuple[str, str]:
    _, _, encoded = http.headers.get("authorization", "").partition(" ")
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        raise _nobody("the Basic credentials cannot be read") from None
    if not colon or not name or "\0" in name + secret or len(name) > LONGEST or len(secret) > LONGEST:
        raise _nobody("the Basic credentials cannot be read")
    return name, secret


def _key(name: str, secret: str) -> Signed | None:
    found = usable_key(access_key_id=name) if name.startswith("TB") and len(name) <= 32 else None
    if found is None or not hmac.compare_digest(found[0].secret.encode(), secret.encode()):
        return None
    return Signed(actor_of_key(*found), by_token=False, user=found[0].user, key=found[0])


def _check(http: HttpRequest, name: str, user: Any, secret: str) -> None:
    """Refuse a wrong password, and any that nobody knows yet after too many wrong ones from the same name or address."""
    places = (f"wmla:name:{hash(name)}", f"wmla:address:{http.META.get('REMOTE_ADDR', '')}")
    wait = max(_seconds_left(place) for place in places)
    if wait > 0:
        raise Refusal("too_many", f"too many wrong passwords; wait {wait} seconds", status=429)
    if user is None:
        make_password(secret)  # takes as long as for a name that is known
    elif check_password(secret, user.password):
        _remember(user.password, secret)
        return
    for place in places:
        since, failures = cache.get(place) or (time.time(), 0)
        cache.set(place, (since, failures + 1), WINDOW)
    raise _nobody("the user name or the password is wrong")


def _is_known(stored: str, secret: str) -> bool:
    """Whether this was found to be the password a short while ago."""
    with _lock:
        return _known.get(_mark(stored, secret), 0.0) > time.monotonic()


def _remember(stored: str, secret: str) -> None:
    with _lock:
        _known[_mark(stored, secret)] = time.monotonic() + REMEMBERED_FOR
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)


def _mark(stored: str, secret: str) -> bytes:
    """What tells a password and its hash apart from others without keeping either: under a key that dies with the process."""
    return hmac.digest(_process_key, f"{stored}\0{secret}".encode(), "sha256")


def _of_password(stored: str) -> str:
    return hashlib.sha256(f"logon:{stored}".encode()).hexdigest()


def _seconds_left(place: str) -> int:
    since, failures = cache.get(place) or (0.0, 0)
    return round(since + WINDOW - time.time()) if failures >= TRIES else 0


def _nobody(message: str) -> Refusal:
    return Refusal("unauthenticated", message, status=401)
