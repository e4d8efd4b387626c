"""Creating, changing, stopping and deleting experiments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import Entry
from apps.experiments import tally
from apps.experiments.models import Desired, Experiment, SpaceVersion
from apps.feed import reading
from apps.feed.models import experiment_stream, workspace_stream
from apps.tuning import experiments, trash
from apps.tuning.errors import Conflict
from apps.tuning.experiments import Changes
from apps.workspaces.access import NotAllowed, OutOfReach, actor_of_user
from apps.workspaces.models import Member, Role, Workspace
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, Uniform
from tunebook.errors import SpecError
from tunebook.limits import Limits
from tunebook.monitor import Monitor
from tunebook.objective import Metric, Objective
from tunebook.status import ExperimentStatus

pytestmark = pytest.mark.django_db


def test_a_created_experiment_waits_with_its_declaration_tags_and_first_space(make_experiment):
    experiment = make_experiment(tags=[("team", "vision"), ("paper", "")])

    row = Experiment.objects.get(pk=experiment.pk)
    assert (row.status, row.desired, row.metric, row.goal) == ("WAITING", Desired.RUN, "loss", "minimize")
    assert (row.max_trials, row.max_concurrent) == (5, 2)
    assert sorted(str(tag) for tag in row.tags.all()) == ["paper", "team:vision"]
    assert [version.number for version in SpaceVersion.objects.filter(experiment=row)] == [1]


def test_creating_is_told_on_both_streams(make_experiment):
    experiment = make_experiment()

    inside = reading.after(experiment_stream(experiment.key), 0)
    listed = reading.after(workspace_stream("lab"), 0)
    assert [event.kind for event in inside] == ["note", "experiment"]
    assert [(event.kind, event.payload["key"]) for event in listed] == [("experiment", experiment.key)]


@pytest.mark.parametrize(("allowed", "notes"), [(False, 2), (True, 1)])
def test_a_monitor_that_will_be_told_nothing_is_warned_about(make_experiment, settings, allowed, notes):
    settings.TUNEBOOK_ALLOW_WEBHOOKS = allowed

    experiment = make_experiment(job=a_job(monitor=Monitor("https://hooks.example.com/")))

    events = reading.after(experiment_stream(experiment.key), 0)
    assert [event.kind for event in events] == ["note"] * notes + ["experiment"]


def test_a_seed_is_drawn_where_none_is_given_and_kept_where_one_is(make_experiment):
    drawn = make_experiment()
    given = make_experiment(job=a_job(sampling=replace(a_job().sampling, seed=7)))

    assert drawn.seed >= 0
    assert given.seed == 7


def test_a_viewer_may_not_create(actor_ben, workspace):
    with pytest.raises(NotAllowed):
        experiments.create(actor_ben, a_job(), workspace=workspace)

    assert not Experiment.objects.exists()


def test_an_outsider_finds_nothing(make_experiment, actor_cleo):
    experiment = make_experiment()

    with pytest.raises(OutOfReach):
        experiments.find(actor_cleo, experiment.key)
    with pytest.raises(OutOfReach):
        experiments.stop(actor_cleo, experiment)


def test_a_private_experiment_is_seen_by_its_creator_and_administrators_only(make_experiment, actor_ada, actor_ben):
    experiment = make_experiment(accessibility="PRIVATE")

    assert experiments.find(actor_ada, experiment.key) == experiment
    with pytest.raises(OutOfReach):
        experiments.find(actor_ben, experiment.key)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"name": "x" * 256}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"accessibility": "SECRET"}, "accessibility"),
        ({"tags": [(f"k{n}", "") for n in range(21)]}, "tags"),
        ({"tags": [("aliyun-x", "")]}, "tags[0].Key"),
        ({"tags": [("k", "acs:x")]}, "tags[0].Value"),
        ({"tags": [("k", "1"), ("k", "2")]}, "tags[1].Key"),
    ],
)
def test_nonsense_is_refused_and_stores_nothing(make_experiment, given, path):
    with pytest.raises(SpecError) as refused:
        make_experiment(**given)

    assert refused.value.path == path
    assert not Experiment.objects.exists()


def test_tags_are_kept_in_the_form_in_which_they_are_looked_for(make_experiment):
    experiment = make_experiment(tags=[("cafe\u0301", "e\u0301")])

    assert [(tag.key, tag.value) for tag in experiment.tags.all()] == [("caf\u00e9", "\u00e9")]
    with pytest.raises(SpecError, match="stands twice"):
        make_experiment(tags=[("e\u0301", "1"), ("\u00e9", "2")])


def test_a_space_that_is_too_large_is_refused_when_it_comes_and_when_it_is_changed(make_experiment, actor_ada):
    large = Space({f"p{number}": Choice([f"value {one} of many" for one in range(100)]) for number in range(150)})
    experiment = make_experiment()

    with pytest.raises(SpecError, match="at most 262144 bytes") as refused:
        make_experiment(job=a_job(space=large))
    with pytest.raises(SpecError, match="at most 262144 bytes"):
        experiments.respace(actor_ada, experiment, large)

    assert refused.value.path == "space"


def test_stopping_without_live_trials_ends_at_once_and_fences_the_driver(make_experiment, actor_ada):
    experiment = make_experiment()

    stopped = experiments.stop(actor_ada, experiment)

    assert stopped.status == ExperimentStatus.USER_CANCELED
    assert stopped.ended is not None
    assert stopped.epoch == experiment.epoch + 1


def test_stopping_twice_changes_nothing(make_experiment, actor_ada):
    first = experiments.stop(actor_ada, make_experiment())

    second = experiments.stop(actor_ada, first)

    assert (second.status, second.modified, second.epoch) == (first.status, first.modified, first.epoch)


def test_stopping_with_live_trials_only_asks(make_experiment, actor_ada):
    experiment = make_experiment()
    Experiment.objects.filter(pk=experiment.pk).update(status="RUNNING", running_count=1)

    asked = experiments.stop(actor_ada, experiment)

    assert (asked.status, asked.desired) == ("RUNNING", Desired.STOP)


def test_pause_and_resume_are_refused_after_the_end(make_experiment, actor_ada):
    ended = experiments.stop(actor_ada, make_experiment())

    with pytest.raises(Conflict):
        experiments.pause(actor_ada, ended)
    with pytest.raises(Conflict):
        experiments.resume(actor_ada, ended)


def test_adding_tags_keeps_what_others_have_added_since_the_row_was_read(make_experiment, actor_ada):
    made = make_experiment(tags=[("team", "vision"), ("stage", "draft")])
    read = Experiment.objects.prefetch_related("tags").get(pk=made.pk)
    experiments.tag(actor_ada, made, [("theirs", "1")])

    tagged = experiments.tag(actor_ada, read, [("mine", ""), ("stage", "final")])

    assert {tag.key: tag.value for tag in tagged.tags.all()} == {
        "team": "vision",
        "stage": "final",
        "theirs": "1",
        "mine": "",
    }


def test_the_trash_keeps_and_gives_back(make_experiment, actor_ada):
    experiment = make_experiment()

    trash.delete(actor_ada, experiment)

    with pytest.raises(OutOfReach):
        experiments.find(actor_ada, experiment.key)
    binned = experiments.find(actor_ada, experiment.key, trashed=True)
    trash.restore(actor_ada, binned)
    assert experiments.find(actor_ada, experiment.key).trashed is False


def test_who_sees_an_experiment_is_for_its_creator_and_administrators_to_say(make_experiment, workspace, actor_ada):
    dora, eve = (User.objects.create_user(name) for name in ("dora", "eve"))
    for member in (dora, eve):
        Member.objects.create(workspace=workspace, user=member, role=Role.MEMBER)
    theirs = experiments.create(actor_of_user(dora), a_job(), workspace=workspace, accessibility="PUBLIC")

    with pytest.raises(NotAllowed, match="needs the role admin"):
        experiments.update(actor_of_user(eve), theirs, Changes(name="mine", accessibility="PRIVATE"))
    renamed = experiments.update(actor_of_user(eve), theirs, Changes(name="ours", accessibility="PUBLIC"))

    assert (renamed.name, renamed.version) == ("ours", theirs.version + 1)
    assert experiments.update(actor_of_user(dora), theirs, Changes(accessibility="PRIVATE")).accessibility == "PRIVATE"
    assert experiments.update(actor_ada, theirs, Changes(accessibility="PUBLIC")).accessibility == "PUBLIC"


def test_only_the_trash_can_be_emptied(make_experiment, actor_ada):
    experiment = make_experiment()

    with pytest.raises(Conflict):
        trash.purge(actor_ada, experiment)
    trash.purge(actor_ada, trash.delete(actor_ada, experiment))

    assert not Experiment.objects.exists()
    assert tally.totals(actor_ada, trashed=True) == {}


def test_tallies_follow_every_change(make_experiment, actor_ada, actor_ben):
    make_experiment()
    hidden = make_experiment(accessibility="PRIVATE")
    stopped = make_experiment()

    experiments.stop(actor_ada, stopped)
    trash.delete(actor_ada, hidden)

    assert tally.totals(actor_ada) == {"WAITING": 1, "USER_CANCELED": 1}
    assert tally.totals(actor_ada, trashed=True) == {"USER_CANCELED": 1}
    assert tally.totals(actor_ben, trashed=True) == {}
    kept = tally.totals(actor_ada)
    tally.rebuild()
    assert tally.totals(actor_ada) == kept


def test_who_moves_experiments_there_and_who_moves_them_back_take_the_counts_in_one_order(make_experiment):
    here = tally.place(make_experiment())
    there = (*here[:-1], True)
    tally.shift(None, there)

    orders = []
    for before, after in ((here, there), (there, here)):
        with CaptureQueriesContext(connection) as queries:
            tally.shift(before, after)
        orders.append([query["sql"].partition("WHERE")[2] for query in queries])

    assert orders[0] == orders[1]
    assert len(set(orders[0])) == 2


@pytest.mark.django_db(transaction=True)
def test_experiments_are_moved_both_ways_at_once_and_tagged_in_any_order(make_experiment, ada, workspace):
    """On PostgreSQL whoever takes rows in another order than the rest ends in a deadlock within a few rounds."""
    elsewhere = Workspace.objects.create(slug="elsewhere", name="Elsewhere")
    Member.objects.create(workspace=elsewhere, user=ada, role=Role.ADMIN)
    actor = actor_of_user(ada)
    rows = [make_experiment(name=str(each)) for each in range(4)]
    together = Barrier(len(rows))

    def move(number):
        places, tags = [elsewhere, workspace], [("a", "1"), ("b", "2"), ("c", "3")]
        try:
            for turn in range(12):
                together.wait(30)
                mine = [(key, f"{value}-{turn}") for key, value in tags[:: 1 if number % 2 else -1]]
                to = places[(turn + number) % 2]
                experiments.update(actor, rows[number], Changes(workspace=to, tags=tuple(mine)))
        except BaseException:
            together.abort()
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(len(rows)) as people:
        list(people.map(move, range(len(rows))))

    assert tally.totals(actor) == {"WAITING": 4}
    assert {row.workspace.slug for row in Experiment.objects.select_related("workspace")} == {"lab", "elsewhere"}
    kept = tally.totals(actor, workspace_id=elsewhere.pk)
    tally.rebuild()
    assert tally.totals(actor, workspace_id=elsewhere.pk) == kept


def test_a_changed_space_is_a_new_version(make_experiment, actor_ada):
    experiment = make_experiment()
    job = a_job(space=Space({"x": Uniform(0.0, 0.5)}))

    changed = experiments.update(actor_ada, experiment, Changes(job=job))

    assert changed.space_version == 2
    assert SpaceVersion.objects.filter(experiment=experiment).count() == 2


def test_limits_change_alone(make_experiment, actor_ada):
    experiment = make_experiment()

    changed = experiments.limit(actor_ada, experiment, max_trials=9)

    assert (changed.max_trials, changed.max_concurrent) == (9, 2)
    assert changed.job["limits"]["max_concurrent"] == 2


def test_changed_limits_are_told_with_what_they_were(make_experiment, actor_ada):
    experiment = make_experiment()
    experiments.limit(actor_ada, experiment, max_trials=1_000_000, max_seconds=90.5)

    experiments.limit(actor_ada, experiment, max_trials=None)

    told = list(Entry.objects.filter(action="experiment.change").order_by("pk").values_list("detail", flat=True))
    assert told[0].endswith("max trials 5 → 1000000, max seconds none → 90.5)")
    assert told[1] == "limits (max trials 1000000 → none)"


def test_the_objective_of_an_experiment_stays(make_experiment, actor_ada):
    experiment = make_experiment()

    with pytest.raises(SpecError) as refused:
        experiments.update(
            actor_ada, experiment, Changes(job=a_job(objective=Objective("maximize", (Metric("loss"),))))
        )

    assert refused.value.path == "objective"


def test_an_ended_experiment_takes_a_name_but_no_configuration(make_experiment, actor_ada):
    ended = experiments.stop(actor_ada, make_experiment())

    renamed = experiments.update(actor_ada, ended, Changes(name="better"))

    assert renamed.name == "better"
    with pytest.raises(Conflict):
        experiments.update(actor_ada, ended, Changes(job=a_job(limits=Limits(max_trials=50))))


def test_an_edit_of_an_old_version_is_refused(make_experiment, actor_ada):
    experiment = make_experiment()
    experiments.update(actor_ada, experiment, Changes(name="one"), version=1)

    with pytest.raises(Conflict):
        experiments.update(actor_ada, experiment, Changes(name="two"), version=1)

    assert Experiment.objects.get(pk=experiment.pk).name == "one"


def test_a_finished_experiment_reopens_with_more_trials(make_experiment, actor_ada):
    experiment = make_experiment()
    Experiment.objects.filter(pk=experiment.pk).update(status="FINISHED")

    with pytest.raises(SpecError):
        experiments.reopen(actor_ada, experiment, max_trials=5)
    reopened = experiments.reopen(actor_ada, experiment, max_trials=8)

    assert (reopened.status, reopened.max_trials, reopened.ended) == ("WAITING", 8, None)
