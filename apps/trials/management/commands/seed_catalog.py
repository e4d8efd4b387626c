"""`manage.py seed_catalog`: a large catalog of ended experiments, for measuring lists and for looking at full pages."""

from __future__ import annotations

import json
import random
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, models, transaction
from django.utils import timezone

from apps.experiments import tally
from apps.experiments.models import COUNT_COLUMNS, Experiment, SpaceVersion, tag_text
from apps.tags.models import Tag
from apps.trials.models import Kind, Measurement, Trial
from apps.workspaces.models import LETTERS, Key, Member, Role, Workspace, random_name
from tunebook.status import ExperimentStatus, TrialStatus
from tunebook.wire import pai

BATCH = 2000
MODELS = ("resnet", "bert", "xgboost", "lstm", "unet", "svm", "forest", "ridge")
DATA = ("imagenet", "cifar", "reviews", "churn", "retina", "prices", "speech")
TAGS = {"team": ("vision", "language", "tabular"), "stage": ("draft", "final"), "data": DATA[:4]}
STATUSES = (
    (ExperimentStatus.FINISHED, 70),
    (ExperimentStatus.EARLY_STOPPED, 12),
    (ExperimentStatus.USER_CANCELED, 10),
    (ExperimentStatus.FAILED, 8),
)
KERNELS = ("linear", "rbf", "poly")
OUTCOMES = ((TrialStatus.FINISHED, 80), (TrialStatus.EARLY_STOPPED, 12), (TrialStatus.FAILED, 8))
CONFIGURATION: dict[str, Any] = {
    "platform_config": {"name": "LOCAL", "cmd": ["python3 train.py --lr ${lr} --depth ${depth} --kernel ${kernel}"]},
    "metric_config": {
        "metric_type": "stdout",
        "metric_source": ["cmd1"],
        "final_mode": "best",
        "metric_dict": {"loss=([0-9.]+)": 1},
    },
    "search_space": {
        "${lr}": {"_type": "loguniform", "_value": [0.0001, 0.1]},
        "${depth}": {"_type": "randint", "_value": [1, 12]},
        "${kernel}": {"_type": "choice", "_value": ["linear", "rbf", "poly"]},
    },
    "yml_config": {
        "trial_concurrency": 4,
        "max_trial_number": 100,
        "tuner": {"name": "TPE", "class_args": {"optimize_mode": "minimize"}},
    },
}


class Command(BaseCommand):
    help = "Fill a workspace with ended experiments and trials, and print a key for it as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--experiments", type=int, default=10_000, help="how many experiments (10000)")
        parser.add_argument("--trials", type=int, default=100_000, help="how many trials in all (100000)")
        parser.add_argument("--largest", type=int, default=20_000, help="trials of the largest experiment (20000)")
        parser.add_argument("--points", type=int, default=5, help="measurements per trial (5)")
        parser.add_argument("--workspace", default="seeded", help="the workspace, made when missing (seeded)")
        parser.add_argument("--user", default="seeder", help="who owns it all, made when missing (seeder)")
        parser.add_argument("--seed", type=int, default=1, help="of the random numbers (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        number, trials, largest = options["experiments"], options["trials"], options["largest"]
        if min(number, largest) < 1 or trials < largest or options["points"] < 0:
            raise CommandError("--experiments and --largest must be at least 1, --trials at least --largest")
        began = time.monotonic()
        workspace, user = _place(options["workspace"], options["user"])
        seeder = Seeder(random.Random(options["seed"]), workspace, user, options["points"])
        first = ""
        for batch in seeder.batches(number, trials, largest):
            first = first or batch[0].key
        with transaction.atomic():
            tally.rebuild()
        tell_the_planner()
        issued = Key.objects.issue(user=user, workspace=workspace, role=Role.ADMIN, name="seed_catalog")
        answer = {
            "workspace": workspace.slug,
            "largest": first,
            "access_key_id": issued.access_key_id,
            "access_key_secret": issued.access_key_secret,
            "token": issued.token,
            "seconds": round(time.monotonic() - began, 1),
        }
        self.stdout.write(json.dumps(answer))


def tell_the_planner() -> None:
    """Let the database look at what was poured in, as it would by itself after a while."""
    with connection.cursor() as cursor:
        vacuum = connection.vendor == "postgresql" and not connection.in_atomic_block
        cursor.execute("VACUUM ANALYZE" if vacuum else "ANALYZE")


class Seeder:
    """Makes experiments in batches, each with its trials and measurements, one transaction per batch."""

    def __init__(self, dice: random.Random, workspace: Workspace, user: Any, points: int) -> None:
        self.dice, self.workspace, self.user, self.points = dice, workspace, user, points
        self.job = pai.load(CONFIGURATION)
        self.document = self.job.to_dict()
        self.submitted = json.dumps(CONFIGURATION)
        self.metric = self.job.objective.name
        self.now = timezone.now()
        # keys drawn by chance would meet each other among so many
        self.prefix, self.made = random_name(4), 0
        pairs = [(key, value) for key, values in TAGS.items() for value in values]
        Tag.objects.bulk_create([Tag(workspace=workspace, key=k, value=v) for k, v in pairs], ignore_conflicts=True)
        self.tags = list(Tag.objects.filter(workspace=workspace))
        self.tagged: dict[str, list[Tag]] = {}

    def batches(self, number: int, trials: int, largest: int) -> Iterator[list[Experiment]]:
        """Store the experiments, the largest first, and give each batch when it is stored."""
        batch: list[tuple[Experiment, list[Trial]]] = []
        size = 0
        for index, count in enumerate(self._spread(number, trials, largest)):
            made = [self._trial(place) for place in range(count)]
            batch.append((self._experiment(index, number, made), made))
            size += count
            if size >= BATCH or len(batch) >= BATCH:
                yield self._store(batch)
                batch, size = [], 0
        if batch:
            yield self._store(batch)

    def _spread(self, number: int, trials: int, largest: int) -> list[int]:
        """Trials per experiment: the largest first, the rest uneven."""
        weights = [self.dice.expovariate(1.0) for _ in range(number - 1)]
        total = sum(weights)
        counts = [largest, *(int((trials - largest) * weight / total) for weight in weights)]
        for index in range(trials - sum(counts)):
            counts[1 + index % (number - 1) if number > 1 else 0] += 1
        return counts

    def _trial(self, number: int) -> Trial:
        dice = self.dice
        status = _pick(dice, OUTCOMES)
        value = round(1 / (1 + number * dice.random()) + dice.random(), 6) if status != TrialStatus.FAILED else None
        at = self.now - timedelta(seconds=dice.randrange(31_000_000))
        params = {"lr": dice.uniform(0.0001, 0.1), "depth": dice.randrange(1, 12), "kernel": dice.choice(KERNELS)}
        self.made += 1
        return Trial(
            key=self.prefix + _letters(self.made),
            number=number,
            params=params,
            source="model" if number > 20 else "start-up",
            status=status,
            value=value if status == TrialStatus.FINISHED else None,
            last_value=value,
            best_value=value,
            last_step=self.points - 1 if self.points else None,
            attempt_count=1,
            created=at,
            modified=at,
            started=at,
            ended=at + timedelta(minutes=3),
        )

    def _experiment(self, index: int, number: int, trials: list[Trial]) -> Experiment:
        dice = self.dice
        at: datetime = self.now - timedelta(seconds=31_000_000 * (index + dice.random()) / number)
        experiment = Experiment(
            workspace=self.workspace,
            creator=self.user,
            name=f"{dice.choice(MODELS)} on {dice.choice(DATA)} {index}",
            description="made by seed_catalog",
            accessibility=dice.choice(("PUBLIC", "PUBLIC", "PRIVATE")),
            dialect="native",
            submitted=self.submitted,
            job=self.document,
            seed=index,
            sampler="tpe",
            goal="minimize",
            metric=self.metric,
            max_trials=100,
            max_concurrent=4,
            status=_pick(dice, STATUSES),
            created=at,
            modified=at + timedelta(seconds=dice.randrange(100_000)),
            started=at,
            ended=at + timedelta(seconds=100_000),
            trial_count=len(trials),
            spent=sum(trial.took for trial in trials),
        )
        tags = list({tag.key: tag for tag in dice.sample(self.tags, dice.randrange(4))}.values())
        self.tagged[experiment.key] = tags
        experiment.tagged = tag_text((tag.key, tag.value) for tag in tags)
        for trial in trials:
            column = COUNT_COLUMNS[trial.status]
            setattr(experiment, column, getattr(experiment, column) + 1)
            if trial.value is not None and (experiment.best_value is None or trial.value < experiment.best_value):
                experiment.best_value, experiment.best_trial = trial.value, trial.number
                experiment.spark = [*experiment.spark[-31:], [trial.number + 1, trial.value]]
        return experiment

    def _store(self, batch: list[tuple[Experiment, list[Trial]]]) -> list[Experiment]:
        experiments = [experiment for experiment, _ in batch]
        with transaction.atomic():
            _insert(Experiment, experiments)
            _insert(SpaceVersion, (self._space(experiment) for experiment in experiments))
            _insert(Experiment.tags.through, self._taggings(experiments))
            trials = []
            for experiment, made in batch:
                for trial in made:
                    trial.experiment = experiment
                trials += made
            _insert(Trial, trials)
            self._measure(trials)
        return experiments

    def _space(self, experiment: Experiment) -> SpaceVersion:
        return SpaceVersion(experiment=experiment, number=1, space=self.document["space"], author=self.user)

    def _taggings(self, experiments: Iterable[Experiment]) -> Iterator[Any]:
        for experiment in experiments:
            for tag in self.tagged.pop(experiment.key):
                yield Experiment.tags.through(experiment_id=experiment.pk, tag_id=tag.pk)

    def _measure(self, trials: Iterable[Trial]) -> None:
        """Store the curves as plain rows: they are most of what there is, and model objects would take most of the time."""
        names = ("trial_id", "attempt", "source", "name", "step", "value", "kind", "at")
        columns = ", ".join(connection.ops.quote_name(name) for name in names)
        table = connection.ops.quote_name(Measurement._meta.db_table)
        places = ", ".join(["%s"] * len(names))
        with connection.cursor() as cursor:
            rows = [row for trial in trials for row in self._curve(trial)]
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows)

    def _curve(self, trial: Trial) -> Iterator[tuple[Any, ...]]:
        if trial.last_value is None:
            return
        at = connection.ops.adapt_datetimefield_value(trial.created)
        for step in range(self.points):
            value = trial.last_value + 0.1 * (self.points - 1 - step)
            yield trial.pk, 1, 0, self.metric, step, value, Kind.FINITE.value, at


def _place(slug: str, username: str) -> tuple[Workspace, Any]:
    workspace, _ = Workspace.objects.get_or_create(slug=slug, defaults={"name": slug})
    user, _ = get_user_model().objects.get_or_create(username=username)
    Member.objects.get_or_create(workspace=workspace, user=user, defaults={"role": Role.ADMIN})
    return workspace, user


def _insert(model: type[models.Model], rows: Iterable[Any]) -> None:
    model._default_manager.bulk_create(rows, batch_size=BATCH)


def _letters(number: int) -> str:
    """A number in as few letters and digits as it takes."""
    text = ""
    while number:
        number, rest = divmod(number, len(LETTERS))
        text += LETTERS[rest]
    return text


def _pick(dice: random.Random, table: tuple[tuple[Any, int], ...]) -> Any:
    return dice.choices([word for word, _ in table], [weight for _, weight in table])[0]
