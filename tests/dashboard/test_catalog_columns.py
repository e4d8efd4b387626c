from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from apps.dashboard.catalog_columns import COLUMNS, USUAL
from apps.dashboard.listing import SORTS
from apps.experiments.models import Experiment
from tests.dashboard.conftest import queries_of

Make = Callable[..., Experiment]
CATALOG = "/w/lab/"
CHOSEN = {"choose": "1", "col": ["name", "failed", "best"]}


def test_columns_are_as_the_address_says(as_ada: Client, make_experiment: Make) -> None:
    make_experiment(name="resnet")

    page = as_ada.get(CATALOG, {"col": ["sampler", "failed"]})

    assert page.context["shows"] == ("failed", "sampler")
    assertContains(page, 'data-field="counts.FAILED"')
    assertNotContains(page, 'data-field="best"')
    assertContains(page, "sort=-failed")


@pytest.mark.parametrize("asked", [{}, {"col": ""}, {"col": "nonsense"}, {"col": "best\x00"}])
def test_without_a_choice_that_can_be_understood_the_usual_columns_show(
    as_ada: Client, make_experiment: Make, asked: dict[str, str]
) -> None:
    make_experiment()

    assert as_ada.get(CATALOG, asked).context["shows"] == USUAL


def test_a_choice_is_remembered_and_its_address_can_be_sent_to_others(
    as_ada: Client, as_ben: Client, make_experiment: Make
) -> None:
    make_experiment()

    chosen = as_ada.get(CATALOG, {"q": "owner:ada", **CHOSEN})

    assert chosen["Location"] == f"{CATALOG}?q=owner%3Aada&col=name&col=failed&col=best"
    assert as_ada.get(CATALOG).context["shows"] == ("best", "failed")
    assert as_ben.get(chosen["Location"]).context["shows"] == ("best", "failed")
    assert as_ben.get(CATALOG).context["shows"] == USUAL


def test_no_column_is_a_choice_too_and_the_usual_ones_come_back(as_ada: Client, make_experiment: Make) -> None:
    make_experiment()
    as_ada.get(CATALOG, {"choose": "1", "col": "name"})

    assert as_ada.get(CATALOG).context["shows"] == ()
    assert as_ada.get(CATALOG, {"usual": "1", "col": "best", "sort": "name"})["Location"] == f"{CATALOG}?sort=name"
    assert as_ada.get(CATALOG).context["shows"] == USUAL


def test_filtering_and_sorting_keep_the_columns_of_the_address(as_ada: Client, make_experiment: Make) -> None:
    make_experiment()

    page = as_ada.get(CATALOG, {"col": ["failed", "best"]})

    assertContains(page, '<input type="hidden" name="col" value="failed">')
    assertContains(page, "?col=failed&amp;col=best&amp;sort=name")


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in COLUMNS for sign in ("", "-")])
def test_every_column_sorts_both_ways(as_ada: Client, make_experiment: Make, sort: str) -> None:
    make_experiment(name="one")
    make_experiment(name="two")

    page = as_ada.get(CATALOG, {"sort": sort, "col": list(COLUMNS)})

    assert sort.removeprefix("-") in SORTS
    assert len(page.context["experiments"]) == 2
    assertContains(page, "aria-sort=", count=1)


def test_more_columns_cost_no_more_queries(as_ada: Client, make_experiment: Make) -> None:
    make_experiment()

    usual = queries_of(as_ada, f"{CATALOG}?q=owner:ada")

    assert queries_of(as_ada, f"{CATALOG}?q=owner:ada&" + "&".join(f"col={name}" for name in COLUMNS)) <= usual


def test_ages_of_the_last_change_count_and_stand_alone_in_the_query(as_ada: Client, make_experiment: Make) -> None:
    for days in (0, 3, 20, 90):
        made = make_experiment(name=f"{days} days ago")
        Experiment.objects.filter(pk=made.pk).update(modified=timezone.now() - timedelta(days=days))

    def ages(query: str) -> list[tuple[str, int, bool, str]]:
        facets = {one.name: one for one in as_ada.get(CATALOG, {"q": query}).context["facets"]}
        return [(one.words, one.number, one.on, one.address) for one in facets["updated"].choices]

    assert ages("") == [
        ("Today", 1, False, "updated>today"),
        ("Last 7 days", 2, False, "updated>7d"),
        ("Last 30 days", 3, False, "updated>30d"),
        ("Longer ago", 1, False, "updated<30d"),
    ]
    assert ages("owner:ada updated>7d")[:2] == [
        ("Today", 1, False, "owner:ada updated>today"),
        ("Last 7 days", 2, True, "owner:ada"),
    ]
    assert [str(one) for one in as_ada.get(CATALOG, {"q": "updated<30d"}).context["experiments"]] == ["90 days ago"]
