"""What could be typed next."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.experiments.models import Experiment
from apps.search import completion, facts
from apps.search.completion import complete
from apps.search.grammar import CATALOG, trials_grammar
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tests.dashboard.trials import with_trials

Make = Callable[..., Experiment]


def offered(text: str, actor: Actor, workspace: Workspace, at: int | None = None) -> list[str]:
    """The query as it would be with each of the options."""
    found = complete(text, len(text) if at is None else at, CATALOG, completion.of_catalog(actor, workspace))
    return [text[: found.start] + one.text + text[found.end :] for one in found.options]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sta", "status:"),
        ("resnet (sta", "resnet (status:"),
        ("-sta", "-status:"),
        ("status:run", "status:running"),
        ("status:failed,run", "status:failed,running"),
        ("status:suc", "status:succeeded"),
        ("staus:running", "status:running"),
        ("o", "owner:"),
        ("owner:", "owner:me"),
        ("owner:be", "owner:ben"),
        ("tag:te", "tag:team=vision"),
        ("sampler:tp", "sampler:tpe"),
        ("is:", "is:starred"),
        ("metric:", "metric:loss"),
        ("param.", "param.x"),
        ("created>", "created>1h"),
        ("a not", "a not "),
    ],
)
def test_the_nearest_word_comes_first(
    actor_ada: Actor, workspace: Workspace, ben: object, make_experiment: Make, text: str, first: str
) -> None:
    with_trials(make_experiment(tags=[("team", "vision")]), "FINISHED")
    facts.catch_up()

    assert offered(text, actor_ada, workspace)[0] == first


def test_in_the_middle_only_the_part_before_the_place_is_completed(actor_ada: Actor, workspace: Workspace) -> None:
    assert offered("sta resnet", actor_ada, workspace, at=3)[0] == "status: resnet"


def test_what_is_private_is_not_betrayed(actor_ben: Actor, workspace: Workspace, make_experiment: Make) -> None:
    with_trials(make_experiment(accessibility="PRIVATE"), "FINISHED")
    facts.catch_up()

    assert offered("param.", actor_ben, workspace) == []
    assert offered("metric:", actor_ben, workspace) == []


def test_tags_that_only_private_experiments_have_are_not_betrayed(
    actor_ada: Actor, actor_ben: Actor, workspace: Workspace, make_experiment: Make
) -> None:
    make_experiment(accessibility="PRIVATE", tags=[("team", "secret"), ("client", "x")])
    make_experiment(tags=[("team", "vision")])

    assert offered("tag:", actor_ben, workspace) == ["tag:team=vision"]
    assert offered("tag:team=", actor_ben, workspace) == ["tag:team=vision"]
    assert offered("tag:team=", actor_ada, workspace) == ["tag:team=secret", "tag:team=vision"]


def test_a_value_that_needs_quotes_gets_them(actor_ada: Actor, workspace: Workspace, make_experiment: Make) -> None:
    make_experiment(tags=[("data set", "a, b")])

    assert offered("tag:da", actor_ada, workspace) == ['tag:"data set=a, b"']


def test_what_is_there_whole_is_not_offered_again(actor_ada: Actor, workspace: Workspace) -> None:
    assert offered("status:running", actor_ada, workspace) == []


def test_trials_have_their_parameters_and_options(make_experiment: Make) -> None:
    one = make_experiment()

    found = complete("x", 1, trials_grammar(["x"]), completion.of_trials(one))

    assert [option.text for option in found.options][:1] == ["x"]


@pytest.mark.parametrize(("text", "at"), [("", 0), ('"', 1), ("((((", 4), ("a" * 5000, 5000), ("x:", 99), ("::", 2)])
def test_nonsense_never_raises(actor_ada: Actor, workspace: Workspace, text: str, at: int) -> None:
    complete(text, at, CATALOG, completion.of_catalog(actor_ada, workspace))
