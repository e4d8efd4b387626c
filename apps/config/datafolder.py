"""The folder that holds all files of an installation: only its owner may look in."""

import os
import secrets
from pathlib import Path
from typing import Any

SECRET_KEY_LENGTH = 64


def make(path: Path) -> Path:
    """The folder, made with mode 0700 when it is not there. A folder that exists keeps its mode."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def secret_key(folder: Path) -> str:
    """The installation's secret, drawn at first use and kept in the folder with mode 0600.

    Two processes that start at once end with the same one: the file is linked into place, and who is late reads it.
    """
    path = folder / "secret-key"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    make(folder)
    draft = folder / f".secret-key-{os.getpid()}-{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(SECRET_KEY_LENGTH))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def check_writable(folder: Path) -> None:
    """Raise OSError when no file can be written there."""
    trial = folder / f".writable-{os.getpid()}"
    trial.write_bytes(b"\0" * 4096)
    trial.unlink()


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
