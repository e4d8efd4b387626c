"""The files of trials to an MLflow server that takes them itself, one after another."""

import shutil
import tempfile
import urllib.parse
from collections.abc import Iterator
from typing import IO, Protocol

from tunebook.client import Client

PROXIED = "mlflow-artifacts:"
UPLOADS = "../mlflow-artifacts/artifacts/"


class Target(Protocol):
    """What takes a file."""

    def put(self, path: str, file: IO[bytes]) -> None: ...


class Files:
    """The files of one experiment's trials, as a Tunebook server has them."""

    def __init__(self, client: Client, key: str) -> None:
        self.client = client
        self.key = key

    def copy(self, number: int, target: Target, artifact_uri: str) -> int:
        """Send all files of a trial to where its run keeps them; how many. 0 where only MLflow's own client reaches that."""
        place = place_of(artifact_uri)
        if place is None:
            return 0
        count = 0
        for path in self.paths(number):
            with tempfile.TemporaryFile() as file:
                with self.client.artifact(self.key, number, path) as source:
                    shutil.copyfileobj(source, file)
                file.seek(0)
                target.put(UPLOADS + urllib.parse.quote(f"{place}/{path}"), file)
            count += 1
        return count

    def paths(self, number: int, folder: str = "") -> Iterator[str]:
        """Every file of a trial, a request for each folder."""
        for entry in self.client.artifacts(self.key, number, folder=folder):
            if entry["folder"]:
                yield from self.paths(number, entry["path"])
            else:
                yield entry["path"]


def place_of(artifact_uri: str) -> str | None:
    """The path below MLflow's own store of files; None for stores elsewhere, as s3 or a folder."""
    if not artifact_uri.startswith(PROXIED):
        return None
    return urllib.parse.unquote(urllib.parse.urlsplit(artifact_uri).path).strip("/")
