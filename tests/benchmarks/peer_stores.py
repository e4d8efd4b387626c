"""The trials that all are measured with, written into a peer's own database: run by the peer's Python, which has the peer.

    PEERS/bin/python -P tests/benchmarks/peer_stores.py optuna|mlflow sqlite:////path < trials.json

Their clients commit each trial, some with several transactions, which takes minutes for ten thousand; so the experiment is
made by the client and its trials are inserted at once, as rows of the peer's own tables. Prints what the pages need.
"""

import json
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

Rows = list[dict[str, Any]]


def optuna(storage: str, content: Rows) -> Any:
    """The study's rows; its trials took four seconds each, one every five."""
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json
    from optuna.storages._rdb import models

    ranges = {
        "lr": FloatDistribution(1e-5, 1e-1, log=True),
        "depth": IntDistribution(1, 12),
        "dropout": FloatDistribution(0, 0.6),
        "optimizer": CategoricalDistribution(["sgd", "adam"]),
        "weight_decay": FloatDistribution(1e-6, 1e-2, log=True),
    }
    study = optuna.create_study(storage=storage, study_name="bench", direction="minimize")
    written = {name: distribution_to_json(distribution) for name, distribution in ranges.items()}
    began = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    trials, params, values = [], [], []
    for number, one in enumerate(content):
        start, known = began + timedelta(seconds=5 * number), {"trial_id": number + 1}
        complete = start + timedelta(seconds=4)
        row = {"number": number, "study_id": study._study_id, "state": optuna.trial.TrialState.COMPLETE}
        trials.append({**known, **row, "datetime_start": start, "datetime_complete": complete})
        for name, value in one["params"].items():
            stored = ranges[name].to_internal_repr(value)
            params.append(
                {**known, "param_name": name, "param_value": stored, "distribution_json": written[name]},
            )
        value_type = models.TrialValueModel.TrialValueType.FINITE
        values.append({**known, "objective": 0, "value": one["value"], "value_type": value_type})
    tables = (models.TrialModel, trials), (models.TrialParamModel, params), (models.TrialValueModel, values)
    _insert(storage, [(model.__table__, rows) for model, rows in tables])
    assert len(study.get_trials(deepcopy=False)) == len(content)
    return study._study_id


def mlflow(storage: str, content: Rows) -> Any:
    """The experiment's id and the ids of its runs, one per trial."""
    from mlflow.store.tracking.dbmodels import models
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=storage)
    experiment = client.create_experiment("bench")
    place = client.get_experiment(experiment).artifact_location
    began = int(time.time() * 1000) - 86_400_000
    ids = [uuid.uuid4().hex for _ in content]
    runs: Rows = []
    tags: Rows = []
    metrics: Rows = []
    params: Rows = []
    for number, (run, one) in enumerate(zip(ids, content, strict=True)):
        start, known = began + 5_000 * number, {"run_uuid": run}
        runs.append(
            {
                **known,
                "name": f"trial {number}",
                "source_type": "UNKNOWN",
                "source_name": "",
                "entry_point_name": "",
                "user_id": "bench",
                "status": "FINISHED",
                "start_time": start,
                "end_time": start + 4_000,
                "source_version": "",
                "lifecycle_stage": "active",
                "artifact_uri": f"{place}/{run}/artifacts",
                "experiment_id": int(experiment),
            }
        )
        tags += [{**known, "key": "mlflow.runName", "value": f"trial {number}"}]
        tags += [{**known, "key": "mlflow.user", "value": "bench"}]
        metrics.append({**known, "key": "loss", "value": one["value"], "timestamp": start, "step": 0, "is_nan": False})
        params += [{**known, "key": name, "value": str(value)} for name, value in one["params"].items()]
    tables = [(models.SqlRun, runs), (models.SqlTag, tags), (models.SqlMetric, metrics)]
    tables += [(models.SqlLatestMetric, metrics), (models.SqlParam, params)]
    _insert(storage, [(model.__table__, rows) for model, rows in tables])
    assert client.get_run(ids[-1]).data.metrics == {"loss": content[-1]["value"]}
    return [experiment, ids]


def _insert(storage: str, tables: list[tuple[Any, Rows]]) -> None:
    """All rows in one transaction."""
    from sqlalchemy import create_engine, insert

    with create_engine(storage).begin() as connection:
        for table, rows in tables:
            connection.execute(insert(table), rows)


PEERS = {"optuna": optuna, "mlflow": mlflow}

if __name__ == "__main__":
    print(json.dumps(PEERS[sys.argv[1]](sys.argv[2], json.load(sys.stdin))))
