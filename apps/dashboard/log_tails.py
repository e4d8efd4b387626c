"""The ends of logs on pages: what stands there at first, what is added while one looks, and the whole to download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.trials import logs

TAIL = 64 * 1024
LOGS = {"out": "out.log", "err": "err.log"}


@dataclass(frozen=True)
class Tail:
    """The last lines of a log. `cut`: there are more; `offset`: how far the file was read, for what comes next."""

    name: str
    title: str
    text: str
    offset: int
    cut: bool
    about: str = ""


def tail(path: Path, name: str, title: str, *, older: Path | None = None, about: str = "") -> Tail:
    """The end of a log, and of the older file before it where the newer one has little."""
    size, before = size_of(path), size_of(older) if older is not None else 0
    text = logs.piece(path, 0, size, most=TAIL)
    if older is not None and size < TAIL and before:
        text = logs.piece(older, 0, before, most=TAIL - size) + text
    return Tail(name, title, text, size, size + before > TAIL, about)


def last_lines(folder: Path, most: int) -> str:
    """The last lines that an attempt has written: of its errors, else of its output; empty without any."""
    for name in (LOGS["err"], LOGS["out"]):
        text = tail(folder / name, name, "").text.rstrip()
        if text:
            return "\n".join(text.splitlines()[-most:])
    return ""


def gained(request: HttpRequest, path: Path, *, ended: bool) -> HttpResponse:
    """What a log has gained behind `offset`: text, the new offset, and whether more can come."""
    size, asked = size_of(path), request.GET.get("offset", "0")
    start = int(asked) if asked.isdecimal() and len(asked) < 16 else 0
    start = 0 if start > size else start
    answer = {"text": logs.piece(path, start, size, most=TAIL), "offset": size, "ended": ended}
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def download(paths: list[Path], name: str) -> HttpResponse:
    """Logs as one text file, of very long ones the end."""
    try:
        text = "\n".join(logs.page(paths, None, 0).lines)
    except logs.TooLong:
        end = logs.piece(paths[-1], 0, size_of(paths[-1]), most=logs.LARGEST_ANSWER)
        text = f"[the last {logs.LARGEST_ANSWER >> 20} MiB]\n{end}"
    return HttpResponse(
        text,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
