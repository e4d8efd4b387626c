"""An attempt as its runner takes it, wherever that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.optimizer import folders
from apps.optimizer.executors.base import LaunchSpec


def order(root: str, spec: LaunchSpec, base: Mapping[str, str]) -> dict[str, Any]:
    """The spec with the attempt's folder below `root`, and the variables that name its places added to `base`."""
    folder = folders.attempt_path(root, spec.place)
    work = folder if spec.work_of is None else folders.attempt_path(root, (*spec.place[:2], spec.work_of))
    steps = [step if isinstance(step, str) else list(step) for step in spec.steps]
    return {
        "key": spec.key,
        "folder": folder,
        "steps": [{"id": f"cmd{number}", "command": step} for number, step in enumerate(steps, start=1)],
        "first_step": spec.first_step,
        "environment": {
            **base,
            **spec.environment,
            "TUNEBOOK_LAUNCH_KEY": spec.key,
            "TUNEBOOK_ATTEMPT_FOLDER": folder,
            "TUNEBOOK_PARAMS_FILE": f"{folder}/params.json",
            "TUNEBOOK_SPOOL": f"{folder}/metrics.jsonl",
            "TUNEBOOK_STOP_FILE": f"{folder}/stop",
            "NNI_OUTPUT_DIR": f"{work}/work",
        },
        "cwd": spec.working_dir or (f"{work}/work" if spec.work_of is not None else None),
        "params": spec.params,
        "files": [list(file) for file in spec.files],
        "time_limit": spec.time_limit,
        "grace": spec.grace,
        "memory": spec.memory,
    }
