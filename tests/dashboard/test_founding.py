"""The first account of an installation, made in the browser."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.asserts import assertContains, assertRedirects

from apps.workspaces import founding
from apps.workspaces.models import Member, Workspace

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-enough-secret-7"


@pytest.fixture(autouse=True)
def empty_folder(settings: Any, tmp_path: Path) -> Path:
    settings.TUNEBOOK_DATA = tmp_path
    return tmp_path


def account(**given: str) -> dict[str, str]:
    made = {"code": founding.code(), "username": "ada", "password": PASSWORD, "again": PASSWORD, "workspace": "My Lab"}
    return {**made, **given}


def test_the_code_is_kept_for_its_owner_alone(empty_folder: Path) -> None:
    assert founding.code() == founding.code()
    assert stat.S_IMODE((empty_folder / founding.FILE).stat().st_mode) == 0o600


def test_whoever_has_the_code_makes_the_first_account(
    client: Client, empty_folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    welcome = client.get(f"/setup?code={founding.code()}")
    assertContains(welcome, "Welcome to Tunebook")
    assertContains(welcome, "At least 12 characters")
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/setup", account())

    assertRedirects(answer, "/w/my-lab/")
    assert Member.objects.get(user__username="ada", workspace__slug="my-lab").role == "admin"
    assert not (empty_folder / founding.FILE).exists()
    assert Client().get("/setup").status_code == 302
    assert Client().post("/setup", account(username="eve")).status_code == 302
    assert User.objects.count() == 1


def test_a_stranger_without_the_code_makes_nothing(client: Client) -> None:
    assertContains(client.get("/setup"), "Nobody has an account yet", status_code=403)
    assert client.post("/setup", account(code="guess")).status_code == 403
    assertContains(client.get("/login"), "printed an address for the first one")
    assertContains(client.get("/login"), "User name</label>")
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"again": "other"}, "is not the same password"),
        ({"password": "short", "again": "short"}, "too short"),
        ({"username": ""}, "must have 1 to 150 characters"),
        ({"workspace": "!!!"}, "letters or digits"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_what_was_typed_is_kept(
    client: Client, given: dict[str, str], words: str
) -> None:
    answer = client.post("/setup", account(**given))

    assertContains(answer, words, status_code=400)
    assertContains(answer, f'value="{given.get("username", "ada")}"', status_code=400)
    assert not User.objects.exists() and not Workspace.objects.exists()
