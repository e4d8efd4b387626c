"""Uploads that break off, race, or are huge, on a running server."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from apps.artifacts import artifacts, places
from apps.artifacts.models import Artifact, Blob
from tests.dialects.mlflow.conftest import Running


def address(served: str, running: Running, path: str) -> str:
    return f"http://{served}/api/2.0/{running.root}/{path}"


def drafts() -> list[str]:
    folder = places.root() / "drafts"
    return [one.name for one in folder.iterdir()] if folder.is_dir() else []


def test_an_upload_that_breaks_off_leaves_nothing(served: str, running: Running) -> None:
    before = drafts()
    host, _, port = served.partition(":")
    with socket.create_connection((host, int(port))) as line:
        head = [
            f"PUT /api/2.0/{running.root}/half.bin HTTP/1.1",
            f"Host: {served}",
            f"Authorization: Bearer {running.token}",
            "Content-Length: 10000000",
            "",
            "",
        ]
        line.sendall("\r\n".join(head).encode() + b"x" * 3_000_000)
    later = httpx.put(
        address(served, running, "whole.bin"), content=b"y", headers={"Authorization": f"Bearer {running.token}"}
    )

    assert later.status_code == 200
    assert list(Artifact.objects.values_list("path", flat=True)) == ["whole.bin"]
    assert drafts() == before


def test_a_file_without_a_length_is_taken(served: str, running: Running) -> None:
    def pieces():  # type: ignore[no-untyped-def]  # a generator is what makes the client send no length
        for _ in range(50):
            yield b"z" * 65_536

    headers = {"Authorization": f"Bearer {running.token}"}
    answer = httpx.put(address(served, running, "chunked.bin"), content=pieces(), headers=headers, timeout=60)

    assert (answer.status_code, answer.json()) == (200, {})
    row = Artifact.objects.get()
    assert row.size == 50 * 65_536
    with artifacts.open(row) as file:
        assert file.read(4) == b"zzzz"


@pytest.mark.slow
def test_clients_that_upload_to_one_path_at_once_leave_one_whole_file(served: str, running: Running) -> None:
    headers = {"Authorization": f"Bearer {running.token}"}
    contents = [bytes([65 + number]) * 200_000 for number in range(6)]

    def put(content: bytes) -> int:
        return httpx.put(address(served, running, "same.bin"), content=content, headers=headers, timeout=60).status_code

    began = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(put, contents))

    assert set(statuses) == {200}, time.monotonic() - began
    (row,) = Artifact.objects.all()
    with artifacts.open(row) as file:
        assert file.read() in contents
    assert Blob.objects.count() == 6  # what nothing refers to any more is collected later
