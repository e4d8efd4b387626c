"""A real Chromium, and a little site of static pages for scripts that need no server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.site import deployed
from tests.browser.stage import CHROMIUM, QUIET, Stage

ROOT = Path(__file__).parents[2]
PATIENCE = 30_000
"""Milliseconds for what is certain to come, however busy the machine is."""
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of the run; each test opens its own context."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package chromium")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright keeps a loop on this thread; the tests use none of it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages in contexts of their own. What the console complains of fails the test."""
    contexts, complaints = [], []

    def complain(text: str) -> None:
        if "favicon" not in text:
            complaints.append(text)

    def make(address: str = "", **options: Any) -> Page:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("console", lambda message: complain(message.text) if message.type == "error" else None)
        if address:
            page.goto(address)
        return page

    make.complaints = complaints  # type: ignore[attr-defined]
    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def stage() -> Iterator[Stage]:
    site = Stage()
    yield site
    site.close()


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the static files lie as they are deployed, once they have been asked for."""
    return tmp_path_factory.mktemp("static")


@pytest.fixture
def site(collected: Path, transactional_db: None) -> Iterator[str]:
    """The pages as they are deployed, without a websocket; their address."""
    with deployed(collected) as address:
        yield address


@pytest.fixture(scope="session")
def served(django_db_setup: None) -> Iterator[str]:
    """The product itself, serving the test database as a process of its own; its address."""
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    server = subprocess.Popen(
        command, env={**environment, "TUNEBOOK_DATABASE_URL": database_url()}, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    said = server.stdout.readline()
    assert "http://" in said, said
    yield said[said.index("http://") :].split()[0].rstrip("/")
    server.terminate()
    server.wait(timeout=120)
    server.stdout.close()


def database_url() -> str:
    """The test database as the product's settings name it."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite://{Path(str(known['NAME'])).resolve()}"
    password = f":{known['PASSWORD']}" if known["PASSWORD"] else ""
    return f"postgres://{known['USER']}{password}@{known['HOST']}:{known['PORT'] or 5432}/{known['NAME']}"


@pytest.fixture
def signed_in(served: str, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Open a path of the served product as a user."""

    def visit(user: User, path: str, before: Callable[[Page], Any] | None = None, **options: Any) -> Page:
        client = Client()
        client.force_login(user)
        page = open_page(**options)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": served}])
        if before is not None:
            before(page)
        page.goto(served + path)
        return page

    return visit


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
