"""The server as it really runs, for clients that sign what they send; and those who may change nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import uvicorn
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.utils import timezone

from apps.config.threads import Threaded
from apps.workspaces.models import IssuedKey, Key


@pytest.fixture(scope="session")
def _uvicorn(django_db_setup: None) -> Iterator[str]:
    """One uvicorn in a thread for the whole session; `host:port`."""
    # each request gives its connection back, or PostgreSQL would not let the test database go
    connections.settings["default"]["CONN_MAX_AGE"] = 0
    server = uvicorn.Server(
        uvicorn.Config(
            Threaded(get_wsgi_application(), threads=2), lifespan="off", log_config=None, ws="none", loop="asyncio"
        )
    )
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(64)  # the first client may come before the server is up: let it wait instead of refusing it
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    yield f"127.0.0.1:{bound.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    bound.close()


@pytest.fixture
def served(_uvicorn: str, transactional_db: Any) -> str:
    """`host:port` of the running server, with the test's committed data."""
    return _uvicorn


@pytest.fixture
def strangers(key_ada: IssuedKey, key_ben: IssuedKey, key_cleo: IssuedKey) -> dict[str, str | None]:
    """Tokens of those who may change nothing in ada's workspace: nobody, a viewer, somebody else, and keys that have ended."""
    ada = Key.objects.get(access_key_id=key_ada.access_key_id)
    past = timezone.now() - timedelta(days=1)
    issue = Key.objects.issue
    revoked = issue(user=ada.user, workspace=ada.workspace, role="admin")
    Key.objects.filter(access_key_id=revoked.access_key_id).update(revoked=past)
    return {
        "nobody": None,
        "a viewer": key_ben.token,
        "an admin elsewhere": key_cleo.token,
        "a key that only reads": issue(user=ada.user, workspace=ada.workspace, role="viewer").token,
        "an expired key": issue(user=ada.user, workspace=ada.workspace, role="admin", expires=past).token,
        "a revoked key": revoked.token,
    }
