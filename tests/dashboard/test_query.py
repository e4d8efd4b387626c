from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.dashboard.query import CATALOG, parse, trials_grammar


def test_words_fields_and_comparisons_are_read_as_terms() -> None:
    query = parse('resnet status:running best<0.1 trials>=10 -owner:ben "two words"', CATALOG)

    found = [(term.field, term.operator, term.values, term.negated) for term in query.terms]

    assert query.problems == []
    assert found == [
        ("word", ":", ("resnet",), False),
        ("status", ":", ("RUNNING",), False),
        ("best", "<", (0.1,), False),
        ("trials", ">=", (10.0,), False),
        ("owner", ":", ("ben",), True),
        ("word", ":", ("two words",), False),
    ]


def test_commas_give_alternatives_and_quotes_keep_them_together() -> None:
    query = parse('status:running,failed owner:"a, b",c', CATALOG)

    assert query.terms[0].values == ("RUNNING", "FAILED")
    assert query.terms[1].values == ("a, b", "c")


def test_a_tag_may_have_a_value() -> None:
    assert parse("tag:team=vision", CATALOG).terms[0].values == ("team=vision",)
    assert parse("tag:team:vision", CATALOG).terms[0].values == ("team:vision",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("created>2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("created<2026-01-31T12:30", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
    ],
)
def test_days_and_moments_are_utc(text: str, expected: datetime) -> None:
    assert parse(text, CATALOG).terms[0].values == (expected,)


def test_an_age_is_a_moment_before_now() -> None:
    (moment,) = parse("updated>7d", CATALOG).terms[0].values

    assert isinstance(moment, datetime)
    assert 6.9 < (datetime.now(UTC) - moment).total_seconds() / 86400 < 7.1


@pytest.mark.parametrize(
    ("text", "message", "suggestion"),
    [
        ("statos:running", "there is no field 'statos'", "status:running"),
        ("status:runing", "there is no status 'runing'", "status:running"),
        ("best<low", "best is a number", ""),
        ("best<", "best< needs a value", ""),
        ("status>running", "status cannot be compared", "status:running"),
        ('name:"open', "this quote is not closed", 'name:"open"'),
        ("created>soon", "created is a day like", ""),
        ("visibility:publik", "visibility is public or private", "visibility:public"),
        ("best<inf", "finite", ""),
    ],
)
def test_a_wrong_part_is_named_with_a_suggestion(text: str, message: str, suggestion: str) -> None:
    query = parse(f"resnet {text}", CATALOG)

    (problem,) = query.problems

    assert message in problem.message
    assert problem.suggestion == suggestion
    assert query.text[problem.start : problem.end] == text
    assert [term.text for term in query.terms] == ["resnet"]
    if suggestion:
        assert problem.corrected == f"resnet {suggestion}"


def test_the_text_comes_back_in_pieces_for_underlining() -> None:
    query = parse("a statos:x b", CATALOG)

    pieces = [(text, problem is not None) for text, problem in query.marked()]

    assert pieces == [("a ", False), ("statos:x", True), (" b", False)]


def test_a_facet_puts_its_term_in_and_takes_it_out_again() -> None:
    query = parse("resnet", CATALOG)

    added = query.toggled("status", "failed")

    assert added == "resnet status:failed"
    assert parse(added, CATALOG).toggled("status", "failed") == "resnet"


def test_one_of_several_values_is_taken_out_alone() -> None:
    query = parse("status:running,failed x", CATALOG)

    assert query.has("status", "failed") is query.terms[0]
    assert query.toggled("status", "failed") == "status:running x"


def test_a_value_with_spaces_is_quoted_when_a_facet_adds_it() -> None:
    added = parse("", CATALOG).toggled("owner", "Ada L")

    assert added == 'owner:"Ada L"'
    assert parse(added, CATALOG).terms[0].values == ("Ada L",)


def test_parameters_are_fields_of_trials() -> None:
    query = parse("param.lr>1e-3 model=svm model.C<=2 status:ended", trials_grammar(["lr", "model", "model.C"]))

    assert query.problems == []
    assert [term.values[0] for term in query.terms[:3]] == ["lr>1e-3", "model=svm", "model.C<=2"]


def test_a_parameter_is_compared_with_numbers_only() -> None:
    (problem,) = parse("lr>fast", trials_grammar(["lr"])).problems

    assert "no number" in problem.message


@pytest.mark.parametrize("text", ["", "   ", "-", '""', ":", "a:b:c", "<>", "x" * 10_000, "-" * 400, '"' * 7])
def test_nonsense_never_raises(text: str) -> None:
    parse(text, CATALOG)
