"""Two addresses for whoever watches the service, /healthz and /readyz. Neither tells strangers versions or paths."""

import threading

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.deprecation import MiddlewareMixin

from apps.experiments import schema
from tunebook import disk

leaving = threading.Event()
"""Set when this process has been told to end: nobody shall be sent here any more."""

FULL = ("disk_full", "disk_read_only", "disk_missing")  # nearly full is no reason to send nobody here


def healthz(request: HttpRequest) -> HttpResponse:
    """The process is alive. Asks nothing of the database."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """The process can serve: not on its way out, database reachable, migrations applied, disk not full. Else 503 and the reason."""
    problem = _problem()
    if problem:
        return JsonResponse({"status": "unavailable", "reason": problem}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ok"})


class Probes(MiddlewareMixin):
    """Answers the two addresses ahead of everything else: who watches asks by an address that is no allowed host."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        probe = PROBES.get(request.path_info)
        return probe(request) if probe else None


def _problem() -> str:
    if leaving.is_set():
        return "leaving"
    try:
        # a newer database only adds to what this release knows, which may serve until it is replaced
        if schema.missing():
            return "migrations"
    except DatabaseError:
        return "database"
    if disk.trouble(settings.TUNEBOOK_DATA) in FULL:
        return "disk"
    return ""


PROBES = {"/healthz": healthz, "/readyz": readyz}
