"""Tunebook: declare a search space and an objective, tune, report.

Importing this needs the standard library only; the samplers (``tunebook.samplers``) need numpy.

Example:
    >>> from tunebook import Choice, LogUniform, Space
    >>> Space({"lr": LogUniform.between(0.0001, 0.1), "optimizer": Choice(["adam", "sgd"])}).size
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tunebook.distributions import (
    Choice,
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    Randint,
    Uniform,
)
from tunebook.errors import ClientError, SpecError, TunebookError
from tunebook.objective import Metric, Objective
from tunebook.space import Space
from tunebook.status import ENDED_EXPERIMENT, ENDED_TRIAL, LIVE_TRIAL, ExperimentStatus, TrialStatus

if TYPE_CHECKING:
    from tunebook.client import Client

__all__ = [
    "ENDED_EXPERIMENT",
    "ENDED_TRIAL",
    "LIVE_TRIAL",
    "Choice",
    "Client",
    "ClientError",
    "Distribution",
    "ExperimentStatus",
    "LogNormal",
    "LogUniform",
    "Metric",
    "Normal",
    "Objective",
    "QLogNormal",
    "QLogUniform",
    "QNormal",
    "QUniform",
    "Randint",
    "Space",
    "SpecError",
    "TrialStatus",
    "TunebookError",
    "Uniform",
]
__version__ = "0.1.0"
_LATER = {"Client": "tunebook.client"}


def __getattr__(name: str) -> Any:
    """What a training script never needs is loaded when somebody asks for it."""
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'tunebook' has no attribute {name!r}")
