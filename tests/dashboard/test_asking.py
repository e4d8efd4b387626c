"""Asking for access to a workspace, without learning which there are, and deciding about it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from apps.audit.models import Entry
from apps.sharing.models import AccessRequest
from apps.tuning import asking, people
from apps.tuning.errors import LimitReached
from apps.workspaces.access import Actor, NotAllowed, OutOfReach
from apps.workspaces.models import Member, Workspace

MEMBERS = "/w/lab/settings/members"


def plain(answer: Any, slug: str) -> str:
    """A page without what differs from request to request."""
    text = re.sub(rf"\b{slug}\b", "SLUG", answer.content.decode())
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|data-feed="\w*"', "", text)


def test_an_outsider_asks_alike_where_a_workspace_is_and_where_none_is(as_cleo: Client, workspace: Workspace) -> None:
    pages = [as_cleo.get(f"/w/{slug}/") for slug in ("lab", "nowhere")]
    sent = [
        as_cleo.post("/ask", {"workspace": slug, "role": "member", "note": "for X"}, follow=True)
        for slug in ("lab", "nowhere")
    ]

    assert [one.status_code for one in pages] == [404, 404]
    assertContains(pages[0], "Ask for access", status_code=404)
    assert plain(pages[0], "lab") == plain(pages[1], "nowhere")
    assertContains(sent[0], "If there is a workspace lab, its admins see it")
    assert plain(sent[0], "lab") == plain(sent[1], "nowhere")
    assert sorted(AccessRequest.objects.values_list("slug", "role", "note")) == [
        ("lab", "member", "for X"),
        ("nowhere", "member", "for X"),
    ]


def test_asking_costs_as_many_queries_where_there_is_no_workspace(actor_cleo: Actor, workspace: Workspace) -> None:
    costs = []
    for slug in ("lab", "nowhere"):
        with CaptureQueriesContext(connection) as captured:
            asking.ask(actor_cleo, slug, role="viewer")
        costs.append([query["sql"].split()[0] for query in captured])

    assert costs[0] == costs[1]


def test_an_admin_sees_who_asks_and_accepts_with_another_role(as_ada: Client, as_cleo: Client, as_ben: Client) -> None:
    as_cleo.post(
        "/ask", {"workspace": "http://testserver/w/lab/e/abc/", "role": "member", "note": "the <b>vision</b> team"}
    )
    assertContains(as_ada.get("/w/lab/"), "1 person asks for access")
    assertContains(as_ada.get(MEMBERS), "the &lt;b&gt;vision&lt;/b&gt; team")
    assertNotContains(as_ben.get(MEMBERS), "vision")
    number = AccessRequest.objects.get().pk

    answer = as_ada.post(MEMBERS, {"act": "accept", "request": number, "role": "viewer"}, follow=True)

    assertContains(answer, "cleo is now viewer.")
    assert as_cleo.get("/w/lab/").status_code == 200
    assert not AccessRequest.objects.exists()
    assert Entry.objects.get(action="member.accept").detail.endswith("for member: the <b>vision</b> team")
    assertNotContains(as_ada.get("/w/lab/"), "asks for access")
    twice = as_ada.post(MEMBERS, {"act": "accept", "request": number, "role": "viewer"}, follow=True)
    assertContains(twice, "Not done: no request")


def test_a_declined_request_is_not_heard_again_until_it_lapses(as_ada: Client, as_cleo: Client) -> None:
    as_cleo.post("/ask", {"workspace": "lab"})
    as_ada.post(MEMBERS, {"act": "decline", "request": AccessRequest.objects.get().pk})

    again = as_cleo.post("/ask", {"workspace": "lab", "note": "please"}, follow=True)

    assertContains(again, "Your request is sent.")
    assertNotContains(as_ada.get(MEMBERS), 'id="requests"')
    assert Entry.objects.get(action="member.decline").subject == "cleo"
    AccessRequest.objects.update(created=timezone.now() - timedelta(days=31))
    as_cleo.post("/ask", {"workspace": "lab", "note": "please"})
    assertContains(as_ada.get(MEMBERS), "please")


def test_a_viewer_asks_for_the_role_that_a_page_needs(as_ben: Client, as_ada: Client) -> None:
    assertContains(as_ben.get("/w/lab/new"), "Ask for the role Member", status_code=403)

    answer = as_ben.post("/ask", {"workspace": "lab", "role": "member"}, follow=True)

    assertContains(answer, "The admins see it with your name.")
    assertContains(as_ben.get("/w/lab/new"), "You asked for the role Member", status_code=403)
    assertContains(as_ben.post("/ask", {"workspace": "lab", "role": "viewer"}, follow=True), "you have the role Viewer")
    as_ada.post(MEMBERS, {"act": "accept", "request": AccessRequest.objects.get().pk, "role": "member"})
    assert as_ben.get("/w/lab/new").status_code == 200


def test_who_is_in_no_workspace_names_one(client: Client, workspace: Workspace) -> None:
    client.force_login(User.objects.create_user("emil"))
    assertContains(client.get("/"), "Address of the workspace", status_code=403)

    answer = client.post("/ask", {"workspace": "/w/lab/", "role": "viewer"}, follow=True)

    assertContains(answer, "Your request is sent.", status_code=403)
    assert AccessRequest.objects.get().slug == "lab"


def test_strangers_and_nonsense_ask_for_nothing(as_cleo: Client, client: Client) -> None:
    assert client.post("/ask", {"workspace": "lab"}).status_code == 302
    assert as_cleo.get("/ask").status_code == 405
    for wrong in (
        {"workspace": ""},
        {"workspace": "a b"},
        {"workspace": "lab", "role": "owner"},
        {"workspace": "x" * 65},
    ):
        assertContains(as_cleo.post("/ask", wrong, follow=True), "Not sent")

    assert not AccessRequest.objects.exists()


def test_many_requests_have_to_wait(as_cleo: Client, actor_cleo: Actor) -> None:
    for number in range(11):
        answer = as_cleo.post("/ask", {"workspace": f"guess-{number}"}, follow=True)

    assertContains(answer, "Try again in")
    assert AccessRequest.objects.count() == 10
    for number in range(10, 20):
        asking.ask(actor_cleo, f"guess-{number}", role="viewer")
    with pytest.raises(LimitReached):
        asking.ask(actor_cleo, "one-more", role="viewer")


def test_only_admins_decide_and_only_about_their_own(
    actor_ben: Actor, actor_cleo: Actor, actor_ada: Actor, workspace: Workspace
) -> None:
    asking.ask(actor_ben, "lab", role="admin")
    number = AccessRequest.objects.get().pk

    with pytest.raises(NotAllowed):
        asking.accept(actor_ben, workspace, number, role="admin")
    with pytest.raises(OutOfReach):
        asking.decline(actor_cleo, Workspace.objects.get(slug="elsewhere"), number)
    assert Member.objects.get(user__username="ben").role == "viewer"


def test_who_is_let_in_another_way_asks_no_more(actor_cleo: Actor, actor_ada: Actor, workspace: Workspace) -> None:
    asking.ask(actor_cleo, "lab", role="viewer")

    people.admit(actor_ada, workspace, "cleo", "viewer")

    assert not AccessRequest.objects.exists()
