"""The addresses of MLflow's tracking API, below /api/2.0/, as its clients put them behind MLFLOW_TRACKING_URI."""

from __future__ import annotations

from django.urls import path, re_path

from apps.dialects.mlflow import experiments, files, logged_models, metrics, records, runs
from apps.dialects.mlflow.base import NoRegistry, NoTraces, Nowhere

M = "mlflow"
A = "mlflow-artifacts"
MODEL = f"{M}/logged-models/<str:model>"

urlpatterns = [
    path(f"{M}/runs/get", runs.GetRun.as_view()),
    path(f"{M}/runs/create", runs.CreateRun.as_view()),
    path(f"{M}/runs/update", runs.UpdateRun.as_view()),
    path(f"{M}/runs/delete", runs.LeaveOut.as_view()),
    path(f"{M}/runs/restore", runs.TakeBack.as_view()),
    path(f"{M}/runs/search", runs.SearchRuns.as_view()),
    path(f"{M}/runs/log-metric", records.LogMetric.as_view()),
    path(f"{M}/runs/log-batch", records.LogBatch.as_view()),
    path(f"{M}/runs/log-parameter", records.LogParameter.as_view()),
    path(f"{M}/runs/set-tag", records.SetTag.as_view()),
    path(f"{M}/runs/delete-tag", records.DeleteTag.as_view()),
    path(f"{M}/runs/log-inputs", records.LogInputs.as_view()),
    path(f"{M}/runs/outputs", records.LogOutputs.as_view()),
    path(f"{M}/runs/log-model", records.LogModel.as_view()),
    path(f"{M}/metrics/get-history", metrics.GetHistory.as_view()),
    path(f"{M}/metrics/get-history-bulk", metrics.GetHistoryBulk.as_view()),
    path(f"{M}/metrics/get-history-bulk-interval", metrics.GetHistoryInterval.as_view()),
    path(f"{M}/experiments/get", experiments.GetExperiment.as_view()),
    path(f"{M}/experiments/get-by-name", experiments.GetExperimentByName.as_view()),
    path(f"{M}/experiments/search", experiments.SearchExperiments.as_view()),
    path(f"{M}/experiments/create", experiments.CreateExperiment.as_view()),
    re_path(
        rf"^{M}/experiments/(?:update|delete|restore|set-experiment-tag|delete-experiment-tag)$",
        experiments.ChangeExperiment.as_view(),
    ),
    path(f"{M}/logged-models", logged_models.Models.as_view()),
    path(f"{M}/logged-models/search", logged_models.SearchModels.as_view()),
    path(MODEL, logged_models.OneModel.as_view()),
    path(f"{MODEL}/params", logged_models.ModelParams.as_view()),
    path(f"{MODEL}/tags", logged_models.ModelTags.as_view()),
    path(f"{MODEL}/tags/<str:key>", logged_models.ModelTag.as_view()),
    path(f"{MODEL}/artifacts/directories", logged_models.ModelFiles.as_view()),
    path(f"{M}/artifacts/list", files.ListArtifacts.as_view()),
    path(f"{A}/artifacts", files.ProxyList.as_view()),
    path(f"{A}/artifacts/<path:path>", files.ProxyFile.as_view()),
    re_path(rf"^{A}/mpu/[\s\S]*$", files.NoMultipart.as_view()),
    re_path(rf"^{M}/(?:registered-models|model-versions|databricks|webhooks|gateway)\b[\s\S]*$", NoRegistry.as_view()),
    re_path(rf"^{M}/(?:traces|assessments)\b[\s\S]*$", NoTraces.as_view()),
    re_path(r"^[\s\S]*$", Nowhere.as_view()),
]
