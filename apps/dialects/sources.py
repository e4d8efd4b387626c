"""Where scripts lie that a client names but does not send: the folder TUNEBOOK_SOURCES, and those in it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from apps.artifacts import snapshots
from apps.artifacts.paths import BadPath
from apps.dialects.refusal import Refusal
from apps.workspaces.models import Workspace
from tunebook.job import Job


def folder_of(experiment: str) -> Path | None:
    """The folder that the scripts of this experiment lie in: its own, else the whole; None when none is configured."""
    if not settings.TUNEBOOK_SOURCES:
        return None
    root = Path(settings.TUNEBOOK_SOURCES)
    own = root / experiment
    # not own.is_dir(), which fails for a name longer than a file's may be
    return own if own.parent == root and os.path.isdir(own) and experiment not in (".", "..") else root


def bring(job: Job, workspace: Workspace, experiment: str) -> Job:
    """The job with the scripts as they are now: each attempt gets a copy of its own, and what it puts out is kept.

    Without a folder of sources the job stays as it is. Not inside a transaction.
    """
    folder = folder_of(experiment)
    if folder is None:
        return job
    if not folder.is_dir():
        raise Refusal("bad_parameter", "the folder of sources of this server is not there; tell who runs it")
    try:
        code = snapshots.store(workspace, folder.resolve()).key
    except BadPath as error:
        raise Refusal("bad_parameter", f"the folder of sources cannot be taken along: {error}") from None
    return replace(job, command=replace(job.command, code=code, working_dir=None))
