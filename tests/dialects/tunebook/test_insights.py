"""Charts, findings, summary and space through our own API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.experiments.models import Experiment
from apps.insights.charts import CHARTS
from tests.dialects.tunebook.conftest import Ours
from tests.insights.studies import SPACE, study
from tests.insights.test_keeping import worked_out

Make = Callable[..., Experiment]


@pytest.fixture
def one(make_experiment: Make) -> Experiment:
    experiment = study(make_experiment, 60)
    worked_out(experiment)
    return experiment


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_is_there_for_readers_and_nobody_else(ours_ben: Ours, ours_cleo: Ours, one: Experiment, chart: str):
    answer = ours_ben.get(f"/experiments/{one.key}/charts/{chart}")

    assert answer.status == 200
    assert answer["chart"] == chart
    assert ours_cleo.get(f"/experiments/{one.key}/charts/{chart}").status == 404


def test_a_chart_takes_a_query_and_a_moment(ours: Ours, one: Experiment):
    path = f"/experiments/{one.key}/charts/history"

    assert ours.get(path, q="status:failed")["total"] == one.failed_count
    assert ours.get(path, after=9)["total"] == 10
    assert ours.get(f"/experiments/{one.key}/charts/contour", x="depth", y="lr")["x"] == "depth"


@pytest.mark.parametrize(
    ("query", "field"),
    [({"q": "statos:x"}, "q"), ({"after": "-1"}, "after"), ({"by": "moon"}, "by"), ({"z": "1"}, "z")],
)
def test_what_a_chart_does_not_understand_is_refused(ours: Ours, one: Experiment, query: dict[str, str], field: str):
    answer = ours.get(f"/experiments/{one.key}/charts/curves", **query)

    assert (answer.status, answer.field) == (400, field)


def test_an_unknown_chart_names_those_there_are(ours: Ours, one: Experiment):
    answer = ours.get(f"/experiments/{one.key}/charts/pie")

    assert answer.status == 404
    assert "history, importance" in answer["error"]["message"]


def test_insights_hold_importance_failures_and_sentences(ours_ben: Ours, one: Experiment):
    answer = ours_ben.get(f"/experiments/{one.key}/insights")

    assert answer["importance"]["name"][0] == "lr"
    assert answer["failures"][0]["rule"]["text"] == "depth ≥ 7"
    assert answer["summary"][0]["kind"] == "trial"
    assert answer["best"][0]["number"] == one.best_trial
    assert "such as" not in str(answer.body)


def test_the_space_is_read_with_its_versions(ours_ben: Ours, one: Experiment):
    answer = ours_ben.get(f"/experiments/{one.key}/space")

    assert answer["version"] == 1
    assert answer["versions"][0]["trials"] == 60
    # the order of an object is not kept by every database
    assert {strip["name"] for strip in answer["tried"]["parameters"]} == {"lr", "depth", "kind", "kind.C"}


def edited(**changes: Any) -> dict[str, Any]:
    return {"space": {**SPACE.to_dict(), **changes}}


def test_a_preview_changes_nothing(ours: Ours, one: Experiment):
    narrower = edited(depth={"type": "randint", "lower": 1, "upper": 5})

    answer = ours.post(f"/experiments/{one.key}/space/preview", narrower)

    assert answer["usable"]["whole"] + answer["usable"]["partly"] == 60
    assert answer["changes"] == [{"name": "depth", "before": "1 to 8 (randint)", "after": "1 to 4 (randint)"}]
    assert ours.get(f"/experiments/{one.key}")["space_version"] == 1


def test_an_edit_is_a_new_version(ours: Ours, one: Experiment):
    narrower = edited(depth={"type": "randint", "lower": 1, "upper": 5})

    assert ours.send("PUT", f"/experiments/{one.key}/space", narrower).status == 200

    answer = ours.get(f"/experiments/{one.key}/space")
    assert answer["version"] == 2
    assert answer["versions"][0]["author"] == "ada"
    assert answer["versions"][0]["changes"][0]["name"] == "depth"


def test_a_space_that_cannot_be_is_refused_with_its_place(ours: Ours, ours_ben: Ours, one: Experiment):
    wrong = edited(depth={"type": "randint", "lower": 9, "upper": 5})

    for answer in (
        ours.send("PUT", f"/experiments/{one.key}/space", wrong),
        ours.post(f"/experiments/{one.key}/space/preview", wrong),
    ):
        assert (answer.status, answer.field) == (422, "space.depth.upper")
    assert ours_ben.send("PUT", f"/experiments/{one.key}/space", edited()).status == 403


def test_neighbours_are_listed(ours_ben: Ours, ours_cleo: Ours, one: Experiment):
    answer = ours_ben.get(f"/experiments/{one.key}/trials/3/neighbours")

    assert len(answer["items"]) == 5
    assert answer["items"][0]["distance"] <= answer["items"][1]["distance"]
    assert ours_cleo.get(f"/experiments/{one.key}/trials/3/neighbours").status == 404


@pytest.mark.parametrize("path", ["charts/sample", "insights", "space", "trials/3/neighbours"])
def test_the_number_of_queries_does_not_grow_with_the_trials(ours: Ours, make_experiment: Make, path: str):
    def queries(count: int) -> int:
        experiment = study(make_experiment, count)
        worked_out(experiment)
        with CaptureQueriesContext(connection) as captured:
            assert ours.get(f"/experiments/{experiment.key}/{path}").status == 200
        return len(captured)

    queries(6)  # the key's last use is written down once
    assert queries(12) == queries(90)
