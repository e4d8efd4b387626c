"""What can be done with one experiment from its page, and with ticked trials of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.dashboard import undoing
from apps.dashboard.templatetags.figures import isolated
from apps.dashboard.views.frame import REFUSALS, Place, attempt, back, given, in_workspace, said
from apps.dashboard.views.sharing import trials_file
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import experiments, trash
from apps.tuning import trials as trial_verbs

ONE = "dashboard:experiment"
VERBS: Mapping[str, tuple[Callable[..., object], str]] = {
    "pause": (experiments.pause, "Paused: trials that run go on to their end, nothing new is started."),
    "resume": (experiments.resume, "Resumed."),
    "drain": (experiments.drain, "It finishes when the running trials have."),
    "stop": (experiments.stop, "It is being stopped; running trials are ended."),
    "restore": (trash.restore, "Restored."),
}


@require_POST
@in_workspace
def act(request: HttpRequest, place: Place, key: str) -> HttpResponse:
    """Do one thing with the experiment, or with ticked trials of it."""
    name = request.POST.get("file") or request.POST.get("act", "")
    experiment = experiments.find(place.actor, key, trashed=name in ("restore", "purge"))
    if experiment.workspace_id != place.workspace.pk:
        raise Http404
    page = reverse(ONE, args=[place.workspace.slug, key])
    if name == "restart-failed":
        _restarted(request, partial(trial_verbs.restart_failed, place.actor, experiment))
        return back(request, page)
    if name in ("exclude-trials", "include-trials"):
        _exclude(request, place, experiment, excluded=name == "exclude-trials")
        return back(request, page)
    if name in ("trials.csv", "trials.json"):
        keys = _ticked(request)
        rows = Trial.objects.filter(experiment=experiment, key__in=keys).order_by("number")
        return trials_file(experiment, name, rows) if keys else back(request, page)
    if name in ("stop-trials", "restart-trials"):
        _act_on_trials(request, place, experiment, name)
        return back(request, page)
    if name == "reopen":
        _reopen(request, place, experiment)
        return back(request, page)
    if name == "purge":
        return _purge(request, place, experiment)
    if name == "trash":
        _trash(request, place, experiment)
        return redirect("dashboard:catalog", place.workspace.slug)
    if name not in VERBS:
        messages.error(request, "Not done: choose what to do.")
        return back(request, page)
    verb, done = VERBS[name]
    if name == "resume" and not experiment.started:
        done = "Started. The optimizer takes it up at its next step."
    attempt(request, partial(verb, place.actor, experiment), done)
    return back(request, page)


def _trash(request: HttpRequest, place: Place, experiment: Experiment) -> None:
    try:
        trash.delete(place.actor, experiment)
    except REFUSALS as error:
        messages.error(request, f"Not done: {said(error)}")
        return
    action = reverse("dashboard:experiment-act", args=[place.workspace.slug, experiment.key])
    undoing.done(request, f"{isolated(experiment)} is in the trash.", action=action, verb="restore")


def _reopen(request: HttpRequest, place: Place, experiment: Experiment) -> None:
    typed = request.POST.get("max_trials", "")
    if not typed.isdecimal() or len(typed) > 7:
        messages.error(request, "Not done: say up to how many trials in all, as a whole number.")
        return
    verb = partial(experiments.reopen, place.actor, experiment, max_trials=int(typed))
    by_hand = f", not counting the {experiment.extra_trials} queued or restarted" if experiment.extra_trials else ""
    attempt(request, verb, f"Reopened: it goes on up to {int(typed)} trials{by_hand}.")


def _purge(request: HttpRequest, place: Place, experiment: Experiment) -> HttpResponse:
    if request.POST.get("typed") != str(experiment):
        messages.error(request, f"Not deleted: what was typed is not its name, {isolated(experiment)}.")
    else:
        attempt(request, partial(trash.purge, place.actor, experiment), f"{isolated(experiment)} is deleted for good.")
    return redirect("dashboard:trash", place.workspace.slug)


def _ticked(request: HttpRequest) -> list[str]:
    keys = [key for key in request.POST.getlist("trial") if key.isalnum()]
    if not keys:
        messages.error(request, "Not done: tick at least one trial first.")
    return keys


def _act_on_trials(request: HttpRequest, place: Place, experiment: Experiment, name: str) -> None:
    keys = _ticked(request)
    if not keys:
        return
    if name == "restart-trials":
        _restarted(request, partial(trial_verbs.restart, place.actor, experiment, keys))
        return
    try:
        stopped = sum(trial_verbs.stop(place.actor, experiment, keys).values())
    except REFUSALS as error:
        messages.error(request, f"Not done: {said(error)}")
        return
    if stopped == len(keys):
        messages.success(request, f"{stopped} {'trial was' if stopped == 1 else 'trials were'} asked to stop.")
    else:
        messages.success(request, f"{stopped} of {len(keys)} asked to stop; the others had ended.")


def _exclude(request: HttpRequest, place: Place, experiment: Experiment, *, excluded: bool) -> None:
    keys = _ticked(request)
    if not keys:
        return
    exclude_trials(request, place, experiment, keys, excluded=excluded)


def exclude_trials(
    request: HttpRequest, place: Place, experiment: Experiment, keys: Sequence[str], *, excluded: bool
) -> None:
    """Leave trials out or take them back, and say so with a way back; of those that were so before nothing is undone."""
    were = set(
        Trial.objects.filter(experiment=experiment, key__in=keys, excluded=excluded).values_list("key", flat=True)
    )
    why = given(request, "why") if excluded else ""
    try:
        found = trial_verbs.exclude(place.actor, experiment, keys, excluded=excluded, why=why)
    except REFUSALS as error:
        messages.error(request, f"Not done: {said(error)}")
        return
    one = len(found) == 1
    words = f"excluded: samplers, the best and the charts leave {'it' if one else 'them'} out" if excluded else ""
    words = words or ("counts again" if one else "count again")
    changed = [trial.key for trial in found if trial.key not in were]
    if changed:
        undoing.done(
            request,
            f"{f'Trial {found[0].number}' if one else f'{len(found)} trials'} {words}.",
            action=reverse("dashboard:experiment-act", args=[place.workspace.slug, experiment.key]),
            verb="include-trials" if excluded else "exclude-trials",
            keys=changed,
            field="trial",
        )
    elif found:
        messages.info(request, "Nothing to change: they were so before.")
    if len(found) < len(keys):
        messages.error(request, f"{len(keys) - len(found)} left as they are: they have not ended.")


def _restarted(request: HttpRequest, verb: Callable[[], Mapping[str, Trial | str]]) -> None:
    """Restart trials and say which began again, and why others did not."""
    try:
        answers = verb()
    except REFUSALS as error:
        messages.error(request, f"Not done: {said(error)}")
        return
    made = sorted(answer.number for answer in answers.values() if isinstance(answer, Trial))
    if made:
        messages.success(request, f"Started again as trial {', '.join(map(str, made))}.")
    for reason in sorted({answer for answer in answers.values() if isinstance(answer, str)}):
        messages.error(request, f"Not started again: {reason}.")
    if not answers:
        messages.info(request, "There is no failed trial that was not started again already.")
