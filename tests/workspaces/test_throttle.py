"""Counting sign-ins that failed, for all web processes together."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.workspaces import throttle
from apps.workspaces.models import Failure
from tests.optimizer.processes import ROOT, database_url

pytestmark = pytest.mark.django_db


def test_the_eleventh_try_within_a_minute_waits():
    waits = []
    for _ in range(11):
        waits.append(throttle.seconds_left("name ada", "address 10.0.0.1"))
        throttle.failed("name ada", "address 10.0.0.1")

    assert waits[:10] == [0] * 10
    assert 0 < waits[10] <= 60


def test_one_address_that_tries_many_names_waits_too():
    for number in range(10):
        throttle.failed(f"name {number}", "address 10.0.0.1")

    assert throttle.seconds_left("name eve", "address 10.0.0.1") > 0
    assert throttle.seconds_left("name eve", "address 10.0.0.2") == 0


def test_failures_are_forgotten_after_a_minute():
    throttle.failed(*["name ada"] * 10)
    Failure.objects.update(at=timezone.now() - timedelta(seconds=61))

    left = throttle.seconds_left("name ada")
    throttle.failed("name ben")

    assert left == 0
    assert Failure.objects.count() == 1


def test_the_table_tells_nobody_who_tried_what():
    throttle.failed("name ada")

    assert "ada" not in Failure.objects.get().place


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_failures_in_another_process_count(monkeypatch):
    code = "import django; django.setup(); from apps.workspaces import throttle; throttle.failed(*['name ada'] * 10)"
    monkeypatch.setenv("TUNEBOOK_DATABASE_URL", database_url())
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

    assert throttle.seconds_left("name ada") > 0
