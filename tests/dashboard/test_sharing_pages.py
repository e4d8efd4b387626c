"""Notes, comments, share links, invitations and the audit log in the pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from apps.discussion.models import Comment, Note
from apps.experiments.models import Experiment
from apps.sharing.models import ShareLink
from apps.trials.models import Trial
from apps.workspaces.models import Member
from tests.dashboard.conftest import queries_of
from tests.dashboard.trials import with_trials

MEMBERS, AUDIT = "/w/lab/settings/members", "/w/lab/settings/audit"
PASSWORD = "a-long-enough-secret-7"
Make = Callable[..., Experiment]


@pytest.fixture
def page(make_experiment: Make) -> str:
    return f"/w/lab/e/{make_experiment(accessibility='PUBLIC').key}/"


@pytest.fixture
def with_twelve(make_experiment: Make) -> Experiment:
    experiment = make_experiment(accessibility="PUBLIC")
    with_trials(experiment, *["FINISHED"] * 12)
    return experiment


def test_a_note_is_written_shown_and_kept_in_versions(as_ada: Client, page: str) -> None:
    as_ada.post(f"{page}write", {"act": "note", "text": "# One", "based_on": "0"})
    as_ada.post(f"{page}write", {"act": "note", "text": "# Two\r\n<b>", "based_on": "1"})

    assertContains(as_ada.get(f"{page}notes"), "<h3>Two</h3>")
    older = as_ada.get(f"{page}notes?version=1")
    assertContains(older, "<h3>One</h3>")
    assertContains(older, "<ins># Two</ins>")
    assertContains(older, "<ins>&lt;b&gt;</ins>")
    assert [one.text for one in Note.objects.all()] == ["# Two\n<b>", "# One"]


def test_a_note_that_somebody_changed_meanwhile_is_not_lost(as_ada: Client, page: str) -> None:
    as_ada.post(f"{page}write", {"act": "note", "text": "theirs", "based_on": "0"})

    answer = as_ada.post(f"{page}write", {"act": "note", "text": "mine, long", "based_on": "0"}, follow=True)

    assertContains(answer, "changed meanwhile by ada")
    assertContains(answer, "mine, long")
    assert Note.objects.get().text == "theirs"


@pytest.mark.parametrize("place", ["", "t/0/"])
def test_a_note_that_was_changed_meanwhile_keeps_all_that_was_written_over_it(
    as_ada: Client, with_twelve: Experiment, place: str
) -> None:
    page, mine = f"/w/lab/e/{with_twelve.key}/", "mine " * 2_000 + "to the END"
    as_ada.post(f"{page}{place}write", {"act": "note", "text": "theirs", "based_on": "0"})

    refused = as_ada.post(f"{page}{place}write", {"act": "note", "text": mine, "based_on": "0"}, follow=True)

    assertContains(refused, f"{mine}</textarea>")
    assertContains(refused, 'name="based_on" value="1"')
    again = as_ada.get(refused.redirect_chain[-1][0])
    assertNotContains(again, "END")


def test_comments_are_said_changed_and_deleted(as_ada: Client, page: str) -> None:
    as_ada.post(f"{page}write", {"act": "say", "text": "<script>alert(1)</script>"})
    said = Comment.objects.get()

    assertContains(as_ada.get(f"{page}notes"), "&lt;script&gt;alert(1)")
    as_ada.post(f"{page}write", {"act": "change", "comment": said.pk, "text": "fine"})
    assertContains(as_ada.get(f"{page}notes"), "fine")
    as_ada.post(f"{page}write", {"act": "delete", "comment": said.pk})
    assertContains(as_ada.get(f"{page}notes"), "Nobody has said anything yet")


@pytest.mark.parametrize("act", ["change", "delete"])
def test_who_is_late_for_a_comment_is_told_and_stays_at_the_notes(as_ada: Client, page: str, act: str) -> None:
    as_ada.post(f"{page}write", {"act": "say", "text": "gone soon"})
    said = Comment.objects.get()
    as_ada.post(f"{page}write", {"act": "delete", "comment": said.pk})
    as_ada.get(f"{page}notes")

    late = as_ada.post(f"{page}write", {"act": act, "comment": said.pk, "text": "too late"}, follow=True)

    assertContains(late, "Not done: this comment was deleted meanwhile.")
    assert late.redirect_chain == [(f"{page}notes", 302)]


def test_a_trial_is_written_about_on_its_own_page(as_ada: Client, with_twelve: Experiment) -> None:
    address = f"/w/lab/e/{with_twelve.key}/t/3"

    as_ada.post(f"{address}/write", {"act": "say", "text": "why so slow"})

    assertContains(as_ada.get(address), "why so slow")
    assertNotContains(as_ada.get(f"/w/lab/e/{with_twelve.key}/t/4"), "why so slow")


def test_viewers_read_and_do_not_write(as_ben: Client, as_cleo: Client, page: str) -> None:
    shown = as_ben.get(f"{page}notes")
    assertNotContains(shown, "Save note")
    assertNotContains(shown, "Make a link")

    assert as_ben.post(f"{page}write", {"act": "say", "text": "x"}).status_code == 403
    assert as_cleo.get(f"{page}notes").status_code == 404
    assert not Comment.objects.exists()


def test_the_page_of_notes_takes_the_same_queries_however_much_is_written(as_ada: Client, page: str) -> None:
    as_ada.post(f"{page}write", {"act": "say", "text": "one"})
    few = queries_of(as_ada, f"{page}notes")
    for number in range(10):
        as_ada.post(f"{page}write", {"act": "say", "text": f"more {number}"})
        as_ada.post(f"{page}write", {"act": "note", "text": f"version {number}"})

    assert queries_of(as_ada, f"{page}notes") <= few


def link_in(answer: Any, path: str) -> str:
    found = re.search(rf'value="http://testserver({path}[^"]+)"', answer.content.decode())
    assert found is not None
    return found[1]


def test_a_link_shows_the_experiment_to_a_stranger_until_it_is_closed(
    as_ada: Client, client: Client, with_twelve: Experiment
) -> None:
    page = f"/w/lab/e/{with_twelve.key}/"
    address = link_in(as_ada.post(f"{page}share", {"act": "share", "days": "7", "name": "Dora"}, follow=True), "/s/")

    shown = client.get(address)
    assertContains(shown, "read-only")
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assertNotContains(shown, "/w/lab/")
    numbers = json.loads(client.get(f"{address}/data/history.json").content)
    assert numbers
    assertNotContains(as_ada.get(f"{page}notes"), address)

    as_ada.post(f"{page}share", {"act": "close", "link": ShareLink.objects.get().pk})
    assertContains(client.get(address), "shows nothing any more", status_code=404)
    assert client.get(f"{address}/data/history.json").status_code == 404


@pytest.mark.parametrize("path", ["/s/x", "/s/x/data/history.json", "/join/x"])
def test_a_secret_that_is_none_opens_nothing(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_link_with_days_that_cannot_be_is_told(as_ada: Client, page: str) -> None:
    answer = as_ada.post(f"{page}share", {"act": "share", "days": "0"}, follow=True)

    assertContains(answer, "must be from 1 to 365")
    assert not ShareLink.objects.exists()


def test_the_files_to_take_along_hold_the_trials(as_ada: Client, as_cleo: Client, with_twelve: Experiment) -> None:
    page = f"/w/lab/e/{with_twelve.key}/take/"

    table: Any = as_ada.get(f"{page}trials.csv")
    whole: Any = as_ada.get(f"{page}experiment.json")

    text = table.getvalue().decode()
    lines = text.removeprefix("\ufeff").splitlines()
    assert text.startswith("\ufeff")  # for Excel
    assert len(lines) == 1 + Trial.objects.filter(experiment=with_twelve).count()
    assert lines[0].startswith("number,status,value,params.")
    assert len(json.loads(whole.getvalue())["trials"]) == len(lines) - 1
    assert as_ada.get(f"{page}nothing.exe").status_code == 404
    assert as_cleo.get(f"{page}trials.csv").status_code == 404


def test_an_invitation_brings_a_new_person_in_once(as_ada: Client, client: Client) -> None:
    address = link_in(as_ada.post(MEMBERS, {"act": "invite", "role": "viewer", "name": "Dora"}), "/join/")

    assertContains(client.get(address), "invites you as viewer")
    given = {"username": "dora", "password": PASSWORD, "again": "different"}
    assertContains(client.post(address, given), "not the same password", status_code=400)
    answer = client.post(address, {**given, "again": PASSWORD}, follow=True)

    assertContains(answer, "Welcome to")
    assert Member.objects.get(user__username="dora").role == "viewer"
    assertContains(Client().get(address), "not open", status_code=404)


def test_somebody_signed_in_joins_as_who_they_are(as_ada: Client, as_cleo: Client, cleo: User) -> None:
    address = link_in(as_ada.post(MEMBERS, {"act": "invite", "role": "member"}), "/join/")

    assertContains(as_cleo.get(address), "You are signed in as <b>cleo</b>")
    as_cleo.post(address)

    assert Member.objects.get(user=cleo, workspace__slug="lab").role == "member"


def test_an_invitation_is_closed(as_ada: Client, client: Client) -> None:
    answer = as_ada.post(MEMBERS, {"act": "invite", "role": "member"})
    number = re.search(r'name="invitation" value="(\d+)"', answer.content.decode())
    assert number is not None

    as_ada.post(MEMBERS, {"act": "withdraw", "invitation": number[1]})

    assert client.get(link_in(answer, "/join/")).status_code == 404


def test_viewers_neither_invite_nor_read_the_log(as_ben: Client) -> None:
    assert as_ben.post(MEMBERS, {"act": "invite", "role": "admin"}).status_code == 403
    assert as_ben.get(AUDIT).status_code == 403
    assertNotContains(as_ben.get(MEMBERS), "Audit log")


def test_the_log_tells_who_did_what_and_can_be_filtered(as_ada: Client, page: str) -> None:
    as_ada.post(f"{page}act", {"act": "stop"})
    as_ada.post(MEMBERS, {"act": "invite", "role": "viewer", "name": "Dora"})

    everything = as_ada.get(AUDIT)
    assertContains(everything, "experiment.stop")
    assertContains(everything, "member.invite")
    assertNotContains(as_ada.get(f"{AUDIT}?action=member"), "experiment.stop")
    assertContains(as_ada.get(f"{AUDIT}?username=nobody"), "No such entry")
    assert as_ada.post(AUDIT, {}).status_code == 404


def test_a_webhook_is_added_with_its_secret_shown_once(as_ada: Client, as_ben: Client) -> None:
    page = "/w/lab/settings/webhooks"

    made = as_ada.post(page, {"act": "add", "url": "https://hooks.example.com", "kinds": ["experiment.failed"]})

    assertContains(made, "it is shown only now")
    shown = as_ada.get(page)
    assertContains(shown, "https://hooks.example.com")
    assertNotContains(shown, "made-secret")
    number = re.search(r'name="webhook" value="(\d+)"', shown.content.decode())
    assert number is not None
    as_ada.post(page, {"act": "ping", "webhook": number[1]})
    assertContains(as_ada.get(page), "ping")
    as_ada.post(page, {"act": "remove", "webhook": number[1]})
    assertContains(as_ada.get(page), "No address hears")
    assert as_ben.get(page).status_code == 403
    assertContains(as_ada.post(page, {"act": "add", "url": "ftp://x"}, follow=True), "must be an https address")
