"""Limits with undo, trials by hand, exclusion, conflicts, clones and warm starts from the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django.asserts import assertContains, assertNotContains

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.tuning import experiments
from apps.tuning.experiments import Changes
from apps.workspaces.access import Actor
from tests.dashboard.trials import with_trials
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, LogUniform, QUniform, Randint, Uniform
from tunebook.job import Job
from tunebook.limits import Limits
from tunebook.sampling import Sampling

Make = Callable[..., Experiment]


def limits_of(one: Experiment) -> dict[str, Any]:
    one.refresh_from_db()
    return dict(one.job["limits"])


def fields_of(html: str, form: str) -> dict[str, str]:
    """The inputs of the form in a piece of page that sets `form` to this."""
    part = next(found for found in re.findall(r"<form.*?</form>", html, re.DOTALL) if f'value="{form}"' in found)
    return dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*?value="([^"]*)"', part))


def test_limits_change_tell_old_and_new_and_are_undone(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    settings, page = f"/w/lab/e/{one.key}/settings", f"/w/lab/e/{one.key}/"
    form = fields_of(as_dora.get(f"/w/lab/e/{one.key}/limits?next={page}").content.decode(), "limits")

    response = as_dora.post(settings, {**form, "max_concurrent": "4", "max_seconds": "2 h"}, follow=True)

    assert response.redirect_chain[-1][0] == page
    assertContains(response, "Trials at once: 2 → 4; Time in all: none → 2 h.")
    assert (limits_of(one)["max_concurrent"], limits_of(one)["max_seconds"]) == (4, 7200.0)

    undo = fields_of(response.content.decode(), "limits")
    assert undo["version"] == str(int(form["version"]) + 1)
    back = as_dora.post(settings, undo, follow=True)
    assertContains(back, "Trials at once: 4 → 2")
    assert (limits_of(one)["max_concurrent"], limits_of(one)["max_seconds"]) == (2, None)


def test_a_limit_that_cannot_be_is_said_at_its_field(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()

    response = as_dora.post(
        f"/w/lab/e/{one.key}/settings", {"form": "limits", "max_concurrent": "2", "min_gain": "0.5"}
    )

    assertContains(response, "needs patience", status_code=400)
    assertContains(response, '<a href="#id_min_gain">Smallest improvement</a>: needs patience', status_code=400)
    assert limits_of(one)["min_gain"] is None


def test_a_paused_experiment_has_no_time_left_that_would_grow(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED")
    Experiment.objects.filter(pk=one.pk).update(status="RUNNING", started=timezone.now() - timedelta(minutes=5))
    assertContains(as_dora.get(f"/w/lab/e/{one.key}/"), "~20 m ")

    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "pause"})

    assertNotContains(as_dora.get(f"/w/lab/e/{one.key}/"), " left<")


def test_the_pace_is_that_of_the_time_it_ran(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED")
    now = timezone.now()
    Trial.objects.filter(experiment=one).update(ended=now - timedelta(minutes=55))
    Experiment.objects.filter(pk=one.pk).update(status="RUNNING", started=now - timedelta(minutes=60))

    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "pause"})
    Experiment.objects.filter(pk=one.pk).update(paused_at=now - timedelta(minutes=57))
    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "resume"})

    assertContains(as_dora.get(f"/w/lab/e/{one.key}/"), "~20 m ")  # 5 minutes until its last trial ended
    one.refresh_from_db()
    assert one.paused_at is None
    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "resume"})
    assertContains(as_dora.get(f"/w/lab/e/{one.key}/"), "~20 m ")


def test_a_pause_in_which_trials_run_on_takes_nothing_off_the_pace(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED", "RUNNING")
    Experiment.objects.filter(pk=one.pk).update(status="RUNNING", started=timezone.now() - timedelta(minutes=5))

    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "pause"})
    Experiment.objects.filter(pk=one.pk).update(paused_at=timezone.now() - timedelta(minutes=4))
    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "resume"})

    one.refresh_from_db()
    assert one.idle == 0


def test_while_it_drains_the_time_left_is_that_of_what_runs(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED", "RUNNING")
    Experiment.objects.filter(pk=one.pk).update(status="RUNNING", started=timezone.now() - timedelta(minutes=5))

    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "drain"})

    assertContains(as_dora.get(f"/w/lab/e/{one.key}/"), "~5 m ")


def test_the_time_between_the_end_and_the_reopening_is_no_pace(
    as_dora: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED")
    now = timezone.now()
    Trial.objects.filter(experiment=one).update(ended=now - timedelta(minutes=55))
    ended = {"status": "FINISHED", "started": now - timedelta(minutes=60), "ended": now - timedelta(minutes=55)}
    Experiment.objects.filter(pk=one.pk).update(**ended)

    experiments.reopen(actor_ada, one, max_trials=11)

    assertContains(as_dora.get(f"/w/lab/e/{one.key}/"), "~50 m ")


def test_controls_come_anew_with_the_state_and_its_reason(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    page = f"/w/lab/e/{one.key}/"
    part = f"{page}part/controls?next={page}trials"
    assertContains(as_dora.get(page), 'data-refresh-state="WAITING run"')
    assertContains(as_dora.get(part), f'name="next" value="{page}trials"')

    as_dora.post(f"{page}act", {"act": "pause"})
    assertContains(as_dora.get(part), "Resume")

    as_dora.post(f"{page}act", {"act": "stop"})
    assertContains(as_dora.get(part), "It has ended: stopped by dora.")
    assertNotContains(as_dora.get(part), "Stop now")


def test_the_time_since_the_start_goes_on_until_the_end(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    page = f"/w/lab/e/{one.key}/"
    began = timezone.now() - timedelta(minutes=5)
    Experiment.objects.filter(pk=one.pk).update(started=began)

    assertContains(as_dora.get(page), f'<time datetime="{began.isoformat()}" data-elapsed class="lasting"')

    Experiment.objects.filter(pk=one.pk).update(status="FINISHED", ended=began + timedelta(minutes=2))
    assertContains(as_dora.get(f"{page}part/controls"), '<span title="From its start to its end">2 m 0 s</span>')


def test_a_saved_form_is_told_by_what_it_changed(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(name="first", tags=[("vision", "")])
    page = f"/w/lab/e/{one.key}/settings"
    form = fields_of(as_dora.get(page).content.decode(), "settings")

    as_dora.post(page, {**form, "accessibility": "PUBLIC"})
    again = fields_of(as_dora.get(page).content.decode(), "settings")
    as_dora.post(page, {**again, "accessibility": "PUBLIC", "name": "second", "tags": "vision, new"})

    told = [event.payload["text"] for event in as_dora.get(f"/w/lab/e/{one.key}/logs").context["events"]]
    assert told == ["changed by dora: name, tags", "created by ada"]


def test_edits_that_meet_show_both_versions_and_mine_can_go_over_theirs(
    as_dora: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    one = make_experiment(name="first")
    page = f"/w/lab/e/{one.key}/settings"
    form = fields_of(as_dora.get(page).content.decode(), "settings")
    experiments.update(actor_ada, one, Changes(name="theirs"))

    mine = {**form, "name": "mine", "accessibility": "PUBLIC"}
    met = as_dora.post(page, mine)

    assertContains(met, "Somebody has changed it meanwhile", status_code=400)
    assertContains(met, '<td class="wrap">theirs</td><td class="wrap">mine</td>', status_code=400)
    one.refresh_from_db()
    assert one.name == "theirs"

    again = {**mine, "version": fields_of(met.content.decode(), "settings")["version"]}
    assert as_dora.post(page, again).status_code == 302
    one.refresh_from_db()
    assert one.name == "mine"


def test_limits_that_meet_show_both_versions(as_dora: Client, make_experiment: Make, actor_ada: Actor) -> None:
    one = make_experiment()
    form = fields_of(as_dora.get(f"/w/lab/e/{one.key}/limits").content.decode(), "limits")
    experiments.limit(actor_ada, one, max_concurrent=9)

    met = as_dora.post(f"/w/lab/e/{one.key}/settings", {**form, "max_concurrent": "3"})

    assertContains(met, '<th scope="row">Trials at once</th><td class="wrap">9</td>', status_code=400)
    assert limits_of(one)["max_concurrent"] == 9


def test_viewers_see_no_controls_and_ended_ones_say_why_they_are_off(
    as_ben: Client, as_dora: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    one = make_experiment()
    page = f"/w/lab/e/{one.key}/"
    for words in ("Limits", "Queue a trial", "Clone", "Pause"):
        assertNotContains(as_ben.get(page), f"{words}<")
    assert as_ben.get(f"{page}queue").status_code == 403

    experiments.stop(actor_ada, one)

    assertContains(as_dora.get(f"{page}settings"), "It has ended; its limits cannot change any more.")
    assertContains(as_dora.get(page), "It has ended: no trial can be queued or started again.")
    assertContains(as_dora.get(f"{page}queue"), "disabled aria-describedby")


@pytest.fixture
def two_kinds(make_experiment: Make) -> Experiment:
    nested = Choice([{"_name": "svm", "C": Uniform(0, 9)}, {"_name": "tree"}])
    space = Space({"lr": LogUniform.between(1e-4, 1.0), "size": Choice([8, 16]), "kind": nested})
    return make_experiment(job=a_job(space=space))


def test_a_trial_is_queued_by_hand(as_dora: Client, two_kinds: Experiment) -> None:
    page = f"/w/lab/e/{two_kinds.key}/queue"
    assertContains(as_dora.get(page), "Filled in by chance")

    kind = '{"_name": "svm", "C": 2.5}'
    response = as_dora.post(page, {"lr": "0.01", "size": "16", "kind": kind}, follow=True)

    assertContains(response, "Queued as trial 0.")
    trial = Trial.objects.get(experiment=two_kinds)
    assert trial.params == {"lr": 0.01, "size": 16, "kind": {"_name": "svm", "C": 2.5}}
    assert (trial.source, trial.extra) == ("queued", True)
    assertContains(as_dora.get(f"{page}?like=0"), "Filled in from trial 0")
    assertContains(as_dora.get(f"{page}?like=0"), 'value="0.01"')


def test_what_is_wrong_with_a_queued_value_is_one_sentence_at_its_field(as_dora: Client, two_kinds: Experiment) -> None:
    response = as_dora.post(f"/w/lab/e/{two_kinds.key}/queue", {"lr": "99", "size": "16", "kind": "3"})

    assert response.status_code == 400
    form = response.context["form"]
    assert not form.non_field_errors()
    assert [len(form.errors[name]) for name in ("lr", "kind")] == [1, 1]
    assert form.errors["lr"][0].endswith("; got 99.0")


def test_whole_numbers_are_typed_as_people_write_them_and_kept_as_the_space_has_them(
    as_dora: Client, make_experiment: Make
) -> None:
    space = Space({"width": QUniform(16, 256, 16), "depth": Randint(9, lower=1), "bias": Choice([True, None])})
    one = make_experiment(job=a_job(space=space))
    with_trials(one, "FINISHED", params={"width": 176.0, "depth": 3, "bias": None})
    page = f"/w/lab/e/{one.key}/queue"

    assertContains(as_dora.get(f"{page}?like=0"), 'value="176"')
    assertContains(as_dora.get(f"{page}?like=0"), '<option value="null" selected>null</option>', html=True)
    as_dora.post(page, {"width": "192", "depth": "4", "bias": "true"})

    queued = Trial.objects.get(experiment=one, source="queued")
    assert queued.params == {"width": 192.0, "depth": 4, "bias": True}
    assert [type(queued.params[name]) for name in ("width", "depth")] == [float, int]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lr": "7"}, "must be"),
        ({"lr": "fast"}, "must be"),
        ({"lr": ""}, "This field is required"),
        ({"size": "9"}, "Select a valid choice"),
        ({"kind": "svm"}, "must be"),
        ({"kind": "{"}, "must be"),
    ],
)
def test_a_trial_outside_the_space_is_refused_at_its_field(
    as_dora: Client, two_kinds: Experiment, changes: dict[str, str], words: str
) -> None:
    given = {"lr": "0.01", "size": "16", "kind": '{"_name": "tree"}', **changes}

    response = as_dora.post(f"/w/lab/e/{two_kinds.key}/queue", given)

    assert response.status_code == 400
    assert words in str(response.context["form"].errors[next(iter(changes))])
    assertContains(response, escape(given["kind"]), status_code=400)
    assert not Trial.objects.exists()


def test_failed_trials_are_restarted_all_at_once(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FAILED", "FAILED", "FINISHED")
    assertContains(as_dora.get(f"/w/lab/e/{one.key}/"), "Restart 2 failed trials")

    response = as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "restart-failed"}, follow=True)

    assertContains(response, "Started again as trial 3, 4.")
    again = as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "restart-failed"}, follow=True)
    assertContains(again, "no failed trial that was not started again already")


def test_ticked_trials_are_left_out_with_a_reason_and_taken_back(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    trials = with_trials(one, "FINISHED", "FINISHED", "RUNNING")
    page, keys = f"/w/lab/e/{one.key}/act", [trials[1].key, trials[2].key]

    response = as_dora.post(page, {"act": "exclude-trials", "trial": keys, "why": "a bad seed"}, follow=True)

    one.refresh_from_db()
    assertContains(response, "Trial 1 excluded: samplers, the best and the charts leave it out.")
    assertContains(response, "1 left as they are: they have not ended.")
    assert (one.best_trial, one.best_value, len(one.spark)) == (0, 1.0, 1)
    assertContains(as_dora.get(f"/w/lab/e/{one.key}/t/1"), "a bad seed")
    assertContains(as_dora.get(f"/w/lab/e/{one.key}/trials"), 'title="a bad seed">excluded')
    chart = as_dora.get(f"/w/lab/e/{one.key}/data/history.json").json()
    assert chart["number"]["steps"] == [0, 2]  # trial 0, and two further on

    as_dora.post(page, {"act": "include-trials", "trial": keys})
    one.refresh_from_db()
    assert one.best_trial == 1


def test_an_exclusion_is_undone_for_those_trials_only_that_it_changed(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment()
    trials = with_trials(one, "FINISHED", "FINISHED", "FINISHED")
    act = f"/w/lab/e/{one.key}/act"
    as_dora.post(act, {"act": "exclude-trials", "trial": trials[0].key})

    told = as_dora.post(act, {"act": "exclude-trials", "trial": [trial.key for trial in trials[:2]]}, follow=True)
    undo = fields_of(told.content.decode(), trials[1].key)
    back = as_dora.post(act, {**undo, "act": "include-trials"}, follow=True)

    assert undo["trial"] == trials[1].key
    assertContains(back, "Trial 1 counts again.")
    assert list(Trial.objects.filter(excluded=True).values_list("number", flat=True)) == [0]
    again = as_dora.post(act, {"act": "exclude-trials", "trial": trials[0].key}, follow=True)
    assertContains(again, "Nothing to change")


def test_what_went_to_the_trash_comes_back_by_undo(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(name="resnet")
    other = make_experiment(name="vgg")

    told = as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "trash"}, follow=True)
    assertContains(told, "resnet is in the trash.")
    assertContains(told, 'value="restore">Undo')
    as_dora.post(f"/w/lab/e/{one.key}/act", {"act": "restore"})
    many = as_dora.post("/w/lab/act", {"act": "trash", "key": [one.key, other.key]}, follow=True)
    html = many.content.decode()
    undone = as_dora.post(
        "/w/lab/act", {"act": "restore", "key": re.findall(r'type="hidden" name="key" value="(\w+)"', html)}
    )

    assert undone.status_code == 302
    assert not Experiment.objects.filter(trashed=True).exists()


def test_a_trial_is_left_out_from_its_own_page(as_dora: Client, as_ben: Client, make_experiment: Make) -> None:
    one = make_experiment()
    with_trials(one, "FINISHED")
    page = f"/w/lab/e/{one.key}/t/0"
    assertNotContains(as_ben.get(page), "Exclude")

    as_dora.post(f"{page}/act", {"act": "exclude", "why": "typo"})
    assertContains(as_dora.get(page), "Include again")

    as_dora.post(f"{page}/act", {"act": "include"})
    assert not Trial.objects.get(experiment=one).excluded


def test_a_clone_shows_what_it_changes_before_it_is_made(as_dora: Client, make_experiment: Make) -> None:
    one = make_experiment(name="first", job=a_job(limits=Limits(max_trials=5, max_concurrent=2, patience=4)))
    page = f"/w/lab/new?from={one.key}"
    assertContains(as_dora.get(page), "None: the same declaration.")
    form = as_dora.get(page).context["form"]
    given = {name: form[name].value() for name in form.fields}
    rows = {f"space-0-{name}": form.rows.forms[0][name].value() for name in form.rows.forms[0].fields}
    sent = {name: value for name, value in {**given, **rows}.items() if value is not None}
    sent |= {"space-TOTAL_FORMS": "1", "space-INITIAL_FORMS": "0", "max_trials": "50", "space-0-high": "2"}

    shown = as_dora.post(page, {**sent, "do": "differences"})

    found = {one.path: (one.before, one.after) for one in shown.context["differences"]}
    assert found["limits.max_trials"] == ("5", "50")
    assert set(found) == {"limits.max_trials", "space.x"}
    assertContains(shown, "<del>5</del>")
    assert given["patience"] == 4

    as_dora.post(page, {**sent, "do": "create"})
    made = Experiment.objects.exclude(pk=one.pk).get()
    assert (made.job["limits"]["max_trials"], made.job["limits"]["patience"]) == (50, 4)


def test_numbers_in_steps_go_on_counting_as_they_did_in_a_clone(as_dora: Client, make_experiment: Make) -> None:
    counted = QUniform(1, 20, 3, from_min=True, whole=True)  # as WMLA means its steps: 1, 4, 7 ...
    one = make_experiment(name="first", job=a_job(space=Space({"x": counted})))
    page = f"/w/lab/new?from={one.key}"
    form = as_dora.get(page).context["form"]
    given = {name: form[name].value() for name in form.fields}
    rows = {f"space-0-{name}": form.rows.forms[0][name].value() for name in form.rows.forms[0].fields}
    sent = {name: value for name, value in {**given, **rows}.items() if value is not None}

    as_dora.post(
        page, {**sent, "space-TOTAL_FORMS": "1", "space-INITIAL_FORMS": "0", "space-0-high": "30", "do": "create"}
    )

    made = Experiment.objects.exclude(pk=one.pk).get()
    assert Job.from_dict(made.job).space["x"] == QUniform(1, 30, 3, from_min=True, whole=True)


def test_a_warm_start_shows_how_many_trials_fit_and_how_parameters_map(
    as_dora: Client, make_experiment: Make, actor_ada: Actor
) -> None:
    theirs = Space({"x": Uniform(0.0, 1.0), "old": Uniform(0.0, 1.0)})
    earlier = make_experiment(name="earlier", job=a_job(space=theirs))
    trials = with_trials(earlier, "FINISHED", "FINISHED", "FINISHED", "FAILED")
    for trial, x in zip(trials, (0.1, 0.2, 0.9), strict=False):
        Trial.objects.filter(pk=trial.pk).update(params={"x": x, "old": 0.5})
    other = make_experiment(name="other metric", job=a_job(objective=a_job().objective))
    Experiment.objects.filter(pk=other.pk).update(metric="acc", finished_count=3)
    rows = {"space-TOTAL_FORMS": "2", "space-INITIAL_FORMS": "0"}
    for place, (name, high) in enumerate((("x", "0.5"), ("new", "1"))):
        low = {"name": name, "type": "uniform", "low": "0", "high": high}
        rows |= {f"space-{place}-{field}": value for field, value in low.items()}
    sent = {"metrics": "loss", "goal": "minimize", "mode": "final", "sampler": "tpe", "max_concurrent": "1"}
    sent |= {"steps": "train", "reading": "report", "accessibility": "PUBLIC", "warm": earlier.key, **rows}

    shown = as_dora.post("/w/lab/new", {**sent, "do": "warm"})

    (transfer,) = shown.context["warm"]["transfers"]
    assert (transfer.trials, transfer.whole, transfer.partly) == (3, 0, 2)
    assert [(one.name, one.words) for one in transfer.parameters] == [
        ("x", "2 of 3 values fit"),
        ("new", "missing there"),
    ]
    assert transfer.dropped == ["old"]
    assertContains(shown, "earlier: 2 of 3 trials can be used, 2 of them in part")
    assertNotContains(shown, "other metric")

    as_dora.post("/w/lab/new", {**sent, "do": "create", "warm_weight": "0.25"})
    made = Experiment.objects.get(name="")
    assert made.job["sampling"]["warm_start"] == [earlier.key]
    assert made.job["sampling"]["warm_weight"] == 0.25
    clone = as_dora.get(f"/w/lab/new?from={made.key}").context["form"]
    assert clone.earlier == [earlier.key]


def test_a_job_with_a_warm_start_keeps_it_when_it_is_cloned(as_dora: Client, make_experiment: Make) -> None:
    earlier = make_experiment(name="earlier")
    one = make_experiment(job=a_job(sampling=Sampling("tpe", warm_start=(earlier.key,), warm_weight=0.5)))

    page = as_dora.get(f"/w/lab/new?from={one.key}")

    assert page.context["form"].earlier == [earlier.key]
    assert page.context["form"]["warm_weight"].value() == 0.5
