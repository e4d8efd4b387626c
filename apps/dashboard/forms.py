"""Forms of an experiment that exists: settings and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from apps.dashboard.declared import TimeField, written_time
from apps.dashboard.tagging import read_tags, written
from apps.experiments.models import Accessibility, Experiment
from apps.tuning import experiments
from apps.tuning.experiments import MAX_DESCRIPTION, MAX_NAME, Changes
from apps.workspaces.access import Actor
from tunebook.job import Job
from tunebook.limits import MAX_MEMORY, MIN_MEMORY

PLACES = {"name": "name", "description": "description", "tags": "tags", "accessibility": "accessibility"}


class VersionedForm(forms.Form):
    """A form that carries the version it was filled from, so that what others changed meanwhile is not lost unseen."""

    version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    conflict: Sequence[tuple[str, Any, Any]] = ()
    """After a conflict: label, their value and mine of each field that differs."""

    def meet(self, current: Mapping[str, Any], version: int) -> None:
        """Show both versions; sent again, mine goes over theirs as it stands now."""
        mine = self.cleaned_data
        differing = [
            name for name in current if name in self.fields and (mine.get(name) or "") != (current[name] or "")
        ]
        self.conflict = [
            (str(self.fields[name].label or name.capitalize()), current[name], mine.get(name)) for name in differing
        ]
        self.data = {**dict(self.data.items()), self.add_prefix("version"): str(version)}

    def shown_fields(self) -> list[Any]:
        return [self[name] for name in self.fields if name != "version"]


class SettingsForm(VersionedForm):
    """Name, description, tags and visibility."""

    name = forms.CharField(max_length=MAX_NAME, required=False)
    description = forms.CharField(max_length=MAX_DESCRIPTION, required=False, widget=forms.Textarea({"rows": 4}))
    tags = forms.CharField(required=False, help_text="Separated by commas: vision, team=search")
    accessibility = forms.ChoiceField(label="Visible to", choices=Accessibility.choices)

    def __init__(self, experiment: Experiment, actor: Actor, data: Any = None) -> None:
        self.experiment = experiment
        initial: dict[str, Any] = {**self.current(experiment), "version": experiment.version} if data is None else {}
        super().__init__(data, initial={"accessibility": experiment.accessibility, **initial})
        if not experiments.may_show(actor, experiment):
            self.fields["accessibility"].disabled = True
            self.fields["accessibility"].help_text = "Its creator and administrators change that."

    @staticmethod
    def current(experiment: Experiment) -> dict[str, Any]:
        """The stored values of the fields. One query, for the tags."""
        return {
            "name": experiment.name,
            "description": experiment.description,
            "tags": written(experiment.tags.all()),
            "accessibility": experiment.accessibility,
        }

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
            version=given["version"],
        )

    def place_of(self, error: Exception) -> str | None:
        """The field that a refusal is about, by its path."""
        head = str(getattr(error, "path", "")).partition("[")[0]
        return PLACES.get(head.partition(".")[0])


class LimitsForm(VersionedForm):
    """The limits that may change while it runs."""

    max_concurrent = forms.IntegerField(label="Trials at once", min_value=1, max_value=10_000)
    max_trials = forms.IntegerField(
        label="Trials in all", min_value=1, max_value=1_000_000, required=False, help_text="Empty: no limit."
    )
    max_seconds = TimeField(label="Time in all", required=False, help_text="90 s, 30 m, 2 h, 1 d. Empty: no limit.")
    trial_seconds = TimeField(label="Time per trial", required=False, help_text="Empty: no limit.")
    trial_memory = forms.IntegerField(
        label="Memory per trial",
        min_value=MIN_MEMORY,
        max_value=MAX_MEMORY,
        required=False,
        help_text="In MiB; 1024 are 1 GiB. Empty: no limit.",
    )
    max_failed = forms.IntegerField(
        label="Failed trials allowed", min_value=1, required=False, help_text="Empty: any number."
    )
    patience = forms.IntegerField(
        label="Give up after",
        min_value=1,
        required=False,
        help_text="After so many trials without improvement. Empty: never.",
    )
    min_gain = forms.FloatField(
        label="Smallest improvement", min_value=0, required=False, help_text="In the metric's unit. Empty: any."
    )

    def __init__(self, experiment: Experiment, data: Any = None) -> None:
        self.experiment = experiment
        initial = {**self.current(experiment), "version": experiment.version}
        super().__init__(data, initial=initial)

    @classmethod
    def current(cls, experiment: Experiment) -> dict[str, Any]:
        """The limits in force, as the fields show them."""
        limits = Job.from_dict(experiment.job).limits
        found = {name: getattr(limits, name) for name in cls.base_fields if name != "version"}
        return {**found, **{name: written_time(found[name]) for name in ("max_seconds", "trial_seconds")}}

    def save(self, actor: Actor) -> None:
        given = dict(self.cleaned_data)
        experiments.limit(actor, self.experiment, version=given.pop("version"), **given)

    def changed_words(self) -> list[str]:
        """What differs from what is in force, as "Trials at once: 2 → 4"."""
        before = self.current(self.experiment)
        after = {name: self.data.get(name, "").strip() or None for name in before}
        return [
            f"{self.fields[name].label}: {_said(before[name])} → {_said(after[name])}"
            for name in before
            if str(before[name] or "") != str(after[name] or "")
        ]

    def place_of(self, error: Exception) -> str | None:
        name = str(getattr(error, "path", "")).rpartition(".")[2]
        return name if name in self.fields else None


def _said(value: Any) -> str:
    return "none" if value in (None, "") else str(value)
