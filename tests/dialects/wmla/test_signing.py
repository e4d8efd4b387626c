"""Three ways in, and everybody else stays out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apps.dialects.wmla import signing
from apps.dialects.wmla.models import Logon
from apps.workspaces.models import IssuedKey, Key
from tests.dialects.wmla.conftest import BASE, TASKS, Wmla, a_document, basic
from tests.people import PASSWORD

pytestmark = pytest.mark.django_db
TOKEN_LOGON, SESSION_LOGON = "/auth/v1/logon", "/platform/rest/conductor/v1/auth/logon"


def token_of(name: str, secret: str = PASSWORD) -> str:
    answer = Wmla(Authorization=basic(name, secret)).client.generic(
        "GET", TOKEN_LOGON, b'{"username": "x", "password": "y"}', content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    return str(answer.json()["accessToken"])


def test_a_user_and_a_key_come_in_by_basic(key_ada: IssuedKey) -> None:
    assert Wmla(Authorization=basic("ada")).get(TASKS).status_code == 200
    assert Wmla(Authorization=basic(key_ada.access_key_id, key_ada.access_key_secret)).get(TASKS).status_code == 200


@pytest.mark.parametrize("header", ["X-Auth-Token", "Authorization"])
def test_a_token_comes_in_by_either_header_until_it_is_ended(ada: User, header: str) -> None:
    token = token_of("ada")
    there = Wmla(**{header: token if header == "X-Auth-Token" else f"Bearer {token}"})

    before = there.get(TASKS).status_code
    ended = there.client.post("/auth/v1/logoff").status_code
    after = there.get(TASKS).status_code

    assert (before, ended, after) == (200, 200, 401)


def test_a_key_can_log_on_and_its_own_token_comes_in_too(key_ada: IssuedKey) -> None:
    token = token_of(key_ada.access_key_id, key_ada.access_key_secret)

    assert Wmla(**{"X-Auth-Token": token}).get(TASKS).status_code == 200
    assert Wmla(**{"X-Auth-Token": key_ada.token}).get(TASKS).status_code == 200
    Key.objects.update(revoked=timezone.now())
    assert Wmla(**{"X-Auth-Token": token}).get(TASKS).status_code == 401
    assert Wmla(**{"X-Auth-Token": key_ada.token}).get(TASKS).status_code == 401


def test_a_session_reads_by_its_cookie_and_changes_with_its_csrftoken(ada: User) -> None:
    client = Client()
    logon = client.get(SESSION_LOGON, headers={"Authorization": basic("ada")})
    csrf = logon.json()["csrftoken"]
    name = client.post(
        f"{TASKS}?csrftoken={csrf}", {"data": repr(a_document(modelSpec__args="--user-cmd -- true"))}
    ).json()

    cookie = logon.cookies[signing.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/platform/rest")
    assert client.get(f"{TASKS}/{name}").status_code == 200
    for bad in ("", "?csrftoken=", "?csrftoken=wrong", "?csrftoken=é"):
        refused = client.put(f"{TASKS}/{name}{bad}")
        assert refused.status_code == 403
        assert refused.content.startswith(b"Error 403: csrftoken: ")
    assert client.put(f"{TASKS}/{name}?csrftoken={csrf}").status_code == 200
    assert client.post(f"/platform/rest/conductor/v1/auth/logoff?csrftoken={csrf}").status_code == 200
    assert client.get(TASKS).status_code == 401


def test_a_password_beside_the_cookie_needs_no_csrftoken(ada: User) -> None:
    client = Client(headers={"Authorization": basic("ada")})
    client.get(SESSION_LOGON)

    assert client.delete(TASKS).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": basic("ada", "wrong")},
        {"Authorization": basic("nobody")},
        {"Authorization": basic("", "")},
        {"Authorization": "Basic"},
        {"Authorization": "Basic ????"},
        {"Authorization": "Basic /w=="},
        {"Authorization": basic("ada\0")},
        {"Authorization": basic("x" * 5000)},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer tbs_nothing"},
        {"Authorization": "Digest x"},
        {"X-Auth-Token": "x" * 5000},
        {"X-Auth-Token": "a\0b"},
        {"Cookie": "platform.rest.token=forged"},
    ],
)
@pytest.mark.parametrize(
    "path", [TASKS, f"{BASE}/conf", TOKEN_LOGON, SESSION_LOGON, f"{BASE}/execs", f"{TASKS}/algorithm"]
)
def test_nobody_else_comes_in(ada: User, headers: dict[str, str], path: str) -> None:
    refused = Client(raise_request_exception=False).get(path, headers=headers)

    assert refused.status_code == 401
    assert refused.content.startswith(b"Error 401: ")
    assert refused["WWW-Authenticate"].startswith("Basic")


def test_a_key_with_a_wrong_secret_stays_out(key_ada: IssuedKey) -> None:
    assert Wmla(Authorization=basic(key_ada.access_key_id, "wrong")).get(TASKS).status_code == 401


def test_a_logon_ends_by_its_time_with_the_password_and_with_the_user(ada: User) -> None:
    token = token_of("ada")
    there = Wmla(**{"X-Auth-Token": token})

    Logon.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert there.get(TASKS).status_code == 401

    Logon.objects.update(expires=timezone.now() + timedelta(hours=1))
    assert there.get(TASKS).status_code == 200
    ada.set_password("another horse entirely")
    ada.save()
    assert there.get(TASKS).status_code == 401
    assert Wmla(Authorization=basic("ada")).get(TASKS).status_code == 401

    token = token_of("ada", "another horse entirely")
    User.objects.update(is_active=False)
    assert Wmla(**{"X-Auth-Token": token}).get(TASKS).status_code == 401
    assert Wmla(Authorization=basic("ada", "another horse entirely")).get(TASKS).status_code == 401


def test_too_many_wrong_passwords_have_to_wait(ada: User) -> None:
    wrong = Wmla(Authorization=basic("ada", "wrong"))

    statuses = [wrong.get(TASKS).status_code for _ in range(11)]

    assert statuses == [401] * 10 + [429]
    assert Wmla(Authorization=basic("ada")).get(TASKS).status_code == 429


def test_who_is_known_already_need_not_wait_for_the_errors_of_others(ada: User) -> None:
    right = Wmla(Authorization=basic("ada"))
    right.get(TASKS)
    for _ in range(11):
        Wmla(Authorization=basic("ada", "wrong")).get(TASKS)

    assert right.get(TASKS).status_code == 200


def test_a_password_is_checked_once_and_then_known_for_a_while(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def check(secret: str, stored: str) -> bool:
        checked.append(secret)
        return True

    monkeypatch.setattr(signing, "check_password", check)
    User.objects.filter(username="ada").update(password="md5$fresh$0")

    for _ in range(3):
        assert Wmla(Authorization=basic("ada")).get(TASKS).status_code == 200

    assert checked == [PASSWORD]


def test_nothing_of_a_logon_is_kept_in_clear(ada: User) -> None:
    token = token_of("ada")

    row: Any = Logon.objects.values_list().get()

    assert token not in str(row)
    assert PASSWORD not in str(row)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", f"{BASE}/models/m/hypersearch", 501),
        ("post", f"{BASE}/models/m/hypersearch", 501),
        ("put", f"{BASE}/models/m/hypersearch/t/restart", 501),
        ("get", f"{BASE}/models", 404),
        ("get", f"{BASE}/datasets", 404),
        ("get", f"{BASE}/inferences", 404),
        ("get", "/platform/rest/other", 404),
        ("patch", TASKS, 405),
        ("post", f"{TASKS}/x", 405),
    ],
)
def test_what_is_not_served_says_so_in_one_line(ada: User, method: str, path: str, status: int) -> None:
    answer = getattr(Wmla(Authorization=basic("ada")).client, method)(path)

    assert answer.status_code == status
    assert answer.content.startswith(b"Error %d: " % status)
