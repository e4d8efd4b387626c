"""The code that a job names: what its client uploaded, else the folder of sources that this server was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.dialects import sources
from apps.dialects.azureml.base import Scope
from apps.dialects.azureml.models import CodeVersion
from apps.workspaces.models import Workspace
from tunebook.job import Job
from tunebook.wire.azureml import Details

_ARM_ID = re.compile(r".*/codes/(?P<name>[^/]+)/versions/(?P<version>[^/]+)/?", re.IGNORECASE)
_SHORT = re.compile(r"(?:azureml:)?(?P<name>[^:/]+):(?P<version>[^:/]+)")


def bring(job: Job, properties: Mapping[str, Any], details: Details, workspace: Workspace) -> Job:
    """The job with its code. One query where it names some.

    Code that was never uploaded here leaves the trials in the folder of sources, or in an empty one.
    """
    holder = properties if details.job_type == "Command" else properties.get("trial") or {}
    named = holder.get("codeId")
    snapshot = _snapshot(workspace, named)
    if snapshot is not None:
        return replace(job, command=replace(job.command, code=snapshot))
    return sources.bring(job, workspace, details.experiment)


def told(code_id: object, scope: Scope) -> str | None:
    """An id of code in full; None for what names no version. Clients can list no job with another."""
    match = _match(code_id)
    return f"{scope.path}/codes/{match['name']}/versions/{match['version']}" if match else None


def _match(code_id: object) -> re.Match[str] | None:
    return (_ARM_ID.fullmatch(code_id) or _SHORT.fullmatch(code_id)) if isinstance(code_id, str) else None


def _snapshot(workspace: Workspace, code_id: object) -> str | None:
    """The key of the snapshot behind a code's id."""
    match = _match(code_id)
    if match is None:
        return None
    rows = CodeVersion.objects.filter(workspace=workspace, name=match["name"], version=match["version"])
    return rows.filter(snapshot__isnull=False).values_list("snapshot__key", flat=True).first()
