"""What a report says, and how it becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from apps.discussion import markdown
from apps.discussion.models import Note, about
from apps.experiments.models import Experiment
from apps.insights import charts, keeping, spaces, summary
from apps.insights.charts.shares import shares
from apps.reports import inlined
from apps.trials.models import Trial
from tunebook.job import Job
from tunebook.status import TrialStatus

BEST = 50
MOST_SLICES = 6
DRAWN = ("history", "sample", "curves", "edf")
SETTINGS = ("objective", "sampling", "policy", "limits")
"""Of the declaration only these: commands and their environment may hold what is not for readers of a report."""


def html(experiment: Experiment) -> str:
    """The whole file. Some fifteen queries, however many trials there are; about 350 kB with ten thousand."""
    job = Job.from_dict(experiment.job)
    leaves = job.space.leaves()
    known = keeping.newest(experiment)
    top = summary.best_ten(experiment, job.space)
    strips, _ = spaces.strips(experiment, job.space, top)
    note = Note.objects.filter(about(experiment, None)).order_by("-number").first()
    payloads = {name: charts.build(name, experiment) for name in DRAWN}
    told = shares(experiment, known)
    names = charts.by_importance(experiment, list(leaves))
    context = {
        "experiment": experiment,
        "tags": list(experiment.tags.all()),
        "made": timezone.now(),
        "sentences": [sentence.text for sentence in summary.summary(experiment, job, known, top)],
        "note": note if note and note.text else None,
        "note_html": markdown.html(note.text) if note else "",
        "importance": list(zip(told["name"], told["share"], told["spread"], strict=True)),
        "together": told["together"],
        "trust": told["trust"],
        "names": names,
        "best": _best(experiment, job, names),
        "strips": strips,
        "settings": [(part, experiment.job.get(part)) for part in SETTINGS if experiment.job.get(part)],
        "slices": names[:MOST_SLICES] if payloads["sample"]["number"] else [],
        "has_curves": bool(payloads["curves"]["trials"]),
        "data": {name: inlined.data(payload) for name, payload in payloads.items()},
        "script": inlined.script(),
        "style": inlined.style(),
        "policy": inlined.policy(),
    }
    return render_to_string("reports/report.html", context)


def _best(experiment: Experiment, job: Job, names: list[str]) -> list[Mapping[str, Any]]:
    rows = Trial.objects.filter(experiment=experiment, status=TrialStatus.FINISHED, value__isnull=False, excluded=False)
    order = "value" if experiment.goal == "minimize" else "-value"
    found: list[Mapping[str, Any]] = []
    for number, value, params in rows.order_by(order, "number").values_list("number", "value", "params")[:BEST]:
        flat = job.space.flatten(params)
        found.append({"number": number, "value": value, "params": [flat.get(name) for name in names]})
    return found
