"""The credential and the cloud for Azure's own clients."""

import base64
import json

import pytest

from tunebook import ClientError
from tunebook.azure import TunebookCredential, cloud_metadata


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("TUNEBOOK_SERVER", raising=False)
    monkeypatch.delenv("TUNEBOOK_API_TOKEN", raising=False)


@pytest.mark.parametrize("scope", ["https://tune:8000//.default", "https://tune/azureml/.default", ""])
def test_the_token_is_the_one_of_the_key(scope):
    credential = TunebookCredential("tb_1")

    assert credential.get_token(scope).token == credential.get_token_info(scope).token == "tb_1"


@pytest.mark.parametrize("resource", [cloud_metadata("https://tune/x")["aml_resource_id"], "https://ml.azure.com"])
def test_for_the_service_itself_it_only_says_whom_it_is_for(resource):
    token = TunebookCredential("tb_1").get_token(f"{resource}/.default").token

    head, body, signature = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(body + "==")) == {"aud": resource}
    assert (json.loads(base64.urlsafe_b64decode(head + "==")), signature) == ({"alg": "none"}, "")


def test_without_a_server_or_a_token_it_says_how_to_sign_in():
    for call in (TunebookCredential, cloud_metadata):
        with pytest.raises(ClientError, match="tunebook login"):
            call()
