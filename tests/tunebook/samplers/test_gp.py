"""The Gaussian process under NNI's options."""

import pytest

from tests.tunebook.samplers.spaces import MIXED, history
from tunebook import Objective
from tunebook.samplers.bayesian import BayesianSampler
from tunebook.samplers.gp import GpSampler


@pytest.mark.parametrize(
    ("given", "same"),
    [
        ({}, {"kappa": 5.0}),
        ({"utility": "ucb"}, {"acquisition": "ucb", "kappa": 5.0}),
        ({"utility": "poi", "xi": 0.5, "cold_start_num": 4}, {"acquisition": "poi", "xi": 0.5, "n_startup": 4}),
        ({"cold_start_num": 0, "selection_num_warm_up": 1}, {"n_startup": 2, "n_candidates": 10}),
        ({"selection_num_warm_up": 100_000, "nu": 1.5, "alpha": 0}, {"n_candidates": 10_000}),
    ],
)
@pytest.mark.parametrize("count", [3, 20])
def test_it_asks_what_the_same_process_asks_under_its_own_options(given, same, count):
    past = history(MIXED, count)

    asked = GpSampler(MIXED, Objective(), 7, **given).ask(past, 2)

    assert asked == BayesianSampler(MIXED, Objective(), 7, **same).ask(past, 2)
