"""WMLA's words for where a task, an experiment of it and a training stand: one table for each kind of thing."""

from tunebook.status import ENDED_EXPERIMENT, ExperimentStatus, TrialStatus

# Clients go on asking only while a task is one of these two, so nothing that goes on may be called otherwise.
SUBMITTED, RUNNING = "SUBMITTED", "RUNNING"

TASK_WORDS: dict[ExperimentStatus, str] = {
    ExperimentStatus.CREATED: SUBMITTED,
    ExperimentStatus.WAITING: SUBMITTED,
    ExperimentStatus.RUNNING: RUNNING,
    ExperimentStatus.NO_MORE_TRIAL: RUNNING,
    ExperimentStatus.UNKNOWN: RUNNING,
    ExperimentStatus.FINISHED: "FINISHED",
    ExperimentStatus.EARLY_STOPPED: "FINISHED",
    ExperimentStatus.SYS_CANCELED: "FINISHED",
    ExperimentStatus.FAILED: "FAILED",
    ExperimentStatus.USER_CANCELED: "STOPPED",
}
TRIAL_WORDS: dict[TrialStatus, str] = {
    TrialStatus.CREATED: "NOTRUN",
    TrialStatus.WAITING: SUBMITTED,
    TrialStatus.RUNNING: RUNNING,
    TrialStatus.UNKNOWN: RUNNING,
    TrialStatus.FINISHED: "FINISHED",
    TrialStatus.EARLY_STOPPED: "STOPPED",
    TrialStatus.USER_CANCELED: "STOPPED",
    TrialStatus.SYS_CANCELED: "KILLED",
    TrialStatus.FAILED: "FAILED",
}


def task_state(status: str, *, has_started: bool, has_result: bool) -> str:
    """The word for a task: FAILED also where time ran out before there was any result."""
    known = ExperimentStatus(status)
    word = TASK_WORDS[known]
    if known not in ENDED_EXPERIMENT:
        return RUNNING if has_started else word
    return "FAILED" if known is ExperimentStatus.SYS_CANCELED and not has_result else word


def trial_state(status: str) -> str:
    """The word for one experiment of a task."""
    return TRIAL_WORDS[TrialStatus(status)]


def exec_state(status: str) -> str:
    """The word for a training, by its trial's status, or its experiment's before there is a trial.

    Only words that clients go on asking at, or stop at.
    """
    word = TRIAL_WORDS[TrialStatus(status)] if status in TRIAL_WORDS else TASK_WORDS[ExperimentStatus(status)]
    return {"NOTRUN": SUBMITTED, "STOPPED": "KILLED"}.get(word, word)
