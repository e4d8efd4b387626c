"""A job laid out as the texts of form fields, and those texts read back.

Whatever is written here reads back as the same declaration.
"""

from __future__ import annotations

import json
import re
from typing import Any

from django import forms

from apps.dashboard import literals
from tunebook.job import Job
from tunebook.platform import LOCAL

TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|m|min|s)?")
TIMES = {"d": 86400, "h": 3600, "m": 60, "min": 60, "s": 1, "": 1}
PLACES = (
    ("objective.goal", "goal"),
    ("objective.mode", "mode"),
    ("objective.target", "target"),
    ("objective", "metrics"),
    ("sampling.options", "sampler_options"),
    ("sampling.seed", "seed"),
    ("sampling.warm_weight", "warm_weight"),
    ("sampling.warm_start", "warm_start"),
    ("sampling", "sampler"),
    ("policy.name", "policy"),
    ("policy", "policy_options"),
    ("limits.max_concurrent", "max_concurrent"),
    ("limits.max_seconds", "max_seconds"),
    ("limits.trial_seconds", "trial_seconds"),
    ("limits.trial_memory", "trial_memory"),
    ("limits.max_failed", "max_failed"),
    ("limits.patience", "patience"),
    ("limits.min_gain", "min_gain"),
    ("limits", "max_trials"),
    ("platform.cpus", "cpus"),
    ("platform.gpus", "gpus"),
    ("platform", "platform"),
    ("command", "steps"),
    ("readings.type", "reading"),
    ("readings", "sources"),
    ("tags", "tags"),
    ("name", "name"),
    ("description", "description"),
    ("accessibility", "accessibility"),
)


class TimeField(forms.CharField):
    """A span of time: "90", "30 m", "1 h 30 m"; its value is seconds, None when empty."""

    def clean(self, value: Any) -> float | None:
        text = str(super().clean(value) or "").strip()
        if not text:
            return None
        parts = TIME.findall(text)
        if not parts or TIME.sub("", text).strip():
            raise forms.ValidationError("Write a time like 90 s, 30 m, 2 h or 1 d.")
        return sum(float(number) * TIMES[unit] for number, unit in parts)


def written_time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def place_of(path: str) -> str | None:
    """The field that shows what stands at this path of the document."""
    for head, field in PLACES:
        if path == head or path.startswith((f"{head}.", f"{head}[")):
            return field
    return None


def filled_from(job: Job, **more: Any) -> dict[str, Any]:
    """The initial values of the fields for a job."""
    limits, document = job.limits, job.to_dict()
    policy = dict(document["policy"] or {})
    return {
        "metrics": written_metrics(document["objective"]["metrics"]),
        "goal": job.objective.goal,
        "mode": job.objective.mode,
        "target": job.objective.target,
        "sampler": job.sampling.name,
        "sampler_options": literals.write_pairs(dict(job.sampling.options)),
        "seed": job.sampling.seed,
        "policy": policy.pop("name", ""),
        "policy_options": literals.write_pairs({name: value for name, value in policy.items() if value is not None}),
        "max_trials": limits.max_trials,
        "max_concurrent": limits.max_concurrent,
        "max_seconds": written_time(limits.max_seconds),
        "trial_seconds": written_time(limits.trial_seconds),
        "trial_memory": limits.trial_memory,
        "max_failed": limits.max_failed,
        "patience": limits.patience,
        "min_gain": limits.min_gain,
        "warm_start": " ".join(job.sampling.warm_start),
        "warm_weight": job.sampling.warm_weight if job.sampling.warm_start else None,
        "platform": job.platform.name,
        "cpus": job.platform.cpus if job.platform.name != LOCAL else None,
        "gpus": job.platform.gpus or None,
        "steps": written_steps(document["command"]["steps"]),
        "reading": job.readings.type,
        "sources": "\n".join(job.readings.sources),
        "base": json.dumps(document, ensure_ascii=False),
        **more,
    }


def read_metric(line: str) -> dict[str, Any]:
    name, _, weight = line.strip().rpartition(" ")
    try:
        return {"name": name.strip(), "weight": float(weight)} if name else {"name": line.strip()}
    except ValueError:
        return {"name": line.strip()}


def written_metrics(metrics: list[dict[str, Any]]) -> str:
    """One metric per line, with its weight where it is not 1."""
    return "\n".join(
        one["name"] if one.get("weight", 1.0) == 1.0 else f"{one['name']} {one['weight']:g}" for one in metrics
    )


def read_steps(text: str) -> list[str | list[str]]:
    """A command per line; a line that is a JSON list is an argument list, one that is a JSON text a longer script."""
    steps: list[str | list[str]] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        value = literals.read(line) if line.lstrip()[0] in '["' else line
        steps.append(value if isinstance(value, list | str) else line)
    return steps


def written_steps(steps: list[str | list[str]]) -> str:
    """The steps as `read_steps` reads them."""
    lines = []
    for step in steps:
        plain = isinstance(step, str) and "\n" not in step and not step.lstrip().startswith(("[", '"'))
        lines.append(step if plain else json.dumps(step, ensure_ascii=False))
    return "\n".join(map(str, lines))
