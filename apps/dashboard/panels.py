"""A panel that breaks breaks alone: the rest of the page is shown, and it says under which number the log has the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import DatabaseError, connection
from django.http import Http404

from apps.tuning.errors import UNAVAILABLE
from apps.workspaces.access import NotAllowed, OutOfReach
from apps.workspaces.models import random_name

log = logging.getLogger(__name__)
Made = TypeVar("Made")
MEANT = (Http404, NotAllowed, OutOfReach, *UNAVAILABLE)
"""What the page as a whole answers: refusals, and a database that is away."""


@dataclass(frozen=True)
class Broken:
    """What stands in the place of a panel's data; templates/components/broken.html shows it."""

    id: str
    broken: bool = True


def guarded(build: Callable[[], Made]) -> Made | Broken:
    """What `build` makes, or Broken when it fails; a refusal is no failure. Inside a transaction a database error is one of
    the whole page, because nothing more can be asked there."""
    try:
        return build()
    except MEANT:
        raise
    except Exception as error:
        if isinstance(error, DatabaseError) and connection.in_atomic_block:
            raise
        broken = Broken(random_name(8))
        log.exception("panel %s broke", broken.id)
        return broken
