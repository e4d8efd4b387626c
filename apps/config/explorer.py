"""The OpenAPI document of both APIs, and a page to read and try it. Every file of the page is our own."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.response import Response

from apps.config.headers import POLICY


class Document(SpectacularAPIView):
    """OpenAPI 3 as JSON or, by `?format=yaml`, as YAML."""


class Explorer(SpectacularSwaggerSplitView):
    """The explorer. Its script runs from an address of its own, so that nothing stands inline."""

    schema = None  # a page is no operation
    template_name = "config/explorer.html"
    url_name = "schema"

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> Response | HttpResponse:
        response = super().get(request, *args, **kwargs)
        # the explorer's own stylesheet carries its icons inline, and its script writes style attributes
        response.headers["Content-Security-Policy"] = POLICY.replace(
            "style-src 'self'", "style-src 'self' 'unsafe-inline'"
        )
        return response


urlpatterns = [
    path("schema/", Document.as_view(), name="schema"),
    path("docs/", Explorer.as_view(), name="docs"),
]
