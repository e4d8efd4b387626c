"""Where the metrics come from."""

import pytest

from tunebook import SpecError
from tunebook.readings import Readings


def test_readings_come_back_from_their_document():
    readings = Readings("stdout", ("cmd1", "cmd2"), "avg")

    assert Readings.from_dict(readings.to_dict()) == readings


@pytest.mark.parametrize("of", ["json", "summary", "table"])
def test_metrics_of_files_and_statements_need_a_source(of):
    with pytest.raises(SpecError, match="sources"):
        Readings(of)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (("paper",), "type"),
        (("report", (), "last"), "combine"),
        (("stdout", "cmd1"), "sources"),
        (("stdout", ("",)), "sources.0"),
        (("stdout", ("a",) * 21), "sources"),
    ],
)
def test_nonsense_is_refused_by_name(given, path):
    with pytest.raises(SpecError) as refused:
        Readings(*given)

    assert refused.value.path == path
