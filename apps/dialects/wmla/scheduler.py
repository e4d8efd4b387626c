"""The scheduler's side, as thin as its clients need it: applications are trainings, and their logs."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.wmla import execs, finding
from apps.dialects.wmla.base import WmlaView
from tunebook.wire.wmla import answers

STREAMS = {"stdout": ("out.log",), "stderr": ("err.log",)}
MOST = 1000


class Applications(WmlaView):
    """Trainings as applications, filtered, sorted and cut as asked."""

    def get(self, request: Request) -> HttpResponse:
        rows = [_application(one.record()) for one in finding.trainings(self.actor, MOST)]
        for name, member in FILTERS.items():
            wanted = self.asked(name).lower()
            if wanted:
                rows = [row for row in rows if str(row[member]).lower() == wanted]
        wanted = self.asked("search").lower()
        if wanted:
            rows = [row for row in rows if any(wanted in str(value).lower() for value in row.values())]
        sort = self.asked("sort")
        member = sort.removeprefix("-")
        if rows and member in rows[0]:
            down = sort.startswith("-") or self.asked("order").lower() == "desc"
            rows.sort(key=lambda row: str(row[member]), reverse=down)
        start, length = _number(self.asked("start"), 0), _number(self.asked("length"), MOST)
        return self.answer(rows[start : start + length])


class ApplicationLog(WmlaView):
    """One stream of an application's log, its last lines where a number of them is asked for."""

    def get(self, request: Request, app_id: str, stream: str) -> HttpResponse:
        lines = self.asked("lastlines")
        last = _number(lines, 0) if lines else None
        return self.text(execs.printed(finding.training(self.actor, app_id), STREAMS[stream], last))


FILTERS = {
    "applicationid": "applicationid",
    "applicationname": "applicationname",
    "driverid": "driverid",
    "state": "state",
    "sigId": "sigId",
}


def _application(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "applicationid": record["appId"],
        "applicationname": record["appName"],
        "driverid": f"driver-{record['appId'].removeprefix(answers.PREFIX)}",
        "state": record["state"],
        "user": record["creator"],
        "sigId": record["sigId"],
        "sigName": record["sigName"],
        "submittime": record["createTime"],
    }


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default
