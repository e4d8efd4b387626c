"""Where the metrics of a trial come from."""

from dataclasses import dataclass
from typing import Any, Self

from tunebook.errors import SpecError
from tunebook.fields import Fields, below, listed

TYPES = ("report", "stdout", "json", "records", "summary", "table", "nni", "exit")
COMBINES = ("final", "best", "avg")
NEEDS_SOURCES = frozenset({"json", "records", "summary", "table"})
MAX_SOURCES = 20
MAX_SOURCE = 4096


@dataclass(frozen=True)
class Readings:
    """How a trial's measurements are found; which metrics there are is said by the objective.

    type: "report" (the script calls `tunebook.run.log`), "stdout" (the metric's name is a regular expression with one
    group, searched in the output), "json" (members of a file), "records" (every number in a JSON file that is a list of
    objects, one for each step), "summary" (TensorBoard event files), "table" (columns of an SQL statement's result),
    "exit" (0 when it ended well, for commands that measure nothing).
    sources: for stdout the commands to listen to (`cmd1`, `cmd2`, ...; none listens to all), else paths or statements,
    placeholders allowed.
    combine: how the values of several sources become one: "final" (the last source that has one), "best" or "avg".

        Readings("stdout", ("cmd1",))
    """

    type: str = "report"
    sources: tuple[str, ...] = ()
    combine: str = "final"

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise SpecError("type", f"must be one of {listed(TYPES)}, got {self.type!r}")
        if self.combine not in COMBINES:
            raise SpecError("combine", f"must be one of {listed(COMBINES)}, got {self.combine!r}")
        if isinstance(self.sources, str):
            raise SpecError("sources", "must be a list of texts, got text")
        object.__setattr__(self, "sources", tuple(self.sources))
        if len(self.sources) > MAX_SOURCES:
            raise SpecError("sources", f"must be at most {MAX_SOURCES}, got {len(self.sources)}")
        for index, source in enumerate(self.sources):
            if not isinstance(source, str) or not source.strip():
                raise SpecError(f"sources.{index}", "must be a text that is not empty")
            if len(source) > MAX_SOURCE:
                raise SpecError(f"sources.{index}", f"must be at most {MAX_SOURCE} characters, got {len(source)}")
        if self.type in NEEDS_SOURCES and not self.sources:
            raise SpecError("sources", f"metrics of type {self.type} need at least one source")

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain JSON."""
        return {"type": self.type, "sources": list(self.sources), "combine": self.combine}

    @classmethod
    def from_dict(cls, document: object, path: str = "readings") -> Self:
        """Read what `to_dict` wrote. Raises SpecError with the path of what is wrong."""
        fields = Fields(document, path, ("type", "sources", "combine"))
        read, sources = fields.word("type", TYPES, "report"), fields.texts("sources")
        combine = fields.word("combine", COMBINES, "final")
        with below(path):
            return cls(read, sources, combine)
