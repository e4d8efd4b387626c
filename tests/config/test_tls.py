"""The installation's own authority and certificate, and https as somebody runs it."""

from __future__ import annotations

import re
import ssl
import stat
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from apps.config import tls
from tests.running import Running


def held(found: tls.Files) -> x509.Certificate:
    return x509.load_pem_x509_certificate(found.certificate.read_bytes())


def names(found: tls.Files) -> set[str]:
    has = held(found).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(one.value) for one in has}


def test_a_certificate_is_made_for_this_machine_and_the_names_given(tmp_path: Path) -> None:
    found = tls.ready(tmp_path, ["tune.example.org", "10.0.0.7", "*", ""])

    assert {"localhost", "127.0.0.1", "::1", "tune.example.org", "10.0.0.7"} <= names(found)
    held(found).verify_directly_issued_by(x509.load_pem_x509_certificate(found.ca.read_bytes()))
    ssl.create_default_context(cafile=str(found.ca))


def test_only_its_owner_can_read_the_keys(tmp_path: Path) -> None:
    found = tls.ready(tmp_path)

    for path in found.ca.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or path.name == ".lock"


def test_asked_again_it_is_the_same(tmp_path: Path) -> None:
    first = held(tls.ready(tmp_path)).serial_number

    assert held(tls.ready(tmp_path)).serial_number == first


def test_a_new_name_makes_a_new_certificate_of_the_same_authority(tmp_path: Path) -> None:
    before = tls.ready(tmp_path).ca.read_bytes()

    after = tls.ready(tmp_path, ["tune.example.org"])

    assert "tune.example.org" in names(after)
    assert after.ca.read_bytes() == before


def test_a_certificate_is_made_anew_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "CERTIFICATE_DAYS", 29)
    first = held(tls.ready(tmp_path)).serial_number
    monkeypatch.undo()

    second = held(tls.ready(tmp_path))

    assert second.serial_number != first
    assert second.not_valid_after_utc > datetime.now(UTC) + timedelta(days=300)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Running]:
    Running(tmp_path, "migrate", "-v0").process.communicate(timeout=120)
    running = Running(tmp_path, "serve", "--port", "0", "--tls")
    yield running
    running.end()


@pytest.mark.slow
def test_serve_answers_over_https_and_says_whom_to_trust(serving: Running, tmp_path: Path) -> None:
    said = serving.line("Tunebook is at")
    lines = [serving.line("REQUESTS_CA_BUNDLE"), serving.line("SSL_CERT_FILE")]
    address = re.search(r"https://[^/]+", said)
    trusted = ssl.create_default_context(cafile=str(tls.files(tmp_path).ca))

    with urllib.request.urlopen(f"{address[0]}/healthz", context=trusted, timeout=20) as answer:  # type: ignore[index]
        status = answer.status

    assert status == 200
    assert all(str(tls.files(tmp_path).ca) in line for line in lines)
