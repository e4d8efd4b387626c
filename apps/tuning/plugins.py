"""Which plugin algorithms this installation lets people name: all, or those below the folders of a list."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

import tunebook
from tunebook.errors import SpecError
from tunebook.job import Job

OWN = os.path.dirname(os.path.realpath(str(tunebook.__file__)))


def check(job: Job) -> None:
    """Refuse a plugin with a file outside the folders of TUNEBOOK_PLUGIN_PATHS, links followed; without a list none.

    What people uploaded (below the data folder) and what is shipped with Tunebook may always be named.
    """
    if job.sampling.name != "plugin" or not settings.TUNEBOOK_PLUGIN_PATHS:
        return
    options = job.sampling.options
    module = options.get("module")
    if not options.get("path") and not str(module).startswith("tunebook."):
        raise SpecError("sampling.options.path", f"is required here, where only some folders may be named: {_words()}")
    uploaded = os.path.join(settings.TUNEBOOK_DATA, "algorithms")
    allowed = [os.path.realpath(root) for root in (*settings.TUNEBOOK_PLUGIN_PATHS, uploaded, OWN)]
    for place, path in _paths(options, "sampling.options"):
        real = os.path.realpath(path)
        if not any(real == root or real.startswith(f"{root.rstrip('/')}/") for root in allowed):
            raise SpecError(
                place, f"must be below a folder that this installation allows ({_words()}), got {path!r:.80}"
            )


def _paths(options: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """All that is a path in the options, those in the plugin's own arguments included, each with its place."""
    for name, value in options.items():
        here = f"{place}.{name}"
        if isinstance(value, Mapping):
            yield from _paths(value, here)
        elif isinstance(value, str) and ((place.endswith("options") and name in ("path", "python")) or "/" in value):
            yield here, value


def _words() -> str:
    return ", ".join(settings.TUNEBOOK_PLUGIN_PATHS)
