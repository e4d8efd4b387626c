"""Saved views, stars, row menus, files, words and jumps of the catalog's pages."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from apps.dashboard.listing import Listing
from apps.dashboard.views import catalog, understand
from apps.dashboard.views.experiments import FILLERS
from apps.experiments import tally
from apps.experiments.models import Experiment
from apps.search import export
from apps.search.models import SavedView, Star
from apps.tuning import experiments, trash
from apps.workspaces.access import Actor
from tests.dashboard.conftest import queries_of
from tests.dashboard.trials import with_trials

Make = Callable[..., Experiment]
CATALOG = "/w/lab/"


def test_a_view_is_saved_from_the_page_and_shown_as_the_current_one(as_ada: Client, as_ben: Client) -> None:
    form = {"name": "bad ones", "query": "status:failed", "sort": "-updated", "shared": "on"}
    response = as_ada.post(f"{CATALOG}views", form)

    assert response["Location"] == f"{CATALOG}?q=status%3Afailed&sort=-updated"
    page = as_ben.get(response["Location"])
    assertContains(page, "bad ones")
    assert page.context["views"]["current"].name == "bad ones"
    assertNotContains(page, "Delete the view")  # it is not his
    assertContains(as_ada.get(response["Location"]), "Delete the view bad ones")


def test_a_wrong_view_is_not_saved_and_the_query_stays(as_ada: Client) -> None:
    response = as_ada.post(f"{CATALOG}views", {"name": "x", "query": "staus:failed"}, follow=True)

    assertContains(response, "Not saved: query: there is no field")
    assertContains(response, 'value="staus:failed"')
    assert not SavedView.objects.exists()


def test_a_view_is_shared_kept_and_dropped(as_ada: Client, as_ben: Client) -> None:
    as_ada.post(f"{CATALOG}views", {"name": "mine", "query": "owner:me"})
    view = SavedView.objects.get()
    assertNotContains(as_ben.get(CATALOG), ">mine<")

    as_ada.post(f"{CATALOG}views/{view.pk}", {"do": "share"})
    assertContains(as_ben.get(CATALOG), ">mine<")
    assert as_ben.post(f"{CATALOG}views/{view.pk}", {"do": "drop"}).status_code == 403

    as_ada.post(f"{CATALOG}views/{view.pk}", {"do": "drop"})
    assert not SavedView.objects.exists()
    assert as_ada.post(f"{CATALOG}views/{2**70}", {"do": "drop"}).status_code == 404
    late = as_ada.post(f"{CATALOG}views/{view.pk}", {"do": "rename", "name": "late"}, follow=True)
    assertContains(late, "Not done: this view is not there any more.")
    assert not SavedView.objects.exists()


def test_the_catalog_opens_with_the_view_of_ones_choice(as_ada: Client, as_ben: Client, make_experiment: Make) -> None:
    make_experiment()
    as_ada.post(f"{CATALOG}views", {"name": "bad ones", "query": "status:failed", "sort": "name", "shared": "on"})
    view = SavedView.objects.get()
    asked = f"{CATALOG}?q=status%3Afailed&sort=name"

    assertContains(as_ben.get(asked), "Open the catalog with bad ones")
    said = as_ben.post(f"{CATALOG}views/{view.pk}", {"do": "open"}, follow=True)

    assertContains(said, "Your catalog opens with bad ones from now on.")
    assertContains(said, "(opens first)")
    assert as_ben.get(CATALOG)["Location"] == asked
    assertContains(as_ben.get("/", follow=True), "Drop status:failed")
    assert as_ada.get(CATALOG).status_code == 200

    as_ben.post(f"{CATALOG}views/{view.pk}", {"do": "open-all"})
    assert as_ben.get(CATALOG).status_code == 200


def test_a_first_view_is_left_for_everything_by_its_chip_and_all(as_ada: Client, make_experiment: Make) -> None:
    make_experiment()
    as_ada.post(f"{CATALOG}views", {"name": "bad ones", "query": "status:failed"})
    as_ada.post(f"{CATALOG}views/{SavedView.objects.get().pk}", {"do": "open"})

    page = as_ada.get(CATALOG, follow=True)

    assertContains(page, 'href="?q=" aria-label="Drop status:failed"')
    assertContains(as_ada.get(f"{CATALOG}?q="), "1 experiment")


def test_another_first_view_takes_the_place_of_one_and_what_is_gone_opens_nothing(
    as_ada: Client, as_ben: Client, as_cleo: Client
) -> None:
    for name in ("one", "two"):
        as_ada.post(f"{CATALOG}views", {"name": name, "query": f"name:{name}", "shared": "on"})
    one, two = SavedView.objects.all()

    for client in (as_ada, as_ben):
        for view in (one, two):
            client.post(f"{CATALOG}views/{view.pk}", {"do": "open"})
    assert as_ben.get(CATALOG)["Location"] == f"{CATALOG}?q=name%3Atwo"

    as_ada.post(f"{CATALOG}views/{two.pk}", {"do": "keep"})
    assert as_ben.get(CATALOG).status_code == 200
    as_ada.post(f"{CATALOG}views/{two.pk}", {"do": "drop"})
    assert as_ada.get(CATALOG).status_code == 200
    assert as_cleo.post(f"{CATALOG}views/{one.pk}", {"do": "open"}).status_code == 404


def test_a_view_is_renamed_and_told_when_the_name_is_taken(as_ada: Client) -> None:
    for name in ("mine", "other"):
        as_ada.post(f"{CATALOG}views", {"name": name, "query": f"name:{name}"})
    view = SavedView.objects.get(name="mine")
    assertContains(as_ada.get(f"{CATALOG}?q=name:mine"), 'value="rename"')

    taken = as_ada.post(f"{CATALOG}views/{view.pk}", {"do": "rename", "name": "other"}, follow=True)
    assertContains(taken, "you have a view named")
    renamed = as_ada.post(f"{CATALOG}views/{view.pk}", {"do": "rename", "name": "ours"}, follow=True)

    assertContains(renamed, "mine is called ours now.")
    view.refresh_from_db()
    assert (view.name, view.query) == ("ours", "name:mine")


def test_a_view_of_the_same_name_is_replaced_when_one_says_so(as_ada: Client) -> None:
    as_ada.post(f"{CATALOG}views", {"name": "mine", "query": "owner:me"})

    met = as_ada.post(f"{CATALOG}views", {"name": "mine", "query": "status:failed"}, follow=True)
    assertContains(met, "Replace it")
    assert SavedView.objects.get(name="mine").query == "owner:me"
    as_ada.post(f"{CATALOG}views", {"name": "mine", "query": "status:failed", "replace": "on"})

    assert SavedView.objects.get(name="mine").query == "status:failed"


def test_a_deleted_view_comes_back_as_it_was(as_ada: Client) -> None:
    kept = {
        "name": "slim",
        "query": "owner:me",
        "sort": "name",
        "with_columns": "on",
        "col": ["name", "best"],
        "shared": "on",
    }
    as_ada.post(f"{CATALOG}views", kept)
    view = SavedView.objects.get()

    gone = as_ada.post(f"{CATALOG}views/{view.pk}", {"do": "drop"}, follow=True).content.decode()
    undo = next(form for form in re.findall(r"<form.*?</form>", gone, re.DOTALL) if "Undo" in form)
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input[^>]*name="(\w+)"[^>]*?value="([^"]*)"', undo):
        fields.setdefault(name, []).append(value)
    as_ada.post(f"{CATALOG}views", fields)

    again = SavedView.objects.get()
    same = ("name", "query", "sort", "columns", "shared", "owner_id")
    assert [getattr(again, name) for name in same] == [getattr(view, name) for name in same]


def test_a_view_remembers_the_columns_it_was_saved_with(as_ada: Client, make_experiment: Make) -> None:
    make_experiment()
    columns = ["name", "failed", "owner"]
    saved = as_ada.post(f"{CATALOG}views", {"name": "slim", "query": "", "with_columns": "on", "col": columns})
    as_ada.post(f"{CATALOG}views", {"name": "plain", "query": "", "col": columns})

    page = as_ada.get(saved["Location"])

    assert page.context["shows"] == ("failed", "owner")
    assert page.context["views"]["current"].name == "slim"
    assert as_ada.get(f"{CATALOG}?col=name&col=best").context["views"]["current"].name == "plain"
    assert SavedView.objects.get(name="plain").shows == []


def test_a_view_is_given_other_columns(as_ada: Client, make_experiment: Make) -> None:
    make_experiment()
    as_ada.post(f"{CATALOG}views", {"name": "slim", "query": "owner:me", "with_columns": "on", "col": ["name", "best"]})
    view = SavedView.objects.get()
    assertContains(as_ada.get(f"{CATALOG}?q=owner:me&col=failed"), "Keep these columns in slim")

    as_ada.post(f"{CATALOG}views/{view.pk}", {"do": "columns", "col": ["failed", "name"]})
    answer = as_ada.post(f"{CATALOG}views/{view.pk}", {"do": "columns", "col": "nonsense"}, follow=True)

    assertContains(answer, "Not saved: columns: there is no column")
    assert SavedView.objects.get().shows == ["name", "failed"]


def test_a_viewer_stars_rows_that_only_he_sees_starred(
    as_ben: Client, as_ada: Client, as_cleo: Client, make_experiment: Make
) -> None:
    one = make_experiment(name="one")
    make_experiment(name="two")

    as_ben.post(f"{CATALOG}act", {"one": f"star:{one.key}"})

    assert as_ben.get(CATALOG).context["starred"] == {one.pk}
    assert as_ada.get(CATALOG).context["starred"] == set()
    assert [str(found) for found in as_ben.get(f"{CATALOG}?q=is:starred").context["experiments"]] == ["one"]
    assert as_cleo.post(f"{CATALOG}act", {"one": f"star:{one.key}"}).status_code == 404
    as_ben.post(f"{CATALOG}act", {"one": f"unstar:{one.key}"})
    assert not Star.objects.exists()


def test_a_rows_own_button_leaves_ticked_rows_alone(as_dora: Client, make_experiment: Make) -> None:
    one, two = make_experiment(name="one"), make_experiment(name="two")

    as_dora.post(f"{CATALOG}act", {"one": f"pause:{one.key}", "key": [two.key]})

    assert set(Experiment.objects.filter(desired="pause")) == {one}


def test_a_rows_menu_offers_what_role_and_state_allow(
    as_ada: Client, as_ben: Client, as_cleo: Client, make_experiment: Make
) -> None:
    one = make_experiment()
    menu = f"/w/lab/e/{one.key}/menu"

    assertContains(as_ada.get(menu), f"pause:{one.key}")
    assertNotContains(as_ben.get(menu), "pause:")
    assertContains(as_ben.get(menu), f"star:{one.key}")
    assert as_cleo.get(menu).status_code == 404
    Experiment.objects.filter(pk=one.pk).update(status="FINISHED", ended=timezone.now())
    assertNotContains(as_ada.get(menu), "pause:")


def test_ticked_rows_and_whole_queries_come_as_files(as_ben: Client, make_experiment: Make) -> None:
    one, two = make_experiment(name="one"), make_experiment(name="two")
    make_experiment(name="hidden", accessibility="PRIVATE")

    ticked: Any = as_ben.post(f"{CATALOG}act", {"act": "export-json", "key": [one.key]})
    whole: Any = as_ben.get(f"{CATALOG}export", {"format": "csv", "q": "name:one or name:two or name:hidden"})
    none: Any = as_ben.get(f"{CATALOG}export", {"format": "json", "q": "name:none"})

    assert [row["key"] for row in json.loads(b"".join(ticked))] == [one.key]
    text = b"".join(whole).decode()
    assert [line.split(",")[0] for line in text.splitlines()] == ["\ufeffkey", two.key, one.key]  # Excel wants the mark
    assert json.loads(b"".join(none)) == []


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_file_is_written_in_large_parts_by_few_queries(make_experiment: Make, form: str) -> None:
    for number in range(4):
        make_experiment(name=f"e{number}", tags=[("team", "a"), ("b", "")])

    with CaptureQueriesContext(connection) as queries:
        written = list(export.FORMATS[form](Experiment.objects.order_by("pk")))

    assert len(queries) == 2
    assert len(written) == 2  # the heading and the rows, the rows and the end
    assert "".join(written).count("e3") == 1
    assert ("b team=a" if form == "csv" else '"tags": {"b": "", "team": "a"}') in "".join(written)


@pytest.mark.parametrize(
    ("address", "words"), [("/w/lab/e/nothing/trials", "nothing"), ("/w/lab/resnet", "resnet"), ("/w/else/", "else")]
)
def test_where_nothing_is_the_search_has_the_words_of_the_address(as_ben: Client, address: str, words: str) -> None:
    assertContains(as_ben.get(address), f'id="lost" type="search" name="q" value="{words}"', status_code=404)


def test_words_and_jumps_answer_members_only(as_ben: Client, as_cleo: Client, make_experiment: Make) -> None:
    one = make_experiment(name="resnet")

    words = as_ben.get(f"{CATALOG}words", {"text": "sta", "at": "3"}).json()
    jumps = as_ben.get(f"{CATALOG}jump", {"q": "res"}).json()["items"]

    assert words["options"][0]["text"] == "status:"
    assert jumps[0]["address"] == f"/w/lab/e/{one.key}/"
    assert jumps[-1]["words"] == "Search the catalog for res"
    assert "New experiment" not in [item["words"] for item in as_ben.get(f"{CATALOG}jump").json()["items"]]
    assert as_cleo.get(f"{CATALOG}jump").status_code == 404
    assert as_cleo.get(f"{CATALOG}words").status_code == 404


def test_the_palette_says_of_what_is_paused_that_it_is(as_ben: Client, make_experiment: Make, actor_ada: Actor) -> None:
    experiments.pause(actor_ada, make_experiment(name="resnet"))

    assert as_ben.get(f"{CATALOG}jump", {"q": "res"}).json()["items"][0]["about"] == "Paused"


def test_the_help_names_every_field(as_ben: Client) -> None:
    page = as_ben.get(f"{CATALOG}help/search")

    assertContains(page, "<code>param.…</code>", count=2)
    assertContains(page, "best trial")


def test_of_many_experiments_the_facets_are_counted_when_they_are_looked_at(
    as_ada: Client, make_experiment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_experiment(tags=[("vision", "")])
    monkeypatch.setattr("apps.dashboard.views.catalog.FEW", 0)

    page = as_ada.get(f"{CATALOG}?sort=name")
    late = as_ada.get(f"{CATALOG}facets?sort=name")

    assert page.context["facets"] is None
    assertContains(page, f'hx-get="{CATALOG}facets?sort=name"')
    assertContains(page, "?sort=name&amp;facets=all")
    assertContains(late, "?sort=name&amp;q=tag%3Avision")
    assertContains(as_ada.get(f"{CATALOG}?facets=all"), "tag%3Avision")


def test_a_panel_that_breaks_breaks_alone_and_tells_its_number(
    as_ada: Client, make_experiment: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_experiment(name="still here")

    def broken(self: Listing) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Listing, "facets", broken)
    with caplog.at_level(logging.ERROR, logger="apps.dashboard.panels"):
        page = as_ada.get(CATALOG)

    assertContains(page, "still here")
    assertContains(page, "Filters cannot be shown")
    assertContains(page, "Try again")
    assert page.context["facets"].id in caplog.text


def test_the_trash_tells_the_days_left_and_empties_itself(
    as_ada: Client, make_experiment: Make, actor_ada: Any, settings: Any
) -> None:
    settings.TUNEBOOK_TRASH_DAYS = 30
    old, new = make_experiment(name="old"), make_experiment(name="new")
    for one in (old, new):
        trash.delete(actor_ada, one)
    Experiment.objects.filter(pk=old.pk).update(trashed_at=timezone.now() - timedelta(days=31))
    Experiment.objects.filter(pk=new.pk).update(trashed_at=timezone.now() - timedelta(days=10, hours=1))

    page = as_ada.get("/w/lab/trash")
    assertContains(page, "after 30 days it is deleted for good")
    assertContains(page, ">20 days<span")
    assertContains(page, ">today<")

    assert trash.empty() == 1
    assert list(Experiment.objects.visible_to(actor_ada)) == [new]
    assert as_ada.get("/w/lab/trash").context["total"] == 1

    settings.TUNEBOOK_TRASH_DAYS = 0
    Experiment.objects.filter(pk=new.pk).update(trashed_at=timezone.now() - timedelta(days=900))
    assert trash.empty() == 0
    assertNotContains(as_ada.get("/w/lab/trash"), "deleted for good.")


@pytest.mark.parametrize(
    "query", ["q=(status:waiting+or+is:starred)+-tag:a", "q=param.x<1", "q=staus:x", "facets=all", "sort=best"]
)
def test_a_page_costs_as_many_queries_for_few_as_for_many(as_ada: Client, make_experiment: Make, query: str) -> None:
    with_trials(make_experiment(tags=[("vision", "")]), "FINISHED")
    address = f"{CATALOG}?{query}"
    few = queries_of(as_ada, address)

    for _ in range(20):
        with_trials(make_experiment(tags=[("vision", "")]), "FINISHED")

    # an empty answer asks which part of the query removes most instead of reading rows
    assert queries_of(as_ada, address) <= max(few, 15)


def test_a_tab_that_breaks_leaves_the_header_and_the_other_tabs(
    as_ada: Client, make_experiment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_experiment(name="resnet")

    def broken(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(FILLERS, "trials", broken)
    page = as_ada.get(f"/w/lab/e/{one.key}/trials")

    assertContains(page, "This part of resnet cannot be shown", status_code=500)
    assertContains(page, "Try again", status_code=500)
    assertContains(page, ">Pause</button>", status_code=500)
    assertContains(page, f'href="/w/lab/e/{one.key}/settings"', status_code=500)


def test_a_fragment_that_breaks_offers_itself_again(
    as_ada: Client, make_experiment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_experiment(name="resnet")

    def broken(*args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(understand, "now", broken)
    part = as_ada.get(f"/w/lab/e/{one.key}/part/now?q=x")

    assertContains(part, f'hx-get="/w/lab/e/{one.key}/part/now?q=x"')


def test_what_is_archived_stands_in_its_view_alone(as_dora: Client, make_experiment: Make) -> None:
    old = make_experiment(name="old", accessibility="PUBLIC")
    Experiment.objects.update(status="FINISHED")
    make_experiment(name="new", accessibility="PUBLIC")
    tally.rebuild()

    told = as_dora.post("/w/lab/act", {"one": f"archive:{old.key}"}, follow=True)

    assertContains(told, "1 experiment archived.")
    assertContains(told, 'value="unarchive">Undo')
    assertContains(told, "1 experiment · 1 archived", html=False)
    assert [one.name for one in told.context["experiments"]] == ["new"]
    assert [one.name for one in as_dora.get("/w/lab/?q=is:archived").context["experiments"]] == ["old"]
    either = as_dora.get("/w/lab/?q=name:o+or+is:archived")
    assert [one.name for one in either.context["experiments"]] == ["old"]
    assert as_dora.get("/w/lab/?q=status:finished").context["total"] == 0
    assertNotContains(as_dora.get("/w/lab/export"), "old")
    assertContains(as_dora.get(f"/w/lab/e/{old.key}/"), "Back into the catalog")
    assertContains(as_dora.get(f"/w/lab/e/{old.key}/menu"), "Back into the catalog")
    as_dora.post("/w/lab/act", {"act": "unarchive", "key": old.key})
    assert as_dora.get("/w/lab/").context["total"] == 2


def test_what_runs_is_not_archived_and_readers_archive_nothing(
    as_dora: Client, as_ben: Client, make_experiment: Make
) -> None:
    runs = make_experiment(accessibility="PUBLIC")

    told = as_dora.post("/w/lab/act", {"act": "archive", "key": runs.key}, follow=True)

    assertContains(told, "1 not archived: it has not ended; stop it first, or let it finish.")
    assert as_ben.post("/w/lab/act", {"act": "archive", "key": runs.key}).status_code == 403


def test_every_view_has_its_count(as_dora: Client, make_experiment: Make) -> None:
    make_experiment(name="one", accessibility="PUBLIC")
    make_experiment(name="two", accessibility="PUBLIC")
    Experiment.objects.filter(name="two").update(status="FAILED")
    tally.rebuild()
    as_dora.post("/w/lab/views", {"name": "twos", "query": "name:two"})
    (view,) = SavedView.objects.all()

    counted = as_dora.get("/w/lab/").context["views"]["counts"]

    assert [counted[f"built-in-{at}"] for at in range(6)] == [2, 0, 1, 0, 1, 0]
    assert (counted[f"view-{view.pk}"], counted["trash"]) == (1, 0)


def test_counts_of_a_large_catalog_come_after_the_page(
    as_dora: Client, as_cleo: Client, make_experiment: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "FEW", 0)
    make_experiment(accessibility="PUBLIC")
    tally.rebuild()

    page = as_dora.get("/w/lab/")
    later = as_dora.get("/w/lab/views/counts")

    assertContains(page, 'hx-get="/w/lab/views/counts"')
    assertContains(later, '<span class="count" id="count-built-in-0" hx-swap-oob="true">1</span>')
    assert as_cleo.get("/w/lab/views/counts").status_code == 404


def test_the_palette_finds_a_trial_of_the_experiment_by_its_number(
    as_ben: Client, as_cleo: Client, make_experiment: Make
) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED", "FAILED")
    jump = f"/w/lab/jump?e={one.key}"

    (first, *_) = as_ben.get(f"{jump}&q=trial+1").json()["items"]

    assert first == {"words": "Trial 1", "kind": "trial", "about": "Failed", "address": f"/w/lab/e/{one.key}/t/1"}
    for typed in ("7", "x", "99999999999", "trial"):
        assert all(item["kind"] != "trial" for item in as_ben.get(f"{jump}&q={typed}").json()["items"])
    assertContains(as_ben.get(f"/w/lab/e/{one.key}/"), f'data-jump="/w/lab/jump?e={one.key}"')
    assert as_cleo.get(f"{jump}&q=1").status_code == 404
