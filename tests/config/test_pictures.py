"""What pictures are taken of, and what is said when they cannot be."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from apps.config import gallery, pictures
from apps.experiments.models import Experiment
from apps.insights.summary import best_ten
from apps.workspaces.access import Actor
from apps.workspaces.models import Workspace
from tunebook.job import Job


def test_the_made_up_catalog_is_the_same_every_time() -> None:
    name, count, sampler, team = gallery.NAMES[0]

    assert gallery.document(name, count, sampler, team) == gallery.document(name, count, sampler, team)


def test_the_made_up_catalog_can_be_stored(actor_ada: Actor, workspace: Workspace) -> None:
    made = gallery.hang(actor_ada, workspace)

    assert [one.name for one in made] == [name for name, *_ in gallery.NAMES]
    assert Experiment.objects.filter(best_value=None).count() == 0
    assert len(best_ten(made[0], Job.from_dict(made[0].job).space)) == 10


def test_without_playwright_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)

    with pytest.raises(CommandError, match=r"pip install 'tunebook\[dev\]'"):
        call_command("screenshots", str(tmp_path))


def test_an_unknown_page_is_named(tmp_path: object) -> None:
    with pytest.raises(CommandError, match="no page nothing; there are login, catalog"):
        call_command("screenshots", str(tmp_path), only="nothing")
