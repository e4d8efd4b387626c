"""What Azure's own clients need to speak to a Tunebook server: a credential, and where its services are.

from azure.ai.ml import MLClient
from tunebook.azure import TunebookCredential, cloud_metadata

client = MLClient(
    TunebookCredential("tb_..."), "any", "any", "lab", cloud="Tunebook", cloud_metadata=cloud_metadata("https://tune:8000")
)
"""

import base64
import json
import os
import re
import time
from typing import Any, NamedTuple

from tunebook.client import load_credentials
from tunebook.errors import ClientError

LIFE = 3600
SERVICE = "azureml/audience"
# Azure's machine learning as the one that a token is for: as `cloud_metadata` calls it, or as Azure's own clouds do.
_SERVICE = re.compile(rf"https?://(?:ml\.azure\.[^/]+|.*/{SERVICE})/+\.default")


class AccessToken(NamedTuple):
    """A token and the second until which clients may keep it."""

    token: str
    expires_on: int


class AccessTokenInfo(NamedTuple):
    """The same as newer clients ask for it."""

    token: str
    expires_on: int
    token_type: str = "Bearer"
    refresh_on: int | None = None


class TunebookCredential:
    """A credential for clients of Azure that holds the token of a Tunebook key.

    token: as it was shown when the key was made; left out it comes from TUNEBOOK_API_TOKEN, then from what
    `tunebook login` has stored. Raises ClientError when there is none.
    """

    def __init__(self, token: str | None = None) -> None:
        found = token or os.environ.get("TUNEBOOK_API_TOKEN") or load_credentials().get("token")
        if not found:
            raise ClientError(0, "not_signed_in", "no token known; give one, or run `tunebook login` first")
        self._token = str(found)

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """The token, whatever it is wanted for."""
        return AccessToken(self._for(scopes), int(time.time()) + LIFE)

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """The token, whatever it is wanted for."""
        return AccessTokenInfo(self._for(scopes), int(time.time()) + LIFE)

    def _for(self, scopes: tuple[str, ...]) -> str:
        """The token. A job with a user's identity wants to read in one more whom it is for, and sends that beside it."""
        wanted = next((scope.removesuffix("/.default") for scope in scopes if _SERVICE.match(scope)), None)
        return self._token if wanted is None else f"{_part({'alg': 'none'})}.{_part({'aud': wanted})}."


def _part(document: dict[str, str]) -> str:
    """One part of a JSON web token."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def cloud_metadata(url: str | None = None) -> dict[str, str]:
    """The endpoints of one server, as `MLClient(..., cloud="Tunebook", cloud_metadata=...)` takes them.

    url: address of the server; left out it is that of TUNEBOOK_SERVER, then of `tunebook login`. Streaming, lists of
    trials and code folders need https: the client refuses to send its token for them over http.
    """
    found = url or os.environ.get("TUNEBOOK_SERVER") or load_credentials().get("url")
    if not found:
        raise ClientError(0, "not_signed_in", "no server known; give one, or run `tunebook login` first")
    site = f"{str(found).rstrip('/')}/"
    return {
        "azure_portal": site,
        "resource_manager": site,
        "active_directory": site,
        "aml_resource_id": f"{site}{SERVICE}",
        "storage_endpoint": "tunebook",
        "registry_discovery_endpoint": site,
    }
