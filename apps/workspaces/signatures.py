"""Signed requests: what was signed, by which key, and whether it holds.

Pure functions on plain data, for the two signatures that clients of the native API send: ACS3-HMAC-SHA256 and the older ROA one
(HMAC-SHA1, "acs id:signature"). Nothing here knows a database; `authentication.py` looks the key up and remembers the nonce.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, quote

ACS3 = "ACS3-HMAC-SHA256"
WINDOW = timedelta(minutes=15)
LONGEST_NONCE = 128
MOST_QUERY_FIELDS = 1000


class Refused(Exception):
    """The credentials of a request do not hold. `code` is the word of the signing gateway, `status` its HTTP number."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class SignedRequest:
    """What a signature covers. `path` is the raw, still percent-encoded path; header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Claim:
    """Who says to have signed a request, how, and the signature to compare with."""

    key_id: str
    signature: str
    signed_headers: tuple[str, ...]
    nonce: str
    at: datetime
    scheme: str

    def check(self, request: SignedRequest, secret: str) -> None:
        """Refuse when `secret` did not make this signature of `request`; compares in constant time."""
        _SCHEMES[self.scheme](self, request, secret)

    def check_time(self, now: datetime) -> None:
        """Refuse a signature made more than the window before or after `now`."""
        if abs(now - self.at) > WINDOW:
            raise Refused(
                "InvalidTimeStamp.Expired",
                f"the request was signed at {self.at:%Y-%m-%dT%H:%M:%SZ}, more than 15 minutes off",
            )


def read_claim(request: SignedRequest) -> Claim:
    """The claim in the Authorization header, complete but not yet checked. Refuses what cannot be one."""
    header = request.headers.get("authorization", "")
    scheme, _, rest = header.partition(" ")
    if scheme == ACS3:
        return _acs3_claim(request, rest)
    if scheme == "acs":
        return _roa_claim(request, rest)
    raise Refused("IncompleteSignature", f"Authorization: scheme must be {ACS3}, acs or Bearer")


def canonical_query(query: str) -> str:
    """The query as it is signed: read as a form, sorted by name, encoded again with only unreserved characters bare."""
    pairs = sorted(_pairs(query), key=lambda pair: pair[0])
    return "&".join(f"{_encode(name)}={_encode(value)}" for name, value in pairs)


def canonical_request(request: SignedRequest, signed_headers: tuple[str, ...], payload: str) -> str:
    """The text whose hash is signed by ACS3; `payload` is the hex hash of the body."""
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed_headers)
    parts = (request.method, request.path, canonical_query(request.query), headers, ";".join(signed_headers), payload)
    return "\n".join(parts)


def acs3_signature(request: SignedRequest, signed_headers: tuple[str, ...], secret: str) -> str:
    """The hex signature that ACS3-HMAC-SHA256 gives `request` under `secret`."""
    return hmac.new(secret.encode(), _acs3_string(request, signed_headers).encode(), hashlib.sha256).hexdigest()


def roa_signature(request: SignedRequest, secret: str) -> str:
    """The base64 signature that the older ROA scheme gives `request` under `secret`. It does not cover the body."""
    digest = hmac.new(secret.encode(), roa_string(request).encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def roa_string(request: SignedRequest) -> str:
    """The text that the older ROA scheme signs."""
    headers = request.headers
    lines = [request.method, *(headers.get(name, "") for name in ("accept", "content-md5", "content-type", "date"))]
    lines += [f"{name}:{headers[name].strip()}" for name in sorted(headers) if name.startswith("x-acs-")]
    return "\n".join([*lines, _roa_resource(request)])


def _acs3_claim(request: SignedRequest, rest: str) -> Claim:
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if set(parts) != {"Credential", "SignedHeaders", "Signature"} or not all(parts.values()):
        raise Refused("IncompleteSignature", "Authorization: must hold Credential, SignedHeaders and Signature")
    at = _required(request, "x-acs-date")
    try:
        moment = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refused("InvalidTimeStamp.Format", "x-acs-date: must look like 2025-01-02T03:04:05Z") from None
    claim = Claim(
        key_id=parts["Credential"],
        signature=parts["Signature"],
        signed_headers=tuple(parts["SignedHeaders"].lower().split(";")),
        nonce=_nonce(request),
        at=moment,
        scheme=ACS3,
    )
    _require_signed(request, claim.signed_headers)
    return claim


def _require_signed(request: SignedRequest, signed: tuple[str, ...]) -> None:
    must = {"host"} | {name for name in request.headers if name.startswith("x-acs-") or name == "content-type"}
    unsigned = sorted(must.difference(signed))
    if unsigned:
        raise Refused("IncompleteSignature", f"SignedHeaders: must also name {', '.join(unsigned)}")
    absent = sorted(name for name in signed if name not in request.headers)
    if absent:
        raise Refused(
            "IncompleteSignature", f"SignedHeaders: names {', '.join(absent)}, which the request does not carry"
        )


def _roa_claim(request: SignedRequest, rest: str) -> Claim:
    key_id, colon, signature = rest.strip().rpartition(":")
    if not (key_id and colon and signature):
        raise Refused("IncompleteSignature", "Authorization: must look like 'acs AccessKeyId:Signature'")
    if request.headers.get("x-acs-signature-method", "HMAC-SHA1") != "HMAC-SHA1":
        raise Refused("IncompleteSignature", "x-acs-signature-method: must be HMAC-SHA1")
    date = _required(request, "date")
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        raise Refused("InvalidTimeStamp.Format", "date: must look like Thu, 02 Jan 2025 03:04:05 GMT") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Claim(key_id, signature, (), _nonce(request), moment, "acs")


def _check_acs3(claim: Claim, request: SignedRequest, secret: str) -> None:
    payload = _required(request, "x-acs-content-sha256")
    if not _same(payload, hashlib.sha256(request.body).hexdigest()):
        raise Refused("SignatureDoesNotMatch", "x-acs-content-sha256: is not the hash of the body that arrived")
    if not _same(claim.signature, acs3_signature(request, claim.signed_headers, secret)):
        text = _acs3_string(request, claim.signed_headers).replace("\n", " ")
        raise Refused("SignatureDoesNotMatch", f"the signature does not match; the server signed the text: {text}")


def _check_roa(claim: Claim, request: SignedRequest, secret: str) -> None:
    md5 = request.headers.get("content-md5")
    if md5 and not _same(md5, base64.b64encode(hashlib.md5(request.body, usedforsecurity=False).digest()).decode()):
        raise Refused("SignatureDoesNotMatch", "content-md5: is not the hash of the body that arrived")
    if not _same(claim.signature, roa_signature(request, secret)):
        raise Refused("SignatureDoesNotMatch", "the signature does not match what the server computed for this request")


_SCHEMES = {ACS3: _check_acs3, "acs": _check_roa}


def _acs3_string(request: SignedRequest, signed_headers: tuple[str, ...]) -> str:
    payload = hashlib.sha256(request.body).hexdigest()
    text = canonical_request(request, signed_headers, payload)
    return f"{ACS3}\n{hashlib.sha256(text.encode()).hexdigest()}"


def _roa_resource(request: SignedRequest) -> str:
    pairs = sorted(_pairs(request.query), key=lambda pair: pair[0])
    if not pairs:
        return request.path
    return request.path + "?" + "&".join(f"{name}={value}" if value else name for name, value in pairs)


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS)
    except ValueError:
        raise Refused("IncompleteSignature", f"the query must have at most {MOST_QUERY_FIELDS} parameters") from None


def _encode(text: str) -> str:
    return quote(text, safe="-_.~", errors="replace")


def _required(request: SignedRequest, name: str) -> str:
    value = request.headers.get(name, "").strip()
    if not value:
        raise Refused("MissingParameter", f"{name}: this header is missing")
    return value


def _nonce(request: SignedRequest) -> str:
    nonce = _required(request, "x-acs-signature-nonce")
    if len(nonce) > LONGEST_NONCE:
        raise Refused("IncompleteSignature", f"x-acs-signature-nonce: must have at most {LONGEST_NONCE} characters")
    return nonce


def _same(given: str, computed: str) -> bool:
    try:
        return hmac.compare_digest(given.encode("latin-1"), computed.encode("latin-1"))
    except (UnicodeEncodeError, binascii.Error):
        return False
