"""WMLA's REST interface, its hyperparameter part: the hypersearch task as a job, and the records that answer."""

from tunebook.wire.wmla.algorithms import BUILT_IN, Installed
from tunebook.wire.wmla.answers import BASE, PREFIX, Facts, Trial, algorithm, app_id, moment, submitted, task, training
from tunebook.wire.wmla.documents import SECTIONS, read_data
from tunebook.wire.wmla.launching import FRAMEWORKS, RESULTS, Launch, Model, read_args
from tunebook.wire.wmla.loading import Details, Surroundings, additional_metrics, details, load, single
from tunebook.wire.wmla.statuses import TASK_WORDS, TRIAL_WORDS, exec_state, task_state, trial_state

__all__ = [
    "BASE",
    "BUILT_IN",
    "FRAMEWORKS",
    "PREFIX",
    "RESULTS",
    "SECTIONS",
    "TASK_WORDS",
    "TRIAL_WORDS",
    "Details",
    "Facts",
    "Installed",
    "Launch",
    "Model",
    "Surroundings",
    "Trial",
    "additional_metrics",
    "algorithm",
    "app_id",
    "details",
    "exec_state",
    "load",
    "moment",
    "read_args",
    "read_data",
    "single",
    "submitted",
    "task",
    "task_state",
    "training",
    "trial_state",
]
