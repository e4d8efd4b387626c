"""What a trial runs, and how its values enter it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tunebook.errors import SpecError
from tunebook.fields import Fields, below, kind, meant
from tunebook.placeholders import RUN_WORDS, Variables, active, assigned_in, names_in, text_of, variables
from tunebook.space import Space

Step = str | tuple[str, ...]

MAX_STEPS = 100
MAX_STEP = 65_536
MAX_FILES = 100
MAX_GRACE = 3600.0
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SNAPSHOT_KEY = "[A-Za-z0-9]{0,40}"
_MEMBERS = (
    "steps",
    "environment",
    "params_files",
    "resume",
    "model_path",
    "summary_path",
    "working_dir",
    "literals",
    "grace",
    "code",
    "outputs",
)
# Variables that shells and schedulers set: a parameter of nearly the same name does not make them a mistake.
_OF_THE_SHELL = frozenset(
    {"HOME", "PATH", "USER", "LOGNAME", "PWD", "OLDPWD", "SHELL", "LANG", "TZ", "TMPDIR", "HOSTNAME", "PYTHONPATH"}
    | {"RANDOM", "SECONDS", "LINENO", "IFS", "PPID", "UID"}
)


@dataclass(frozen=True, kw_only=True)
class Command:
    """The steps of a trial, run in order until one fails.

    steps: a text is a shell line, a list of texts an argument list that no shell sees. `${lr}` stands for the value of
    the parameter `lr`, quoted in shell lines where it needs to be; `${exp_id}`, `${trial_id}`, `${NNI_OUTPUT_DIR}`,
    `${tuner_params_list}`, `${tuner_params_dict}`, `${tuner_params_json}` and `${params}` stand for what they say.
    environment: variables of the steps, placeholders allowed. params_files: pairs of a template and where its filled copy goes.
    resume: another attempt goes on at the step that failed. model_path, summary_path: where the trial leaves its model
    and its summaries. working_dir: where the steps run; None is a fresh folder per attempt.
    literals: for parameters whose placeholder is not `${name}`, the text that stands for them.
    grace: seconds between asking a trial to stop and forcing it, 0 to 3600.
    code: key of the snapshot whose files are laid into the fresh folder first; empty for none. With it, working_dir is a
    folder below that one.
    outputs: folders below where the steps run whose files are kept when an attempt ends; also model_path, where it lies there.

        Command(steps=("python train.py --lr ${lr}",))
    """

    steps: tuple[Step, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    params_files: tuple[tuple[str, str], ...] = ()
    resume: bool = False
    model_path: str | None = None
    summary_path: str | None = None
    working_dir: str | None = None
    literals: Mapping[str, str] = field(default_factory=dict)
    grace: float = 15.0
    code: str = ""
    outputs: tuple[str, ...] = ("outputs",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", _checked_steps(self.steps))
        object.__setattr__(self, "params_files", _checked_files(self.params_files))
        for name, value in self.environment.items():
            _check_variable(name, value)
        for name, literal in self.literals.items():
            if not isinstance(literal, str) or not literal.strip():
                raise SpecError(f"literals.{name}", "must be a text that is not empty")
        for name in ("model_path", "summary_path", "working_dir"):
            if getattr(self, name) is not None:
                _check_text(name, getattr(self, name), MAX_STEP)
        if isinstance(self.grace, bool) or not isinstance(self.grace, int | float) or not 0 <= self.grace <= MAX_GRACE:
            raise SpecError("grace", f"must be from 0 to {MAX_GRACE:g} seconds, got {self.grace!r}")
        if not isinstance(self.code, str) or not re.fullmatch(SNAPSHOT_KEY, self.code):
            raise SpecError("code", f"must be the key of a snapshot, got {self.code!r:.60}")
        object.__setattr__(self, "outputs", _checked_outputs(self.outputs))
        if self.code and self.working_dir is not None and not is_below(self.working_dir):
            raise SpecError("working_dir", f"with code, must be a folder below it, got {self.working_dir!r:.60}")

    def variables(
        self,
        params: Mapping[str, Any],
        *,
        exp_id: str = "",
        trial_id: str = "",
        output_dir: str = "",
        space: Space | None = None,
    ) -> Variables:
        """What the placeholders stand for in one trial. With the space, nested names that were not chosen are empty."""
        inactive = tuple(space.leaves()) if space is not None else ()
        return variables(
            params,
            literals=self.literals,
            inactive=inactive,
            exp_id=exp_id,
            trial_id=trial_id,
            output_dir=output_dir,
        )

    def fill(self, text: str, values: Variables, shell: bool = False) -> str:
        """The text with its placeholders replaced: as they are, or quoted for a shell line."""
        return values.fill_shell(text) if shell else values.fill(text)

    def filled_steps(self, values: Variables) -> list[str | list[str]]:
        """The steps as they run: shell lines as text, argument lists as lists."""
        return [
            values.fill_shell(step) if isinstance(step, str) else [values.fill(word) for word in step]
            for step in self.steps
        ]

    def unknown_placeholders(self, space: Space) -> list[str]:
        """The `${names}` that neither a parameter nor the run fills: the shell's own variables, or mistakes."""
        return list(dict.fromkeys(name for _, name in self._unfilled(space)))

    def check(self, space: Space, adds: Iterable[str] = ()) -> None:
        """Refuse placeholders that nothing fills; ``adds`` are parameters that a trial gets besides the space's.

        In an argument list, a variable's value, a path or a file name each one is a mistake. In a shell line `${HOME}` and other variables
        of the shell's own are left alone, and only what nearly names a parameter is refused.
        """
        if not self.steps:
            raise SpecError("steps", "must have at least one step")
        names = [*space.leaves(), *space, *adds, *RUN_WORDS]
        for where, name in self._unfilled(space):
            if name in names:
                continue
            guess = meant(name, names)
            if guess or not self._is_shell(where):
                hint = f"did you mean ${{{guess}}}?" if guess else f"the parameters are {', '.join(space) or 'none'}"
                raise SpecError(where, f"no parameter fills ${{{name}}}, {hint}")

    def to_dict(self) -> dict[str, Any]:
        """The command as plain JSON."""
        return {
            "steps": [step if isinstance(step, str) else list(step) for step in self.steps],
            "environment": dict(self.environment),
            "params_files": [
                {"source": source, "destination": destination} for source, destination in self.params_files
            ],
            "resume": self.resume,
            "model_path": self.model_path,
            "summary_path": self.summary_path,
            "working_dir": self.working_dir,
            "literals": dict(self.literals),
            "grace": self.grace,
            "code": self.code,
            "outputs": list(self.outputs),
        }

    @classmethod
    def from_dict(cls, document: object, path: str = "command") -> Self:
        """Read what `to_dict` wrote. Raises SpecError with the path of what is wrong."""
        fields = Fields(document, path, _MEMBERS)
        files = []
        for index, one in enumerate(fields.items("params_files")):
            pair = Fields(one, f"{fields.at('params_files')}.{index}", ("source", "destination"))
            pair.require("source", "destination")
            files.append((pair.text("source"), pair.text("destination")))
        given: dict[str, Any] = {
            "steps": tuple(tuple(step) if isinstance(step, list) else step for step in fields.items("steps")),
            "environment": fields.text_mapping("environment"),
            "params_files": tuple(files),
            "resume": fields.flag("resume"),
            "model_path": fields.optional_text("model_path"),
            "summary_path": fields.optional_text("summary_path"),
            "working_dir": fields.optional_text("working_dir"),
            "literals": fields.text_mapping("literals"),
            "code": fields.text("code"),
        }
        if fields.has("outputs"):
            given["outputs"] = tuple(fields.items("outputs"))
        grace = fields.number("grace")
        with below(path):
            return cls(**given) if grace is None else cls(**given, grace=grace)

    def _unfilled(self, space: Space) -> list[tuple[str, str]]:
        """Each placeholder nothing fills, with the path of the text it stands in."""
        filled = {*space.leaves(), *space, *RUN_WORDS, *self.literals.values()}
        own = set(self.environment)
        for step in self.steps:
            own |= assigned_in(step) if isinstance(step, str) else set()
        found = []
        for where, text in self._texts():
            shell = self._is_shell(where)
            for name in names_in(text):
                is_own = shell and (name in own or name in _OF_THE_SHELL or name.startswith("TUNEBOOK_"))
                if name not in filled and f"${{{name}}}" not in filled and not is_own:
                    found.append((where, name))
        return found

    def _texts(self) -> list[tuple[str, str]]:
        texts = []
        for index, step in enumerate(self.steps):
            if isinstance(step, str):
                texts.append((f"steps.{index}", step))
            else:
                texts += [(f"steps.{index}.{place}", word) for place, word in enumerate(step)]
        texts += [(f"environment.{name}", value) for name, value in self.environment.items()]
        for index, (source, destination) in enumerate(self.params_files):
            texts += [(f"params_files.{index}.source", source), (f"params_files.{index}.destination", destination)]
        paths = (
            ("model_path", self.model_path),
            ("summary_path", self.summary_path),
            ("working_dir", self.working_dir),
        )
        return texts + [(name, text) for name, text in paths if text is not None]

    def _is_shell(self, where: str) -> bool:
        return where.startswith("steps.") and where.count(".") == 1


def is_below(path: str) -> bool:
    """Whether a path stays inside the folder that it starts from."""
    return not path.startswith(("/", "~")) and ".." not in path.split("/") and "://" not in path


def parameter_environment(params: Mapping[str, Any]) -> dict[str, str]:
    """The variables that carry a trial's parameters: `TUNEBOOK_PARAM_lr`, `TUNEBOOK_PARAM_model_C` for a nested one.

    Characters that a variable's name cannot have become `_`.
    """
    named = {re.sub(r"[^A-Za-z0-9_]", "_", name): text_of(value) for name, value in active(params)}
    return {f"TUNEBOOK_PARAM_{name}": text for name, text in named.items()}


def _checked_steps(steps: object) -> tuple[Step, ...]:
    if isinstance(steps, str) or not isinstance(steps, list | tuple):
        raise SpecError("steps", f"must be a list of steps, got {kind(steps)}")
    if len(steps) > MAX_STEPS:
        raise SpecError("steps", f"must be at most {MAX_STEPS}, got {len(steps)}")
    checked: list[Step] = []
    for index, step in enumerate(steps):
        where = f"steps.{index}"
        if isinstance(step, list | tuple):
            if not step:
                raise SpecError(where, "must not be empty")
            for place, word in enumerate(step):
                _check_text(f"{where}.{place}", word, MAX_STEP, empty=place > 0)
            checked.append(tuple(step))
        else:
            _check_text(where, step, MAX_STEP)
            checked.append(step)
    return tuple(checked)


def _checked_files(files: object) -> tuple[tuple[str, str], ...]:
    if isinstance(files, str) or not isinstance(files, list | tuple):
        raise SpecError("params_files", f"must be a list of pairs, got {kind(files)}")
    if len(files) > MAX_FILES:
        raise SpecError("params_files", f"must be at most {MAX_FILES}, got {len(files)}")
    checked = []
    for index, pair in enumerate(files):
        where = f"params_files.{index}"
        if isinstance(pair, str) or not isinstance(pair, list | tuple) or len(pair) != 2:
            raise SpecError(where, "must be a pair: source, destination")
        _check_text(f"{where}.source", pair[0], MAX_STEP)
        _check_text(f"{where}.destination", pair[1], MAX_STEP)
        checked.append((pair[0], pair[1]))
    return tuple(checked)


def _checked_outputs(folders: object) -> tuple[str, ...]:
    if isinstance(folders, str) or not isinstance(folders, list | tuple):
        raise SpecError("outputs", f"must be a list of folders, got {kind(folders)}")
    if len(folders) > MAX_FILES:
        raise SpecError("outputs", f"must be at most {MAX_FILES}, got {len(folders)}")
    for index, folder in enumerate(folders):
        _check_text(f"outputs.{index}", folder, MAX_STEP)
        if not is_below(folder):
            raise SpecError(f"outputs.{index}", f"must be a folder below where the steps run, got {folder!r:.60}")
    return tuple(folders)


def _check_text(where: str, text: object, longest: int, *, empty: bool = False) -> None:
    if not isinstance(text, str):
        raise SpecError(where, f"must be text, got {kind(text)}")
    if not empty and not text.strip():
        raise SpecError(where, "must not be empty")
    if len(text) > longest:
        raise SpecError(where, f"must be at most {longest} characters, got {len(text)}")
    if "\0" in text:
        raise SpecError(where, "must not hold a NUL character")


def _check_variable(name: str, value: object) -> None:
    where = f"environment.{name}"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SpecError(where, "a variable's name has letters, digits and _ only, and starts with no digit")
    if name.startswith("TUNEBOOK_"):
        raise SpecError(where, "names that start with TUNEBOOK_ are set by the server")
    _check_text(where, value, MAX_STEP, empty=True)
