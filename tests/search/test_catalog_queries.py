"""What queries of the catalog find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.experiments.models import Experiment
from apps.optimizer import upkeep
from apps.search import facts
from apps.search.experiments import meaning
from apps.search.grammar import CATALOG
from apps.search.models import Fact
from apps.search.parser import parse
from apps.trials.models import Measurement, Trial
from apps.tuning import discussion, shelf
from apps.workspaces.access import Actor
from tests.dashboard.trials import with_trials
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, Uniform

Make = Callable[..., Experiment]


@pytest.fixture
def shelf_of_three(make_experiment: Make, actor_ada: Actor) -> dict[str, Experiment]:
    one = make_experiment(name="resnet one", tags=[("vision", "")], description="a baseline")
    two = make_experiment(name="bert two", tags=[("team", "search"), ("vision", "")])
    three = make_experiment(name="svm three", accessibility="PRIVATE", start=False)
    Experiment.objects.filter(pk=one.pk).update(best_value=0.1, trial_count=5)
    Experiment.objects.filter(pk=two.pk).update(best_value=0.3, trial_count=20, running_count=2)
    Experiment.objects.filter(pk=three.pk).update(created=timezone.now() - timedelta(days=40))
    shelf.star(actor_ada, two)
    return {"one": one, "two": two, "three": three}


@pytest.mark.parametrize("text", ["модель", 'name="МОДЕЛЬ один"', "description:ÜBUNG", "HÖHE", "-name:x МОДЕЛЬ"])
def test_the_case_of_words_does_not_matter_in_any_alphabet(make_experiment: Make, actor_ada: Actor, text: str) -> None:
    make_experiment(name="Модель один", description="Eine Übung", tags=[("höhe", "S")])
    make_experiment(name="model", description="")

    found = meaning(parse(text, CATALOG), actor_ada)

    assert Experiment.objects.filter(found).count() == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resnet or bert", {"one", "two"}),
        ("(resnet or bert) tag:team=search", {"two"}),
        ("resnet or bert tag:nothing", {"one"}),
        ("not resnet", {"two", "three"}),
        ("-(resnet or bert)", {"three"}),
        ("not (tag:vision best<0.2)", {"two", "three"}),
        ("best:0.1..0.2", {"one"}),
        ("best:0.2..", {"two"}),
        ("best!=0.1", {"two", "three"}),
        ("-best<0.2", {"two", "three"}),
        ("trials:5,20", {"one", "two"}),
        ("running>0", {"two"}),
        ("running:2", {"two"}),
        ("running:1..3 or description:baseline", {"one", "two"}),
        ("-running>0", {"one", "three"}),
        ("is:starred", {"two"}),
        ("-is:starred", {"one", "three"}),
        ("is:private", {"three"}),
        ("is:starred,private", {"two", "three"}),
        ('name="resnet one"', {"one"}),
        ("name=resnet", set()),
        ("tag:vision,team=search", {"two"}),
        ("tag!=vision", {"three"}),
        ("created>7d", {"one", "two"}),
        ("created:today", {"one", "two"}),
        ("created<2020-01-01 or owner:me", {"one", "two", "three"}),
        ("owner:ben", set()),
        ("policy:bandit", set()),
    ],
)
def test_a_query_finds_what_it_says(
    actor_ada: Actor, shelf_of_three: dict[str, Experiment], text: str, expected: set[str]
) -> None:
    query = parse(text, CATALOG)

    with CaptureQueriesContext(connection) as asked:
        found = set(Experiment.objects.filter(meaning(query, actor_ada)).values_list("pk", flat=True))

    assert query.problems == []
    assert {name for name, one in shelf_of_three.items() if one.pk in found} == expected
    assert len(asked) == 1


def test_a_star_is_seen_by_nobody_else(actor_ben: Actor, shelf_of_three: dict[str, Experiment]) -> None:
    assert not Experiment.objects.filter(meaning(parse("is:starred", CATALOG), actor_ben)).exists()


@pytest.fixture
def tried(make_experiment: Make) -> Experiment:
    """One with a best trial of lr 0.02 that used the option svm and measured acc 0.9 at last."""
    space = Space({"lr": Uniform(0.0, 1.0), "kind": Choice([{"_name": "svm", "C": Uniform(0, 9)}, "tree"])})
    one = make_experiment(job=a_job(space=space))
    trials = with_trials(one, "FINISHED", "FINISHED")
    better = {"lr": 0.02, "kind": {"_name": "svm", "C": 3.0}}
    Trial.objects.filter(pk=trials[0].pk).update(params={"lr": 0.9, "kind": "tree"})
    Trial.objects.filter(pk=trials[1].pk).update(params=better)
    rows = [Measurement(trial=trials[1], name="acc", step=step, value=value) for step, value in enumerate((0.1, 0.9))]
    Measurement.objects.bulk_create(rows)
    return one


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("param.lr<0.1", True),
        ("param.lr:0.02", True),
        ("param.lr:0.01..0.03", True),
        ("param.lr>0.1", False),
        ("param.kind:svm", True),
        ("param.kind:tree", False),
        ("param.kind.C>=3", True),
        ("metric.acc>0.8", True),
        ("metric.acc<0.5", False),
        ("-param.lr<0.1", False),
        ("param.nothing>0", False),
    ],
)
def test_parameters_and_metrics_are_those_of_the_best_trial(
    actor_ada: Actor, tried: Experiment, text: str, found: bool
) -> None:
    facts.catch_up()

    rows = Experiment.objects.filter(meaning(parse(text, CATALOG), actor_ada))

    assert rows.exists() is found


def test_facts_follow_the_best_trial_and_go_with_it(tried: Experiment) -> None:
    assert facts.catch_up() == 1
    assert facts.catch_up() == 0
    Experiment.objects.filter(pk=tried.pk).update(best_trial=0)

    assert facts.catch_up(timezone.now() - timedelta(hours=1)) == 1
    assert Fact.objects.get(experiment=tried, name="param.lr").number == 0.9

    Experiment.objects.filter(pk=tried.pk).update(best_trial=None, best_value=None)
    assert facts.catch_up() == 1
    assert not Fact.objects.exists()


def test_what_changed_long_ago_is_left_to_the_full_pass(tried: Experiment) -> None:
    Experiment.objects.filter(pk=tried.pk).update(modified=timezone.now() - timedelta(days=2))

    assert facts.catch_up(timezone.now() - timedelta(hours=1)) == 0
    assert facts.catch_up() == 1


def test_facts_cost_the_same_queries_for_one_as_for_many(make_experiment: Make) -> None:
    def cost(number: int) -> int:
        for _ in range(number):
            with_trials(make_experiment(), "FINISHED")
        with CaptureQueriesContext(connection) as asked:
            assert facts.catch_up() == number
        return len(asked)

    assert cost(1) == cost(12)


def test_of_a_long_trial_only_the_last_points_are_read(tried: Experiment) -> None:
    Trial.objects.filter(experiment=tried).update(value_count=1_000_000)

    facts.catch_up()

    assert Fact.objects.get(experiment=tried, name="metric.acc").number == 0.9


@pytest.mark.parametrize("text", ["a " * 400, "a or " * 300, "not (" * 20 + "a" + ")" * 20, "tag:a,b,c,d " * 60])
def test_the_largest_query_is_one_that_the_database_can_plan(actor_ada: Actor, text: str) -> None:
    assert not Experiment.objects.filter(meaning(parse(text, CATALOG), actor_ada)).exists()


def test_the_upkeep_keeps_facts_and_goes_on_where_there_are_many(
    make_experiment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "FACTS_AT_ONCE", 2)
    for _ in range(5):
        with_trials(make_experiment(), "FINISHED")
    Experiment.objects.update(modified=timezone.now() - timedelta(days=2))

    kept = []
    for _ in range(4):
        upkeep.keep_facts()
        kept.append(Fact.objects.filter(name="trial").count())

    assert kept == [2, 4, 5, 5]
    assert not upkeep.due("all facts", upkeep.ALL_FACTS_EVERY)


def test_words_are_looked_for_in_notes_in_force_and_in_comments(
    shelf_of_three: dict[str, Experiment], actor_ada: Actor
) -> None:
    one, two = shelf_of_three["one"], shelf_of_three["two"]
    trial = with_trials(two, "FINISHED")[0]
    discussion.write_note(actor_ada, one, "the plateau begins early")
    discussion.write_note(actor_ada, one, "overfits after step 90")
    discussion.write_note(actor_ada, two, "a plateau of its own", trial=trial)
    said = discussion.comment(actor_ada, two, "overfits too", trial=trial)

    def found(text: str) -> set[str]:
        rows = Experiment.objects.filter(meaning(parse(text, CATALOG), actor_ada))
        return set(rows.values_list("name", flat=True))

    assert found("overfits") == {"resnet one", "bert two"}
    assert found("plateau") == {"bert two"}
    discussion.delete_comment(actor_ada, said)
    assert found("overfits") == {"resnet one"}
