"""The words and the order of states. static/js/words.js says the same in the browser."""

from __future__ import annotations

from collections.abc import Mapping

from apps.tuning.announce import moved
from tunebook.status import ENDED_EXPERIMENT, ENDED_TRIAL, STATUS_WORDS, ExperimentStatus, TrialStatus

STATE_WORDS: Mapping[str, str] = {
    **STATUS_WORDS,
    "PAUSED": "Paused",
    "PAUSING": "Pausing",
    "DRAINING": "Draining",
    "STOPPING": "Stopping",
}
"""Status, or status as `shown` turns it -> the words of its badge."""

TRIAL_ORDER = tuple(status.value for status in TrialStatus)
EXPERIMENT_ORDER = tuple(status.value for status in ExperimentStatus)


def shown(status: str, desired: str = "run") -> str:
    """The state to show: what is, coloured by what a person asked for as long as it has not happened."""
    if status in ENDED_EXPERIMENT or status in ENDED_TRIAL:
        return str(status)
    if desired == "stop":
        return "STOPPING"
    if desired == "drain":
        return "DRAINING"
    if desired == "pause":
        return "PAUSING" if status == "RUNNING" else "PAUSED"
    return str(status)


def state_words(status: str, desired: str = "run") -> str:
    """What the badge of a state says."""
    state = shown(status, desired)
    return STATE_WORDS.get(state, state)


def css_class(state: str) -> str:
    """The class that colours a state; its icon in the sprite has the same name."""
    return f"status-{state.lower()}"


def said_today(line: str) -> str:
    """A line that an event log has kept since statuses had other words ("user canceled: stopped by ada"), in today's."""
    was, _, reason = line.partition(": ")
    status = was.upper().replace(" ", "_")
    outdated = was.islower() and status in STATUS_WORDS and STATUS_WORDS[status].lower() != was
    return moved(status, reason) if outdated else line
