"""Where every face is found."""

from django.urls import include, path

from apps.config import errors

urlpatterns = [
    path("hyperdrive/", include("apps.dialects.hyperdrive.urls")),
    path("api/2.0/", include("apps.dialects.mlflow.urls")),
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
