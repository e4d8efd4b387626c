"""A history that grows in place answers what a history of the same trials answers."""

from dataclasses import replace

from tunebook import Choice, Objective, Space, TrialStatus
from tunebook.history import History, TrialView
from tunebook.ledger import Ledger

SPACE = Space({"x": Choice([1, 2, 3, 4])})


def view(number: int, x: int, status: TrialStatus = TrialStatus.FINISHED, value: float | None = 0.5) -> TrialView:
    return TrialView(number, {"x": x}, status, value)


def grown() -> Ledger:
    """One result of an earlier experiment, one result, one trial that ran and failed, one that runs."""
    ledger = Ledger(SPACE, Objective())
    ledger.put(view(-1, 4, value=0.1))
    ledger.put(view(0, 1))
    ledger.put(view(1, 2, TrialStatus.RUNNING, None))
    ledger.put(view(2, 3, TrialStatus.RUNNING, None))
    ledger.put(replace(view(1, 2), status=TrialStatus.FAILED, value=None))
    return ledger


def test_a_ledger_answers_as_a_history_of_its_trials() -> None:
    ledger = grown()

    plain = History(SPACE, Objective(), ledger.trials)

    assert (ledger.finished, ledger.running, ledger.failed) == (plain.finished, plain.running, plain.failed)
    assert (ledger.results, ledger.best, ledger.next_number) == (plain.results, plain.best, plain.next_number)
    assert set(ledger.tried) == set(plain.tried)


def test_a_trial_that_is_started_anew_runs_in_its_old_place() -> None:
    ledger = grown()

    ledger.put(view(1, 2, TrialStatus.CREATED, None))

    assert ledger.running == History(SPACE, Objective(), ledger.trials).running
    assert [trial.number for trial in ledger.running] == [1, 2]


def test_what_was_looked_at_before_a_change_follows_it() -> None:
    ledger = grown()
    before = set(ledger.tried), ledger.best

    ledger.put(view(2, 3, value=0.2))
    ledger.put(view(-2, 1, value=0.0))
    ledger.put(view(3, 4, TrialStatus.RUNNING, None))

    plain = History(SPACE, Objective(), ledger.trials)
    assert (set(ledger.tried), ledger.best) == (set(plain.tried), plain.best) != before


def test_a_reader_takes_only_what_is_new_and_each_trial_once() -> None:
    ledger = grown()
    _, mark = ledger.changes(0)

    ledger.put(view(2, 3, TrialStatus.UNKNOWN, None))
    ledger.put(view(2, 3, value=0.2))

    changed, again = ledger.changes(mark)
    assert changed == [(3, view(2, 3, value=0.2))]
    assert ledger.changes(again)[0] == []
