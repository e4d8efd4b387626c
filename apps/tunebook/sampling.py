"""Which sampler searches, with which options and seed: a declaration, so that writing one needs no numpy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tunebook.errors import SpecError
from tunebook.fields import Fields, below, unknown

# The samplers of this release and the names of their options. A test holds this table equal to the registry.
SAMPLERS: dict[str, tuple[str, ...]] = {
    "auto": (),
    "random": ("rule", "logbase"),
    "sobol": (),
    "grid": ("order",),
    "tpe": (
        "n_startup",
        "n_candidates",
        "rule",
        "gamma",
        "linear_forgetting",
        "prior_weight",
        "constant_liar",
        "failures",
    ),
}

MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Sampling:
    """How the next parameters are chosen.

    name: "auto" (picked by the space), "random", "sobol", "grid", "tpe".
    options: what that sampler understands, by name.
    seed: a whole number from 0 on; None lets the server draw one and keep it.

        Sampling("tpe", seed=7)
    """

    name: str = "auto"
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.name not in SAMPLERS:
            raise SpecError("name", unknown(str(self.name), SAMPLERS, "sampler"))
        for option in self.options:
            if option not in SAMPLERS[self.name]:
                raise SpecError(f"options.{option}", unknown(str(option), SAMPLERS[self.name], "option"))
        if self.seed is not None and (isinstance(self.seed, bool) or not isinstance(self.seed, int)):
            raise SpecError("seed", f"must be a whole number, got {self.seed!r}")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise SpecError("seed", f"must be from 0 to {MAX_SEED}, got {self.seed}")

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain JSON."""
        return {"name": self.name, "options": dict(self.options), "seed": self.seed}

    @classmethod
    def from_dict(cls, document: object, path: str = "sampling") -> Self:
        """Read what `to_dict` wrote. Raises SpecError with the path of what is wrong."""
        fields = Fields(document, path, ("name", "options", "seed"))
        name, options, seed = fields.text("name", "auto"), fields.mapping("options"), fields.integer("seed")
        with below(path):
            return cls(name, options, seed)
