"""Ask and tell in a script, without a server: what to try next, and what came of it.

Needs the extra ``optimize`` (numpy, scipy, scikit-learn).
"""

import math
import random
from collections.abc import Hashable, Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

from tunebook.distributions import Distribution, Value, identity
from tunebook.errors import SpecError
from tunebook.fields import listed, unknown
from tunebook.history import TrialView
from tunebook.ledger import Ledger
from tunebook.limits import Limits
from tunebook.objective import Goal, Objective
from tunebook.sampling import MAX_SEED, Sampling
from tunebook.space import Params, Space
from tunebook.status import TrialStatus

try:
    from tunebook.samplers import Sampler, Suggestion, build
except ModuleNotFoundError as error:
    message = f"tunebook.optimize needs {error.name}: pip install 'tunebook[optimize]'"
    raise ModuleNotFoundError(message, name=error.name) from error


class Best(NamedTuple):
    """The best parameters so far, and their value."""

    params: Params
    value: float


class Optimizer:
    """Suggests parameters, learns from the values they came to, knows the best.

    The same seed, questions and answers give the same suggestions. It can be pickled at any moment and goes on where
    it stood. It is not meant for several threads at once.

    Args:
        space: names and distributions.
        goal: "minimize" or "maximize".
        sampler: the name of a sampler; "auto" picks one by the space and what is known of the run.
        options: what that sampler understands, by name.
        seed: a whole number from 0 on; None draws one, which stays readable as ``seed``.
        max_trials: how many trials there will be, if known; "auto" plans with it. Nothing ends by itself.
        max_concurrent: how many will run at the same time, if known.

    Example:
        >>> tuner = Optimizer({"lr": LogUniform(-9, 0), "depth": Randint(12, lower=2)}, goal="minimize", seed=7)
        >>> for params in tuner.ask(4):
        ...     tuner.tell(params, train(params))
    """

    def __init__(
        self,
        space: Mapping[str, Distribution],
        goal: Goal = "minimize",
        sampler: str = "auto",
        options: Mapping[str, Any] | None = None,
        seed: int | None = None,
        *,
        max_trials: int | None = None,
        max_concurrent: int = 1,
    ) -> None:
        self.space = space if isinstance(space, Space) else Space(space)
        self.seed: int = random.SystemRandom().randrange(MAX_SEED) if seed is None else seed
        self.sampling = Sampling(sampler, options or {}, self.seed)
        self.sampling.check(self.space)
        self.limits = Limits(max_trials=max_trials, max_concurrent=max_concurrent)
        self._ledger = Ledger(self.space, Objective(goal), self.seed)
        self._open: dict[Hashable, list[int]] = {}
        self._handed: dict[int, Params] = {}
        self._running: dict[int, TrialView] = {}
        self._best: Best | None = None
        self._sampler: Sampler | None = self._built()

    def ask(self, count: int = 1) -> list[Params]:
        """Up to ``count`` parameter sets to try, all different; fewer, or none, when nothing (more) is left to try.

        They count as running, for this and every later question, until their values are told. They are yours to change:
        told by the same object, one from which something was taken out counts as it was asked, one with other values of
        the space as it is.
        """
        first = self._ledger.next_number
        handed = [_copied(suggestion.params) for suggestion in self.suggest(count)]
        self._handed.update(enumerate(handed, first))
        return handed

    def suggest(self, count: int = 1) -> list[Suggestion]:
        """As ``ask``, with the reason for each: its source, what a model expects of it, a note."""
        if self._sampler is None:
            self._sampler = self._built()
        suggestions = self._sampler.ask(self._ledger, count)
        for suggestion in suggestions:
            number = self._ledger.next_number
            trial = TrialView(number, suggestion.params, TrialStatus.RUNNING, parent=suggestion.parent)
            self._running[trial.number] = trial
            self._open.setdefault(identity(suggestion.params), []).append(trial.number)
            self._ledger.put(trial)
        return suggestions

    def tell(self, params: Mapping[str, Value], value: float | None, weight: float = 1.0) -> None:
        """Note what parameters came to; None, NaN and infinity are failures.

        Parameters that were not asked for are earlier results; told again, they are one more trial. They need a value for
        every name of the space, which may lie outside of its distribution: then no model learns from it.
        ``weight`` is how much the result counts for a model, from 0 to 1: less than 1 for other data or another task.
        Raises SpecError for something that is no number or no set of parameters of the space; nothing is noted then.
        """
        number = _number(value)
        if not isinstance(params, Mapping):
            raise SpecError("params", f"must be an object of names and values, got {params!r:.80}")
        if not _is_weight(weight):
            raise SpecError("weight", f"must be a number from 0 to 1, got {weight!r:.80}")
        trial = self._take(params)
        status = TrialStatus.FAILED if number is None else TrialStatus.FINISHED
        self._ledger.put(TrialView(trial.number, trial.params, status, number, weight=weight, parent=trial.parent))
        objective = self._ledger.objective
        if number is not None and objective.is_better(number, None if self._best is None else self._best.value):
            self._best = Best(_copied(trial.params), number)

    def tell_many(self, results: Iterable[tuple[Mapping[str, Value], float | None]], weight: float = 1.0) -> None:
        """Note many results in one go; each as ``tell`` does."""
        for params, value in results:
            self.tell(params, value, weight)

    @property
    def best(self) -> Best | None:
        """The best parameters and their value, the earliest of equals; None before there is one."""
        return None if self._best is None else self._best._replace(params=_copied(self._best.params))

    @property
    def history(self) -> Ledger:
        """All trials so far, as samplers see them."""
        return self._ledger

    @property
    def is_exhausted(self) -> bool:
        """True when every parameter set of the space was tried, so that nothing will be asked any more."""
        if self._sampler is None:
            self._sampler = self._built()
        return self._sampler.exhausted(self._ledger)

    def __getstate__(self) -> dict[str, Any]:
        # The sampler is worked out again from the history, and no object of the other side is one that was handed out here
        return {**vars(self), "_sampler": None, "_handed": {}}

    def _built(self) -> Sampler:
        return build(self.sampling, self.space, Objective(self._goal), self.seed, limits=self.limits)

    @property
    def _goal(self) -> Goal:
        return self._ledger.objective.goal

    def _take(self, params: Mapping[str, Value]) -> TrialView:
        """The running trial with these parameters; a new one when they were not asked for."""
        key = identity(params)
        if key in self._open:
            return self._closed(self._open[key][0], key)
        number = next((number for number, handed in self._handed.items() if handed is params), None)
        if number is None:
            self._check_names(params)
            return TrialView(self._ledger.next_number, _copied(params), TrialStatus.RUNNING)
        trial = self._closed(number, self._running[number].identity)
        return replace(trial, params=_copied(params)) if self._is_whole(params, trial) else trial

    def _check_names(self, params: Mapping[str, Value]) -> None:
        """Refuse parameters that are not those of the space, as no model would see them and ``best`` may name them."""
        for name in params:
            if name not in self.space:
                raise SpecError(f"params.{name!s:.80}", unknown(f"{name!s:.80}", self.space, "parameter"))
        missing = [name for name in self.space if name not in params]
        if missing:
            raise SpecError(f"params.{missing[0]}", f"is missing; the space has {listed(self.space)}")

    def _is_whole(self, params: Mapping[str, Value], trial: TrialView) -> bool:
        """Whether parameters that were changed since they were asked for still are a set of the space."""
        of_space = {name: params.get(name) for name in self.space}
        return params.keys() == trial.params.keys() and self.space.contains(of_space)

    def _closed(self, number: int, key: Hashable) -> TrialView:
        """The running trial of this number and identity, which runs no more."""
        self._handed.pop(number, None)
        self._open[key].remove(number)
        if not self._open[key]:
            del self._open[key]
        return self._running.pop(number)


def _copied(params: Mapping[str, Value]) -> Params:
    """The same parameters, of which nothing is shared that could be changed."""
    return {name: deepcopy(value) if isinstance(value, dict | list) else value for name, value in params.items()}


def _number(value: object) -> float | None:
    """A finite number, or None for a failure."""
    if value is None:
        return None
    if isinstance(value, str | bytes | bool):
        raise SpecError("value", f"must be a number or None, got {value!r:.80}")
    try:
        number = float(value)  # type: ignore[arg-type]  # numpy's numbers too: whatever float() takes
    except (TypeError, ValueError, OverflowError):
        raise SpecError("value", f"must be a number or None, got {value!r:.80}") from None
    return number if math.isfinite(number) else None


def _is_weight(weight: object) -> bool:
    return isinstance(weight, int | float) and not isinstance(weight, bool) and 0 <= weight <= 1
