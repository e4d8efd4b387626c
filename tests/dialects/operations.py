"""Every documented operation of the native API and of our own, and a small world to call them in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from apps.experiments.models import Experiment
from apps.feed.models import Timeline
from apps.trials.models import Attempt, Measurement, Trial
from apps.workspaces.models import Key, Nonce, hash_token
from tests.dialects.pai.documents import a_configuration
from tests.people import a_job

TOKEN = "a token of an attempt"


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def is_native(self) -> bool:
        return self.path.startswith("/api/automl/")

    @property
    def is_reading(self) -> bool:
        return self.method == "get"

    @property
    def is_of_an_object(self) -> bool:
        return "{" in self.path

    @property
    def document(self) -> dict[str, Any]:
        return schema()["paths"][self.path][self.method]

    @property
    def query(self) -> list[dict[str, Any]]:
        return [one for one in self.document.get("parameters", ()) if one["in"] == "query"]

    @property
    def members(self) -> dict[str, Any]:
        """The members of its body, by the document; none for an operation that takes none."""
        content = self.document.get("requestBody", {}).get("content", {})
        return content.get("application/json", {}).get("schema", {}).get("properties", {})

    @property
    def takes_json(self) -> bool:
        content = self.document.get("requestBody", {}).get("content", {})
        return not self.path.endswith("/v1/code") and (not content or "application/json" in content)


@cache
def schema() -> dict[str, Any]:
    return json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))


def operations(wanted: Callable[[Operation], bool] = lambda one: True) -> list[Operation]:
    found = [Operation(method, path) for path, methods in schema()["paths"].items() for method in methods]
    return [one for one in found if one.path.startswith(("/api/automl/", "/api/tunebook/")) and wanted(one)]


@dataclass
class World:
    """What the addresses name."""

    names: dict[str, Any]

    def address(self, operation: Operation, **others: Any) -> str:
        """The address of an operation, with every required query parameter."""
        log = "stdout" if "{trial}" in operation.path else "nnimanager.log"
        names = {"LogName": log, **self.names, **others}
        needed = {one["name"]: names[one["name"]] for one in operation.query if one.get("required")}
        query = "&".join(f"{name}={value}" for name, value in needed.items())
        others = dict.fromkeys(re.findall(r"{(\w+)}", operation.path), 1)  # numbers of what this world has none of
        return operation.path.format(**{**others, **names}) + (f"?{query}" if query else "")

    def body(self, operation: Operation) -> dict[str, Any] | None:
        """A body that works, where one is needed."""
        return BODIES.get(
            (operation.method, operation.path.rpartition("/v1/")[2]), None if operation.is_reading else {}
        )


BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "hpo/experiment"): {"Name": "new", "HpoExperimentConfiguration": a_configuration()},
    ("put", "hpo/experiment/{experiment}/update"): {"Name": "new"},
    ("post", "attempts/report"): {"items": [{"metric": "loss", "step": 1000, "value": 1}]},
    ("post", "experiments"): {"name": "new", "job": a_job().to_dict()},
    ("patch", "experiments/{key}"): {"name": "new"},
    ("post", "experiments/{key}/reopen"): {"max_trials": 500},
    ("post", "experiments/{key}/trials"): {"params": {"x": 0.125}},
    ("patch", "experiments/{key}/limits"): {"max_trials": 500},
    ("put", "experiments/{key}/space"): {"space": a_job().space.to_dict()},
    ("post", "experiments/{key}/space/preview"): {"space": a_job().space.to_dict()},
    ("post", "workspaces/{slug}/members"): {"username": "ben", "role": "viewer"},
    ("post", "workspaces/{slug}/requests/{request_id}"): {"role": "viewer"},
    ("post", "workspaces/{slug}/views"): {"name": "mine", "query": "status:running"},
}


def populated(make_experiment: Callable[..., Experiment], key: str, size: int) -> World:
    """So many experiments, the first with so many trials, each with an attempt and so many measurements."""
    experiments = [make_experiment(name=f"sweep {number}", tags=[("n", str(number))]) for number in range(size)]
    first = experiments[0]
    Trial.objects.bulk_create(
        Trial(
            experiment=first,
            number=number,
            params={"x": number / 100},
            source="random",
            status="FINISHED",
            value=1.0,
            attempt_count=1,
        )
        for number in range(size)
    )
    trials = list(Trial.objects.filter(experiment=first).order_by("number"))
    Attempt.objects.bulk_create(
        Attempt(
            trial=trial,
            experiment=first,
            number=1,
            launch_key=f"launch-{trial.key}",
            token_hash=hash_token(TOKEN if trial.number == 0 else trial.key),
        )
        for trial in trials
    )
    Measurement.objects.bulk_create(
        Measurement(trial=trials[0], name="loss", step=step, value=1.0) for step in range(size)
    )
    Experiment.objects.filter(pk=first.pk).update(trial_count=size, finished_count=size)
    return World(
        {
            "key": first.key,
            "experiment": first.key,
            "trial": trials[0].key,
            "number": 0,
            "slug": "lab",
            "username": "ben",
            "access_key_id": key,
            "chart": "history",
            "stream": f"exp:{first.key}",
            "path": "model.bin",
        }
    )


def call(token: str | None, operation: Operation, address: str, body: Any = None) -> Any:
    """Send it; the answer, as JSON where it is."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content = b"" if body is None else json.dumps(body).encode()
    kind = "" if body is None else "application/json"
    client = Client(raise_request_exception=False)
    return client.generic(operation.method.upper(), address, content, content_type=kind, headers=headers)


def code_of(answer: Any) -> str:
    document = answer.json()
    return str(document.get("Code") or document.get("error", {}).get("code"))


def text_of(answer: Any) -> str:
    document = answer.json()
    error = document.get("error", {})
    return str(document.get("Message") or f"{error.get('field')} {error.get('message')}")


def contents() -> dict[str, Any]:
    """Everything that is stored, except what each request writes down about its own key."""
    found: dict[str, Any] = {}
    name = connection.ops.quote_name
    with connection.cursor() as cursor:  # as it stands in the tables: this is asked for before and after most calls
        for model in apps.get_models():
            if not model.__module__.startswith("apps.") or model in (Nonce, Timeline):
                continue
            cursor.execute(f"SELECT * FROM {name(model._meta.db_table)} ORDER BY {name(model._meta.pk.column)}")
            rows = cursor.fetchall()
            found[model.__name__] = len(rows) if model is Key else repr(rows)
    return found
