from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from apps.experiments.models import Experiment
from apps.experiments.workers import Worker
from apps.feed.models import experiment_stream
from apps.feed.writing import append
from apps.trials import logs
from apps.trials.models import Trial
from apps.tuning import experiments, trash
from apps.tuning.announce import experiment_summary
from apps.workspaces.access import Actor
from tests.dashboard.conftest import queries_of
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, LogUniform, Uniform

Make = Callable[..., Experiment]
Add = Callable[..., list[Trial]]
TABS = ("", "trials", "curves", "logs", "settings")


def page(experiment: Experiment, tab: str = "") -> str:
    return f"/w/lab/e/{experiment.key}/{tab}"


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_is_a_page_for_members_and_404_for_outsiders(
    as_ada: Client, as_ben: Client, as_cleo: Client, make_experiment: Make, add_trials: Add, tab: str
) -> None:
    one = make_experiment(name="a sweep")
    add_trials(one, "FINISHED", "RUNNING", "FAILED", "EARLY_STOPPED", "CREATED")

    for client in (as_ada, as_ben):
        assertContains(client.get(page(one, tab)), "<h1>a sweep</h1>", html=True)
    assert as_cleo.get(page(one, tab)).status_code == 404


@pytest.mark.parametrize("tab", TABS)
def test_an_experiment_without_trials_has_every_tab(as_ada: Client, make_experiment: Make, tab: str) -> None:
    assert as_ada.get(page(make_experiment(), tab)).status_code == 200


def test_unknown_tabs_trashed_and_foreign_experiments_are_404(
    as_ada: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    one = make_experiment()

    assert as_ada.get(page(one, "nonsense")).status_code == 404
    assert as_ada.post(page(one, "trials")).status_code == 404
    assert as_ada.get("/w/lab/e/unknown/").status_code == 404
    trash.delete(actor_ada, one)
    assert as_ada.get(page(one)).status_code == 404


def test_counts_have_their_thousands_apart(as_ada: Client, make_experiment: Make) -> None:
    one = make_experiment()
    counts = {"trial_count": 12_345, "finished_count": 11_000, "failed_count": 1_345, "max_trials": 20_000}
    Experiment.objects.filter(pk=one.pk).update(**counts)

    for text in ('data-field="total">12,345<', 'data-field="ended" class="digits-6">12,345<', " / 20,000<", ">1,345<"):
        assertContains(as_ada.get(page(one)), text)
    assertContains(as_ada.get("/w/lab/"), 'data-field="ended">12,345<')


def test_restarted_and_queued_trials_are_part_of_the_whole_everywhere(as_ada: Client, make_experiment: Make) -> None:
    one = make_experiment()
    Experiment.objects.filter(pk=one.pk).update(trial_count=22, finished_count=22, max_trials=20, extra_trials=2)
    one.refresh_from_db()

    for place in (page(one), "/w/lab/"):
        assertContains(as_ada.get(place), " / 22<")
        assertContains(as_ada.get(place), 'max="22"')
    assert experiment_summary(one)["planned"] == 22


def test_reopening_says_that_restarted_and_queued_trials_are_not_counted(as_ada: Client, make_experiment: Make) -> None:
    one = make_experiment()
    Experiment.objects.filter(pk=one.pk).update(status="FINISHED", trial_count=6, extra_trials=1, ended=one.created)

    said = as_ada.post(f"{page(one)}act", {"act": "reopen", "max_trials": "40"}, follow=True)

    assertContains(said, "Reopened: it goes on up to 40 trials, not counting the 1 queued or restarted.")
    assertContains(said, " / 41<")


def test_the_header_says_state_best_progress_and_outcomes(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FINISHED", "FAILED")

    response = as_ada.get(page(one))

    assertContains(response, '<span class="figure" data-field="best" title="0.99">0.99</span>', html=True)
    assertContains(response, 'value="3" max="5"')
    assertContains(response, "↓ lower is better")
    assertContains(response, f'data-object="experiment:{one.key}"')
    assertContains(response, f'data-stream="exp:{one.key}"')


def test_a_page_without_an_optimizer_says_how_to_start_one(as_ada: Client, make_experiment: Make) -> None:
    one = make_experiment()

    assertContains(as_ada.get(page(one)), "No optimizer is running")
    Worker.objects.create(name="w", host="h", pid=1, slots=2, seen=timezone.now())

    assertNotContains(as_ada.get(page(one)), "No optimizer is running")


def test_what_failed_before_its_first_trial_is_not_said_to_begin_one(as_ada: Client, make_experiment: Make) -> None:
    one = make_experiment()
    Experiment.objects.filter(pk=one.pk).update(status="FAILED", ended=timezone.now(), reason="the sampler failed")

    answer = as_ada.get(page(one))

    assertContains(answer, "Ended before the first trial")
    assertNotContains(answer, "begin the first trial")
    assertNotContains(answer, "No optimizer seen")


def test_viewers_see_no_controls(as_ben: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    add_trials(one, "RUNNING")

    for tab in TABS:
        assertNotContains(as_ben.get(page(one, tab)), 'name="act"')
    assert as_ben.post(page(one, "act"), {"act": "stop"}).status_code == 403
    assert as_ben.post(page(one, "settings"), {"name": "mine"}).status_code == 403


def test_what_the_state_forbids_is_disabled_with_the_reason(
    as_ada: Client, make_experiment: Make, add_trials: Add, actor_ada: Actor
) -> None:
    one = make_experiment()
    add_trials(one, "RUNNING")
    experiments.stop(actor_ada, one)

    response = as_ada.get(page(one))

    assertContains(response, 'value="pause" disabled aria-describedby="why-pause"')
    assertContains(response, "It is being stopped.")


def test_of_what_has_ended_the_header_offers_only_what_can_be_done(
    as_ada: Client, as_ben: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    one = make_experiment()
    experiments.stop(actor_ada, one)

    stopped = as_ada.get(page(one))
    Experiment.objects.filter(pk=one.pk).update(status="FINISHED")
    finished = as_ada.get(page(one))

    assertContains(stopped, "It has ended.")
    assertContains(stopped, "</svg>Clone</a>")
    for words in ('value="pause"', ">Limits", "Reopen", " disabled"):
        assertNotContains(stopped, words)
    assertContains(finished, f'href="{page(one, "settings")}#reopen"')
    assertContains(as_ada.get(page(one, "settings")), 'id="reopen"')
    assertNotContains(as_ben.get(page(one)), "Reopen")


def test_no_visit_adds_up_the_time_of_trials_that_have_ended(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    one, now = make_experiment(), timezone.now()
    add_trials(one, *["FINISHED"] * 3, started=now - timedelta(hours=2), ended=now - timedelta(hours=1))
    as_ada.get(page(one))

    with CaptureQueriesContext(connection) as asked:
        answer = as_ada.get(page(one))

    assert answer.context["spent"] == 3 * 3600
    assert not [query["sql"] for query in asked if "SUM(" in query["sql"] and "trials_trial" in query["sql"]]


def test_the_header_tells_the_time_of_all_trials(as_ada: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    assert as_ada.get(page(one)).context["spent"] == 0

    now = timezone.now()
    add_trials(one, "FINISHED", "FAILED", started=now - timedelta(hours=2), ended=now - timedelta(hours=1))
    add_trials(one, "RUNNING", started=now - timedelta(minutes=30))
    add_trials(one, "WAITING", started=None)

    assertContains(as_ada.get(page(one)), ">2 h 30 m</span>")


@pytest.mark.parametrize(
    ("act", "desired"), [("pause", "pause"), ("drain", "drain"), ("stop", "stop"), ("resume", "run")]
)
def test_controls_ask_for_what_they_say(as_dora: Client, make_experiment: Make, act: str, desired: str) -> None:
    one = make_experiment()

    response = as_dora.post(page(one, "act"), {"act": act}, follow=True)

    one.refresh_from_db()
    assert one.desired == desired
    assert response.status_code == 200
    assertContains(response, "notice-success")


def test_a_refused_control_says_why(as_dora: Client, make_experiment: Make, actor_ada: Actor) -> None:
    one = make_experiment()
    experiments.stop(actor_ada, one)

    response = as_dora.post(page(one, "act"), {"act": "pause"}, follow=True)

    assertContains(response, "Not done: it has already ended: stopped")


def test_moving_to_the_trash_leads_to_the_catalog(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()

    assert as_dora.post(page(one, "act"), {"act": "trash"})["Location"] == "/w/lab/"


@pytest.mark.parametrize("form", [{}, {"act": "nonsense"}, {"act": "stop-trials"}])
def test_an_incomplete_act_changes_nothing(as_dora: Client, make_experiment: Make, form: dict[str, str]) -> None:
    response = as_dora.post(page(make_experiment(), "act"), form, follow=True)

    assertContains(response, "Not done:")


def test_ticked_trials_are_stopped_and_started_again(as_dora: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    done, failed, waiting = add_trials(one, "FINISHED", "FAILED", "CREATED")
    keys = [done.key, failed.key, waiting.key]

    stopped = as_dora.post(page(one, "act"), {"act": "stop-trials", "trial": keys}, follow=True)
    again = as_dora.post(page(one, "act"), {"act": "restart-trials", "trial": keys[:2]}, follow=True)

    waiting.refresh_from_db()
    assert waiting.status == "USER_CANCELED"
    assertContains(stopped, "1 of 3 asked to stop")
    assertContains(again, "Started again as trial 3.")
    assertContains(again, "Not started again: a trial with the same parameters has succeeded.")


def test_settings_are_saved(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(tags=[("old", "")])
    form = {"name": "new name", "description": "why", "tags": "vision, team=b", "accessibility": "PUBLIC"}

    response = as_dora.post(page(one, "settings"), form, follow=True)

    one.refresh_from_db()
    assert (one.name, one.description) == ("new name", "why")
    assert {str(tag) for tag in one.tags.all()} == {"vision", "team:b"}
    assertContains(response, "Saved.")


def test_who_may_not_say_who_sees_an_experiment_finds_that_field_closed(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(accessibility="PUBLIC")

    shown = as_dora.get(page(one, "settings"))
    as_dora.post(page(one, "settings"), {"name": "new name", "accessibility": "PRIVATE"})

    one.refresh_from_db()
    assertContains(shown, "Its creator and administrators change that.")
    assert (one.name, one.accessibility) == ("new name", "PUBLIC")


def test_wrong_settings_come_back_with_the_error_at_the_field(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(name="before")
    form = {"name": "kept", "description": "", "tags": "aliyun-x", "accessibility": "PUBLIC"}

    response = as_dora.post(page(one, "settings"), form)

    one.refresh_from_db()
    assert response.status_code == 400
    assert one.name == "before"
    assertContains(response, 'value="kept"', status_code=400)
    assert "must not start with" in str(response.context["settings_form"].errors["tags"])


def test_limits_change_while_it_runs_and_no_more_when_it_has_ended(
    as_dora: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    one = make_experiment()
    form = {"form": "limits", "max_concurrent": "7", "max_trials": ""}

    as_dora.post(page(one, "settings"), form)
    one.refresh_from_db()
    assert (one.max_concurrent, one.max_trials) == (7, None)

    experiments.stop(actor_ada, one)
    response = as_dora.post(page(one, "settings"), form)
    assert response.status_code == 400
    assertContains(response, "cannot change any more", status_code=400)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [4, 3, 2, 1, 0]),
        ("status:succeeded", [2, 1, 0]),
        ("status:failed,running", [4, 3]),
        ("-status:succeeded", [4, 3]),
        ("value<0.985", [2]),
        ("lr>0.015 status:succeeded", [2]),
        ("param.lr<=0.01", [1, 0]),
        ("model:svm", [2, 0]),
        ("model=svm value>0.985", [0]),
        ("model.C>1", [2]),
        ("number>=3", [4, 3]),
        ("boom", [3]),
    ],
)
def test_trials_are_filtered_by_status_value_and_parameters(
    as_ada: Client, make_experiment: Make, add_trials: Add, query: str, numbers: list[int]
) -> None:
    nested = Choice([{"_name": "svm", "C": Uniform(0, 10)}, "bayes"])
    one = make_experiment(job=a_job(space=Space({"lr": LogUniform.between(0.001, 1), "model": nested})))
    add_trials(one, "FINISHED", params={"lr": 0.001, "model": {"_name": "svm", "C": 1}})
    add_trials(one, "FINISHED", params={"lr": 0.01, "model": "bayes"})
    add_trials(one, "FINISHED", params={"lr": 0.02, "model": {"_name": "svm", "C": 2}})
    add_trials(one, "FAILED", params={"lr": 0.5, "model": "bayes"}, reason="it went boom")
    add_trials(one, "RUNNING", params={"lr": 0.6, "model": "bayes"})

    response = as_ada.get(page(one, "trials"), {"q": query})

    assert response.context["query"].problems == []
    assert [row.trial.number for row in response.context["rows"]] == numbers
    assert response.context["total"] == len(numbers)


@pytest.mark.parametrize(
    ("sort", "numbers"),
    [
        ("number", [0, 1, 2]),
        ("-number", [2, 1, 0]),
        ("value", [1, 0, 2]),
        ("-value", [0, 1, 2]),
        ("param.x", [2, 0, 1]),
        ("-param.x", [1, 0, 2]),
        ("nonsense", [2, 1, 0]),
        ("-param.nonsense", [2, 1, 0]),
    ],
)
def test_trials_sort_by_any_column_with_what_lacks_a_value_last(
    as_ada: Client, make_experiment: Make, add_trials: Add, sort: str, numbers: list[int]
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", params={"x": 0.5}, value=0.9)
    add_trials(one, "FINISHED", params={"x": 0.9}, value=0.1)
    add_trials(one, "RUNNING", params={"x": 0.1})

    response = as_ada.get(page(one, "trials"), {"sort": sort})

    assert [row.trial.number for row in response.context["rows"]] == numbers


def test_columns_are_chosen_in_the_address(as_ada: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED")

    usual = as_ada.get(page(one, "trials"))
    chosen = as_ada.get(page(one, "trials"), {"col": ["source", "step"]})

    assert [column.title for column in usual.context["columns"] if column.on] == ["x", "Duration", "Started", "Reason"]
    assert [column.title for column in chosen.context["columns"] if column.on] == ["Step", "Why"]
    assertContains(chosen, "start-up")


def test_columns_are_as_wide_as_somebody_has_made_them(as_ada: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED")
    assertNotContains(as_ada.get(page(one, "trials")), "trials sized")

    as_ada.cookies["widths"] = "param.x=300&value=1&reason=999999&nonsense=<b>&status=99999"
    sized = as_ada.get(page(one, "trials"))

    assertContains(sized, '<col data-column="param.x" width="300">', html=True)
    assert {col.name: col.width for col in sized.context["cols"] if col.name} == {
        "status": 1200,
        "value": 48,
        "param.x": 300,
        "duration": 128,
        "started": 128,
        "reason": 128,
    }
    assertNotContains(as_ada.get(page(one, "trials"), {"pin": "param.x"}), 'data-column="param.x"')
    assert as_ada.get(page(one, "trials"), {"usual": "1"}).cookies["widths"]["max-age"] == 0


def test_a_choice_of_nothing_is_told_from_a_parameter_that_is_not_there(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    kind = Choice([{"_name": "tree", "depth": Choice([None, 4])}, {"_name": "svm"}])
    one = make_experiment(job=a_job(space=Space({"kind": kind})))
    add_trials(one, "FINISHED", params={"kind": {"_name": "tree", "depth": None}})
    add_trials(one, "FINISHED", params={"kind": {"_name": "svm"}})

    shown = as_ada.get(page(one, "trials"))

    (depth,) = {column.name for column in shown.context["columns"] if column.title.endswith("depth")}
    texts = [text for row in shown.context["rows"] for column, text, _ in row.cells if column.name == depth]
    assert texts == ["", "null"]
    assertContains(shown, ">null</td>")
    assertContains(as_ada.get(page(one, "t/0")), "null")


@pytest.mark.parametrize(("tab", "most"), [("", 18), ("trials", 13), ("curves", 12), ("logs", 13), ("settings", 12)])
def test_the_number_of_queries_does_not_grow_with_the_trials(
    as_ada: Client, make_experiment: Make, add_trials: Add, tab: str, most: int
) -> None:
    one = make_experiment(tags=[("a", ""), ("b", "")])
    add_trials(one, "FINISHED", "RUNNING", "FAILED")
    few = queries_of(as_ada, page(one, tab))

    add_trials(one, *["FINISHED", "RUNNING", "FAILED"] * 8)

    assert queries_of(as_ada, page(one, tab)) == few
    assert few <= most


def test_chart_data_is_kept_until_something_happens(
    as_ada: Client, as_cleo: Client, make_experiment: Make, add_trials: Add, actor_ada: Actor
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FINISHED")
    address = page(one, "data/history.json")

    first = as_ada.get(address)
    again = as_ada.get(address, headers={"If-None-Match": first["ETag"]})
    experiments.pause(actor_ada, one)
    later = as_ada.get(address, headers={"If-None-Match": first["ETag"]})

    assert first.json()["number"] == {"per": 1, "steps": [0, 1]}
    assert (again.status_code, later.status_code) == (304, 200)
    assert as_ada.get(page(one, "data/nonsense.json")).status_code == 404
    assert as_cleo.get(address).status_code == 404


def test_chart_data_follow_the_filter(as_ada: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FAILED")

    assert as_ada.get(page(one, "data/history.json"), {"q": "status:failed"}).json()["number"]["steps"] == [1]


def test_the_piece_that_is_fetched_anew_is_no_whole_page(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "RUNNING")

    response = as_ada.get(page(one, "part/now"))

    assertContains(response, "Running now")
    assertNotContains(response, "<html")
    assert as_ada.get(page(one, "part/other")).status_code == 404


def test_the_optimizers_log_is_shown_followed_and_downloaded(
    as_ben: Client, as_cleo: Client, make_experiment: Make, settings: Any, tmp_path: Path
) -> None:
    settings.TUNEBOOK_DATA = tmp_path
    one = make_experiment()
    assertContains(as_ben.get(page(one, "logs")), "Optimizer&#x27;s log")
    path = logs.optimizer_log(tmp_path, one.key)
    path.parent.mkdir(parents=True)
    logs.older(path).write_text("the first line\n")
    path.write_text("<b>no room</b>\n")

    shown = as_ben.get(page(one, "logs"))
    path.write_text("<b>no room</b>\nthe last line\n")
    more = as_ben.get(page(one, "optimizer-log"), {"offset": shown.context["tail"].offset}).json()

    assertContains(shown, "the first line\n&lt;b&gt;no room&lt;/b&gt;\n")
    assert more == {"text": "the last line\n", "offset": path.stat().st_size, "ended": False}
    path.write_text("new\n")  # it was cut meanwhile
    assert as_ben.get(page(one, "optimizer-log"), {"offset": more["offset"]}).json()["text"] == "new\n"
    whole = as_ben.get(page(one, "optimizer-log"), {"download": ""})
    assert (whole.content, "optimizer.log" in whole["Content-Disposition"]) == (b"the first line\nnew", True)
    assert as_cleo.get(page(one, "optimizer-log")).status_code == 404


def test_events_tell_who_did_what(as_ada: Client, make_experiment: Make, actor_ada: Actor) -> None:
    one = make_experiment()
    experiments.stop(actor_ada, one)

    assertContains(as_ada.get(page(one, "logs")), "stopped by ada")
    assertNotContains(as_ada.get(page(one, "logs"), {"level": "warning"}), "created by ada")
    assertContains(as_ada.get(page(one, "logs"), {"level": "warning"}), "stopped by ada")


@pytest.mark.parametrize("tab", ["", "curves", "trials"])
def test_the_filter_is_carried_from_tab_to_tab_and_into_the_charts(
    as_ada: Client, make_experiment: Make, add_trials: Add, tab: str
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FAILED")

    response = as_ada.get(page(one, tab), {"q": "status:failed"})

    assertContains(response, f'href="{page(one, "curves")}?q=status%3Afailed"')
    if tab != "trials":
        assertContains(response, ".json?q=status%3Afailed")


def test_a_finished_experiment_is_reopened_with_more_trials(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    Experiment.objects.filter(pk=one.pk).update(status="FINISHED")

    assertContains(as_dora.get(page(one, "settings")), 'value="reopen"')
    fewer = as_dora.post(page(one, "act"), {"act": "reopen", "max_trials": "2"}, follow=True)
    words = as_dora.post(page(one, "act"), {"act": "reopen", "max_trials": "many"}, follow=True)
    as_dora.post(page(one, "act"), {"act": "reopen", "max_trials": "50"})

    one.refresh_from_db()
    assertContains(fewer, "must be above 5")
    assertContains(words, "as a whole number")
    assert (one.status, one.max_trials) == ("WAITING", 50)


def test_trials_are_sorted_by_several_columns(as_ben: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FAILED", "FINISHED", "FAILED")

    shown = as_ben.get(page(one, "trials") + "?sort=status,-value")

    assert [row.trial.number for row in shown.context["rows"]] == [1, 3, 0, 2]
    assert shown.context["orders"] == {"status": 1, "value": 2}
    assertContains(shown, 'data-also="?sort=status%2Cvalue"')
    assert as_ben.get(page(one, "trials") + "?sort=status&then=value").context["sorts"] == ["status", "value"]
    assert as_ben.get(page(one, "trials") + "?sort=nothing,-").context["sorts"] == ["-number"]


def test_columns_are_chosen_pinned_and_remembered_for_this_table_alone(
    as_ben: Client, make_experiment: Make, add_trials: Add
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FAILED")

    chosen = as_ben.get(page(one, "trials") + "?choose=1&col=param.x&col=step&pin=step")

    assert chosen.cookies["columns"]["path"] == page(one, "trials")
    shown = as_ben.get(page(one, "trials")).context["columns"]
    assert [(column.name, column.pin) for column in shown if column.on] == [("step", 1), ("param.x", 0)]
    as_ben.get(page(one, "trials") + "?col=reason")
    assert next(column.name for column in as_ben.get(page(one, "trials")).context["columns"] if column.on) == "step"
    as_ben.get(page(one, "trials") + "?usual=1")
    assert not any(column.pin for column in as_ben.get(page(one, "trials")).context["columns"])


def test_only_the_columns_that_differ_are_shown(as_ben: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FINISHED", reason="the same")

    shown = as_ben.get(page(one, "trials") + "?differ=1&col=param.x&col=reason&col=source")

    assert [column.name for column in shown.context["columns"] if column.on] == ["param.x"]
    assert {cell[0].name for row in shown.context["rows"] for cell in row.cells} == {"param.x"}
    assertContains(shown, "2 columns without a difference hidden")


def test_one_jumps_to_a_trial_by_its_number(as_ben: Client, make_experiment: Make, add_trials: Add) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FAILED")

    assert as_ben.get(page(one, "trials") + "?jump=1")["Location"] == f"{page(one)}t/1"
    for typed in ("7", "-1", "x", "99999999999", "%00", ""):
        answer = as_ben.get(page(one, "trials") + f"?jump={typed}", follow=True)
        assert answer.status_code == 200
    assertContains(
        as_ben.get(page(one, "trials") + "?jump=7", follow=True), "There is no trial 7: they are numbered from 0 to 1."
    )


def test_a_trial_stands_beside_the_table_with_and_without_scripts(
    as_ben: Client, as_cleo: Client, make_experiment: Make, add_trials: Add
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FAILED", reason="out of memory")
    peek = f"{page(one)}t/1/peek"

    beside = as_ben.get(page(one, "trials") + "?open=1")
    alone = as_ben.get(peek, headers={"HX-Request": "true"})

    for shown in (beside, alone):
        assertContains(shown, 'data-peeked="1"')
        assertContains(shown, "out of memory")
    assertContains(beside, f'hx-get="{peek}"')
    assertNotContains(alone, "<html")
    assert as_ben.get(peek)["Location"] == f"{page(one)}t/1"
    assertNotContains(as_ben.get(page(one, "trials") + "?open=9"), "data-peeked")
    assert as_cleo.get(peek, headers={"HX-Request": "true"}).status_code == 404
    assert as_ben.get(f"{page(one)}t/9/peek", headers={"HX-Request": "true"}).status_code == 404


def test_a_filter_that_finds_no_trial_names_the_part_to_blame(
    as_ben: Client, make_experiment: Make, add_trials: Add
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED", "FINISHED", "FAILED")

    shown = as_ben.get(page(one, "trials") + "?q=status:finished number>7")

    assertContains(shown, "<code>number&gt;7</code> removes most: without it there are 2 trials.")
    assertContains(shown, 'href="?q=status%3Afinished"')


def test_lines_that_were_written_in_other_words_for_states_are_told_in_todays(
    as_ada: Client, make_experiment: Make
) -> None:
    one = make_experiment()
    lines = (
        "user canceled: stopped by ada",
        "early stopped: the target is reached",
        "no more trial",
        "failed: no slot",
    )
    append(experiment_stream(one.key), [("note", {"text": line, "level": "info", "by": ""}) for line in lines])
    append(experiment_stream(one.key), [("note", {"text": "finished: by hand", "level": "info", "by": "ada"})])

    shown = as_ada.get(page(one, "logs"))

    assertContains(shown, "<span>stopped by ada</span>")
    assertContains(shown, "<span>stopped early: the target is reached</span>")
    assertContains(shown, "<span>no more trials</span>")
    assertContains(shown, "<span>failed: no slot</span>")
    assertContains(shown, "<span>finished: by hand</span>")


def test_events_are_narrowed_to_those_of_people_of_trials_and_by_words(
    as_dora: Client, as_cleo: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    one = make_experiment()
    experiments.pause(actor_ada, one)
    append(experiment_stream(one.key), [
        ("note", {"text": "something is odd", "level": "warning", "by": ""}),
        ("trial", {"number": 7, "status": "FAILED", "desired": "run", "reason": "exit 137", "value": None}),
        ("trial", {"number": 8, "status": "FINISHED", "desired": "run", "reason": "", "value": 0.25}),
    ])  # fmt: skip

    def texts(query: str) -> list[object]:
        shown = as_dora.get(page(one, "logs") + query)
        return [event.payload.get("text") or event.payload["number"] for event in shown.context["events"]]

    assert texts("?what=people") == ["paused by ada", "created by ada"]
    assert texts("?what=trials") == [8, 7]
    assert texts("?what=trials&find=137") == [7]
    assert texts("?what=trials&find=8") == [8]
    assert texts("?what=trials&find=failed") == [7]
    assert texts("?find=odd") == texts("?what=warning") == ["something is odd"]
    assert texts("?what=error") == texts("?find=nothing%00") == []
    assertContains(as_dora.get(page(one, "logs") + "?what=trials"), f'href="{page(one)}t/7"')
    assertContains(as_dora.get(page(one, "logs") + "?what=nonsense"), "something is odd")
    assert as_cleo.get(page(one, "logs") + "?what=trials").status_code == 404


def test_the_trials_of_a_filter_and_ticked_ones_come_as_files(
    as_ben: Client, as_cleo: Client, make_experiment: Make, add_trials: Add
) -> None:
    one = make_experiment()
    trials = add_trials(one, "FINISHED", "FAILED", "FINISHED")
    file = page(one, "take/trials")

    def read(answer: Any) -> str:
        return b"".join(answer.streaming_content).decode("utf-8-sig")

    assert [line.split(",")[0] for line in read(as_ben.get(f"{file}.csv?q=status:finished")).splitlines()] == [
        "number",
        "0",
        "2",
    ]
    told = json.loads(read(as_ben.get(f"{file}.json?q=status:failed")))
    assert [(row["number"], row["status"], row["params.x"]) for row in told] == [(1, "FAILED", 0.01)]
    assert json.loads(read(as_ben.get(f"{file}.json?q=number>7"))) == []
    ticked = as_ben.post(page(one, "act"), {"file": "trials.csv", "trial": [trials[2].key]})
    assert len(read(ticked).splitlines()) == 2
    assertContains(as_ben.post(page(one, "act"), {"file": "trials.csv"}, follow=True), "tick at least one trial")
    assert as_cleo.get(f"{file}.json").status_code == 404
