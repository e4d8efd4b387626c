"""What Azure Machine Learning has and this server has not: each is refused with what to do instead."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest

from apps.dialects.azureml.base import Nowhere
from apps.dialects.refusal import Refusal

SERVED = "no models are served here; serve one elsewhere, with the files that jobs.download() brings"
REMOTE = "trials run on this machine, which is not started, stopped or measured from here"
INSTEAD: Mapping[str, str] = {
    "models": "no models are registered here; take the files of a job with jobs.download(name, all=True)",
    "components": "no components are kept here; submit the command, or the sweep of it, as a job",
    "schedules": "no schedule starts jobs here; submit them from cron or another timer",
    "onlineendpoints": SERVED,
    "batchendpoints": SERVED,
    "serverlessendpoints": SERVED,
    "computes": REMOTE,
}
HERE = "of Azure this server has workspaces with their jobs, environments, codes, data, datastores and computes"
OURS = ("jobs", "environments", "codes", "data", "datastores")


class Missing(Nowhere):
    """An address below a workspace, or beside all of them, that is no operation here."""

    def refusal(self, request: HttpRequest) -> Refusal:
        match = request.resolver_match
        kind = str(match.kwargs.get("kind", "")) if match else ""
        if kind.lower() in OURS:
            return super().refusal(request)
        if not kind:
            return Refusal("not_found", f"there is nothing at this address; {HERE}", status=404)
        return Refusal("no_such_kind", INSTEAD.get(kind.lower(), f"there are no {kind} here; {HERE}"), status=404)
