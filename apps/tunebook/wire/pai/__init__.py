"""PAI AutoML, API version 2022-08-28: the configuration document, its text forms, its words and its answers."""

from tunebook.wire.pai.answers import (
    experiment_status,
    final_metric,
    hyperparam,
    job_meta,
    metric,
    single_metric,
    trial_status,
)
from tunebook.wire.pai.documents import PATH, SECTIONS, mask, masked
from tunebook.wire.pai.dumping import dump
from tunebook.wire.pai.loading import load
from tunebook.wire.pai.statuses import (
    EXPERIMENT_WORDS,
    TERMINATING,
    TRIAL_WORDS,
    experiment_statuses,
    trial_statuses,
)
from tunebook.wire.pai.texts import config_ini, config_yml, search_space_text
from tunebook.wire.typed_value import unwrap_params, wrap_params

__all__ = [
    "EXPERIMENT_WORDS",
    "PATH",
    "SECTIONS",
    "TERMINATING",
    "TRIAL_WORDS",
    "config_ini",
    "config_yml",
    "dump",
    "experiment_status",
    "experiment_statuses",
    "final_metric",
    "hyperparam",
    "job_meta",
    "load",
    "mask",
    "masked",
    "metric",
    "search_space_text",
    "single_metric",
    "trial_status",
    "trial_statuses",
    "unwrap_params",
    "wrap_params",
]
