"""Printed Python dictionaries are read without evaluating anything, and within bounds."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunebook.errors import SpecError
from tunebook.wire.literal import MAX_BYTES, parse_literal

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    plain, lambda one: st.lists(one, max_size=4) | st.dictionaries(texts, one, max_size=4), max_leaves=12
)


@given(values)
def test_what_python_prints_is_read_back(value: Any) -> None:
    assert parse_literal(repr(value)) == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_literal(text)
    except SpecError:
        return


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 1, }", {"a": 1}),
        ("{'a': (1, 2), 'b': (1,), 'c': (1), 'd': ()}", {"a": [1, 2], "b": [1], "c": 1, "d": []}),
        ("{u'a': 'x' \"y\"}", {"a": "xy"}),
        ("['\\x41\\u00e9\\U0001F600\\101\\n\\'', 'a\\\nb', '\\q']", ["Aé😀A\n'", "ab", "\\q"]),
        ("[1., .5, -1e-3, +2]", [1.0, 0.5, -0.001, 2]),
        (" \n None ", None),
    ],
)
def test_python_forms_are_understood(text: str, value: Any) -> None:
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "end of the text"),
        ("{'a': 1", "'}' was expected"),
        ("{'a'}", "':' was expected"),
        ("{1: 2}", "must be text"),
        ("{'a': 1, 'a': 2}", "given twice"),
        ("{'a': {1, 2}}", "must be text"),
        ("[1 2]", "']' was expected"),
        ("{'a': 1} x", "neither JSON nor a Python dictionary: x at line 1"),
        ("{'a':\n b}", "b at line 2"),
        ("__import__('os').system('x')", "neither"),
        ("{'a': lambda: 1}", "neither"),
        ("[x for x in y]", "neither"),
        ("b'x'", "neither"),
        ("f'{x}'", "neither"),
        ("1 + 1", "neither"),
        ("--1", "neither"),
        ("1j", "neither"),
        ("{**{'a': 1}}", "neither"),
        ("[nan]", "neither"),
        ("'open", "neither"),
        ("[1e999]", "must be finite"),
        ("[9223372036854775808]", "64 bits"),
        (f"[{'9' * 5000}]", "64 bits"),
        ("['\\0']", "NUL"),
        ("['\\ud800']", "half characters"),
        ("['\\U00110000']", "no character"),
        ("[" * 33 + "]" * 33, "deeper than 32"),
        ("{'a':" * 5000, "deeper than 32"),
        (f"[{'1,' * 10_001}]", "10000 commas"),
        ("'" + "x" * MAX_BYTES + "'", f"at most {MAX_BYTES} bytes"),
    ],
)
def test_everything_else_is_refused_in_a_sentence(text: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_literal(text)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    "bomb", ["[" * 60_000, "-" * 60_000 + "1", "(" * 30_000 + ")" * 30_000, "'a' " * 16_000, "9" * 65_000]
)
def test_a_bomb_costs_next_to_nothing(bomb: str) -> None:
    tracemalloc.start()
    began = time.process_time()

    try:
        parse_literal(bomb)
    except SpecError:
        pass

    assert time.process_time() - began < 1.0
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
