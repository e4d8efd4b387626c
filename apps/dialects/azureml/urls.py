"""The addresses of ARM below /subscriptions/; everything else there answers 404 in the same envelope."""

from __future__ import annotations

from django.urls import re_path

from apps.dialects.azureml import jobs
from apps.dialects.azureml.base import Nowhere
from apps.dialects.scopes import WORKSPACE, any_case

JOBS = f"{WORKSPACE}/{any_case('jobs')}"

urlpatterns = [
    re_path(rf"^{JOBS}/?$", jobs.Jobs.as_view()),
    re_path(rf"^{JOBS}/(?P<job>[^/]+)/?$", jobs.OneJob.as_view()),
    re_path(rf"^{JOBS}/(?P<job>[^/]+)/{any_case('cancel')}/?$", jobs.CancelJob.as_view()),
    re_path(rf"^{any_case('subscriptions')}(/.*)?$", Nowhere.as_view()),
]
