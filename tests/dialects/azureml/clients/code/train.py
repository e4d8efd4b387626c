"""Trains a linear classifier on scikit-learn's digits and reports its accuracy after each epoch."""

import argparse
import os
from pathlib import Path

from parts.data import digits
from sklearn.linear_model import SGDClassifier

import tunebook.run as run

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
parser.add_argument("--penalty")
parser.add_argument("--epochs", type=int)
parser.add_argument("--model", type=Path)
options, _ = parser.parse_known_args()

train, labels, test, expected = digits()
model = SGDClassifier(alpha=options.alpha, penalty=options.penalty, random_state=0)
for epoch in range(options.epochs):
    model.partial_fit(train, labels, classes=list(range(10)))
    accuracy = model.score(test, expected)
    run.log(step=epoch, accuracy=accuracy)
    print(f"epoch {epoch}: {accuracy:.4f}", flush=True)
given = {name.removeprefix("AZUREML_SWEEP_"): value for name, value in os.environ.items()}
(options.model / "weights.txt").write_text(f"{model.coef_.shape} {given['alpha']}\n")
