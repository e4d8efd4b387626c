"""What every answer says to the browser about itself."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.deprecation import MiddlewareMixin

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)


NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""What anything but a page may load; a quarter of the length, which a visit with its files pays several times."""


class ContentSecurityPolicy(MiddlewareMixin):
    """Let pages load only our own files, run nothing inline, and be framed by nobody; all else loads nothing.

    A view may set a stricter or looser header itself; it then stands.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        response.headers.setdefault("Content-Security-Policy", POLICY if is_page else NOTHING)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        return response


class CompressPages(GZipMiddleware):
    """Compress what a browser shows. Answers of the APIs go out as they are: their readers count milliseconds."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith("/api/") or response.has_header("Content-Encoding"):
            return response
        assert isinstance(response, HttpResponse) or response.streaming
        return super().process_response(request, response)
