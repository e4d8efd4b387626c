"""Where scripts lie that a client names but does not send: the folder TUNEBOOK_SOURCES, and those in it."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings


def folder_of(experiment: str) -> str | None:
    """The folder that the scripts of this experiment lie in: its own, else the whole; None when none is configured."""
    root = settings.TUNEBOOK_SOURCES
    if not root:
        return None
    own = Path(root) / experiment
    return str(own) if own.parent == Path(root) and own.is_dir() and experiment not in (".", "..") else str(root)
