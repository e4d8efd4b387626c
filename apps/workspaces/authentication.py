"""Who sends a request: a key by its token, a key by its signature, or the user of a browser session."""

from __future__ import annotations

import contextlib
import random
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.db import IntegrityError, OperationalError, transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from apps.workspaces.access import Actor, actor_of_key, actor_of_user, usable_key
from apps.workspaces.models import Key, Nonce
from apps.workspaces.signatures import WINDOW, Claim, Refused, SignedRequest, read_claim

SEEN_EVERY = timedelta(minutes=5)
PURGE_ONE_IN = 500


class Authentication(SessionAuthentication):
    """The actor of a request, as `request.auth`; nobody is refused with `Refused`.

    A credential in a header wins over the cookie, and then the cookie is not looked at. A session needs the CSRF token
    on every method that changes something. A token costs one query, a signature one more, a session three.
    """

    def authenticate(self, request: Request) -> tuple[Any, Actor]:
        http = request._request
        claimed = _from_headers(http)
        if claimed is not None:
            return claimed
        user = getattr(http, "user", None)
        if user is None or not user.is_authenticated or not user.is_active:
            raise Refused("MissingParameter", "Authorization: sign the request or send 'Authorization: Bearer <token>'")
        self.enforce_csrf(request)
        return user, actor_of_user(user)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def bearer_token(http: HttpRequest) -> str | None:
    """The token of `Authorization: Bearer` or of the SDK's own header; None when there is neither."""
    scheme, _, token = http.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    if scheme:
        return None
    return http.headers.get("x-acs-bearer-token")


def signed_request(http: HttpRequest) -> SignedRequest:
    """What a signature of this request covers."""
    headers = {name.lower(): value for name, value in http.headers.items()}
    return SignedRequest(http.method or "GET", raw_path(http), http.META.get("QUERY_STRING", ""), headers, http.body)


def raw_path(http: HttpRequest) -> str:
    """The path as it was sent, still percent-encoded.

    The server tells it (ASGI `raw_path`, or a WSGI server's own variable); without that the decoded path is encoded
    again, which is the same for every id without special characters.
    """
    scope = getattr(http, "scope", {})
    if scope.get("raw_path"):
        return str(scope["raw_path"].decode("latin-1")).partition("?")[0]
    target = http.META.get("RAW_URI") or http.META.get("REQUEST_URI")
    if target and target.startswith("/"):
        return str(target).partition("?")[0]
    return quote(http.path, safe="/-_.~")


def _from_headers(http: HttpRequest) -> tuple[Any, Actor] | None:
    token = bearer_token(http)
    if token is not None:
        return _by_token(token)
    if http.headers.get("authorization"):
        return _by_signature(http)
    return None


def _by_token(token: str) -> tuple[Any, Actor]:
    found = usable_key(token=token) if token and len(token) <= 512 else None
    if found is None:
        raise Refused("InvalidAccessKeyId.NotFound", "the token is unknown, expired or revoked", 404)
    return _actor(*found)


def _by_signature(http: HttpRequest) -> tuple[Any, Actor]:
    request = signed_request(http)
    if "x-acs-security-token" in request.headers:
        raise Refused(
            "InvalidSecurityToken.Malformed", "there are no temporary credentials here; sign with a key alone"
        )
    claim = read_claim(request)
    found = usable_key(access_key_id=claim.key_id) if "\0" not in claim.key_id else None
    if found is None:
        raise _no_such_key(claim)
    claim.check_time(timezone.now())
    claim.check(request, found[0].secret)
    _use_once(found[0], claim)
    return _actor(*found)


def _no_such_key(claim: Claim) -> Refused:
    if "\0" not in claim.key_id and Key.objects.filter(access_key_id=claim.key_id).exists():
        return Refused("InvalidAccessKeyId.Inactive", "the access key is expired or revoked", 403)
    return Refused("InvalidAccessKeyId.NotFound", "the access key is not known here", 404)


def _use_once(key: Key, claim: Claim) -> None:
    """Remember the nonce; refuse it the second time. Stored, so that every server process knows it."""
    if random.randrange(PURGE_ONE_IN) == 0:
        Nonce.objects.filter(at__lt=timezone.now() - 2 * WINDOW).delete()
    try:
        with transaction.atomic():
            Nonce.objects.create(key=key, value=claim.nonce)
    except IntegrityError:
        raise Refused(
            "SignatureNonceUsed", "x-acs-signature-nonce: was used before; each request needs its own"
        ) from None


def _actor(key: Key, membership: Any) -> tuple[Any, Actor]:
    now = timezone.now()
    if key.last_used is None or now - key.last_used > SEEN_EVERY:
        with contextlib.suppress(OperationalError):  # a disk that is full is no reason not to answer
            Key.objects.filter(pk=key.pk).update(last_used=now)
    return key.user, actor_of_key(key, membership)
