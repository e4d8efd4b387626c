"""Where an experiment came from, in words."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

register = template.Library()

SOURCES: Mapping[str, tuple[str, str]] = {
    "native": ("PAI", "the native API, as clients of PAI AutoML speak it"),
    "tunebook": ("Tunebook", "a page, the tunebook package or our own API"),
    "sweep": ("Azure sweep file", "a sweep file of Azure ML"),
    "azureml": ("Azure ML", "the ARM API of Azure ML"),
    "hyperdrive": ("HyperDrive", "the HyperDrive API of Azure ML"),
    "wmla": ("WMLA", "the API of Watson Machine Learning Accelerator"),
    "nni": ("NNI", "an experiment of NNI"),
    "mlflow": ("MLflow", "runs that log to MLflow"),
}


@register.filter
def source(dialect: str) -> str:
    """The short name of a dialect; one that is not known here is its own name."""
    return SOURCES.get(dialect, (dialect, ""))[0]


@register.filter
def source_words(dialect: str) -> str:
    """What a dialect is, for a title."""
    return f"Came through {SOURCES.get(dialect, (dialect, dialect))[1]}"
