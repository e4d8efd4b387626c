"""What the ARM API answers: a job, a page of jobs, an error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tunebook.status import ExperimentStatus
from tunebook.wire.azureml.documents import without_read_only
from tunebook.wire.azureml.shapes import ONLY_TODAY, converted
from tunebook.wire.azureml.versions import OLD, TODAY
from tunebook.wire.run_words import experiment_status

TYPE = "Microsoft.MachineLearningServices/workspaces/jobs"
# Of the resource, not of the run: it is there as soon as it is answered. Clients wait for anything else to pass.
PROVISIONED = "Succeeded"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the server knows of a job beside its document.

    id: the whole ARM path. url: the job's page. best: the name of the best trial, when one is known.
    by, by_type: who made it; the type is User, Application, ManagedIdentity or Key.
    """

    id: str
    name: str
    created: datetime
    modified: datetime
    status: str = ExperimentStatus.CREATED
    desired: str = "run"
    by: str = ""
    by_type: str = "User"
    modified_by: str = ""
    url: str = ""
    best: str = ""
    archived: bool = False


def resource(properties: Mapping[str, Any], facts: Facts, shape: str = TODAY, kept: str = TODAY) -> dict[str, Any]:
    """The job as the API of that shape tells it. `kept` is the shape in which the properties were sent."""
    known = converted(without_read_only(properties), kept, shape)
    if shape == OLD:
        known = {name: value for name, value in known.items() if name not in ONLY_TODAY}
    return {
        "id": facts.id,
        "name": facts.name,
        "type": TYPE,
        "properties": {**known, **(_old(known, facts) if shape == OLD else _today(known, facts))},
        "systemData": _system_data(facts),
    }


def page(jobs: Sequence[Mapping[str, Any]], next_link: str | None) -> dict[str, Any]:
    """One page of a list; clients go on at the link as it stands."""
    return {"value": list(jobs), "nextLink": next_link}


def problem(code: str, message: str, target: str = "") -> dict[str, Any]:
    """The answer to anything that went wrong; the target is the place in the document."""
    details = [{"code": code, "message": message, "target": target}] if target else []
    return {
        "error": {"code": code, "message": message, "target": target or None, "details": details, "additionalInfo": []}
    }


def _old(known: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    endpoint: dict[str, Any] = {"jobEndpointType": "Studio", "endpoint": facts.url, "port": None, "properties": {}}
    return {
        "experimentName": known.get("experimentName") or "Default",
        "tags": known.get("tags") or {},
        "properties": _properties(known, facts),
        "status": experiment_status(facts.status, facts.desired),
        "provisioningState": PROVISIONED,
        "interactionEndpoints": {"Studio": endpoint} if facts.url else {},
        "output": None,
    }


def _today(known: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    studio: dict[str, Any] = {
        "jobServiceType": "Studio",
        "endpoint": facts.url,
        "port": None,
        "status": None,
        "properties": {},
    }
    return {
        "experimentName": known.get("experimentName") or "Default",
        "displayName": known.get("displayName") or facts.name,
        "tags": known.get("tags") or {},
        "properties": _properties(known, facts),
        "status": experiment_status(facts.status, facts.desired),
        "isArchived": facts.archived,
        "services": {"Studio": studio} if facts.url else {},
    }


def _properties(known: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    return {**(known.get("properties") or {}), **({"best_child_run_id": facts.best} if facts.best else {})}


def _system_data(facts: Facts) -> dict[str, Any]:
    return {
        "createdAt": instant(facts.created),
        "createdBy": facts.by,
        "createdByType": facts.by_type,
        "lastModifiedAt": instant(facts.modified),
        "lastModifiedBy": facts.modified_by or facts.by,
        "lastModifiedByType": facts.by_type,
    }


def instant(moment: datetime) -> str:
    """The moment as ARM writes it: UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
