"""The addresses of WMLA, with and without a slash at the end; everything else below /platform/rest/ answers 404."""

from __future__ import annotations

from django.urls import re_path

from apps.dialects.wmla import algorithms, execs, logon, scheduler, tasks
from apps.dialects.wmla.base import ModelTuning, Nowhere

BASE = "platform/rest/deeplearning/v1"
TASK = f"{BASE}/hypersearch"
EXEC = f"{BASE}/execs"
LOGS = f"{BASE}/scheduler/applications/(?P<app_id>[^/]+)/(?:driver|executor/[0-9]+)/logs/(?P<stream>stdout|stderr)"

urlpatterns = [
    re_path(r"^auth/v1/logon/?$", logon.LogOn.as_view()),
    re_path(r"^auth/v1/logoff/?$", logon.LogOff.as_view()),
    re_path(r"^platform/rest/conductor/v1/auth/logon/?$", logon.SessionLogOn.as_view()),
    re_path(r"^platform/rest/conductor/v1/auth/logoff/?$", logon.LogOff.as_view()),
    re_path(rf"^{BASE}/conf/?$", logon.Configuration.as_view()),
    re_path(rf"^{TASK}/?$", tasks.Tasks.as_view()),
    re_path(rf"^{TASK}/algorithm/?$", algorithms.Algorithms.as_view()),
    re_path(rf"^{TASK}/algorithm/install/?$", algorithms.Install.as_view()),
    re_path(rf"^{TASK}/algorithm/(?P<name>[^/]+)/?$", algorithms.OneAlgorithm.as_view()),
    re_path(rf"^{TASK}/(?P<name>[^/]+)/force/?$", tasks.ForceStop.as_view()),
    re_path(rf"^{TASK}/(?P<name>[^/]+)/restart/?$", tasks.Restart.as_view()),
    re_path(rf"^{TASK}/(?P<name>[^/]+)/?$", tasks.OneTask.as_view()),
    re_path(rf"^{EXEC}/?$", execs.Execs.as_view()),
    re_path(rf"^{EXEC}/frameworks/?$", execs.Frameworks.as_view()),
    re_path(rf"^{EXEC}/(?P<exec_id>[^/]+)/log/?$", execs.ExecLog.as_view()),
    re_path(rf"^{EXEC}/(?P<exec_id>[^/]+)/result/?$", execs.ExecResult.as_view()),
    re_path(rf"^{EXEC}/(?P<exec_id>[^/]+)/stop/?$", execs.StopExec.as_view()),
    re_path(rf"^{EXEC}/(?P<exec_id>[^/]+)/?$", execs.OneExec.as_view()),
    re_path(rf"^{BASE}/frameworks/?$", execs.Frameworks.as_view()),
    re_path(rf"^{BASE}/frameworks/all/?$", execs.FrameworkNames.as_view()),
    re_path(rf"^{BASE}/scheduler/applications/?$", scheduler.Applications.as_view()),
    re_path(rf"^{LOGS}/?$", scheduler.ApplicationLog.as_view()),
    re_path(rf"^{BASE}/models/[^/]+/hypersearch(?:/.*)?$", ModelTuning.as_view()),
    re_path(r"^(?:platform/rest|auth/v1)/[\s\S]*$", Nowhere.as_view()),
]
