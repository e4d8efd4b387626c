"""Azure's words for where a run stands, the same in all of its APIs: one table for each kind of thing."""

from tunebook.status import ENDED_EXPERIMENT, ENDED_TRIAL, ExperimentStatus, TrialStatus

CANCEL_REQUESTED = "CancelRequested"
# Their clients stop watching at these; a job that can still go on must never be called so.
TERMINAL = frozenset({"Completed", "Failed", "Canceled", "NotResponding", "Paused"})

EXPERIMENT_WORDS: dict[ExperimentStatus, str] = {
    ExperimentStatus.CREATED: "NotStarted",
    ExperimentStatus.WAITING: "Queued",
    ExperimentStatus.RUNNING: "Running",
    ExperimentStatus.NO_MORE_TRIAL: "Running",
    ExperimentStatus.FINISHED: "Completed",
    ExperimentStatus.EARLY_STOPPED: "Completed",
    ExperimentStatus.FAILED: "Failed",
    ExperimentStatus.USER_CANCELED: "Canceled",
    ExperimentStatus.SYS_CANCELED: "Canceled",
    ExperimentStatus.UNKNOWN: "Unknown",
}
TRIAL_WORDS: dict[TrialStatus, str] = {
    TrialStatus.CREATED: "NotStarted",
    TrialStatus.WAITING: "Queued",
    TrialStatus.RUNNING: "Running",
    TrialStatus.FINISHED: "Completed",
    TrialStatus.EARLY_STOPPED: "Canceled",
    TrialStatus.FAILED: "Failed",
    TrialStatus.USER_CANCELED: "Canceled",
    TrialStatus.SYS_CANCELED: "Canceled",
    TrialStatus.UNKNOWN: "Unknown",
}


def experiment_status(status: str, desired: str = "run") -> str:
    """The word for an experiment's status; CancelRequested while it still has to stop."""
    known = ExperimentStatus(status)
    return CANCEL_REQUESTED if desired == "stop" and known not in ENDED_EXPERIMENT else EXPERIMENT_WORDS[known]


def trial_status(status: str, desired: str = "run") -> str:
    """The word for a trial's status; CancelRequested while it still has to stop."""
    known = TrialStatus(status)
    return CANCEL_REQUESTED if desired == "stop" and known not in ENDED_TRIAL else TRIAL_WORDS[known]


def experiment_statuses(word: str) -> frozenset[ExperimentStatus] | None:
    """The statuses that a word stands for, compared without case; None when it is no word of ours."""
    wanted = word.strip().lower()
    if wanted == CANCEL_REQUESTED.lower():
        return frozenset(ExperimentStatus) - ENDED_EXPERIMENT
    found = frozenset(status for status, sent in EXPERIMENT_WORDS.items() if sent.lower() == wanted)
    return found or None
