"""Columns as steps: what a browser adds up is what was there."""

from __future__ import annotations

from apps.insights.charts import coded

HISTORY = {
    "chart": "history",
    "number": [0, 1, 5],
    "ended": [4.1, None, 9.0],
    "cost": [4.1, None, 0.2],
    "value": [0.5, 2, None],
}


def test_columns_become_steps_from_the_last_number_that_there_was():
    found = coded(HISTORY)

    assert found["number"] == {"per": 1, "steps": [0, 1, 4]}
    assert found["ended"] == {"per": 10, "steps": [41, None, 49]}
    assert found["cost"] == {"per": 10, "steps": [41, None, -39]}
    assert found["value"] == HISTORY["value"]


def test_a_chart_without_such_columns_stays_as_it_is():
    crowd = {"chart": "timeline", "width": 3, "busy": [[1, 2]]}
    assert coded(crowd) == crowd
    assert coded({"chart": "edf", "value": [1, 2]}) == {"chart": "edf", "value": [1, 2]}
