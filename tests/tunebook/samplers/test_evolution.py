"""Evolution: parents, children, and the population."""

from tests.tunebook.samplers.spaces import MIXED, NESTED, history
from tunebook import Choice, Objective, Space, TrialStatus, Uniform
from tunebook.history import History, TrialView
from tunebook.samplers import Suggestion
from tunebook.samplers.evolution import EvolutionSampler


def ask(past: History, seed: int = 3, size: int = 10, sample: int = 10) -> Suggestion:
    return EvolutionSampler(past.space, past.objective, seed, population_size=size, sample_size=sample).ask(past, 1)[0]


def test_the_population_starts_at_random() -> None:
    assert [ask(history(MIXED, count)).source for count in (0, 9, 10)] == ["start-up", "start-up", "evolution"]


def test_a_child_differs_from_the_best_parent_in_something_but_not_in_all() -> None:
    past = history(MIXED, 10)
    parent = past.best
    assert parent is not None

    for seed in range(20):
        child = ask(past, seed).params
        same = [name for name in MIXED if child[name] == parent.params[name]]
        assert 0 < len(same) < len(MIXED) or child != dict(parent.params)


def test_old_trials_leave_the_population() -> None:
    space = Space({"c": Choice([f"option {number}" for number in range(1000)]), "x": Uniform(0, 1)})
    trials = [TrialView(0, {"c": "option 7", "x": 0.5}, TrialStatus.FINISHED, -100.0)]
    trials += [TrialView(n, {"c": f"option {n + 100}", "x": 0.5}, TrialStatus.FINISHED, float(n)) for n in range(1, 11)]
    past = History(space, Objective(), tuple(trials))

    children = [ask(past, seed).params["c"] for seed in range(20)]

    assert "option 7" not in children
    assert "option 101" in children


def test_a_child_that_takes_another_option_gets_its_members() -> None:
    past = history(NESTED, 10)

    children = [ask(past, seed).params for seed in range(60)]

    assert all(NESTED.contains(child) for child in children)
    assert len({str(NESTED.flatten(child)["model"]) for child in children}) > 1


def test_failures_are_not_chosen_as_parents_while_there_are_others() -> None:
    space = Space({"c": Choice([f"option {number}" for number in range(1000)]), "x": Uniform(0, 1)})
    trials = [TrialView(n, {"c": f"option {n}", "x": 0.5}, TrialStatus.FAILED) for n in range(9)]
    trials.append(TrialView(9, {"c": "option 9", "x": 0.5}, TrialStatus.FINISHED, 5.0))
    past = History(space, Objective(), tuple(trials))

    children = [ask(past, seed).params for seed in range(20)]

    assert sum(child["c"] == "option 9" for child in children) > 5
