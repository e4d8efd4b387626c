"""How much a job may use: trials, time, failures."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from tunebook.errors import SpecError
from tunebook.fields import Fields, below

MAX_TRIALS = 1_000_000
MAX_CONCURRENT = 10_000
MAX_SECONDS = 366 * 24 * 3600.0
MAX_RETRIES = 100
MAX_GAIN = 1e300
MIN_MEMORY, MAX_MEMORY = 16, 2**24

_RANGES: dict[str, tuple[float, float]] = {
    "max_trials": (1, MAX_TRIALS),
    "max_concurrent": (1, MAX_CONCURRENT),
    "max_seconds": (1, MAX_SECONDS),
    "trial_seconds": (1, MAX_SECONDS),
    "trial_memory": (MIN_MEMORY, MAX_MEMORY),
    "max_failed": (1, MAX_TRIALS),
    "patience": (1, MAX_TRIALS),
    "min_gain": (0, MAX_GAIN),
    "retries": (0, MAX_RETRIES),
    "command_retries": (0, MAX_RETRIES),
}
_NUMBERS = {"max_seconds": "a number of seconds", "trial_seconds": "a number of seconds", "min_gain": "a number"}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The bounds of a job; None means there is none.

    max_trials: trials asked in all, 1 to 1,000,000. max_concurrent: trials at once, 1 to 10,000.
    max_seconds: the whole job. trial_seconds: one attempt of a trial. Both from 1 second on.
    trial_memory: MiB that one attempt of a trial may use, 16 to 16,777,216; where it needs more it fails, out of memory.
    max_failed: the job fails when more trials than this have failed.
    patience: the job ends early when so many trials in a row brought nothing better; min_gain: by how much a value must
    be better to count, in the objective's unit, 0 unless given.
    retries: extra attempts after an end that was not the command's fault (a lost machine, no memory).
    command_retries: extra attempts after the command itself failed.

        Limits(max_trials=50, max_concurrent=4, max_seconds=3600)
    """

    max_trials: int | None = None
    max_concurrent: int = 1
    max_seconds: float | None = None
    trial_seconds: float | None = None
    trial_memory: int | None = None
    max_failed: int | None = None
    patience: int | None = None
    min_gain: float | None = None
    retries: int = 2
    command_retries: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is None and name not in _NEEDED:
                continue
            number = int | float if name in _NUMBERS else int
            if isinstance(value, bool) or not isinstance(value, number):
                raise SpecError(name, f"must be {_NUMBERS.get(name, 'a whole number')}, got {value!r}")
            if not low <= value <= high:
                to = f"from {low:.0f} to {high:.0f}" if high < MAX_GAIN else f"of at least {low:.0f}"
                raise SpecError(name, f"must be {to}, got {value}")
        if self.min_gain is not None and self.patience is None:
            raise SpecError("min_gain", "needs patience, which says how many trials may bring less")

    def to_dict(self) -> dict[str, Any]:
        """The limits as plain JSON; null where there is none."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: object, path: str = "limits") -> Self:
        """Read what `to_dict` wrote. Raises SpecError with the path of what is wrong."""
        read = Fields(document, path, _RANGES)
        given: dict[str, Any] = {
            name: read.number(name) if name in _NUMBERS else read.integer(name) for name in _RANGES if read.has(name)
        }
        with below(path):
            return cls(**given)


_NEEDED = frozenset(one.name for one in fields(Limits) if one.default is not None)
