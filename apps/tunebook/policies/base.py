"""What every early-termination policy is: a declaration that judges a running trial by its curve and the others'."""

from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self

from tunebook.errors import SpecError
from tunebook.fields import Fields, below, is_finite
from tunebook.history import History, TrialView


@dataclass(frozen=True)
class Decision:
    """Whether a trial shall stop, and why, in words for people."""

    stop: bool
    reason: str = ""

    @classmethod
    def go_on(cls, reason: str = "") -> Self:
        """Let the trial run."""
        return cls(False, reason)

    @classmethod
    def end(cls, reason: str) -> Self:
        """Stop the trial."""
        return cls(True, reason)


@dataclass(frozen=True, kw_only=True)
class Policy(ABC):
    """Judges a trial each time it has reported another ``evaluation_interval`` measurements.

    Args:
        delay_evaluation: do not judge before so many measurements; 0 or more.
        evaluation_interval: judge at every so-manieth measurement; 0 counts as 1.
    """

    name: ClassVar[str]

    delay_evaluation: int = 0
    evaluation_interval: int = 1

    def __post_init__(self) -> None:
        check_whole("delay_evaluation", self.delay_evaluation, low=0)
        check_whole("evaluation_interval", self.evaluation_interval, low=0)

    @abstractmethod
    def judge(self, trial: TrialView, history: History) -> Decision:
        """Decide on a trial at its present step, which is due. Must not look beyond that step of the others."""

    def due(self, trial: TrialView) -> bool:
        """True when the trial is to be judged at its present step."""
        step = trial.step
        return step > 0 and step >= self.delay_evaluation and step % max(self.evaluation_interval, 1) == 0

    def review(self, trial: TrialView, history: History, judged: int = 0) -> Decision:
        """Judge a trial at each step that is due after ``judged``, as measurements may arrive several at once.

        The first decision to stop counts.
        """
        for step in range(judged + 1, trial.step + 1):
            then = trial.until(step)
            if self.due(then):
                decision = self.judge(then, history)
                if decision.stop:
                    return decision
        return Decision.go_on()

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain JSON."""
        return {"name": self.name, **{entry.name: getattr(self, entry.name) for entry in fields(self)}}

    @classmethod
    def from_dict(cls, document: object, path: str = "policy") -> Self:
        """Read what ``to_dict`` wrote. Raises SpecError with the path of what is wrong."""
        given = Fields(document, path, ("name", *(entry.name for entry in fields(cls))))
        given.require(*(entry.name for entry in fields(cls) if entry.default is MISSING))
        with below(path):
            return cls(**{name: value for name, value in given.document.items() if name != "name"})


def counted(count: int, what: str) -> str:
    """A number of things for people: 1 measurement, 2 measurements. Scripts may number their steps as they like."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def check_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    """Refuse what is no whole number within the bounds, ends included."""
    if type(value) is not int or value < low or (high is not None and value > high):
        limits = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise SpecError(name, f"must be a whole number {limits}, got {value!r}")


def check_number(name: str, value: object, low: float, high: float = float("inf")) -> None:
    """Refuse what is no finite number within the bounds, ends included."""
    if not is_finite(value) or not low <= value <= high:
        limits = f"of at least {low:g}" if high == float("inf") else f"from {low:g} to {high:g}"
        raise SpecError(name, f"must be a number {limits}, got {value!r}")


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise SpecError(name, f"must be true or false, got {value!r}")
