"""What happens to those whose session ended while a page was open."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import User
from django.test import Client
from pytest_django.asserts import assertContains

from apps.experiments.models import Experiment
from tests.people import PASSWORD

Make = Callable[..., Experiment]
SAID = "You are not signed in any more, so nothing was changed."


def test_what_was_sent_leads_over_the_sign_in_to_the_page_of_its_form(
    client: Client, ada: User, make_experiment: Make
) -> None:
    page = f"/w/lab/e/{make_experiment().key}/trials?q=status%3Afailed"

    sent = client.post("/w/lab/act", {"act": "trash"}, headers={"Referer": f"http://testserver{page}"})
    form = client.get(sent["Location"])
    answer = client.post("/login", {"username": "ada", "password": PASSWORD, "next": form.context["next"]})

    assertContains(form, SAID)
    assert answer["Location"] == page


def test_what_was_sent_from_nowhere_leads_to_the_catalog(client: Client, ada: User) -> None:
    assert client.post("/w/lab/act", {"act": "trash"})["Location"] == "/login?next=/"


def test_a_part_of_a_page_is_not_replaced_by_the_sign_in(client: Client, ada: User, make_experiment: Make) -> None:
    key = make_experiment().key

    answer = client.get(f"/w/lab/e/{key}/limits", headers={"HX-Request": "true"})

    assert answer.status_code == 401


def test_a_page_asked_for_in_the_background_leaves_its_notice_to_the_next_that_is_looked_at(
    as_ada: Client, make_experiment: Make
) -> None:
    key = make_experiment().key
    as_ada.post("/w/lab/act", {"act": "trash", "key": key})

    behind = as_ada.get("/w/lab/", headers={"HX-Request": "true"})
    looked_at = as_ada.get("/w/lab/")

    assert "notice-success" not in behind.content.decode()
    assertContains(looked_at, "notice-success", 1)


def test_an_address_that_only_takes_forms_says_so(as_ada: Client) -> None:
    answer = as_ada.get("/w/lab/act")

    assertContains(answer, "Nothing to show here", status_code=405)
    assert answer["Allow"] == "POST"
    assert as_ada.post("/ca.pem").content.count(b"<h1>") == 1
