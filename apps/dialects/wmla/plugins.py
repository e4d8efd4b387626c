"""Installed plugin algorithms: where their files are, and who uses them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from django.conf import settings

from apps.artifacts import snapshots
from apps.dialects.refusal import Refusal
from apps.dialects.wmla.models import Algorithm
from apps.workspaces.models import Workspace
from tunebook.status import ENDED_EXPERIMENT
from tunebook.wire import wmla

MAIN = "optimizer.py"


def installed(workspace: Workspace, name: str) -> Algorithm | None:
    """The algorithm of that name in a workspace; None for built-in ones and unknown ones. One query."""
    if name in wmla.BUILT_IN:
        return None
    return Algorithm.objects.select_related("snapshot").filter(workspace=workspace, name=name).first()


def ready(algorithm: Algorithm) -> wmla.Installed:
    """The algorithm with its files laid out where the optimizer finds them; done once, harmless again."""
    folder = algorithm.path
    if algorithm.snapshot is not None:
        root = _root(algorithm.snapshot.key)
        snapshots.lay(algorithm.snapshot, root)
        folder = str(root / algorithm.folder)
    python = interpreter(algorithm.conda_home, algorithm.conda_env)
    return wmla.Installed(algorithm.name, folder, python, algorithm.log_level)


def forget(algorithm: Algorithm) -> None:
    """Remove what was laid out for an algorithm that is gone, unless another one has the same files."""
    snapshot = algorithm.snapshot
    if snapshot is not None and not Algorithm.objects.filter(snapshot=snapshot).exists():
        shutil.rmtree(_root(snapshot.key), ignore_errors=True)


def interpreter(home: str, environment: str) -> str:
    """The Python of a named environment; empty, which is the server's own, where none is named or there is none."""
    path = f"{home.rstrip('/')}/envs/{environment}/bin/python" if home and environment else ""
    return path if path and os.access(path, os.X_OK) else ""


def in_use(algorithm: Algorithm) -> list[str]:
    """The names of tasks that have not ended and ask this algorithm. One query."""
    rows = algorithm.submissions.exclude(experiment__status__in=ENDED_EXPERIMENT)
    return list(rows.values_list("name", flat=True)[:5])


def folder_of_main(paths: list[str]) -> str:
    """Where optimizer.py lies among uploaded files: at the top, or in the only folder there. Raises Refusal."""
    if MAIN in paths:
        return ""
    tops = {path.split("/")[0] for path in paths}
    if len(tops) == 1 and f"{next(iter(tops))}/{MAIN}" in paths:
        return next(iter(tops))
    raise Refusal("bad_archive", f"must hold {MAIN} at its top, with the class PluginOptimizer", field="file")


def allowed_path(path: str) -> str:
    """A folder of the server below one that an administrator allowed, with links followed. Raises Refusal."""
    roots = [os.path.realpath(root) for root in settings.TUNEBOOK_WMLA_PLUGIN_PATHS]
    real = os.path.realpath(path)
    if not any(real == root or real.startswith(f"{root.rstrip('/')}/") for root in roots):
        message = (
            "is not below a folder that this installation allows (TUNEBOOK_WMLA_PLUGIN_PATHS); upload a tar instead"
        )
        raise Refusal("not_allowed", message, field="path", status=403)
    if not os.path.isfile(os.path.join(real, MAIN)):
        raise Refusal("bad_parameter", f"must be a folder of the server that holds {MAIN}", field="path")
    return real


def _root(key: str) -> Path:
    return Path(settings.TUNEBOOK_DATA) / "algorithms" / key
