"""JSON and YAML, read within bounds."""

import pytest

from tunebook import SpecError
from tunebook.wire.text import MAX_BYTES, parse, parse_json, parse_yaml


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        ('\ufeff{"a": "e\\u0301"}', {"a": "e\u0301"}),
        ("a: e\u0301", {"a": "\u00e9"}),
        ("{a: 1}", {"a": 1}),
        (b'{"a": 1}', {"a": 1}),
        ('{"a": "[[{{"}', {"a": "[[{{"}),
        ('{"a": "\\"}]"}', {"a": '"}]'}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)
def test_json_and_yaml_are_told_apart(text, document):
    assert parse(text) == document


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-3", -3),
        ("010", 10),
        ("true", True),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("22:00", "22:00"),
        ("2024-01-01", "2024-01-01"),
        ("0x10", "0x10"),
        ("'1'", "1"),
        ("1_000", "1_000"),
    ],
)
def test_plain_words_of_yaml_are_what_people_mean(word, value):
    found = parse_yaml(f"a: {word}")["a"]

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "given twice"),
        ("a: 1\na: 2", "given twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "finite"),
        ('{"a": 9223372036854775808}', "64 bits"),
        ("a: 99999999999999999999999", "64 bits"),
        ("[" * 33 + "]" * 33, "32 levels"),
        ("a: " + "[" * 33 + "]" * 33, "32 levels"),
        ("[" * 100_000, "32 levels"),
        ("a: &a [1]\nb: [" + "*a, " * 51 + "]", "aliases"),
        ("a: &a [*a]", "levels"),
        ('{"a": ', "line 1 column 7"),
        ("a:\n  - b\n c: d", "line 3"),
        ("a: !!python/object/apply:os.system [id]", "tag"),
        ("a: !!timestamp 2024-01-01\n? [1]\n: 2", "text"),
        ("1: a", "text"),
        ("a: b\n---\nc: d", "single document"),
        ("", "empty"),
        (" \n", "empty"),
        ("a: \0", "NUL"),
        ("a: \ud800", "surrogates"),
        (b"\xff\xfe", "UTF-8"),
        (" " * (MAX_BYTES + 1), "bytes"),
    ],
)
def test_what_is_out_of_bounds_is_refused_in_words(text, message):
    with pytest.raises(SpecError, match=message):
        parse(text)


def test_aliases_cannot_multiply():
    levels = ["a0: &a0 [1, 1, 1, 1, 1, 1]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 6)}]" for n in range(1, 8)]

    with pytest.raises(SpecError, match="parts"):
        parse_yaml("\n".join(levels))


def test_json_alone_takes_no_yaml():
    with pytest.raises(SpecError, match="not valid JSON"):
        parse_json("{a: 1}")
