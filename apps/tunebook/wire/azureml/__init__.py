"""ARM workspaces/jobs: the properties of a job in the shape of 2021-03-01-preview and in today's, and the answers."""

from tunebook.wire.azureml.answers import TYPE, Facts, instant, page, problem, resource
from tunebook.wire.azureml.documents import PATH, Details, check_name, details
from tunebook.wire.azureml.dumping import dump
from tunebook.wire.azureml.loading import load
from tunebook.wire.azureml.shapes import converted
from tunebook.wire.azureml.telling import tell
from tunebook.wire.azureml.versions import OLD, TODAY, guess_shape, shape_of
from tunebook.wire.run_words import (
    EXPERIMENT_WORDS,
    TRIAL_WORDS,
    experiment_status,
    experiment_statuses,
    trial_status,
)

__all__ = [
    "EXPERIMENT_WORDS",
    "OLD",
    "PATH",
    "TODAY",
    "TRIAL_WORDS",
    "TYPE",
    "Details",
    "Facts",
    "check_name",
    "converted",
    "details",
    "dump",
    "experiment_status",
    "experiment_statuses",
    "guess_shape",
    "instant",
    "load",
    "page",
    "problem",
    "resource",
    "shape_of",
    "tell",
    "trial_status",
]
