"""Every documented operation of both APIs gets nonsense of every kind: it may refuse, it may not break."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey

EXAMPLES = 15


def operations() -> list[tuple[str, str]]:
    """(method, path) of everything that is documented."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods if path.startswith("/api/")]


@pytest.fixture(scope="session")
def document() -> Any:
    return schemathesis.openapi.from_dict(json.loads(json.dumps(SchemaGenerator().get_schema(public=True))))


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), operations())
def test_nonsense_never_breaks_an_operation(
    method: str, path: str, document: Any, key_ada: IssuedKey, make_experiment: Callable[..., Experiment]
) -> None:
    experiment = make_experiment()
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key_ada.token}"})
    trial = Trial.objects.create(experiment=experiment, number=0, params={"x": 0.5}, source="random", attempt_count=1)
    Experiment.objects.filter(pk=experiment.pk).update(trial_count=1, created_count=1)
    real = {
        "key": experiment.key,
        "experiment": experiment.key,
        "trial": trial.key,
        "number": 0,
        "slug": "lab",
        "username": "ada",
        "access_key_id": key_ada.access_key_id,
        "stream": f"exp:{experiment.key}",
    }

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=document[path][method].as_strategy())
    def check(case: Any) -> None:
        case.path_parameters = _mostly_real(case.path_parameters, real)
        case.query = _mostly_real(case.query, real)
        case.query.pop("wait", None)
        sent = case.as_transport_kwargs(base_url="http://testserver")
        body = sent.get("json")
        content = b"" if body is None else json.dumps(body).encode("utf-8", "surrogatepass")
        kind = {"content_type": "application/json"} if body is not None else {"content_type": ""}
        target = sent["url"].removeprefix("http://testserver")
        with transaction.atomic():
            answer = client.generic(method.upper(), target, content, QUERY_STRING=_query(sent.get("params")), **kind)
            text = answer.getvalue()
            transaction.set_rollback(True)
        assert answer.status_code < 500, (target, sent, text)
        if "attachment" in answer.headers.get("content-disposition", ""):
            return  # a file to take along, in a form of its own
        assert answer["content-type"].startswith("application/json")
        json.loads(text)

    check()


def _mostly_real(names: Any, real: dict[str, Any]) -> dict[str, Any]:
    """Three of four generated names are replaced by ones that exist, so that the nonsense comes further."""
    return {
        name: real[name] if name in real and zlib.crc32(str(value).encode("utf-8", "replace")) % 4 else value
        for name, value in (names or {}).items()
    }


def _query(params: Any) -> str:
    pairs = [(name, one) for name, value in (params or {}).items() for one in _all(value)]
    return urlencode(pairs, errors="replace")


def _all(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
