"""The accessibility rules of axe, held in both themes."""

import json
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

BROKEN_ONLY = {"resultTypes": ["violations"]}  # working out what else it has looked at takes longer than looking
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def problems(page: Page) -> list[str]:
    """What axe finds, each with the first element that shows it."""
    return _found(page, {})


def problems_in_both_themes(page: Page) -> list[str]:
    """What axe finds in the light theme, and of colours in the dark one: no other rule looks at them."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    light = _found(page, {})
    page.emulate_media(color_scheme="dark")
    return [*light, *(f"dark: {text}" for text in _found(page, COLOURS))]


def _found(page: Page, options: dict[str, Any]) -> list[str]:
    found = Axe().run(page, options={**BROKEN_ONLY, **options}).response["violations"]
    return [f"{one['id']}: {one['help']} {json.dumps(one['nodes'][0]['html'])[:200]}" for one in found]
