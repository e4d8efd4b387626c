"""The numbers of each chart for a tiny experiment, and their size for a large one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.experiments.models import Experiment
from apps.insights import charts, spaces
from apps.insights.charts.contour import grid
from apps.insights.charts.sample import Row, choose
from apps.insights.charts.shares import FEWEST
from apps.insights.charts.timeline import Row as Bar
from apps.insights.charts.timeline import draw
from apps.insights.comparison import densities
from apps.trials.models import Measurement, Trial
from tests.insights.studies import SPACE, study
from tests.insights.test_keeping import worked_out
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, LogUniform, Uniform
from tunebook.importance import FEWEST as NEEDED
from tunebook.job import Job
from tunebook.objective import Objective
from tunebook.policies.bandit import BanditPolicy

Make = Callable[..., Experiment]
Rows = list[tuple[dict[str, Any], str, float | None]]
pytestmark = pytest.mark.django_db

NAMES = tuple(charts.CHARTS)
MOST_BYTES = 60_000


def tiny(make: Make, rows: Rows, **job: Any) -> Experiment:
    space = Space({"lr": LogUniform.between(0.001, 1.0), "kind": Choice(["a", "b"])})
    one = make(job=a_job(**{"space": space, **job}))
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for number, (params, status, value) in enumerate(rows):
        started = began + timedelta(seconds=10 * number)
        Trial.objects.create(
            experiment=one, number=number, params=params, status=status, value=value, last_value=value,
            started=started, ended=started + timedelta(seconds=15), source="random",
        )  # fmt: skip
    Experiment.objects.filter(pk=one.pk).update(trial_count=len(rows), started=began)
    one.refresh_from_db()
    return one


FOUR: Rows = [
    ({"lr": 0.01, "kind": "a"}, "FINISHED", 0.5),
    ({"lr": 0.1, "kind": "b"}, "FAILED", None),
    ({"lr": 1.0, "kind": "b"}, "FINISHED", 0.25),
    ({"lr": 0.001, "kind": "a"}, "FINISHED", 0.75),
]


def size(payload: Any) -> int:
    return len(json.dumps(payload, separators=(",", ":")))


def test_history_knows_what_was_spent(make_experiment: Make):
    payload = charts.build("history", tiny(make_experiment, FOUR))

    assert payload["ended"] == [15, 25, 35, 45]
    assert payload["cost"] == [15, 30, 45, 60]
    assert payload["spent"] == 60


def test_a_sample_holds_each_parameter_as_a_column(make_experiment: Make):
    payload = charts.build("sample", tiny(make_experiment, FOUR))

    assert payload["axes"] == [
        {"name": "lr", "scale": "log", "min": 0.001, "max": 1},
        {"name": "kind", "scale": "category", "values": ["a", "b"]},
    ]
    assert payload["columns"] == [[0.01, 0.1, 1, 0.001], [0, 1, 1, 0]]
    assert payload["number"] == [0, 1, 2, 3]
    assert payload["value"] == [0.5, None, 0.25, 0.75]
    assert payload["how"] == ""


def test_what_is_not_active_is_none_and_what_lies_outside_widens_the_axis(make_experiment: Make):
    one = study(make_experiment, 20)
    payload = charts.build("sample", one)
    nested = payload["columns"][[axis["name"] for axis in payload["axes"]].index("kind.C")]
    assert None in nested

    one.trials.filter(number=0).update(params={**one.trials.get(number=0).params, "lr": 50.0})

    assert charts.build("sample", one)["axes"][0]["max"] == 50


def test_a_choice_of_nothing_is_a_value_like_others(make_experiment: Make):
    kind = Choice([{"_name": "tree", "depth": Choice([None, 4])}, {"_name": "svm"}])
    params = [{"_name": "tree", "depth": None}, {"_name": "tree", "depth": 4}, {"_name": "svm"}]
    rows: Rows = [({"kind": one}, "FINISHED", number / 10) for number, one in enumerate(params)]
    one = tiny(make_experiment, rows, space=Space({"kind": kind}))
    space = Space({"kind": kind})

    payload = charts.build("sample", one)
    name = "kind.depth"
    place = [axis["name"] for axis in payload["axes"]].index(name)
    (strip,) = [strip for strip in spaces.strips(one, space, [])[0] if strip.name == name]
    one.best_trial = 0
    (density,) = [found for found in densities([one], {one.pk: Job.from_dict(one.job)}) if found.name == name]

    assert payload["axes"][place]["values"] == ["null", "4"]
    assert payload["columns"][place] == [0, 1, None]
    assert (strip.labels, strip.counts, strip.tried) == (("null", "4"), (1, 1), 2)
    assert density.labels == ["null", "4"]
    assert density.densities[0] is not None
    assert (density.densities[0].counts, density.densities[0].best) == ((1, 1), 0.25)


def test_a_choice_that_was_taken_out_is_named_beside_what_is_offered(make_experiment: Make):
    kinds = ("svm", "forest", "boost")
    rows: Rows = [({"kind": one}, "FINISHED", number / 10) for number, one in enumerate(kinds)]
    one = tiny(make_experiment, rows, space=Space({"kind": Choice(list(kinds))}))

    (strip,) = spaces.strips(one, Space({"kind": Choice(["svm", "boost"])}), [])[0]

    assert (strip.labels, strip.gone) == (("svm", "boost", "forest"), ("forest",))


def test_of_many_trials_the_best_are_always_drawn():
    rows = [Row(number, number, "FINISHED", float((number * 7919) % 10_007)) for number in range(10_000)]

    chosen, how = choose(rows, Objective("minimize"), 600)

    best = sorted(rows, key=lambda row: row.value or 0)[:200]
    assert len(chosen) == 600
    assert {row.number for row in best} <= {row.number for row in chosen}
    assert [row.number for row in chosen] == sorted(row.number for row in chosen)
    assert how == "the 200 best and one in 25 of the others"


def test_the_distribution_ends_at_everything(make_experiment: Make):
    payload = charts.build("edf", tiny(make_experiment, FOUR))

    assert payload["value"] == [0.25, 0.5, 0.75]
    assert payload["share"] == [0.3333, 0.6667, 1]
    assert payload["total"] == 3


def test_a_contour_means_what_lies_around_a_cell():
    across = {"name": "x", "scale": "linear", "min": 0, "max": 1}
    up = {"name": "k", "scale": "category", "values": ["a", "b"]}

    cells = grid([(0.5, 0.25, 1.0), (0.5, 0.25, 3.0), (0.9, 0.75, 8.0)], across, up, 1.0)

    assert len(cells) == 2
    assert cells[0][12] == 2
    assert cells[0][0] is None
    assert cells[1][12] is None
    assert cells[1][21] == 8


def test_a_contour_takes_the_pair_that_is_asked_for(make_experiment: Make):
    one = study(make_experiment, 60)

    payload = charts.build("contour", one, asked={"x": "depth", "y": "lr"})

    assert (payload["x"], payload["y"]) == ("depth", "lr")
    assert len(payload["grid"][0]) == 8  # a cell for each depth
    assert payload["ends"]["x"] == [0.5, 8.5]
    assert payload["best"][0][0] == one.best_trial
    assert charts.build("contour", one, asked={"x": "nonsense", "y": "lr"})["y"] == "lr"


@pytest.mark.parametrize("odd", ["lr", "l\u00e9arn", 'the "lr"', "lr\\2"])
def test_a_contour_reads_only_its_pair_where_the_database_can_take_it_out(make_experiment: Make, odd: str):
    space = Space(
        {odd: LogUniform.between(0.001, 1.0), "kind": Choice(["1", 2, {"_name": "deep", "n": Uniform(0, 1)}])}
    )
    draw = random.Random(1)
    rows: Rows = [(space.sample(draw), "FINISHED", draw.random()) for _ in range(30)]
    one = tiny(make_experiment, rows, space=space)

    with CaptureQueriesContext(connection) as asked:
        payload = charts.build("contour", one, asked={"x": odd, "y": "kind"})

    best = sorted((value, number) for number, (_, _, value) in enumerate(rows))[:10]
    assert [row[0] for row in payload["best"]] == [number for _, number in best]
    assert [row[2] for row in payload["best"]] == [
        {"1": "1", "2": "2"}.get(str(kind), "deep") for kind in (rows[number][0]["kind"] for _, number in best)
    ]
    reads_all = any('"params" AS "params"' in query["sql"] for query in asked)
    assert reads_all == (odd != "lr")


def test_few_results_or_one_parameter_make_no_contour(make_experiment: Make):
    assert "grid" not in charts.build("contour", tiny(make_experiment, FOUR))
    assert charts.build("contour", make_experiment())["y"] == ""


def test_a_timeline_gives_each_trial_the_lowest_free_slot(make_experiment: Make):
    payload = charts.build("timeline", tiny(make_experiment, FOUR))

    assert payload["begin"] == [0, 10, 20, 30]
    assert payload["took"] == [15, 15, 15, 15]
    assert payload["slot"] == [0, 1, 0, 1]
    assert payload["slots"] == 2


def test_a_timeline_makes_no_moments_of_its_rows(make_experiment: Make):
    one = tiny(make_experiment, FOUR)
    Trial.objects.filter(experiment=one, number=3).update(ended=None, status="RUNNING")

    with CaptureQueriesContext(connection) as queries:
        payload = charts.build("timeline", one)

    rows = queries.captured_queries[-1]["sql"]
    assert len(queries) == 2
    assert 'AS "ended"' not in rows and 'AS "started"' not in rows
    assert payload["took"][2] == 15
    assert payload["until"] == pytest.approx(payload["took"][3], rel=0.01)
    assert payload["started"] == Trial.objects.get(experiment=one, number=0).started.isoformat()


def test_a_timeline_of_many_is_how_many_ran_at_once():
    began = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [Bar(number, "FINISHED", number, number + 4) for number in range(2_000)]

    payload = draw(rows, began, began)

    assert "number" not in payload
    assert payload["busy"][0][100] == pytest.approx(4, abs=0.1)


def test_importance_says_whether_it_is_there(make_experiment: Make):
    assert charts.build("importance", make_experiment())["state"] == "few"
    one = study(make_experiment, 60)
    assert charts.build("importance", one)["state"] == "wanted"

    worked_out(one)

    payload = charts.build("importance", one)
    assert payload["state"] == "done"
    assert payload["name"][0] == "lr"
    assert payload["results"] == one.finished_count
    assert FEWEST == NEEDED


def test_axes_come_in_the_order_of_importance(make_experiment: Make):
    one = study(make_experiment, 80)
    one.trials.update(params={"lr": 0.5, "depth": 2, "kind": "bayes"})
    for trial in one.trials.all():
        kind = "bayes" if (trial.value or 0) < 0.2 else {"_name": "svm", "C": 0.5}
        one.trials.filter(pk=trial.pk).update(params={"lr": 0.5, "depth": 2, "kind": kind})
    worked_out(one)

    assert charts.build("sample", one)["axes"][0]["name"] == "kind"


def test_curves_over_time_and_the_line_at_which_the_policy_stops(make_experiment: Make):
    one = tiny(make_experiment, FOUR, policy=BanditPolicy(slack_amount=0.5))
    for trial in one.trials.exclude(status="FAILED"):
        for step in (1, 2):
            at = trial.started + timedelta(seconds=5 * step)
            Measurement.objects.create(trial=trial, name="loss", step=step, value=(trial.value or 0) / step, at=at)
        Trial.objects.filter(pk=trial.pk).update(value_count=2)

    by_step, by_time = charts.build("curves", one), charts.build("curves", one, asked={"by": "time"})

    assert by_step["trials"][0]["step"] == [1, 2]
    assert by_step["stop"]["policy"] == "bandit"
    assert by_step["stop"]["value"][0] == pytest.approx(0.75, abs=0.01)
    assert by_time["trials"][0]["step"] == [5, 10]
    assert by_time["stop"] is None


def test_a_replay_leaves_later_trials_out_of_every_chart(make_experiment: Make):
    one = study(make_experiment, 60)

    assert charts.build("history", one, asked={"after": "9"})["number"] == list(range(10))
    assert charts.build("sample", one, asked={"after": "9"})["total"] == 10
    assert charts.build("timeline", one, asked={"after": "9"})["total"] == 10
    assert charts.build("edf", one, asked={"after": "9"})["total"] <= 10
    assert charts.build("history", one, asked={"after": "nonsense"})["total"] == 60


def test_excluded_trials_are_in_no_chart(make_experiment: Make):
    one = tiny(make_experiment, FOUR)
    one.trials.filter(number=2).update(excluded=True)

    assert charts.build("history", one)["number"] == [0, 1, 3]
    assert charts.build("edf", one)["value"] == [0.5, 0.75]


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_has_a_table_and_an_empty_form(make_experiment: Make, name: str):
    headings, rows = charts.table(charts.build(name, make_experiment()))

    assert headings
    assert rows == []


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_of_a_study_has_rows_in_its_table(make_experiment: Make, name: str):
    one = study(make_experiment, 60)
    worked_out(one)
    for trial in one.trials.filter(status="FINISHED"):
        Measurement.objects.create(trial=trial, name="loss", step=1, value=trial.value)
    one.trials.filter(status="FINISHED").update(value_count=1)

    headings, rows = charts.table(charts.build(name, one))

    assert rows
    assert all(len(row) == len(headings) for row in rows)
    assert len(rows) <= 50


def test_no_chart_of_ten_thousand_trials_is_larger_than_sixty_kilobytes(make_experiment: Make):
    one = study(make_experiment, 10_000)
    worked_out(one)
    rows = one.trials.filter(status="FINISHED").order_by("number")[:400]
    points = [
        Measurement(trial=trial, name="loss", step=step, value=1 / (step + 1.234567))
        for trial in rows
        for step in range(100)
    ]
    Measurement.objects.bulk_create(points, batch_size=5_000)
    Trial.objects.filter(pk__in=[trial.pk for trial in rows]).update(value_count=100)

    sizes = {name: size(charts.build(name, one)) for name in NAMES}
    sizes["curves by time"] = size(charts.build("curves", one, asked={"by": "time"}))

    assert {name: bytes_ for name, bytes_ in sizes.items() if bytes_ > MOST_BYTES} == {}
    assert sizes["sample"] > 25_000  # it uses what it may


def test_a_space_of_many_parameters_keeps_within_the_same_size(make_experiment: Make):
    space = Space({f"a_rather_long_name_{number}": Uniform(0, 1) for number in range(40)})
    one = make_experiment(job=a_job(space=space))
    params = dict.fromkeys(space, 0.1234567)
    Trial.objects.bulk_create(
        [
            Trial(experiment=one, number=n, params=params, status="FINISHED", value=n / 7, source="random")
            for n in range(3_000)
        ]
    )

    payload = charts.build("sample", one)

    assert size(payload) <= MOST_BYTES
    assert len(payload["axes"]) == 12
    assert len(payload["left_out"]) == 28


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_takes_as_many_queries_for_few_trials_as_for_many(make_experiment: Make, name: str):
    def queries(count: int) -> int:
        one = study(make_experiment, count)
        worked_out(one)
        with CaptureQueriesContext(connection) as captured:
            charts.build(name, one)
        return len(captured)

    assert queries(12) == queries(150)


def test_the_space_of_the_studies_has_every_kind_of_axis():
    assert [leaf.is_numeric for leaf, _ in SPACE.leaves().values()] == [True, True, False, True]
