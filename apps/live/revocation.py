"""Rights that end in this process end on its sockets at once; other processes notice within a minute."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from apps.experiments.models import Experiment
from apps.live.hub import Hub
from apps.workspaces.models import Key, Member, Workspace


def listen() -> None:
    """Watch for sessions that end, and for changed or removed members, keys and workspaces."""
    post_delete.connect(_revoked, sender=Session, dispatch_uid="live-session-ended")
    for model in (Member, Key, Workspace):
        post_save.connect(_changed, sender=model, dispatch_uid=f"live-{model.__name__}-saved")
        post_delete.connect(_revoked, sender=model, dispatch_uid=f"live-{model.__name__}-deleted")
    post_delete.connect(_revoked, sender=Experiment, dispatch_uid="live-experiment-deleted")


def _changed(created: bool = False, **_: Any) -> None:
    if not created:
        _revoked()


def _revoked(**_: Any) -> None:
    """Have everybody's rights looked at once the change can be seen: a look before the commit would find nothing."""
    hub = Hub.current
    if hub is not None and hub.sockets:
        transaction.on_commit(hub.revoked, robust=True)
