"""Samplers that send trials on - Hyperband, halving, populations - driving whole experiments with recordings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.optimizer.executors.base import LaunchSpec
from apps.optimizer.executors.replay import Recording
from tests.optimizer.conftest import Theatre
from tunebook.command import Command
from tunebook.limits import Limits
from tunebook.sampling import Sampling

pytestmark = pytest.mark.django_db
Stage = Callable[..., Theatre]
FOUR = Limits(max_trials=200, max_concurrent=4)


def converging(spec: LaunchSpec) -> Recording:
    """A trial that gets closer to its x with each epoch."""
    epochs = spec.params["epochs"]
    return Recording(points=[{"loss": spec.params["x"] + 1 / (epoch + 1)} for epoch in range(epochs)])


def budgeted(name: str, **options: object) -> Sampling:
    return Sampling(name, {"resource": "epochs", "max_resource": 9, **options}, seed=1)


def test_hyperband_drives_an_experiment_to_its_end(theatre: Stage) -> None:
    stage = theatre(sampling=budgeted("hyperband", rounds=1), limits=FOUR, recording=converging)

    stage.play()

    trials = stage.trials()
    assert stage.experiment.status == "FINISHED"
    assert Counter(trial.params["epochs"] for trial in trials) == {1: 9, 3: 3 + 5, 9: 1 + 1 + 3}
    for trial in trials:
        if trial.source == "promoted":
            before = trials[trial.parent]
            assert (before.params["x"], before.params["epochs"] * 3) == (trial.params["x"], trial.params["epochs"])


def test_hyperband_goes_on_where_another_optimizer_stopped(theatre: Stage) -> None:
    stage = theatre(sampling=budgeted("hyperband", rounds=1), limits=FOUR, recording=converging)

    for _ in range(400):
        stage.turn()
        if stage.experiment.has_ended:
            break
        stage.driver = None

    assert Counter(trial.params["epochs"] for trial in stage.trials()) == {1: 9, 3: 8, 9: 5}


def test_the_budget_fills_the_command(theatre: Stage) -> None:
    stage = theatre(
        sampling=budgeted("halving"),
        limits=Limits(max_trials=1),
        recording=converging,
        command=Command(steps=("train --epochs ${epochs}",)),
    )

    stage.play()

    (playing,) = stage.world.playing.values()
    assert playing.spec.steps == ["train --epochs 1"]
    assert playing.spec.environment["TUNEBOOK_PARAM_epochs"] == "1"


def test_bohb_drives_an_experiment(theatre: Stage) -> None:
    stage = theatre(sampling=budgeted("bohb", rounds=2), limits=FOUR, recording=converging)

    stage.play()

    assert stage.experiment.status == "FINISHED"
    assert {"random", "model", "promoted"} <= {trial.source for trial in stage.trials()}


def test_a_population_hands_its_checkpoints_on(theatre: Stage, tmp_path: Path) -> None:
    def trained(spec: LaunchSpec) -> Recording:
        """Its state is the sum of all x on the way to it."""
        parent = spec.environment.get("TUNEBOOK_PARENT_CHECKPOINT_DIR")
        state = float((Path(parent) / "state").read_text()) if parent else 0.0
        state += spec.params["x"]
        (Path(spec.environment["TUNEBOOK_CHECKPOINT_DIR"]) / "state").write_text(str(state))
        return Recording(points=[{"loss": state}])

    stage = theatre(
        sampling=Sampling("pbt", {"population_size": 4, "generations": 3}, seed=1), limits=FOUR, recording=trained
    )
    stage.play()

    trials = stage.trials()
    assert stage.experiment.status == "FINISHED"
    assert len(trials) == 12
    for trial in trials[4:]:
        assert trial.value == pytest.approx(trials[trial.parent].value + trial.params["x"])
    first = stage.world.playing[stage.launched()[0]].spec
    key = stage.experiment.key
    assert first.environment["TUNEBOOK_CHECKPOINT_DIR"] == f"{tmp_path}/trials/{key}/0/checkpoint"


def test_a_population_finds_its_folders_as_parameters_too(theatre: Stage, tmp_path: Path) -> None:
    stage = theatre(
        sampling=Sampling("pbt", {"population_size": 2, "all_checkpoint_dir": str(tmp_path / "kept")}, seed=1),
        limits=Limits(max_trials=3, max_concurrent=2),
        command=Command(steps=(["train", "--load", "${load_checkpoint_dir}"],)),
    )

    stage.play()

    last = stage.trials()[2]
    spec = stage.world.playing[stage.launched()[2]].spec
    kept = tmp_path / "kept" / stage.experiment.key
    assert spec.params["load_checkpoint_dir"] == str(kept / str(last.parent))
    assert spec.params["save_checkpoint_dir"] == str(kept / "2")
    assert spec.steps == [["train", "--load", str(kept / str(last.parent))]]
    assert json.dumps(last.params) == json.dumps({"x": last.params["x"]})


def test_trials_that_go_on_from_none_have_no_folders(theatre: Stage) -> None:
    stage = theatre(limits=Limits(max_trials=1))

    stage.play()

    (playing,) = stage.world.playing.values()
    assert "TUNEBOOK_CHECKPOINT_DIR" not in playing.spec.environment


def test_a_listed_set_may_name_what_the_space_does_not(theatre: Stage) -> None:
    listed = [{"x": 0.5}, {"x": 0.25, "decay": 2}]
    stage = theatre(sampling=Sampling("experiments", {"experiments": listed}), limits=FOUR)

    stage.play()

    assert stage.experiment.status == "FINISHED"
    assert [trial.params for trial in stage.trials()] == listed


def test_an_experiment_without_gain_ends_early_and_says_so(theatre: Stage) -> None:
    stage = theatre(
        limits=Limits(max_trials=100, max_concurrent=2, patience=5),
        recording=lambda spec: Recording(points=[{"loss": 1.0}]),
    )

    stage.play()

    assert stage.experiment.status == "EARLY_STOPPED"
    assert "trials brought nothing better than 1 of trial 0" in stage.experiment.reason
    assert 6 <= stage.experiment.trial_count < 12
