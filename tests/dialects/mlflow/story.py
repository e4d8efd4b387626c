"""A training script as people write it for MLflow. Run by real clients; what it sees goes to standard output as JSON."""

import json
import os
import sys
import tempfile

import mlflow
from mlflow import MlflowClient

seen = {"version": mlflow.__version__}

with mlflow.start_run(tags={"team": "vision"}) as run:
    seen["joined"] = run.info.run_id
    mlflow.log_param("lr", 0.1)
    mlflow.log_params({"batch": 32, "kind": "svm"})
    for step in range(5):
        mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
    mlflow.log_metrics({"val/acc": 0.9, "train acc": 0.95}, step=4)
    for step in range(-3, 0):
        mlflow.log_metric("warm up", step / 2, step=step)
    mlflow.log_metric("strange", float("nan"), step=0)
    mlflow.log_metric("strange", float("inf"), step=1)
    mlflow.set_tag("stage", "draft")
    mlflow.set_tags({"stage": "final", "empty": ""})
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": 1}, "config.json")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "häßlich name.bin")
        with open(path, "wb") as file:
            file.write(b"\0\1\2")
        mlflow.log_artifact(path, "deep/er")
        open(os.path.join(folder, "empty"), "w").close()
        mlflow.log_artifacts(folder, "all")

client = MlflowClient()
run_id = run.info.run_id
client.log_batch(
    run_id,
    metrics=[mlflow.entities.Metric("batched", float(step), 1_700_000_000_000 + step, step) for step in range(1000)],
    params=[mlflow.entities.Param("many", "1")],
    tags=[mlflow.entities.RunTag("batch", "yes")],
)
found = client.get_run(run_id)
seen["metrics"] = {key: str(value) for key, value in found.data.metrics.items()}
seen["params"] = found.data.params
seen["tags"] = found.data.tags
seen["status"] = found.info.status
seen["history"] = [(one.step, one.value) for one in client.get_metric_history(run_id, "loss")]
seen["below"] = [(one.step, one.value) for one in client.get_metric_history(run_id, "warm up")]
seen["long"] = len(client.get_metric_history(run_id, "batched"))
seen["files"] = sorted(one.path for one in client.list_artifacts(run_id))
seen["in all"] = sorted((one.path, one.file_size) for one in client.list_artifacts(run_id, "all"))
with tempfile.TemporaryDirectory() as folder:
    with open(client.download_artifacts(run_id, "notes/hello.txt", folder)) as file:
        seen["text"] = file.read()
    everything = client.download_artifacts(run_id, "", folder)
    seen["downloaded"] = sorted(
        os.path.relpath(os.path.join(root, name), everything)
        for root, _, names in os.walk(everything)
        for name in names
    )

try:
    client.log_param(run_id, "lr", "0.2")
except mlflow.exceptions.MlflowException as error:
    seen["changed"] = error.error_code
mlflow.set_experiment("whatever name")
with mlflow.start_run(run_name="second") as second:
    seen["second"] = second.info.run_id
    with mlflow.start_run(nested=True) as nested:
        seen["nested"] = nested.info.run_id
        mlflow.log_metric("inner", 1.0)
    for fold in range(2):
        with mlflow.start_run(run_name=f"fold {fold}", nested=True):
            mlflow.log_params({"fold": fold, "lr": 0.3, f"seed {fold}": 7})
            mlflow.log_param("kind", "tree")
    mlflow.log_metric("stepless", 0.5)
    mlflow.log_metric("stepless", 0.25)
about = client.get_run(run_id)
seen["after"] = {
    "params": about.data.params,
    "name": about.info.run_name,
    "parent": about.data.tags.get("mlflow.parentRunId"),
}
seen["stepless"] = [(one.step, one.value) for one in client.get_metric_history(run_id, "stepless")]
try:
    client.get_run("0" * 32)
except mlflow.exceptions.MlflowException as error:
    seen["unknown"] = error.error_code
try:
    mlflow.register_model("runs:/" + run_id + "/model", "name")
except mlflow.exceptions.MlflowException as error:
    seen["registry"] = error.error_code
seen["found"] = [one.info.run_id for one in client.search_runs([found.info.experiment_id], "metrics.loss < 0.5")]
if hasattr(mlflow, "initialize_logged_model"):  # from 3.0 on
    for name in ("one", "two"):
        mlflow.initialize_logged_model(name=name)
    models = client.search_logged_models([found.info.experiment_id], filter_string="name = 'one'")
    seen["models"] = [one.name for one in models]
json.dump(seen, sys.stdout)
