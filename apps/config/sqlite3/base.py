"""Django's SQLite backend, with less work for statements whose text has been seen before, and case in every alphabet."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base

from apps.config.sqlite3 import lookups

LONGEST = 4096


class CursorWrapper(base.SQLiteCursorWrapper):
    """Turns Django's placeholders into SQLite's once for each text, not at each execution."""

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        if param_names is None and len(query) <= LONGEST:
            return _converted(query)
        return str(super().convert_query(query, param_names=param_names))


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: Any) -> Any:
        connection: Any = super().get_new_connection(conn_params)
        for name, function in lookups.FUNCTIONS.items():
            connection.create_function(name, 2, function, deterministic=True)
        return connection

    def create_cursor(self, name: Any = None) -> Any:
        connection: Any = self.connection
        return connection.cursor(factory=CursorWrapper)


@lru_cache(512)
def _converted(query: str) -> str:
    return base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%")
