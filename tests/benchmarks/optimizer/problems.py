"""What is minimised: COCO's BBOB functions, and tables of real scikit-learn models over mixed spaces."""

import functools
import json
import os
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocoex
import numpy as np
from scipy.special import softmax
from sklearn import config_context
from sklearn.datasets import load_digits, load_wine, make_classification
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tunebook import Choice, LogUniform, QLogUniform, Randint, Space, Uniform

RANDOM_POINTS = 200  # whose median is 1 on the scale of regrets
DRAWN = "drawn-"  # and a number: a data set that is made, not measured
EASY = "easy-"  # and a number: one whose classes lie apart, with no wrong labels
GRID = 40  # levels of a continuous parameter in the tables
LISTED = "-listed"  # of a model: some of its numbers are chosen from lists


@dataclass(frozen=True)
class Problem:
    """One function to minimise; ``optimum`` is None where only the best of all runs is known."""

    suite: str
    name: str
    space: Space
    evaluate: Callable[[Mapping[str, Any]], float]
    optimum: float | None = None

    @functools.cached_property
    def random_values(self) -> list[float]:
        """Values of random points, sorted; the same for everyone."""
        draw = random.Random(f"{self.suite}/{self.name}")
        return sorted(self.evaluate(self.space.sample(draw)) for _ in range(RANDOM_POINTS))


def bbob(dimensions: tuple[int, ...], instances: tuple[int, ...], functions: tuple[int, ...]) -> Iterator[Problem]:
    """COCO's noiseless functions within [-5, 5] in each dimension."""
    for dimension in dimensions:
        space = Space({f"x{index}": Uniform(-5, 5) for index in range(dimension)})
        names = list(space)
        for function in functions:
            for instance in instances:
                bare = cocoex.BareProblem("bbob", function, dimension, instance)

                def evaluate(params: Mapping[str, Any], bare: Any = bare, names: list[str] = names) -> float:
                    return float(bare(np.array([params[name] for name in names], dtype=float)))

                yield Problem(
                    "bbob", f"f{function} d{dimension} i{instance}", space, evaluate, float(bare.best_value())
                )


MODELS = Choice(
    [
        {"_name": "svm", "C": LogUniform.between(1e-3, 1e3), "gamma": LogUniform.between(1e-5, 1e1)},
        {"_name": "knn", "neighbours": Randint(40, 1), "p": Uniform(1, 4), "weights": Choice(["uniform", "distance"])},
        {
            "_name": "tree",
            "depth": Randint(20, 1),
            "leaf": Randint(30, 1),
            "criterion": Choice(["gini", "entropy", "log_loss"]),
        },
        {"_name": "logistic", "C": LogUniform.between(1e-4, 1e4)},
    ]
)
SPACES = {
    "svm": Space(
        {
            "C": LogUniform.between(1e-3, 1e3),
            "gamma": LogUniform.between(1e-6, 1e1),
            "kernel": Choice(["rbf", "sigmoid", {"_name": "poly", "degree": Randint(6, 2)}]),
            "shrinking": Choice([True, False]),
        }
    ),
    "mlp": Space(
        {
            "rate": LogUniform.between(1e-4, 1.0),
            "alpha": LogUniform.between(1e-6, 1.0),
            "hidden": QLogUniform.between(2, 64, 1),
            "activation": Choice(["relu", "tanh", "logistic"]),
            "batch": QLogUniform.between(8, 128, 8),
            "momentum": Uniform(0, 0.99),
            "epochs": Randint(25, 5),
        }
    ),
    "trees": Space(
        {
            "kind": Choice(["forest", "extra"]),
            "trees": Randint(30, 2),
            "depth": Randint(16, 1),
            "features": Uniform(0.05, 1.0),
            "leaf": Randint(20, 1),
            "criterion": Choice(["gini", "entropy"]),
            "ccp": LogUniform.between(1e-6, 1e-1),
        }
    ),
    "sgd": Space(
        {
            "alpha": LogUniform.between(1e-7, 1.0),
            "eta0": LogUniform.between(1e-5, 10.0),
            "schedule": Choice(["constant", "invscaling", "adaptive", "optimal"]),
            "penalty": Choice(["l2", "l1", {"_name": "elasticnet", "l1_ratio": Uniform(0, 1)}]),
            "power": Uniform(0.1, 1.0),
        }
    ),
    "models": Space({"scale": Choice([True, False]), "model": MODELS}),
}
SPACES["svm-listed"] = Space(
    {
        "C": Choice([0.001, 0.01, 0.1, 1, 10, 100, 1000]),
        "gamma": Choice([0.000001, 0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10]),
        "kernel": Choice(["rbf", "sigmoid", {"_name": "poly", "degree": Choice([2, 3, 4, 5, 6])}]),
        "shrinking": Choice([True, False]),
    }
)
SPACES["sgd-listed"] = Space(
    {
        **SPACES["sgd"],
        "alpha": Choice([0.0000001, 0.000001, 0.00001, 0.0001, 0.001, 0.01, 0.1, 1]),
        "eta0": Choice([0.00001, 0.0001, 0.001, 0.01, 0.1, 1, 10]),
        "power": Choice([0.1, 0.25, 0.5, 0.75, 1]),
    }
)


def tables(datasets: tuple[str, ...], models: tuple[str, ...] = tuple(SPACES)) -> Iterator[Problem]:
    """Cross-validated loss of real models, each point of a fine grid reckoned when first asked for and kept.

    Data sets are digits, wine, and as many as are wanted of drawn-0, drawn-1, ... and easy-0, easy-1, ...
    """
    for dataset in datasets:
        for model in models:
            table = Table(model, dataset)
            yield Problem("sklearn", f"{model} {dataset}", SPACES[model], table)


class Table:
    """A model's loss by its parameters, snapped to a grid; what was reckoned is kept in a temporary folder."""

    def __init__(self, model: str, dataset: str) -> None:
        self._model = model
        self._dataset = dataset
        folder = Path(os.environ.get("TUNEBOOK_BENCHMARK_TABLES", tempfile.gettempdir())) / "tunebook-tables"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{model}-{dataset}.jsonl"
        self._known: dict[str, float] = {}
        if self._path.exists():
            self._known = dict(json.loads(line) for line in self._path.read_text().splitlines())

    def __call__(self, params: Mapping[str, Any]) -> float:
        flat = self._snapped(params)
        key = json.dumps(flat, sort_keys=True)
        if key not in self._known:
            self._known[key] = _loss(self._model, self._dataset, flat)
            with self._path.open("a") as file:
                file.write(json.dumps([key, self._known[key]]) + "\n")
        return self._known[key]

    def _snapped(self, params: Mapping[str, Any]) -> dict[str, Any]:
        space = SPACES[self._model]
        flat = {}
        leaves = space.leaves()
        for name, value in space.flatten(params).items():
            distribution = leaves[name][0]
            if distribution.is_numeric and (distribution.size is None or distribution.size > GRID):
                level = min(int(distribution.position(value) * GRID), GRID - 1)
                value = distribution.sample((level + 0.5) / GRID)
            flat[name] = value
        return flat


def _drawn(number: int) -> tuple[Any, Any]:
    """A small set of three to five classes, of its own size, difficulty and share of wrong labels."""
    random = np.random.default_rng(1000 + number)
    classes, features = int(random.integers(3, 6)), int(random.integers(6, 20))
    telling = max(int(random.integers(3, features - 1)), 3)
    clusters = int(random.integers(1, 3)) if 2**telling >= 2 * classes else 1
    return make_classification(
        n_samples=120,
        n_features=features,
        n_informative=telling,
        n_redundant=min(2, features - telling),
        n_classes=classes,
        n_clusters_per_class=clusters,
        flip_y=float(random.uniform(0, 0.15)),
        class_sep=float(random.uniform(0.6, 1.6)),
        random_state=number,
    )


def _easy(number: int) -> tuple[Any, Any]:
    """A small set of three to five classes that can be told apart, some of them without a mistake."""
    random = np.random.default_rng(5000 + number)
    classes, features = int(random.integers(3, 6)), int(random.integers(4, 20))
    return make_classification(
        n_samples=int(random.integers(120, 220)),
        n_features=features,
        n_informative=max(int(random.integers(3, features)), 3),
        n_redundant=0,
        n_classes=classes,
        n_clusters_per_class=1,
        flip_y=0.0,
        class_sep=float(random.uniform(1.2, 2.5)),
        random_state=number,
    )


@functools.cache
def _data(name: str) -> tuple[Any, Any]:
    for kind, made in ((DRAWN, _drawn), (EASY, _easy)):
        if name.startswith(kind):
            return made(int(name.removeprefix(kind)))
    x, y = {"digits": load_digits, "wine": load_wine}[name](return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(y))[:300]
    return x[chosen], y[chosen]


@functools.cache
def _folds(dataset: str, scaled: bool) -> list[tuple[Any, Any, Any, Any]]:
    """For each fold what is learnt from, its labels, what is predicted, and its places; prepared once."""
    x, y = _data(dataset)
    folds = []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(x, y):
        scale = StandardScaler().fit(x[train]).transform if scaled else np.asarray
        folds.append((scale(x[train]), y[train], scale(x[test]), test))
    return folds


def _loss(model: str, dataset: str, flat: dict[str, Any]) -> float:
    """Cross-entropy over three folds, of probabilities or of margins."""
    y = _data(dataset)[1]
    estimator, scaled = _estimator(model, flat)
    ask = "predict_proba" if hasattr(estimator, "predict_proba") else "decision_function"
    answers = np.empty((len(y), len(np.unique(y))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with config_context(assume_finite=True, skip_parameter_validation=True):
                for known, labels, asked, places in _folds(dataset, scaled):
                    answers[places] = getattr(estimator.fit(known, labels), ask)(asked)
            return float(log_loss(y, answers if ask == "predict_proba" else softmax(np.clip(answers, -30, 30), axis=1)))
        except ValueError:  # weights that ran away
            return 10.0


def _estimator(model: str, flat: dict[str, Any]) -> tuple[Any, bool]:
    model = model.removesuffix(LISTED)
    if model == "svm":
        degree = int(flat.get("kernel.degree", 3))
        return SVC(C=flat["C"], gamma=flat["gamma"], kernel=flat["kernel"], degree=degree, max_iter=2000), True
    if model == "mlp":
        return (
            MLPClassifier(
                (int(flat["hidden"]),),
                activation=flat["activation"],
                solver="sgd",
                alpha=flat["alpha"],
                batch_size=int(flat["batch"]),
                learning_rate_init=flat["rate"],
                momentum=flat["momentum"],
                max_iter=int(flat["epochs"]),
                random_state=0,
            ),
            True,
        )
    if model == "trees":
        kind = {"forest": RandomForestClassifier, "extra": ExtraTreesClassifier}[flat["kind"]]
        return (
            kind(
                int(flat["trees"]),
                criterion=flat["criterion"],
                max_depth=int(flat["depth"]),
                min_samples_leaf=int(flat["leaf"]),
                max_features=flat["features"],
                ccp_alpha=flat["ccp"],
                random_state=0,
            ),
            False,
        )
    if model == "sgd":
        return (
            SGDClassifier(
                alpha=flat["alpha"],
                eta0=flat["eta0"],
                learning_rate=flat["schedule"],
                penalty=flat["penalty"],
                l1_ratio=flat.get("penalty.l1_ratio", 0.15),
                power_t=flat["power"],
                max_iter=15,
                tol=None,
                random_state=0,
            ),
            True,
        )
    return _chosen_model(flat), flat["scale"]


def _chosen_model(flat: dict[str, Any]) -> Any:
    # the same member name in several options stands under the option's label
    inner = {name.split(".")[-1]: value for name, value in flat.items() if name.startswith("model.")}
    kind = flat["model"]
    if kind == "svm":
        return SVC(C=inner["C"], gamma=inner["gamma"], max_iter=2000)
    if kind == "knn":
        return KNeighborsClassifier(int(inner["neighbours"]), p=inner["p"], weights=inner["weights"])
    if kind == "tree":
        depth, leaf = int(inner["depth"]), int(inner["leaf"])
        return DecisionTreeClassifier(
            criterion=inner["criterion"], max_depth=depth, min_samples_leaf=leaf, random_state=0
        )
    return LogisticRegression(C=inner["C"], max_iter=50)
