"""Somebody's own algorithm: a Python class in a process of its own, asked by lines of JSON.

For authors. Write a module with a class:

    class Plugin:
        def __init__(self, space, objective, seed, **arguments):
            '''space: {name: {"type": "uniform", "min_value": 0, ...}}, as in the job document.
            objective: {"goal": "minimize" or "maximize", "metrics": [...], ...}. arguments: the job's own.'''

        def ask(self, count, trials):
            '''Up to `count` parameter sets to try, each {name: value}; an empty list when there are none now.
            trials: all there are so far, in the order of their numbers, those that run included:
            {"number", "params", "status", "ended", "value", "weight", "curve"}; value is a number or None, curve the
            objective's [step, value] pairs of one that has ended.'''

        def tell(self, trial):      # may be left out
            '''A trial has ended. Each is told once, before the next question.'''

        def exhausted(self):        # may be left out: never
            '''Whether an empty answer is meant for good, so that the experiment may end.'''

and name it in the job: {"name": "plugin", "options": {"path": "/srv/plugins/mine.py", "arguments": {"sigma": 0.3}}}.

The process may be ended and started anew at any time, with all trials told from the first on. So derive what you
suggest from the trials, and randomness from `seed` and the number of trials; the global generators of `random` and
numpy are seeded before each question. Print what you like: it is no part of the answer, and its last lines are shown
when something goes wrong. A call may take 60 seconds and the process 2 GiB (options call_seconds and memory_mb); one
that crashes, hangs, floods or answers what is not in the space is ended; after three such failures in a row the
experiment has failed.
"""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tunebook.errors import SpecError
from tunebook.history import History, TrialView
from tunebook.objective import Objective
from tunebook.samplers.base import Sampler, Suggestion
from tunebook.samplers.fidelity import loss_of
from tunebook.samplers.options import Option, number, whole
from tunebook.samplers.plugin_process import Bounds, PluginFailed, PluginProcess
from tunebook.space import Params, Space

__all__ = ["PluginFailed", "PluginSampler"]


def _text(value: Any) -> str:
    """Reads a text."""
    if not isinstance(value, str) or not value.strip() or len(value) > 4096:
        raise ValueError("must be a text of 1 to 4096 characters")
    return value


def _arguments(value: Any) -> Mapping[str, Any]:
    """Reads an object of anything."""
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError("must be an object of names and values")
    return value


class PluginSampler(Sampler):
    """Asks a plugin. The process is started by the first question and ended with the sampler.

    Raises PluginFailed when the plugin misbehaves; the next question starts it anew.

    Example:
        >>> PluginSampler(space, objective, seed=7, path="/srv/plugins/mine.py", arguments={"sigma": 0.3})
    """

    name = "plugin"
    options: ClassVar[tuple[Option, ...]] = (
        Option("path", None, _text, "the plugin's file, or the folder of its module"),
        Option("module", None, _text, "the module's name; that of the file where path is one"),
        Option("class", "Plugin", _text, "the class in that module"),
        Option("arguments", None, _arguments, "what the class is made with, by name"),
        Option("python", None, _text, "the interpreter; without it the one that runs the optimizer"),
        Option("call_seconds", 60.0, number(0.1, 60), "how long one call may take, not counting the start"),
        Option("memory_mb", 2048, whole(64, 1_048_576), "how much memory the process may have, in MiB"),
    )

    def __init__(self, space: Space, objective: Objective, seed: int = 0, **options: Any) -> None:
        super().__init__(space, objective, seed, **options)
        folder, module = located(self.chosen["path"] or "", self.chosen["module"] or "")
        if not module:
            raise SpecError("module", "is required: the plugin's module, or path with its file")
        self._declared = {
            "do": "start",
            "path": folder,
            "module": module,
            "class": self.chosen["class"],
            "arguments": dict(self.chosen["arguments"] or {}),
            "space": space.to_dict(),
            "objective": objective.to_dict(),
            "seed": seed,
            "memory": self.chosen["memory_mb"] << 20,
        }
        self._forget()

    def ask(self, history: History, count: int = 1) -> list[Suggestion]:
        if count <= 0:
            return []
        if not self._spare and not self._ask(history, count):
            return []
        taken = self._spare[:count]
        del self._spare[:count]
        return taken

    def suggest(self, history: History, number: int, pending: Sequence[Params]) -> Suggestion | None:
        return next(iter(self.ask(history, 1)), None)

    def exhausted(self, history: History) -> bool:
        """What the plugin said with its last answer; one that has not been asked is not exhausted."""
        return self._is_exhausted and not self._is_open

    @property
    def is_ready(self) -> bool:
        """True when an answer is there, or trouble, so that a question will not have to wait."""
        if self._process is None or not self._is_open:
            return True
        return self._heard(0.0)

    @property
    def is_thinking(self) -> bool:
        return self._is_open

    def close(self) -> None:
        """End the plugin's process; the next question starts it anew."""
        if self._process is not None:
            self._process.close()
        self._forget()

    def _forget(self) -> None:
        self._process: PluginProcess | None = None
        self._told: dict[int, tuple[Any, ...]] = {}
        self._answers: list[dict[str, Any]] = []
        self._waits_for = 0
        self._trouble: PluginFailed | None = None
        self._spare: list[Suggestion] = []
        self._is_open = self._is_exhausted = False

    def _ask(self, history: History, count: int) -> bool:
        """Put the question if it is not open yet, and take the answer if there is one; whether there is."""
        if not self._is_open:
            self._put(history, count)
        if not self._heard(self.patience if self.patience is not None else math.inf):
            return False
        if self._trouble is not None:
            trouble = self._trouble
            self.close()
            raise trouble
        self._is_open = False
        assert self._process is not None
        self._process.rest()
        answer = self._answers.pop()
        self._answers.clear()
        self._is_exhausted = bool(answer.get("exhausted"))
        self._spare = self._checked(answer.get("params"))
        return bool(self._spare)

    def _put(self, history: History, count: int) -> None:
        changed = [trial for trial in history.trials if self._told.get(trial.number) != _mark(trial)]
        known = len(self._told.keys() & {trial.number for trial in history.trials})
        rewritten = any(self._told.get(trial.number, (False,))[0] for trial in changed)
        if self._process is None or known < len(self._told) or rewritten:
            self.close()
            changed = list(history.trials)
            self._process = self._started()
        question = {
            "do": "ask",
            "count": count,
            "number": history.next_number,
            "seed": self.seed,
            "changed": [_told(trial, history) for trial in changed],
        }
        self._told.update((trial.number, _mark(trial)) for trial in changed)
        self._process.send(question)
        self._waits_for += 1
        self._is_open = True

    def _started(self) -> PluginProcess:
        bounds = Bounds(seconds=self.chosen["call_seconds"], memory=self._declared["memory"])
        try:
            process = PluginProcess(bounds, self.chosen["python"] or "")
        except OSError as error:
            raise PluginFailed(f"the plugin cannot be started: {error}") from None
        process.send(self._declared)
        self._waits_for = 1
        return process

    def _heard(self, patience: float) -> bool:
        """Whether the open question was answered, or ended in trouble, within so many seconds."""
        assert self._process is not None
        try:
            while self._waits_for and self._trouble is None:
                answer = self._process.receive(patience)
                if answer is None:
                    return False
                self._answers.append(answer)
                self._waits_for -= 1
        except PluginFailed as error:
            self._trouble = error
        return True

    def _checked(self, answer: Any) -> list[Suggestion]:
        """The parameter sets of an answer; trouble when it holds anything else."""
        problem = "" if isinstance(answer, list) else f"answered with {str(answer)[:80]!r} instead of a list"
        for entry in answer if not problem else ():
            if not isinstance(entry, dict):
                problem = problem or f"answered with {str(entry)[:80]!r} instead of a parameter set"
            elif not self.space.contains(entry):
                problem = problem or f"answered outside the space: {'; '.join(self.space.problems(entry))[:300]}"
        if problem:
            assert self._process is not None
            trouble = self._process.trouble(problem)
            self.close()
            raise trouble
        note = f"by {self._declared['class']} of {self._declared['module']}"
        return [Suggestion(entry, "plugin", note=note) for entry in answer]


def located(path: str, module: str) -> tuple[str, str]:
    """The folder to look in and the module's name, of a file, a folder, or nothing but a name."""
    if path.endswith(".py"):
        return os.path.dirname(os.path.abspath(path)), module or os.path.basename(path)[:-3]
    return os.path.abspath(path) if path else "", module


def _mark(trial: TrialView) -> tuple[Any, ...]:
    return trial.has_ended, trial.status, trial.value, trial.weight


def _told(trial: TrialView, history: History) -> dict[str, Any]:
    loss = loss_of(trial, history)
    value = None if loss is None or math.isinf(loss) else history.objective.sign * loss
    return {
        "number": trial.number,
        "params": dict(trial.params),
        "status": str(trial.status),
        "ended": trial.has_ended,
        "value": value,
        "weight": trial.weight,
        "curve": [[step, at] for step, at in trial.curve if math.isfinite(at)] if trial.has_ended else [],
    }
