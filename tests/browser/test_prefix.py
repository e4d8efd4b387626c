"""Below a path prefix, as behind a proxy that shares the host with others: nothing is asked for outside of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, Response, expect

from apps.experiments.models import Experiment
from tests.browser.conftest import ROOT, database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PREFIX = "/tune"


@pytest.fixture(scope="module")
def prefixed(django_db_setup: None) -> Iterator[str]:
    """The product below a prefix, serving the test database; the address of its host."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"TUNEBOOK_DATABASE_URL": database_url(), "TUNEBOOK_PATH_PREFIX": PREFIX}
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", "0"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    said = server.stdout.readline()
    assert "http://" in said, said
    yield "/".join(said[said.index("http://") :].split()[0].split("/")[:3])
    server.terminate()
    server.wait(timeout=120)
    server.stdout.close()


def test_a_walk_below_a_prefix_stays_below_it(
    prefixed: str, open_page: Callable[..., Page], ada: User, make_experiment: Callable[..., Experiment]
) -> None:
    make_experiment(name="resnet")
    client = Client()
    client.force_login(ada)
    page = open_page()
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": prefixed}])
    strayed: list[str] = []

    def watch(response: Response) -> None:
        path = response.url.removeprefix(prefixed)
        if response.status >= 400 or not path.startswith(f"{PREFIX}/"):
            strayed.append(f"{response.status} {path}")

    page.on("response", watch)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))

    page.goto(f"{prefixed}{PREFIX}/")
    expect(page).to_have_url(f"{prefixed}{PREFIX}/w/lab/")
    page.get_by_label("Search the catalog").last.fill("name:resnet sta")
    expect(page.get_by_role("option", name="status:")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_label("Search the catalog").last.fill("name:resnet")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Star resnet").click()
    expect(page.get_by_text("1 experiment starred.")).to_be_visible()
    page.locator("summary", has_text="Menu of resnet").click()
    page.get_by_role("link", name="Clone").click()
    expect(page.get_by_role("heading", name="Differences")).to_be_visible()
    page.keyboard.press("Control+K")
    page.keyboard.type("resnet")
    expect(page.get_by_role("dialog").get_by_text("resnet", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("resnet")
    expect(page.locator("[data-live-mark]")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: trials that run go on")).to_be_visible()
    for name in ("Trials", "Analyse", "Curves", "Space", "Settings"):
        page.get_by_role("navigation", name="Parts of the experiment").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("resnet")
    page.goto(f"{prefixed}{PREFIX}/w/lab/settings/keys")
    page.get_by_role("link", name="API explorer").click()
    page.wait_for_load_state()

    assert strayed == []
    assert sockets and all(f"{PREFIX}/ws/live" in address for address in sockets)


def test_who_is_not_signed_in_is_asked_to_below_the_prefix(prefixed: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{prefixed}{PREFIX}/w/lab/?q=x")

    expect(page).to_have_url(f"{prefixed}{PREFIX}/login?next={PREFIX}/w/lab/%3Fq%3Dx")
