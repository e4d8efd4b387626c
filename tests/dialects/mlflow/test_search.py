"""Patterns of MLflow's filters."""

from __future__ import annotations

import re
import time

import pytest

from apps.dialects.mlflow.search import Like

TEXTS = ("", "a", "ab", "aab", "abab", "a\nb", "A", "a%b", "é", "a.b", "abcabc")


@pytest.mark.parametrize("any_case", [False, True])
@pytest.mark.parametrize(
    "pattern", ["", "%", "%%", "a", "a%", "%a", "%a%", "a%b", "_", "_%", "%_", "a_b", "%ab%ab", "ab%b", "%.%", "%bc_bc"]
)
def test_a_pattern_fits_what_the_expression_fits(pattern: str, any_case: bool) -> None:
    like = Like.of(pattern, any_case=any_case)
    expression = "".join({"%": ".*", "_": "."}.get(one, re.escape(one)) for one in pattern)
    flags = re.DOTALL | (re.IGNORECASE if any_case else 0)

    fits = [text for text in TEXTS if like.fits(text)]

    assert fits == [text for text in TEXTS if re.fullmatch(expression, text, flags)]


def test_no_pattern_takes_long() -> None:
    like = Like.of("%a" * 2_000 + "%b", any_case=True)

    began = time.process_time()
    fits = like.fits("a" * 6_000)

    assert not fits
    assert time.process_time() - began < 1.0
