"""The 14 HPO operations, by path; everything else below /api/automl/ answers 404 in the same envelope."""

from __future__ import annotations

from django.urls import path, re_path

from apps.dialects.pai import experiments, logs, trials
from apps.dialects.pai.base import Nowhere

ONE = "v1/hpo/experiment/<str:experiment>"

urlpatterns = [
    path("v1/hpo/experiment", experiments.CreateHpoExperiment.as_view()),
    path("v1/hpo/experiments", experiments.ListHpoExperiments.as_view()),
    path(ONE, experiments.GetHpoExperiment.as_view()),
    path(f"{ONE}/update", experiments.UpdateHpoExperiment.as_view()),
    path(f"{ONE}/stop", experiments.StopHpoExperiment.as_view()),
    path(f"{ONE}/delete", experiments.DeleteHpoExperiment.as_view()),
    path(f"{ONE}/logs", logs.ListHpoExperimentLogs.as_view()),
    path(f"{ONE}/trials", trials.ListHpoTrials.as_view()),
    path(f"{ONE}/trial/<str:trial>", trials.GetHpoTrial.as_view()),
    path(f"{ONE}/stop_trials", trials.StopHpoTrials.as_view()),
    path(f"{ONE}/restart_trials", trials.RestartHpoTrials.as_view()),
    path(f"{ONE}/trial/<str:trial>/lognames", logs.ListHpoTrialLogNames.as_view()),
    path(f"{ONE}/trial/<str:trial>/logs", logs.ListHpoTrialLogs.as_view()),
    path(f"{ONE}/trial/<str:trial>/commands", logs.ListHpoTrialCommands.as_view()),
    re_path(r"^[\s\S]*$", Nowhere.as_view()),
]
