"""The folder of an attempt that runs on another machine, kept here as if it had run here.

The other machine sends what its files gain, so that whoever reads an attempt's folder needs no second way. Beside those
files lie marks: `heartbeat` is touched whenever the other machine is heard of, `stop` asks it to end, `fenced` says that
it counts no more, and `gone` that it has confirmed that nothing of it runs.
"""

import contextlib
import errno
import json
import os
import secrets

JOURNAL = "attempt.jsonl"
LOGS = ("out.log", "err.log")
GROWING = (JOURNAL, *LOGS, "metrics.jsonl")
"""Files that are only ever appended to; others are sent anew when they change."""
BELOW = ("work", "nni")
"""The folders whose files may be sent, too."""
ORDER, BUNDLE = "order.json", "remote.pyz"
HEARTBEAT, STOP, FENCED, GONE = "heartbeat", "stop", "fenced", "gone"
MOST_LOG = 72 << 20
MOST_FILE = 2 << 30


class BadFile(ValueError):
    """A name or a size that is not taken; the text says which."""


class Full(OSError):
    """The file has become larger than files may be."""


def take(folder: str, path: str, offset: int, data: bytes) -> int:
    """Put a piece of a file into the folder; how long the file is then.

    What stood behind the offset is gone, so that a piece sent twice is there once. A piece that leaves a gap is not
    taken, except of a log, whose middle may have been given back. Raises BadFile and Full.
    """
    target = os.path.join(folder, checked(path))
    if os.path.realpath(os.path.dirname(target)) != os.path.dirname(os.path.join(os.path.realpath(folder), path)):
        raise BadFile(f"{path!r:.80} lies behind a link")  # which the job's code may have brought along
    try:
        return _take(target, path, offset, data)
    except (NotADirectoryError, IsADirectoryError, FileNotFoundError, FileExistsError):
        raise BadFile(f"{path!r:.80} is a folder, or lies in what is none") from None


def _take(target: str, path: str, offset: int, data: bytes) -> int:
    if not offset and path not in GROWING:
        return _replace(target, data)
    if path not in GROWING and offset + len(data) > MOST_FILE:
        raise Full(errno.EFBIG, f"{path} has more than {MOST_FILE} bytes")
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        state = os.fstat(handle)
        if offset > state.st_size and path not in LOGS:
            return state.st_size
        if path in GROWING and state.st_blocks * 512 + len(data) > MOST_LOG:
            raise Full(errno.EFBIG, f"{path} has more than {MOST_LOG} bytes")
        os.ftruncate(handle, offset)
        view = memoryview(data)
        while view:
            written = os.pwrite(handle, view, offset)
            offset, view = offset + written, view[written:]
        if data and path in GROWING:
            os.fdatasync(handle)  # the other machine forgets what was taken
        return offset
    finally:
        os.close(handle)


def _replace(target: str, data: bytes) -> int:
    """A file whole, or its first piece: readers see the old one or this."""
    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    draft = f"{target}.{secrets.token_hex(6)}"
    try:
        with open(draft, "xb") as file:
            file.write(data)
        os.replace(draft, target)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise
    return len(data)


def checked(path: str) -> str:
    """A path below an attempt's folder that may be sent. Raises BadFile."""
    parts = path.split("/")
    if path in GROWING:
        return path
    bad = any(part in ("", ".", "..") or "\0" in part or len(os.fsencode(part)) > 240 for part in parts)
    if bad or parts[0] not in BELOW or not 2 <= len(parts) <= 32 or len(os.fsencode(path)) > 1024:
        raise BadFile(f"{path!r:.80} is no file of an attempt that may be sent")
    return path


def mark(folder: str, name: str, text: str = "") -> None:
    """Leave a mark; the first one stays."""
    with contextlib.suppress(FileExistsError):
        handle = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)


def is_marked(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name))


def age(folder: str, name: str, now: float) -> float | None:
    """Seconds since a mark was left or touched, None where there is none."""
    try:
        return max(now - os.stat(os.path.join(folder, name)).st_mtime, 0.0)
    except OSError:
        return None


def hear(folder: str) -> None:
    """Note that the other machine was heard of just now."""
    path = os.path.join(folder, HEARTBEAT)
    try:
        os.utime(path)
    except FileNotFoundError:
        mark(folder, HEARTBEAT)


def wish(folder: str) -> dict[str, float | bool | None]:
    """Whether the attempt is asked to end, and within how many seconds if that was said."""
    try:
        with open(os.path.join(folder, STOP), encoding="utf-8") as file:
            return {"stop": True, "grace": float(json.load(file)["grace"])}
    except FileNotFoundError:
        return {"stop": False, "grace": None}
    except (OSError, ValueError, KeyError, TypeError):
        return {"stop": True, "grace": None}
