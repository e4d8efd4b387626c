"""A real installation whose web and optimizer are killed while somebody watches."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.optimizer.waiting import until
from tests.running import Running

pytestmark = pytest.mark.slow

ENDED = {"SUCCEEDED", "EARLY_STOPPED"}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "data", "demo", "--port", "0")
    yield running
    running.end()


def signed_in(chromium: Browser, address: str, words: str) -> Page:
    """The page of the sweep, opened with what the demo says of signing in."""
    page = chromium.new_context().new_page()
    page.goto(address)
    name, password = re.search(r"as (\S+) with the password (\S+)", words).groups()
    page.fill("[name=username]", name)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    expect(page.locator("h1")).to_contain_text("digits")
    return page


def trials(address: str, token: str) -> list[dict[str, Any]]:
    base, _, key = address.rstrip("/").partition("/w/demo/e/")
    request = urllib.request.Request(
        f"{base}/api/automl/v1/hpo/experiment/{key}/trials?PageSize=100", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)["Trials"]


def test_killing_web_and_optimizer_costs_nothing_and_the_page_recovers(
    demo: Running, chromium: Browser, tmp_path: Path
):
    address = demo.line("Tunebook is at").split()[-1]
    page = signed_in(chromium, address, demo.line("Sign in as"))
    token = re.search(r"Bearer (\S+?)'", demo.line("curl")).group(1)
    page.evaluate("window.untouched = true")
    until(lambda: sum(one["Status"] in ENDED for one in trials(address, token)) >= 4)

    for child in demo.children().values():
        os.kill(child, signal.SIGKILL)

    expect(page.locator("[data-live-mark]")).not_to_contain_text("Live", timeout=30_000)
    expect(page.locator("[data-live-mark]")).to_contain_text("Live", timeout=60_000)
    expect(page.locator("[data-field=status]").first).to_contain_text("Succeeded", timeout=120_000)
    assert page.evaluate("window.untouched")
    assert [one["Status"] in ENDED for one in trials(address, token)] == [True] * 24
    attempts = list((tmp_path / "data" / "trials").glob("*/*/*"))
    assert len(attempts) == 24, "no trial needed a second attempt"
    page.context.close()
