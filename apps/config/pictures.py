"""Pictures of pages as a real browser shows them. Playwright and a Chromium are needed for this alone."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.config import testbed

EXPERIMENT = "/w/{slug}/e/{key0}/"
PAGES = {
    "login": "/login",
    "catalog": "/w/{slug}/",
    "catalog-query": "/w/{slug}/?q=tag:team=vision+best<0.2",
    "catalog-nothing": "/w/{slug}/?q=statos:running",
    "overview": EXPERIMENT,
    "readme": "/w/{slug}/e/{key5}/",
    "trials": EXPERIMENT + "trials",
    "analyse": EXPERIMENT + "analyse",
    "curves": EXPERIMENT + "curves",
    "space": EXPERIMENT + "space",
    "replay": EXPERIMENT + "replay?after=40",
    "notes": EXPERIMENT + "notes",
    "experiment-settings": EXPERIMENT + "settings",
    "trial": EXPERIMENT + "t/57",
    "compare": "/w/{slug}/compare?e={key0},{key1},{key2}",
    "compare-many": "/w/{slug}/compare?e={key0},{key1},{key2},{key3},{key4},{key5},{key6}",
    "compare-nothing": "/w/{slug}/compare",
    "compare-trials": "/w/{slug}/compare?t={key0}:57,{key0}:58,{key1}:3",
    "new": "/w/{slug}/new",
    "import": "/w/{slug}/import",
    "general": "/w/{slug}/settings/general",
    "members": "/w/{slug}/settings/members",
    "keys": "/w/{slug}/settings/keys",
    "webhooks": "/w/{slug}/settings/webhooks",
    "optimizers": "/w/{slug}/settings/workers",
    "usage": "/w/{slug}/settings/usage",
    "audit": "/w/{slug}/settings/audit",
    "connect": "/w/{slug}/settings/connect",
    "me": "/me",
    "shared": "/s/{link}",
    "join": "/join/{invitation}",
    "report": "/w/{slug}/e/{key0}/take/report.html",
    "not-found": "/w/{slug}/e/nothing/",
}
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
THEMES: tuple[Any, ...] = ("light", "dark")
STRANGERS = ("login", "shared", "join")
"""Pages that are looked at without signing in."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
STILL = 600  # milliseconds after the last chart was drawn


def missing() -> str:
    """What pictures need and this machine lacks, as a sentence; empty when there is everything."""
    if find_spec("playwright") is None:
        return "Pictures need Playwright, which is not installed: pip install 'tunebook[dev]'"
    if testbed.chromium() is None:
        return "Pictures need a Chromium, and none was found: install one, or name its program in TUNEBOOK_CHROMIUM"
    return ""


@contextmanager
def served() -> Iterator[str]:
    """The product, optimizer and all, over this data folder; its address."""
    line = [sys.executable, str(settings.ROOT / "manage.py"), "up", "--port", "0"]
    server = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        for said in server.stdout:
            if "http://" in said:
                yield said[said.index("http://") :].split()[0].rstrip("/")
                return
        raise RuntimeError("the server ended before it answered")
    finally:
        server.terminate()
        server.wait(timeout=60)
        server.stdout.close()


def take(
    address: str, folder: Path, names: Sequence[str], places: Mapping[str, str], user: str, password: str
) -> Iterator[str]:
    """Take each page in each size and theme; the files' names as they come."""
    api = importlib.import_module("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(testbed.chromium()), args=list(FLAGS))
        for size, (width, height) in SIZES.items():
            for theme in THEMES:
                look = {
                    "viewport": {"width": width, "height": height},
                    "color_scheme": theme,
                    "reduced_motion": "reduce",
                }
                stranger, known = browser.new_context(**look), browser.new_context(**look)
                _sign_in(known.new_page(), address, user, password)
                for name in names:
                    page = (stranger if name in STRANGERS else known).new_page()
                    _open(page, address, PAGES[name].format(**places), folder)
                    file = f"{name}-{size}-{theme}.png"
                    page.screenshot(path=str(folder / file), full_page=True)
                    page.close()
                    yield file
                stranger.close()
                known.close()
        browser.close()


def _sign_in(page: Any, address: str, user: str, password: str) -> None:
    page.goto(f"{address}/login")
    page.fill("[name=username]", user)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/w/**")
    page.close()


def _open(page: Any, address: str, path: str, folder: Path) -> None:
    """Go there and scroll once through, so that every chart has been drawn. A report is opened from a file."""
    if "/take/" in path:
        file = folder / "report.html"
        file.write_bytes(page.request.get(address + path).body())
        page.goto(file.resolve().as_uri())
    else:
        page.goto(address + path)
    charts = page.locator("figure[data-chart]")
    for place in range(charts.count()):
        charts.nth(place).scroll_into_view_if_needed()
        page.wait_for_timeout(STILL / 4)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(STILL)
