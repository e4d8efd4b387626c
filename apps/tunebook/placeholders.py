"""The words in a command that stand for a trial's values: `${lr}`, `${exp_id}`, `${tuner_params_json}` ..."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tunebook.shell import Filling, fill_line

RUN_WORDS = (
    "exp_id",
    "trial_id",
    "NNI_OUTPUT_DIR",
    "tuner_params_list",
    "tuner_params_dict",
    "tuner_params_json",
    "params",
)
MAX_TAG = 120

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][\w.\-]*)\}")
_ASSIGNED = re.compile(
    r"(?:^|[\s;&|(])(?:for|read|local|export|declare|readonly)?\s*([A-Za-z_]\w*)(?==|\s+in\b)|\bread\s+([A-Za-z_]\w*)"
)


def wrapped(name: str) -> str:
    """How a name is usually written in a command: `${lr}`."""
    return "${" + name + "}"


def unwrapped(key: str) -> str:
    """The name inside `${...}`; a bare name is itself."""
    return key[2:-1] if key.startswith("${") and key.endswith("}") else key


def names_in(text: str) -> list[str]:
    """The names of the `${...}` placeholders of a text, in order, those behind a backslash left out."""
    return [found[1] for found in _PLACEHOLDER.finditer(text) if text[max(found.start() - 1, 0)] != "\\"]


def assigned_in(line: str) -> set[str]:
    """The variables that a shell line gives a value itself."""
    return {one or two for one, two in _ASSIGNED.findall(line)}


def text_of(value: object) -> str:
    """A value as a command sees it: text and numbers bare, a nested option by its label, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(value.get("_name"), str | int | float):
        return str(value["_name"])
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def active(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each parameter of a set with its flat name: `model` first, then what the chosen option brings, `model.C`."""
    for name, value in params.items():
        yield prefix + name, value
        if isinstance(value, Mapping) and "_name" in value:
            inner = {key: member for key, member in value.items() if key != "_name"}
            yield from active(inner, f"{prefix}{name}.")


@dataclass(frozen=True)
class Variables:
    """What the placeholders of one trial stand for.

    fillings: the placeholder as written (`${lr}`, or a bare word) to its text, or to several words.
    """

    fillings: Mapping[str, Filling]

    def fill(self, text: str) -> str:
        """The text with its placeholders replaced as they are, nothing quoted: for paths, files and argument lists."""
        return _pattern(tuple(self.fillings)).sub(lambda found: _plain(self.fillings[found.group(0)]), text)

    def fill_shell(self, line: str) -> str:
        """The shell line with its placeholders replaced, each quoted where it needs to be."""
        return fill_line(line, _pattern(tuple(self.fillings)), self.fillings)


@lru_cache(maxsize=128)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """What finds these words in a text; the trials of an experiment have the same ones."""
    return re.compile("|".join(_found_as(word) for word in words) or r"(?!)")


def variables(
    params: Mapping[str, Any],
    *,
    literals: Mapping[str, str],
    inactive: tuple[str, ...] = (),
    exp_id: str = "",
    trial_id: str = "",
    output_dir: str = "",
) -> Variables:
    """The placeholders of one trial: its parameters, then where it runs, then the whole set in four spellings.

    literals: names whose placeholder is not `${name}`. inactive: nested names that this set does not have (empty text).
    A text value may itself hold placeholders that come later in the order.
    """
    where = {
        wrapped("exp_id"): exp_id.lower(),
        wrapped("trial_id"): trial_id.lower(),
        wrapped("NNI_OUTPUT_DIR"): output_dir,
    }
    plain: dict[str, str] = {}
    later = dict(where)
    for name, value in reversed(list(active(params))):
        text = text_of(value)
        for word, filling in later.items() if "${" in text else ():
            text = text.replace(word, filling)
        plain = {name: text, **plain}
        later = {literals.get(name, wrapped(name)): text, **later}
    texts = plain | {name: "" for name in inactive if name not in plain}

    as_declared = {literals.get(name, wrapped(name)): text for name, text in texts.items()}
    as_usual = {wrapped(name): text for name, text in texts.items()}
    # Where two mean the same word the first one here counts; the order of search makes no other difference,
    # as one pass over the text finds each placeholder where it stands.
    fillings: dict[str, Filling] = {}
    for words in (as_declared, as_usual, _run_words(where, params, plain)):
        fillings = {**words, **fillings}
    return Variables(fillings)


def _run_words(where: Mapping[str, str], params: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Filling]:
    return {
        **where,
        wrapped("tuner_params_list"): tuple(word for pair in texts.items() for word in pair),
        wrapped("tuner_params_dict"): tuple(f"{name}={text}" for name, text in texts.items()),
        wrapped("tuner_params_json"): json.dumps(params, ensure_ascii=False),
        wrapped("params"): tag(texts),
    }


def tag(texts: Mapping[str, str]) -> str:
    """A readable name for a parameter set that is safe in a path: `lr0.001_batchsize64`."""
    parts = (re.sub(r"[^A-Za-z0-9.\-]", "", name) + re.sub(r"[^\w.+\-]", "-", text) for name, text in texts.items())
    whole = "_".join(parts)
    if len(whole) <= MAX_TAG:
        return whole
    return f"{whole[: MAX_TAG - 9]}_{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def _plain(filling: Filling) -> str:
    return filling if isinstance(filling, str) else "".join(f"{word} " for word in filling)


def _found_as(word: str) -> str:
    """A bare word is found only where it stands alone, not inside another word, an option's name or a variable."""
    if word.startswith("$"):
        return re.escape(word)
    return rf"(?<![\w$.{{/\-]){re.escape(word)}(?![\w=\-./:(])"
