"""Answers when no view could give one: in the envelope of the API whose address it is, pages everywhere else."""

import logging
import sys
import uuid

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.deprecation import MiddlewareMixin

from apps.dashboard.views import errors as pages
from apps.dialects.base import DialectView
from apps.dialects.refusal import Refusal
from apps.tuning.errors import UNAVAILABLE, trouble_of

logger = logging.getLogger(__name__)
SAID = {
    400: ("bad_request", "The request cannot be read."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address takes what a form sends and shows nothing."),
    500: ("internal", "Something went wrong on our side. The log of the server says more."),
    503: ("busy", "The database is busy."),
}
NATIVE = {
    400: "InvalidRequest",
    403: "NoPermission",
    404: "InvalidAction.NotFound",
    405: "UnsupportedHTTPMethod",
    500: "InternalError",
    503: "ServiceUnavailable",
}
RETRY_AFTER = "5"  # seconds
WRONG_HOST = (
    "This server does not answer to the name it was called by; TUNEBOOK_ALLOWED_HOSTS lists those it answers to."
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400, WRONG_HOST if isinstance(exception, DisallowedHost) else "")


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """Also what a failed CSRF check gets, then with Django's reason, which is for developers and not shown."""
    return answer(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Called while the error is being handled: a database that does not answer is not our mistake, and passes."""
    error = sys.exc_info()[1]
    if not isinstance(error, UNAVAILABLE):
        return answer(request, 500)
    words = trouble_of(error)
    response = answer(request, 503, f"{words[0].upper()}{words[1:]}.")
    response["Retry-After"] = RETRY_AFTER
    return response


class WrongMethods(MiddlewareMixin):
    """Say what is wrong where Django answers a method that is not allowed with nothing, which a browser takes for a fault."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not isinstance(response, HttpResponseNotAllowed) or response.content:
            return response
        said = answer(request, response.status_code)
        said["Allow"] = response["Allow"]
        return said


def answer(request: HttpRequest, status: int, sentence: str = "") -> HttpResponse:
    """The body that the caller can read: a native client's envelope, ours, or a page."""
    code, usual = SAID[status]
    sentence = sentence or usual
    is_native = request.path_info.startswith("/api/automl/")
    dialect = None if is_native else _dialect(request)
    if dialect is not None:
        return dialect.refuse(request, Refusal(code, sentence, status=status))
    number = str(uuid.uuid4()).upper()
    if status == 500:  # Django logs the error itself, and knows no number
        logger.error("what stands above at %s %s was answered as error %s", request.method, request.path, number)
    if is_native:
        return JsonResponse({"RequestId": number, "Code": NATIVE[status], "Message": sentence}, status=status)
    if request.path_info.startswith("/api/"):
        error = {"code": code, "message": sentence, "field": "", "request_id": number}
        return JsonResponse({"error": error}, status=status)
    return HttpResponse(_page(request, status, sentence, number), status=status)


def _dialect(request: HttpRequest) -> type[DialectView] | None:
    """The view of an API that this address belongs to."""
    try:
        view = getattr(resolve(request.path_info).func, "view_class", None)
    except Resolver404:
        return None
    return view if isinstance(view, type) and issubclass(view, DialectView) else None


def _page(request: HttpRequest, status: int, sentence: str, number: str) -> str:
    # After a 500 nothing can be relied on, not even the database behind the request's user; only cookies are read then.
    context = {"status": status, "sentence": sentence, "error_id": number, "request": request}
    if status < 500:
        context |= pages.context(request, status)
    try:
        return render_to_string(f"{status}.html", context, request=None if status >= 500 else request)
    except TemplateDoesNotExist:
        return _plain(status, sentence)
    except Exception:
        if status < 500:
            raise
        logger.exception("the page that says what broke is broken too")  # static files that were not collected, say
        return _plain(status, f"{sentence} Quote {number} when you report it.")


def _plain(status: int, sentence: str) -> str:
    return f'<!doctype html><html lang="en"><title>{status}</title><h1>{sentence}</h1>'
