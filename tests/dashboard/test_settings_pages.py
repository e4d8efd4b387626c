from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from apps.experiments.models import Experiment
from apps.experiments.workers import Worker
from apps.workspaces.models import IssuedKey, Key, Member, Workspace, hash_token
from tests.dashboard.trials import with_trials

Make = Callable[..., Experiment]
MEMBERS, KEYS = "/w/lab/settings/members", "/w/lab/settings/keys"


def role_of(name: str) -> str | None:
    member = Member.objects.filter(workspace__slug="lab", user__username=name).first()
    return member.role if member else None


def test_members_are_listed_for_members_and_changed_by_admins_only(as_ada: Client, as_ben: Client) -> None:
    assertContains(as_ada.get(MEMBERS), "Add a member")
    assertContains(as_ben.get(MEMBERS), "ada")
    assertNotContains(as_ben.get(MEMBERS), "Add a member")

    assert as_ben.post(MEMBERS, {"act": "change", "username": "ben", "role": "admin"}).status_code == 403
    assert role_of("ben") == "viewer"


def test_an_admin_adds_changes_and_removes_members(as_ada: Client, cleo: User) -> None:
    as_ada.post(MEMBERS, {"act": "add", "username": "cleo", "role": "viewer"})
    assert role_of("cleo") == "viewer"

    as_ada.post(MEMBERS, {"act": "change", "username": "cleo", "role": "member"})
    assert role_of("cleo") == "member"

    as_ada.post(MEMBERS, {"act": "remove", "username": "cleo"})
    assert role_of("cleo") is None


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"act": "add", "username": "nobody", "role": "viewer"}, "there is no user"),
        ({"act": "add", "username": "cleo", "role": "king"}, "must be one of viewer, member, admin"),
        ({"act": "change", "username": "ada", "role": "viewer"}, "at least one admin"),
        ({"act": "remove", "username": "ada"}, "at least one admin"),
        ({"act": "add", "username": "a\x00b", "role": "viewer"}, "there is no user"),
        ({}, "must be one of"),
    ],
)
def test_what_cannot_be_is_said_and_changes_nothing(
    as_ada: Client, cleo: User, form: dict[str, str], words: str
) -> None:
    assertContains(as_ada.post(MEMBERS, form, follow=True), words)

    assert (role_of("ada"), role_of("cleo")) == ("admin", None)


def test_outsiders_and_unknown_sections_are_404(as_cleo: Client, as_ada: Client) -> None:
    assert as_cleo.get(MEMBERS).status_code == 404
    assert as_cleo.post(KEYS, {"act": "issue", "role": "viewer"}).status_code == 404
    assert as_ada.get("/w/lab/settings/nonsense").status_code == 404


def test_a_key_is_shown_once(as_dora: Client) -> None:
    response = as_dora.post(KEYS, {"act": "issue", "role": "member", "name": "cluster", "days": "90"})

    token = re.search(r'id="new-token">([^<]+)<', response.content.decode())
    assert token is not None
    key = Key.objects.get(token_hash=hash_token(token[1]))
    assert (key.name, key.role, key.user.username) == ("cluster", "member", "dora")
    assert key.expires is not None
    assert response["Cache-Control"] == "no-store"
    assertNotContains(as_dora.get(KEYS), token[1])
    assertContains(as_dora.get(KEYS), key.access_key_id)


def test_nobody_makes_a_key_that_may_more_than_they(as_dora: Client, as_ben: Client) -> None:
    assert as_dora.post(KEYS, {"act": "issue", "role": "admin"}).status_code == 403
    assert as_ben.post(KEYS, {"act": "issue", "role": "member"}).status_code == 403
    assertContains(as_dora.post(KEYS, {"act": "issue", "role": "king"}, follow=True), "must be one of")

    assert Key.objects.count() == 0


def test_keys_are_revoked_by_their_owner_or_an_admin(as_dora: Client, as_ada: Client, key_ben: IssuedKey) -> None:
    form = {"act": "revoke", "key": key_ben.access_key_id}

    assertNotContains(as_dora.get(KEYS), key_ben.access_key_id)
    assert as_dora.post(KEYS, form).status_code == 404
    assert as_ada.post(KEYS, {"act": "revoke", "key": "nope"}).status_code == 404
    as_ada.post(KEYS, form)

    assert Key.objects.get(access_key_id=key_ben.access_key_id).revoked is not None


def test_signing_in_leads_to_where_one_wanted(client: Client, ada: User) -> None:
    form = {"username": "ada", "password": "correct horse battery", "next": "/w/lab/trash"}

    assert client.post("/login", form)["Location"] == "/w/lab/trash"


def test_signing_in_never_leads_elsewhere(client: Client, ada: User) -> None:
    form = {"username": "ada", "password": "correct horse battery", "next": "https://evil.example/"}

    assert client.post("/login", form)["Location"] == "/"


def test_a_wrong_name_and_a_wrong_password_look_alike(client: Client, ada: User) -> None:
    texts = [
        client.post("/login", {"username": name, "password": "wrong"}).content.decode().replace(name, "")
        for name in ("ada", "nobody")
    ]
    texts = [re.sub(r'value="[^"]*"', "", text) for text in texts]

    assert texts[0] == texts[1]
    assert "do not fit together" in texts[0]


def test_too_many_tries_have_to_wait(client: Client, ada: User) -> None:
    for _ in range(10):
        client.post("/login", {"username": "ada", "password": "wrong"})

    response = client.post("/login", {"username": "ada", "password": "correct horse battery"})

    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assertContains(response, "Too many tries.", status_code=429)


def test_signing_out_takes_a_post(as_ada: Client) -> None:
    assert as_ada.get("/logout").status_code == 405
    assert as_ada.post("/logout")["Location"] == "/login"
    assert as_ada.get("/w/lab/").status_code == 302


def test_theme_and_density_are_kept_and_drawn_by_the_server(as_ada: Client) -> None:
    as_ada.post("/appearance", {"theme": "dark", "density": "compact", "next": "/me"})

    assertContains(as_ada.get("/me"), '<html lang="en" data-theme="dark" data-density="compact">')
    as_ada.post("/appearance", {"theme": "system", "density": "comfortable"})
    assertContains(as_ada.get("/me"), '<html lang="en">')


def test_a_nonsense_theme_is_not_kept(as_ada: Client) -> None:
    response = as_ada.post("/appearance", {"theme": '"><script>', "next": "//evil.example"})

    assert "theme" not in response.cookies
    assert response["Location"] == "/"


def test_a_password_is_changed_and_oneself_stays_signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)
    form = {"old_password": "correct horse battery"}

    wrong = client.post("/me", {**form, "new_password1": "short", "new_password2": "short"})
    done = client.post("/me", {**form, "new_password1": "staple gun 4 ever", "new_password2": "staple gun 4 ever"})

    assert wrong.status_code == 400
    assert done.status_code == 302
    assert client.get("/me").status_code == 200
    ada.refresh_from_db()
    assert ada.check_password("staple gun 4 ever")


def test_a_page_that_is_not_there_offers_a_search_and_the_latest(
    as_ada: Client, make_experiment: Callable[..., object]
) -> None:
    make_experiment(name="the newest")

    response = as_ada.get("/w/lab/e/resnet-cifar/nothing/here")

    assert response.status_code == 404
    assertContains(response, "There is nothing at this address", status_code=404)
    assertContains(response, "the newest", status_code=404)


def test_strangers_get_a_plain_404(client: Client, db: None) -> None:
    assertContains(client.get("/nothing"), "There is nothing at this address", status_code=404)


def test_a_form_of_another_site_is_refused(ada: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)

    response = client.post("/w/lab/act", {"act": "trash"})

    assertContains(response, "not sent by you", status_code=403)


def test_somebody_without_a_workspace_is_told_so(client: Client, workspace: Workspace) -> None:
    client.force_login(User.objects.create_user("eve"))

    assertContains(client.get("/"), "not a member of any workspace", status_code=403)


def test_other_browsers_are_listed_and_signed_out(as_ada: Client, ada: User, as_ben: Client) -> None:
    other = Client()
    other.force_login(ada)

    assertContains(as_ada.get("/me"), "another browser", count=1)
    as_ada.post("/me/sign-out-others")

    assert other.get("/me").status_code == 302
    assert as_ada.get("/me").status_code == 200
    assert as_ben.get("/me").status_code == 200


def test_addresses_without_the_last_slash_lead_to_the_page(as_ada: Client) -> None:
    assert as_ada.get("/w/lab?q=x")["Location"] == "/w/lab/?q=x"
    assert as_ada.get("/w/lab/e/abc")["Location"] == "/w/lab/e/abc/"


def test_what_lies_in_the_trash_can_be_restored_from_its_old_address(
    as_ada: Client, as_ben: Client, as_cleo: Client, make_experiment: Callable[..., Any]
) -> None:
    one = make_experiment(name="thrown away")
    as_ada.post(f"/w/lab/e/{one.key}/act", {"act": "trash"})

    assertContains(as_ada.get(f"/w/lab/e/{one.key}/trials"), "thrown away is in the trash.", status_code=404)
    for client in (as_ben, as_cleo):
        assertNotContains(client.get(f"/w/lab/e/{one.key}/"), "thrown away", status_code=404)


def test_how_much_is_said_aloud_is_kept_for_every_page(as_ben: Client) -> None:
    assertContains(as_ben.get("/me"), "What screen readers are told")

    as_ben.post("/appearance", {"spoken": "nothing"})
    assertContains(as_ben.get("/w/lab/"), 'data-spoken="nothing"')
    as_ben.post("/appearance", {"spoken": "everything"})
    assertNotContains(as_ben.get("/w/lab/"), "data-spoken")
    as_ben.post("/appearance", {"spoken": "nonsense"})
    assertNotContains(as_ben.get("/w/lab/"), "data-spoken")


def test_the_workspace_tells_its_name_its_optimizers_and_what_it_uses(
    as_ada: Client, as_ben: Client, as_cleo: Client, make_experiment: Make
) -> None:
    one = make_experiment(name="resnet")
    with_trials(one, "FINISHED")
    Worker.objects.create(name="busy", host="gpu-1", pid=1, slots=4)
    Experiment.objects.filter(pk=one.pk).update(driver="busy")
    address = "/w/lab/settings/{}".format

    assertContains(as_ben.get(address("usage"), {"days": "7"}), "resnet")
    assert as_ben.get(address("usage"), {"days": "nonsense"}).context["days"] == "30"
    assertContains(as_ben.get(address("workers")), "resnet")
    assertContains(
        as_ada.post(address("general"), {"name": "Vision"}, follow=True), "The settings of Vision are saved."
    )
    assertContains(as_ada.post(address("general"), {"name": "\x00"}, follow=True), "Not done")
    assertNotContains(as_ben.get(address("members")), "General")
    assert as_ben.get(address("general")).status_code == 403
    assert as_ben.post(address("general"), {"name": "mine"}).status_code == 403
    for section in ("general", "usage", "workers"):
        assert as_cleo.get(address(section)).status_code == 404
