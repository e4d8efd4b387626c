"""What is typed into the form of a new experiment is kept for whoever typed it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from apps.experiments.models import Draft, Experiment
from apps.tuning import drafts
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tests.dashboard.test_new_experiment import NEW, typed

Make = Callable[..., Experiment]
ROWS = [
    {"name": "rate", "type": "loguniform", "low": "0.001", "high": "not yet"},
    {"name": "kind", "type": "choice", "choices": "a, b"},
]


def test_a_draft_is_saved_restored_and_discarded_without_scripts(as_dora: Client, as_ada: Client) -> None:
    saved = as_dora.post(NEW, typed(ROWS, do="save-draft", name="half", steps="train ${rate}", max_trials="x"))
    assertRedirects(saved, NEW)

    shown = as_dora.get(NEW)

    assertContains(shown, "Draft restored")
    form = shown.context["form"]
    assert [form[name].value() for name in ("name", "steps", "max_trials")] == ["half", "train ${rate}", "x"]
    assert [row["high"].value() for row in form.rows.forms] == ["not yet", None]
    assertNotContains(as_ada.get(NEW), "Draft restored")
    assertContains(as_dora.post(NEW, {"do": "discard-draft"}, follow=True), "The draft is discarded.")
    assertNotContains(as_dora.get(NEW), "Draft restored")


def test_scripts_save_without_a_page_and_creating_forgets_the_draft(as_dora: Client) -> None:
    answer = as_dora.post(NEW, typed(do="autosave", paste="a long text", csrfmiddlewaretoken="secret"))

    assert (answer.status_code, answer.content) == (204, b"")
    assert not {"paste", "secret", "autosave"} & set(Draft.objects.get().typed.replace("=", "&").split("&"))
    as_dora.post(NEW, typed(do="create", name="", metrics=""))
    assert Draft.objects.exists()
    as_dora.post(NEW, typed(do="create"))
    assert not Draft.objects.exists()


def test_a_clone_has_a_draft_of_its_own(as_dora: Client, make_experiment: Make) -> None:
    clone = f"{NEW}?from={make_experiment().key}"
    as_dora.post(clone, typed(do="autosave", name="the clone"))

    assertContains(as_dora.get(clone), 'value="the clone"')
    assertNotContains(as_dora.get(NEW), "the clone")
    as_dora.post(clone, {"do": "discard-draft"})
    assertContains(as_dora.get(clone), "(copy)")


def test_who_may_not_create_keeps_no_draft(as_ben: Client, as_cleo: Client) -> None:
    assert as_ben.post(NEW, typed(do="autosave")).status_code == 403
    assert as_cleo.post(NEW, typed(do="autosave")).status_code == 404
    assert not Draft.objects.exists()


def test_a_draft_that_is_too_long_is_refused_and_stays_on_the_page(
    as_dora: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "LONGEST", 2_000)
    long = typed(description="x" * 3_000)

    assert as_dora.post(NEW, {**long, "do": "autosave"}).status_code == 400
    answer = as_dora.post(NEW, {**long, "do": "save-draft"})

    assertContains(answer, "Not saved: at most")
    assertContains(answer, "x" * 3_000)
    assert not Draft.objects.exists()


def test_old_drafts_and_those_beyond_the_newest_go(actor_ada: Actor, workspace: Workspace) -> None:
    for number in range(drafts.MOST + 3):
        drafts.keep(actor_ada, workspace, "name=x", origin=str(number))
    assert Draft.objects.count() == drafts.MOST
    assert drafts.kept(actor_ada, workspace, origin="0") is None

    Draft.objects.update(at=timezone.now() - timedelta(days=31))
    assert drafts.kept(actor_ada, workspace, origin="5") is None
    drafts.keep(actor_ada, workspace, "name=y")
    assert Draft.objects.get().typed == "name=y"


def test_a_form_that_is_open_twice_keeps_the_draft_that_came_first_until_the_other_is_saved_by_hand(
    as_dora: Client,
) -> None:
    as_dora.post(NEW, typed(do="autosave", name="the first", page="aa"))

    refused = as_dora.post(NEW, typed(do="autosave", name="the other", page="bb"))

    assert refused.status_code == 409
    assert as_dora.post(NEW, typed(do="autosave", name="the first goes on", page="aa")).status_code == 204
    assertContains(as_dora.get(NEW), 'value="the first goes on"')
    as_dora.post(NEW, typed(do="save-draft", name="the other", page="bb"))
    assert as_dora.post(NEW, typed(do="autosave", name="the first", page="aa")).status_code == 409
    assertContains(as_dora.get(NEW), 'value="the other"')


def test_a_page_goes_on_with_the_draft_that_it_was_filled_with(as_dora: Client) -> None:
    as_dora.post(NEW, typed(do="autosave", name="the first", page="aa"))

    assertContains(as_dora.get(NEW), '<input type="hidden" name="over" value="aa">', html=True)
    assert as_dora.post(NEW, typed(do="autosave", name="goes on", page="bb", over="aa")).status_code == 204
    assert Draft.objects.get().page == "bb"


def test_creating_forgets_the_own_draft_and_not_that_of_another(as_dora: Client) -> None:
    as_dora.post(NEW, typed(do="autosave", name="the first", page="aa"))

    as_dora.post(NEW, typed(do="create", page="bb"))
    assert Draft.objects.exists()
    as_dora.post(NEW, typed(do="create", page="aa"))
    assert not Draft.objects.exists()
