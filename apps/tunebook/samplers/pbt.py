"""Population-based training: a population trains on and on; the worst take over the best's state and try other parameters.

Source: Jaderberg et al., Population Based Training of Neural Networks, arXiv:1711.09846. Options as NNI's PBTTuner.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunebook.history import History
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.encode import Column, Encoder, Kind
from tunebook.samplers.fidelity import loss_of
from tunebook.samplers.options import Option, number, whole
from tunebook.sampling import CHECKPOINTS
from tunebook.space import Params, Space


def _folder(value: Any) -> str:
    """Reads a folder's path."""
    if not isinstance(value, str) or not value.strip() or len(value) > 4096:
        raise ValueError("must be a text of 1 to 4096 characters")
    return value


@dataclass(frozen=True)
class Member:
    """A trial as one of a generation. ``loss`` is None while it runs and infinite when it came to nothing."""

    number: int
    params: Mapping[str, Any]
    loss: float | None


class PbtSampler(Sampler):
    """Generations of trials, each of which goes on from the checkpoint of a trial of the generation before.

    A generation begins when all of the one before have ended. The better ones go on with their parameters. In place of
    the worst, copies of the best go on with changed parameters: numbers times 1 +- ``factor``, the neighbouring option,
    or, now and then, something drawn anew. Failed trials have no successor.
    A trial finds the folders for its checkpoints in TUNEBOOK_CHECKPOINT_DIR and TUNEBOOK_PARENT_CHECKPOINT_DIR, and in
    the parameters save_checkpoint_dir and load_checkpoint_dir.

    Example:
        >>> PbtSampler(space, objective, seed=7, population_size=8).ask(history, 8)
    """

    name = "pbt"
    options: ClassVar[tuple[Option, ...]] = (
        Option("all_checkpoint_dir", None, _folder, "the folder of all checkpoints; without it the server keeps them"),
        Option("population_size", 10, whole(2, 10_000), "trials of a generation"),
        Option("factor", 0.2, number(0, 10), "by which share numbers are changed"),
        Option("resample_probability", 0.25, number(0, 1), "how often a parameter is drawn anew instead"),
        Option("fraction", 0.2, number(0, 0.5), "the share of the worst that is replaced by copies of the best"),
        Option("generations", 0, whole(0, 1_000_000), "how many there are; 0 is without end"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        self._encoder = Encoder(space)
        self._size: int = self.chosen["population_size"]

    @property
    def adds(self) -> tuple[str, ...]:
        return CHECKPOINTS

    def ask(self, history: History, count: int = 1) -> list[Suggestion]:
        generations = self._generations(history)
        suggestions: list[Suggestion] = []
        for following in range(history.next_number, history.next_number + count):
            suggestion = self._asked(generations, following)
            if suggestion is None:
                break
            suggestions.append(suggestion)
        return suggestions

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        return self._asked(self._generations(history), number)

    def exhausted(self, history: History) -> bool:
        last = self._generations(history)[-1]
        most = self.chosen["generations"]
        return bool(most) and len(self._generations(history)) >= most and self._is_complete(last)

    def _generations(self, history: History) -> list[list[Member]]:
        """The trials by generation: one more than that of the trial it went on from; the first may be empty."""
        place: dict[int, int] = {}
        found: list[list[Member]] = [[]]
        for trial in history.trials:
            if trial.number < 0:
                continue
            parent = place.get(trial.parent) if trial.parent is not None else None
            place[trial.number] = generation = 0 if parent is None else parent + 1
            if generation == len(found):
                found.append([])
            found[generation].append(Member(trial.number, trial.params, loss_of(trial, history)))
        return found

    def _is_complete(self, members: list[Member]) -> bool:
        """Whether a generation is large enough, has ended and came to anything."""
        enough = len(members) >= self._size and all(member.loss is not None for member in members)
        return enough and bool(_ranked(members))

    def _asked(self, generations: list[list[Member]], number: int) -> Suggestion | None:
        """The next member of the last generation, or the first of a new one; None while results are missing."""
        if self._is_complete(generations[-1]):
            if self.chosen["generations"] and len(generations) >= self.chosen["generations"]:
                return None
            generations.append([])
        members = generations[-1]
        running = sum(member.loss is None for member in members)
        if len(members) >= self._size and (running >= self._size or (running and _ranked(members))):
            return None
        if len(generations) > 1 and not _ranked(generations[-2]):
            return self._refilled(generations, number)
        suggestion = self._member(generations, len(members), number)
        members.append(Member(number, suggestion.params, None))
        return suggestion

    def _refilled(self, generations: list[list[Member]], number: int) -> Suggestion | None:
        """One more of a generation that has nobody left to go on from, as its trials were excluded since; None while it runs."""
        place = len(generations) - 2
        while place and not _ranked(generations[place - 1]):
            place -= 1
        if any(member.loss is None for member in generations[place]):
            return None
        suggestion = self._member(generations[: place + 1], 0, number)
        generations[place].append(Member(number, suggestion.params, None))
        return suggestion

    def _member(self, generations: list[list[Member]], slot: int, number: int) -> Suggestion:
        generation = len(generations)
        if generation == 1:
            note = f"one of the {self._size} of the first generation"
            return Suggestion(self.space.sample(self.draw(number)), "start-up", note=note)
        before = _ranked(generations[-2])[: self._size]
        replaced = max(round(self.chosen["fraction"] * self._size), 1)
        if slot < min(len(before), self._size - replaced):
            parent = before[slot]
            note = f"generation {generation}: goes on from trial {parent.number}, {_place(slot)} of {len(before)}"
            params, source = self._fitted(parent.params, number), "continued"
        else:
            random = self.generator(number)
            place = int(random.integers(min(replaced, len(before))))
            parent = before[place]
            params, source = self._explored(parent.params, random), "explored"
            note = f"generation {generation}: a changed copy of trial {parent.number}, {_place(place)} of {len(before)}"
        return Suggestion(params, source, note=note, parent=parent.number)

    def _fitted(self, params: Mapping[str, Any], number: int) -> Params:
        """The same parameters; what no longer fits the space is drawn anew."""
        if self.space.contains(params):
            return dict(params)
        row, random = self._encoder.row(params), self.generator(number)
        numbers = zip(self._encoder.columns, row, strict=True)
        return self._encoder.params(
            {column.name: _drawn(column, random) if math.isnan(at) else at for column, at in numbers}
        )

    def _explored(self, params: Mapping[str, Any], random: np.random.Generator) -> Params:
        """Changed parameters."""
        numbers: dict[str, float] = {}
        for column, at in zip(self._encoder.columns, self._encoder.row(params), strict=True):
            if math.isnan(at) or random.random() < self.chosen["resample_probability"]:
                numbers[column.name] = _drawn(column, random)
            else:
                numbers[column.name] = _stepped(column, at, self.chosen["factor"], random.random() < 0.5)
        return self._encoder.params(numbers)


def _ranked(members: list[Member]) -> list[Member]:
    """Those that came to a number, from the best on."""
    done = [member for member in members if member.loss is not None and math.isfinite(member.loss)]
    return sorted(done, key=lambda member: (member.loss, member.number))


def _place(index: int) -> str:
    return "the best" if index == 0 else f"place {index + 1}"


def _drawn(column: Column, random: np.random.Generator) -> float:
    return random.random() if column.kind is Kind.POSITION else float(random.integers(column.count))


def _stepped(column: Column, at: float, factor: float, up: bool) -> float:
    """A number times 1 + factor or 1 - factor, at least one level further; an option's neighbour."""
    if not column.distribution.is_numeric:
        return min(max(at + (1.0 if up else -1.0), 0.0), column.count - 1.0)
    value = column.decode(at)
    changed = value * (1 + factor if up else 1 - factor)
    moved = column.encode(changed) if math.isfinite(changed) else at
    if column.kind is Kind.LEVEL and moved == at and factor:
        return min(max(at + (1.0 if up else -1.0), 0.0), column.count - 1.0)
    return moved
