"""The addresses of our own API, below /api/tunebook/v1/."""

from __future__ import annotations

from django.urls import path, re_path

from apps.dialects.tunebook import (
    artifacts,
    code,
    discussion,
    events,
    experiments,
    finding,
    insights,
    reports,
    sharing,
    transfers,
    trials,
    workspaces,
)
from apps.dialects.tunebook.base import Nowhere

ONE = "experiments/<str:key>"
TRIAL = f"{ONE}/trials/<int:number>"
WORKSPACE = "workspaces/<str:slug>"

urlpatterns = [
    path("experiments", experiments.Experiments.as_view()),
    path("experiments/import", transfers.ImportExperiment.as_view()),
    path(ONE, experiments.OneExperiment.as_view()),
    path(f"{ONE}/stop", experiments.StopExperiment.as_view()),
    path(f"{ONE}/pause", experiments.PauseExperiment.as_view()),
    path(f"{ONE}/resume", experiments.ResumeExperiment.as_view()),
    path(f"{ONE}/drain", experiments.DrainExperiment.as_view()),
    path(f"{ONE}/reopen", experiments.ReopenExperiment.as_view()),
    path(f"{ONE}/restore", experiments.RestoreExperiment.as_view()),
    path(f"{ONE}/purge", experiments.PurgeExperiment.as_view()),
    path(f"{ONE}/export", transfers.ExportExperiment.as_view()),
    path(f"{ONE}/note", discussion.NoteOn.as_view()),
    path(f"{ONE}/comments", discussion.Comments.as_view()),
    path(f"{ONE}/comments/<int:comment_id>", discussion.OneComment.as_view()),
    path(f"{ONE}/links", sharing.Links.as_view()),
    path(f"{ONE}/links/<int:link_id>", sharing.OneLink.as_view()),
    path(f"{ONE}/limits", experiments.ChangeLimits.as_view()),
    path(f"{ONE}/star", finding.StarExperiment.as_view()),
    path(f"{ONE}/restart-failed", trials.RestartFailed.as_view()),
    path(f"{ONE}/charts/<slug:chart>", insights.Chart.as_view()),
    path(f"{ONE}/insights", insights.Insights.as_view()),
    path(f"{ONE}/space", insights.OneSpace.as_view()),
    path(f"{ONE}/space/preview", insights.SpacePreview.as_view()),
    path(f"{ONE}/trials", trials.Trials.as_view()),
    path(TRIAL, trials.OneTrial.as_view()),
    path(f"{TRIAL}/stop", trials.StopTrial.as_view()),
    path(f"{TRIAL}/exclude", trials.ExcludeTrial.as_view()),
    path(f"{TRIAL}/include", trials.IncludeTrial.as_view()),
    path(f"{TRIAL}/restart", trials.RestartTrial.as_view()),
    path(f"{TRIAL}/neighbours", insights.Neighbours.as_view()),
    path(f"{TRIAL}/measurements", trials.Measurements.as_view()),
    path(f"{TRIAL}/logs", trials.TrialLogs.as_view()),
    path(f"{TRIAL}/artifacts", artifacts.Artifacts.as_view()),
    path(f"{TRIAL}/artifacts/<path:path>", artifacts.OneArtifact.as_view()),
    path(f"{TRIAL}/note", discussion.NoteOn.as_view()),
    path(f"{TRIAL}/comments", discussion.Comments.as_view()),
    path("attempts/report", reports.ReportMeasurements.as_view()),
    path("code", code.Code.as_view()),
    path("events", events.Events.as_view()),
    path("me", workspaces.Me.as_view()),
    path("query-words", finding.QueryWords.as_view()),
    path("workspaces", workspaces.Workspaces.as_view()),
    path(f"{WORKSPACE}/views", finding.Views.as_view()),
    path(f"{WORKSPACE}/views/<int:number>", finding.OneView.as_view()),
    path(f"{WORKSPACE}/export", finding.ExportExperiments.as_view()),
    path(f"{WORKSPACE}/members", workspaces.Members.as_view()),
    path(f"{WORKSPACE}/members/<str:username>", workspaces.OneMember.as_view()),
    path(f"{WORKSPACE}/invitations", sharing.Invitations.as_view()),
    path(f"{WORKSPACE}/invitations/<int:invitation_id>", sharing.OneInvitation.as_view()),
    path(f"{WORKSPACE}/audit", sharing.Audit.as_view()),
    path(f"{WORKSPACE}/keys", workspaces.Keys.as_view()),
    path(f"{WORKSPACE}/keys/<str:access_key_id>", workspaces.OneKey.as_view()),
    re_path(r"^.*$", Nowhere.as_view()),
]
