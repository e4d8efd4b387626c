"""Experiments and trials side by side: the address is the comparison, everybody in reach may look."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from apps.experiments.models import Experiment
from apps.insights.comparison import densities, looks
from apps.insights.models import Insight, State
from apps.trials.models import Measurement, Trial
from apps.tuning import experiments
from apps.workspaces.access import Actor
from tests.dashboard.conftest import queries_of
from tests.dashboard.trials import with_trials
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, LogUniform, Randint, Uniform
from tunebook.job import Job
from tunebook.objective import Metric, Objective

Make = Callable[..., Experiment]
PAGE = "/w/lab/compare"


@pytest.fixture
def pair(make_experiment: Make) -> list[Experiment]:
    """Two sweeps of one objective over spaces that differ."""
    one = make_experiment(name="narrow")
    wider = a_job(space=Space({"x": Uniform(0.0, 9.0), "y": Uniform(0.0, 1.0)}))
    other = make_experiment(name="wide", job=wider)
    with_trials(one, "FINISHED", "FINISHED", "FAILED")
    with_trials(other, "FINISHED", "FINISHED", "FINISHED", "FINISHED")
    return [one, other]


def of(*experiments: Experiment) -> str:
    return f"{PAGE}?e={','.join(one.key for one in experiments)}"


def numbers(client: Client, chart: str, *experiments: Experiment) -> Any:
    answer = client.get(f"{PAGE}/data/{chart}.json?e={','.join(one.key for one in experiments)}")
    assert answer.status_code == 200
    return json.loads(answer.content)


def test_experiments_stand_side_by_side_with_what_differs_first(as_ben: Client, pair: list[Experiment]) -> None:
    shown = as_ben.get(of(*pair)).content.decode()

    assert "wide has the best loss, 0.97; narrow comes next with 0.99, 0.02 behind." in shown
    assert "Search space: 2 differences" in shown
    assert "Settings: the same in all" in shown
    assert shown.index("Search space: 2 differences") < shown.index("Settings: the same in all")


def test_a_comparison_says_of_what_is_paused_that_it_is(
    as_ben: Client, pair: list[Experiment], actor_ada: Actor
) -> None:
    experiments.pause(actor_ada, pair[0])

    results = as_ben.get(of(*pair)).context["results"]

    status = next(row for row in results if row.name == "Status")
    assert [cell.text for cell in status.cells] == ["Paused", "Waiting"]


def test_ticked_experiments_become_an_address(as_ben: Client, pair: list[Experiment]) -> None:
    answer = as_ben.post(PAGE, {"key": [one.key for one in pair]})

    assertRedirects(answer, of(*pair))
    assertContains(as_ben.get("/w/lab/"), f'formaction="{PAGE}"')


def test_nothing_ticked_is_told(as_ada: Client, workspace: object) -> None:
    assertContains(as_ada.post(PAGE, {}, follow=True), "tick rows first")


def test_an_experiment_is_added_by_its_name_and_taken_away(as_ben: Client, pair: list[Experiment]) -> None:
    one, other = pair

    assertRedirects(as_ben.get(f"{of(one)}&add=wide"), of(one, other))
    assertContains(as_ben.get(of(one, other)), f'href="{of(one)}"')
    assertContains(as_ben.get(f"{of(one)}&add=nothing", follow=True), "is called nothing")


def test_what_cannot_be_shown_is_said_and_the_rest_is_shown(as_ben: Client, pair: list[Experiment]) -> None:
    shown = as_ben.get(f"{of(*pair)},gone1234")

    assertContains(shown, "gone1234 is not in this workspace any more, or not yours to see.")
    assertContains(shown, "Side by side")
    assert as_ben.get(f"{PAGE}?e=gone1234").status_code == 404
    assertContains(as_ben.get(PAGE), "Nothing to compare yet")


def test_at_most_twelve_stand_side_by_side(as_ben: Client, make_experiment: Make) -> None:
    many = [make_experiment(name=f"run {number}") for number in range(14)]

    shown = as_ben.get(of(*many))

    assertContains(shown, "At most 12 experiments stand side by side; the last 2 of the address are left out.")
    assertContains(shown, "12 is the most that can stand here")
    assertContains(shown, "run 11")


def test_outsiders_see_nothing_and_private_ones_stay_private(
    as_cleo: Client, as_ben: Client, pair: list[Experiment], make_experiment: Make
) -> None:
    hidden = make_experiment(name="secret plan", accessibility="PRIVATE")

    assert as_cleo.get(of(*pair)).status_code == 404
    assert as_cleo.get(f"{PAGE}/data/best.json?e={pair[0].key}").status_code == 404
    assertNotContains(as_ben.get(of(*pair, hidden)), "secret plan")
    assert as_ben.get(f"{PAGE}/data/best.json?e={hidden.key}").status_code == 404
    assertContains(as_ben.get(f"{of(pair[0])}&add=secret", follow=True), "is called secret")


def test_values_of_different_objectives_are_not_mixed(
    as_ben: Client, pair: list[Experiment], make_experiment: Make
) -> None:
    odd = make_experiment(name="odd one", job=a_job(objective=Objective("maximize", (Metric("acc"),))))
    with_trials(odd, "FINISHED")

    shown = as_ben.get(of(*pair, odd))

    assertContains(shown, "They do not search for the same thing")
    assertNotContains(shown, "has the best")
    assert [one["name"] for one in numbers(as_ben, "best", odd, *pair)["series"]] == ["narrow", "wide"]
    second = as_ben.get(f"{PAGE}/data/best.json?e={','.join(one.key for one in [*pair, odd])}&m=1").json()
    assert [one["name"] for one in second["series"]] == ["odd one"]
    assert second["goal"] == "maximize"


def test_the_best_so_far_is_told_over_trials_time_and_cost(as_ben: Client, pair: list[Experiment]) -> None:
    one, _ = numbers(as_ben, "best", *pair)["series"]

    assert one["number"] == [0, 1]
    assert one["best"] == [1, 0.99]
    assert len(one["time"]) == len(one["cost"]) == len(one["value"])
    assert one["cost"] == sorted(one["cost"])
    assert one["until"]["number"] == 1


def test_excluded_trials_do_not_count(as_ben: Client, pair: list[Experiment]) -> None:
    Trial.objects.filter(experiment=pair[0], number=1).update(excluded=True)

    assert numbers(as_ben, "best", *pair)["series"][0]["best"] == [1]
    assert numbers(as_ben, "edf", *pair)["series"][0]["total"] == 1


def test_a_colour_stays_whatever_is_added_behind() -> None:
    keys = [f"key{number}" for number in range(12)]

    assert all(looks(keys[:some]).items() <= looks(keys).items() for some in range(12))
    assert len(set(looks(keys).values())) == 12
    assert not any(look.dashed for look in looks(keys[:8]).values())


def test_a_colour_is_ones_own_where_nobody_before_has_it() -> None:
    own = {key: looks([key])[key] for key in (f"key{number}" for number in range(40))}
    first, second = next((a, b) for a in own for b in own if a < b and own[a] == own[b])
    other = next(key for key in own if own[key] not in looks([first, second]).values())

    assert looks([other, first, second])[second] == looks([first, second])[second] != own[second]
    assert looks([other, second]) == {other: own[other], second: own[second]}


def test_the_order_of_the_address_decides_who_keeps_a_colour(as_ada: Client, make_experiment: Make) -> None:
    many = [make_experiment() for _ in range(9)]  # more than there are hues: two of them want the same
    keys = [one.key for one in reversed(many)]

    shown = as_ada.get(f"{PAGE}?e={','.join(keys)}").context["asked"]

    assert shown.looks == looks(keys)


def test_twelve_large_experiments_stay_below_sixty_kilobytes(as_ada: Client, make_experiment: Make) -> None:
    many = [make_experiment(name=f"a rather long name of a sweep {number}") for number in range(12)]
    for one in many:
        with_trials(one, "FINISHED")
        first = Trial.objects.get(experiment=one)
        rows = [
            Trial(
                experiment=one, number=number, params={"x": 0.5}, source="model", status="FINISHED",
                value=1 / (number + 1.2345), started=first.started, ended=first.ended,
            )
            for number in range(1, 600)
        ]  # fmt: skip
        Trial.objects.bulk_create(rows)

    for chart in ("best", "edf"):
        answer = as_ada.get(f"{PAGE}/data/{chart}.json?e={','.join(one.key for one in many)}")
        assert len(answer.content) < 60_000, chart


def test_numbers_that_did_not_change_are_not_sent_again(as_ada: Client, pair: list[Experiment]) -> None:
    address = f"{PAGE}/data/edf.json?e={pair[0].key}"
    tag = as_ada.get(address).headers["ETag"]

    assert as_ada.get(address, headers={"If-None-Match": tag}).status_code == 304
    assert as_ada.get(f"{address},{pair[1].key}", headers={"If-None-Match": tag}).status_code == 200
    assert as_ada.get(f"{PAGE}/data/nothing.json?e={pair[0].key}").status_code == 404


def test_importance_stands_side_by_side(as_ben: Client, pair: list[Experiment]) -> None:
    for ended, share in ((5, 0.2), (9, 0.75)):
        found = {"importance": {"shares": [{"name": "x", "share": share, "spread": 0.05}], "fit": 0.9, "results": 20}}
        Insight.objects.create(experiment=pair[0], ended=ended, state=State.DONE, document=found)

    shown = as_ben.get(of(*pair))

    assertContains(shown, "75%")
    assertNotContains(shown, "20%")
    assertContains(shown, "Not worked out yet for wide")


def test_two_of_the_same_name_are_told_apart(as_ben: Client, make_experiment: Make) -> None:
    one, other = make_experiment(name="same"), make_experiment(name="same")

    shown = as_ben.get(of(one, other))

    assertContains(shown, f"same ({one.key[:6]})")
    assertContains(shown, f"same ({other.key[:6]})")


def test_names_cannot_become_markup(as_ben: Client, make_experiment: Make) -> None:
    one = make_experiment(name='<script>alert("x")</script>')

    assertNotContains(as_ben.get(of(one)), "<script>alert")


def test_a_comparison_takes_the_same_queries_however_many_there_are(as_ada: Client, make_experiment: Make) -> None:
    many = [make_experiment(name=f"run {number}") for number in range(9)]
    for one in many:
        with_trials(one, "FINISHED", "FAILED")

    assert queries_of(as_ada, of(*many)) == queries_of(as_ada, of(*many[:2]))
    for chart in ("best", "edf"):
        few, lots = (",".join(one.key for one in part) for part in (many[:2], many))
        one = queries_of(as_ada, f"{PAGE}/data/{chart}.json?e={few}")
        assert queries_of(as_ada, f"{PAGE}/data/{chart}.json?e={lots}") == one


def test_trials_stand_side_by_side(as_ben: Client, pair: list[Experiment]) -> None:
    one, other = pair
    page = f"{PAGE}?t={one.key}:0,{one.key}:1,{other.key}:2"

    shown = as_ben.get(page)

    assertContains(shown, "Parameters: 1 difference")
    assertContains(shown, "narrow · 1")
    assertContains(shown, f'href="{PAGE}?t={one.key}:0,{other.key}:2"')
    assertContains(as_ben.get(f"{PAGE}?t={one.key}:0,{one.key}:1"), "Trial 1")
    assertContains(as_ben.get(f"{page},{one.key}:99"), f"{one.key}:99 is not in this workspace any more")


def test_ticked_trials_become_an_address(as_ben: Client, pair: list[Experiment]) -> None:
    one = pair[0]
    keys = list(Trial.objects.filter(experiment=one, number__lt=2).values_list("key", flat=True))

    assertRedirects(as_ben.post(PAGE, {"trial": keys}), f"{PAGE}?t={one.key}:0,{one.key}:1")
    assertContains(as_ben.get(f"/w/lab/e/{one.key}/trials"), f'formaction="{PAGE}"')


def test_curves_of_trials_are_overlaid(as_ben: Client, as_cleo: Client, pair: list[Experiment]) -> None:
    for experiment in pair:
        for trial in Trial.objects.filter(experiment=experiment):
            rows = [Measurement(trial=trial, name="loss", step=step, value=1 / (step + 1)) for step in range(500)]
            Measurement.objects.bulk_create([*rows, Measurement(trial=trial, name="other", step=1, value=7.0)])
    asked = f"{PAGE}/data/curves.json?t={pair[0].key}:0,{pair[1].key}:1"

    drawn = as_ben.get(asked).json()["series"]

    assert [one["name"] for one in drawn] == ["narrow · 0", "wide · 1"]
    assert drawn[0]["step"][0] == 0
    assert drawn[0]["step"][-1] == 499
    assert max(drawn[0]["value"]) == 1
    assert as_cleo.get(asked).status_code == 404
    assert queries_of(as_ben, asked) == queries_of(as_ben, f"{asked},{pair[0].key}:1,{pair[1].key}:2,{pair[1].key}:3")


@pytest.mark.parametrize("text", ["x", ":", "a:b", "a:1,,", "a:99999999999999999999", "%00:1", "é:1", "a:-1", "a:²"])
def test_an_address_that_names_no_trial_is_not_found(as_ada: Client, workspace: object, text: str) -> None:
    assert as_ada.get(f"{PAGE}?t={text}").status_code == 404
    assert as_ada.get(f"{PAGE}/data/curves.json?t={text}").status_code == 404


def test_a_comparison_of_trials_takes_the_same_queries_however_many_there_are(
    as_ada: Client, pair: list[Experiment]
) -> None:
    one, other = pair

    few = queries_of(as_ada, f"{PAGE}?t={one.key}:0,{other.key}:0")

    assert queries_of(as_ada, f"{PAGE}?t=" + ",".join(f"{other.key}:{n}" for n in range(4)) + f",{one.key}:1") == few


def test_findings_that_nobody_asked_for_are_asked_for_once(as_ben: Client, make_experiment: Make) -> None:
    one, small = make_experiment(name="one"), make_experiment(name="small")
    with_trials(one, *["FINISHED"] * 6)
    with_trials(small, "FINISHED")

    for _ in range(2):
        as_ben.get(of(one, small))

    assert [insight.experiment for insight in Insight.objects.all()] == [one]


def test_every_chart_of_a_comparison_has_its_table(as_ben: Client, as_cleo: Client, pair: list[Experiment]) -> None:
    one, other = pair
    both = f"?e={one.key},{other.key}"
    Measurement.objects.create(trial=Trial.objects.get(experiment=one, number=0), name="loss", step=3, value=0.25)

    assertContains(as_ben.get(PAGE + both), f'hx-get="{PAGE}/table/best{both}"')
    alone = as_ben.get(f"{PAGE}/table/best{both}", headers={"HX-Request": "true"})
    assertContains(alone, "<td>narrow</td><td>0</td><td>1</td>")
    assertNotContains(alone, "<html")
    assertContains(as_ben.get(f"{PAGE}/table/edf{both}"), f'href="{PAGE}{both}"')
    assertContains(as_ben.get(f"{PAGE}/table/curves?t={one.key}:0"), "<td>Trial 0</td><td>3</td><td>0.25</td>")
    assert as_cleo.get(f"{PAGE}/table/best{both}").status_code == 404
    assert as_ben.get(f"{PAGE}/table/nothing{both}").status_code == 404
    assert as_ben.get(f"{PAGE}/table/best?e=x").status_code == 404


def test_trials_are_coloured_by_their_rank_among_these(as_ben: Client, pair: list[Experiment]) -> None:
    one = pair[0]
    address = f"{PAGE}?t={one.key}:0,{one.key}:1,{one.key}:2"

    shown = as_ben.get(address)

    (rank,) = [row for row in shown.context["results"] if row.name == "Rank"]
    assert [(cell.text, cell.heat) for cell in rank.cells] == [("2", 1), ("1", 5), ("–", 0)]
    (params,) = shown.context["groups"]
    assert [cell.heat for cell in params.differing[0].cells] == [1, 5, 0]
    assertContains(shown, "heat-5")
    assertNotContains(as_ben.get(f"{PAGE}?t={one.key}:0,{one.key}:2"), "heat-")


def test_what_was_tried_stands_on_one_scale_for_all(as_ben: Client, make_experiment: Make) -> None:
    narrow = make_experiment(name="narrow")
    wide = make_experiment(
        name="wide",
        job=a_job(space=Space({"x": Uniform(0.0, 9.0), "kind": Choice(["a", "b"]), "lr": LogUniform(-9, 0)})),
    )
    with_trials(narrow, "FINISHED", params={"x": 0.5})
    with_trials(wide, "FINISHED", "FAILED", params={"x": 8.9, "kind": "b", "lr": 0.1})

    found = {one.name: one for one in densities([narrow, wide], jobs_of(narrow, wide))}

    x = found["x"]
    assert (x.low, x.high) == ("0", "9")
    assert [density.counts.index(max(density.counts)) for density in x.densities if density] == [1, 23]
    kind = found["kind"].densities
    assert kind[0] is None
    assert kind[1] is not None
    assert (kind[1].counts, kind[1].tried, kind[1].best) == ((0, 2), 2, 0.75)
    shown = as_ben.get(of(narrow, wide))
    assertContains(shown, "tried from 8.9 to 8.9, half of it up to 8.9; best at 8.9")
    assertContains(shown, "What was tried where")
    assertContains(shown, '<div class="names meta"')


def test_of_many_parameters_a_few_are_shown_until_all_are_asked_for(as_ben: Client, make_experiment: Make) -> None:
    names = [f"a_rather_long_name_of_parameter_{number}" for number in range(50)]
    jobs = [a_job(space=Space({name: Uniform(0.0, high) for name in names})) for high in (1.0, 2.0)]
    pair = [make_experiment(job=job) for job in jobs]
    for one in pair:
        with_trials(one, "FINISHED", params=dict.fromkeys(names, 0.5))

    few, every = as_ben.get(of(*pair)), as_ben.get(f"{of(*pair)}&all=1")

    assert (len(few.context["densities"]), len(every.context["densities"])) == (15, 50)
    assertContains(few, "Search space: 50 differences")
    assertContains(few, "Show all 50")
    assert len(few.content) * 2 < len(every.content)
    assertNotContains(every, "Show all")


def test_few_whole_numbers_have_a_bin_each(make_experiment: Make) -> None:
    one = make_experiment(job=a_job(space=Space({"depth": Randint(9, lower=2)})))
    with_trials(one, "FINISHED", "FINISHED", params={"depth": 8})
    with_trials(one, "FAILED", params={"depth": 2})

    (depth,) = densities([one], jobs_of(one))

    assert depth.densities[0] is not None
    assert depth.densities[0].counts == (1, 0, 0, 0, 0, 0, 2)
    assert depth.densities[0].best == 13 / 14


def test_of_many_trials_an_even_choice_and_the_best_one_are_looked_at(make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, *["FAILED"] * 30)
    with_trials(one, "FINISHED")
    one.trial_count = 40_000

    (x,) = densities([one], jobs_of(one))

    assert x.densities[0] is not None
    assert x.densities[0].tried == 4
    assert x.densities[0].best is not None


def jobs_of(*experiments: Experiment) -> dict[int, Job]:
    return {one.pk: Job.from_dict(one.job) for one in experiments}
