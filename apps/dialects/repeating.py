"""Creations that may be sent again: `Idempotency-Key` makes the second one answer what the first one did."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from django.db import Error, IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from apps.dialects.models import Answered
from apps.dialects.refusal import Refusal
from apps.workspaces.access import Actor
from apps.workspaces.secrets import Unreadable, seal, unseal

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(minutes=2)
"""So long no request takes: one that has not answered by then has died with its process."""
PURGE_ONE_IN = 100
TOKEN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")


Creation = Callable[[], bytes]
"""Creates, and returns the answer."""


def once(
    http: HttpRequest, actor: Actor, prepare: Callable[[], Creation], content: bytes | None = None
) -> tuple[bytes, bool]:
    """What a creation answers, as a body, and whether it is that of an earlier, same request.

    The key is claimed first. `prepare` checks and lays out files; the creation that it returns and the answer are one
    transaction, which fails if somebody else has claimed the key meanwhile. What fails leaves the key unused. Without the
    header there is nothing to remember.
    content: what makes two requests the same, where that is not the body, as forms have another boundary each time.
    """
    token = http.headers.get(HEADER)
    if token is None:
        return prepare()(), False
    if not TOKEN.fullmatch(token):
        raise Refusal("bad_parameter", "must be 1 to 128 printable ASCII characters", field=HEADER)
    if random.randrange(PURGE_ONE_IN) == 0:
        Answered.objects.filter(at__lt=timezone.now() - KEPT).delete()
    principal = f"{actor.user_id}/{actor.key_id or 'session'}"
    row = Answered(principal=principal, token=token, digest=_digest(http, content), at=timezone.now())
    earlier = _claim(row)
    if earlier is not None:
        return earlier, True
    return _carry_out(row, prepare), False


def _claim(row: Answered) -> bytes | None:
    """The answer to an earlier, same request; None where the key is this request's now."""
    same = Answered.objects.filter(principal=row.principal, token=row.token)
    found = same.first()
    if found is None or found.at < row.at - KEPT:
        try:
            with transaction.atomic():
                same.filter(at__lt=row.at - KEPT).delete()
                row.save(force_insert=True)
            return None
        except IntegrityError:
            found = same.first()
    if found is not None and found.digest != row.digest:
        raise Refusal("idempotency_mismatch", "was used for another request", field=HEADER, status=422)
    if found is not None and found.body:
        return _answer_of(found)
    given_up = row.at - GIVEN_UP_AFTER
    if found is not None and same.filter(pk=found.pk, body="", at__lt=given_up).update(at=row.at):
        row.pk = found.pk
        return None
    raise _in_progress()


def _carry_out(row: Answered, prepare: Callable[[], Creation]) -> bytes:
    mine = Answered.objects.filter(pk=row.pk, at=row.at, body="")
    try:
        create = prepare()
        with transaction.atomic():
            text = create()
            if not mine.update(body=seal(text.decode())):
                raise _in_progress()
        return text
    except BaseException:
        with suppress(Error):  # where the database is away the claim runs out by itself
            mine.delete()
        raise


def _answer_of(row: Answered) -> bytes:
    try:
        return unseal(row.body).encode()
    except Unreadable:
        message = "its answer was kept under another TUNEBOOK_SECRET_KEY"
        raise Refusal("conflict", message, field=HEADER, status=409) from None


def _in_progress() -> Refusal:
    return Refusal("in_progress", "the first request with it is still in work", field=HEADER, status=409)


def _digest(http: HttpRequest, content: bytes | None) -> str:
    parts = (http.method or "", http.get_full_path())
    whole = http.body if content is None else content
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + whole).hexdigest()
