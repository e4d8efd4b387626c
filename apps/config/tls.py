"""A certificate authority of this installation's own, for clients that insist on https where no public name exists."""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_YEARS = 10
CERTIFICATE_DAYS = 397
RENEW_BEFORE = timedelta(days=30)
HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Files:
    """Where the three files lie that a server, and one that its clients, need."""

    ca: Path
    certificate: Path
    key: Path


def files(data: Path) -> Files:
    """Their places below the data folder; they need not be there yet."""
    folder = data / "tls"
    return Files(ca=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server-key.pem")


def ready(data: Path, names: Iterable[str] = ()) -> Files:
    """The files, made where missing: an authority once, a certificate for this machine's names and those given.

    The certificate is made anew a month before it ends, or when a name is asked for that it does not have.
    """
    found = files(data)
    folder = found.ca.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = sorted(
        {*HERE, socket.gethostname(), *(name for name in names if name and not name.startswith(("*", ".")))}
    )
    with open(folder / ".lock", "w") as lock:  # several processes may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        authority_key = folder / "ca-key.pem"
        if not (found.ca.exists() and authority_key.exists()):
            _make_authority(found.ca, authority_key)
            found.certificate.unlink(missing_ok=True)
        if not _serves(found, wanted):
            _make_certificate(found, authority_key, wanted)
    return found


def advice(found: Files) -> str:
    """The two lines that make a user's clients trust this server."""
    return (
        f"  export REQUESTS_CA_BUNDLE={found.ca}   # for clients of Azure and MLflow\n"
        f"  export SSL_CERT_FILE={found.ca}        # for tunebook and curl"
    )


def _make_authority(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Tunebook on {socket.gethostname()}"[:64])])
    draft = _draft(name, name, key.public_key(), timedelta(days=365 * CA_YEARS), key.public_key())
    draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    draft = draft.add_extension(_usage(signs_certificates=True), critical=True)
    _write_key(key_file, key)
    _write(certificate, draft.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _make_certificate(found: Files, authority_key: Path, names: Sequence[str]) -> None:
    authority = x509.load_pem_x509_certificate(found.ca.read_bytes())
    signer = serialization.load_pem_private_key(authority_key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tunebook")])
    life = timedelta(days=CERTIFICATE_DAYS)
    draft = _draft(subject, authority.subject, key.public_key(), life, signer.public_key())
    draft = draft.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    draft = draft.add_extension(_usage(signs_certificates=False), critical=True)
    draft = draft.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    draft = draft.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
    _write_key(found.key, key)
    signed = draft.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    _write(found.certificate, signed + found.ca.read_bytes())


def _draft(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    life: timedelta,
    signer: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of clients may be a little behind
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)


def _serves(found: Files, names: Sequence[str]) -> bool:
    """Is there a certificate that this authority signed, for all these names and long enough?"""
    try:
        held = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        authority = x509.load_pem_x509_certificate(found.ca.read_bytes())
        held.verify_directly_issued_by(authority)
        has = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    in_time = held.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE
    return found.key.exists() and in_time and {_general(name) for name in names} <= set(has)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    _write(path, text)


def _write(path: Path, text: bytes) -> None:
    """The file appears whole, and only its owner can read it."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    os.replace(draft, path)
