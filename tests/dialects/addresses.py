"""The addresses of a dialect as its URLconf has them, so that a test notices one that nobody has tried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module

from django.urls import URLResolver

CHANGING = ("post", "put", "patch", "delete")


def addresses(dialect: str) -> Iterator[tuple[str, type]]:
    """Each address as a template, `experiments/{key}/stop`, with its view."""
    waiting = [("", one) for one in import_module(f"apps.dialects.{dialect}.urls").urlpatterns]
    while waiting:
        before, one = waiting.pop()
        path = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(one.pattern))
        if isinstance(one, URLResolver):
            waiting += [(path, inner) for inner in one.url_patterns]
        else:
            yield path, one.callback.view_class
