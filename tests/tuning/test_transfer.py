"""Whole experiments as documents: out, in, and out again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from apps.artifacts.models import Remark
from apps.discussion.models import Comment, Note
from apps.experiments.models import Experiment
from apps.trials.models import Measurement, Trial
from apps.tuning import discussion, measuring, transfer
from apps.workspaces.access import Actor, NotAllowed
from apps.workspaces.models import Workspace
from tests.people import a_job
from tunebook.errors import SpecError

pytestmark = pytest.mark.django_db


def a_document(**members: Any) -> dict[str, Any]:
    """An experiment of three trials, as another Tunebook wrote it."""
    trials = [
        {
            "number": number,
            "params": {"x": 0.1 * number},
            "space_version": 1,
            "source": "model",
            "expected": 0.5,
            "status": "FINISHED" if number < 2 else "FAILED",
            "reason": "" if number < 2 else "exit code 1",
            "value": 3.0 - number if number < 2 else None,
            "created": "2026-01-02T03:04:05.000Z",
            "started": "2026-01-02T03:04:06.000Z",
            "ended": f"2026-01-02T03:0{5 + number}:00.000Z",
            "attempts": [{"number": 1, "host": "a", "state": "ENDED", "reason": "exited", "code": 0}],
            "series": [
                {
                    "attempt": 1,
                    "source": 0,
                    "name": "loss",
                    "points": [[0, 5.0, "2026-01-02T03:04:07.000Z"], [1, "NaN"], [2, 3.0 - number]],
                }
            ],
        }
        for number in range(3)
    ]
    experiment = {
        "name": "digits",
        "description": "from elsewhere",
        "accessibility": "PUBLIC",
        "tags": {"team": "vision"},
        "job": a_job().to_dict(),
        "seed": 7,
        "status": "FINISHED",
        "reason": "all trials have ended",
        "created": "2026-01-02T03:04:05.000Z",
        "started": "2026-01-02T03:04:06.000Z",
        "ended": "2026-01-02T04:00:00.000Z",
    }
    whole = {"format": "tunebook.experiment", "version": 1, "experiment": experiment, "spaces": [], "trials": trials}
    return {**whole, **members}


@pytest.fixture
def load(actor_ada: Actor, workspace: Workspace) -> Callable[..., Experiment]:
    def load(document: object) -> Experiment:
        found = transfer.load(actor_ada, document, workspace=workspace)
        found.refresh_from_db()
        return found

    return load


def dumped(experiment: Experiment) -> dict[str, Any]:
    found: dict[str, Any] = json.loads("".join(transfer.dump(experiment)))
    return found


def test_an_imported_experiment_has_its_counts_best_and_curves(load: Callable[..., Experiment]) -> None:
    experiment = load(a_document())

    trials = list(Trial.objects.filter(experiment=experiment).order_by("number"))
    assert (experiment.status, experiment.trial_count, experiment.counts) == (
        "FINISHED",
        3,
        {"FINISHED": 2, "FAILED": 1},
    )
    assert (experiment.best_value, experiment.best_trial, experiment.seed) == (2.0, 1, 7)
    assert experiment.spark == [[1, 3.0], [2, 2.0]]
    assert experiment.spent == 54 + 114 + 174
    assert [(trial.last_value, trial.last_step) for trial in trials] == [(3.0, 2), (2.0, 2), (1.0, 2)]
    assert Measurement.objects.filter(trial__in=trials).count() == 9


def test_what_is_exported_again_is_what_was_imported(load: Callable[..., Experiment]) -> None:
    first = dumped(load(a_document()))

    second = dumped(load(first))

    assert second == first
    assert first["trials"][0]["series"][0]["points"][1][1] == "NaN"
    assert first["experiment"]["tags"] == {"team": "vision"}


def test_steps_below_0_travel_along(load: Callable[..., Experiment]) -> None:
    document = a_document()
    document["trials"][0]["series"][0]["points"] = [[-3, 2.0], [-1, 1.0]]

    experiment = load(document)

    trial = Trial.objects.get(experiment=experiment, number=0)
    assert (trial.last_step, trial.last_value) == (-1, 1.0)
    points = dumped(experiment)["trials"][0]["series"][0]["points"]
    assert [point[:2] for point in points] == [[-3, 2.0], [-1, 1.0]]


def test_what_scripts_have_logged_travels_along(load: Callable[..., Experiment]) -> None:
    document = a_document()
    dataset = {"dataset": {"name": "wine", "digest": "d1"}, "tags": [{"key": "mlflow.data.context", "value": "eval"}]}
    logged = {"name": "good", "params": {"lr": "0.1"}, "tags": {"stage": "final", "empty": ""}, "datasets": [dataset]}
    document["trials"][1]["logged"] = logged

    experiment = load(document)

    first, second = dumped(experiment)["trials"][:2]
    assert "logged" not in first
    assert second["logged"] == logged
    assert Remark.objects.get(trial__experiment=experiment, kind="input").name == "wine d1"


@pytest.mark.parametrize(
    ("logged", "path"),
    [
        ([], "trials.0.logged"),
        ({"params": {"a": 1}}, "trials.0.logged.params.a"),
        ({"tags": {"x" * 251: ""}}, "trials.0.logged"),
        ({"params": {str(number): "" for number in range(2_001)}}, "trials.0.logged"),
        ({"datasets": [{}]}, "trials.0.logged.datasets.0.dataset"),
        ({"datasets": [{"dataset": {"name": ""}}]}, "trials.0.logged.datasets.0.dataset.name"),
    ],
)
def test_a_mistake_in_what_scripts_have_logged_is_named(
    load: Callable[..., Experiment], logged: Any, path: str
) -> None:
    document = a_document()
    document["trials"][0]["logged"] = logged

    with pytest.raises(SpecError) as caught:
        load(document)

    assert caught.value.path == path
    assert not Experiment.objects.exists()


def test_what_still_ran_is_cancelled_here(load: Callable[..., Experiment]) -> None:
    document = a_document()
    document["experiment"]["status"] = "RUNNING"
    document["trials"][0]["status"] = "RUNNING"

    experiment = load(document)

    assert (experiment.status, experiment.reason) == ("SYS_CANCELED", "it was RUNNING when it was exported")
    assert experiment.counts == {"FINISHED": 1, "FAILED": 1, "SYS_CANCELED": 1}
    assert experiment.has_ended
    assert experiment.ended is not None


def test_more_metrics_than_a_trial_may_have_are_refused(load: Callable[..., Experiment]) -> None:
    document = a_document()
    document["trials"][1]["series"] = [{"name": f"m{number}", "points": [[0, 1.0]]} for number in range(513)]

    with pytest.raises(SpecError, match="at most 512 metrics, got 513") as refused:
        load(document)

    assert refused.value.path == "trials.1.series"


def test_more_points_than_a_trial_may_have_are_refused(
    load: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MAX_POINTS", 10)
    document = a_document()
    document["trials"][1]["series"] = [
        {"name": name, "attempt": attempt, "points": [[step, 1.0] for step in range(3)]}
        for name in ("a", "b")
        for attempt in (1, 2)
    ]

    with pytest.raises(SpecError, match="at most 10 points, got 12") as refused:
        load(document)

    assert refused.value.path == "trials.1.series"


def wrong(path: str, value: Any) -> dict[str, Any]:
    document = a_document()
    *places, last = path.split(".")
    at: Any = document
    for place in places:
        at = at[int(place)] if isinstance(at, list) else at[place]
    at[int(last) if isinstance(at, list) else last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("format", "csv", "format"),
        ("version", 2, "format"),
        ("extra", 1, "extra"),
        ("experiment", None, "experiment"),
        ("experiment.job", {}, "experiment.job.space"),
        ("experiment.status", "DONE", "experiment.status"),
        ("experiment.created", "yesterday", "experiment.created"),
        ("experiment.seed", -1, "experiment.seed"),
        ("experiment.tags", {"team": 1}, "experiment.tags.team"),
        ("trials", {}, "trials"),
        ("trials.1.number", 0, "trials.1.number"),
        ("trials.0.number", -1, "trials.0.number"),
        ("trials.0.params", [], "trials.0.params"),
        ("trials.0.status", "OK", "trials.0.status"),
        ("trials.0.value", "high", "trials.0.value"),
        ("trials.0.attempts.0.number", 0, "trials.0.attempts.0.number"),
        ("trials.0.series.0.name", "", "trials.0.series.0.name"),
        ("trials.0.series.0.points.0", [1], "trials.0.series.0.points.0"),
        ("trials.0.series.0.points.0", [-(2**53), 2], "trials.0.series.0.points.0.step"),
        ("spaces", [{"number": 1, "space": {"x": {}}}], "spaces.0.space.x.type"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_stored(
    load: Callable[..., Experiment], path: str, value: Any, where: str
) -> None:
    with pytest.raises(SpecError) as refused:
        load(wrong(path, value))

    assert refused.value.path == where
    assert not Experiment.objects.exists()


def test_a_viewer_may_not_import(actor_ben: Actor, workspace: Workspace) -> None:
    with pytest.raises(NotAllowed):
        transfer.load(actor_ben, a_document(), workspace=workspace)


def test_what_was_written_travels_along(load: Callable[..., Experiment], actor_ada: Actor) -> None:
    one = load(a_document())
    trial = Trial.objects.get(experiment=one, number=1)
    for text in ("first", "second"):
        discussion.write_note(actor_ada, one, text)
        discussion.write_note(actor_ada, one, f"{text} of a trial", trial=trial)
    discussion.change_comment(actor_ada, discussion.comment(actor_ada, one, "said", trial=trial), "said better")
    discussion.delete_comment(actor_ada, discussion.comment(actor_ada, one, "taken back"))
    written = json.loads("".join(transfer.dump(one)))

    again = load(written)

    assert json.loads("".join(transfer.dump(again))) == written
    assert discussion.note_of(again).text == "second"
    assert [said.text for said in Comment.objects.filter(experiment=again)] == ["said better"]
    assert not Note.objects.filter(experiment=again, author__isnull=False).exists()


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"notes": [{"number": 1, "text": "x"}]}, "notes.0.username"),
        ({"notes": [{"number": 1, "text": "x", "username": "a"}] * 2}, "notes.1.number"),
        ({"notes": [{"number": 1, "text": "x", "username": "a", "trial": 99}]}, "notes.0.trial"),
        ({"comments": [{"text": 3, "username": "a"}]}, "comments.0.text"),
        ({"comments": [{"text": "x" * 10_001, "username": "a"}]}, "comments.0.text"),
        ({"comments": [{"text": "a\0", "username": "a"}]}, "comments.0.text"),
        ({"comments": [{"text": "a", "username": "a", "created": "soon"}]}, "comments.0.created"),
    ],
)
def test_a_mistake_in_what_was_written_is_named(load: Callable[..., Experiment], members: Any, path: str) -> None:
    with pytest.raises(SpecError) as refused:
        load({**a_document(), **members})

    assert refused.value.path == path
    assert not Experiment.objects.exists()
