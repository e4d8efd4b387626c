"""Tasks, trainings and algorithms by the names that this dialect calls them by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from apps.dialects.wmla.models import Algorithm, Submission
from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.access import Actor, OutOfReach
from apps.workspaces.models import Workspace
from tunebook.status import TrialStatus
from tunebook.wire import wmla

DIALECT = "wmla"
DOCUMENTS = ("experiment__job", "experiment__spark", "experiment__submitted")


def submissions(actor: Actor, kind: str) -> QuerySet[Submission]:
    """What this actor may see of one kind, the newest first; without what was deleted here or lies in the trash."""
    # asked for each row, so that the newest few are found without a list of all that can be seen
    seen = Exists(Experiment.objects.visible_to(actor).kept().filter(pk=OuterRef("experiment")))
    rows = Submission.objects.filter(seen, kind=kind, gone=False)
    related = rows.select_related("experiment", "experiment__workspace", "experiment__creator")
    return related.defer("experiment__job", "experiment__spark").order_by("-pk")


def task(actor: Actor, name: str) -> Submission:
    """The task of that name. One query."""
    found = submissions(actor, Submission.Kind.TASK).filter(name=name).first()
    if found is None:
        raise OutOfReach("hypersearch task", name)
    return found


def holds_name(workspace: Workspace, name: str) -> bool:
    """Whether a task of that name is there; one that somebody has moved to the trash gives its name away. Two queries."""
    known = Submission.objects.filter(workspace=workspace, name=name, gone=False)
    known.filter(experiment__trashed=True).update(gone=True)
    return known.exists()


def algorithms(actor: Actor) -> QuerySet[Algorithm]:
    """The installed algorithms of the actor's workspaces, in the order of their installation."""
    return (
        Algorithm.objects.filter(workspace__in=list(actor.roles)).select_related("creator", "snapshot").order_by("pk")
    )


@dataclass(frozen=True)
class Training:
    """One training: a trial of a task, or a submitted one, whose trial may not be there yet."""

    experiment: Experiment
    trial: Trial | None
    submission: Submission | None

    @property
    def key(self) -> str:
        if self.submission is not None and self.submission.kind == Submission.Kind.EXEC:
            return self.experiment.key
        return self.trial.key if self.trial is not None else self.experiment.key

    @property
    def status(self) -> str:
        """The trial's; a training submitted alone has ended only when it can be deleted."""
        if self.trial is None:
            return self.experiment.status
        is_closing = self.is_single and self.trial.has_ended and not self.experiment.has_ended
        return TrialStatus.RUNNING if is_closing else self.trial.status

    @property
    def is_single(self) -> bool:
        """Whether it was submitted alone and so can be deleted alone."""
        return self.submission is not None and self.submission.kind == Submission.Kind.EXEC

    def record(self) -> dict[str, Any]:
        """The training's record."""
        submission = self.submission
        return wmla.training(
            self.key,
            name=self.experiment.name,
            status=self.status,
            args=submission.args if submission else "",
            group=(submission.group if submission else "") or self.experiment.workspace.slug,
            framework=submission.framework if submission else "",
            creator=self.experiment.creator.get_username(),
            created=self.trial.created if self.trial else self.experiment.created,
        )


def training(actor: Actor, app_id: str) -> Training:
    """The training of that id: of a submitted one, or of a task's trial, also when the task was deleted. Two queries."""
    key = app_id.removeprefix(wmla.PREFIX)
    seen = Experiment.objects.visible_to(actor).filter(dialect=DIALECT)
    alone = Submission.objects.filter(kind=Submission.Kind.EXEC, gone=False, experiment__in=seen, experiment__key=key)
    found = alone.select_related("experiment", "experiment__workspace", "experiment__creator").first()
    if found is not None:
        trial = Trial.objects.filter(experiment=found.experiment).order_by("-number").first()
        return Training(found.experiment, trial, found)
    rows = Trial.objects.filter(key=key, experiment__in=seen)
    related = ("experiment", "experiment__workspace", "experiment__creator", "experiment__wmla")
    trial = rows.select_related(*related).first()
    if trial is None:
        raise OutOfReach("exec", app_id)
    return Training(trial.experiment, trial, getattr(trial.experiment, "wmla", None))


def trainings(actor: Actor, most: int) -> list[Training]:
    """The newest trainings, submitted ones before those of tasks. Two queries."""
    alone = list(submissions(actor, Submission.Kind.EXEC).defer(*DOCUMENTS)[:most])
    of_alone = Trial.objects.filter(experiment__in=[one.experiment_id for one in alone]).order_by("number")
    trials = {trial.experiment_id: trial for trial in of_alone}
    found = [Training(one.experiment, trials.get(one.experiment_id), one) for one in alone]
    left = most - len(found)
    if left > 0:
        seen = Experiment.objects.visible_to(actor).kept().filter(dialect=DIALECT, wmla__kind=Submission.Kind.TASK)
        related = ("experiment", "experiment__workspace", "experiment__creator", "experiment__wmla")
        of_tasks = Trial.objects.filter(experiment__in=seen).select_related(*related).defer("params", *DOCUMENTS)
        found += [Training(one.experiment, one, one.experiment.wmla) for one in of_tasks.order_by("-pk")[:left]]
    return found
