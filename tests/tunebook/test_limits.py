"""The bounds of a job."""

import pytest

from tunebook import SpecError
from tunebook.limits import Limits


def test_nothing_is_bounded_but_the_concurrency_when_nothing_is_said():
    limits = Limits.from_dict({})

    assert (limits.max_trials, limits.max_seconds, limits.max_failed) == (None, None, None)
    assert (limits.max_concurrent, limits.retries, limits.command_retries) == (1, 2, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_trials", 0),
        ("max_trials", 1_000_001),
        ("max_trials", 1.5),
        ("max_trials", True),
        ("max_concurrent", 0),
        ("max_concurrent", None),
        ("max_seconds", 0.5),
        ("max_seconds", float("nan")),
        ("trial_seconds", -1),
        ("trial_memory", 15),
        ("trial_memory", 64.5),
        ("trial_memory", 2**24 + 1),
        ("max_failed", 0),
        ("retries", -1),
        ("command_retries", "1"),
    ],
)
def test_a_limit_out_of_its_bounds_is_refused_by_name(name, value):
    with pytest.raises(SpecError) as refused:
        Limits(**{name: value})

    assert refused.value.path == name


def test_limits_come_back_from_their_document():
    limits = Limits(max_trials=5, max_concurrent=2, max_seconds=60.5, trial_seconds=10, max_failed=1, retries=0)

    assert Limits.from_dict(limits.to_dict()) == limits


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"max_trails": 5}, "limits.max_trails"),
        ({"max_trials": "5"}, "limits.max_trials"),
        ({"max_trials": 0}, "limits.max_trials"),
        (5, "limits"),
    ],
)
def test_a_wrong_document_is_refused_with_its_path(document, path):
    with pytest.raises(SpecError) as refused:
        Limits.from_dict(document)

    assert refused.value.path == path


def test_a_misspelt_member_is_answered_with_what_was_meant():
    with pytest.raises(SpecError, match="did you mean max_trials"):
        Limits.from_dict({"max_trails": 5})
