"""MLflow's searches: patterns of their filters, and how little of many experiments and runs they read."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.dialects.mlflow.search import Like
from apps.experiments.models import Experiment
from tests.dialects.mlflow.conftest import Mlflow, Running
from tests.dialects.mlflow.test_api import metric

TEXTS = ("", "a", "ab", "aab", "abab", "a\nb", "A", "a%b", "é", "a.b", "abcabc")


@pytest.mark.parametrize("any_case", [False, True])
@pytest.mark.parametrize(
    "pattern", ["", "%", "%%", "a", "a%", "%a", "%a%", "a%b", "_", "_%", "%_", "a_b", "%ab%ab", "ab%b", "%.%", "%bc_bc"]
)
def test_a_pattern_fits_what_the_expression_fits(pattern: str, any_case: bool) -> None:
    like = Like.of(pattern, any_case=any_case)
    expression = "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern)
    flags = re.DOTALL | (re.IGNORECASE if any_case else 0)

    fits = [text for text in TEXTS if like.fits(text)]

    assert fits == [text for text in TEXTS if re.fullmatch(expression, text, flags)]


def test_no_pattern_takes_long() -> None:
    like = Like.of("%a" * 2_000 + "%b", any_case=True)

    began = time.process_time()
    fits = like.fits("a" * 6_000)

    assert not fits
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("name = 'cats'", ["cats"]),
        ("name != 'cats'", ["Dogs", "c_ts 10"]),
        ("name IN ('cats', 'Dogs')", ["Dogs", "cats"]),
        ("name NOT IN ('cats')", ["Dogs", "c_ts 10"]),
        ("name LIKE 'dog%'", []),
        ("name ILIKE 'dOG%'", ["Dogs"]),
        ("name LIKE 'c_ts'", ["cats"]),
        ("name LIKE 'c%s%1_'", ["c_ts 10"]),
        ("name NOT LIKE 'c%'", ["Dogs"]),
        ("name > 'a'", ["cats", "c_ts 10"]),
        ("name IS NULL", []),
        ("creation_time > 1767225600000", ["Dogs", "cats"]),
        ("creation_time >= 1767225600000", ["Dogs", "cats", "c_ts 10"]),
        ("creation_time = 1767225600000", ["c_ts 10"]),
        ("creation_time < 1767225600001 and name LIKE '%ts%'", ["c_ts 10"]),
        ("creation_time != 1767225600000", ["Dogs", "cats"]),
        ("creation_time < 1e300 and creation_time > -1e300", ["Dogs", "cats", "c_ts 10"]),
        ("tags.`tunebook.status` = 'WAITING' and last_update_time > 1", ["Dogs", "cats", "c_ts 10"]),
        ("tags.`tunebook.status` != 'WAITING'", []),
        ("tags.none IS NULL", ["Dogs", "cats", "c_ts 10"]),
        ("tags.none != 'x'", []),
    ],
)
def test_experiments_are_searched_by_what_they_have(
    ada_there: Mlflow, make_experiment: Any, wanted: str, names: list[str]
) -> None:
    made = [make_experiment(name=name) for name in ("c_ts 10", "cats", "Dogs")]
    for place, one in enumerate(made):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=place)
        Experiment.objects.filter(pk=one.pk).update(created=at)

    found = ada_there.post("experiments/search", filter=wanted).body["experiments"]

    assert [one["name"] for one in found] == names


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (["name"], ["Zoo", "ant", "bee", "bee"]),
        (["name DESC", "creation_time ASC"], ["bee", "bee", "ant", "Zoo"]),
        (["last_update_time ASC"], ["bee", "Zoo", "ant", "bee"]),
        (["experiment_id"], None),
    ],
)
def test_experiments_are_ordered_and_paged(
    ada_there: Mlflow, make_experiment: Any, order: list[str], names: list[str] | None
) -> None:
    made = [make_experiment(name=name) for name in ("bee", "Zoo", "ant", "bee")]
    found, token = [], ""
    while token is not None:
        answer = ada_there.post("experiments/search", order_by=order, max_results=3, page_token=token).body
        found += answer["experiments"]
        token = answer.get("next_page_token")

    if names is None:
        assert [one["experiment_id"] for one in found] == sorted(one.key for one in made)
    else:
        assert [one["name"] for one in found] == names


@pytest.mark.parametrize(
    ("asked", "is_whole"),
    [
        ({"filter": "tags.`tunebook.status` = 'WAITING'", "order_by": ["name"]}, True),
        ({"filter": "name LIKE 'b%'"}, False),
    ],
)
def test_a_page_of_experiments_is_found_without_their_rows(
    ada_there: Mlflow, make_experiment: Any, asked: dict[str, Any], is_whole: bool
) -> None:
    for number in range(5):
        make_experiment(name=f"b{number}")

    with CaptureQueriesContext(connection) as queries:
        answer = ada_there.post("experiments/search", max_results=2, **asked)

    ordered, rows = [one["sql"] for one in queries if 'FROM "experiments_experiment"' in one["sql"]]
    assert len(answer.body["experiments"]) == 2
    assert ("LIMIT" in ordered) == is_whole
    assert '"modified"' not in ordered and '"modified"' in rows


@pytest.mark.parametrize(
    "asked",
    [
        {"order_by": ["metrics.loss ASC"]},
        {"filter": "metrics.loss < 0.9 and tags.kind = 'a'", "order_by": ["metrics.loss DESC"]},
        {"filter": "metrics.loss >= 0"},
    ],
)
def test_what_the_database_understands_is_read_by_the_page(
    ada_there: Mlflow, start: Any, asked: dict[str, Any]
) -> None:
    for number in range(4):
        one = start(number)
        Mlflow(one.token).post("runs/log-metric", run_id=one.id, **metric(0, number / 10))
        Mlflow(one.token).post("runs/set-tag", run_id=one.id, key="kind", value="a")

    with CaptureQueriesContext(connection) as queries:
        answer = ada_there.post("runs/search", experiment_ids=[one.experiment.key], max_results=2, **asked)

    found = [run["info"]["run_name"] for run in answer.body["runs"]]
    assert found == (["trial 0", "trial 1"] if "ASC" in str(asked) else ["trial 3", "trial 2"])
    assert [one["sql"] for one in queries if "LIMIT 3" in one["sql"]]


def test_of_runs_only_what_is_asked_for_is_read(ada_there: Mlflow, running: Running) -> None:
    with CaptureQueriesContext(connection) as queries:
        ada_there.post(
            "runs/search", experiment_ids=[running.experiment.key], filter="params.x = '0.5'", order_by=["start_time"]
        )

    (looked_through,) = [one["sql"] for one in queries if 'AS "c0"' in one["sql"]]
    assert looked_through.count('FROM "artifacts_remark"') == 1
    assert "auth_user" not in looked_through


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ("attributes.status = 'FINISHED'", [2, 1]),
        ("attributes.status IN ('RUNNING', 'FAILED')", [3, 0]),
        ("attributes.status != 'FINISHED'", [3, 0]),
        ("attributes.run_id = 'nothing'", []),
    ],
)
def test_runs_are_searched_by_their_status_and_what_scripts_said_of_it(
    ada_there: Mlflow, start: Any, wanted: str, numbers: list[int]
) -> None:
    for number, status in enumerate(["RUNNING", "RUNNING", "FINISHED", "FAILED"]):
        one = start(number, status=status)
        if number == 1:
            Mlflow(one.token).post("runs/update", run_id=one.id, status="FINISHED", end_time=1)

    found = ada_there.post("runs/search", experiment_ids=[one.experiment.key], filter=wanted).body["runs"]

    assert [run["info"]["run_name"] for run in found] == [f"trial {number}" for number in numbers]
