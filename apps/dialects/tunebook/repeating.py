"""Creations that may be sent again: `Idempotency-Key` makes the second one answer what the first one did."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from apps.dialects.base import ORJSON
from apps.dialects.refusal import Refusal
from apps.dialects.tunebook.models import Answered
from apps.workspaces.access import Actor

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
PURGE_ONE_IN = 100
TOKEN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


def once(http: HttpRequest, actor: Actor, create: Callable[[], dict[str, Any]]) -> tuple[bytes, bool]:
    """The answer of a creation as JSON, and whether it is that of an earlier, same request.

    Row, creation and answer are one transaction: a failed creation leaves the key unused, and of two at the same time
    the second waits for the first. Without the header there is nothing to remember.
    """
    token = http.headers.get(HEADER)
    if token is None:
        return _json(create()), False
    if not TOKEN.fullmatch(token):
        raise Refusal("bad_parameter", "must be 1 to 128 printable ASCII characters", field=HEADER)
    if random.randrange(PURGE_ONE_IN) == 0:
        Answered.objects.filter(at__lt=timezone.now() - KEPT).delete()
    row = Answered(principal=f"{actor.user_id}/{actor.key_id or 'session'}", token=token, digest=_digest(http))
    earlier = _earlier(row)
    if earlier is not None:
        return earlier, True
    try:
        with transaction.atomic():
            _claim(row)
            row.body = _json(create()).decode()
            row.save(update_fields=["body"])
    except _Taken:
        return _earlier(row) or b"", True
    return row.body.encode(), False


class _Taken(Exception):
    """Another request with this key was faster."""


def _claim(row: Answered) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise _Taken from None


def _earlier(row: Answered) -> bytes | None:
    """The answer to an earlier request with this key; refuses when that was another request."""
    found = Answered.objects.filter(principal=row.principal, token=row.token, at__gte=timezone.now() - KEPT).first()
    if found is None:
        Answered.objects.filter(principal=row.principal, token=row.token).delete()
        return None
    if found.digest != row.digest:
        raise Refusal("idempotency_mismatch", "was used for another request", field=HEADER, status=422)
    return found.body.encode()


def _digest(http: HttpRequest) -> str:
    parts = (http.method or "", http.get_full_path())
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + http.body).hexdigest()


def _json(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=ORJSON)
