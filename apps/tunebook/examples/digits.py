"""Teach a small neural network the handwritten digits that scikit-learn brings along.

    python -m tunebook.examples.digits --learning-rate 0.02 --hidden 48

As a trial of Tunebook it takes its parameters from there (`digits.json`), unless the command line says otherwise
(`digits_pai.json`). After each epoch it reports the accuracy on images it has not seen, and prints it.
"""

import argparse
import warnings
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from tunebook import run

DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.01,
    "hidden": 32,
    "layers": 1,
    "activation": "relu",
    "batch": 64,
    "penalty": 1e-4,
    "solver": {"_name": "adam"},
}


def main() -> None:
    values = options()
    train_images, test_images, train_digits, test_digits = data()
    model = network(values)
    digits = np.arange(10)
    for epoch in range(values.epochs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.partial_fit(train_images, train_digits, classes=digits)
        shares = model.predict_proba(test_images)
        accuracy = float(accuracy_score(test_digits, shares.argmax(axis=1)))
        loss = float(log_loss(test_digits, np.clip(shares, 1e-12, 1.0), labels=digits))
        print(f"epoch {epoch} accuracy={accuracy:.4f} loss={loss:.4f}", flush=True)
        run.log(accuracy=accuracy, loss=loss, step=epoch)
        if run.should_stop():
            print("asked to stop", flush=True)
            return


def options() -> argparse.Namespace:
    """The command line's values; where it says nothing the trial's, and outside a trial the defaults."""
    given = run.params(**DEFAULTS)
    solver = given["solver"]
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--learning-rate", type=float, default=given["learning_rate"])
    parser.add_argument("--hidden", type=int, default=given["hidden"], help="units of each hidden layer")
    parser.add_argument("--layers", type=int, default=given["layers"])
    parser.add_argument("--activation", choices=("relu", "tanh", "logistic"), default=given["activation"])
    parser.add_argument("--batch", type=lambda text: int(float(text)), default=int(given["batch"]))
    parser.add_argument("--penalty", type=float, default=given["penalty"], help="weight of the L2 penalty")
    parser.add_argument("--solver", choices=("adam", "sgd"), default=solver["_name"])
    parser.add_argument("--momentum", type=float, default=solver.get("momentum", 0.9), help="of the solver sgd")
    parser.add_argument("--epochs", type=int, default=15)
    return parser.parse_args()


def network(values: argparse.Namespace) -> MLPClassifier:
    return MLPClassifier(
        hidden_layer_sizes=(values.hidden,) * values.layers,
        activation=values.activation,
        solver=values.solver,
        alpha=values.penalty,
        batch_size=values.batch,
        learning_rate_init=values.learning_rate,
        momentum=values.momentum,
        random_state=0,
    )


def data() -> list[Any]:
    """A third of the images is kept for testing; pixels are scaled by what the training images say."""
    images, digits = load_digits(return_X_y=True)
    parts: list[Any] = train_test_split(images, digits, test_size=1 / 3, random_state=0, stratify=digits)
    scaler = StandardScaler().fit(parts[0])
    return [scaler.transform(parts[0]), scaler.transform(parts[1]), *parts[2:]]


if __name__ == "__main__":
    main()
