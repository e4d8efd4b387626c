"""An explicit list of parameter sets, tried in their order: WMLA's ExperimentGridSearch and NNI's Batch."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from tunebook.distributions import Value, identity
from tunebook.errors import SpecError
from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.options import Option
from tunebook.samplers.watch import Watch
from tunebook.sampling import MAX_EXPERIMENTS, misfit
from tunebook.space import Params, Space


def _parameter_sets(value: Any) -> tuple[Mapping[str, Value], ...]:
    """Reads a list of objects."""
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_EXPERIMENTS:
        raise ValueError(f"must be a list of 1 to {MAX_EXPERIMENTS} parameter sets")
    if not all(isinstance(entry, Mapping) and all(isinstance(name, str) for name in entry) for entry in value):
        raise ValueError("must be a list of objects of names and values")
    return tuple(value)


class ExperimentsSampler(Sampler):
    """Each parameter set of the list once; equal ones as often as they are listed.

    The sets may name different parameters, and such as the space does not have; a value of a parameter that the space
    has must lie in it.

    Example:
        >>> ExperimentsSampler(Space({}), Objective(), experiments=[{"lr": 0.1}, {"lr": 0.01, "decay": 0.5}])
    """

    name = "experiments"
    options: ClassVar[tuple[Option, ...]] = (
        Option("experiments", None, _parameter_sets, "the parameter sets, in the order in which they are to be tried"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._listed: tuple[Mapping[str, Value], ...] = self.chosen["experiments"] or ()
        self._keys = [identity(entry) for entry in self._listed]
        self._equals: list[int] = []  # for each place, how many equal sets are listed before it
        listed: dict[Hashable, int] = {}
        for key in self._keys:
            self._equals.append(listed.get(key, 0))
            listed[key] = self._equals[-1] + 1
        self._watch = Watch()
        self._tried: Counter[Hashable] = Counter()
        self._passed = 0  # places at the start that were tried
        for place, entry in enumerate(self._listed):
            problem = misfit(space, entry)
            if problem:
                raise SpecError(f"experiments.{place}.{problem[0]}", problem[1])

    def ask(self, history: History, count: int = 1) -> list[Suggestion]:
        return [self._suggestion(place) for place in islice(self._left(history), max(count, 0))]

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        return next(map(self._suggestion, self._left(history)), None)

    def exhausted(self, history: History) -> bool:
        return next(self._left(history), None) is None

    def _left(self, history: History) -> Iterator[int]:
        """The places of those that were not tried; a trial answers for one of several equal ones."""
        self._follow(history)
        return (place for place in range(self._passed, len(self._keys)) if self._is_left(place))

    def _follow(self, history: History) -> None:
        """Count what is new or other than last time, and pass those at the start that were tried."""
        is_other, changes = self._watch.news(history)
        if is_other:
            self._tried.clear()
            self._passed = 0
        for change in changes:
            before, trial = change.before, change.trial
            if before is not None and before.number >= 0:
                self._tried[before.identity] -= 1
                if before.identity != trial.identity:
                    self._passed = 0
            if trial.number >= 0:
                self._tried[trial.identity] += 1
        while self._passed < len(self._keys) and not self._is_left(self._passed):
            self._passed += 1

    def _is_left(self, place: int) -> bool:
        return self._equals[place] >= self._tried[self._keys[place]]

    def _suggestion(self, place: int) -> Suggestion:
        note = f"number {place + 1} of the {len(self._listed)} listed parameter sets"
        return Suggestion(dict(self._listed[place]), "listed", note=note)
