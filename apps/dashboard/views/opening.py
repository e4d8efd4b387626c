"""Opening the page of an experiment: finding it, and the strip above its tabs."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import Http404

from apps.dashboard.views.frame import Place
from apps.experiments.models import Desired, Experiment
from apps.experiments.workers import Worker
from apps.feed import reading
from apps.feed.models import experiment_stream
from apps.search.models import Archived, Star
from apps.trials.models import Trial
from apps.tuning import experiments
from apps.tuning.announce import seconds_left
from tunebook.status import ExperimentStatus

TABS = (
    ("overview", "Overview"),
    ("trials", "Trials"),
    ("analyse", "Analyse"),
    ("curves", "Curves"),
    ("space", "Space"),
    ("replay", "Replay"),
    ("logs", "Logs & events"),
    ("notes", "Notes & sharing"),
    ("settings", "Settings"),
)
REOPENS = (ExperimentStatus.FINISHED, ExperimentStatus.EARLY_STOPPED)
FILTERED = ("overview", "trials", "analyse", "curves", "space", "replay")
"""Tabs that keep the filter of the trials when one goes from one to the other."""


def header(place: Place, experiment: Experiment, tab: str) -> dict[str, Any]:
    """What the strip above every tab shows. Four queries at most: optimizers, star and archive, tags, what runs."""
    alive = experiment.has_ended or Worker.objects.alive().exists()
    stars = Star.objects.filter(user_id=place.actor.user_id, experiment=OuterRef("pk"))
    away = Archived.objects.filter(experiment=OuterRef("pk"))
    marks = Experiment.objects.filter(pk=experiment.pk).values_list(Exists(stars), Exists(away)).first() or (
        False,
        False,
    )
    return {
        "experiment": experiment,
        "tags": list(experiment.tags.all()),
        "is_starred": marks[0],
        "is_archived": marks[1],
        "tab": tab,
        "tabs": TABS,
        "filtered_tabs": FILTERED,
        "left": seconds_left(experiment),
        "spent": spent(experiment),
        "buttons": buttons(place, experiment),
        "can_reopen": place.may("run") and experiment.status in REOPENS,
        "optimizer_missing": not alive,
        "stream": experiment_stream(experiment.key),
    }


def spent(experiment: Experiment) -> float:
    """The seconds of all its trials, those that run counted until now. One query while any runs, else none."""
    if not experiment.live_count:
        return experiment.spent
    return experiment.spent + Trial.objects.filter(experiment=experiment).live().spent()


def buttons(place: Place, experiment: Experiment) -> list[dict[str, str]]:
    """The controls: none for those who may not run, or of what has ended; what is forbidden comes with the reason."""
    if not place.may("run") or experiment.has_ended:
        return []
    forbidden = "It is being stopped." if experiment.desired == Desired.STOP else ""
    waits = experiment.desired in (Desired.PAUSE, Desired.DRAIN) or experiment.status == ExperimentStatus.CREATED
    first = "Start" if experiment.status == ExperimentStatus.CREATED else "Resume"
    pause = {"act": "pause", "words": "Pause", "icon": "pause", "why_not": forbidden}
    resume = {"act": "resume", "words": first, "icon": "play", "why_not": forbidden}
    return [resume if waits and not forbidden else pause]


def load(place: Place, key: str) -> tuple[Experiment, int]:
    """The experiment and the number of its newest event, which is read first. Three queries."""
    after = reading.heads([experiment_stream(key)]).get(experiment_stream(key), 0)
    experiment = experiments.find(place.actor, key)
    if experiment.workspace_id != place.workspace.pk:
        raise Http404
    return experiment, after
