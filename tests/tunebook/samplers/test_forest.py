"""The forest: what it knows of rows it has seen, of rows it has not, and how large a space it bears."""

import numpy as np
import pytest

from tunebook import Choice, Randint, Space, Uniform
from tunebook.samplers.encode import Encoder, Floats
from tunebook.samplers.forest import TRIED, Forest

SPACE = Space(
    {
        "x": Uniform(0, 1),
        "n": Randint(6),
        "c": Choice(["a", "b", "c", "d", {"_name": "e", "y": Uniform(0, 1)}]),
    }
)


def rows_of(space: Space, count: int, seed: int = 1) -> Floats:
    """Random rows as a sampler sees them."""
    encoder, draw = Encoder(space), np.random.default_rng(seed)
    rows = draw.random((count, len(encoder.columns)))
    params = [
        encoder.params(
            {
                each.name: at if not each.count else float(int(at * each.count))
                for each, at in zip(encoder.columns, row, strict=True)
            }
        )
        for row in rows
    ]
    return np.array([encoder.row(each) for each in params])


def grown(space: Space, rows: Floats, values: Floats, seed: int = 2) -> Forest:
    return Forest.grown(Encoder(space).columns, rows, values, np.random.default_rng(seed))


def step(rows: Floats) -> Floats:
    """Good under two of the options that are not neighbours, and there where x is small."""
    good: Floats = np.isin(rows[:, 2], [0.0, 3.0]) * (1.0 + (rows[:, 0] < 0.4))
    return -good


def test_what_was_seen_is_known_for_sure() -> None:
    rows = rows_of(SPACE, 60)
    values = np.random.default_rng(3).normal(size=60)

    mean, spread = grown(SPACE, rows, values).predict(rows)

    assert mean == pytest.approx(values)
    assert spread == pytest.approx(np.zeros(60))


def test_equal_rows_come_to_the_mean_of_their_values() -> None:
    rows = np.repeat(rows_of(SPACE, 3), 2, axis=0)

    mean, _ = grown(SPACE, rows, np.array([0.0, 1.0, 5.0, 7.0, 2.0, 2.0])).predict(rows[::2])

    assert mean == pytest.approx([0.5, 6.0, 2.0])


def test_steps_by_option_and_number_are_foretold() -> None:
    rows, others = rows_of(SPACE, 80), rows_of(SPACE, 400, seed=9)

    mean, spread = grown(SPACE, rows, step(rows)).predict(others)

    wrong = np.abs(mean - step(others))
    assert float(wrong.mean()) < 0.25 * float(np.abs(step(others) - step(others).mean()).mean())
    assert float(spread[wrong > 0.3].mean()) > 3 * float(spread[wrong < 0.05].mean())


def test_the_same_draws_grow_the_same_forest_and_others_another() -> None:
    rows, others = rows_of(SPACE, 30), rows_of(SPACE, 50, seed=9)

    first, again, other = (grown(SPACE, rows, step(rows), seed).predict(others)[0] for seed in (2, 2, 5))

    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_a_level_is_one_leaf() -> None:
    rows = rows_of(SPACE, 10)

    mean, spread = grown(SPACE, rows, np.full(10, 0.25)).predict(rows_of(SPACE, 5, seed=9))

    assert mean.tolist() == [0.25] * 5
    assert spread.tolist() == [0.0] * 5


def test_of_many_columns_the_one_that_counts_is_found_all_the_same() -> None:
    space = Space({**{f"x{place}": Uniform(0, 1) for place in range(5 * TRIED)}, "c": Choice(["a", "b"])})
    rows, others = rows_of(space, 150), rows_of(space, 100, seed=9)

    mean, _ = grown(space, rows, rows[:, -1]).predict(others)

    assert float(mean[others[:, -1] == 1].mean()) > float(mean[others[:, -1] == 0].mean()) + 0.1
