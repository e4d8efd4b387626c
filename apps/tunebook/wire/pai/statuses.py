"""The words of statuses: one table for each kind of thing, read in both directions."""

from tunebook.status import ENDED_EXPERIMENT, ExperimentStatus, TrialStatus

# A person asked to stop it and its processes are not yet gone.
TERMINATING = "TERMINATING"

EXPERIMENT_WORDS: dict[ExperimentStatus, str] = {status: status.value for status in ExperimentStatus}
TRIAL_WORDS: dict[TrialStatus, str] = {
    **{status: status.value for status in TrialStatus},
    TrialStatus.CREATED: "WAITING",
    TrialStatus.FINISHED: "SUCCEEDED",
}
# Words that are understood when asked for, beside the ones that are sent.
_ALSO = {"FINISHED": TrialStatus.FINISHED}


def experiment_status(status: str, desired: str = "run") -> str:
    """The word for an experiment's status; TERMINATING while it still has to stop."""
    known = ExperimentStatus(status)
    return TERMINATING if desired == "stop" and known not in ENDED_EXPERIMENT else EXPERIMENT_WORDS[known]


def trial_status(status: str) -> str:
    """The word for a trial's status."""
    return TRIAL_WORDS[TrialStatus(status)]


def experiment_statuses(word: str) -> frozenset[ExperimentStatus] | None:
    """The statuses a word stands for; None for no word of ours. TERMINATING stands for all that have not ended."""
    wanted = word.strip().upper()
    if wanted == TERMINATING:
        return frozenset(ExperimentStatus) - ENDED_EXPERIMENT
    found = frozenset(status for status, sent in EXPERIMENT_WORDS.items() if sent == wanted)
    return found or None


def trial_statuses(word: str) -> frozenset[TrialStatus] | None:
    """The statuses a word stands for (WAITING: also those only created); None when it is no word of ours."""
    wanted = word.strip().upper()
    if wanted in _ALSO:
        return frozenset({_ALSO[wanted]})
    found = frozenset(status for status, sent in TRIAL_WORDS.items() if sent == wanted)
    return found or None
