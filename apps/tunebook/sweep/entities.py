"""Inputs, outputs, resources, queue and identity of a job: what a sweep names and this server keeps."""

from collections.abc import Mapping
from typing import Any, Self


class _Members:
    """An object that is its members: equal by them, shown by them, read from an object of them."""

    members: tuple[str, ...] = ()
    __hash__ = None  # type: ignore[assignment]  # they can be changed

    def to_members(self) -> dict[str, Any]:
        """Its members as they stand in a file, those that are None left out."""
        found = {name: getattr(self, name) for name in self.members}
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Read from an object; members it does not know are dropped."""
        return cls(**{name: value for name, value in given.items() if name in cls.members})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(self) == vars(other)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.to_members().items())
        return f"{type(self).__name__}({given})"


class Input(_Members):
    """Data that a job reads.

    Args:
        type: "uri_folder", "uri_file", "mltable", "custom_model", "mlflow_model" or "triton_model".
        path: a local path or a uri.
        mode: "ro_mount", "download", "direct", "eval_mount" or "eval_download".
    """

    members = ("type", "path", "mode", "path_on_compute", "datastore")

    def __init__(
        self,
        *,
        type: str = "uri_folder",
        path: str | None = None,
        mode: str | None = None,
        path_on_compute: str | None = None,
        default: str | float | bool | None = None,
        optional: bool | None = None,
        min: float | None = None,
        max: float | None = None,
        enum: Any = None,
        description: str | None = None,
        datastore: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.type = type
        self.default, self.optional, self.min, self.max, self.enum = default, optional, min, max, enum
        self.description = description
        self.path = None if path is None else str(path)
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.datastore = datastore


class Output(_Members):
    """Data that a job writes; without a path it is a folder of the trial's own.

    Args:
        type: "uri_folder", "uri_file", "mltable", "custom_model", "mlflow_model" or "triton_model".
        path: a local path or a uri.
        mode: "rw_mount", "mount", "upload" or "direct".
        name, version: under which it is kept.
    """

    members = ("type", "path", "mode", "name", "version")

    def __init__(
        self,
        *,
        type: str = "uri_folder",
        path: str | None = None,
        mode: str | None = None,
        description: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.type = type
        self.path = None if path is None else str(path)
        self.mode = mode
        self.description = description
        self.name = kwargs.get("name")
        self.version = kwargs.get("version")


class JobResourceConfiguration(_Members):
    """What a job would like of a cluster; kept, and told back."""

    members = (
        *("locations", "instance_count", "instance_type", "properties"),
        *("docker_args", "shm_size", "max_instance_count"),
    )

    def __init__(
        self,
        *,
        locations: list[str] | None = None,
        instance_count: int | None = None,
        instance_type: str | list[str] | None = None,
        properties: dict[str, Any] | None = None,
        docker_args: str | list[str] | None = None,
        shm_size: str | None = None,
        max_instance_count: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.locations = locations
        self.instance_count = instance_count
        self.instance_type = instance_type
        self.properties = properties or {}
        self.docker_args = docker_args
        self.shm_size = shm_size
        self.max_instance_count = max_instance_count


class QueueSettings(_Members):
    """Where a job would like to wait. Args: job_tier, "Spot", "Basic", "Standard" or "Premium"; priority."""

    members = ("job_tier", "priority")

    def __init__(self, *, job_tier: str | None = None, priority: str | None = None, **kwargs: Any) -> None:
        self.job_tier = job_tier
        self.priority = priority


class ManagedIdentityConfiguration(_Members):
    """Run as a managed identity."""

    members = ("type", "client_id", "object_id", "resource_id")
    word = "Managed"

    def __init__(
        self,
        *,
        client_id: str | None = None,
        resource_id: str | None = None,
        object_id: str | None = None,
        principal_id: str | None = None,
    ) -> None:
        self.principal_id = principal_id
        self.type = "managed_identity"
        self.client_id = client_id
        self.object_id = object_id
        self.resource_id = resource_id


class AmlTokenConfiguration(_Members):
    """Run with the service's own token."""

    members = ("type",)
    word = "AMLToken"

    def __init__(self, **kwargs: Any) -> None:
        self.type = "aml_token"


class UserIdentityConfiguration(_Members):
    """Run as the user who submits."""

    members = ("type",)
    word = "UserIdentity"

    def __init__(self, **kwargs: Any) -> None:
        self.type = "user_identity"


Identity = ManagedIdentityConfiguration | AmlTokenConfiguration | UserIdentityConfiguration
IDENTITIES: dict[str, type[Identity]] = {
    "managed": ManagedIdentityConfiguration,
    "managed_identity": ManagedIdentityConfiguration,
    "aml_token": AmlTokenConfiguration,
    "amltoken": AmlTokenConfiguration,
    "user_identity": UserIdentityConfiguration,
}


def inputs_of(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The inputs of a job, objects turned into Input."""
    return {name: Input.of(value) if isinstance(value, Mapping) else value for name, value in (given or {}).items()}


def outputs_of(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The outputs of a job, objects turned into Output; None is a folder without wishes."""
    return {name: Output.of(value) if isinstance(value, Mapping) else value for name, value in (given or {}).items()}
