"""The calls of Lightning's MLFlowLogger, in its order, by MLflow's own client: it never looks at MLFLOW_RUN_ID."""

import json
import os
import sys
import tempfile
from time import time

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

client = MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
found = client.get_experiment_by_name("lightning_logs")
experiment_id = found.experiment_id if found else client.create_experiment("lightning_logs")
run = client.create_run(experiment_id=experiment_id, tags={"mlflow.runName": "fit", "mlflow.source.name": "train.py"})
run_id = run.info.run_id
client.log_batch(run_id, params=[Param("lr", "0.1"), Param("hidden", "[64, 32]")])
for epoch in range(3):
    now = int(time() * 1000)
    metrics = [Metric("train_loss", 1 / (epoch + 1), now, epoch * 10), Metric("epoch", epoch, now, epoch * 10)]
    client.log_batch(run_id, metrics=metrics)
    client.log_batch(run_id, metrics=[Metric("loss", 0.5 / (epoch + 1), now, epoch * 10)])
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "epoch=2.ckpt")
    with open(path, "wb") as file:
        file.write(b"weights")
    client.log_artifact(run_id, path, "model/checkpoints/epoch=2")
client.set_terminated(run_id, "FINISHED")
seen = {
    "version": mlflow.__version__,
    "run": run_id,
    "experiment": experiment_id,
    "metrics": client.get_run(run_id).data.metrics,
}
json.dump(seen, sys.stdout)
