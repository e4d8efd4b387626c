"""Taking a few members out of a JSON column: the same from both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.experiments.models import Experiment
from apps.trials.members import Members
from apps.trials.models import Trial

PARAMS = {
    "lr": 0.1,
    "depth": 3,
    "text": "1",
    "words": 'a "b" \u00fc',
    "on": True,
    "none": None,
    "model": {"_name": "svm", "C": 0.5},
    "list": [1, "2"],
    "with.dot and $": "x",
}


@pytest.mark.django_db
def test_members_come_as_they_were_stored(make_experiment: Callable[..., Experiment]) -> None:
    one = make_experiment()
    Trial.objects.create(experiment=one, number=0, params=PARAMS, source="random")
    names = [*PARAMS, "missing"]

    taken = Trial.objects.annotate(taken=Members("params", names)).values_list("taken", flat=True).get()

    assert taken == [*PARAMS.values(), None]
    assert [type(value) for value in taken] == [*map(type, PARAMS.values()), type(None)]


@pytest.mark.parametrize("names", [["lr"], ["lr", 'a "b"'], ["lr", "a\\b"], ["lr", "\u00fc"]])
def test_what_a_path_cannot_name_is_left_to_others(names: list[str]) -> None:
    assert Members.can_take(["lr", "C.1 of $[0]"])
    assert not Members.can_take(names)
