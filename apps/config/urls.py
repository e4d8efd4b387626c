"""Where every face is found."""

from django.urls import include, path, re_path

from apps.config import errors
from apps.dialects.mlflow.base import NoTraces

urlpatterns = [
    path("hyperdrive/", include("apps.dialects.hyperdrive.urls")),
    path("api/2.0/", include("apps.dialects.mlflow.urls")),
    re_path(r"^(?:ajax-)?api/3\.0/mlflow/", NoTraces.as_view()),
    path("api/automl/", include("apps.dialects.pai.urls")),
    path("api/tunebook/v1/", include("apps.dialects.tunebook.urls")),
    path("", include("apps.dialects.wmla.urls")),
    path("api/", include("apps.config.explorer")),
    path("", include("apps.dialects.azureml.urls")),
    path("", include("apps.dashboard.urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
