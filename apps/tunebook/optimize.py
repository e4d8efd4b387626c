"""Ask and tell in a script, without a server: what to try next, and what came of it.

Needs the extra ``optimize`` (numpy, scipy, scikit-learn).
"""

import os
import random
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

from tunebook.distributions import Distribution, Value, identity
from tunebook.errors import SpecError
from tunebook.fields import below, listed, unknown
from tunebook.history import TrialView
from tunebook.ledger import Ledger
from tunebook.limits import Limits
from tunebook.objective import Goal, Objective
from tunebook.sampling import CHECKPOINTS, MAX_SEED, Sampling
from tunebook.space import Params, Space
from tunebook.status import TrialStatus
from tunebook.wire import expressions

try:
    from tunebook.samplers import Sampler, Suggestion, build
    from tunebook.samplers.plain import as_number, plain
except ModuleNotFoundError as error:
    message = f"tunebook.optimize needs {error.name}: pip install 'tunebook[optimize]'"
    raise ModuleNotFoundError(message, name=error.name) from error


@runtime_checkable
class Worded(Protocol):
    """A distribution that says itself in Azure's words."""

    def to_wire(self) -> list[Any]: ...


class Best(NamedTuple):
    """The best parameters so far, and their value."""

    params: Params
    value: float


class Told(NamedTuple):
    """Parameters as plain JSON and as their identity, the running trial that they surely are, and what they came to."""

    number: int | None
    said: Params
    key: Hashable
    value: float | None


class Optimizer:
    """Suggests parameters, learns from the values they came to, knows the best.

    The same seed, questions and answers give the same suggestions. It can be pickled at any moment and goes on where
    it stood. It is not meant for several threads at once.

    Args:
        space: names and distributions, those of ``tunebook.sweep`` too.
        goal: "minimize" or "maximize".
        sampler: the name of a sampler; "auto" picks one by the space and what is known of the run.
        options: what that sampler understands, by name; ``print(*SAMPLERS["tpe"].options, sep="\\n")`` tells them with
            their defaults, where SAMPLERS is from ``tunebook.samplers``.
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
        space: Mapping[str, Distribution | Worded],
        goal: Goal = "minimize",
        sampler: str = "auto",
        options: Mapping[str, Any] | None = None,
        seed: int | None = None,
        *,
        max_trials: int | None = None,
        max_concurrent: int = 1,
    ) -> None:
        self.space = space if isinstance(space, Space) else Space(_declared(space))
        self.seed: int = random.SystemRandom().randrange(MAX_SEED) if seed is None else plain(seed, "seed")
        self.sampling = Sampling(sampler, plain(options or {}, "options"), self.seed)
        self.sampling.check(self.space)
        self.limits = Limits(
            max_trials=plain(max_trials, "max_trials"), max_concurrent=plain(max_concurrent, "max_concurrent")
        )
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
        the space as it is. Population-based training with the option all_checkpoint_dir names two folders in it besides,
        which are yours to make: save_checkpoint_dir, and load_checkpoint_dir to go on from.
        """
        first = self._ledger.next_number
        handed = [self._outfitted(number, found) for number, found in enumerate(self.suggest(count), first)]
        self._handed.update(enumerate(handed, first))
        return handed

    def suggest(self, count: int = 1) -> list[Suggestion]:
        """As ``ask``, with the reason for each: its source, what a model expects of it, a note."""
        count = plain(count, "count")
        if not isinstance(count, int):
            raise SpecError("count", f"must be a whole number, got {count!r:.80}")
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
        every name of the space, which may lie outside of its distribution: then no model learns from it. They may have
        what the sampler adds, such as a budget. Numpy's numbers count as Python's.
        ``weight`` is how much the result counts for a model, from 0 to 1: less than 1 for other data or another task;
        with 0 it counts for nothing, nor for ``best``.
        Raises SpecError for something that is no number or no set of parameters of the space; nothing is noted then.
        """
        self._note(self._checked(params, value), _weight(weight))

    def tell_many(self, results: Iterable[tuple[Mapping[str, Value], float | None]], weight: float = 1.0) -> None:
        """Note many results in one go; each as ``tell`` does. Where one is refused nothing is noted of any."""
        if not isinstance(results, Iterable):
            raise SpecError("results", f"must be a list of pairs of params and value, got {results!r:.80}")
        told = []
        for place, result in enumerate(results):
            if not isinstance(result, tuple | list) or len(result) != 2:
                raise SpecError(f"results.{place}", f"must be a pair of params and value, got {result!r:.80}")
            with below(f"results.{place}"):
                told.append(self._checked(*result))
        counts = _weight(weight)
        for one in told:
            self._note(one, counts)

    @property
    def best(self) -> Best | None:
        """The best parameters and their value, the earliest of equals; None before there is one."""
        return None if self._best is None else self._best._replace(params=plain(self._best.params, "params"))

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

    def _checked(self, params: Mapping[str, Value], value: float | None) -> Told:
        """What is told, refused when it cannot be noted."""
        came_to = as_number(value)
        if not isinstance(params, Mapping):
            raise SpecError("params", f"must be an object of names and values, got {params!r:.80}")
        said: Params = plain(params, "params")
        named = self._named(said) if self.sampling.name == "pbt" else None
        key = identity(said)
        same = self._open.get(key, [])
        number = same[0] if len(same) == 1 else self._number_of(params)
        if not same and number is None:
            self._check_names(said)
        return Told(named if number is None and named in same else number, said, key, came_to)

    def _note(self, told: Told, weight: float) -> None:
        """Put down what parameters came to."""
        trial, value = self._take(told), told.value
        status = TrialStatus.FAILED if value is None else TrialStatus.FINISHED
        self._ledger.put(TrialView(trial.number, trial.params, status, value, weight=weight, parent=trial.parent))
        objective = self._ledger.objective
        than = None if self._best is None else self._best.value
        if value is not None and weight > 0 and objective.is_better(value, than):
            self._best = Best(plain(trial.params, "params"), value)

    def _take(self, told: Told) -> TrialView:
        """The running trial with these parameters; a new one when they were not asked for."""
        same = self._open.get(told.key)
        if same:
            return self._closed(told.number if told.number in same else same[0], told.key)
        if told.number not in self._running:
            self._check_names(told.said)
            return TrialView(self._ledger.next_number, told.said, TrialStatus.RUNNING)
        trial = self._closed(told.number, self._running[told.number].identity)
        return replace(trial, params=told.said) if self._is_whole(told.said, trial) else trial

    def _number_of(self, params: Mapping[str, Value]) -> int | None:
        """The running trial whose parameters were handed out as this object."""
        return next((number for number, handed in self._handed.items() if handed is params), None)

    def _named(self, said: Params) -> int | None:
        """The trial whose folder is named in what is said, from which the folders are taken out."""
        load, save = CHECKPOINTS
        said.pop(load, None)
        name = os.path.basename(str(said.pop(save, "")))
        return int(name) if name.isdecimal() else None

    def _outfitted(self, number: int, suggestion: Suggestion) -> Params:
        """The parameters as they are handed out, with the folders for their checkpoints where there are any."""
        params: Params = plain(suggestion.params, "params")
        root = self.sampling.options.get("all_checkpoint_dir")
        if root:
            load, save = CHECKPOINTS
            origin = number if suggestion.parent is None else suggestion.parent
            params[load], params[save] = (os.path.join(os.path.abspath(root), str(one)) for one in (origin, number))
        return params

    def _check_names(self, params: Mapping[str, Value]) -> None:
        """Refuse parameters that are not those of the space, as no model would see them and ``best`` may name them.

        A list of parameter sets has names of its own, of which each set may lack some.
        """
        sets = self.sampling.options.get("experiments") or ()
        known = dict.fromkeys([*self.space, *self.sampling.adds, *(name for entry in sets for name in entry)])
        for name in params:
            if name not in known:
                raise SpecError(f"params.{name!s:.80}", unknown(f"{name!s:.80}", known, "parameter"))
        missing = [name for name in self.space if name not in params and not sets]
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


def _declared(space: Mapping[str, Distribution | Worded]) -> Any:
    """The same with the distributions of azure.ai.ml's face as ours; what is no space is left for it to say so."""
    if not isinstance(space, Mapping):
        return space
    return {
        name: expressions.load(one.to_wire(), f"space.{name}")
        if isinstance(one, Worded) and not isinstance(one, type)
        else one
        for name, one in space.items()
    }


def _weight(weight: object) -> float:
    found = plain(weight, "weight")
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found <= 1:
        raise SpecError("weight", f"must be a number from 0 to 1, got {weight!r:.80}")
    return found
