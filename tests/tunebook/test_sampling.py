"""Which sampler: a declaration that needs no numpy."""

import subprocess
import sys

import pytest

from tunebook import SpecError, samplers
from tunebook.sampling import SAMPLERS, Sampling


def test_the_table_of_names_and_options_is_that_of_the_samplers():
    known = {name: tuple(option.name for option in kind.options) for name, kind in samplers.SAMPLERS.items()}

    assert known == SAMPLERS


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
