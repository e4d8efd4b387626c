"""The section that says how to connect, and documents as they came."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from apps.experiments.models import Experiment
from apps.workspaces.access import usable_key
from apps.workspaces.models import Key
from tests.tunebook.sweep.test_loading import SWEEP

CONNECT = "/w/lab/settings/connect"


def snippets(answer: Any) -> dict[str, str]:
    found = re.findall(r'<pre[^>]*id="snippet-(\w+)"[^>]*>(.*?)</pre>', answer.content.decode(), re.DOTALL)
    return {name: unescape(text) for name, text in found}


def test_every_client_has_a_snippet_with_this_servers_address(as_ada: Client) -> None:
    found = snippets(as_ada.get(CONNECT))

    assert set(found) == {"shell", "package", "curl", "mlclient", "arm", "hyperdrive", "pai", "wmla", "mlflow"}
    pai = found.pop("pai")
    assert 'endpoint="testserver"' in pai and 'protocol="HTTP"' in pai and "YOUR-KEY-SECRET" in pai
    ast.parse(pai)
    assert all("http://testserver" in text and "YOUR-TOKEN" in text for text in found.values())
    for name in ("package", "mlclient", "hyperdrive", "wmla", "mlflow"):
        ast.parse(found[name])


def test_a_fresh_key_stands_in_every_snippet_once(as_ada: Client) -> None:
    answer = as_ada.post(CONNECT, {"act": "issue"})

    found = snippets(answer)
    tokens = {token for text in found.values() for token in re.findall(r"tb_\w+-?[\w-]+", text)}
    assert len(tokens) == 1
    key, role = usable_key(token=tokens.pop()) or (None, None)
    assert key is not None and (key.role, role) == ("member", "admin")
    assert answer["Cache-Control"] == "no-store"
    assertNotContains(as_ada.get(CONNECT), "tb_")


def test_a_viewer_sees_the_snippets_and_makes_no_key(as_ben: Client) -> None:
    assertNotContains(as_ben.get(CONNECT), "Make a key")

    as_ben.post(CONNECT, {"act": "issue"})

    assert not Key.objects.exclude(role="viewer").exists()


def test_an_outsider_finds_no_snippets(as_cleo: Client) -> None:
    assert as_cleo.get(CONNECT).status_code == 404


def test_the_authoritys_certificate_is_there_for_all_once_there_is_one(
    as_ada: Client, settings: Any, tmp_path: Path
) -> None:
    settings.TUNEBOOK_DATA = tmp_path
    before = Client().get("/ca.pem").status_code
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.pem").write_text("certificate")

    assert (before, Client().get("/ca.pem").content) == (404, b"certificate")
    shown = as_ada.get(CONNECT)
    assertContains(shown, "curl -k -o tunebook-ca.pem http://testserver/ca.pem")
    assert 'ca="tunebook-ca.pem"' in snippets(shown)["pai"]  # this SDK reads no variable of the environment


def test_a_document_is_shown_as_it_came(as_ada: Client, make_experiment: Callable[..., Experiment]) -> None:
    experiment = make_experiment(submitted=SWEEP, dialect="sweep")

    answer = as_ada.get(f"/w/lab/e/{experiment.key}/submitted")

    assertContains(answer, "Azure sweep file")
    shown = re.search(r'id="submitted-document"[^>]*>(.*?)</pre>', answer.content.decode(), re.DOTALL)
    assert shown is not None and unescape(shown[1]).strip() == SWEEP.strip()


@pytest.mark.parametrize(
    ("dialect", "submitted", "words"),
    [
        ("azureml", json.dumps({"properties": {"a": [1]}}), "&quot;a&quot;: [\n"),
        ("hyperdrive", "{not json", "{not json"),
        ("tunebook", "", "It came without a document."),
        ("other", "[1, 2]", "[1, 2]"),
    ],
)
def test_whatever_came_is_shown(
    as_ada: Client, make_experiment: Callable[..., Experiment], dialect: str, submitted: str, words: str
) -> None:
    experiment = make_experiment(submitted=submitted, dialect=dialect)

    assertContains(as_ada.get(f"/w/lab/e/{experiment.key}/submitted"), words)


def test_the_catalog_says_where_an_experiment_came_from(
    as_ada: Client, make_experiment: Callable[..., Experiment]
) -> None:
    make_experiment(dialect="azureml")

    assertContains(as_ada.get("/w/lab/"), ">Azure ML</span>")
