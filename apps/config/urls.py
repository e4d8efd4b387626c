"""Where every face is found."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from apps.config import errors, health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
for prefix, module in (
    ("api/automl/", "apps.dialects.pai.urls"),
    ("api/tunebook/v1/", "apps.dialects.tunebook.urls"),
    ("api/", "apps.config.explorer"),
    ("", "apps.dashboard.urls"),
):
    try:
        present = find_spec(module)
    except ModuleNotFoundError:
        present = None
    if present:
        urlpatterns.append(path(prefix, include(module)))

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
