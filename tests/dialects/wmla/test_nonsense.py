"""Every address gets nonsense of every kind: it may refuse, it may not break."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from apps.experiments.models import Experiment
from apps.workspaces.models import IssuedKey
from tests.dialects.wmla.conftest import BASE, EXECS, MODEL, TASKS, Wmla, a_document
from tests.dialects.wmla.test_tasks import a_trial
from tests.tunebook.wire.test_wmla import PLACES, anything

pytestmark = pytest.mark.django_db
quietly = settings(
    max_examples=120,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

names = st.one_of(
    st.sampled_from(["mine", "wmla-x", "algorithm", "install", "..", "%00", "%ff", "é", " "]), st.text(max_size=8)
)
paths = st.sampled_from(
    [
        TASKS,
        f"{TASKS}/{{0}}",
        f"{TASKS}/{{0}}/force",
        f"{TASKS}/{{0}}/restart",
        f"{TASKS}/algorithm",
        f"{TASKS}/algorithm/{{0}}",
        f"{TASKS}/algorithm/install",
        EXECS,
        f"{EXECS}/{{0}}",
        f"{EXECS}/{{0}}/log",
        f"{EXECS}/{{0}}/result",
        f"{EXECS}/{{0}}/stop",
        f"{BASE}/conf",
        f"{BASE}/frameworks/{{0}}",
        f"{BASE}/scheduler/applications",
        f"{BASE}/scheduler/applications/{{0}}/executor/{{1}}/logs/stdout",
        f"{BASE}/models/{{0}}/hypersearch/{{1}}",
        "/auth/v1/logon",
        "/auth/v1/logoff",
        "/platform/rest/conductor/v1/auth/logon",
        "/platform/rest/{0}",
    ]
)
KEYS = [
    "limit",
    "state",
    "sort_by",
    "type",
    "logType",
    "lastlines",
    "args",
    "sigName",
    "csrftoken",
    "start",
    "length",
    "sort",
]
queries = st.dictionaries(
    st.sampled_from(KEYS), st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=3
)


wire_texts = st.text(st.characters(codec="latin-1"), max_size=40)


def is_told_well(answer: Any) -> None:
    """No answer breaks; a refusal is one line that begins with its status."""
    assert answer.status_code < 500 or answer.status_code == 501, answer.content
    if answer.status_code >= 400 and answer["content-type"].startswith("text/plain"):
        assert answer.content.startswith(b"Error %d: " % answer.status_code)
        assert answer.content.count(b"\n") == 1


@quietly
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    path=paths,
    parts=st.tuples(names, names),
    query=queries,
    body=st.one_of(
        st.binary(max_size=60), st.just(b"--x\r\nContent-Disposition: form-data; name=data\r\n\r\n{}\r\n--x--")
    ),
    kind=st.sampled_from(
        ["", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
    ),
)
def test_no_request_breaks_anything(
    key_ada: IssuedKey, method: str, path: str, parts: tuple[str, str], query: dict[str, str], body: bytes, kind: str
) -> None:
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key_ada.token}"})

    with transaction.atomic():
        answer = client.generic(method, path.format(*parts), body, content_type=kind, query_params=query)
        transaction.set_rollback(True)

    is_told_well(answer)


@quietly
@given(place=st.sampled_from(PLACES), value=anything, data=st.one_of(st.none(), st.text(max_size=60)))
def test_no_document_breaks_anything(key_ada: IssuedKey, place: str, value: Any, data: str | None) -> None:
    there = Wmla(Authorization=f"Bearer {key_ada.token}")
    document = a_document()
    if place.startswith(("hyperParams__", "algoDef__", "modelSpec__")):
        *above, name = place.split("__")
        target: Any = json.loads(json.dumps(document))
        document = target
        for one in above:
            target = target[int(one) % len(target)] if one.isdigit() else target[one]
        if isinstance(target, list):
            target[int(name) % len(target)] = value
        else:
            target[name] = value
    else:
        document[place] = value

    with transaction.atomic():
        answer = there.submit(repr(document) if data is None else data)
        transaction.set_rollback(True)

    is_told_well(answer)


@quietly
@given(
    file=st.one_of(st.binary(max_size=200), st.binary(max_size=600).map(lambda noise: MODEL[:40] + noise)),
    name=st.text(max_size=20),
)
def test_no_file_breaks_anything(key_ada: IssuedKey, file: bytes, name: str) -> None:
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key_ada.token}"})
    upload = BytesIO(file)
    upload.name = name
    try:
        answer = client.post(TASKS, {"data": repr(a_document()), "file": upload})
    except (UnicodeError, ValueError):  # a name that no client could send
        return

    is_told_well(answer)


@quietly
@given(headers=st.dictionaries(st.sampled_from(["Authorization", "X-Auth-Token", "Cookie"]), wire_texts, max_size=3))
def test_no_credentials_break_anything(key_ada: IssuedKey, headers: dict[str, str]) -> None:
    cache.clear()

    answer = Client(raise_request_exception=False).get(TASKS, headers=headers)

    is_told_well(answer)
    assert answer.status_code == 401


def test_a_document_of_another_kind_of_experiment_is_never_asked_for(ada_there: Wmla, make_experiment: Any) -> None:
    experiment = make_experiment()
    trial = a_trial(Experiment.objects.get(pk=experiment.pk))

    assert ada_there.get(TASKS).json() == []
    assert ada_there.get(f"{EXECS}/wmla-{trial.key}").status_code == 404
    assert ada_there.get(f"{EXECS}/wmla-{experiment.key}").status_code == 404
