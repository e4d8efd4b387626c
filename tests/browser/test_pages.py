"""Every page in a real browser: accessible in both themes, light, within its policy, and fit for a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser

from apps.artifacts import artifacts, remarks
from apps.experiments.models import Experiment
from apps.trials.models import Measurement, Trial
from apps.tuning import asking, drafts, trash
from apps.workspaces.access import Actor, actor_of_user
from apps.workspaces.models import Workspace
from tests.browser.accessibility import problems_in_both_themes
from tests.browser.site import context_of
from tests.browser.weight import MOST_BYTES, MOST_REQUESTS, first_visit
from tests.dashboard.trials import with_trials

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = {
    "sign-in": "/login",
    "what can be asked": "/w/lab/help/search",
    "catalog, starred": "/w/lab/?q=is:starred+or+(tag:vision+-status:failed)",
    "queue a trial": "/w/lab/e/{key}/queue",
    "catalog": "/w/lab/",
    "catalog, wrong query": "/w/lab/?q=statos:x+best<low",
    "catalog, nothing found": "/w/lab/?q=zzz",
    "catalog, empty": "/w/empty/",
    "trash": "/w/lab/trash",
    "overview": "/w/lab/e/{key}/",
    "overview, no trials": "/w/lab/e/{bare}/",
    "trials": "/w/lab/e/{key}/trials",
    "analyse": "/w/lab/e/{key}/analyse",
    "curves": "/w/lab/e/{key}/curves",
    "space": "/w/lab/e/{key}/space?edit",
    "replay": "/w/lab/e/{key}/replay?after=3",
    "logs": "/w/lab/e/{key}/logs",
    "settings": "/w/lab/e/{key}/settings",
    "submitted": "/w/lab/e/{key}/submitted",
    "trial": "/w/lab/e/{key}/t/0",
    "failed trial": "/w/lab/e/{key}/t/2",
    "files": "/w/lab/e/{key}/t/0/files",
    "file, a table": "/w/lab/e/{key}/t/0/files/outputs/curve.csv",
    "file, a text": "/w/lab/e/{key}/t/0/files/outputs/a-long-name-that-a-phone-has-no-room-for-in-one-line.txt",
    "file, a picture": "/w/lab/e/{key}/t/0/files/plot.gif",
    "new": "/w/lab/new",
    "clone": "/w/lab/new?from={key}",
    "members": "/w/lab/settings/members",
    "keys": "/w/lab/settings/keys",
    "connect": "/w/lab/settings/connect",
    "general": "/w/lab/settings/general",
    "optimizers": "/w/lab/settings/workers",
    "usage": "/w/lab/settings/usage",
    "me": "/me",
    "not found": "/w/lab/e/nothing/",
    "somebody else's, or nobody's": "/w/elsewhere/",
    "a role too small": "/w/reading/new",
}
PICTURE = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


@pytest.fixture
def shelf(
    make_experiment: Callable[..., Experiment],
    actor_ada: Actor,
    ada: User,
) -> dict[str, str]:
    """A workspace with something of everything; the keys that addresses need."""
    one = make_experiment(name="resnet-cifar", tags=[("vision", ""), ("team", "search")], description="What it is for.")
    statuses = ["FINISHED", "RUNNING", "FAILED", "EARLY_STOPPED", "CREATED", "WAITING", "UNKNOWN", "USER_CANCELED"]
    trials = with_trials(one, *statuses, "SYS_CANCELED", reason="exit code 1")
    for trial in trials[:4]:
        rows = [Measurement(trial=trial, name="loss", step=step, value=1 / (step + 1)) for step in range(20)]
        Measurement.objects.bulk_create(rows)
        Trial.objects.filter(pk=trial.pk).update(value_count=20, last_step=19, last_value=0.05)
    left = {
        "outputs/curve.csv": b"step,loss\n1,0.5\n",
        "outputs/a-long-name-that-a-phone-has-no-room-for-in-one-line.txt": b"notes\n" * 9,
        "plot.gif": PICTURE,
    }
    for path, content in left.items():
        artifacts.add(one, trials[0], path, content)
    remarks.write(trials[0], 1, remarks.PARAM, {"schedule": "cosine with warm restarts " * 9})
    bare = make_experiment(name="not begun", start=False, accessibility="PRIVATE")
    trash.delete(actor_ada, make_experiment(name="thrown away"))
    ada.memberships.create(workspace=Workspace.objects.create(slug="empty", name="An empty shelf"), role="admin")
    ada.memberships.create(workspace=Workspace.objects.create(slug="reading", name="To look at"), role="viewer")
    asking.ask(actor_of_user(User.objects.create_user("ben")), "lab", role="member", note="to queue trials of my own")
    drafts.keep(actor_ada, one.workspace, "name=half&space-TOTAL_FORMS=1&space-INITIAL_FORMS=0&space-0-name=lr")
    return {"key": one.key, "bare": bare.key}


@pytest.mark.slow
def test_no_page_breaks_an_accessibility_rule(chromium: Browser, site: str, ada: User, shelf: dict[str, str]) -> None:
    context = context_of(chromium, site, ada)
    strangers = context_of(chromium, site, None)
    known, unknown = context.new_page(), strangers.new_page()
    found: dict[str, list[str]] = {}

    for name, address in PAGES.items():
        page = unknown if name == "sign-in" else known
        page.emulate_media(color_scheme="light")
        page.goto(address.format(**shelf))
        found[name] = problems_in_both_themes(page)

    context.close()
    strangers.close()
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.slow
def test_a_phone_shows_all_columns_of_a_trial(chromium: Browser, site: str, ada: User, shelf: dict[str, str]) -> None:
    context = context_of(chromium, site, ada, viewport={"width": 390, "height": 844})
    page = context.new_page()

    page.goto(f"/w/lab/e/{shelf['key']}/t/3")
    tables = page.locator(".table-scroll:visible")
    cut = tables.evaluate_all(
        "all => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.ariaLabel)"
    )

    assert tables.count() >= 3
    assert cut == []
    context.close()


@pytest.mark.slow
def test_no_page_is_wider_than_a_phone_or_breaks_the_content_policy(
    chromium: Browser, site: str, ada: User, shelf: dict[str, str]
) -> None:
    context = context_of(chromium, site, ada, viewport={"width": 390, "height": 844})
    complaints: list[str] = []
    wide: dict[str, int] = {}

    for name, address in PAGES.items():
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if "Policy" in message.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address.format(**shelf))
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0:
            wide[name] = over
        page.close()

    context.close()
    assert wide == {}
    assert complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["catalog", "overview", "trials", "curves", "trial", "new", "keys"])
def test_a_first_visit_is_light(chromium: Browser, site: str, ada: User, shelf: dict[str, str], name: str) -> None:
    loaded = first_visit(chromium, site, ada, PAGES[name].format(**shelf))

    assert len(loaded) <= MOST_REQUESTS, loaded
    assert sum(loaded.values()) <= MOST_BYTES, loaded


def test_the_style_sheet_keeps_its_budget(collected: Path, site: str) -> None:
    (sheet,) = collected.glob("css/site.*.css.br")

    assert sheet.stat().st_size <= 10_000


def test_a_catalog_works_without_scripts(chromium: Browser, site: str, ada: User, shelf: dict[str, str]) -> None:
    context = context_of(chromium, site, ada, java_script_enabled=False)
    page = context.new_page()

    page.goto("/w/lab/")
    page.get_by_role("columnheader", name="Experiment").get_by_role("link").click()
    page.get_by_label("Search the catalog").last.fill("resnet")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("Tick resnet-cifar").check()
    page.get_by_role("button", name="Pause").click()

    assert "sort=name" in page.url
    assert "q=resnet" in page.url
    assert page.get_by_text("1 experiment paused.").is_visible()
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["מודל " * 40, "model " * 40], ids=["Hebrew", "English"])
def test_a_name_too_long_for_the_catalog_shows_how_it_begins(
    signed_in, ada: User, make_experiment, width: int, name: str
) -> None:
    make_experiment(name=name.strip())

    page = signed_in(ada, "/w/lab/", viewport={"width": width, "height": 800})

    first, cell = page.locator(".experiments .name a").first.evaluate(
        "(link) => { const range = new Range(); range.setStart(link.firstChild, 0); range.setEnd(link.firstChild, 1);"
        " const sides = (box) => [box.left, box.right];"
        " return [sides(range.getBoundingClientRect()), sides(link.closest('.name').getBoundingClientRect())]; }"
    )
    assert cell[0] <= first[0] < first[1] <= cell[1] + 1
