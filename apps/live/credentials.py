"""Who opens a socket, by session cookie or Authorization header, and what they may hear. Everything here asks the database."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port, validate_host

from apps.experiments.models import Accessibility, Experiment
from apps.workspaces.access import Actor, actor_of_key, actor_of_user, usable_key

STREAM = re.compile(r"(exp|ws):([-A-Za-z0-9_]{1,64})")


@dataclass(frozen=True)
class Credential:
    """What a socket was opened with; `actor()` asks again each time, so that a revoked one stops working."""

    session_key: str = ""
    token: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Credential:
        """The bearer token wins over the cookie, as in the APIs."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme:
            return cls(token=token.strip() if scheme.lower() == "bearer" else "")
        return cls(session_key=parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, ""))

    def actor(self) -> Actor | None:
        """The actor behind it now; None when it is unknown, expired or revoked. One to three queries."""
        if self.token:
            found = usable_key(token=self.token) if len(self.token) <= 512 else None
            return actor_of_key(*found) if found else None
        return self._of_session() if self.session_key else None

    def _of_session(self) -> Actor | None:
        store = import_module(settings.SESSION_ENGINE).SessionStore(self.session_key)
        if time.time() - store.get("begun", time.time()) > settings.SESSION_ABSOLUTE_AGE:
            return None
        user = get_user(cast(HttpRequest, SimpleNamespace(session=store)))
        return actor_of_user(user) if user.is_authenticated and user.is_active else None


def is_own_origin(headers: Mapping[str, str]) -> bool:
    """Whether a page of this site opens the socket, or no browser at all: browsers always send an origin.

    The host must be a configured one, and the origin that host or a trusted one.
    """
    host = headers.get("host", "")
    domain, _ = split_domain_port(host)
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host or origin in settings.CSRF_TRUSTED_ORIGINS


def may_read(actor: Actor, stream: str) -> bool:
    """Whether a stream is within the actor's reach; an unknown one is not. At most one query."""
    match = STREAM.fullmatch(stream)
    if match is None:
        return False
    kind, name = match.groups()
    if kind == "ws":
        return name in actor.slugs
    return Experiment.objects.visible_to(actor).filter(key=name).exists()


def owners(keys: Iterable[str]) -> dict[str, int | None]:
    """Experiment key -> its creator if it is private, None if everyone in the workspace may see it. One query."""
    rows = Experiment.objects.filter(key__in=set(keys)).values_list("key", "accessibility", "creator_id")
    return {key: creator if accessibility == Accessibility.PRIVATE else None for key, accessibility, creator in rows}


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a handshake by lower-case name; of a repeated one the last."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
