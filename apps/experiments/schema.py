"""Whether the database has the shape that this release works with: not an older one, and not a newer one."""

from __future__ import annotations

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

OLDER = "The database is older than this release ({names}). Run: python3 manage.py migrate"
NEWER = "The database is newer than this release ({names}). Start the release that brought it there, or a later one."
MOST_NAMED = 3


def missing() -> list[str]:
    """The migrations that the database still lacks, as app.name. Raises DatabaseError when it cannot be asked."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def beyond() -> list[str]:
    """The migrations of ours that the database has had and this release does not know.

    Those of others are left out: they are squashed now and then, and their names are gone while all is well.
    """
    loader = MigrationExecutor(connection).loader
    ours = {one.label for one in apps.get_app_configs() if one.name.startswith("apps.")}
    known = loader.disk_migrations.keys() | loader.graph.nodes.keys() | loader.replacements.keys()
    return [
        f"{app}.{name}" for app, name in sorted(loader.applied_migrations) if app in ours and (app, name) not in known
    ]


def trouble() -> str:
    """Why this release must not work with this database, and what to do; empty when they fit."""
    for text, names in ((NEWER, beyond()), (OLDER, missing())):
        if names:
            return text.format(names=", ".join(names[:MOST_NAMED]))
    return ""
