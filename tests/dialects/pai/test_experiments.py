"""Creating, listing, reading, changing, stopping and deleting experiments through the native API."""

from __future__ import annotations

from tests.dialects.pai.conftest import Native


def test_a_created_experiment_is_listed(native: Native, experiment: str) -> None:
    answer = native.get("/experiments")

    assert answer.status == 200
    assert answer["TotalCount"] == 1
    (row,) = answer["Experiments"]
    assert row["ExperimentId"] == experiment
    assert row["Name"] == "First Sweep"
    assert row["JobType"] == "1"
    assert isinstance(row["Creator"], str)
    assert row["GmtCreateTime"].endswith("Z") and "." not in row["GmtCreateTime"]
    assert {"Key": "group", "Value": "vision"} in row["Tags"]
    assert "ConfigIni" not in row


def test_get_tells_the_configuration_without_its_secrets(native: Native, experiment: str) -> None:
    answer = native.get(f"/experiment/{experiment}")

    assert answer.status == 200
    assert answer["HpoExperimentConfiguration"]["platform_config"]["name"] == "LOCAL"
    assert "a-secret" not in str(answer.body) and "an-id" not in str(answer.body)
    assert "[platform_config]" in answer["ConfigIni"]
    assert "maxTrialNumber: 10" in answer["ConfigYml"]
