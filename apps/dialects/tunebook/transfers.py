"""Whole experiments as documents: to keep, or to carry to another Tunebook."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from apps.dialects.tunebook import parameters, rows
from apps.dialects.tunebook.base import TunebookView
from apps.reports import report
from apps.tuning import experiments, transfer
from apps.workspaces.access import require, workspace_of


class ExportExperiment(TunebookView):
    """One experiment as a document."""

    operations = {"GET": "ExportExperiment"}

    def get(self, request: Request, key: str) -> Any:
        """Download an experiment with its trials, attempts and measurements, as `import` takes it."""
        found = experiments.find(self.actor, key)
        return StreamingHttpResponse(
            transfer.dump(found),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{found.key}.json"', "Cache-Control": "no-store"},
        )


class ReportExperiment(TunebookView):
    """One experiment as a file for readers."""

    operations = {"GET": "ReportExperiment"}

    def get(self, request: Request, key: str) -> HttpResponse:
        """Download an experiment as one HTML file with its charts, which needs no network to be read."""
        found = experiments.find(self.actor, key)
        headers = {
            "Content-Disposition": f'attachment; filename="{found.key}-report.html"',
            "Cache-Control": "no-store",
        }
        return HttpResponse(report.html(found), content_type="text/html; charset=utf-8", headers=headers)


class ImportExperiment(TunebookView):
    """An experiment from a document."""

    fields = parameters.IMPORT
    operations = {"POST": "ImportExperiment"}
    creates = True
    most_bytes = 256 << 20

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Nobody unknown may send so much."""
        self.perform_authentication(request)
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> HttpResponse:
        """Store the experiment of a document under a new key, as your own; what still ran in it is cancelled here.

        A document has at most 256 MiB, 100,000 trials and 10,000,000 measurements. With a mistake in it nothing is stored.
        """
        given = self.document()
        workspace = workspace_of(self.actor, given.get("workspace"))
        require(self.actor, workspace.pk, "create")
        read, tags = transfer.read(given["document"]), given.get("tags", ())
        return self.created(lambda: rows.experiment(transfer.store(self.actor, read, workspace=workspace, tags=tags)))
