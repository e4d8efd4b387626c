"""The envelope of MLflow: `{error_code, message}` for everything that went wrong, and never a 5xx for a client's mistake,
which its client would try again for minutes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from apps.artifacts.artifacts import Full
from apps.artifacts.paths import BadPath
from apps.artifacts.remarks import Changed, TooMany
from apps.artifacts.store import TooLarge
from apps.dialects import pace
from apps.dialects.base import SAFE, DialectView, Elsewhere, Problem
from apps.dialects.body import check_text
from apps.dialects.mlflow.callers import Caller, Run, TrialCaller, caller_of
from apps.dialects.refusal import Refusal
from apps.tuning.errors import LimitReached
from apps.workspaces.access import Actor
from tunebook.wire import mlflow

CODES = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "BAD_REQUEST",
    409: "INVALID_STATE",
    413: "INVALID_PARAMETER_VALUE",
    429: "REQUEST_LIMIT_EXCEEDED",
    501: "NOT_IMPLEMENTED",
    503: "TEMPORARILY_UNAVAILABLE",
}
OWN_CODES = {"bad_json": "BAD_REQUEST", "endpoint": "ENDPOINT_NOT_FOUND", "exists": "RESOURCE_ALREADY_EXISTS"}
BAD_REQUEST, UNSUPPORTED, UNPROCESSABLE = 400, 415, 422
OURS = (Changed, TooMany, TooLarge, Full, BadPath, LimitReached)


class MlflowView(DialectView):
    """One operation of MLflow's tracking API. `arguments` are the query of a GET or the body of anything else."""

    authentication_classes = []
    schema = None  # its description is MLflow's own
    challenge = 'Bearer realm="tunebook"'
    reads_body = True

    caller: Caller
    arguments: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        http = request._request
        if self.reads_body:
            self._take_body(http)
        self.caller = caller_of(http)
        pace.keep(self._caller(request), "reads" if http.method in SAFE else self.kind_of_change)
        for value in kwargs.values():
            check_text(value)
        if request.method in ("GET", "HEAD"):
            self.arguments = {check_text(name): check_text(value) for name, value in http.GET.dict().items()}
        else:
            self.arguments = self.body() if self.reads_body else {}

    @property
    def kind_of_change(self) -> str:
        """A trial reports; whoever holds a key writes."""
        return "reports" if isinstance(self.caller, TrialCaller) else "writes"

    def _caller(self, request: Request) -> str:
        if isinstance(self.caller, TrialCaller):
            return pace.of_token(self.caller.run.token)
        return f"user {self.caller.actor.user_id}"

    def text(self, name: str, *, required: bool = False, most: int = 2_000) -> str:
        """A member that is text; empty when it is not there."""
        found = mlflow.text_of(self.arguments, name, most)
        if required and not found:
            raise Refusal("missing_parameter", "is required", field=name)
        return found

    def number(self, name: str, default: int, most: int) -> int:
        """A member that is a whole number from 1 on; more than the most is the most."""
        value = self.arguments.get(name)
        if value in (None, ""):
            return default
        return mlflow.whole(name, value, 1, max(most, default) if isinstance(value, str) else most)

    def texts(self, name: str) -> list[str]:
        """A member that is a list of texts; empty when it is not there. A query repeats its name."""
        items = self.arguments.get(name) or []
        if isinstance(items, str) and self.request.method in SAFE:
            items = self.request._request.GET.getlist(name)
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise Refusal("bad_parameter", "must be a list of texts", field=name)
        return items

    def offset(self) -> int:
        """Where the page begins that `page_token` names."""
        token = self.arguments.get("page_token")
        if not token:
            return 0
        if not isinstance(token, str) or not token.isdecimal() or not token.isascii() or len(token) > 18:
            raise Refusal("bad_parameter", "must be the next_page_token of an earlier answer", field="page_token")
        return int(token)

    def run(self) -> Run:
        """The run that the call names, to be read."""
        return self.caller.find(mlflow.run_id_of(self.arguments))

    def run_to_change(self) -> Run:
        return self.caller.find_to_change(mlflow.run_id_of(self.arguments))

    def run_to_log(self) -> Run:
        return self.caller.find_to_log(mlflow.run_id_of(self.arguments))

    @property
    def actor(self) -> Actor:
        """Who holds the key."""
        if isinstance(self.caller, TrialCaller):
            raise Refusal("not_allowed", "a trial may not do this; use the key of a workspace", status=403)
        return self.caller.actor

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, OURS) and not isinstance(exc, pace.TooMany):
            exc = Refusal("bad_parameter", str(exc))
        return super().handle_exception(exc)

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        status = self.problem_status(problem)
        return mlflow.problem(OWN_CODES.get(problem.code) or CODES.get(status, "INTERNAL_ERROR"), problem.text)

    def problem_status(self, problem: Problem) -> int:
        return BAD_REQUEST if problem.status in (UNSUPPORTED, UNPROCESSABLE) else problem.status


class Nowhere(Elsewhere, MlflowView):
    """Every path below these that is none of ours."""

    def refusal(self, request: HttpRequest) -> Refusal:
        return Refusal("endpoint", f"there is no endpoint {request.path[:200]}", status=404)


class NoTraces(Elsewhere, MlflowView):
    """The newer half of the API: traces, judges and prompts, which Tunebook does not keep."""

    def refusal(self, request: HttpRequest) -> Refusal:
        words = "Tunebook keeps runs, their metrics and their files, but no traces"
        return Refusal("endpoint", words, status=404)


class NoRegistry(Elsewhere, MlflowView):
    """The registry of models, which Tunebook does not have."""

    def refusal(self, request: HttpRequest) -> Refusal:
        words = "Tunebook keeps no registry of models: leave registered_model_name out, and register elsewhere"
        return Refusal("endpoint", words, status=404)
