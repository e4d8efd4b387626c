"""A trial queued by hand: a form with one field for each parameter of the space."""

from __future__ import annotations

import random
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.dashboard import literals
from apps.dashboard.templatetags.figures import words
from apps.dashboard.views.frame import REFUSALS, Place, in_workspace, render, said
from apps.dashboard.views.opening import header, load
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import trials
from apps.workspaces.access import require
from tunebook.distributions import Choice, Distribution
from tunebook.job import Job
from tunebook.space import Space


class ParamsForm(forms.Form):
    """One field for each parameter of a space; a nested option is typed as JSON."""

    def __init__(self, space: Space, data: Any = None, *, like: dict[str, Any] | None = None) -> None:
        super().__init__(data)
        self.space = space
        for name, distribution in space.items():
            self.fields[name] = _field(name, distribution)
            if like and name in like:
                self.fields[name].initial = literals.write(_whole(like[name]))

    def params(self) -> dict[str, Any]:
        """The parameters as typed; what is wrong with them the verb says."""
        return {name: _fractional(self.space[name], literals.read(text)) for name, text in self.cleaned_data.items()}

    def refuse(self, problems: str) -> None:
        """Put each of the verb's sentences (`name: what is wrong; got 3`) at its field."""
        found = list[tuple[str | None, str]]()
        for part in problems.split("; "):
            name, _, why = part.partition(": ")
            if name in self.fields:
                found.append((name, why))
            elif found:
                found[-1] = (found[-1][0], f"{found[-1][1]}; {part}")
            else:
                found.append((None, part))
        for field, why in found:
            self.add_error(field, why)


def _whole(value: Any) -> Any:
    """A whole number without its ".0", as people write it."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _fractional(distribution: Distribution, value: Any) -> Any:
    """A whole number as the distribution itself would give it: 176.0 where its samples are fractions."""
    if not distribution.is_numeric or type(value) is not int or abs(value) >= 2**53:
        return value
    return float(value) if isinstance(distribution.sample(0.5), float) else value


def _field(name: str, distribution: Distribution) -> forms.Field:
    plain = isinstance(distribution, Choice) and not any(isinstance(one, dict | list) for one in distribution.values)
    if isinstance(distribution, Choice) and plain:
        choices = [(literals.write(one), words(one)) for one in distribution.values]
        return forms.ChoiceField(label=name, choices=choices)
    rows = 3 if isinstance(distribution, Choice) else 1
    widget = forms.Textarea({"rows": rows, "class": "mono"}) if rows > 1 else forms.TextInput({"inputmode": "decimal"})
    return forms.CharField(label=name, help_text=distribution.describe(), widget=widget, max_length=10_000)


@require_http_methods(["GET", "POST"])
@in_workspace
def queue(request: HttpRequest, place: Place, key: str) -> HttpResponse:
    """The form, filled from the trial `like`, from the best one, or by chance; POST queues."""
    experiment, after = load(place, key)
    require(place.actor, experiment.workspace_id, "run")
    space = Job.from_dict(experiment.job).space
    if request.method == "GET":
        like, filled = _like(experiment, space, request.GET.get("like", ""))
        form = ParamsForm(space, like=like)
    else:
        filled, form = "", ParamsForm(space, request.POST)
        if form.is_valid() and (made := _queued(place, experiment, form)):
            messages.success(request, f"Queued as trial {made.number}. It does not count against the limit of trials.")
            return redirect("dashboard:trial", place.workspace.slug, key, made.number)
    context = {**header(place, experiment, "trials"), "after": after, "form": form, "filled": filled, "carried": ""}
    return render(request, place, "experiments/queue.html", context, status=400 if form.errors else 200)


def _queued(place: Place, experiment: Experiment, form: ParamsForm) -> Trial | None:
    try:
        return trials.queue(place.actor, experiment, form.params())
    except REFUSALS as error:
        form.refuse(getattr(error, "message", said(error)))
        return None


def _like(experiment: Experiment, space: Space, asked: str) -> tuple[dict[str, Any], str]:
    """Parameters to begin with, and where they are from."""
    number = int(asked) if asked.isdecimal() and len(asked) < 10 else experiment.best_trial
    found = Trial.objects.filter(experiment=experiment, number=number).first() if number is not None else None
    if found is not None:
        return dict(found.params), f"Filled in from trial {found.number}; change what you like."
    return dict(space.sample(random.Random())), "Filled in by chance; change what you like."
