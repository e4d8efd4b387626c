"""An explicit list of parameter sets, tried in their order: WMLA's ExperimentGridSearch and NNI's Batch."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from tunebook.distributions import Value, identity
from tunebook.errors import SpecError
from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.options import Option
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
        tried: dict[Hashable, int] = {}
        for trial in history.trials:
            if trial.number >= 0:
                tried[trial.identity] = tried.get(trial.identity, 0) + 1
        for place, key in enumerate(self._keys):
            if tried.get(key):
                tried[key] -= 1
            else:
                yield place

    def _suggestion(self, place: int) -> Suggestion:
        note = f"number {place + 1} of the {len(self._listed)} listed parameter sets"
        return Suggestion(dict(self._listed[place]), "listed", note=note)
