"""HyperDrive REST, version 2019-09-30: the experiment document, its definitions of what runs, and its answers."""

from tunebook.wire.hyperdrive.answers import Facts, cancelled, created, experiment, problem
from tunebook.wire.hyperdrive.documents import SECTIONS, Details, details
from tunebook.wire.hyperdrive.loading import load
from tunebook.wire.run_words import EXPERIMENT_WORDS, TRIAL_WORDS, experiment_status, trial_status

__all__ = [
    "EXPERIMENT_WORDS",
    "SECTIONS",
    "TRIAL_WORDS",
    "Details",
    "Facts",
    "cancelled",
    "created",
    "details",
    "experiment",
    "experiment_status",
    "load",
    "problem",
    "trial_status",
]
