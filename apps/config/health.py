"""Two addresses for whoever watches the service. Neither tells strangers versions or paths."""

import shutil

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

LEAST_FREE = 256 * 1024 * 1024  # bytes; below this, logs are cut and nothing new should be sent here


def healthz(request: HttpRequest) -> HttpResponse:
    """The process is alive. Asks nothing of the database."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """The process can serve: database reachable, migrations applied, disk not full. Else 503 and the reason."""
    problem = _problem()
    if problem:
        return JsonResponse({"status": "unavailable", "reason": problem}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ok"})


def _problem() -> str:
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "migrations"
    except DatabaseError:
        return "database"
    if shutil.disk_usage(settings.TUNEBOOK_DATA).free < LEAST_FREE:
        return "disk"
    return ""
