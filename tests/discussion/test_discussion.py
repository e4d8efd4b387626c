"""Notes with history, and comments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from markdown_it.token import Token

from apps.discussion.markdown import _reader, html
from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import experiment_stream
from apps.trials.models import Trial
from apps.tuning import discussion, trials
from apps.tuning.errors import Conflict
from apps.workspaces.access import Actor, NotAllowed, OutOfReach
from tunebook.errors import SpecError

pytestmark = pytest.mark.django_db
REL = 'rel="noopener noreferrer nofollow"'
Make = Callable[..., Experiment]


@pytest.fixture
def trial(make_experiment: Make, actor_ada: Actor) -> Trial:
    return trials.queue(actor_ada, make_experiment(), {"x": 0.5})


def test_each_edit_of_a_note_is_a_version(make_experiment: Make, actor_ada: Actor) -> None:
    experiment = make_experiment()

    discussion.write_note(actor_ada, experiment, "first", based_on=0)
    discussion.write_note(actor_ada, experiment, "second", based_on=1)
    same = discussion.write_note(actor_ada, experiment, "second", based_on=2)

    assert [(one.number, one.text, one.username) for one in discussion.notes_of(experiment)] == [
        (2, "second", "ada"),
        (1, "first", "ada"),
    ]
    assert same.number == 2


def test_an_edit_of_an_older_version_is_a_conflict(make_experiment: Make, actor_ada: Actor) -> None:
    experiment = make_experiment()
    discussion.write_note(actor_ada, experiment, "first")

    with pytest.raises(Conflict, match="version 1, yours is based on 0"):
        discussion.write_note(actor_ada, experiment, "mine", based_on=0)

    assert discussion.notes_of(experiment).count() == 1


def test_a_trial_has_a_note_and_comments_of_its_own(trial: Trial, actor_ada: Actor) -> None:
    experiment = trial.experiment
    discussion.write_note(actor_ada, experiment, "of all")
    discussion.write_note(actor_ada, experiment, "of one", trial=trial)
    discussion.comment(actor_ada, experiment, "hm", trial=trial)

    note = discussion.note_of(experiment, trial)
    assert note is not None and (note.text, note.number) == ("of one", 1)
    assert [one.text for one in discussion.comments_of(experiment, trial)] == ["hm"]
    assert not discussion.comments_of(experiment).exists()


def test_what_is_written_is_told_on_the_feed(make_experiment: Make, actor_ada: Actor) -> None:
    experiment = make_experiment()
    before = reading.cursor(experiment_stream(experiment.key))

    discussion.comment(actor_ada, experiment, "look")

    events = reading.after(experiment_stream(experiment.key), before.seq)
    assert [(event.kind, event.payload) for event in events] == [("discussion", {"trial": None, "what": "commented"})]


def test_only_its_author_changes_a_comment_and_administrators_delete_it(
    make_experiment: Make, actor_ada: Actor, actor_ben: Actor, actor_cleo: Actor
) -> None:
    experiment = make_experiment()
    said = discussion.comment(actor_ada, experiment, "look")

    with pytest.raises(NotAllowed):
        discussion.change_comment(actor_ben, said, "no")
    with pytest.raises(NotAllowed):
        discussion.comment(actor_ben, experiment, "viewers only read")
    with pytest.raises(OutOfReach):
        discussion.delete_comment(actor_cleo, said)
    discussion.change_comment(actor_ada, said, "look here")
    discussion.delete_comment(actor_ada, said)

    assert not discussion.comments_of(experiment).exists()
    with pytest.raises(OutOfReach):
        discussion.find_comment(experiment, said.pk)


@pytest.mark.parametrize("text", ["", " ", "x" * 10_001, "a\x00b"])
def test_a_comment_that_cannot_be_is_refused(make_experiment: Make, actor_ada: Actor, text: str) -> None:
    with pytest.raises(SpecError):
        discussion.comment(actor_ada, make_experiment(), text)


@pytest.mark.parametrize(
    ("text", "there", "missing"),
    [
        ("# Best so far\n\n**bold**", "<h3>Best so far</h3>", "<h1"),
        ("<script>alert(1)</script>", "&lt;script&gt;", "<script"),
        ("<img src=x onerror=alert(1)>", "&lt;img", "<img"),
        ("![pixel](https://example.com/p.png)", '<a href="https://example.com/p.png" rel=', "<img"),
        ("![a <b> & c](https://example.com/p.png)", ">a &lt;b&gt; &amp; c</a>", "!<a"),
        ("![x](javascript:alert(1))", "![x]", "<a"),
        ("[![badge](https://a.example/b.png)](https://a.example)", ">badge</a>", "b.png"),
        ("[x](javascript:alert(1))", "[x]", "<a"),
        ("[x](data:text/html;base64,PHNjcmlwdD4=)", "[x]", "<a"),
        ("[x](//evil.example)", "[x]", "<a"),
        ("[x](https://example.com)", 'rel="noopener noreferrer nofollow"', "<script"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "<table", "style="),
        ("| a | b |\n|---|--:|\n| 1 | 2 |", '<td class="right">2</td>', "style="),
        ("a\nb", "<br", "<script"),
        (
            "see https://a.example/x_(y)?b=1&c=2.",
            f'<a href="https://a.example/x_(y)?b=1&amp;c=2" {REL}>https://a',
            "2.</a>",
        ),
        ("(http://a.example)", f'(<a href="http://a.example" {REL}>http://a.example</a>)', "example)"),
        ("[see https://a.example](https://b.example)", ">see https://a.example</a>", 'href="https://a.example"'),
        ("`https://a.example`", "<code>https://a.example</code>", "<a"),
        ('"https://a.example/"onclick=x <b>', "</a>&quot;onclick=x &lt;b&gt;", "<b>"),
        ("a.example, ftp://a.example, xhttps://a.example, http://[", "<p>a.example", "<a"),
        ("![a](https://a.example) [![b](https://b.example) https://c.example](/d)", ">b https://c", 'href="https://c'),
    ],
)
def test_markdown_becomes_html_that_is_safe(text: str, there: str, missing: str) -> None:
    found = html(text)

    assert there in found
    assert missing not in found


def test_a_note_full_of_pictures_is_read_once() -> None:
    """Each picture asked all that stands before it whether it is inside of a link: 28 seconds for a note of the full length."""
    asked = 0

    class Counting(list[Token]):
        def __getitem__(self, place: Any) -> Any:
            nonlocal asked
            asked += 1
            if isinstance(place, slice):
                asked += len(range(*place.indices(len(self))))
            return super().__getitem__(place)

    reader = _reader()
    tokens = reader.parseInline("![](/a)" * 200)
    tokens[0].children = Counting(tokens[0].children or [])
    reader.renderer.render(tokens, reader.options, {})

    assert asked < 20 * 200
