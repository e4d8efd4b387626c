import numpy as np
import pytest

from tunebook import Choice, Randint, Space, Uniform
from tunebook.samplers.encode import Encoder, Floats
from tunebook.samplers.relevance import FEWEST, WIDEST, Relevance

MIXED = Space(
    {"x": Uniform(0, 1), "y": Uniform(0, 1), "n": Randint(4), "many": Randint(30), "c": Choice(["a", "b", "c"])}
)


def drawn(count: int, space: Space = MIXED, seed: int = 0) -> Floats:
    random, columns = np.random.default_rng(seed), Encoder(space).columns
    rows = random.random((count, len(columns)))
    for place, column in enumerate(columns):
        if column.count:
            rows[:, place] = np.floor(rows[:, place] * column.count)
    return rows


def widening(rows: Floats, loss: Floats, space: Space = MIXED) -> list[float]:
    found: list[float] = Relevance.of(Encoder(space).columns).widening(rows, loss).tolist()
    return found


@pytest.mark.parametrize("place", range(5))
def test_kernels_are_narrowest_along_what_decides(place: int) -> None:
    rows = drawn(100)

    found = widening(rows, rows[:, place] + 0.01 * np.random.default_rng(1).standard_normal(100))

    assert found.index(min(found)) == place
    assert max(found) == pytest.approx(WIDEST * min(found))
    assert np.prod(found) == pytest.approx(1.0)


def test_what_explains_less_lies_between() -> None:
    rows = drawn(2000)

    narrow, middle, *others = widening(rows, rows[:, 0] + 0.8 * rows[:, 1])

    assert narrow < middle < min(others)


def test_many_options_explain_nothing_by_their_number_alone() -> None:
    space = Space({"x": Uniform(0, 1), "c": Choice([str(each) for each in range(50)])})
    rows = drawn(100, space)

    explained = Relevance.of(Encoder(space).columns).explained(rows, rows[:, 0])

    assert explained[0] > 0.7 and explained[1] < 0.3


@pytest.mark.parametrize(
    "loss",
    [np.zeros(50), np.arange(float(FEWEST - 1)), np.array([]), np.full(50, 1e308)],
    ids=["all equal", "few", "none", "huge and equal"],
)
def test_where_nothing_is_known_kernels_stay_as_they_are(loss: Floats) -> None:
    assert widening(drawn(len(loss)), loss) == [1.0] * 5


def test_outliers_and_scale_of_the_losses_do_not_count() -> None:
    rows = drawn(80)

    assert widening(rows, np.exp(300 * rows[:, 0])) == widening(rows, rows[:, 0])


def test_thousands_of_options_and_the_ends_of_ranges_have_bins() -> None:
    space = Space({"x": Uniform(0, 1), "c": Choice([str(each) for each in range(10_000)])})
    rows = np.array([[0.0, 0], [1.0, 9_999]] * 20)

    found = widening(rows, rows[:, 0], space)

    assert found == pytest.approx([1.0, 1.0])
