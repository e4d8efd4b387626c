"""The inside of a plugin's process: lines of JSON come in, each is answered by one line of JSON.

Started by its path, with any Python from 3.9 on, so it needs the standard library only and nothing of tunebook.
What the plugin prints goes where its errors go; nothing but answers is written to the pipe of answers.
"""

import importlib
import json
import os
import random
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO


def main() -> None:
    """Answer questions until there are no more."""
    questions, answers = _pipes()
    _end_with(int(sys.argv[1]), os.getppid())
    host = Host()
    for line in questions:
        try:
            answer = host.answer(json.loads(line))
            text = json.dumps(answer, default=_plain, allow_nan=False)
        except MemoryError:
            text = json.dumps({"error": "MemoryError: it needs more memory than a plugin may have"})
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            traceback.print_exc()
            text = json.dumps({"error": f"{type(error).__name__}: {error}"[:1000]})
        sys.stderr.flush()
        answers.write(text.encode() + b"\n")
        if host.plugin is None:
            return  # it could not be made: what is asked of it next would only hide why


class Host:
    """One plugin, and the trials that it has been told of."""

    def __init__(self) -> None:
        self.plugin: Any = None
        self.trials: dict[int, dict[str, Any]] = {}

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        if question["do"] == "start":
            return self.start(question)
        self.follow(question["changed"])
        if question["do"] == "exhausted":
            return {"exhausted": self.is_exhausted()}
        _seed(f"{question['seed']}/{question['number']}")
        trials = [self.trials[number] for number in sorted(self.trials)]
        asked = list(self.plugin.ask(question["count"], trials))
        return {"params": asked, "exhausted": not asked and self.is_exhausted()}

    def start(self, question: dict[str, Any]) -> dict[str, Any]:
        _limit_memory(question["memory"])
        if question["path"]:
            sys.path.insert(0, question["path"])
        kind = getattr(importlib.import_module(question["module"]), question["class"])
        _seed(str(question["seed"]))
        self.plugin = kind(question["space"], question["objective"], question["seed"], **question["arguments"])
        return {"started": question["class"]}

    def follow(self, changed: list[dict[str, Any]]) -> None:
        """Take in trials; those that have ended are told to a plugin that wants to be told."""
        tell = getattr(self.plugin, "tell", None)
        for trial in changed:
            self.trials[trial["number"]] = trial
            if tell is not None and trial["ended"]:
                tell(trial)

    def is_exhausted(self) -> bool:
        exhausted = getattr(self.plugin, "exhausted", None)
        return bool(exhausted()) if exhausted is not None else False


def _pipes() -> tuple[BinaryIO, Any]:
    """The pipes of questions and answers, put where no print and no input() reaches them."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.path.pop(0)  # the folder of this file, whose modules are nobody's business
    return questions, answers


def _limit_memory(most: int) -> None:
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with(owner: int, parent: int) -> None:
    """End this process, whatever it does, soon after the optimizer is gone, or what stands between the two.

    The owner is known by its number: it may have been killed before this process got so far as to look for its parent.
    """

    def watch() -> None:
        while os.getppid() == parent and _lives(owner):
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _lives(pid: int) -> bool:
    """Whether a process runs; one that has ended but that nobody has waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in (b"Z", b"X")
    except OSError:
        pass  # gone, or a system without /proc
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _seed(text: str) -> None:
    """The same random numbers for the same question, for plugins that use the global ones."""
    random.seed(text)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(random.getrandbits(32))


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy as plain JSON."""
    for name in ("item", "tolist"):
        if hasattr(value, name):
            try:
                return getattr(value, name)()
            except ValueError:
                continue
    raise TypeError(f"{value!r} is not JSON")


if __name__ == "__main__":
    main()
