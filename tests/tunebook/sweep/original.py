"""The real azure-ai-ml package beside ours: the same names in two spaces, and what either makes of a job."""

import io
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import yaml

from tunebook import sweep

NAMES = [name for name in sweep.__all__ if name not in ("Command", "from_job", "load_job", "to_job")]


def real() -> SimpleNamespace:
    """The classes of the real package; importing it takes seconds and warns of itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import azure.ai.ml as ml
        import azure.ai.ml.entities as entities
        import azure.ai.ml.sweep as classes

        places = (classes, entities, ml)
        return SimpleNamespace(
            **{name: getattr(place, name) for name in NAMES for place in reversed(places) if hasattr(place, name)},
            sweep_job=lambda job: job._to_job() if hasattr(job, "_to_job") else job,
            properties=lambda job: job._to_rest_object().as_dict()["properties"],
        )


OURS = SimpleNamespace(
    **{name: getattr(sweep, name) for name in NAMES},
    sweep_job=lambda job: job,
    properties=lambda job: job.to_wire()["properties"],
)


def outcome(space: SimpleNamespace, build: Callable[[SimpleNamespace], Any], read: str) -> Any:
    """What becomes of a job: its file ("file") or what is sent ("wire"), or the kind of the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            job = space.sweep_job(build(space))
            if read == "wire":
                return normal(_plain(space.properties(job)))
            stream = io.StringIO()
            job.dump(stream)
            return normal(yaml.safe_load(stream.getvalue()))
    except TypeError:
        return "TypeError"
    except Exception as error:
        return "refused" if "alidat" in type(error).__name__ or "Unexpected" in type(error).__name__ else repr(error)


def normal(value: Any) -> Any:
    """The form without the oddities of paths: a local path or a web address has no `azureml:` in front."""
    if isinstance(value, dict):
        return {name: normal(member) for name, member in value.items()}
    if isinstance(value, list):
        return [normal(member) for member in value]
    if isinstance(value, str) and value.startswith(("azureml:.", "azureml:/", "azureml:http")):
        return value.removeprefix("azureml:")
    return value


def _plain(value: Any) -> Any:
    return yaml.safe_load(yaml.safe_dump(value))
