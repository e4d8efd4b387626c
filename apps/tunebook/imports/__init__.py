"""Experiments that ran elsewhere, read into documents that Tunebook's `import` takes: Optuna, NNI and MLflow.

from tunebook.imports import read
client.call("POST", "experiments/import", {"document": read("optuna", "study.db", name="digits")})
"""

from collections.abc import Callable, Mapping

from tunebook.errors import SpecError
from tunebook.fields import listed
from tunebook.imports.document import Document
from tunebook.imports.mlflow import read_mlflow
from tunebook.imports.nni import read_nni
from tunebook.imports.optuna import read_optuna

__all__ = ["KINDS", "Document", "read"]

_READERS: Mapping[str, Callable[..., Document]] = {"optuna": read_optuna, "nni": read_nni, "mlflow": read_mlflow}
KINDS = tuple(_READERS)


def read(kind: str, source: str, *, name: str = "", metric: str = "", goal: str = "") -> Document:
    """What one study or experiment of another tool holds.

    kind: one of KINDS. source: of Optuna the SQLite file of its storage, or its address on PostgreSQL; of NNI the experiment's folder, or its
    nni.sqlite; of MLflow the address of a server, the SQLite file of its store, or a folder `mlruns`. name: which study
    or experiment, where there are several. metric, goal: what MLflow does not know, the metric that counts and
    "minimize" or "maximize". Raises SpecError with what is wrong and what there is.
    """
    if kind not in _READERS:
        raise SpecError("kind", f"must be one of {listed(KINDS)}, got {kind!r}")
    return _READERS[kind](source, name=name, metric=metric, goal=goal)
