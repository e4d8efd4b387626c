"""What every sampler is: a function of space, objective, seed and history to the next parameters.

A sampler keeps nothing it could not work out again: asking a new one with the same history gives the same answer.
What it keeps between questions is only a store of things already reckoned.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunebook.distributions import identity
from tunebook.errors import SpecError
from tunebook.fields import unknown
from tunebook.history import History
from tunebook.limits import Limits
from tunebook.objective import Objective
from tunebook.samplers.bisection import Bisection
from tunebook.samplers.options import Option
from tunebook.space import Params, Space

REDRAWS = 24  # how often a parameter set that was already tried is drawn anew before the untried ones are listed


@dataclass(frozen=True)
class Suggestion:
    """Parameters to try next, and why these.

    Args:
        params: the parameters, as plain JSON.
        source: who chose them: ``start-up``, ``random``, ``sobol``, ``grid``, ``model`` ...
        expected: the objective's value that a model expects there; None without one.
        spread: the standard deviation of that expectation; None without one.
        note: a sentence for people; may be empty.
        parent: the number of the trial whose checkpoint this one goes on from; None when it starts afresh.
    """

    params: Params
    source: str
    expected: float | None = None
    spread: float | None = None
    note: str = ""
    parent: int | None = None


class Taken(Set[Hashable]):
    """What must not be suggested: a few parameter sets of our own, and all those of a history, which is not copied."""

    def __init__(self, own: set[Hashable], tried: Set[Hashable]) -> None:
        self.own = own
        self._tried = tried

    def __contains__(self, key: object) -> bool:
        return key in self.own or key in self._tried

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.own | self._tried)

    def __len__(self) -> int:
        return len(self.own | self._tried)


class Sampler(ABC):
    """Base of all samplers; a new one defines ``name``, ``options`` and ``suggest``.

    Args:
        space: where to search.
        objective: what to search for.
        seed: the start of all its randomness, 0 or more.
        limits: how many trials are planned, and how many at once; without it nothing is known of that.
        options: by name, as the class's ``options`` describe them.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    patience: float | None = None
    """Seconds that a question may wait for an algorithm that thinks elsewhere; None: as long as it may take."""

    def __init__(
        self, space: Space, objective: Objective, seed: int = 0, *, limits: Limits | None = None, **options: Any
    ) -> None:
        known = {option.name: option for option in self.options}
        for given in options:
            if given not in known:
                raise SpecError(given, unknown(given, known, "option"))
        self.space = space
        self.objective = objective
        self.seed = seed
        self.limits = Limits() if limits is None else limits
        self.chosen: Mapping[str, Any] = {
            option.name: option.read(options.get(option.name, option.default)) for option in self.options
        }
        self.check(space)
        self._listing = Bisection(space)
        self._is_finite = space.size is not None

    @property
    def adds(self) -> tuple[str, ...]:
        """Names of parameters that its suggestions have besides those of the space."""
        return ()

    @property
    def is_thinking(self) -> bool:
        """True while a question of an impatient asker is open: there will be an answer, but not now."""
        return False

    @property
    def is_ready(self) -> bool:
        """False while a question would only be told to wait."""
        return True

    @classmethod
    def check(cls, space: Space) -> None:
        """Raise a SpecError, its path below ``space``, when this sampler cannot search such a space."""
        return

    @abstractmethod
    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        """Parameters for the trial of this number; None when there is nothing to ask now.

        ``pending`` are the parameters of trials whose results are not known: those that run, and those suggested
        just before in the same batch.
        """

    def ask(self, history: History, count: int = 1) -> list[Suggestion]:
        """Up to ``count`` suggestions, all different from each other, and in a space that can be counted from what was tried.

        Fewer, or none, when nothing (more) can be asked now; ``exhausted`` tells whether that is for good.
        """
        suggestions: list[Suggestion] = []
        pending = [dict(trial.params) for trial in history.running]
        taken = Taken({identity(params) for params in pending}, history.tried if self._is_finite else frozenset())
        for number in range(history.next_number, history.next_number + count):
            suggestion = self.suggest(history, number, pending)
            if suggestion is None:
                break
            key = identity(suggestion.params)
            if key in taken:
                suggestion = self._untried(taken, number)
                if suggestion is None:
                    break
                key = identity(suggestion.params)
            suggestions.append(suggestion)
            pending.append(suggestion.params)
            taken.own.add(key)
        return suggestions

    def exhausted(self, history: History) -> bool:
        """True when every parameter set of the space has been tried, so that nothing will be asked any more."""
        size = self.space.size
        if size is None or len(history.trials) < size:
            return False
        return self._listing.untried(history.tried) is None

    def draw(self, number: int) -> random.Random:
        """The plain random numbers of one trial."""
        return random.Random(f"{self.seed}/{number}")

    def generator(self, number: int, *place: int) -> np.random.Generator:
        """The random numbers of one trial for arrays, or of one of its places; independent of ``draw``."""
        return np.random.Generator(np.random.PCG64((self.seed, number, *place)))

    def _untried(self, taken: Set[Hashable], number: int) -> Suggestion | None:
        """A parameter set that was not tried, at random while there are many, else the next in the list."""
        draw = self.draw(number)
        for _ in range(REDRAWS):
            params = self.space.sample(draw)
            if identity(params) not in taken:
                return Suggestion(params, "random", note="what the sampler would have picked was already tried")
        listed = self._listing.untried(taken)
        if listed is None:
            return None
        return Suggestion(listed, "grid", note="few parameter sets are left; this is the next one not yet tried")
