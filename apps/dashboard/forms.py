"""Forms of an experiment that exists: settings and limits."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.dashboard.tagging import read_tags, written
from apps.experiments.models import Accessibility, Experiment
from apps.tuning import experiments
from apps.tuning.experiments import MAX_DESCRIPTION, MAX_NAME, Changes
from apps.workspaces.access import Actor
from tunebook.job import Job

PLACES = {"name": "name", "description": "description", "tags": "tags", "accessibility": "accessibility"}


class SettingsForm(forms.Form):
    """Name, description, tags and visibility."""

    name = forms.CharField(max_length=MAX_NAME, required=False)
    description = forms.CharField(max_length=MAX_DESCRIPTION, required=False, widget=forms.Textarea({"rows": 4}))
    tags = forms.CharField(required=False, help_text="Parted by commas: vision, team=search")
    accessibility = forms.ChoiceField(label="Visible to", choices=Accessibility.choices)

    def __init__(self, experiment: Experiment, data: Any = None) -> None:
        self.experiment = experiment
        initial = {
            "name": experiment.name,
            "description": experiment.description,
            "accessibility": experiment.accessibility,
        }
        if data is None:
            initial["tags"] = written(experiment.tags.all())
        super().__init__(data, initial=initial)

    def save(self, actor: Actor) -> None:
        given = self.cleaned_data
        experiments.update(
            actor,
            self.experiment,
            Changes(
                name=given["name"],
                description=given["description"],
                tags=tuple(read_tags(given["tags"])),
                accessibility=given["accessibility"],
            ),
        )

    def place_of(self, error: Exception) -> str | None:
        """The field that a refusal is about, by its path."""
        head = str(getattr(error, "path", "")).partition("[")[0]
        return PLACES.get(head.partition(".")[0])


class LimitsForm(forms.Form):
    """The limits that may change while it runs."""

    max_concurrent = forms.IntegerField(label="Trials at once", min_value=1, max_value=10_000)
    max_trials = forms.IntegerField(
        label="Trials in all", min_value=1, max_value=1_000_000, required=False, help_text="Empty: no limit."
    )
    max_seconds = forms.FloatField(label="Seconds in all", min_value=1, required=False, help_text="Empty: no limit.")
    trial_seconds = forms.FloatField(
        label="Seconds per trial", min_value=1, required=False, help_text="Empty: no limit."
    )
    max_failed = forms.IntegerField(
        label="Failed trials it bears", min_value=1, required=False, help_text="Empty: any number."
    )

    def __init__(self, experiment: Experiment, data: Any = None) -> None:
        self.experiment = experiment
        limits = Job.from_dict(experiment.job).limits
        super().__init__(data, initial={name: getattr(limits, name) for name in self.base_fields})

    def save(self, actor: Actor) -> None:
        experiments.limit(actor, self.experiment, **self.cleaned_data)

    def place_of(self, error: Exception) -> str | None:
        name = str(getattr(error, "path", "")).rpartition(".")[2]
        return name if name in self.fields else None
