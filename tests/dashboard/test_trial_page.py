from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from apps.dashboard.trial_facts import SOURCES
from apps.experiments.models import Experiment
from apps.trials import logs
from apps.trials.models import Attempt, Measurement, Trial
from tests.dashboard.conftest import queries_of
from tests.people import a_job
from tunebook import Space
from tunebook.distributions import Choice, LogUniform, Uniform
from tunebook.objective import Metric, Objective
from tunebook.optimize import Optimizer
from tunebook.sampling import SAMPLERS, Sampling

Make = Callable[..., Experiment]
Add = Callable[..., list[Trial]]


@pytest.fixture(autouse=True)
def data(settings: object, tmp_path: Path) -> Path:
    settings.TUNEBOOK_DATA = tmp_path  # type: ignore[attr-defined]
    return tmp_path


def address(trial: Trial, more: str = "") -> str:
    return f"/w/lab/e/{trial.experiment.key}/t/{trial.number}{more}"


def with_logs(trial: Trial, out: str = "", err: str = "") -> Path:
    Attempt.objects.create(trial=trial, experiment=trial.experiment, number=1, launch_key=f"k-{trial.key}")
    Trial.objects.filter(pk=trial.pk).update(attempt_count=1)
    folder = logs.attempt_folder(trial.experiment.key, trial.number, 1)
    folder.mkdir(parents=True)
    (folder / "out.log").write_text(out)
    (folder / "err.log").write_text(err)
    step = {"event": "ended", "id": 1, "command": "train --x 1", "started": 1, "ended": 2, "code": 3}
    (folder / "attempt.jsonl").write_text(json.dumps(step) + "\n")
    return folder


def test_a_trial_has_a_page_for_members_and_none_for_outsiders(
    as_ben: Client, as_cleo: Client, make_experiment: Make, add_trials: Add
) -> None:
    (one,) = add_trials(make_experiment(), "FINISHED")

    assertContains(as_ben.get(address(one)), "<h1>Trial 0</h1>", html=True)
    assert as_cleo.get(address(one)).status_code == 404
    assert as_ben.get(address(one).replace("/t/0", "/t/7")).status_code == 404
    assertNotContains(as_ben.get(address(one)), 'name="act"')


def test_parameters_show_their_place_in_the_range_and_the_way_to_the_best(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    nested = Choice([{"_name": "svm", "C": Uniform(0, 10)}, "bayes"])
    one = make_experiment(job=a_job(space=Space({"lr": LogUniform.between(0.01, 1), "model": nested})))
    trial, _ = (
        *add_trials(one, "FINISHED", params={"lr": 0.1, "model": {"_name": "svm", "C": 5}}, value=0.9),
        *add_trials(one, "FINISHED", params={"lr": 0.2, "model": {"_name": "svm", "C": 5}}, value=0.1),
    )
    Experiment.objects.filter(pk=one.pk).update(best_trial=1, best_value=0.1)

    params = {param["name"]: param for param in as_ada.get(address(trial)).context["params"]}

    assert params["lr"]["share"] == pytest.approx(0.5)
    assert params["lr"]["difference"] == "-0.1"
    assert params["model.C"]["difference"] == "same"
    assert params["model"]["text"] == "svm"


@pytest.mark.parametrize(
    ("sampling", "origin"),
    [
        (Sampling("hyperband", {"resource": "epochs"}), "given by hyperband"),
        (Sampling("experiments", {"experiments": [{"epochs": 3}]}), "as listed"),
        (Sampling("tpe"), "not in the space any more"),
    ],
)
def test_a_parameter_beside_the_space_says_where_it_comes_from(
    as_ada: Client, make_experiment: Make, add_trials: Add, sampling: Sampling, origin: str
) -> None:
    (trial,) = add_trials(make_experiment(job=a_job(sampling=sampling)), "FINISHED", params={"epochs": 3})

    params = {param["name"]: param for param in as_ada.get(address(trial)).context["params"]}

    assert params["epochs"]["range"] == origin


@pytest.mark.parametrize(("warm", "said"), [(True, " and those of earlier experiments."), (False, ".")])
def test_a_model_that_started_warm_is_said_to_know_more(
    as_ada: Client, make_experiment: Make, add_trials: Add, warm: bool, said: str
) -> None:
    sources = (make_experiment().key,) if warm else ()
    one = make_experiment(job=a_job(sampling=Sampling("tpe", warm_start=sources)))
    (trial,) = add_trials(one, "FINISHED", params={"x": 0.5})
    Trial.objects.filter(pk=trial.pk).update(source="model")

    assert as_ada.get(address(trial)).context["why"].endswith(f" by its model, from the results known then{said}")


def test_how_much_a_model_knew_is_told_by_its_note_alone(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    *_, last = add_trials(make_experiment(), *["FINISHED"] * 4)
    Trial.objects.filter(pk=last.pk).update(source="model", note="the best of 64 draws near the 1 best of 2 trials")

    assert not re.search(r"\d", as_ada.get(address(last)).context["why"].partition(" Expected ")[0])


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in ("plugin", "experiments")])
def test_there_are_words_for_every_way_to_choose_a_trial(name: str) -> None:
    options = {"population_size": 4} if name in ("evolution", "pbt") else {}
    tuner = Optimizer({"x": Uniform(0, 1)}, sampler=name, options=options, seed=7)
    sources = set()

    for _ in range(16):
        for suggestion in tuner.suggest(4):
            sources.add(suggestion.source)
            tuner.tell(suggestion.params, suggestion.params["x"])

    assert sources <= SOURCES.keys()


def test_rank_and_neighbours_are_said(as_ada: Client, make_experiment: Make, add_trials: Add) -> None:
    _, second, _ = add_trials(make_experiment(), "FINISHED", "FINISHED", "FINISHED")

    response = as_ada.get(address(second))

    assertContains(response, "rank 2 of 3")
    assert (response.context["previous"], response.context["next"]) == (0, 2)


def test_a_long_name_of_a_metric_leaves_room_to_say_in_what_neighbours_differ(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    experiment = make_experiment(job=a_job(objective=Objective("minimize", (Metric("loss " + "m" * 200),))))
    one, _ = add_trials(experiment, "FINISHED", "FINISHED")

    page = as_ada.get(address(one)).content.decode()

    heading = page.partition('id="neighbours"')[2].partition("</thead>")[0]
    assert "loss mm" in heading
    assert f">loss {'m' * 200}<" not in heading


def test_metrics_show_the_last_value_of_each_with_what_is_not_finite_in_words(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    (one,) = add_trials(make_experiment(), "RUNNING")
    for step in range(3):
        Measurement.objects.create(trial=one, name="loss", step=step, value=1 / (step + 1))
    Measurement.objects.create(trial=one, name="grad", step=1, value=None, kind=1)

    metrics = {metric["name"]: metric for metric in as_ada.get(address(one)).context["metrics"]}

    assert (metrics["loss"]["value"], metrics["loss"]["points"]) == (pytest.approx(1 / 3), 3)
    assert metrics["grad"]["value"] == "NaN"


def test_a_failed_trial_shows_the_reason_and_the_last_lines_first(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    one, _ = add_trials(make_experiment(), "FAILED", "FAILED", reason="exit code 1")
    with_logs(one, err="".join(f"line {number}\n" for number in range(50)) + "RuntimeError: <boom>\n")

    response = as_ada.get(address(one))

    assert response.context["last_lines"].splitlines()[0] == "line 31"
    assertContains(response, "RuntimeError: &lt;boom&gt;")
    assertContains(response, "Same reason in 1 other trial")
    assertContains(response, "train --x 1")


def test_the_log_gives_what_is_new_behind_an_offset(as_ada: Client, make_experiment: Make, add_trials: Add) -> None:
    (one,) = add_trials(make_experiment(), "RUNNING")
    folder = with_logs(one, out="first\n")

    first = as_ada.get(address(one, "/log/out")).json()
    with (folder / "out.log").open("a") as file:
        file.write("second\n")
    then = as_ada.get(address(one, f"/log/out?offset={first['offset']}")).json()

    assert first == {"text": "first\n", "offset": 6, "ended": False}
    assert then == {"text": "second\n", "offset": 13, "ended": False}


@pytest.mark.parametrize("offset", ["-1", "x", "99999999999999999999", ""])
def test_a_nonsense_offset_begins_at_the_start(
    as_ada: Client, make_experiment: Make, add_trials: Add, offset: str
) -> None:
    (one,) = add_trials(make_experiment(), "RUNNING")
    with_logs(one, out="first\n")

    assert as_ada.get(address(one, "/log/out"), {"offset": offset}).json()["text"] == "first\n"


def test_a_log_that_is_not_there_is_empty_and_unknown_ones_are_404(
    as_ada: Client, as_cleo: Client, make_experiment: Make, add_trials: Add
) -> None:
    (one,) = add_trials(make_experiment(), "FINISHED")

    assert as_ada.get(address(one, "/log/err")).json() == {"text": "", "offset": 0, "ended": True}
    assert as_ada.get(address(one, "/log/passwd")).status_code == 404
    assert as_cleo.get(address(one, "/log/out")).status_code == 404


def test_a_log_is_downloaded_as_text(as_ada: Client, make_experiment: Make, add_trials: Add) -> None:
    (one,) = add_trials(make_experiment(), "RUNNING")
    with_logs(one, out="<script>alert(1)</script>\n")

    response = as_ada.get(address(one, "/log/out?download"))

    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response.content == b"<script>alert(1)</script>"


def test_stop_and_restart_do_what_they_say(as_dora: Client, make_experiment: Make, add_trials: Add) -> None:
    failed, waiting = add_trials(make_experiment(), "FAILED", "CREATED")

    as_dora.post(address(waiting, "/act"), {"act": "stop"})
    restarted = as_dora.post(address(failed, "/act"), {"act": "restart"})

    waiting.refresh_from_db()
    assert waiting.status == "USER_CANCELED"
    assert restarted["Location"] == address(failed).replace("/t/0", "/t/2")


def test_a_trial_that_was_excluded_and_taken_back_has_not_succeeded_again(
    as_dora: Client, make_experiment: Make, add_trials: Add
) -> None:
    one = make_experiment()
    add_trials(one, "FINISHED")
    page = f"/w/lab/e/{one.key}/t/0"
    for act in ("exclude", "include"):
        as_dora.post(f"{page}/act", {"act": act})

    events = as_dora.get(page).context["events"]

    assert [event.payload["status"] for event in events] == ["FINISHED"]


def test_what_cannot_be_done_is_disabled_with_the_reason_and_refused(
    as_dora: Client, as_ben: Client, make_experiment: Make, add_trials: Add
) -> None:
    (done,) = add_trials(make_experiment(), "FINISHED")

    assertContains(as_dora.get(address(done)), "It succeeded; the same parameters are not run again.")
    response = as_dora.post(address(done, "/act"), {"act": "restart"}, follow=True)

    assertContains(response, "Not started again: a trial with the same parameters has succeeded")
    assert as_ben.post(address(done, "/act"), {"act": "stop"}).status_code == 403


def test_the_curve_is_data_with_a_tag(as_ada: Client, as_cleo: Client, make_experiment: Make, add_trials: Add) -> None:
    (one,) = add_trials(make_experiment(), "RUNNING")
    Measurement.objects.create(trial=one, name="loss", step=1, value=0.5)

    response = as_ada.get(address(one, "/data/curve.json"))

    assert response.json()["this"] == {"step": [1], "value": [0.5]}
    assert response["ETag"]
    assert as_cleo.get(address(one, "/data/curve.json")).status_code == 404


def test_the_number_of_queries_does_not_grow_with_what_was_measured(
    as_ada: Client, make_experiment: Make, add_trials: Add
) -> None:
    one, *_ = add_trials(make_experiment(), "FINISHED", "FINISHED")
    Measurement.objects.create(trial=one, name="loss", step=0, value=0.5)
    few = queries_of(as_ada, address(one))

    for step in range(1, 30):
        Measurement.objects.create(trial=one, name="loss", step=step, value=0.5)
        Measurement.objects.create(trial=one, name=f"m{step}", step=step, value=0.5)

    assert queries_of(as_ada, address(one)) == few
    assert few <= 20


def test_a_copy_with_other_parameters_begins_from_this_trial(
    as_dora: Client, as_ben: Client, make_experiment: Make, add_trials: Add
) -> None:
    *_, failed = add_trials(make_experiment(), "FINISHED", "FAILED")
    offered = f"/w/lab/e/{failed.experiment.key}/queue?like=1"

    assertContains(as_dora.get(address(failed)), f'href="{offered}"')
    assertNotContains(as_ben.get(address(failed)), "queue?like")
    assertContains(as_dora.get(offered), "Filled in from trial 1")


def test_of_a_log_that_is_too_long_the_end_is_downloaded(
    as_ada: Client, make_experiment: Make, add_trials: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LARGEST_ANSWER", 1 << 20)
    (one,) = add_trials(make_experiment(), "RUNNING")
    with_logs(one, out="a line\n" * 200_000 + "the end\n")

    response = as_ada.get(address(one, "/log/out?download"))

    assert response.content.startswith(b"[the last 1 MiB]\n")
    assert response.content.endswith(b"the end\n")


def test_who_stops_what_has_just_ended_is_told_so(as_dora: Client, make_experiment: Make, add_trials: Add) -> None:
    done, running = add_trials(make_experiment(), "FINISHED", "RUNNING")

    late = as_dora.post(address(done, "/act"), {"act": "stop"}, follow=True)
    in_time = as_dora.post(address(running, "/act"), {"act": "stop"}, follow=True)

    assertContains(late, "It had ended before it could be stopped.")
    assertNotContains(late, "It was asked to stop.")
    assertContains(in_time, "It was asked to stop.")
