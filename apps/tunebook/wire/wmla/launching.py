"""`modelSpec.args`: the launcher's own options are taken out, what is left goes to the script."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from posixpath import basename, dirname, normpath

from tunebook.command import Command
from tunebook.errors import SpecError
from tunebook.fields import listed

MAX_ARGS = 65_536
# Options of the launcher; each takes one value.
_PLAIN = (
    "exec-start", "model-main", "model-dir", "cs-datastore-meta", "data-source", "appName", "consumer", "ig",
    "submit-user", "conda-home", "conda-env-name", "python-version", "gpuPerWorker", "numWorker", "numPs", "numDriver",
    "edt-options", "debug-level", "pbmodel-name", "pbmodel-cmd", "cs-rmq-meta", "cs-url-meta", "cs-url-bearer",
    "lsf-gpu-syntax",
)  # fmt: skip
_OF_EACH = ("DeviceType", "DeviceNum", "Memory", "CPULimit", "GPULimit", "MemoryLimit")
OPTIONS = frozenset({*_PLAIN, *(f"{who}{what}" for who in ("worker", "driver") for what in _OF_EACH)})
_FAMILIES = ("msd-", "sc-runas")
USER_COMMAND = "user-cmd"
# What `--exec-start` may name: frameworks whose script is one process of Python.
FRAMEWORKS = {
    "pytorch": "PyTorch",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "sklearn": "sklearn",
    "python": "python",
    "custom": "custom",
}
# They start several processes that find each other through the launcher; there is none here.
_DISTRIBUTED = ("dist", "edt", "elastic", "horovod", "ddp", "parallel")
WORK, RESULTS, LOGS = "${NNI_OUTPUT_DIR}", "outputs", "logs"


@dataclass(frozen=True)
class Launch:
    """What `args` asks for.

    main: the script, empty when a whole command is given. folder: `--model-dir`. words: of the script's arguments, or of
    the command. python: the interpreter of a named conda environment, empty for the server's own.
    """

    main: str = ""
    folder: str = ""
    words: tuple[str, ...] = ()
    python: str = ""
    framework: str = ""
    name: str = ""


def read_args(text: str, path: str = "args") -> Launch:
    """Split like a shell and sort. Raises SpecError for what cannot be run, naming the option."""
    if len(text) > MAX_ARGS:
        raise SpecError(path, f"must be at most {MAX_ARGS} characters, got {len(text)}")
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise SpecError(path, f"cannot be split into words: {str(error).lower()}") from None
    given, rest, is_command = _sorted(words, path)
    framework = _framework(given.get("exec-start", ""), path)
    main = given.get("model-main", "")
    if is_command:
        if not rest:
            raise SpecError(path, "--user-cmd needs a command behind --")
        main = ""
    elif not main:
        raise SpecError(path, "--model-main is required: the script to run")
    for option in ("model-main", "model-dir"):
        _check_inside(given.get(option, ""), f"{path}: --{option}")
    return Launch(
        main=_clean(main),
        folder=_clean(given.get("model-dir", "")),
        words=tuple(rest),
        python=_python(given.get("conda-home", ""), given.get("conda-env-name", "")),
        framework=framework,
        name=given.get("appName", ""),
    )


@dataclass(frozen=True)
class Model:
    """The uploaded files as a trial finds them: the snapshot's key, and their paths."""

    code: str = ""
    files: Sequence[str] = ()


def command(launch: Launch, model: Model, *, shared: str = "", path: str = "args") -> Command:
    """What a trial runs: its parameters as config.json beside the script, and the folders that such scripts expect.

    shared: the folder that all trials find as DLI_DATA_FS. Raises SpecError when the script is not among the files.
    """
    main = _find(launch, model.files, path) if launch.main and model.code else launch.main
    folder = dirname(main) if model.code and main else _folder(launch, model.files)
    place = f"{WORK}/{folder}" if folder else WORK
    return Command(
        steps=(_script(launch, basename(main) if folder else main),),
        environment={
            "RESULT_DIR": f"{place}/{RESULTS}",
            "LOG_DIR": f"{place}/{LOGS}",
            "DLI_DATA_FS": shared or WORK,
            "DLI_RESULT_FS": f"{place}/.results",
            "DLI_EXECID": "wmla-${trial_id}",
            "USER": "tunebook",
        },
        code=model.code,
        working_dir=folder or None,
        outputs=(RESULTS,),
    )


def _folder(launch: Launch, files: Sequence[str]) -> str:
    """Where a whole command runs: in the named folder, if that was uploaded."""
    is_there = launch.folder and any(name.startswith(f"{launch.folder}/") for name in files)
    return launch.folder if is_there and not launch.main else ""


def local_command(launch: Launch, source: str, *, shared: str = "") -> Command:
    """The same for a script in a folder of this machine; where it is not there, without saying where it is."""
    known = (os.path.join(source, launch.folder, launch.main), os.path.join(source, launch.main))
    found = next((path for path in known if launch.main and os.path.isfile(path)), None)
    if found is None:
        return command(launch, Model(), shared=shared)
    there = replace(launch, main=os.path.basename(found))
    return replace(command(there, Model(), shared=shared), working_dir=os.path.abspath(os.path.dirname(found)))


def _script(launch: Launch, main: str) -> str:
    """Lines of shell that make the folders, leave the parameters, and become the script.

    Old scripts put the path of their results together from three variables; a link leads them to the same folder.
    """
    lines = [
        "set -e",
        'mkdir -p "$RESULT_DIR" "$LOG_DIR" "$DLI_RESULT_FS/$USER/batchworkdir"',
        'ln -sfn "$RESULT_DIR" "$DLI_RESULT_FS/$USER/batchworkdir/$DLI_EXECID"',
        'cp "$TUNEBOOK_PARAMS_FILE" config.json',
    ]
    words = [shlex.quote(word) for word in launch.words]
    if launch.main:
        python = "python"
        if launch.python:
            lines.append(f'PY={shlex.quote(launch.python)}; [ -x "$PY" ] || PY=python')
            python = '"$PY"'
        words = [python, shlex.quote(main), *words]
    return "\n".join([*lines, f"exec {' '.join(words)}"])


def _sorted(words: list[str], path: str) -> tuple[dict[str, str], list[str], bool]:
    """The launcher's options, the other words in order, and whether these are a whole command."""
    given: dict[str, str] = {}
    rest: list[str] = []
    is_command = False
    queue = list(reversed(words))
    while queue:
        word = queue.pop()
        name, equals, value = word[2:].partition("=") if word.startswith("--") else ("", "", "")
        if word == "--" and is_command:
            rest = list(reversed(queue))
            break
        if name == USER_COMMAND:
            is_command = True
        elif name in OPTIONS or name.startswith(_FAMILIES):
            if not equals and not queue:
                raise SpecError(path, f"--{name} needs a value")
            given[name] = value if equals else queue.pop()
        else:
            rest.append(word)
    return given, rest, is_command


def _framework(word: str, path: str) -> str:
    lowered = word.lower()
    if not word or lowered in FRAMEWORKS:
        return FRAMEWORKS.get(lowered, "")
    why = "a trial is one process here; " if lowered.startswith(_DISTRIBUTED) else ""
    raise SpecError(path, f"--exec-start {word[:60]!r} cannot be run: {why}there are {listed(FRAMEWORKS.values())}")


def _find(launch: Launch, files: Sequence[str], path: str) -> str:
    """The script's path among the files: below the named folder, at the root, or in the only folder at the top."""
    tops = {name.split("/")[0] for name in files if "/" in name}
    folders = [launch.folder, "", *(tops if len(tops) == 1 else ())]
    known = set(files)
    for folder in folders:
        found = f"{folder}/{launch.main}" if folder else launch.main
        if found in known:
            return found
    shown = listed(sorted(files)[:8]) + (" ..." if len(files) > 8 else "")
    raise SpecError(
        path, f"--model-main {launch.main[:80]!r} is not in the uploaded file, which holds {shown or 'nothing'}"
    )


def _check_inside(value: str, where: str) -> None:
    if value.startswith("/") or ".." in value.split("/") or "\0" in value or "\\" in value:
        raise SpecError(where, f"must be a path inside the model, got {value[:80]!r}")


def _clean(value: str) -> str:
    return "" if normpath(value) == "." else normpath(value)


def _python(home: str, environment: str) -> str:
    return f"{home.rstrip('/')}/envs/{environment}/bin/python" if home and environment else ""
