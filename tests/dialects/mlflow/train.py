"""A training script written for MLflow alone: it knows nothing of Tunebook but the value on its command line."""

import sys

import mlflow
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

alpha = float(sys.argv[1])
features, labels = load_digits(return_X_y=True)
train, test, train_labels, test_labels = train_test_split(features, labels, random_state=0)

mlflow.set_experiment("digits")
mlflow.sklearn.autolog(log_datasets=True, log_models=False)
with mlflow.start_run():
    mlflow.log_param("alpha", alpha)
    model = SGDClassifier(alpha=alpha, random_state=0, max_iter=5, tol=None)
    model.fit(train, train_labels)
    for epoch in range(3):
        model.partial_fit(train, train_labels)
        mlflow.log_metric("accuracy", model.score(test, test_labels), step=epoch)
    mlflow.sklearn.log_model(
        model, name="classifier", serialization_format="cloudpickle", pip_requirements=["scikit-learn"]
    )
    with open("outline.txt", "w") as file:
        file.write(f"alpha={alpha}\n")
    mlflow.log_artifact("outline.txt")
