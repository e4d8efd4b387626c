"""The properties of a job that say who it is and where it runs, in both shapes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import Fields
from tunebook.wire.azureml.versions import OLD
from tunebook.wire.terminations import INT32

PATH = "properties"
JOB_TYPES = ("Sweep", "Command")
IDENTITIES = ("AMLToken", "Managed", "UserIdentity")
DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "Mpi": ("processCountPerInstance",),
    "PyTorch": ("processCount", "processCountPerInstance"),
    "TensorFlow": ("workerCount", "parameterServerCount"),
}
MODES = (
    *("Direct", "Download", "EvalDownload", "EvalMount"),
    *("Mount", "ReadOnlyMount", "ReadWriteMount", "Upload"),
)
# What the server says and a client cannot: ignored in what is sent, never kept.
READ_ONLY = ("status", "provisioningState", "interactionEndpoints", "services", "output", "parameters")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,254}")
_WORD = re.compile(r"[a-zA-Z0-9_]")
_GUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Details:
    """What a document says about the job besides the search."""

    job_type: str
    display_name: str = ""
    description: str = ""
    experiment: str = "Default"
    tags: Mapping[str, str] = field(default_factory=dict)
    archived: bool = False


def details(document: object, path: str = PATH) -> Details:
    """Names, description and tags of the `properties` of a job."""
    fields = Fields(document, path).require("jobType")
    return Details(
        fields.word("jobType", JOB_TYPES, ""),
        fields.text("displayName"),
        fields.text("description"),
        fields.text("experimentName") or "Default",
        {name: value or "" for name, value in _tags(fields).items()},
        fields.flag("isArchived"),
    )


def check_name(name: str, path: str = "id") -> str:
    """The name of a job as it stands in its address. Raises SpecError for one that no job can have."""
    if not _NAME.fullmatch(name):
        raise SpecError(path, "must start with a letter or digit and have at most 255 letters, digits, - and _")
    return name


def check_word(fields: Fields, name: str) -> str:
    """A required text that has at least one letter, digit or underscore."""
    text = fields.require(name).text(name)
    if not _WORD.search(text):
        raise SpecError(fields.at(name), f"must have at least one letter, digit or _, got {text!r:.60}")
    return text


def check_surroundings(fields: Fields, shape: str) -> None:
    """Check what this server keeps and tells but does not act upon: names, compute, identity, priority, tags."""
    for name in ("displayName", "description", "experimentName"):
        fields.text(name)
    fields.flag("isArchived")
    _tags(fields)
    own = fields.inside("properties")
    for name in own.document:
        own.optional_text(name)
    fields.integer("priority", low=-INT32 - 1, high=INT32)
    if shape == OLD:
        compute = fields.require("compute").inside("compute")
        compute.integer("instanceCount", low=0, high=INT32)
        compute.flag("isLocal")
        for name in ("instanceType", "location", "target"):
            compute.text(name)
    else:
        fields.text("computeId")
        _check_resources(fields.inside("resources"))
        fields.inside("queueSettings").text("jobTier")
    _check_identity(fields.inside("identity"))


def check_trial(fields: Fields) -> None:
    """Check what a trial names of elsewhere, and how its processes are spread over machines; ours run on one."""
    fields.text("codeId")
    fields.text("environmentId")
    _check_resources(fields.inside("resources"))
    given = fields.inside("distribution")
    if not given.document:
        return
    word = given.require("distributionType").text("distributionType")
    for name in next((names for kind, names in DISTRIBUTIONS.items() if kind.lower() == word.lower()), ()):
        given.integer(name, low=0, high=INT32)


def _check_resources(resources: Fields) -> None:
    resources.integer("instanceCount", low=0, high=INT32)
    resources.mapping("properties")


def _check_identity(identity: Fields) -> None:
    if not identity.document:
        return
    identity.require("identityType").word("identityType", IDENTITIES, "")
    for name in ("clientId", "objectId"):
        if identity.has(name) and not _GUID.fullmatch(identity.text(name)):
            raise SpecError(identity.at(name), f"must be a GUID, got {identity.text(name)!r:.60}")


def _tags(fields: Fields) -> dict[str, str | None]:
    tags = Fields(fields.mapping("tags"), fields.at("tags"))
    return {name: tags.optional_text(name) for name in tags.document}


def without_read_only(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties as they are kept."""
    return {name: value for name, value in properties.items() if name not in READ_ONLY}
