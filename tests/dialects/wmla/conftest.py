"""A client of WMLA, and documents as its notebooks send them."""

from __future__ import annotations

import io
import json
import tarfile
from base64 import b64encode
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from apps.workspaces.models import IssuedKey
from tests.people import PASSWORD

BASE = "/platform/rest/deeplearning/v1"
TASKS = f"{BASE}/hypersearch"
EXECS = f"{BASE}/execs"


def basic(name: str, secret: str = PASSWORD) -> str:
    return f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"


def a_tar(**files: str) -> bytes:
    """A gzipped tar of texts; names may have slashes written as __."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()


MODEL = a_tar(**{"digits/main.py": "print('hello')\n", "digits/helper.py": "", "digits/._main.py": "litter"})
ARGS = "--exec-start PyTorch \\\n  --cs-datastore-meta type=fs  --model-dir digits --model-main main.py --epochs 3"
RATE = {
    "name": "learning_rate",
    "type": "Range",
    "dataType": "DOUBLE",
    "minDbVal": 0.001,
    "maxDbVal": 0.1,
    "minIntVal": 0,
    "maxIntVal": 0,
    "discreteDbVal": [],
    "discreteIntVal": [],
    "discreateStrVal": [],
    "power": 0,
    "step": "0.002",
    "userDefined": False,
}
BATCH = {"name": "batch", "type": "Discrete", "dataType": "INT", "discreteIntVal": [16, 32]}


def a_document(**changes: Any) -> dict[str, Any]:
    """A task as the notebooks write it; members by their path, `algoDef__maxJobNum=3`. None leaves one out."""
    document: dict[str, Any] = {
        "modelSpec": {"sigName": "lab", "args": ARGS},
        "algoDef": {
            "algorithm": "Random",
            "maxRunTime": 60,
            "maxJobNum": 4,
            "maxParalleJobNum": 2,
            "hyperbandEta": 3,
            "objectiveMetric": "loss",
            "objective": "minimize",
            "algoParams": [{"name": "RandomSeed", "value": "2"}],
        },
        "hyperParams": [RATE, BATCH],
    }
    for path, value in changes.items():
        *above, name = path.split("__")
        place = document
        for one in above:
            place = place[one]
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    return document


class Wmla:
    """Calls as somebody with some headers."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(raise_request_exception=False, headers=headers)

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(path, query)

    def put(self, path: str) -> HttpResponse:
        return self.client.put(path)

    def delete(self, path: str) -> HttpResponse:
        return self.client.delete(path)

    def submit(
        self, document: Any = None, file: bytes | None = MODEL, name: str = "digits.modelDir.tar"
    ) -> HttpResponse:
        document = a_document() if document is None else document
        parts: dict[str, Any] = {"data": document if isinstance(document, str) else json.dumps(document)}
        if file is not None:
            parts["file"] = SimpleUploadedFile(name, file)
        return self.client.post(TASKS, parts)

    def install(self, data: Any, file: bytes | None = None) -> HttpResponse:
        parts: dict[str, Any] = {"data": data if isinstance(data, str) else json.dumps(data)}
        if file is not None:
            parts["file"] = SimpleUploadedFile("plugin.tar", file)
        return self.client.post(f"{TASKS}/algorithm/install", parts)

    def start(self, args: str = "--model-main main.py", file: bytes | None = b"print(1)\n") -> HttpResponse:
        parts = {"file": SimpleUploadedFile("main.py", file)} if file is not None else {}
        return self.client.post(f"{EXECS}/?sigName=lab&args={args.replace(' ', '+')}", parts)


@pytest.fixture(autouse=True)
def _no_failures_before() -> None:
    cache.clear()


@pytest.fixture
def ada_there(key_ada: IssuedKey) -> Wmla:
    return Wmla(Authorization=basic("ada"))


@pytest.fixture
def ben_there(key_ben: IssuedKey) -> Wmla:
    return Wmla(Authorization=basic("ben"))


@pytest.fixture
def cleo_there(key_cleo: IssuedKey) -> Wmla:
    return Wmla(Authorization=basic("cleo"))
