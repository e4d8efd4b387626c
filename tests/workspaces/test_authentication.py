"""Signing in to the APIs: by token, by signature once, by the session of the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from apps.workspaces import signatures
from apps.workspaces.models import IssuedKey, Key, Member, Nonce, Workspace
from apps.workspaces.signatures import SignedRequest
from tests.people import PASSWORD

PATH = "/api/automl/v1/hpo/experiments"
ME = "/api/tunebook/v1/me"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
Signed = Callable[..., dict[str, str]]


def signed(key: IssuedKey, *, nonce: str = "first", at: datetime | None = None, **more: str) -> dict[str, str]:
    """The headers of a signed GET of the list."""
    headers = {
        "host": "testserver",
        "x-acs-date": (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": EMPTY,
        **more,
    }
    names = tuple(sorted(headers))
    signature = signatures.acs3_signature(SignedRequest("GET", PATH, "", headers), names, key.access_key_secret)
    credential = f"Credential={key.access_key_id},SignedHeaders={';'.join(names)},Signature={signature}"
    return {**headers, "authorization": f"{signatures.ACS3} {credential}"}


def ask(headers: dict[str, str], path: str = PATH) -> tuple[int, str]:
    """Status and code of the answer."""
    sent = {name: text for name, text in headers.items() if name != "host"}
    response = Client(raise_request_exception=False).get(path, headers=sent, HTTP_HOST="testserver")
    body = response.json()
    return response.status_code, body.get("Code") or body.get("error", {}).get("code", "")


def test_a_signature_is_accepted_once(key_ada: IssuedKey) -> None:
    headers = signed(key_ada)

    assert ask(headers) == (200, "")
    assert ask(headers) == (400, "SignatureNonceUsed")
    assert ask(signed(key_ada, nonce="second")) == (200, "")


def test_the_same_nonce_of_another_key_is_another_one(key_ada: IssuedKey, key_ben: IssuedKey) -> None:
    assert ask(signed(key_ada)) == (200, "")
    assert ask(signed(key_ben)) == (200, "")


def test_a_wrong_signature_uses_no_nonce_up(key_ada: IssuedKey) -> None:
    headers = signed(key_ada)
    wrong = {**headers, "authorization": headers["authorization"][:-4] + "0000"}

    assert ask(wrong) == (400, "SignatureDoesNotMatch")
    assert ask(headers) == (200, "")


def test_old_nonces_are_forgotten(key_ada: IssuedKey, monkeypatch: pytest.MonkeyPatch) -> None:
    Nonce.objects.create(key=key_ada.row, value="ancient", at=timezone.now() - timedelta(hours=1))
    monkeypatch.setattr("apps.workspaces.authentication.PURGE_ONE_IN", 1)

    assert ask(signed(key_ada)) == (200, "")
    assert list(Nonce.objects.values_list("value", flat=True)) == ["first"]


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_of_another_time_is_refused(key_ada: IssuedKey, minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)

    assert ask(signed(key_ada, at=at)) == (400, "InvalidTimeStamp.Expired")
    assert Nonce.objects.count() == 0


def test_temporary_credentials_are_refused(key_ada: IssuedKey) -> None:
    headers = signed(key_ada, **{"x-acs-security-token": "sts"})

    assert ask(headers) == (400, "InvalidSecurityToken.Malformed")


def test_an_unknown_key_is_not_found(key_ada: IssuedKey) -> None:
    key_ada.access_key_id = "TBnobody"

    assert ask(signed(key_ada)) == (404, "InvalidAccessKeyId.NotFound")


def revoke(key: IssuedKey) -> None:
    Key.objects.filter(pk=key.row.pk).update(revoked=timezone.now())


def expire(key: IssuedKey) -> None:
    Key.objects.filter(pk=key.row.pk).update(expires=timezone.now() - timedelta(seconds=1))


def deactivate(key: IssuedKey) -> None:
    User.objects.filter(pk=key.row.user_id).update(is_active=False)


@pytest.mark.parametrize("end", [revoke, expire, deactivate])
def test_a_key_that_has_ended_is_refused_in_every_form(key_ada: IssuedKey, end: Callable[[IssuedKey], None]) -> None:
    end(key_ada)

    assert ask(signed(key_ada)) == (403, "InvalidAccessKeyId.Inactive")
    assert ask({"authorization": f"Bearer {key_ada.token}"}) == (404, "InvalidAccessKeyId.NotFound")
    assert ask({"authorization": f"Bearer {key_ada.token}"}, ME) == (401, "unauthenticated")


def test_a_key_of_somebody_who_is_no_member_any_more_sees_nothing(key_ada: IssuedKey, ada: User) -> None:
    Member.objects.filter(user=ada).delete()

    response = Client().get(PATH, headers={"authorization": f"Bearer {key_ada.token}"})

    assert response.json()["TotalCount"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        lambda token: {"authorization": f"Bearer {token}"},
        lambda token: {"authorization": f"bearer {token}"},
        lambda token: {"x-acs-bearer-token": token, "x-acs-signature-type": "BEARERTOKEN"},
    ],
)
def test_a_token_is_accepted_in_every_form(key_ada: IssuedKey, headers: Any) -> None:
    assert ask(headers(key_ada.token)) == (200, "")


@pytest.mark.parametrize("token", ["", "tb_nothing", "x" * 10_000, "é", "a b"])
def test_a_wrong_token_is_refused(key_ada: IssuedKey, token: str) -> None:
    status, code = ask({"authorization": f"Bearer {token}"})

    assert (status, code) == (404, "InvalidAccessKeyId.NotFound")


def test_a_key_narrows_its_user_to_one_workspace_and_role(ada: User, key_ada: IssuedKey, workspace: Workspace) -> None:
    other = Workspace.objects.create(slug="other", name="Other")
    Member.objects.create(workspace=other, user=ada, role="admin")
    viewer = Key.objects.issue(user=ada, workspace=workspace, role="viewer")

    response = Client().get(ME, headers={"authorization": f"Bearer {viewer.token}"})

    assert response.json()["roles"] == {"lab": "viewer"}


def test_a_key_does_not_outgrow_its_user(key_ben: IssuedKey) -> None:
    response = Client().get(ME, headers={"authorization": f"Bearer {key_ben.token}"})

    assert response.json()["roles"] == {"lab": "viewer"}


def test_a_token_tells_when_it_was_used(key_ada: IssuedKey) -> None:
    ask({"authorization": f"Bearer {key_ada.token}"})

    assert Key.objects.get(pk=key_ada.row.pk).last_used is not None


@pytest.fixture
def browser(ada: User) -> Client:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    assert client.login(username="ada", password=PASSWORD)
    return client


def test_the_session_of_the_pages_may_read(browser: Client) -> None:
    assert browser.get(PATH).status_code == 200
    assert browser.get(ME).json()["username"] == "ada"


def test_the_session_changes_nothing_without_its_csrf_token(browser: Client, make_experiment: Any) -> None:
    key = make_experiment().key

    native = browser.put(f"/api/automl/v1/hpo/experiment/{key}/stop")
    ours = browser.post(f"/api/tunebook/v1/experiments/{key}/stop")

    assert (native.status_code, native.json()["Code"]) == (403, "NoPermission")
    assert (ours.status_code, ours.json()["error"]["code"]) == (403, "permission_denied")


def test_the_session_changes_with_its_csrf_token(browser: Client, make_experiment: Any) -> None:
    key = make_experiment().key
    browser.cookies["tunebook_csrf"] = "a" * 32

    response = browser.put(f"/api/automl/v1/hpo/experiment/{key}/stop", headers={"X-CSRFToken": "a" * 32})

    assert response.status_code == 200


def test_a_wrong_credential_is_refused_even_with_a_session(browser: Client) -> None:
    assert browser.get(PATH, headers={"authorization": "Bearer wrong"}).status_code == 404
    assert browser.get(PATH, headers={"authorization": "Basic YTpi"}).status_code == 400


def test_a_token_needs_no_csrf_token(browser: Client, key_ada: IssuedKey, make_experiment: Any) -> None:
    key = make_experiment().key

    response = browser.put(
        f"/api/automl/v1/hpo/experiment/{key}/stop", headers={"authorization": f"Bearer {key_ada.token}"}
    )

    assert response.status_code == 200


def test_nobody_gets_told_how_to_sign_in(db: None) -> None:
    native, ours = Client().get(PATH), Client().get(ME)

    assert (native.status_code, native.json()["Code"]) == (400, "MissingParameter")
    assert (ours.status_code, ours["WWW-Authenticate"]) == (401, "Bearer")
