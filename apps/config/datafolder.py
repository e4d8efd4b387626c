"""The folder that holds all files of an installation: only its owner may look in."""

import errno
import os
import secrets
from pathlib import Path
from typing import Any

from apps.config.env import EnvError

REASONS = {errno.ENOSPC: "the disk is full", errno.EROFS: "its file system is read-only"}
SECRET_KEY_LENGTH = 64


def make(path: Path) -> Path:
    """The folder, made with mode 0700 when it is not there. A folder that exists keeps its mode."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def secret_key(folder: Path) -> str:
    """The installation's secret, drawn at first use and kept in the folder with mode 0600.

    Two processes that start at once end with the same one: the file is linked into place, and who is late reads it.
    Raises EnvError when the folder cannot be used.
    """
    path = folder / "secret-key"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise EnvError(explain(folder, error)) from error
    try:
        _keep(path, secrets.token_urlsafe(SECRET_KEY_LENGTH))
    except OSError as error:
        raise EnvError(explain(folder, error)) from error
    return path.read_text(encoding="ascii").strip()


def explain(folder: Path, error: OSError) -> str:
    """What is wrong with the folder and what to do."""
    reason = REASONS.get(error.errno or 0, error.strerror or str(error))
    where = _nearest(error.filename) if isinstance(error.filename, str) else folder
    inside = folder in where.parents
    what = f"{where} in the data folder" if inside else f"The data folder {folder}"
    return (
        f"{what} cannot be used: {reason}. "
        "Make it writable for this user or make room there, or set TUNEBOOK_DATA to another folder."
    )


def _nearest(name: str) -> Path:
    """The path, or the last folder on the way to it that is there."""
    return next(path for path in (Path(name), *Path(name).parents) if os.path.lexists(path))


def _keep(path: Path, text: str) -> None:
    """Write a file that only its owner may read, unless another process was quicker."""
    make(path.parent)
    draft = path.parent / f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # the other one's secret counts
    finally:
        draft.unlink()


def check_writable(folder: Path) -> None:
    """Raise OSError when no file can be written there."""
    trial = folder / f".writable-{os.getpid()}"
    trial.write_bytes(b"\0" * 4096)
    trial.unlink()


def may_write(connection: Any) -> bool:
    """Whether the file of an SQLite database can be written, or made. True for any other database."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():
        return True
    name = connection.settings_dict["NAME"]
    return not os.path.exists(name) or os.access(name, os.W_OK)


def close_to_others(connection: Any, **kwargs: Any) -> None:
    """Take everybody else's rights off the files of an SQLite database; SQLite makes them by the umask.

    Called at each new connection: three calls to the kernel.
    """
    if connection.vendor != "sqlite" or connection.is_in_memory_db():
        return
    for suffix in ("", "-wal", "-shm"):
        path = f"{connection.settings_dict['NAME']}{suffix}"
        try:
            if os.stat(path).st_mode & 0o077:
                os.chmod(path, 0o600)
        except OSError:
            continue  # not there yet, or another owner's; the folder's mode protects it all the same
