"""A new experiment: by form, from pasted text, or as a clone."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.dashboard.cloning import differences
from apps.dashboard.declaration import Declaration, SpaceRows, row_set
from apps.dashboard.declared import filled_from
from apps.dashboard.method_words import POLICY_OPTIONS, SAMPLER_OPTIONS
from apps.dashboard.preview import first_suggestions
from apps.dashboard.space_rows import FIELDS, SpaceRow, rows_of
from apps.dashboard.tagging import written
from apps.dashboard.templatetags.figures import words
from apps.dashboard.views.frame import REFUSALS, Place, in_workspace, render
from apps.experiments.models import Draft, Experiment
from apps.insights.charts.axes import tried
from apps.tuning import drafts, experiments, warm
from apps.tuning.errors import Conflict
from apps.workspaces.access import require
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.space import Space
from tunebook.wire.recognise import KINDS, recognise

PREVIEWED = 20
MAX_PASTE = 1024 * 1024
TRIAL_SEED = 20_000


@require_http_methods(["GET", "POST"])
@in_workspace
def new(request: HttpRequest, place: Place) -> HttpResponse:
    """The form; `do` says what to do with what was typed: read, preview, add, remove-N, create, create-paused, or keep it
    as a draft (save-draft; autosave for scripts, which read no page) and discard-draft."""
    require(place.actor, place.workspace.pk, "create")
    if request.method == "GET":
        draft = drafts.kept(place.actor, place.workspace, origin=_origin(request))
        form, notice = (_restored(draft), "") if draft is not None else _blank(request, place)
        return _shown(request, place, form, {"notice": notice, "draft": draft})
    do = request.POST.get("do", "create")
    if do in ("save-draft", "autosave", "discard-draft"):
        return _draft(request, place, do)
    if do == "add" or do.startswith("remove-"):
        return _shown(request, place, _rerowed(request.POST, do), {})
    if do == "read":
        return _read(request, place)
    form = Declaration(request.POST)
    job = form.job()
    if do in ("warm", "differences"):
        return _shown(request, place, form, {"job": job, "looking": True})
    if job is None:
        return _shown(request, place, form, {"has_errors": True}, status=400)
    if do == "preview":
        return _previewed(request, place, form, job)
    return _create(request, place, form, job, start=do != "create-paused")


def _draft(request: HttpRequest, place: Place, do: str) -> HttpResponse:
    """Keep or forget what was typed; scripts are answered with an empty page, or with what is wrong."""
    origin = _origin(request)
    try:
        if do == "discard-draft":
            drafts.discard(place.actor, place.workspace, origin=origin)
        else:
            over = _pages(request) if do == "autosave" else None
            drafts.keep(place.actor, place.workspace, _as_typed(request.POST), origin=origin, over=over)
    except Conflict as error:
        return HttpResponse(str(error), content_type="text/plain", status=409)
    except SpecError as error:
        if do == "autosave":
            return HttpResponse(str(error), content_type="text/plain", status=400)
        messages.error(request, f"Not saved: {error.message}.")
        return _shown(request, place, _rerowed(request.POST, ""), {})
    if do == "autosave":
        return HttpResponse(status=204)
    messages.success(request, "The draft is discarded." if do == "discard-draft" else "The draft is saved.")
    return redirect(request.get_full_path())


def _as_typed(post: QueryDict) -> str:
    """The fields as a browser sends them, without those that belong to this one sending."""
    rest = post.copy()
    for name in ("csrfmiddlewaretoken", "do", "paste", "over"):
        rest.pop(name, None)
    return rest.urlencode()


def _pages(request: HttpRequest) -> tuple[str, str]:
    """Whose drafts this page may replace: its own, and that of the page whose draft it was filled with ("" if none)."""
    return request.POST.get("page", ""), request.POST.get("over", "")


def _restored(draft: Draft) -> Declaration:
    return _rerowed(QueryDict(draft.typed), "")


def _origin(request: HttpRequest) -> str:
    """The key of what is cloned, whether or not it is there; empty for a new experiment."""
    key = request.GET.get("from", "")
    return key if key.isalnum() and len(key) <= 16 else ""


def _create(request: HttpRequest, place: Place, form: Declaration, job: Job, *, start: bool) -> HttpResponse:
    given = form.cleaned_data
    try:
        made = experiments.create(
            place.actor,
            job,
            workspace=place.workspace,
            name=given["name"],
            description=given["description"],
            accessibility=given["accessibility"],
            tags=form.tag_pairs,
            submitted=json.dumps(job.to_dict(), ensure_ascii=False),
            dialect="tunebook",
            start=start,
        )
    except SpecError as error:
        form.refuse(error)
    except REFUSALS as error:
        form.add_error(None, str(error))
    else:
        messages.success(
            request, "Created; it starts as soon as an optimizer is free." if start else "Created, paused."
        )
        drafts.discard(place.actor, place.workspace, origin=_origin(request), over=_pages(request))
        return redirect("dashboard:experiment", place.workspace.slug, made.key)
    return _shown(request, place, form, {"has_errors": True}, status=400)


def _previewed(request: HttpRequest, place: Place, form: Declaration, job: Job) -> HttpResponse:
    seed = job.sampling.seed if job.sampling.seed is not None else random.randrange(TRIAL_SEED)
    try:
        asked = first_suggestions(job, seed, PREVIEWED)
    except SpecError as error:
        form.refuse(error)
        return _shown(request, place, form, {"has_errors": True}, status=400)
    leaves = list(job.space.leaves())
    flats = [job.space.flatten(params) for params in asked]
    context = {
        "preview": {
            "names": leaves,
            "rows": [[tried(flat, name) for name in leaves] for flat in flats],
            "size": job.space.size,
            "document": json.dumps(job.to_dict(), indent=2, ensure_ascii=False),
            "parallel": _parallel(job.space, leaves, flats),
        },
        "job": job,
    }
    return _shown(request, place, form, context)


def _parallel(space: Space, names: list[str], flats: list[dict[str, Any]]) -> dict[str, Any]:
    axes = []
    for name in names:
        distribution, _ = space.leaves()[name]
        scale = "log" if distribution.is_log else "linear" if distribution.is_numeric else "category"
        axis: dict[str, Any] = {"name": name, "scale": scale}
        if scale == "category":
            axis["values"] = list(dict.fromkeys(words(flat[name]) for flat in flats if name in flat))
        else:
            seen = [flat[name] for flat in flats if name in flat] or [0]
            low, high = distribution.lowest, distribution.highest
            axis |= {"min": low if low is not None else min(seen), "max": high if high is not None else max(seen)}
        axes.append(axis)
    categories = {axis["name"] for axis in axes if axis["scale"] == "category"}
    rows = [[_point(flat, name, name in categories) for name in names] for flat in flats]
    return {"axes": axes, "rows": rows, "value": None, "number": None, "metric": ""}


def _point(flat: Mapping[str, Any], name: str, is_category: bool) -> Any:
    return words(flat[name]) if is_category and name in flat else flat.get(name)


def _read(request: HttpRequest, place: Place) -> HttpResponse:
    """Fill the form from pasted text; what was typed in the other fields stays."""
    text = request.POST.get("paste", "")
    form = Declaration(initial=_typed(request.POST), rows=row_set(_typed_rows(request.POST)))
    if len(text) > MAX_PASTE:
        return _shown(request, place, form, {"paste": "", "paste_error": "At most 1 MiB of text."}, status=400)
    try:
        kind, found = recognise(text)
    except SpecError as error:
        return _shown(request, place, form, {"paste": text, "paste_error": str(error)}, status=400)
    typed = _typed(request.POST)
    if isinstance(found, Space):
        form = Declaration(initial=typed, rows=row_set(rows_of(found)))
    else:
        own = {name: typed.get(name) for name in ("name", "description", "tags", "accessibility")}
        form = Declaration(initial=filled_from(found, **own), rows=row_set(rows_of(found.space)))
    return _shown(request, place, form, {"notice": f"Read as: {KINDS[kind]}. Look it over, then create."})


def _typed(post: QueryDict) -> dict[str, Any]:
    typed = {name: post[name] for name in Declaration.base_fields if name in post}
    return typed | {"warm_start": " ".join(post.getlist("warm"))}


def _typed_rows(post: QueryDict) -> list[dict[str, Any]]:
    return [{name: row[name].value() for name in FIELDS} for row in SpaceRows(post, prefix="space").forms]


def _rerowed(post: QueryDict, do: str) -> Declaration:
    """The form as typed, with one row more or less, or as many; for browsers without scripts."""
    rows = _typed_rows(post)
    if do == "add":
        rows.append({"type": "uniform"})
    elif do:
        gone = do.removeprefix("remove-")
        rows = [row for place, row in enumerate(rows) if str(place) != gone]
    return Declaration(initial=_typed(post), rows=row_set(rows))


def _blank(request: HttpRequest, place: Place) -> tuple[Declaration, str]:
    original = _original(request, place)
    if original is None:
        seen = {"accessibility": place.workspace.default_accessibility or "PUBLIC"}
        return Declaration(initial=seen, rows=row_set([{"type": "uniform"}, {"type": "uniform"}])), ""
    job = Job.from_dict(original.job)
    initial = filled_from(
        job,
        name=f"{original} (copy)"[:255],
        description=original.description,
        tags=written(original.tags.all()),
        accessibility=original.accessibility,
    )
    return Declaration(
        initial=initial, rows=row_set(rows_of(job.space))
    ), f"Filled in from {original}. Nothing is copied but the settings."


def _original(request: HttpRequest, place: Place) -> Experiment | None:
    """The experiment that is cloned, as the address says. One query."""
    key = request.GET.get("from", "")
    return experiments.find(place.actor, key) if key.isalnum() else None


def _warm(place: Place, form: Declaration, job: Job | None) -> dict[str, Any]:
    """The picker of earlier experiments: those that compare, those picked, and what these would bring. Three queries."""
    objective = job.objective if job is not None else form.objective()
    if objective is None:
        return {}
    chosen = form.earlier
    return {
        "candidates": [(one, one.key in chosen) for one in warm.candidates(place.actor, place.workspace, objective)],
        "transfers": warm.forecast(place.actor, place.workspace, job, chosen) if job and chosen else [],
        "chosen": chosen,
        "metric": objective.name,
    }


def _shown(
    request: HttpRequest, place: Place, form: Declaration, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    original, job = _original(request, place), context.get("job")
    if job is None and not form.is_bound and original is not None:
        job = Job.from_dict(original.job)
    draft = context.get("draft")
    context |= {
        "form": form,
        "page": request.POST.get("page") or secrets.token_hex(8),
        "over": draft.page if draft is not None else request.POST.get("over", ""),
        "blank_row": SpaceRow(prefix="space-__prefix__", initial={"type": "uniform"}),
        "original": original,
        "differences": differences(Job.from_dict(original.job), job) if original is not None and job else None,
        "warm": _warm(place, form, job),
        "sampler_options": SAMPLER_OPTIONS,
        "policy_options": POLICY_OPTIONS,
    }
    return render(request, place, "experiments/new.html", context, status=status)
