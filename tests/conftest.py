"""What every test may ask for."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate

from tests.connections import end_all_others, others

pytest_plugins = ["tests.people"]

BROWSER_TESTS = Path(__file__).parent / "browser"
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_setup", "live_server"})


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test's database; PostgreSQL would not let it go while a process or thread of a test is still on its way out.

    Django's own permissions and content types, which nothing here reads, are not written anew whenever it is emptied.
    """
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock():
            deadline = time.monotonic() + 10
            while others() and time.monotonic() < deadline:
                time.sleep(0.2)
            end_all_others()
            connection.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches the database, so that it can be run again on PostgreSQL, and what needs a browser."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        touches = names & DATABASE_FIXTURES or item.get_closest_marker("django_db")
        if touches and not item.get_closest_marker("one_database"):
            item.add_marker(pytest.mark.database)
        if BROWSER_TESTS in item.path.parents:
            item.add_marker(pytest.mark.browser)
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    # files that take long first, so that no worker is left alone with one at the end; those of the browser last, because
    # playwright keeps an event loop on the main thread, which tests of asynchronous code cannot share
    items.sort(key=lambda item: (BROWSER_TESTS in item.path.parents, -slow[item.path]))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: there, whatever a test needs must have been installed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long bytes, archives most of all, are no names: they may differ from one collection to the next."""
    return argname if isinstance(val, bytes) and len(val) > 60 else None
