"""What the pages draw and say of an experiment, as numbers: charts, findings, summary, the space and its versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.parameters import INT32, Parameter, Record, Text, Whole, Word
from apps.dialects.refusal import Refusal
from apps.dialects.tunebook.base import TunebookView
from apps.dialects.tunebook.experiments import Versioned
from apps.dialects.tunebook.trials import TrialView
from apps.experiments.models import Experiment
from apps.insights import charts, keeping, spaces, summary
from apps.insights.charts.shares import shares
from apps.insights.failures import failures
from apps.insights.neighbours import neighbours
from apps.search.grammar import trials_grammar
from apps.search.parser import parse
from apps.search.trials import narrowed
from apps.trials.models import Trial
from apps.tuning import experiments
from apps.tuning.announce import word
from tunebook.job import Job
from tunebook.space import Space

AFTER = Whole(0, INT32, "only trials up to this number: as it was then")
CHART: Mapping[str, Parameter] = {
    "q": Text("only trials that meet this query, as in the filter of the pages", longest=500),
    "after": AFTER,
    "x": Text("contour: a parameter", longest=255),
    "y": Text("contour: another parameter", longest=255),
    "by": Word(("step", "time"), "curves: over steps or seconds", default="step"),
}
SPACE = {"space": Record("the search space: names and distributions, as in a job document", required=True)}


class Chart(TunebookView):
    """The numbers of one chart: column by column, thinned to at most sixty kilobytes."""

    query = CHART
    operations = {"GET": "GetChart"}

    def get(self, request: Request, key: str, chart: str) -> HttpResponse:
        """Read the numbers of a chart; `total` is how many trials there are, of which it may hold a choice."""
        found = experiments.find(self.actor, key)
        if chart not in charts.CHARTS:
            known = ", ".join(charts.CHARTS)
            raise Refusal("not_found", f"there is no chart {chart!r:.40}; there are {known}", status=404)
        asked = self.parameters
        given = {name: str(value) for name, value in asked.items() if value is not None and name != "q"}
        return self.answer(charts.build(chart, found, meeting(found, asked["q"] or ""), given))


class Insights(TunebookView):
    """What was found out about an experiment."""

    query = {"after": AFTER}
    operations = {"GET": "GetInsights"}

    def get(self, request: Request, key: str) -> HttpResponse:
        """Read importance, failures by reason and the summary. `importance.state` says whether it is there or coming."""
        found = experiments.find(self.actor, key)
        after = self.parameters["after"]
        job, known = Job.from_dict(found.job), keeping.look(found, after)
        top = summary.best_ten(found, job.space, after)
        return self.answer(
            {
                "importance": shares(found, known),
                "failures": [asdict(group) for group in failures(found, known, after)],
                "summary": [asdict(sentence) for sentence in summary.summary(found, job, known, top, after)],
                "best": [{"number": one.number, "value": word(one.value), "params": dict(one.flat)} for one in top],
            }
        )


class OneSpace(Versioned):
    """The search space of an experiment."""

    fields = SPACE
    operations = {"GET": "GetSpace", "PUT": "EditSpace"}

    def get(self, request: Request, key: str) -> HttpResponse:
        """Read the space with all its versions, and where trials and the best ten lie."""
        found = experiments.find(self.actor, key)
        space = Job.from_dict(found.job).space
        drawn, looked_at = spaces.strips(found, space, summary.best_ten(found, space))
        versions = [
            {
                "number": one.row.number,
                "space": one.row.space,
                "author": one.row.author.username if one.row.author is not None else None,
                "created": one.row.created.isoformat(),
                "changes": [asdict(change) for change in one.changes],
                "trials": one.trials,
            }
            for one in spaces.versions(found)
        ]
        tried = {"trials": looked_at, "parameters": [asdict(strip) for strip in drawn]}
        return self.answer(
            {"version": found.space_version, "space": space.to_dict(), "versions": versions, "tried": tried}
        )

    def put(self, request: Request, key: str) -> HttpResponse:
        """Put another space in force, as a new version; only while the experiment is active."""
        found = experiments.find(self.actor, key)
        space = Space.from_dict(self.document()["space"])
        return self.versioned(experiments.respace(self.actor, found, space, version=self.expected(found.version)))


class SpacePreview(TunebookView):
    """What another space would mean; changes nothing."""

    fields = SPACE

    def post(self, request: Request, key: str) -> HttpResponse:
        """Say which parameters would change and how many trials so far would stay usable."""
        found = experiments.find(self.actor, key)
        space = Space.from_dict(self.document()["space"])
        job = Job.from_dict(found.job)
        replace(job, space=space).check()
        left = asdict(spaces.usable(found, space))
        return self.answer({"usable": left, "changes": [asdict(one) for one in spaces.changes(job.space, space)]})


class Neighbours(TrialView):
    """The trials nearest to one."""

    operations = {"GET": "ListNeighbours"}

    def get(self, request: Request, key: str, number: int) -> HttpResponse:
        """List the trials whose parameters lie nearest; `distance` is from 0, the same, to 1."""
        experiment, trial = self.found(key, number)
        nearest = neighbours(experiment, Job.from_dict(experiment.job).space, trial)
        items: list[dict[str, Any]] = [{**asdict(one), "value": word(one.value)} for one in nearest]
        return self.answer({"items": items})


def meeting(experiment: Experiment, text: str) -> QuerySet[Trial]:
    """The trials that meet a query. Refuses one that is not understood, with what to write instead."""
    space = Job.from_dict(experiment.job).space
    query = parse(text, trials_grammar(space.leaves()))
    if query.problems:
        first = query.problems[0]
        hint = f"; did you mean {first.suggestion}?" if first.suggestion else ""
        raise Refusal("bad_parameter", f"{first.message}{hint}", field="q")
    return narrowed(Trial.objects.filter(experiment=experiment), query, experiment, space)
