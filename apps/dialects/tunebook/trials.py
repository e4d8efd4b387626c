"""Trials: list, add, read, stop, restart, their measurements and logs."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects import catalog
from apps.dialects.parameters import Parameter
from apps.dialects.refusal import Refusal
from apps.dialects.tunebook import parameters, rows
from apps.dialects.tunebook.base import TunebookView
from apps.dialects.tunebook.finding import understood
from apps.experiments.models import Experiment
from apps.search.grammar import trials_grammar
from apps.search.trials import narrowed
from apps.trials import logs
from apps.trials.filters import TrialFilter
from apps.trials.models import Measurement, Trial
from apps.tuning import experiments, trials
from apps.tuning.errors import Conflict
from apps.workspaces.access import OutOfReach
from tunebook.job import Job

FILES = {"stdout": "out.log", "stderr": "err.log"}
MOST_NUMBER = 2**31 - 1


class TrialView(TunebookView):
    """What is asked of one trial of one experiment."""

    def found(self, key: str, number: int) -> tuple[Experiment, Trial]:
        """The two, if the actor may see them. Two queries."""
        if number > MOST_NUMBER:
            raise OutOfReach("trial", str(number))
        experiment = experiments.find(self.actor, key)
        return experiment, trials.find(self.actor, experiment, number=number)


class Trials(TunebookView):
    """The trials of an experiment."""

    creates = True
    query = parameters.LIST_TRIALS
    fields = parameters.QUEUE
    operations = {"GET": "ListTrials", "POST": "QueueTrial"}

    def get(self, request: Request, key: str) -> HttpResponse:
        """List trials by number or by value."""
        asked = self.parameters
        found = experiments.find(self.actor, key)
        page = catalog.Page(
            number=asked["page"], size=asked["page_size"], order=asked["sort"], down=asked["order"] == "desc"
        )
        wanted, total = None, found.trial_count
        if asked["status"]:
            wanted = TrialFilter({"status": asked["status"]}, queryset=Trial.objects.filter(experiment=found)).qs
            total = sum(found.counts.get(status, 0) for status in set(asked["status"]))
        if asked["query"]:
            wanted, total = self._queried(found, asked["query"], wanted)
        if wanted is None:
            listed = catalog.trial_page(found.pk, found.trial_count, page, rows.TRIALS)
            return self.listed([rows.trial(values) for values in listed], total)
        return self.listed(rows.trials(catalog.wanted_trials(found, page, wanted)), total)

    @staticmethod
    def _queried(found: Experiment, text: str, rows: QuerySet[Trial] | None) -> tuple[QuerySet[Trial], int]:
        space = Job.from_dict(found.job).space
        all_rows = Trial.objects.filter(experiment=found) if rows is None else rows
        wanted = narrowed(all_rows, understood(text, trials_grammar(space.leaves())), found, space)
        return wanted, wanted.count()

    def post(self, request: Request, key: str) -> HttpResponse:
        """Add a trial with these parameters; it does not count against the limit of trials."""
        found = experiments.find(self.actor, key)
        params = self.document()["params"]
        return self.created(lambda: rows.trials([trials.queue(self.actor, found, params).pk])[0])


class OneTrial(TrialView):
    """One trial."""

    operations = {"GET": "GetTrial"}

    def get(self, request: Request, key: str, number: int) -> HttpResponse:
        """Read a trial with its attempts."""
        _, trial = self.found(key, number)
        columns = ("number", "state", "executor", "host", "created", "started", "ended", "code", "signal", "reason")
        attempts = list(trial.attempts.order_by("number").values(*columns))
        return self.answer({**rows.trials([trial.pk])[0], "attempts": attempts})


class StopTrial(TrialView):
    """Stop a trial; one that has ended stays as it is."""

    def post(self, request: Request, key: str, number: int) -> HttpResponse:
        self.document()
        experiment, trial = self.found(key, number)
        trials.stop(self.actor, experiment, [trial.key])
        return self.answer(rows.trials([trial.pk])[0])


class ExcludeTrial(TrialView):
    """Leave an ended trial out of what models, policies and the best count."""

    excluded = True
    fields: ClassVar[dict[str, Parameter]] = dict(parameters.EXCLUDE)

    def post(self, request: Request, key: str, number: int) -> HttpResponse:
        why = self.document().get("reason", "")
        experiment, trial = self.found(key, number)
        if not trials.exclude(self.actor, experiment, [trial.key], excluded=self.excluded, why=why):
            raise Conflict(f"it has not ended: {trial.status}")
        return self.answer(rows.trials([trial.pk])[0])


class IncludeTrial(ExcludeTrial):
    """Count an excluded trial again."""

    excluded = False
    fields: ClassVar[dict[str, Parameter]] = {}


class RestartTrial(TrialView):
    """Start a new trial with the same parameters, unless one with them has succeeded."""

    creates = True

    def post(self, request: Request, key: str, number: int) -> HttpResponse:
        self.document()
        experiment, trial = self.found(key, number)

        def create() -> rows.Row:
            outcome = trials.restart(self.actor, experiment, [trial.key])[trial.key]
            if isinstance(outcome, str):
                raise Conflict(outcome)
            return rows.trials([outcome.pk])[0]

        return self.created(create)


class RestartFailed(TunebookView):
    """Start every failed trial again that was not yet."""

    def post(self, request: Request, key: str) -> HttpResponse:
        self.document()
        found = experiments.find(self.actor, key)

        def create() -> rows.Row:
            answers = trials.restart_failed(self.actor, found)
            made = [answer.pk for answer in answers.values() if isinstance(answer, Trial)]
            refused = {key: answer for key, answer in answers.items() if isinstance(answer, str)}
            return {"items": rows.trials(made), "refused": refused}

        return self.created(create, 200)


class Measurements(TrialView):
    """What a trial measured."""

    query = parameters.LIST_MEASUREMENTS
    operations = {"GET": "ListMeasurements"}

    def get(self, request: Request, key: str, number: int) -> HttpResponse:
        """List measurements by metric, attempt and step; `more` says whether another page follows."""
        asked = self.parameters
        _, trial = self.found(key, number)
        wanted = {"name": asked["metric"], "attempt": asked["attempt"]}
        known = Measurement.objects.filter(
            trial=trial, **{name: value for name, value in wanted.items() if value is not None}
        )
        start = (asked["page"] - 1) * asked["page_size"]
        found = list(known.order_by("name", "attempt", "source", "step")[start : start + asked["page_size"] + 1])
        items = [rows.measurement(row) for row in found[: asked["page_size"]]]
        more = len(found) > asked["page_size"]
        return self.answer({"items": items, "more": more, "page": asked["page"], "page_size": asked["page_size"]})


class TrialLogs(TrialView):
    """What a trial wrote."""

    query = parameters.LOGS
    operations = {"GET": "ListTrialLogs"}

    def get(self, request: Request, key: str, number: int) -> HttpResponse:
        """Read a log of an attempt by lines."""
        asked = self.parameters
        experiment, trial = self.found(key, number)
        attempt = asked["attempt"] or max(trial.attempt_count, 1)
        if asked["attempt"] and attempt > trial.attempt_count:
            raise Refusal("bad_parameter", f"there are {trial.attempt_count} attempts", field="attempt")
        folder = logs.attempt_folder(experiment.key, trial.number, attempt)
        page = logs.page([folder / FILES[asked["stream"]]], asked["page"], asked["page_size"])
        return self.listed(page.lines, page.total, attempt=attempt, stream=asked["stream"])
