"""The two signatures of the native API, against the published test vectors and against tampering."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from apps.workspaces import signatures
from apps.workspaces.signatures import Refused, SignedRequest

EMPTY = hashlib.sha256(b"").hexdigest()
NONCE = "0123456789abcdef0123456789abcdef"
SIGNED_AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
COMMON = {
    "host": "127.0.0.1:8000",
    "accept": "application/json",
    "user-agent": "vector",
    "x-acs-version": "2022-08-28",
    "x-acs-date": "2025-01-02T03:04:05Z",
    "x-acs-signature-nonce": NONCE,
    "x-acs-credentials-provider": "static_ak",
}
LIST_SIGNATURE = "18568ddf48db09ee1265df188599a7a80c55afd9300635349adad85d8d61476e"
CREATE_SIGNATURE = "bd677b72d43afdfe564527e9b0c26b916465982ef80d65fd88a67d1b39468d31"


def listing(**headers: str) -> SignedRequest:
    query = "MinCreateTime=2023-03-31+10%3A29%3A30&Name=a+b%2Bc%2A~%2F%C3%A9&PageNumber=1"
    all_headers = {**COMMON, "x-acs-action": "ListHpoExperiments", "x-acs-content-sha256": EMPTY, **headers}
    return SignedRequest("GET", "/api/automl/v1/hpo/experiments", query, all_headers)


def creation() -> SignedRequest:
    body = '{"Name":"né"}'.encode()
    headers = {
        **COMMON,
        "x-acs-action": "CreateHpoExperiment",
        "content-type": "application/json; charset=utf-8",
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    return SignedRequest("POST", "/api/automl/v1/hpo/experiment", "", headers, body)


def old_listing() -> SignedRequest:
    headers = {
        "host": "127.0.0.1:8000",
        "accept": "application/json",
        "date": "Thu, 02 Jan 2025 03:04:05 GMT",
        "x-acs-signature-method": "HMAC-SHA1",
        "x-acs-signature-version": "1.0",
        "x-acs-signature-nonce": NONCE,
        "x-acs-version": "2022-08-28",
        "x-acs-action": "ListHpoExperiments",
        "x-acs-credentials-provider": "static_ak",
    }
    return SignedRequest("GET", "/api/automl/v1/hpo/experiments", "Name=a+b&PageNumber=2&Status=", headers)


def signed(request: SignedRequest, signature: str, names: tuple[str, ...] | None = None) -> SignedRequest:
    listed = ";".join(names or tuple(sorted(request.headers)))
    header = f"{signatures.ACS3} Credential=AKID,SignedHeaders={listed},Signature={signature}"
    return replace(request, headers={**request.headers, "authorization": header})


def test_the_canonical_query_sorts_and_encodes_again() -> None:
    query = signatures.canonical_query(listing().query)

    assert query == "MinCreateTime=2023-03-31%2010%3A29%3A30&Name=a%20b%2Bc%2A~%2F%C3%A9&PageNumber=1"
    assert signatures.canonical_query("b=&a") == "a=&b="
    assert signatures.canonical_query("") == ""


def test_the_canonical_request_of_the_list_vector_has_the_published_hash() -> None:
    request = listing()

    text = signatures.canonical_request(request, tuple(sorted(request.headers)), EMPTY)

    assert (
        hashlib.sha256(text.encode()).hexdigest() == "b3f9ed8ef5b118ee422f0b72f39a47d974289642a78e4e99aea3ea6d2e3d5179"
    )


@pytest.mark.parametrize(("request_", "signature"), [(listing(), LIST_SIGNATURE), (creation(), CREATE_SIGNATURE)])
def test_a_published_acs3_vector_is_accepted(request_: SignedRequest, signature: str) -> None:
    request = signed(request_, signature)

    claim = signatures.read_claim(request)

    claim.check(request, "SECRET")
    assert (claim.key_id, claim.nonce, claim.at) == ("AKID", NONCE, SIGNED_AT)


def test_the_published_vector_of_the_old_signature_is_accepted() -> None:
    request = old_listing()
    request = replace(request, headers={**request.headers, "authorization": "acs AKID:mV+CnnzhwvocvT5VB1XY4Pbs5IQ="})

    claim = signatures.read_claim(request)

    claim.check(request, "SECRET")
    assert signatures.roa_string(request).endswith("\n/api/automl/v1/hpo/experiments?Name=a b&PageNumber=2&Status")
    assert (claim.key_id, claim.at) == ("AKID", SIGNED_AT)


def test_signing_only_what_is_asked_for_is_enough() -> None:
    request = listing()
    names = tuple(sorted(name for name in request.headers if name == "host" or name.startswith("x-acs-")))
    request = signed(request, signatures.acs3_signature(request, names, "SECRET"), names)

    claim = signatures.read_claim(request)

    claim.check(request, "SECRET")
    assert claim.key_id == "AKID"


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/api/automl/v1/hpo/experiment"},
        {"query": "PageNumber=2"},
        {"body": b"more"},
    ],
)
def test_a_changed_request_no_longer_matches(change: dict[str, object]) -> None:
    request = signed(listing(), LIST_SIGNATURE)
    claim = signatures.read_claim(request)

    with pytest.raises(Refused) as refusal:
        claim.check(replace(request, **change), "SECRET")  # type: ignore[arg-type]

    assert refusal.value.code == "SignatureDoesNotMatch"


def test_a_wrong_secret_does_not_match() -> None:
    request = signed(listing(), LIST_SIGNATURE)

    with pytest.raises(Refused, match="does not match"):
        signatures.read_claim(request).check(request, "OTHER")


def test_a_signature_that_is_no_ascii_text_does_not_match() -> None:
    request = signed(listing(), "é" * 64)

    with pytest.raises(Refused, match="does not match"):
        signatures.read_claim(request).check(request, "SECRET")


@pytest.mark.parametrize("left_out", ["host", "x-acs-date", "x-acs-version", "x-acs-content-sha256"])
def test_an_unsigned_header_that_matters_is_refused(left_out: str) -> None:
    request = listing()
    names = tuple(sorted(name for name in request.headers if name != left_out))
    request = signed(request, signatures.acs3_signature(request, names, "SECRET"), names)

    with pytest.raises(Refused, match=left_out) as refusal:
        signatures.read_claim(request)

    assert refusal.value.code == "IncompleteSignature"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "IncompleteSignature"),
        ("Basic YTpi", "IncompleteSignature"),
        (signatures.ACS3, "IncompleteSignature"),
        (f"{signatures.ACS3} Credential=a,Signature=b", "IncompleteSignature"),
        (f"{signatures.ACS3} Credential=,SignedHeaders=host,Signature=b", "IncompleteSignature"),
        ("acs nothing", "IncompleteSignature"),
        ("ACS3-HMAC-SM3 Credential=a,SignedHeaders=host,Signature=b", "IncompleteSignature"),
    ],
)
def test_an_authorization_that_cannot_be_read_is_refused(authorization: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        signatures.read_claim(listing(authorization=authorization))

    assert refusal.value.code == code


@pytest.mark.parametrize("header", ["x-acs-date", "x-acs-signature-nonce"])
def test_a_missing_header_is_named(header: str) -> None:
    request = listing()
    request = replace(request, headers={name: text for name, text in request.headers.items() if name != header})

    with pytest.raises(Refused, match=header) as refusal:
        signatures.read_claim(signed(request, LIST_SIGNATURE))

    assert refusal.value.code == "MissingParameter"


def test_a_date_of_another_shape_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        signatures.read_claim(signed(listing(**{"x-acs-date": "yesterday"}), LIST_SIGNATURE))

    assert refusal.value.code == "InvalidTimeStamp.Format"


def test_a_signature_holds_fifteen_minutes_either_way() -> None:
    claim = signatures.read_claim(signed(listing(), LIST_SIGNATURE))

    claim.check_time(SIGNED_AT + timedelta(minutes=15))
    claim.check_time(SIGNED_AT - timedelta(minutes=15))
    for late in (timedelta(minutes=15, seconds=1), timedelta(minutes=-15, seconds=-1)):
        with pytest.raises(Refused) as refusal:
            claim.check_time(SIGNED_AT + late)
        assert refusal.value.code == "InvalidTimeStamp.Expired"
