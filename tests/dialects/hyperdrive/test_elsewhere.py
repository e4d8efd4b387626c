"""A run of HyperDrive as the other faces show it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apps.workspaces.models import IssuedKey, Workspace
from tests.dialects.hyperdrive.conftest import HyperDrive
from tests.tunebook.wire.test_hyperdrive import a_document

BANDIT = {"name": "Bandit", "properties": {"slack_factor": 0.1}}


@pytest.mark.parametrize("address", ["/api/automl/v1/hpo/experiment/{}", "/api/tunebook/v1/experiments/{}"])
def test_it_is_told_by_the_other_apis(ada_there: HyperDrive, key_ada: IssuedKey, address: str) -> None:
    run = ada_there.create(a_document(policy_config=BANDIT)).body["result"]["hyperdrive_run_id"]

    answer = Client(headers={"Authorization": f"Bearer {key_ada.token}"}).get(address.format(run))

    assert answer.status_code == 200


def test_its_page_is_shown(ada_there: HyperDrive, ada: User, workspace: Workspace) -> None:
    run = ada_there.create(a_document(policy_config=BANDIT)).body["result"]["hyperdrive_run_id"]
    browser = Client()
    browser.force_login(ada)

    for page in (f"/w/{workspace.slug}/", f"/w/{workspace.slug}/e/{run}/", f"/w/{workspace.slug}/e/{run}/trials"):
        assert browser.get(page).status_code == 200, page
