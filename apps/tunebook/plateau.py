"""Whether an experiment still gets anywhere."""

from tunebook.history import History
from tunebook.status import TrialStatus

COUNTED = (TrialStatus.FINISHED, TrialStatus.EARLY_STOPPED)


def without_gain(history: History, least: float = 0.0) -> int:
    """How many of the latest trials in a row brought no better value, in the order of their numbers.

    Trials that finished or were stopped early count, failed and cancelled ones and those left out do not.
    A value is better when it is so by more than ``least``.
    """
    sign = history.objective.sign
    best, waited = None, 0
    for trial in history.trials:
        if trial.status not in COUNTED or trial.weight <= 0 or trial.number < 0:
            continue
        value = trial.value if trial.status is TrialStatus.FINISHED else None
        if history.objective.is_better(value, best) and value is not None:
            gains = best is None or sign * (best - value) > least
            best, waited = (value, 0) if gains else (best, waited + 1)
        else:
            waited += 1
    return waited
