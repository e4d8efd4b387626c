"""What every answer says to the browser about itself."""

import re
import secrets

import brotli
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers
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
    """Compress what a browser shows, with brotli where it can read that, else with gzip.

    Answers of the APIs go out as they are: their readers count milliseconds.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info.startswith("/api/") or response.has_header("Content-Encoding"):
            return response
        if response.status_code == PART or response.headers.get("Content-Type") == BYTES:
            return response  # a file goes out as it is: with its length, and as fast as the disk gives it
        if isinstance(response, HttpResponse) and BROTLI_WANTED.search(request.headers.get("Accept-Encoding", "")):
            return self._with_brotli(response)
        assert isinstance(response, HttpResponse) or response.streaming
        return super().process_response(request, response)

    def _with_brotli(self, response: HttpResponse) -> HttpResponse:
        if len(response.content) < LEAST:
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        packed = padded_brotli(response.content, secrets.randbelow(self.max_random_bytes) + 1)
        if len(packed) >= len(response.content):
            return response
        response.content = packed
        response.headers["Content-Length"] = str(len(packed))
        response.headers["Content-Encoding"] = "br"
        etag = response.headers.get("ETag", "")
        if etag.startswith('"'):
            response.headers["ETag"] = f"W/{etag}"
        return response


PART, BYTES = 206, "application/octet-stream"
BROTLI_WANTED = re.compile(r"\bbr\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
LEAST = 200
"""Bytes below which nothing is compressed, as with gzip."""
QUALITY = 5
"""Smaller than gzip makes it, in about the same time; above this the time grows much faster than the gain."""


def padded_brotli(content: bytes, padding: int) -> bytes:
    """The content compressed, with 1 to 256 random bytes among it that a reader skips.

    Whoever can make a page repeat a guess, and sees only lengths, then needs very many looks to learn whether a secret on
    it equals the guess (BREACH); gzip hides as much in its header. The bytes are a metadata block (RFC 7932, section 9.2):
    the bits 0, 11, 0, 01 and eight of the length less one, filled to whole bytes.
    """
    compressor = brotli.Compressor(mode=brotli.MODE_TEXT, quality=QUALITY)
    head = (0b010110 | (padding - 1) << 6).to_bytes(2, "little")
    data = compressor.process(content) + compressor.flush()
    return bytes(data + head + secrets.token_bytes(padding) + compressor.finish())
