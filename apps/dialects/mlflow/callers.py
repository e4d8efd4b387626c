"""Who calls: a trial by its attempt's token, which may log to its own run, or the holder of a workspace key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone

from apps.dialects.refusal import Refusal
from apps.experiments.models import Experiment
from apps.trials.models import Attempt, Trial
from apps.tuning.reporting import LATE
from apps.workspaces.access import Actor, OutOfReach, actor_of_key, require, usable_key
from apps.workspaces.authentication import bearer_token
from apps.workspaces.models import hash_token

MOST_TOKEN = 512
# The name of a trial among Azure's jobs, whose scripts hand it on to MLflow as the best run of a sweep.
CHILD = re.compile(r"(?P<job>.+)_(?P<number>0|[1-9]\d{0,8})")
HOW = "send the token as 'Authorization: Bearer <token>'; MLflow's client takes it from MLFLOW_TRACKING_TOKEN"
ONLY_TRIALS = (
    "runs are made by Tunebook's trials: put the script into an experiment's command, where MLFLOW_RUN_ID and a token "
    "are set for it. A workspace key reads runs here, and may tag them"
)


@dataclass(frozen=True)
class Run:
    """A trial as a run, and who asks for it. `token` is empty unless the trial itself asks."""

    trial: Trial
    attempt: int
    token: str = ""

    @property
    def experiment(self) -> Experiment:
        return self.trial.experiment


@dataclass(frozen=True)
class TrialCaller:
    """A training script in its trial."""

    run: Run

    def find(self, run_id: str) -> Run:
        """Its own run; to it there is no other. No query."""
        if run_id != self.run.trial.key:
            raise OutOfReach("run", run_id[:80])
        return self.run

    def find_to_change(self, run_id: str) -> Run:
        return self.find(run_id)

    def find_to_log(self, run_id: str) -> Run:
        return self.find(run_id)

    def experiment(self, key: str) -> Experiment:
        """Its own experiment, whatever id it asks for by: a script may have set one before it joined its run."""
        return self.run.experiment


@dataclass(frozen=True)
class KeyCaller:
    """The holder of a key: reads what its actor may see, and changes tags and files where it may edit."""

    actor: Actor

    def find(self, run_id: str) -> Run:
        """A run within reach, by its id or as Azure's jobs tell it: `sweep_3` for trial 3. One query, or two."""
        visible = Experiment.objects.visible_to(self.actor).kept()
        rows = Trial.objects.filter(experiment__in=visible)
        rows = rows.select_related("experiment__creator").defer("experiment__submitted")
        trial = rows.filter(key=run_id).first() if len(run_id) <= 16 else None
        child = CHILD.fullmatch(run_id[:300]) if trial is None else None
        if child is not None:
            trial = rows.filter(self._of_job(child["job"]), number=int(child["number"])).first()
        if trial is None:
            raise OutOfReach("run", run_id[:80])
        return Run(trial, max(trial.attempt_count, 1))

    def _of_job(self, job: str) -> Q:
        named = Q(experiment__arm_job__name=job, experiment__arm_job__workspace__in=self.actor.roles)
        return named & Q(experiment__workspace=F("experiment__arm_job__workspace")) | Q(experiment__key=job)

    def find_to_change(self, run_id: str) -> Run:
        """A run whose tags and files this key may change."""
        run = self.find(run_id)
        require(self.actor, run.experiment.workspace_id, "edit")
        return run

    def find_to_log(self, run_id: str) -> Run:
        """What only the trial itself may do."""
        self.find(run_id)
        raise Refusal("not_allowed", ONLY_TRIALS, status=403)

    def experiment(self, key: str) -> Experiment:
        """An experiment within reach, also one in the trash. One query."""
        visible = Experiment.objects.visible_to(self.actor).lean() if len(key) <= 16 else Experiment.objects.none()
        found = visible.filter(key=key).first()
        if found is None:
            raise OutOfReach("experiment", key[:80])
        return found


Caller = TrialCaller | KeyCaller


def caller_of(http: HttpRequest) -> Caller:
    """The caller by its token: one query for a trial, two for a key."""
    token = bearer_token(http)
    if not token:
        raise Refusal("unauthenticated", HOW, status=401)
    if len(token) > MOST_TOKEN or not token.isascii():
        raise Refusal("unauthenticated", "this is no token of ours", status=401)
    run = _run_of(token)
    if run is not None:
        return TrialCaller(run)
    found = usable_key(token=token)
    if found is None:
        raise Refusal("unauthenticated", "the token is unknown, expired or revoked", status=401)
    actor = actor_of_key(*found)
    if not actor.roles:
        raise Refusal("not_allowed", "the holder of this key is no member of its workspace any more", status=403)
    return KeyCaller(actor)


def _run_of(token: str) -> Run | None:
    rows = Attempt.objects.filter(token_hash=hash_token(token))
    related = rows.select_related("trial__experiment__creator")
    found = related.defer("trial__experiment__job", "trial__experiment__submitted").first()
    if found is None:
        return None
    trial = found.trial
    if found.fenced or found.number != trial.attempt_count:
        raise Refusal("fenced", f"attempt {found.number} of trial {trial.number} was superseded", status=403)
    if found.ended is not None and found.ended < timezone.now() - LATE:
        raise Refusal("fenced", f"trial {trial.number} has ended; its token is not valid any more", status=403)
    return Run(trial, found.number, token)
