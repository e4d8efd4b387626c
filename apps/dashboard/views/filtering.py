"""The one filter that the tabs and charts of an experiment share: `q` and `after` in the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest

from apps.dashboard.trial_listing import TrialListing
from apps.experiments.models import Experiment
from apps.insights.charts import replayed
from apps.search.grammar import trials_grammar
from apps.search.parser import parse
from apps.trials.models import Trial
from tunebook.job import Job


@dataclass(frozen=True)
class Filtered:
    """What an address asks for: the trials that meet `q`, and the number of the last one in a replay."""

    job: Job
    listing: TrialListing
    box: dict[str, Any]
    upto: int | None

    def rows(self) -> QuerySet[Trial]:
        """The trials, without excluded ones and those after the replay's last."""
        rows = self.listing.rows().filter(excluded=False)
        return rows if self.upto is None else rows.filter(number__lte=self.upto)


def filtered(request: HttpRequest, experiment: Experiment) -> Filtered:
    """The filter of a request. What is wrong with the query stands in its box; no query of the database."""
    job = Job.from_dict(experiment.job)
    query = parse(request.GET.get("q", ""), trials_grammar(job.space.leaves()))
    chips = [(term.text, query.without(term)) for term in query.terms]
    upto = replayed(request.GET.dict())
    if upto is not None:
        upto = min(upto, max(experiment.trial_count - 1, 0))
    last = max(experiment.trial_count - 1, 0)
    box = {"query": query, "chips": chips, "upto": upto, "last_number": last}
    return Filtered(job, TrialListing(experiment, job.space, query), box, upto)


def carried(request: HttpRequest) -> str:
    """The filter as the end of an address, empty where there is none."""
    kept = {name: text for name in ("q", "after") if (text := request.GET.get(name, "").strip())}
    return f"?{urlencode(kept)}" if kept else ""
