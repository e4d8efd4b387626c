"""Chromium and how it is started; and a site of our static files, with pages and data put up by a test."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parents[2] / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; base-uri 'none'"
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OFF = [
    "WebUIOmniboxPopup",  # with each page a process for what would open below the address bar: a third of what a page costs
    "WebUIOmniboxAimPopup",
    # only the last list counts, so here is what matters of Playwright's own
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
]
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(OFF)}",
]


class Stage:
    """A site of the repository's static files, with pages and data put up by the test."""

    def __init__(self) -> None:
        self.shown: dict[str, tuple[str, str]] = {"/favicon.ico": ("image/x-icon", "")}
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, stage=self, directory=str(STATIC)))
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def show(self, body: str, *, path: str = "/page", head: str = "", attributes: str = "") -> str:
        """Put up a page that loads the site's style and scripts; its address."""
        self.shown[path] = (
            "text/html; charset=utf-8",
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'
            f'<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="/css/site.css">'
            f'<script type="module" src="/js/main.js"></script>{head}</head>'
            f'<body {attributes}><main class="page">{body}</main></body></html>',
        )
        return self.address + path

    def answer(self, path: str, data: Any) -> None:
        """Answer a path with JSON."""
        self.shown[path] = ("application/json", json.dumps(data))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, stage: Stage, **options: Any) -> None:
        self.stage = stage
        super().__init__(*arguments, **options)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.stage.asked.append(self.path)
        if path not in self.stage.shown:
            super().do_GET()
            return
        kind, text = self.stage.shown[path]
        body = text.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-security-policy", POLICY)
        self.end_headers()
        self.wfile.write(body)
