"""Finding things: what may be typed in a query, saved views, stars, and lists as files."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from apps.dialects.refusal import Refusal
from apps.dialects.tunebook import parameters, rows
from apps.dialects.tunebook.base import TunebookView
from apps.experiments.models import Experiment
from apps.search import completion, export
from apps.search.experiments import meaning
from apps.search.grammar import CATALOG, Grammar, trials_grammar
from apps.search.models import SavedView
from apps.search.parser import Query, parse
from apps.tuning import experiments, shelf, warm
from apps.workspaces.access import workspace_of
from tunebook.job import Job


def understood(text: str, grammar: Grammar = CATALOG) -> Query:
    """A query of an API call: there a part that is not understood refuses the whole. Raises Refusal."""
    query = parse(text, grammar)
    if query.problems:
        problem = query.problems[0]
        hint = f"; did you mean {problem.suggestion}" if problem.suggestion else ""
        message = f"at {problem.start + 1}, {query.text[problem.start : problem.end]!r:.60}: {problem.message}{hint}"
        raise Refusal("bad_query", message, field="query")
    return query


class QueryWords(TunebookView):
    """What could be typed next in a query."""

    query = parameters.QUERY_WORDS
    operations = {"GET": "CompleteQuery"}

    def get(self, request: Request) -> HttpResponse:
        """Complete a query at a place in its text; without `experiment` a query of experiments, with it of its trials."""
        asked = self.parameters
        at = len(asked["text"]) if asked["at"] is None else asked["at"]
        if asked["experiment"]:
            found = experiments.find(self.actor, asked["experiment"])
            grammar, source = trials_grammar(Job.from_dict(found.job).space.leaves()), completion.of_trials(found)
        else:
            workspace = workspace_of(self.actor, asked["workspace"])
            grammar, source = CATALOG, completion.of_catalog(self.actor, workspace)
        return self.answer(completion.complete(asked["text"], at, grammar, source).document())


class Views(TunebookView):
    """Saved views of a workspace's catalog: your own and the shared ones."""

    creates = True
    fields = parameters.VIEW
    operations = {"GET": "ListViews", "POST": "SaveView"}

    def get(self, request: Request, slug: str) -> HttpResponse:
        """List the saved views."""
        found = SavedView.objects.visible_to(self.actor).filter(workspace=self.workspace(slug)).select_related("owner")
        return self.answer({"items": [rows.view(one) for one in found]})

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Save a query under a name."""
        workspace, given = self.workspace(slug), self.document()
        if "name" not in given:
            raise Refusal("bad_parameter", "is required", field="name")

        def create() -> rows.Row:
            made = shelf.save_view(
                self.actor,
                workspace,
                name=given["name"],
                query=given.get("query", ""),
                sort=given.get("sort", ""),
                columns=given.get("columns", ()),
                shared=given.get("shared", False),
            )
            return rows.view(made)

        return self.created(create)


class OneView(TunebookView):
    """One saved view."""

    fields = parameters.VIEW
    operations = {"PATCH": "ChangeView", "DELETE": "DropView"}

    def patch(self, request: Request, slug: str, number: int) -> HttpResponse:
        """Change what is sent of a view."""
        found = shelf.find_view(self.actor, self.workspace(slug), number)
        return self.answer(rows.view(shelf.change_view(self.actor, found, **self.document())))

    def delete(self, request: Request, slug: str, number: int) -> HttpResponse:
        """Delete a view."""
        shelf.drop_view(self.actor, shelf.find_view(self.actor, self.workspace(slug), number))
        return self.answer({"id": number, "dropped": True})


class StarExperiment(TunebookView):
    """Your star on an experiment; nobody else sees it."""

    operations = {"PUT": "StarExperiment", "DELETE": "UnstarExperiment"}

    def put(self, request: Request, key: str) -> HttpResponse:
        """Put your star on it. Twice is once."""
        self.document()
        shelf.star(self.actor, experiments.find(self.actor, key))
        return self.answer({"key": key, "starred": True})

    def delete(self, request: Request, key: str) -> HttpResponse:
        """Take your star off."""
        shelf.unstar(self.actor, experiments.find(self.actor, key))
        return self.answer({"key": key, "starred": False})


class ArchiveExperiment(TunebookView):
    """The archive: what people are done with, out of the dashboard's catalog. Lists of this API show it all the same."""

    operations = {"PUT": "ArchiveExperiment", "DELETE": "UnarchiveExperiment"}

    def put(self, request: Request, key: str) -> HttpResponse:
        """Put it away; it must have ended. Twice is once."""
        self.document()
        shelf.archive(self.actor, experiments.find(self.actor, key))
        return self.answer({"key": key, "archived": True})

    def delete(self, request: Request, key: str) -> HttpResponse:
        """Take it back."""
        shelf.unarchive(self.actor, experiments.find(self.actor, key))
        return self.answer({"key": key, "archived": False})


class ExportExperiments(TunebookView):
    """The catalog as a file."""

    query = parameters.EXPORT
    operations = {"GET": "ExportExperiments"}

    def get(self, request: Request, slug: str) -> Any:
        """Download the experiments that meet a query, as CSV or JSON; at most 100,000."""
        asked, workspace = self.parameters, self.workspace(slug)
        visible = Experiment.objects.visible_to(self.actor).kept().filter(workspace=workspace)
        found = visible.filter(meaning(understood(asked["query"]), self.actor)).order_by("-created", "-id")
        return StreamingHttpResponse(
            export.FORMATS[asked["format"]](found),
            content_type=export.CONTENT_TYPES[asked["format"]],
            headers={"Content-Disposition": f'attachment; filename="{workspace.slug}.{asked["format"]}"'},
        )


class WarmStart(TunebookView):
    """What a warm start would bring."""

    fields = parameters.WARM_START
    operations = {"POST": "ForecastWarmStart"}

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Say which experiments compare with a job, and how many trials of the sources fit it. Stores nothing."""
        workspace, given = self.workspace(slug), self.document()
        job = Job.from_dict(given["job"], "job")
        near = warm.candidates(self.actor, workspace, job.objective)
        found = warm.forecast(self.actor, workspace, job, given.get("sources") or [])
        known = [{"key": one.key, "name": one.name, "succeeded": one.finished_count} for one in near]
        return self.answer({"candidates": known, "transfers": [one.document() for one in found]})
