"""The pages as they are deployed: static files collected, hashed and compressed, over the test's database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connections
from django.test import override_settings
from playwright.sync_api import Browser, BrowserContext

from apps.config.static import collect

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "apps.config.static.HashedFiles"},
}


@contextmanager
def deployed(root: Path) -> Iterator[str]:
    """The address of a server whose static files lie collected in `root`. No websocket: pages must do without."""
    changes: dict[str, Any] = {
        "STATIC_ROOT": root,
        "STORAGES": STORAGES,
        "WHITENOISE_USE_FINDERS": False,
        "WHITENOISE_AUTOREFRESH": False,
    }
    with override_settings(**changes):
        collect()
        server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
        server.set_app(_Closing(WSGIHandler()))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)


class _Closing:
    """Close a thread's database connections with its answer, so that the test's database can be emptied."""

    def __init__(self, application: WSGIHandler) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        try:
            return self.application(environ, start)
        finally:
            connections.close_all()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def context_of(chromium: Browser, site: str, user: User | None, **options: Any) -> BrowserContext:
    """A browser context, signed in."""
    context = chromium.new_context(**{"viewport": {"width": 1440, "height": 900}, "base_url": site, **options})
    if user is not None:
        session = SessionStore()
        session["_auth_user_id"], session["_auth_user_backend"] = (
            str(user.pk),
            "django.contrib.auth.backends.ModelBackend",
        )
        session["_auth_user_hash"] = user.get_session_auth_hash()
        session.create()
        context.add_cookies([{"name": "tunebook_session", "value": session.session_key, "url": site}])
    return context
