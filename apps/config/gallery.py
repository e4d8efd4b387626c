"""A catalog to take pictures of: made-up sweeps that are the same every time, stored through the import verb."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.experiments.models import Experiment
from apps.insights import keeping
from apps.insights.models import Insight, State
from apps.tuning import discussion, transfer
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tunebook.command import Command
from tunebook.distributions import Choice, LogUniform, QUniform, Randint, Uniform
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.objective import Metric, Objective
from tunebook.sampling import Sampling
from tunebook.space import Space

NAMES = (
    ("resnet-cifar", 120, "tpe", "vision"),
    ("resnet-cifar-wide", 90, "random", "vision"),
    ("resnet-cifar-sobol", 64, "sobol", "vision"),
    ("speech-encoder", 48, "tpe", "audio"),
    ("ranking-with-a-long-name-that-has-to-be-shortened-somewhere", 30, "tpe", "search"),
    ("fraud-boosting", 200, "tpe", "tabular"),
    ("first-try", 6, "random", "vision"),
)
NOTE = "# What we look for\nA learning rate that **survives** large batches.\n\n- start from the schedule of last month\n- `batch_size` above 512 runs out of memory"
EPOCHS = 12


def hang(actor: Actor, workspace: Workspace) -> list[Experiment]:
    """Store the sweeps; the first has a note and a comment."""
    made = [
        transfer.load(actor, document(name, count, sampler, team), workspace=workspace)
        for name, count, sampler, team in NAMES
    ]
    discussion.write_note(actor, made[0], NOTE)
    discussion.comment(actor, made[0], "Trial 57 is the one to keep.")
    return made


def understand(shown: list[Experiment], patience: float = 120.0) -> None:
    """Ask for what can be found out about the sweeps, and wait for the running optimizer to work it out."""
    keeping.want_first(shown)
    end = time.monotonic() + patience
    while Insight.objects.filter(state__in=(State.WANTED, State.WORKING)).exists() and time.monotonic() < end:
        time.sleep(0.2)


def document(name: str, count: int, sampler: str, team: str) -> dict[str, Any]:
    """One sweep as another Tunebook would have exported it."""
    space = Space(
        {
            "lr": LogUniform.between(1e-4, 1.0),
            "batch_size": QUniform(32, 1024, 32),
            "depth": Randint(9, 2),
            "dropout": Uniform(0.0, 0.6),
            "optimizer": Choice(("sgd", "adam", "lamb")),
        }
    )
    job = Job(
        space=space,
        objective=Objective("minimize", (Metric("loss"),)),
        command=Command(steps=("python train.py --lr ${lr} --depth ${depth}",)),
        sampling=Sampling(sampler),
        limits=Limits(max_trials=count, max_concurrent=4),
    )
    began = datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(days=len(name) % 7)
    trials = list(_trials(space, count, random.Random(name), began, sampler == "tpe"))
    return {
        "format": "tunebook.experiment",
        "version": 1,
        "experiment": {
            "name": name, "description": "Made up, for pictures.", "accessibility": "PUBLIC", "tags": {"team": team},
            "job": job.to_dict(), "seed": 7, "status": "FINISHED", "reason": "all trials have ended",
            "created": began.isoformat(), "started": began.isoformat(), "ended": trials[-1]["ended"],
        },
        "trials": trials,
    }  # fmt: skip


def _trials(space: Space, count: int, draw: random.Random, began: datetime, learns: bool) -> Iterator[dict[str, Any]]:
    """Trials whose loss follows mostly the learning rate; a sampler that learns comes closer with time."""
    for number in range(count):
        params = space.sample(draw)
        if learns and number > 10:
            params["lr"] = math.exp(draw.gauss(math.log(0.03), 2.5 * (1 - number / count) + 0.3))
            params["lr"] = min(max(params["lr"], 1e-4), 1.0)
        started = began + timedelta(minutes=4 * (number // 4), seconds=number % 4)
        fails = params["batch_size"] > 832 and number % 3 > 0
        goal = (
            0.05 + 0.08 * abs(math.log10(params["lr"]) + 1.5) + 0.02 * abs(params["depth"] - 5) + draw.random() * 0.03
        )
        steps = 0 if fails else EPOCHS
        points = [[step, goal + 0.9 * math.exp(-step / 2.5)] for step in range(steps)]
        yield {
            "number": number, "params": params, "source": "model" if learns and number > 10 else "start-up",
            "status": "FAILED" if fails else "FINISHED", "reason": "exit code 1: out of memory" if fails else "",
            "value": points[-1][1] if points else None,
            "created": started.isoformat(), "started": started.isoformat(),
            "ended": (started + timedelta(seconds=40 if fails else 150 + 60 * draw.random())).isoformat(),
            "attempts": [{"number": 1, "host": "gpu-1", "state": "ENDED", "reason": "exited", "code": int(fails)}],
            "series": [{"attempt": 1, "source": 0, "name": "loss", "points": points}] if points else [],
        }  # fmt: skip
