"""Addresses of the pages. The query string holds filter, sort, columns and page."""

from django.urls import path
from django.views.generic import RedirectView

from apps.dashboard.views import (
    artifacts,
    bulk,
    catalog,
    charts,
    connecting,
    experiment_verbs,
    experiments,
    finding,
    founding,
    frontdoor,
    joining,
    me,
    new,
    notes,
    queueing,
    settings,
    shared,
    sharing,
    trials,
    understand,
    workspace,
)

app_name = "dashboard"

WORKSPACE = "w/<slug:slug>/"
EXPERIMENT = f"{WORKSPACE}e/<slug:key>/"
TRIAL = f"{EXPERIMENT}t/<int:number>"

urlpatterns = [
    path("", catalog.home, name="home"),
    path("login", frontdoor.Login.as_view(), name="login"),
    path("logout", frontdoor.leave, name="logout"),
    path("setup", founding.setup, name="setup"),
    path("join/<str:token>", joining.join, name="join"),
    path("s/<str:token>", shared.shared, name="shared"),
    path("s/<str:token>/data/<slug:chart>.json", shared.data, name="shared-data"),
    path("appearance", me.appearance, name="appearance"),
    path("ca.pem", connecting.authority_file, name="authority"),
    path("me", me.me, name="me"),
    path("me/sign-out-others", me.sign_out_others, name="sign-out-others"),
    path(WORKSPACE, catalog.catalog, name="catalog"),
    path(f"{WORKSPACE}act", bulk.act, name="act"),
    path(f"{WORKSPACE}facets", catalog.facets, name="facets"),
    path(f"{WORKSPACE}export", bulk.download, name="export"),
    path(f"{WORKSPACE}words", finding.words, name="words"),
    path(f"{WORKSPACE}jump", finding.jump, name="jump"),
    path(f"{WORKSPACE}views", finding.save_view, name="views"),
    path(f"{WORKSPACE}views/<int:number>", finding.change_view, name="view"),
    path(f"{WORKSPACE}help/search", finding.grammar_help, name="search-help"),
    path(f"{EXPERIMENT}limits", settings.limits, name="limits"),
    path(f"{EXPERIMENT}queue", queueing.queue, name="queue"),
    path(f"{EXPERIMENT}menu", bulk.menu, name="row-menu"),
    path(f"{WORKSPACE}trash", catalog.trash, name="trash"),
    path(f"{WORKSPACE}new", new.new, name="new"),
    path(f"{WORKSPACE}settings/<slug:section>", workspace.section, name="settings"),
    path(EXPERIMENT, experiments.overview, name="experiment"),
    path(f"{EXPERIMENT}write", notes.write, name="write"),
    path(f"{EXPERIMENT}share", sharing.share, name="share"),
    path(f"{EXPERIMENT}take/<str:file>", sharing.take, name="take"),
    path(f"{EXPERIMENT}act", experiment_verbs.act, name="experiment-act"),
    path(f"{EXPERIMENT}data/<slug:chart>.json", charts.chart, name="chart-data"),
    path(f"{EXPERIMENT}part/<slug:part>", understand.part, name="experiment-part"),
    path(f"{EXPERIMENT}table/<slug:chart>", understand.table, name="chart-table"),
    path(TRIAL, trials.trial, name="trial"),
    path(f"{TRIAL}/neighbours", trials.neighbours, name="trial-neighbours"),
    path(f"{TRIAL}/write", notes.write, name="trial-write"),
    path(f"{TRIAL}/act", trials.act, name="trial-act"),
    path(f"{TRIAL}/log/<slug:name>", trials.log, name="trial-log"),
    path(f"{TRIAL}/files", artifacts.files, name="trial-files"),
    path(f"{TRIAL}/files/<path:path>", artifacts.files, name="trial-files"),
    path(f"{TRIAL}/data/curve.json", charts.trial_curve, name="trial-curve"),
    path(f"{EXPERIMENT}<slug:tab>", experiments.tab, name="experiment-tab"),
    path("w/<slug:slug>", RedirectView.as_view(pattern_name="dashboard:catalog", query_string=True)),
    path("w/<slug:slug>/e/<slug:key>", RedirectView.as_view(pattern_name="dashboard:experiment", query_string=True)),
]
