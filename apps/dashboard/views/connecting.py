"""How to reach this workspace from a program: snippets with this server's address, and a key made for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render as render_template
from django.urls import get_script_prefix, reverse
from django.views.decorators.http import require_GET

from apps.dashboard.views.frame import Place
from apps.tuning import people
from apps.workspaces.models import IssuedKey
from tunebook.errors import SpecError

PLACEHOLDER = "YOUR-TOKEN"
KEY_PLACEHOLDERS = ("YOUR-KEY-ID", "YOUR-KEY-SECRET")
DAYS = 90
ANY = "00000000-0000-0000-0000-000000000000"
NAMES = (
    ("shell", "Command line"),
    ("package", "tunebook in Python"),
    ("curl", "curl"),
    ("mlclient", "Azure ML client (MLClient)"),
    ("arm", "ARM jobs by curl"),
    ("hyperdrive", "HyperDrive client"),
    ("pai", "PAI SDK"),
    ("wmla", "WMLA by HTTP"),
    ("mlflow", "MLflow client"),
)


@dataclass(frozen=True)
class Snippet:
    """A piece of a program; `name` is also its template's."""

    name: str
    words: str
    text: str


def connect(request: HttpRequest, place: Place, issued: IssuedKey | None = None) -> dict[str, Any]:
    """What the section shows; with a key just made, its token stands in every snippet."""
    server = request.build_absolute_uri(get_script_prefix()).rstrip("/")
    protocol, _, endpoint = server.partition("://")
    key_id, key_secret = (issued.access_key_id, issued.access_key_secret) if issued else KEY_PLACEHOLDERS
    known = {
        "server": server,
        "protocol": protocol.upper(),
        "endpoint": endpoint,
        "token": issued.token if issued else PLACEHOLDER,
        "key_id": key_id,
        "key_secret": key_secret,
        "slug": place.workspace.slug,
        "is_tls": request.is_secure(),
        "authority": request.build_absolute_uri(reverse("dashboard:authority")) if authority().is_file() else "",
        "subscription": ANY,
    }
    snippets = [Snippet(name, words, _text(request, name, known)) for name, words in NAMES]
    return {"snippets": snippets, "issued": issued, "may_issue": place.may("create"), **known}


def issue(request: HttpRequest, place: Place) -> IssuedKey | None:
    """A key of the smallest role that may run experiments, for 90 days; None with a message where that is refused."""
    try:
        return people.issue_key(place.actor, place.workspace, role="member", name="connect", days=DAYS)
    except SpecError as error:
        messages.error(request, f"Not done: {error.path} {error.message}.")
        return None


def authority() -> Path:
    """The certificate of this installation's own authority; there is none where it never served https itself."""
    return Path(settings.TUNEBOOK_DATA) / "tls" / "ca.pem"


@require_GET
def authority_file(request: HttpRequest) -> HttpResponse:
    """The authority's certificate, for clients that shall trust this server. It is public."""
    try:
        text = authority().read_bytes()
    except OSError:
        raise Http404 from None
    return HttpResponse(text, content_type="application/x-pem-file", headers={"Cache-Control": "no-cache"})


def _text(request: HttpRequest, name: str, known: dict[str, Any]) -> str:
    rendered = render_template(request, f"workspaces/connect/{name}.txt", known)
    return str(rendered.content.decode()).strip("\n")
