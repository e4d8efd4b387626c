"""On what the trials of a job run, and how much of it one trial takes."""

from dataclasses import dataclass
from typing import Any, Self

from tunebook.errors import SpecError
from tunebook.fields import Fields, below, is_finite, listed

LOCAL, RAY = "LOCAL", "RAY"
PLATFORMS = (LOCAL, RAY)
MAX_UNITS = 10_000
_MEMBERS = ("name", "cpus", "gpus")


@dataclass(frozen=True, kw_only=True)
class Platform:
    """Where trials run: on the optimizer's own machine, or as jobs of a Ray cluster.

    name: LOCAL, where a trial takes one slot of the machine, or RAY. cpus, gpus: how many of them one trial takes of the
    cluster, parts of one allowed, 0 to 10,000. How much memory it takes stands in the job's limits.

        Platform(name="RAY", cpus=4, gpus=0.5)
    """

    name: str = LOCAL
    cpus: float = 1
    gpus: float = 0

    def __post_init__(self) -> None:
        if self.name not in PLATFORMS:
            raise SpecError("name", f"must be one of {listed(PLATFORMS)}, got {self.name!r:.60}")
        for name in ("cpus", "gpus"):
            value = getattr(self, name)
            if isinstance(value, bool) or not is_finite(value) or not 0 <= value <= MAX_UNITS:
                raise SpecError(name, f"must be a number from 0 to {MAX_UNITS}, got {value!r:.60}")
        if self.name == LOCAL and (self.cpus, self.gpus) != (1, 0):
            raise SpecError("name", "on LOCAL a trial takes one slot; only RAY counts cpus and gpus")

    def to_dict(self) -> dict[str, Any]:
        """The platform as plain JSON."""
        return {name: getattr(self, name) for name in _MEMBERS}

    @classmethod
    def from_dict(cls, document: object, path: str = "platform") -> Self:
        """Read what `to_dict` wrote. Raises SpecError with the path of what is wrong."""
        fields = Fields(document, path, _MEMBERS)
        given: dict[str, Any] = {name: fields.number(name) for name in ("cpus", "gpus") if fields.has(name)}
        if fields.has("name"):
            given["name"] = fields.text("name", empty=False)
        with below(path):
            return cls(**given)
