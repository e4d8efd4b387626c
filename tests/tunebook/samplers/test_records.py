"""The store of trials as arrays: what it encodes, and how often."""

import copy
import math
import random
from collections.abc import Mapping
from typing import Any

from tests.tunebook.samplers.spaces import MIXED, history
from tunebook import TrialStatus
from tunebook.history import Curve, TrialView
from tunebook.samplers.encode import Encoder
from tunebook.samplers.records import Records


class Counting(Encoder):
    """An encoder that counts its rows."""

    rows = 0

    def row(self, params: Mapping[str, Any]) -> list[float]:
        self.rows += 1
        return super().row(params)


def test_what_is_pending_is_encoded_once_in_a_batch() -> None:
    past, draw, encoder = history(MIXED, 3), random.Random(1), Counting(MIXED)
    records, pending = Records(encoder), [MIXED.sample(draw) for _ in range(5)]
    records.table(past, pending)

    for _ in range(4):
        pending = [*pending, MIXED.sample(draw)]
        table = records.table(past, pending)

    assert encoder.rows == 3 + 5 + 4
    assert table.rows.tolist() == Records(Encoder(MIXED)).table(past, pending).rows.tolist()


def test_a_copy_does_not_take_other_parameters_for_those_that_it_knows() -> None:
    past, first, second = history(MIXED, 3), MIXED.sample(random.Random(1)), MIXED.sample(random.Random(2))
    pending = dict(first)
    records = Records(Encoder(MIXED))
    records.table(past, [pending])
    copied = copy.deepcopy(records)

    pending.update(second)  # in the place of another object, which has got the same id by now

    assert copied.table(past, [pending]).rows[-1].tolist() == Encoder(MIXED).row(second)


def test_a_trial_stopped_early_on_nan_is_a_failure_and_one_that_said_nothing_no_lesson() -> None:
    def stopped(number: int, curve: Curve) -> TrialView:
        return TrialView(number, MIXED.sample(random.Random(number)), TrialStatus.EARLY_STOPPED, curve=curve)

    curves: list[Curve] = [((1, 0.5), (2, 0.4)), ((1, 0.5), (2, math.nan)), ()]
    past = history(MIXED, 0).extended(*(stopped(number, curve) for number, curve in enumerate(curves)))

    table = Records(Encoder(MIXED)).table(past, ())

    assert table.loss.tolist() == [0.4, math.inf]
    assert table.results == 1
