"""Which sampler: a declaration that needs no numpy."""

import math
import subprocess
import sys

import pytest

from tunebook import SpecError, Uniform, samplers
from tunebook.sampling import SAMPLERS, Sampling
from tunebook.space import Space


def test_the_table_of_names_and_options_is_that_of_the_samplers():
    known = {name: [option.name for option in kind.options] for name, kind in samplers.SAMPLERS.items()}

    assert known == {name: list(options) for name, options in SAMPLERS.items()}


PROBES = [
    None,
    True,
    "x",
    "",
    "2",
    "E",
    "e",
    -1,
    0,
    0.5,
    1,
    1.0,
    2,
    2.5,
    9,
    10,
    10**4,
    10**5,
    10**7,
    10**400,
    math.nan,
    math.inf,
]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        pytest.param(name, option, id=f"{name}-{option.name}")
        for name, kind in samplers.SAMPLERS.items()
        for option in kind.options
    ],
)
@pytest.mark.parametrize("value", [*PROBES, [], "listed", "Sobol", "sqrt", "mean", "ignore", "POI", [{}], [1]])
def test_an_options_value_is_taken_when_the_sampler_takes_it(name, option, value):

    def is_taken(by):
        try:
            by()
        except SpecError:
            return False
        return True

    assert is_taken(lambda: Sampling(name, {option.name: value})) == is_taken(lambda: option.read(value))


@pytest.mark.parametrize(
    ("name", "option"), [("anneal", "best_rank"), ("tpe", "prior_weight"), ("tpe", "linear_forgetting")]
)
@pytest.mark.parametrize("value", [math.inf, 10**400])
def test_nobody_reckons_with_an_endless_number(name, option, value):
    with pytest.raises(SpecError, match=f"{option}: must be a") as refused:
        Sampling(name, {option: value})

    assert refused.value.path == f"options.{option}"


def test_a_grid_in_listed_order_needs_countable_values():
    space = Space({"lr": Uniform(0, 1)})

    with pytest.raises(SpecError, match="lr"):
        Sampling("grid", {"order": "listed"}).check(space)
    Sampling("grid").check(space)


def test_declaring_a_job_imports_no_numpy():
    script = "import sys, tunebook.job, tunebook.wire.pai, tunebook.run; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_declaration_comes_back_from_its_document():
    sampling = Sampling("grid", {"order": "bisect"}, 7)

    assert Sampling.from_dict(sampling.to_dict()) == sampling


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (("tpo",), "name"),
        (("grid", {"ordr": 1}), "options.ordr"),
        (("auto", {"order": 1}), "options.order"),
        (("tpe", {"gamma": "much"}), "options.gamma"),
        (("tpe", {}, -1), "seed"),
        (("tpe", {}, 1.5), "seed"),
        (("tpe", {}, 2**63), "seed"),
    ],
)
def test_nonsense_is_refused_by_name(given, path):
    with pytest.raises(SpecError) as refused:
        Sampling(*given)

    assert refused.value.path == path


def test_an_unknown_name_is_answered_with_what_was_meant():
    with pytest.raises(SpecError, match="did you mean grid"):
        Sampling("gird")
