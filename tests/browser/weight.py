"""What a browser that was never here loads for a page, and how much of it a page may load."""

from django.contrib.auth.models import User
from playwright.sync_api import Browser

from tests.browser.site import context_of

MOST_BYTES, MOST_REQUESTS = 70_000, 8
DRAWN = """() => [...document.querySelectorAll("figure[data-src]:not([data-drawn])")].every((figure) => {
  const { top, bottom } = figure.getBoundingClientRect();
  return bottom < 0 || top > innerHeight || !figure.checkVisibility();
})"""
"""Whether every chart in view has been drawn."""


def first_visit(chromium: Browser, site: str, user: User, address: str) -> dict[str, int]:
    """The files of a first visit: path -> bytes on the wire. The numbers of charts count, what other APIs answer does not."""
    context = context_of(chromium, site, user)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    answers: dict[str, str] = {}
    sizes: dict[str, int] = {}
    session.on("Network.responseReceived", lambda one: answers.update({one["requestId"]: one["response"]["url"]}))
    session.on("Network.loadingFinished", lambda one: sizes.update({one["requestId"]: one["encodedDataLength"]}))
    page.goto(address, wait_until="networkidle")
    page.wait_for_function(DRAWN)  # on a slow machine a chart's numbers are asked for after the network has been idle
    context.close()
    found = {url.removeprefix(site): sizes.get(request, 0) for request, url in answers.items() if url.startswith(site)}
    return {path: size for path, size in found.items() if not path.startswith("/api/")}
