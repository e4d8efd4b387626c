"""The words for where an experiment and a trial stand; every wire maps its own words onto these."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ExperimentStatus(StrEnum):
    """Status of an experiment. NO_MORE_TRIAL still drains: nothing more is asked, live trials go on."""

    CREATED = "CREATED"
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    NO_MORE_TRIAL = "NO_MORE_TRIAL"
    FINISHED = "FINISHED"
    EARLY_STOPPED = "EARLY_STOPPED"
    FAILED = "FAILED"
    USER_CANCELED = "USER_CANCELED"
    SYS_CANCELED = "SYS_CANCELED"
    UNKNOWN = "UNKNOWN"


class TrialStatus(StrEnum):
    """Status of a trial. FINISHED is the only success."""

    CREATED = "CREATED"
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    EARLY_STOPPED = "EARLY_STOPPED"
    FAILED = "FAILED"
    USER_CANCELED = "USER_CANCELED"
    SYS_CANCELED = "SYS_CANCELED"
    UNKNOWN = "UNKNOWN"


ENDED_EXPERIMENT = frozenset(
    {
        ExperimentStatus.FINISHED,
        ExperimentStatus.EARLY_STOPPED,
        ExperimentStatus.FAILED,
        ExperimentStatus.USER_CANCELED,
        ExperimentStatus.SYS_CANCELED,
    }
)
ENDED_TRIAL = frozenset(
    {
        TrialStatus.FINISHED,
        TrialStatus.EARLY_STOPPED,
        TrialStatus.FAILED,
        TrialStatus.USER_CANCELED,
        TrialStatus.SYS_CANCELED,
    }
)
LIVE_TRIAL = frozenset({TrialStatus.WAITING, TrialStatus.RUNNING, TrialStatus.UNKNOWN})

STATUS_WORDS: Mapping[str, str] = {
    "CREATED": "Created",
    "WAITING": "Waiting",
    "RUNNING": "Running",
    "NO_MORE_TRIAL": "No more trials",
    "FINISHED": "Succeeded",
    "EARLY_STOPPED": "Stopped early",
    "USER_CANCELED": "Stopped",
    "SYS_CANCELED": "Cancelled",
    "FAILED": "Failed",
    "UNKNOWN": "Unknown",
}
"""Status -> the words that people read for it, on badges, in logs and in tables alike."""
