"""What a browser that was never here loads for a page, and how much of it a page may load."""

from django.contrib.auth.models import User
from playwright.sync_api import Browser

from tests.browser.site import context_of

MOST_BYTES, MOST_REQUESTS = 70_000, 8


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
    context.close()
    found = {url.removeprefix(site): sizes.get(request, 0) for request, url in answers.items() if url.startswith(site)}
    return {path: size for path, size in found.items() if not path.startswith("/api/")}
