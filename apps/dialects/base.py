"""What the views of every dialect share: who asks, what may be asked, and one place where errors become answers."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django.core.exceptions import SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.dialects import pace
from apps.dialects.body import MOST_BYTES, check_content_type, check_size, check_text, read_object
from apps.dialects.documentation import DialectSchema
from apps.dialects.encoding import encoded
from apps.dialects.parameters import Parameter, read_fields, read_query
from apps.dialects.refusal import Refusal
from apps.dialects.repeating import Creation, once
from apps.tuning.errors import UNAVAILABLE, Conflict, Fenced, LimitReached, Stale, trouble_of
from apps.workspaces.access import Actor, NotAllowed, OutOfReach
from apps.workspaces.authentication import Authentication, bearer_token
from apps.workspaces.signatures import Refused
from tunebook.errors import SpecError
from tunebook.wire.run_words import experiment_status

logger = logging.getLogger(__name__)

BAD_REQUEST, UNAUTHENTICATED, BAD_SPEC = 400, 401, 422
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TOO_MANY: Mapping[type[Exception], str] = {
    TooManyFieldsSent: "the query or the form has more fields than any operation takes",
    TooManyFilesSent: "the form has more files than any operation takes",
}


@dataclass(frozen=True)
class Problem:
    """An error on its way to a dialect's envelope. `code` is our own word, or a signing gateway's."""

    status: int
    code: str
    message: str
    field: str = ""
    denied: Mapping[str, str] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """One sentence with the place it is about in front."""
        return f"{self.field}: {self.message}" if self.field else self.message


class DialectView(APIView):
    """One operation, or a few on one address. Every answer is JSON, whatever the client says to accept.

    `query` is the table of a GET's parameters and `fields` the one of a body; both also document the operation.
    A dialect's own base class says in `problem_document` how its errors look, and in `challenge` how to sign in.
    """

    authentication_classes = [Authentication]
    permission_classes = []
    renderer_classes = [JSONRenderer]
    parser_classes = [JSONParser]
    metadata_class = None
    schema: Any = DialectSchema()

    query: ClassVar[Mapping[str, Parameter]] = {}
    fields: ClassVar[Mapping[str, Parameter]] = {}
    answers: ClassVar[Mapping[str, Any]] = {}
    query_pattern: ClassVar[Any] = None
    changes: ClassVar[str] = "writes"
    challenge: ClassVar[str] = ""
    most_bytes: ClassVar[int] = MOST_BYTES

    request_id: str
    parameters: dict[str, Any]

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return cast(Actor, self.request.auth)

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.request_id = str(uuid.uuid4()).upper()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Everything that can refuse a request before its operation starts, cheapest first."""
        self._take_body(request._request)
        self.perform_authentication(request)
        pace.keep(self._caller(request), "reads" if request.method in SAFE else self.changes)
        for value in kwargs.values():
            if isinstance(value, str):
                self._check_name(value)
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)  # before anything is said about parameters of another operation
        if request.method == "DELETE":
            read_fields({}, self.body())
        for name, text in request._request.GET.items():
            check_text(str(text), name)  # also what a view reads itself: PostgreSQL takes no NUL
        table = self.query if request.method in SAFE else {}
        self.parameters = read_query(table, request._request.GET, self.query_pattern)

    def _caller(self, request: Request) -> str:
        """Whose requests are counted together: a person's, with whatever key; a trial's; or those of an address."""
        if request.auth is not None:
            return f"user {self.actor.user_id}"
        token = bearer_token(request._request)
        return pace.of_token(token) if token else f"address {request._request.META.get('REMOTE_ADDR', '')}"

    def document(self) -> dict[str, Any]:
        """The members of the body by the table `fields`."""
        return read_fields(self.fields, self.body())

    def body(self) -> dict[str, Any]:
        """The body as a JSON object, empty when nothing was sent."""
        http = self.request._request
        if http.body:
            check_content_type(http.META.get("CONTENT_TYPE", ""))
        return read_object(http.body, most=self.most_bytes)

    def answer(self, document: Any, status: int = 200) -> HttpResponse:
        """A JSON answer. Times are UTC with whole seconds, non-finite numbers null."""
        return self.answer_text(encoded(document), status)

    def answer_text(self, text: bytes, status: int = 200) -> HttpResponse:
        """An answer that is JSON already."""
        response = HttpResponse(text, content_type="application/json", status=status)
        response["X-Request-Id"] = self.request_id
        response["Cache-Control"] = "no-store"
        return response

    def created(self, create: Callable[[], dict[str, Any]], status: int = 200) -> HttpResponse:
        """The answer of a creation; sent again with the same Idempotency-Key it is the same answer."""
        return self.created_from(lambda: create, status)

    def created_from(
        self, prepare: Callable[[], Callable[[], Any]], status: int, content: bytes | None = None
    ) -> HttpResponse:
        """`created` where the creation has to be prepared outside of its transaction; `content` as in `once`."""

        def prepared() -> Creation:
            create = prepare()
            return lambda: encoded(create())

        text, replayed = once(self.request._request, self.actor, prepared, content)
        response = self.answer_text(text, status)
        if replayed:
            response["Idempotency-Replayed"] = "true"
        return response

    def handle_exception(self, exc: Exception) -> Any:
        """The answer to anything raised on the way: ours by the table, everything else logged and a plain 500."""
        problem = problem_of(exc)
        if problem.status == 503:
            logger.warning("request %s: %s: %s", self.request_id, problem.message, str(exc).strip())
        elif problem.status >= 500:
            logger.error("request %s failed", self.request_id, exc_info=exc)
        response = self.answer(self.problem_document(problem), self.problem_status(problem))
        return self.with_headers(response, problem)

    def with_headers(self, response: HttpResponse, problem: Problem) -> HttpResponse:
        """The answer with what HTTP wants beside its status: when to come back, how to sign in, what is allowed."""
        for name, value in problem.headers:
            response[name] = value
        if self.challenge and response.status_code == UNAUTHENTICATED:
            response["WWW-Authenticate"] = self.challenge
        if problem.code == "method_not_allowed":
            response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        """The dialect's error envelope."""
        raise TypeError(f"{type(self).__name__} does not say how its errors look")

    def problem_status(self, problem: Problem) -> int:
        """The HTTP status that the dialect gives this problem."""
        return problem.status

    @classmethod
    def refuse(cls, http: HttpRequest, refusal: Refusal) -> HttpResponse:
        """The answer to a request that no view could be given, in the envelope of its dialect."""
        view = cls()
        view.setup(http)
        view.request = view.initialize_request(http)
        view.headers = {}
        answer: HttpResponse = view.handle_exception(refusal)
        return answer

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Any:
        return response

    def _check_name(self, name: str) -> None:
        try:
            check_text(name)
        except Refusal:
            raise OutOfReach("object", "") from None

    def _take_body(self, http: HttpRequest) -> None:
        """Read at most the limit, also of a body that does not tell its length, and leave it where Django looks."""
        length = http.META.get("CONTENT_LENGTH") or "0"
        check_size(int(length) if length.isdecimal() else 0, self.most_bytes)
        if not hasattr(http, "_body"):
            body = http.read(self.most_bytes + 1)
            check_size(len(body), self.most_bytes)
            http._body = body


class BearerView(DialectView):
    """A dialect whose clients send a token: a credential that does not hold is one thing there, however it was sent."""

    challenge = "Bearer"

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Refused):
            exc = Refusal(self.unauthenticated(exc), exc.message, status=UNAUTHENTICATED)
        return super().handle_exception(exc)

    def unauthenticated(self, refused: Refused) -> str:
        """The word for what is wrong with the credential."""
        return "unauthenticated"


class ArmWireView(BearerView):
    """What the dialects of Azure share: a declaration that cannot be used is a bad request like any other."""

    schema = None  # their own descriptions are public, and their paths are no templates of ours

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Conflict) and exc.status:
            exc = Conflict(str(exc).replace(exc.status, experiment_status(exc.status)))
        return super().handle_exception(exc)

    def problem_status(self, problem: Problem) -> int:
        return BAD_REQUEST if problem.status == BAD_SPEC else problem.status


class Elsewhere(DialectView):
    """A path that is no operation; stands in front of a dialect's own view, which says it in its envelope."""

    authentication_classes = []
    schema = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.refuse(request, self.refusal(request))

    def refusal(self, request: HttpRequest) -> Refusal:
        return Refusal("not_found", "there is nothing at this address", status=404)


def problem_of(exc: Exception) -> Problem:
    """The problem an exception stands for."""
    for kind, reader in _READERS.items():
        if isinstance(exc, kind):
            return reader(exc)
    return Problem(500, "internal", "the operation failed inside; the log tells more under this request id")


def _of_refusal(exc: Refusal) -> Problem:
    return Problem(exc.status, exc.code, exc.message, exc.field)


def _of_refused(exc: Refused) -> Problem:
    return Problem(exc.status, exc.code, exc.message)


def _of_spec_error(exc: SpecError) -> Problem:
    return Problem(422, "bad_spec", exc.message, exc.path)


def _of_out_of_reach(exc: OutOfReach) -> Problem:
    return Problem(404, "not_found", str(exc))


def _of_not_allowed(exc: NotAllowed) -> Problem:
    denied = {"action": exc.action, "needs": str(exc.needs), "has": str(exc.has or "none")}
    return Problem(403, "not_allowed", str(exc), denied=denied)


def _of_stale(exc: Stale) -> Problem:
    return Problem(412, "stale", str(exc), "If-Match")


def _of_conflict(exc: Conflict) -> Problem:
    return Problem(409, "conflict", str(exc))


def _of_fenced(exc: Fenced) -> Problem:
    return Problem(409, "fenced", str(exc))


def _of_limit(exc: LimitReached) -> Problem:
    wait = getattr(exc, "wait", None)
    if wait is None:  # what is used up does not come back by waiting
        return Problem(429, "quota", str(exc))
    return Problem(429, "limit", str(exc), headers=(("Retry-After", str(wait)),))


def _of_http404(exc: Http404) -> Problem:
    return Problem(404, "not_found", "there is nothing at this address")


def _of_suspicion(exc: SuspiciousOperation) -> Problem:
    return Problem(400, "bad_request", TOO_MANY.get(type(exc), "the request cannot be read"))


def _of_busy(exc: Error) -> Problem:
    text = f"{trouble_of(exc)}; nothing was changed, try again"
    return Problem(503, "busy", text, headers=(("Retry-After", "1"),))


def _of_api_exception(exc: APIException) -> Problem:
    wait = getattr(exc, "wait", None)
    headers = (("Retry-After", str(wait)),) if wait else ()
    code = exc.default_code if isinstance(exc.default_code, str) else "error"
    return Problem(exc.status_code, code, str(exc.detail), headers=headers)


_READERS: Mapping[type[Exception], Any] = {
    Refusal: _of_refusal,
    Refused: _of_refused,
    SpecError: _of_spec_error,
    OutOfReach: _of_out_of_reach,
    NotAllowed: _of_not_allowed,
    Stale: _of_stale,
    Conflict: _of_conflict,
    Fenced: _of_fenced,
    LimitReached: _of_limit,
    Http404: _of_http404,
    SuspiciousOperation: _of_suspicion,
    **dict.fromkeys(UNAVAILABLE, _of_busy),
    APIException: _of_api_exception,
}
