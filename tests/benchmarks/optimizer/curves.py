"""Learning curves of real models, one for each of many random configurations, recorded once and kept."""

import json
import os
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from tunebook import Choice, LogUniform, QLogUniform, Randint, Space, Uniform
from tunebook.space import Params

STEPS = 27
WORST = 10.0
SPACES = {
    "mlp": Space(
        {
            "rate": LogUniform.between(1e-4, 0.3),
            "alpha": LogUniform.between(1e-6, 1.0),
            "hidden": QLogUniform.between(4, 64, 1),
            "momentum": Uniform(0, 0.99),
        }
    ),
    "sgd": Space(
        {
            "alpha": LogUniform.between(1e-7, 1.0),
            "rate": LogUniform.between(1e-4, 1.0),
            "penalty": Choice(["l2", "l1", "elasticnet"]),
        }
    ),
    "boosting": Space(
        {"rate": LogUniform.between(0.01, 1.0), "depth": Randint(7, 1), "features": Uniform(0.1, 1.0)},
    ),
}


def recorded(model: str, data: str, count: int) -> list[list[float]]:
    """The validation loss after each step, for so many random configurations; those reckoned before are read."""
    folder = Path(os.environ.get("TUNEBOOK_BENCHMARK_TABLES", tempfile.gettempdir())) / "tunebook-tables"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"curves-{model}-{data}.jsonl"
    known: list[list[float]] = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    draw = random.Random(f"{model}/{data}")
    drawn = [SPACES[model].sample(draw) for _ in range(count)]
    with path.open("a") as file:
        for params in drawn[len(known) :]:
            known.append(list(_curve(model, data, params)))
            file.write(json.dumps(known[-1]) + "\n")
    return known[:count]


def _curve(model: str, data: str, params: Params) -> Iterator[float]:
    x, y = {"digits": load_digits, "wine": load_wine}[data](return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(y))[:600]
    parts = train_test_split(x[chosen], y[chosen], test_size=0.4, random_state=0, stratify=y[chosen])
    scaler = StandardScaler().fit(parts[0])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for predicted in LEARNERS[model](scaler.transform(parts[0]), parts[2], scaler.transform(parts[1]), params):
            fine = np.nan_to_num(np.clip(predicted, 1e-6, 1.0), nan=1e-6)
            yield min(float(log_loss(parts[3], fine / fine.sum(axis=1, keepdims=True))), WORST)


def _mlp(x: Any, y: Any, test: Any, params: Params) -> Iterator[Any]:
    model = MLPClassifier(
        (int(params["hidden"]),),
        solver="sgd",
        learning_rate_init=params["rate"],
        alpha=params["alpha"],
        momentum=params["momentum"],
        random_state=0,
    )
    yield from _learning(model, x, y, test)


def _sgd(x: Any, y: Any, test: Any, params: Params) -> Iterator[Any]:
    model = SGDClassifier(
        loss="log_loss",
        alpha=params["alpha"],
        eta0=params["rate"],
        learning_rate="constant",
        penalty=params["penalty"],
        random_state=0,
    )
    yield from _learning(model, x, y, test)


def _learning(model: Any, x: Any, y: Any, test: Any) -> Iterator[Any]:
    for _ in range(STEPS):
        model.partial_fit(x, y, classes=np.unique(y))
        yield model.predict_proba(test)


def _boosting(x: Any, y: Any, test: Any, params: Params) -> Iterator[Any]:
    model = GradientBoostingClassifier(
        n_estimators=STEPS,
        learning_rate=params["rate"],
        max_depth=int(params["depth"]),
        max_features=params["features"],
        random_state=0,
    ).fit(x, y)
    yield from model.staged_predict_proba(test)


LEARNERS: dict[str, Callable[[Any, Any, Any, Params], Iterator[Any]]] = {
    "mlp": _mlp,
    "sgd": _sgd,
    "boosting": _boosting,
}
