"""What a running trial on another machine sends home: its measurements."""

from __future__ import annotations

from collections import Counter

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.refusal import Refusal
from apps.dialects.tunebook import parameters
from apps.dialects.tunebook.base import TunebookView
from apps.experiments.models import Desired
from apps.trials.models import Attempt
from apps.tuning import trials
from apps.workspaces.access import OutOfReach
from apps.workspaces.authentication import bearer_token
from apps.workspaces.models import hash_token

DONE = ("stored", "duplicate")


class ReportMeasurements(TunebookView):
    """Store measurements of an attempt, signed in with the attempt's own token. Sent twice, they are stored once.

    The answer counts the verdicts and lists every item that is neither stored nor a duplicate; `stop` says that the
    attempt should end.
    """

    authentication_classes = []
    changes = "reports"
    fields = parameters.REPORT

    def post(self, request: Request) -> HttpResponse:
        token = bearer_token(request._request)
        if not token or len(token) > 512:
            raise Refusal("unauthenticated", "send the attempt's token: 'Authorization: Bearer <token>'", status=401)
        items = self.document()["items"]
        try:
            report = trials.report(token, items)
        except OutOfReach:
            raise Refusal("unauthenticated", "this is no attempt's token", status=401) from None
        left = [
            {"index": index, "result": verdict, "message": report.problems.get(index, "")}
            for index, verdict in enumerate(report.verdicts)
            if verdict not in DONE
        ]
        counts: Counter[str] = Counter(report.verdicts)
        known = {verdict: counts.get(verdict, 0) for verdict in (*DONE, "conflict", "rejected")}
        return self.answer({**known, "items": left, "stop": self._should_stop(token)})

    def _should_stop(self, token: str) -> bool:
        wishes = Attempt.objects.filter(token_hash=hash_token(token)).values_list("trial__desired", flat=True)
        return Desired.STOP in wishes
