from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from apps.experiments.models import Experiment
from apps.tuning import experiments, trash
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tests.dashboard.conftest import queries_of

Make = Callable[..., Experiment]
CATALOG = "/w/lab/"


def shown(client: Client, address: str = CATALOG) -> set[str]:
    """The names in the list."""
    response = client.get(address)
    assert response.status_code == 200
    listed = response.context["experiments"]
    return {str(one[0] if isinstance(one, tuple) else one) for one in listed}  # in the trash with the days left


def test_strangers_are_sent_to_sign_in_and_come_back(client: Client, workspace: Workspace) -> None:
    response = client.get(f"{CATALOG}?q=x")

    assert response.status_code == 302
    assert response["Location"] == "/login?next=/w/lab/%3Fq%3Dx"


def test_home_leads_to_the_workspace_used_last(as_ada: Client) -> None:
    other = Workspace.objects.create(slug="other", name="Aaa")
    other.members.create(user_id=as_ada.session["_auth_user_id"], role="viewer")
    as_ada.get(CATALOG)

    assert as_ada.get("/")["Location"] == CATALOG


def test_a_workspace_of_others_looks_like_none(as_cleo: Client, make_experiment: Make) -> None:
    make_experiment()

    assert as_cleo.get(CATALOG).status_code == 404
    assert as_cleo.get("/w/nowhere/").status_code == 404


def test_private_experiments_are_seen_by_their_creator_and_admins_only(
    as_ada: Client, as_ben: Client, make_experiment: Make
) -> None:
    make_experiment(name="open")
    make_experiment(name="closed", accessibility="PRIVATE")

    assert shown(as_ada) == {"open", "closed"}
    assert shown(as_ben) == {"open"}
    assert as_ben.get(CATALOG).context["total"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("resnet", {"resnet one"}),
        ("name:resnet", {"resnet one"}),
        ("status:waiting", {"resnet one", "bert two"}),
        ("status:created", {"svm three"}),
        ("-status:created", {"resnet one", "bert two"}),
        ("status:waiting,created", {"resnet one", "bert two", "svm three"}),
        ("tag:vision", {"resnet one"}),
        ("tag:team=search", {"bert two"}),
        ("tag:team:search", {"bert two"}),
        ("-tag:vision", {"bert two", "svm three"}),
        ("vision", {"resnet one"}),
        ("owner:ada", {"resnet one", "bert two", "svm three"}),
        ("owner:me", {"resnet one", "bert two", "svm three"}),
        ("owner:nobody", set()),
        ("sampler:auto", {"resnet one", "bert two", "svm three"}),
        ("source:native -resnet -bert", {"svm three"}),
        ("visibility:private", {"svm three"}),
        ("metric:loss trials<1", {"resnet one", "bert two", "svm three"}),
        ("best<0.2", {"resnet one"}),
        ("best>0.2", set()),
        ("running>0", {"bert two"}),
        ("created>2020-01-01 updated>1d", {"resnet one", "bert two", "svm three"}),
        ("created<2020-01-01", set()),
        ('"two"', {"bert two"}),
    ],
)
def test_a_query_finds_what_it_says(as_ada: Client, make_experiment: Make, query: str, expected: set[str]) -> None:
    one = make_experiment(name="resnet one", tags=[("vision", "")])
    two = make_experiment(name="bert two", tags=[("team", "search")])
    make_experiment(name="svm three", accessibility="PRIVATE", start=False)
    Experiment.objects.filter(pk=one.pk).update(best_value=0.1)
    Experiment.objects.filter(pk=two.pk).update(running_count=2)

    response = as_ada.get(CATALOG, {"q": query})

    assert {str(one) for one in response.context["experiments"]} == expected
    assert response.context["total"] == len(expected)


def test_a_wrong_query_is_underlined_with_a_suggestion_and_the_rest_works(
    as_ada: Client, make_experiment: Make
) -> None:
    make_experiment(name="resnet")

    response = as_ada.get(CATALOG, {"q": "resnet statos:waiting"})

    assertContains(response, "<mark>statos:waiting</mark>", html=True)
    assertContains(response, "?q=resnet+status%3Awaiting")
    assertContains(response, 'value="resnet statos:waiting"')
    assert [str(one) for one in response.context["experiments"]] == ["resnet"]


def test_an_empty_answer_names_the_part_that_removes_most(as_ada: Client, make_experiment: Make) -> None:
    make_experiment(name="one")
    make_experiment(name="two")

    response = as_ada.get(CATALOG, {"q": "status:waiting zzz"})

    assertContains(response, "<code>zzz</code> removes most: without it there are 2 experiments.")
    assertContains(response, "Drop zzz")


def test_an_empty_workspace_shows_three_ways_to_begin(as_ada: Client, as_ben: Client) -> None:
    assertContains(as_ada.get(CATALOG), "manage.py demo")
    assertContains(as_ada.get(CATALOG), ">New experiment</a>")
    assertNotContains(as_ben.get(CATALOG), ">New experiment</a>")


def test_facets_count_what_the_query_leaves(as_ada: Client, make_experiment: Make) -> None:
    make_experiment(name="a", tags=[("vision", "")])
    make_experiment(name="b", tags=[("vision", ""), ("team", "x")], start=False)

    facets = {facet.name: facet for facet in as_ada.get(CATALOG).context["facets"]}

    assert [(one.value, one.number) for one in facets["status"].choices] == [("CREATED", 1), ("WAITING", 1)]
    assert [(one.value, one.number) for one in facets["tag"].choices] == [("vision", 2), ("team=x", 1)]
    assert [(one.value, one.number) for one in facets["owner"].choices] == [("ada", 2)]


def test_facets_ask_for_a_status_in_the_words_that_it_is_shown_with(
    as_ada: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    experiments.stop(actor_ada, make_experiment())

    (shown,) = next(one for one in as_ada.get(CATALOG).context["facets"] if one.name == "status").choices
    asked = as_ada.get(CATALOG, {"q": "status:user_canceled"})
    (on,) = next(one for one in asked.context["facets"] if one.name == "status").choices

    assert (shown.words, shown.address) == ("Stopped", "status:stopped")
    assert (on.on, on.address) == (True, "")


@pytest.mark.parametrize("query", ["owner:me", "name:net"])
@pytest.mark.parametrize("sort", ["", "created", "-updated", "name", "best"])
def test_more_rows_than_are_found_on_the_way_are_counted(
    as_ada: Client, make_experiment: Make, monkeypatch: pytest.MonkeyPatch, sort: str, query: str
) -> None:
    monkeypatch.setattr("apps.dashboard.listing.FIRST", 3)
    names = []
    for count in range(1, 6):
        names.append(f"net {count}")
        make_experiment(name=names[-1])

        response = as_ada.get(CATALOG, {"q": query, "sort": sort})

        assert response.context["total"] == count
        assert sorted(str(one) for one in response.context["experiments"]) == names


def test_the_newest_rows_are_found_without_a_look_at_all(as_ada: Client, make_experiment: Make) -> None:
    make_experiment(name="net")

    with CaptureQueriesContext(connection) as queries:
        as_ada.get(CATALOG, {"q": "owner:me"})

    assert not [one["sql"] for one in queries if " OVER " in one["sql"]]


def test_what_the_catalog_sorts_and_counts_by_stands_in_one_index() -> None:
    (newest,) = [index for index in Experiment._meta.indexes if index.name == "experiment_newest"]

    held = {name.removeprefix("-") for name in newest.fields}

    assert {"workspace", "trashed", "created", "id", "accessibility", "creator"} <= held
    assert {"status", "name", "best_value", "dialect", "sampler", "metric"} <= held


def test_facets_are_counted_without_a_look_at_other_tables_for_each_row(as_ada: Client, make_experiment: Make) -> None:
    make_experiment(name="a", tags=[("vision", "")])

    with CaptureQueriesContext(connection) as queries:
        facets = as_ada.get(f"{CATALOG}facets").context["facets"]

    assert {facet.name for facet in facets} == {"status", "updated", "owner", "tag", "source", "sampler"}
    assert not [one["sql"] for one in queries if "GROUP BY" in one["sql"] and "JOIN" in one["sql"]]


@pytest.mark.parametrize("query", ["", "name:net"])
def test_ages_hold_the_narrower_ones(as_ada: Client, make_experiment: Make, query: str) -> None:
    for days in (0, 3, 20, 40, 400):
        one = make_experiment(name="net")
        Experiment.objects.filter(pk=one.pk).update(modified=timezone.now() - timedelta(days=days))

    ages = next(facet for facet in as_ada.get(CATALOG, {"q": query}).context["facets"] if facet.name == "updated")

    assert [(one.words, one.number) for one in ages.choices] == [
        ("Today", 1),
        ("Last 7 days", 2),
        ("Last 30 days", 3),
        ("Longer ago", 2),
    ]


def test_a_chip_drops_its_part(as_ada: Client, make_experiment: Make) -> None:
    make_experiment(name="a")

    response = as_ada.get(CATALOG, {"q": "a status:waiting", "sort": "name"})

    assertContains(response, '?q=a&amp;sort=name" aria-label="Drop status:waiting"')


@pytest.mark.parametrize("sort", ["name", "best", "trials", "running", "owner", "created", "updated", "status"])
def test_every_column_sorts_both_ways_with_what_lacks_a_value_last(
    as_ada: Client, make_experiment: Make, sort: str
) -> None:
    for place, name in enumerate(["a", "b", "c"]):
        one = make_experiment(name=name)
        Experiment.objects.filter(pk=one.pk).update(
            best_value=place / 10 if place else None, trial_count=place, running_count=place
        )

    up = [str(one) for one in as_ada.get(CATALOG, {"sort": sort}).context["experiments"]]
    down = [str(one) for one in as_ada.get(CATALOG, {"sort": f"-{sort}"}).context["experiments"]]

    if sort == "best":
        assert (up, down) == (["b", "c", "a"], ["c", "b", "a"])
    else:
        assert up == down[::-1]


def test_pages_have_numbers_and_sizes_in_the_address(as_ada: Client, make_experiment: Make) -> None:
    for number in range(27):
        make_experiment(name=f"e{number:02}")

    first = as_ada.get(CATALOG, {"sort": "name"})
    second = as_ada.get(CATALOG, {"sort": "name", "page": 2})
    beyond = as_ada.get(CATALOG, {"sort": "name", "page": 99})

    assertContains(first, "1–25 of 27")
    assertContains(first, "?sort=name&amp;page=2")
    assert [str(one) for one in second.context["experiments"]] == ["e25", "e26"]
    assert [str(one) for one in beyond.context["experiments"]] == ["e25", "e26"]
    assert len(as_ada.get(CATALOG, {"size": 50}).context["experiments"]) == 27


def test_nonsense_in_the_address_is_as_if_it_were_not_there(as_ada: Client, make_experiment: Make) -> None:
    make_experiment(name="a")

    for query in ("page=-1", "page=x", "size=7", "sort=;drop", "page=999999999999999999999", "q=%00"):
        assert as_ada.get(f"{CATALOG}?{query}").status_code == 200, query


def test_the_number_of_queries_does_not_grow_with_the_rows(as_ada: Client, make_experiment: Make) -> None:
    for number in range(3):
        make_experiment(name=f"e{number}", tags=[("a", str(number)), ("b", "")])
    address = f"{CATALOG}?q=status:waiting"
    as_ada.get(address)
    few = queries_of(as_ada, address)

    for number in range(20):
        make_experiment(name=f"f{number}", tags=[("a", str(number))])

    assert queries_of(as_ada, address) == few
    assert few == 22


def test_ticked_rows_are_paused_and_what_refuses_is_said(
    as_dora: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    one, two = make_experiment(name="one"), make_experiment(name="two")
    experiments.stop(actor_ada, two)

    response = as_dora.post("/w/lab/act", {"act": "pause", "key": [one.key, two.key]}, follow=True)

    one.refresh_from_db()
    assert one.desired == "pause"
    assertContains(response, "1 experiment paused.")
    assertContains(response, "1 not paused: it has already ended: stopped.")


def test_ticked_rows_get_tags_beside_those_they_have(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(tags=[("team", "a"), ("old", "")])

    as_dora.post("/w/lab/act", {"act": "tag", "key": [one.key], "tags": "team=b, new"})

    assert {str(tag) for tag in one.tags.all()} == {"team:b", "old", "new"}


def test_viewers_have_no_buttons_and_are_refused_when_they_try(as_ben: Client, make_experiment: Make) -> None:
    one = make_experiment()

    page = as_ben.get(CATALOG)
    for act in ("pause", "resume", "stop", "trash", "tag"):
        assertNotContains(page, f'name="act" value="{act}"')
    response = as_ben.post("/w/lab/act", {"act": "stop", "key": [one.key]})

    one.refresh_from_db()
    assert response.status_code == 403
    assertContains(response, "yours is Viewer", status_code=403)
    assert one.desired == "run"


def test_outsiders_cannot_act_and_keys_of_elsewhere_are_ignored(
    as_cleo: Client, as_dora: Client, make_experiment: Make
) -> None:
    private = make_experiment(accessibility="PRIVATE")

    assert as_cleo.post("/w/lab/act", {"act": "trash", "key": [private.key]}).status_code == 404
    as_dora.post("/w/lab/act", {"act": "trash", "key": [private.key, "nope"]})

    private.refresh_from_db()
    assert private.trashed is False


@pytest.mark.parametrize(
    "form", [{}, {"act": "fly"}, {"act": "pause"}, {"act": "pause", "key": "x"}, {"act": "stop", "key": "\x00"}]
)
def test_an_incomplete_act_says_what_is_missing(as_dora: Client, form: dict[str, str]) -> None:
    response = as_dora.post("/w/lab/act", form, follow=True)

    assertContains(response, "Not done:")


def test_the_way_back_never_leads_to_another_site(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()

    response = as_dora.post("/w/lab/act", {"act": "pause", "key": one.key, "next": "https://evil.example/"})

    assert response["Location"] == CATALOG


def test_the_trash_holds_restores_and_deletes_for_good(as_ada: Client, make_experiment: Make) -> None:
    one, two = make_experiment(name="one"), make_experiment(name="two")
    as_ada.post("/w/lab/act", {"act": "trash", "key": [one.key, two.key]})

    assert shown(as_ada) == set()
    assert shown(as_ada, "/w/lab/trash") == {"one", "two"}

    as_ada.post(f"/w/lab/e/{one.key}/act", {"act": "restore"})
    wrong = as_ada.post(f"/w/lab/e/{two.key}/act", {"act": "purge", "typed": "tow"}, follow=True)
    assert Experiment.objects.filter(pk=two.pk).exists()
    as_ada.post(f"/w/lab/e/{two.key}/act", {"act": "purge", "typed": "two"})

    assertContains(wrong, "Not deleted")
    assert shown(as_ada) == {"one"}
    assert not Experiment.objects.filter(pk=two.pk).exists()


def test_a_member_cannot_delete_for_good_what_others_made(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(name="one")
    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "trash"})

    assertNotContains(as_dora.get("/w/lab/trash"), "Delete for good")
    response = as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "purge", "typed": "one"})

    assert response.status_code == 403
    assert Experiment.objects.filter(pk=one.pk).exists()


def test_a_tag_links_to_what_shares_it_whatever_it_holds(as_ada: Client, make_experiment: Make) -> None:
    make_experiment(name="one", tags=[("data set", "a, b"), ("x", "")])
    make_experiment(name="two", tags=[("data set", "other")])

    assertContains(as_ada.get(CATALOG), "?q=tag%3A%22data%20set%3Da%2C%20b%22")
    assert shown(as_ada, f"{CATALOG}?q=tag%3A%22data%20set%3Da%2C%20b%22") == {"one"}


def test_what_may_not_be_done_with_one_row_is_done_with_the_others(
    as_dora: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    dora = User.objects.get(username="dora")
    own, other, own_too = (make_experiment(name=name) for name in ("own", "other", "own too"))
    Experiment.objects.filter(pk__in=[own.pk, own_too.pk]).update(creator=dora)
    for one in (own, other, own_too):
        trash.delete(actor_ada, one)

    keys = [own.key, other.key, own_too.key]
    said = as_dora.post("/w/lab/act", {"act": "purge", "key": keys, "next": "/w/lab/trash"}, follow=True)

    assertContains(said, "2 experiments deleted for good.")
    assertContains(said, "1 not deleted for good: to manage here needs the role admin; yours is member.")
    assert list(Experiment.objects.visible_to(actor_ada).values_list("name", flat=True)) == ["other"]
