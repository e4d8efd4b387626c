"""From a bare Python to one that has Tunebook's packages: makes .venv, installs, and starts again inside it.

Standard library only.
"""

import errno
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "apps" / "config" / "constraints.txt"
NEEDED = {
    "server": [
        "cryptography",
        "django",
        "rest_framework",
        "django_filters",
        "channels",
        "uvicorn",
        "whitenoise",
        "orjson",
        "yaml",
        "sklearn",
    ],
    "dev": [
        "pytest",
        "pytest_django",
        "xdist",
        "hypothesis",
        "schemathesis",
        "playwright",
        "mypy",
        "alibabacloud_paiautoml20220828",
    ],
}
SPACE = {"server": 600, "dev": 1100}  # MiB that the environment takes, roughly
STARTED_AGAIN = "TUNEBOOK_STARTED_AGAIN"

HELP = """\
Tunebook: a dashboard and an optimizer for hyperparameter tuning.

  python3 manage.py demo    run a small real sweep and watch it in the browser
  python3 manage.py test    run the test suite
  python3 manage.py up      the dashboard and one optimizer on this machine

The first of these installs what is needed into .venv beside this file; more commands are listed then.
"""

# What pip says when something outside of it is wrong, and what a person can do about it.
CAUSES = [
    (
        re.compile(r"No space left on device|\[Errno 28\]"),
        "The disk is full. Make room (about {space} MiB are needed) and run the same command again; it goes on where it stopped.",
    ),
    (
        re.compile(r"Read-only file system|Permission denied|\[Errno 13\]|\[Errno 30\]"),
        "Files below {venv} cannot be written. Run as the owner of this folder, or copy it to a place of your own.",
    ),
    (
        re.compile(
            r"Temporary failure in name resolution|Name or service not known|nodename nor servname|NewConnectionError|"
            r"Failed to establish a new connection|Network is unreachable|Connection refused|ConnectTimeout|Read timed out|"
            r"ProxyError|Could not fetch URL|Max retries exceeded|Connection to \S+ timed out|getaddrinfo failed"
        ),
        "The package index cannot be reached. Check the network (or set pip's proxy or index in its configuration) "
        "and run the same command again.",
    ),
]


class SetupError(Exception):
    """Setting up failed. The text says in a sentence or two what to do."""


def ensure(arguments: list[str]) -> None:
    """Return when this Python has what the command needs. Else install it into .venv and start again there.

    Never returns in the second case: the process is replaced, or ends with a sentence and status 1.
    """
    extras = ["server", "dev"] if arguments[1:2] == ["test"] else ["server"]
    try:
        if not missing(extras):
            return
        if arguments[1:] in ([], ["help"], ["-h"], ["--help"]) and not installed(extras):
            print(HELP, end="")
            raise SystemExit(0)
        python = environment(extras)
        if os.environ.get(STARTED_AGAIN) == str(os.getpid()):
            lacking = ", ".join(missing(extras))
            raise SetupError(f"{VENV} still lacks {lacking}. Remove that folder and run the same command again.")
    except SetupError as error:
        sys.exit(f"Tunebook cannot start here. {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run the same command again to go on.")
    os.environ[STARTED_AGAIN] = str(os.getpid())  # the process id survives the exec
    os.execv(python, [str(python), *arguments])


def missing(extras: list[str]) -> list[str]:
    """The modules of these extras that this Python cannot import. `tunebook` must be this checkout's own."""
    lacking = [name for extra in extras for name in NEEDED[extra] if importlib.util.find_spec(name) is None]
    library = importlib.util.find_spec("tunebook")
    places = list(library.submodule_search_locations or []) if library else []
    return lacking if str(ROOT / "apps" / "tunebook") in places else [*lacking, "tunebook"]


def installed(extras: list[str]) -> bool:
    """Whether .venv was completed for these extras, with the versions that this checkout pins."""
    fingerprint, done = _record()
    return _python().exists() and fingerprint == _fingerprint() and set(extras) <= set(done)


def environment(extras: list[str]) -> Path:
    """The interpreter of .venv, made and filled if need be. Raises SetupError with what to do."""
    if installed(extras):
        return _python()
    try:
        VENV.mkdir(exist_ok=True)
        _check_space(extras)
        lock = os.open(ROOT, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two commands at once on a new machine: the later one finds it done
            if not installed(extras):
                _make_venv()
                _install(sorted({*extras, *_record()[1]}, reverse=True))
        finally:
            os.close(lock)
    except OSError as error:
        raise SetupError(_explain_os_error(error, extras)) from error
    return _python()


def _python() -> Path:
    return VENV / "bin" / "python"


def _record() -> tuple[str, list[str]]:
    """What was installed last: a fingerprint of the versions, and the extras."""
    try:
        fingerprint, *extras = (VENV / ".tunebook").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return "", []
    return fingerprint, extras


def _fingerprint() -> str:
    """Changes when the packages should: other pins, another Python, another place of the checkout."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _check_space(extras: list[str]) -> None:
    needed = max(SPACE[extra] for extra in extras)
    free = shutil.disk_usage(VENV).free // 2**20
    if free < needed and not _python().exists():
        raise OSError(errno.ENOSPC, "No space left on device")


def _make_venv() -> None:
    """Make .venv, anew when the one there does not run: its Python is gone, is another, or it was interrupted."""
    version = sys.version_info[:2]
    if Path(sys.prefix).resolve() == VENV:
        return
    if _python().exists() and _runs(_python(), f"import pip, sys; sys.exit(sys.version_info[:2] != {version!r})"):
        return
    _say(f"Making an environment for Tunebook's packages: {VENV}")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return
    _raise_known(done.stdout, ["server"])
    if "No module named" in done.stdout or "ensurepip" in done.stdout:
        raise SetupError(
            f"This Python has no venv module. On Debian or Ubuntu: apt install python{version[0]}.{version[1]}-venv; "
            "then run the same command again."
        )
    raise SetupError(f"Making {VENV} failed: {_last_line(done.stdout)}")


def _install(extras: list[str]) -> None:
    """Install the pinned packages with pip, a line of progress for each, and record it."""
    _say(f"Installing {'Tunebook and its test tools' if 'dev' in extras else 'Tunebook'} (once; a minute or two)")
    pip = [str(_python()), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--retries", "3"]
    pip += ["--constraint", str(CONSTRAINTS)]
    if not sys.dont_write_bytecode:
        pip.append("--no-compile")  # of 17,000 modules few are ever imported, and those are compiled then
    _run_pip([*pip, "setuptools"], extras)
    _run_pip([*pip, "--no-build-isolation", "--editable", f"{ROOT}[{','.join(extras)}]"], extras)
    (VENV / ".tunebook").write_text("\n".join([_fingerprint(), *extras]), encoding="ascii")


def _run_pip(command: list[str], extras: list[str]) -> None:
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            _show(line.strip(), sum(line.startswith("Collecting ") for line in lines))
    if process.returncode == 0:
        return
    output = "\n".join(lines)
    _raise_known(output, extras)
    raise SetupError(f"pip could not install the packages: {_first_error(lines)}")


def _first_error(lines: list[str]) -> str:
    """The line of pip's output that says most: the first error, but not the announcement of one."""
    errors = [line.strip() for line in lines if re.search(r"\berror: ", line, re.IGNORECASE)]
    telling = [line for line in errors if "subprocess-exited-with-error" not in line]
    return (telling or errors or lines or ["it said nothing"])[0]


def _show(line: str, number: int) -> None:
    """One short line for what pip does now."""
    if line.startswith("Collecting "):
        name = re.split(r"[\s<>=!~;\[(]", line.removeprefix("Collecting "), maxsplit=1)[0]
        _say(f"  {number:3}  {name}")
    elif line.startswith(("Downloading ", "Using cached ")) and (" MB)" in line or "MB" in line):
        _say(f"       {line}")
    elif line.startswith("Installing collected packages"):
        _say("  Unpacking ...")
    elif line.startswith("WARNING: Retrying"):
        _say("  No answer from the package index, trying again ...")


def _raise_known(output: str, extras: list[str]) -> None:
    for pattern, advice in CAUSES:
        if pattern.search(output):
            raise SetupError(advice.format(venv=VENV, space=max(SPACE[extra] for extra in extras)))


def _explain_os_error(error: OSError, extras: list[str]) -> str:
    texts = {
        errno.ENOSPC: "No space left on device",
        errno.EROFS: "Read-only file system",
        errno.EACCES: "Permission denied",
    }
    try:
        _raise_known(texts.get(error.errno or 0, ""), extras)
    except SetupError as known:
        return str(known)
    return f"{error.strerror or error}: {error.filename or VENV}."


def _runs(python: Path, code: str) -> bool:
    try:
        return subprocess.run([str(python), "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given"


def _say(text: str) -> None:
    print(text, flush=True)
