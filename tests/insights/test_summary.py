"""Sentences say what is in the data, and lead to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.experiments.models import Experiment
from apps.insights import keeping, spaces, summary
from apps.insights.failures import failures
from apps.insights.neighbours import neighbours
from apps.trials.models import Trial
from tests.dashboard.trials import with_trials
from tests.insights.studies import SPACE, study
from tests.insights.test_keeping import worked_out
from tunebook import Space
from tunebook.distributions import Choice, LogUniform, Randint, Uniform
from tunebook.job import Job
from tunebook.optimize import Optimizer

Make = Callable[..., Experiment]
pytestmark = pytest.mark.django_db


def said(experiment: Experiment) -> list[str]:
    job = Job.from_dict(experiment.job)
    top = summary.best_ten(experiment, job.space)
    return [one.text for one in summary.summary(experiment, job, keeping.newest(experiment), top)]


def test_a_second_best_that_reads_the_same_is_as_good(make_experiment: Make):
    one = make_experiment()
    with_trials(one, "FINISHED", "FINISHED", value=0.08333333)
    Trial.objects.filter(number=1).update(value=0.08333334)

    assert said(one)[0] == "The best loss is 0.08333, from trial 0; trial 1 comes next and is as good."


def test_the_summary_tells_best_importance_regions_and_failures(make_experiment: Make):
    one = study(make_experiment, 120)
    worked_out(one)

    text = "\n".join(said(one))

    assert f"The best loss is {one.best_value:.4g}, from trial {one.best_trial}; next is trial" in text
    assert "lr explains" in text
    assert "The ten best trials have lr from 0.0" in text
    failed = one.failed_count
    assert f"All {failed} failures have depth ≥ 7; of the" in text
    assert f"trials tried there, {failed} failed." in text


def test_every_sentence_has_its_evidence(make_experiment: Make):
    one = study(make_experiment, 120)
    worked_out(one)
    job = Job.from_dict(one.job)

    told = summary.summary(one, job, keeping.newest(one), summary.best_ten(one, job.space))

    assert {(sentence.kind, sentence.at) for sentence in told} >= {
        ("trial", str(one.best_trial)),
        ("chart", "importance"),
        ("chart", "slice lr"),
        ("trials", "status:failed depth>=7"),
    }


def test_nothing_is_said_before_there_is_a_result(make_experiment: Make):
    assert said(make_experiment()) == []


def test_what_auto_asked_last_is_told_with_why(make_experiment: Make):
    one = make_experiment()
    Experiment.objects.filter(pk=one.pk).update(sampler="auto")
    one.refresh_from_db()
    with_trials(one, "RUNNING", "RUNNING")
    (continuous, *_), (listed, *_) = (
        Optimizer(space, seed=7).suggest() for space in ({"x": Uniform(0, 1)}, {"n": Randint(3)})
    )
    for number, suggestion in enumerate((listed, continuous)):
        Trial.objects.filter(experiment=one, number=number).update(note=suggestion.note)
    job = Job.from_dict(one.job)

    now, then = (summary.summary(one, job, keeping.newest(one), [], upto) for upto in (None, 0))

    assert [(told.text, told.at) for told in now] == [
        ("The sampler auto asked bayesian for trial 1: it makes the most of few results.", "1")
    ]
    assert [told.text for told in then] == [
        "The sampler auto asked grid for trial 0: the space has only 3 parameter sets."
    ]


def test_one_result_is_the_only_one(make_experiment: Make):
    one = study(make_experiment, 2)
    one.trials.exclude(number=one.best_trial).update(value=None, status="FAILED")

    assert any("the only one that has succeeded" in text for text in said(one))


def test_best_values_at_an_edge_suggest_a_wider_range():
    space = Space({"x": Uniform(0.0, 1.0)})
    top = [summary.Top(number, number / 100, {"x": 1 - number / 1000}) for number in range(10)]

    (sentence,) = summary._regions(space, top, keeping.Known(None, None))

    assert (
        sentence.text
        == "The ten best trials have x from 0.991 to 1, 1% of its range, at its edge: a wider range may hold better ones."
    )


def test_failures_are_one_group_when_only_numbers_differ(make_experiment: Make):
    one = study(make_experiment, 60)
    one.trials.filter(status="FAILED", number=one.trials.filter(status="FAILED").first().number).update(reason="killed")
    worked_out(one)

    groups = failures(one, keeping.newest(one))

    assert [group.number for group in groups] == [one.failed_count - 1, 1]
    assert groups[0].rule is not None
    assert groups[1].reason == "killed"
    assert groups[1].rule is None


def test_strips_count_what_was_tried_and_mark_the_best(make_experiment: Make):
    one = study(make_experiment, 80)
    top = summary.best_ten(one, SPACE)

    strips, looked_at = spaces.strips(one, SPACE, top)

    lr, depth, kind, nested = strips
    assert looked_at == 80
    assert [strip.name for strip in strips] == ["lr", "depth", "kind", "kind.C"]
    assert sum(lr.counts) == sum(kind.counts) == 80
    assert all(0.35 < place < 0.65 for place in lr.best)
    assert len(depth.counts) == 8
    assert kind.labels == ("svm", "bayes")
    assert nested.tried == kind.counts[0]
    assert nested.condition == "only if kind is svm"


def test_an_even_choice_stands_for_many_trials(make_experiment: Make):
    one = study(make_experiment, 4_100)

    _, looked_at = spaces.strips(one, SPACE, [])

    assert looked_at == 1_367  # every third


def test_strips_of_many_parameters_look_at_fewer_trials(make_experiment: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = study(make_experiment, 120)
    monkeypatch.setattr(spaces, "MOST_VALUES", 160)  # of four parameters, nested ones counted

    strips, looked_at = spaces.strips(one, SPACE, [])

    assert looked_at == 40
    assert [sum(strip.counts) for strip in strips] == [strip.tried for strip in strips]


def test_a_preview_counts_what_stays_usable(make_experiment: Make):
    one = study(make_experiment, 80)
    narrow = Space({**SPACE, "depth": Randint(5, 1)})
    outside = sum(trial.params["depth"] > 4 for trial in one.trials.all())

    left = spaces.usable(one, narrow)

    assert (left.total, left.whole, left.partly) == (80, 80 - outside, outside)
    assert left.outside == {"depth": outside}
    assert spaces.usable(one, SPACE).whole == 80


def test_a_new_parameter_leaves_trials_usable_in_part(make_experiment: Make):
    one = study(make_experiment, 20)

    left = spaces.usable(one, Space({**SPACE, "momentum": Uniform(0, 1)}))

    assert (left.whole, left.partly, left.added) == (0, 20, ("momentum",))


def test_changes_name_what_was_added_changed_and_taken_out():
    after = Space({"lr": LogUniform.between(0.001, 1.0), "kind": SPACE["kind"], "new": Choice([1, 2])})

    found = {change.name: (change.before, change.after) for change in spaces.changes(SPACE, after)}

    assert found["lr"] == ("0.0001 to 1, log (loguniform)", "0.001 to 1, log (loguniform)")
    assert found["depth"] == ("1 to 8 (randint)", "")
    assert found["new"] == ("", "1, 2 (choice)")
    assert "kind" not in found


def test_the_nearest_trial_is_the_one_most_alike(make_experiment: Make):
    one = study(make_experiment, 30)
    middle = one.trials.get(number=3)
    twin = {**middle.params, "lr": middle.params["lr"] * 1.01}
    Trial.objects.filter(experiment=one, number=20).update(params=twin)

    nearest = neighbours(one, SPACE, middle)

    assert nearest[0].number == 20
    assert nearest[0].differs == ("lr",)
    assert nearest[0].distance < 0.01
    assert [one.distance for one in nearest] == sorted(one.distance for one in nearest)
    assert len(nearest) == 5
