"""The OpenAPI document and its page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.dialects.pai import urls as native
from apps.dialects.tunebook import urls as ours


@pytest.fixture(scope="module")
def document() -> Any:
    return Client().get("/api/schema/?format=json", headers={"accept": "application/json"}).json()


def test_every_address_of_both_apis_is_documented(document: Any) -> None:
    """But for those that only a program calls which the server itself hands out."""
    wanted = {f"/api/automl/{one.pattern}" for one in native.urlpatterns[:-1]}
    wanted |= {f"/api/tunebook/v1/{one.pattern}" for one in ours.urlpatterns[:-1] if one.callback.view_class.schema}

    named = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path in wanted}

    assert named == {path for path in document["paths"] if path.startswith(("/api/automl/", "/api/tunebook/"))}


def test_operations_have_names_words_and_errors(document: Any) -> None:
    operations = [one for methods in document["paths"].values() for one in methods.values()]

    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert "ListHpoExperiments" in names and "CreateExperiment" in names
    assert all(one.get("description") for one in operations)
    assert all({"400", "404"} <= set(one["responses"]) for one in operations)


def test_parameters_are_documented_as_they_are_read(document: Any) -> None:
    listed = document["paths"]["/api/automl/v1/hpo/experiments"]["get"]["parameters"]
    schemas = {one["name"]: one["schema"] for one in listed}

    assert schemas["PageSize"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 10,
        "description": "rows per page",
    }
    assert "NO_MORE_TRIAL" in schemas["Status"]["enum"]
    created = document["paths"]["/api/tunebook/v1/experiments"]["post"]["requestBody"]["content"]
    assert created["application/json"]["schema"]["required"] == ["job"]


@pytest.mark.django_db
def test_the_page_loads_only_from_here() -> None:
    response = Client().get("/api/docs/")

    policy = response.headers["Content-Security-Policy"]
    assert response.status_code == 200
    assert "script-src 'self';" in policy and "http" not in policy
    assert not re.findall(rb'(?:src|href)="(?:https?:)?//', response.content)
