"""Pages that follow a running experiment: numbers change in place, and nothing else moves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from apps.experiments.models import Experiment
from apps.feed.models import Event, Timeline
from apps.tuning import experiments
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tests.browser.sweep import Sweep, address, is_live
from tests.people import a_job
from tunebook import disk
from tunebook.limits import Limits

pytestmark = pytest.mark.django_db(transaction=True)

WATCH_SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            window.shifts.push([entry.value, ...entry.sources.map((source) => source.node?.outerHTML?.slice(0, 120) ?? "?")]);
        }
    }).observe({ type: "layout-shift" });
}"""


@pytest.fixture
def sweep(make_experiment: Callable[..., Any]) -> Sweep:
    job = a_job(limits=Limits(max_trials=1000, max_concurrent=1000))
    return Sweep(make_experiment(job=job, name="resnet"))


def test_two_hundred_trials_change_numbers_and_move_nothing(signed_in, ada: User, sweep: Sweep):
    for number in sweep.begin(40):
        sweep.report(number, 1, 1.0)
    page: Page = signed_in(ada, address(sweep, "trials?col=last&col=step"))
    is_live(page)
    documents: list[str] = []
    page.on("request", lambda request: documents.append(request.url) if request.resource_type == "document" else None)
    page.mouse.wheel(0, 400)
    page.wait_for_function("() => scrollY > 0")
    page.locator("tbody [data-tick]").nth(12).focus()
    page.evaluate("() => getSelection().selectAllChildren(document.querySelector('h1'))")
    page.evaluate(WATCH_SHIFTS)
    before = page.evaluate("() => [scrollY, document.activeElement.value, String(getSelection())]")

    for start in range(0, 160, 20):
        for number in sweep.begin(20):
            sweep.report(number, 1, 1 / (number + 1))
            sweep.end(number, code=number % 7 == 0)
        sweep.report(30 + start // 20, 2, 0.125 + start)

    counts = page.locator('[data-object^="experiment:"] [data-field="ended"]').first
    expect(counts).to_have_text("160")
    expect(page.locator(f'[data-object="trial:{sweep.lease.key}:37"] [data-field="last_value"]')).to_have_text("140.1")
    expect(page.get_by_role("button", name="160 new · show")).to_be_visible()
    assert page.evaluate("() => [scrollY, document.activeElement.value, String(getSelection())]") == before
    assert page.evaluate("() => window.shifts") == []
    assert documents == []
    assert page.locator("tbody tr").count() <= 50


def test_an_overview_follows_without_moving(signed_in, ada: User, sweep: Sweep):
    page: Page = signed_in(ada, address(sweep))
    is_live(page)
    page.evaluate(WATCH_SHIFTS)

    numbers = sweep.begin(3)
    running = page.locator("#now tr[data-object]")
    expect(running).to_have_count(3)
    curve = running.first.locator("svg[data-curve] polyline")
    expect(curve).to_have_attribute("points", "")
    for step, loss in enumerate((0.9, 0.7, 0.8)):
        sweep.report(numbers[0], step, loss)
    expect(curve).to_have_attribute("points", "0.0,1.0 40.0,19.0 80.0,10.0")
    expect(running.first.locator('[data-field="last_value"]')).to_have_text("0.8")
    for number in numbers:
        sweep.report(number, 3, 0.5 - number / 10)
        sweep.end(number)

    expect(running).to_have_count(0)
    head = page.locator('[data-object^="experiment:"]').first
    expect(head.locator('[data-field="best"]').first).to_have_text("0.3")
    expect(head.locator('[data-field="counts.FINISHED"]')).to_have_text("3")
    expect(head.locator('[data-field="status"]')).to_have_text("Running")
    assert page.evaluate("() => window.shifts") == []


def test_the_best_trial_in_the_header_is_linked_from_the_first_on(signed_in, ada: User, sweep: Sweep):
    sweep.begin(2)
    page: Page = signed_in(ada, address(sweep, "trials"))
    is_live(page)
    link = page.locator("a[data-best-href]")
    expect(link).to_be_hidden()

    for number, loss in ((0, 0.5), (1, 0.25)):
        sweep.report(number, 1, loss)
        sweep.end(number)

        expect(link).to_have_text(f"trial {number}")
        expect(link).to_have_attribute("href", address(sweep, f"t/{number}"))


def test_a_row_of_the_catalog_follows_its_experiment(signed_in, ada: User, sweep: Sweep, make_experiment):
    page: Page = signed_in(ada, "/w/lab/")
    is_live(page)
    row = page.locator(f'[data-object="experiment:{sweep.lease.key}"]')

    sweep.begin(2)
    sweep.report(0, 1, 0.25)
    sweep.end(0)
    make_experiment(name="another")

    expect(row.locator('[data-field="status"]')).to_have_text("Running")
    expect(page.get_by_role("button", name="1 new · show")).to_be_visible()


def test_empty_lists_offer_what_comes_first(signed_in, ada: User, workspace: Workspace, make_experiment):
    page: Page = signed_in(ada, "/w/lab/")
    is_live(page)
    expect(page.get_by_role("heading", name="See it run")).to_be_visible()

    sweep = Sweep(make_experiment(job=a_job(), name="resnet"))
    page.get_by_role("button", name="1 new · show").click()
    page.get_by_role("link", name="resnet").click()
    page.get_by_role("link", name="Trials").click()
    expect(page.get_by_role("heading", name="No trials yet")).to_be_visible()
    is_live(page)
    sweep.begin()
    page.get_by_role("button", name="1 new · show").click()

    expect(page.get_by_role("table", name="Trials of resnet")).to_be_visible()


def test_a_value_reaches_the_page_of_its_trial(signed_in, ada: User, sweep: Sweep):
    sweep.begin()
    page: Page = signed_in(ada, address(sweep, "t/0"))
    is_live(page)

    sweep.report(0, 1, 0.123456)

    value = page.locator('[data-field="last_value"]').first
    expect(value).to_have_text("0.1235")
    expect(value).to_have_attribute("title", "0.123456")


def test_the_page_of_a_trial_that_ends_says_why_and_offers_to_restart_it(signed_in, ada: User, sweep: Sweep):
    sweep.begin(2)
    page: Page = signed_in(ada, address(sweep, "t/0"))
    is_live(page)
    expect(page.get_by_role("button", name="Restart as new")).to_be_disabled()

    sweep.end(0, code=3)

    expect(page.get_by_role("button", name="Restart as new")).to_be_enabled()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.locator(".notice")).to_contain_text("exited with status 3")
    expect(page.locator("#attempts")).to_contain_text("exit 3")
    expect(page.locator("summary", has_text="Exclude")).to_be_visible()


def notice_for_another_tab(page: Page) -> None:
    """Do something as another tab does that has not been shown yet what came of it."""
    page.evaluate("""async () => {
        const form = document.querySelector("#acts");
        const body = new URLSearchParams({ csrfmiddlewaretoken: form.csrfmiddlewaretoken.value, act: "restart" });
        await fetch(form.action, { method: "POST", body, redirect: "manual" });
    }""")


def test_a_refresh_leaves_notices_to_the_tab_that_is_to_show_them(signed_in, ada: User, sweep: Sweep):
    sweep.begin(2)
    page: Page = signed_in(ada, address(sweep, "t/0"))
    is_live(page)
    notice_for_another_tab(page)

    sweep.end(0, code=3)
    expect(page.get_by_role("button", name="Restart as new")).to_be_enabled()
    page.goto(page.url.replace("/t/0", "/t/1"))

    expect(page.get_by_role("alert")).to_contain_text("Not started again")


def test_controls_follow_what_somebody_else_asked_for(signed_in, ada: User, actor_ada: Actor, sweep: Sweep):
    sweep.begin()
    one = Experiment.objects.get(key=sweep.lease.key)
    page: Page = signed_in(ada, address(sweep, "trials"))
    is_live(page)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()

    experiments.pause(actor_ada, one)

    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    experiments.stop(actor_ada, one)
    expect(page.locator("#controls")).to_contain_text("It is being stopped.")
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)


def test_a_menu_stays_open_when_its_refresh_was_on_the_way(signed_in, ada: User, actor_ada: Actor, sweep: Sweep):
    sweep.begin()
    one = Experiment.objects.get(key=sweep.lease.key)
    page: Page = signed_in(ada, address(sweep, "trials"))
    is_live(page)
    held: list[Route] = []
    page.route(re.compile("/part/controls"), lambda route: route.continue_() if held else held.append(route))
    experiments.pause(actor_ada, one)
    with page.expect_request(re.compile("/part/controls")):
        pass
    stop = page.locator("#controls summary", has_text="Stop")
    stop.click()

    with page.expect_response(re.compile("/part/controls")):
        held[0].continue_()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    expect(page.get_by_role("button", name="Stop now")).to_be_visible()
    page.get_by_role("heading", name="resnet").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


class Cable:
    """The websocket's way to the server, which a test can cut and mend."""

    def __init__(self, page: Page) -> None:
        self.whole = True
        self.sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/live"), self.plug)

    def plug(self, socket: WebSocketRoute) -> None:
        if self.whole:
            socket.connect_to_server()
            self.sockets.append(socket)
        else:
            socket.close(code=1012)

    def cut(self) -> None:
        self.whole = False
        for socket in self.sockets:
            socket.close(code=1012)

    def mend(self) -> None:
        self.whole = True


def test_words_say_that_the_connection_is_away_and_the_page_catches_up(signed_in, ada: User, sweep: Sweep):
    sweep.begin()
    cables: list[Cable] = []
    page: Page = signed_in(ada, address(sweep, "t/0"), before=lambda page: cables.append(Cable(page)))
    is_live(page)
    words = page.locator("[data-live-words]")

    cables[0].cut()
    expect(words).to_have_text(re.compile(r"Reconnecting in \d+ s"))
    sweep.report(0, 1, 0.75)
    cables[0].mend()

    expect(page.locator('[data-field="last_value"]').first).to_have_text("0.75", timeout=30_000)
    expect(words).to_have_text("Live")


def test_paused_updates_stay_away_until_they_are_asked_for_again(signed_in, ada: User, sweep: Sweep):
    (number,) = sweep.begin(1)
    page: Page = signed_in(ada, address(sweep))
    is_live(page)
    step = page.locator('#now tr[data-object] [data-field="step"]')

    page.locator(".topbar details[data-menu]:has([data-live-toggle]) > summary").click()
    toggle = page.locator("[data-live-toggle]")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-live-mark]")).not_to_have_attribute("data-state", "live")
    other = page.context.new_page()
    other.goto(page.url)
    is_live(other)
    sweep.report(number, 7, 0.5)
    expect(other.locator('#now tr[data-object] [data-field="step"]')).to_have_text("7")
    expect(step).to_have_text("–")

    toggle.click()
    is_live(page)
    expect(step).to_have_text("7")


def test_a_hidden_page_counts_in_its_title_and_catches_up_when_looked_at(signed_in, ada: User, sweep: Sweep):
    page: Page = signed_in(ada, address(sweep, "t/0") if sweep.begin() else "")
    is_live(page)
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""

    page.evaluate(hide, True)
    sweep.report(0, 1, 0.75)
    sweep.end(0)
    page.wait_for_function("() => document.title.startsWith('(')")
    untouched = page.locator('[data-field="value"]').first.text_content()
    page.evaluate(hide, False)

    assert untouched == "–"
    expect(page.locator('[data-field="value"]').first).to_have_text("0.75")  # its last one goes when its rank comes
    page.wait_for_function("() => !document.title.startsWith('(')")


def test_without_a_websocket_the_page_says_so_and_asks_every_ten_seconds(signed_in, ada: User, sweep: Sweep):
    sweep.begin()
    no_sockets = """
        window.WebSocket = class extends EventTarget {
            constructor() { super(); setTimeout(() => this.dispatchEvent(new CloseEvent("close", { code: 1006 })), 0); }
            close() {}
        };
        window.WebSocket.OPEN = 1;
    """
    page: Page = signed_in(
        ada, address(sweep, "t/0"), before=lambda page: (page.clock.install(), page.add_init_script(no_sockets))
    )
    words = page.locator("[data-live-words]")
    page.clock.run_for(300)
    expect(words).to_have_text(re.compile(r"Reconnecting in \d+ s"))

    sweep.report(0, 1, 0.75)
    page.clock.run_for(11_000)

    expect(page.locator('[data-field="last_value"]').first).to_have_text("0.75")


def test_a_page_whose_cursor_is_too_old_fills_itself_in_again(signed_in, ada: User, sweep: Sweep):
    sweep.begin()
    cables: list[Cable] = []
    page: Page = signed_in(ada, address(sweep, "t/0"), before=lambda page: cables.append(Cable(page)))
    is_live(page)
    cables[0].cut()
    expect(page.locator("[data-live-mark]")).to_have_attribute("data-state", "waiting")
    sweep.report(0, 1, 0.75)
    Event.objects.filter(stream=f"exp:{sweep.lease.key}").delete()
    Timeline.objects.update(feed_id="restored")
    page.evaluate("() => { window.still = true; }")
    notice_for_another_tab(page)

    cables[0].mend()

    expect(page.locator('[data-field="last_value"]').first).to_have_text("0.75", timeout=30_000)
    assert page.evaluate("() => window.still")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("Not started again")


def test_signing_out_in_one_window_is_said_in_the_other_at_once(signed_in, open_page, ada: User, sweep: Sweep):
    sweep.begin()
    page: Page = signed_in(ada, address(sweep, "t/0"))
    is_live(page)
    other = page.context.new_page()
    other.goto(page.url)

    other.get_by_text("ada menu").click()
    other.get_by_role("button", name="Sign out").click()

    expect(page.locator("[data-live-words]")).to_have_text("Signed out")
    expect(page.get_by_role("alert")).to_contain_text("Sign in again")
    page.close()
    open_page.complaints.clear()  # Chromium notes each 401 of the logs


def test_a_disk_that_fills_up_is_said_at_the_top_until_it_has_room(signed_in, ada: User, sweep: Sweep) -> None:
    said = {"standing": disk.NOTICES["disk_low"]}

    def through(page_side: WebSocketRoute) -> None:
        server = page_side.connect_to_server()
        pong = '"type":"pong","standing":""'
        server.on_message(lambda text: page_side.send(json.dumps({"type": "pong", **said}) if pong in text else text))

    page: Page = signed_in(ada, address(sweep), before=lambda page: page.clock.install())
    page.route_web_socket(re.compile("/ws/live"), through)
    expect(page.locator("[data-standing]")).to_have_count(0)

    page.reload()
    is_live(page)
    expect(page.locator("[data-standing]")).to_have_text(disk.NOTICES["disk_low"])

    said["standing"] = ""
    page.clock.fast_forward(21_000)  # the page asks every twenty seconds
    expect(page.locator("[data-standing]")).to_have_count(0)
