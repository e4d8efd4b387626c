"""The same job put by several clients at once."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from apps.dialects.azureml.models import ArmJob
from apps.experiments.models import Experiment
from apps.workspaces.models import IssuedKey
from tests.dialects.azureml.conftest import VERSION, a_base
from tests.tunebook.wire.test_azureml import today

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_creates_it_and_the_others_find_it(served: str, key_ada: IssuedKey) -> None:
    path = f"{a_base('lab')}/jobs/sweep?api-version={VERSION}"
    body = json.dumps({"properties": today()})

    def put(_: int) -> int:
        connection = http.client.HTTPConnection(served, timeout=60)
        headers = {"Authorization": f"Bearer {key_ada.token}", "Content-Type": "application/json"}
        connection.request("PUT", path, body, headers)
        status = connection.getresponse().status
        connection.close()
        return status

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(put, range(6)))

    assert statuses == [200] * 5 + [201]
    assert (Experiment.objects.count(), ArmJob.objects.count()) == (1, 1)
