from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.search.grammar import CATALOG, quoted, trials_grammar
from apps.search.parser import Condition, Either, Every, Node, Not, Query, parse


def node_of(text: str) -> Node:
    """The one part of a query."""
    query = parse(text, CATALOG)
    assert query.problems == []
    (term,) = query.terms
    return term.node


def word(text: str) -> Condition:
    return Condition("word", ":", (text,))


def test_words_fields_and_comparisons_are_read_as_parts() -> None:
    query = parse('resnet status:running best<0.1 trials>=10 -owner:ben "two words"', CATALOG)

    assert query.problems == []
    assert [term.node for term in query.terms] == [
        word("resnet"),
        Condition("status", ":", ("RUNNING",)),
        Condition("best", "<", (0.1,)),
        Condition("trials", ">=", (10.0,)),
        Not(Condition("owner", ":", ("ben",))),
        word("two words"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b", Either((word("a"), word("b")))),
        ("a OR b c", Either((word("a"), Every((word("b"), word("c")))))),
        ("a b or c", Either((Every((word("a"), word("b"))), word("c")))),
        ("not a", Not(word("a"))),
        ("-(a b)", Not(Every((word("a"), word("b"))))),
        ("not (a or not b)", Not(Either((word("a"), Not(word("b")))))),
        ("((a))", word("a")),
        ('"or"', word("or")),
        ("status!=failed", Not(Condition("status", ":", ("FAILED",)))),
        ("name=resnet", Condition("name", "=", ("resnet",))),
        ("param.lr>1e-3", Condition("param.lr", ">", (0.001,))),
        ("metric.val/acc:0.5..", Condition("word", ":", ("metric.val/acc:0.5..",))),
        ("param.lr:0.1..0.2", Condition("param.lr", ":", (0.1, 0.2), is_range=True)),
        ("best:..0.5", Condition("best", ":", ("", 0.5), is_range=True)),
        ('metric:"loss=([0-9.]+)"', Condition("metric", ":", ("loss=([0-9.]+)",))),
        (r'name:"a \"b\""', Condition("name", ":", ('a "b"',))),
    ],
)
def test_words_brackets_and_ranges_mean_what_they_say(text: str, expected: Node) -> None:
    assert node_of(text) == expected


def test_and_is_what_stands_between_parts_anyway() -> None:
    assert [term.text for term in parse("a and b AND c", CATALOG).terms] == ["a", "b", "c"]


def test_commas_give_alternatives_and_quotes_keep_them_together() -> None:
    assert node_of("status:running,failed") == Condition("status", ":", ("RUNNING", "FAILED"))
    assert node_of('owner:"a, b",c') == Condition("owner", ":", ("a, b", "c"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("created>2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("created<2026-01-31T12:30", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
    ],
)
def test_days_and_moments_are_utc(text: str, expected: datetime) -> None:
    node = node_of(text)

    assert isinstance(node, Condition)
    assert node.values == (expected,)


def test_an_age_is_a_moment_before_now() -> None:
    node = node_of("updated>7d")

    assert isinstance(node, Condition)
    (moment,) = node.values
    assert isinstance(moment, datetime)
    assert 6.9 < (datetime.now(UTC) - moment).total_seconds() / 86400 < 7.1


@pytest.mark.parametrize(
    ("text", "message", "suggestion"),
    [
        ("staus:running", "there is no field 'staus'", "status:running"),
        ("batch_size>=64", "there is no field 'batch_size'", "param.batch_size>=64"),
        ("status:runing", "there is no status 'runing'", "status:running"),
        ("best<low", "best is a number", ""),
        ("best<", "best< needs a value", ""),
        ("status>running", "status cannot be compared", "status:running"),
        ('name:"open', "this quote is not closed", 'name:"open"'),
        ("created>soon", "created is a day like", ""),
        ("visibility:publik", "there is no visibility 'publik'", "visibility:public"),
        ("best<inf", "finite", ""),
        ("param.lr>fast", "is no number to compare", "param.lr:fast"),
        ("is:stared", "there is no is 'stared'", "is:starred"),
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


@pytest.mark.parametrize(
    ("text", "part", "corrected"),
    [
        ("(a or b", "(", "(a or b)"),
        ("a b)", ")", "a b"),
        ("a or", "or", "a"),
        ("or a", "or", "a"),
        ("a and and b", "and", "a and b"),
        ("a not", "not", "a"),
        ("a ()", "(", ""),
    ],
)
def test_a_bracket_or_word_out_of_place_is_underlined_and_the_rest_works(text: str, part: str, corrected: str) -> None:
    query = parse(text, CATALOG)

    (problem,) = query.problems

    assert query.text[problem.start : problem.end] == part
    assert problem.corrected == corrected
    assert query.terms
    assert parse(corrected, CATALOG).problems == []


def test_a_wrong_alternative_is_left_out_alone() -> None:
    query = parse("staus:running or name:x", CATALOG)

    assert [term.text for term in query.terms] == ["name:x"]


def test_the_text_comes_back_in_pieces_for_underlining() -> None:
    query = parse("a staus:x b", CATALOG)

    pieces = [(text, problem is not None) for text, problem in query.marked()]

    assert pieces == [("a ", False), ("staus:x", True), (" b", False)]


def test_a_facet_puts_its_value_in_and_takes_it_out_again() -> None:
    query = parse("resnet", CATALOG)

    added = query.toggled("status", "failed")

    assert added == "resnet status:failed"
    assert parse(added, CATALOG).toggled("status", "failed") == "resnet"


def test_a_second_value_joins_the_first_as_an_alternative_but_tags_stand_alone() -> None:
    query = parse("status:running tag:a", CATALOG)

    assert query.toggled("status", "failed") == "status:running,failed tag:a"
    assert query.toggled("tag", "b") == "status:running tag:a tag:b"


def test_one_of_several_values_is_taken_out_alone() -> None:
    query = parse("status:running,failed x", CATALOG)

    assert query.has("status", "failed") is query.terms[0]
    assert query.toggled("status", "failed") == "status:running x"


def test_a_facet_beside_alternatives_narrows_all_of_them() -> None:
    query = parse("a or b", CATALOG)

    assert node_of(query.toggled("status", "failed").partition(" status")[0]) == Either((word("a"), word("b")))


@pytest.mark.parametrize("value", ["Ada L", "a,b", "(x)", "-x", "or", 'say "hi"', "1..2", "plain", "ä", ""])
def test_a_quoted_value_is_read_back_as_it_was(value: str) -> None:
    if value:
        assert node_of(f"owner:{quoted(value)}") == Condition("owner", ":", (value,))
    else:
        assert quoted(value) == '""'


def test_parameters_are_fields_of_trials() -> None:
    query = parse("param.lr>1e-3 model=svm model.C<=2 status:ended", trials_grammar(["lr", "model", "model.C"]))

    assert query.problems == []
    assert [term.node for term in query.terms[:3]] == [
        Condition("param.lr", ">", (0.001,)),
        Condition("param.model", ":", ("svm",)),
        Condition("param.model.C", "<=", (2.0,)),
    ]


def test_a_parameter_that_the_space_does_not_have_is_named() -> None:
    (problem,) = parse("param.rl>1", trials_grammar(["lr", "depth"])).problems

    assert problem.message == "there is no param 'rl'; there are depth, lr"
    assert problem.suggestion == "param.lr>1"


@pytest.mark.parametrize(
    "text", ["", "   ", "-", '""', ":", "a:b:c", "<>", "x" * 10_000, "-" * 400, '"' * 7, "(" * 500, ")" * 500]
)
def test_nonsense_never_raises(text: str) -> None:
    parse(text, CATALOG)


@given(st.text(alphabet='abor ()"-:<>=.,!status1', max_size=60))
def test_whatever_is_typed_is_read_and_its_parts_read_again_as_the_same(text: str) -> None:
    query = parse(text, CATALOG)

    for problem in query.problems:
        assert 0 <= problem.start < problem.end <= len(text)
    again: Query = parse(" ".join(term.text for term in query.terms), CATALOG)
    if not query.problems:
        assert [term.node for term in again.terms] == [term.node for term in query.terms]


@pytest.mark.parametrize("text", ["a " * 400, "a or " * 300, "-a " * 300, "(a or b) " * 100, "tag:a,b,c " * 40])
def test_too_many_conditions_are_left_out_and_said_once(text: str) -> None:
    query = parse(text, CATALOG)

    assert sum("at most 30 conditions" in problem.message for problem in query.problems) == 1
    assert len(query.terms) <= 30
