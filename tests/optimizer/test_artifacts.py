"""Code that is laid out for an attempt, and outputs that are kept when it ends, with real processes."""

from __future__ import annotations

import threading

import pytest

from apps.artifacts import artifacts, outputs, snapshots, store
from apps.artifacts.models import Artifact, Snapshot
from apps.experiments.models import Chore
from apps.feed.models import Event
from apps.optimizer import upkeep
from apps.optimizer.executors.local import LocalExecutor
from apps.optimizer.steps import look
from apps.optimizer.worker import OptimizerWorker, Options
from apps.trials.models import Trial
from apps.tuning import experiments
from apps.workspaces.access import actor_of_user
from apps.workspaces.models import Member, Role, Workspace
from tests.people import a_job
from tunebook.command import Command
from tunebook.limits import Limits
from tunebook.readings import Readings
from tunebook.sampling import Sampling

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(make_experiment, tmp_path):
    """Run one trial of a command with real processes to its end."""

    def run_one(**command):
        job = a_job(
            command=Command(**{"steps": ("echo 1",), "grace": 1.0, **command}),
            limits=Limits(max_trials=1, retries=0),
            sampling=Sampling("random", seed=1),
            readings=Readings("json", sources=("result.json",)),
        )
        experiment = make_experiment(job=job)
        worker = OptimizerWorker(LocalExecutor(tmp_path), tmp_path, slots=1, options=Options(until_idle=True))
        worker.run()
        return Trial.objects.get(experiment=experiment)

    return run_one


RESULT = """echo '{"loss": 0.5}' > result.json"""


def test_the_code_of_a_job_lies_where_its_commands_run(run, workspace):
    code = snapshots.store(workspace, {"train.sh": b"""echo '{"loss": 0.25}' > result.json""", "lib/a.txt": b"a"})

    trial = run(steps=("test -f lib/a.txt && sh train.sh",), code=code.key)

    assert (trial.status, trial.value) == ("FINISHED", 0.25)


def test_with_code_the_working_folder_lies_below_it(run, workspace):
    code = snapshots.store(workspace, {"src/train.sh": RESULT.encode()})

    trial = run(steps=("sh train.sh",), code=code.key, working_dir="src")

    assert (trial.status, trial.value) == ("FINISHED", 0.5)


def test_a_trial_whose_code_is_lost_fails_and_says_so(run, workspace):
    code = snapshots.store(workspace, {"train.sh": b"true"})
    store.places.place().remove(code.files[0]["sha256"])

    trial = run(steps=("sh train.sh",), code=code.key)

    assert trial.status == "FAILED"
    assert "could not be started" in trial.reason


def test_what_a_trial_leaves_in_outputs_becomes_its_artifacts(run):
    trial = run(steps=(f"mkdir -p outputs/deep && echo model > outputs/deep/model.txt && {RESULT}",))

    (kept,) = Artifact.objects.filter(trial=trial)
    assert kept.path == "outputs/deep/model.txt"
    with artifacts.open(kept) as file:
        assert file.read() == b"model\n"


def test_outputs_of_a_trial_that_fails_are_kept_too(run):
    trial = run(steps=("mkdir outputs && echo why > outputs/trace.txt; exit 3",))

    assert trial.status == "FAILED"
    assert Artifact.objects.get(trial=trial).path == "outputs/trace.txt"


def test_the_folder_of_the_model_is_kept(run):
    trial = run(steps=(f"mkdir -p best && echo m > best/m && {RESULT}",), model_path="./best")

    assert Artifact.objects.get(trial=trial).path == "best/m"


def test_outputs_that_lead_elsewhere_are_not_kept(run, tmp_path):
    (tmp_path / "secret").write_text("secret")

    trial = run(steps=(f"mkdir outputs && ln -s {tmp_path}/secret outputs/link && {RESULT}",))

    assert trial.status == "FINISHED"
    assert not Artifact.objects.exists()


def test_what_is_too_much_is_said_in_the_event_log(run, monkeypatch):
    monkeypatch.setattr(artifacts, "MOST_FILE_BYTES", 3)

    trial = run(steps=(f"mkdir outputs && echo 123456 > outputs/big && {RESULT}",))

    assert trial.status == "FINISHED"
    said = [event.payload["text"] for event in Event.objects.filter(kind="note")]
    assert any("trial 0: not kept: 'outputs/big'" in text for text in said)


def test_outputs_that_take_long_keep_the_trial_running_until_they_are_kept(run, monkeypatch):
    gate, statuses = threading.Event(), []
    read, is_kept = outputs.read, look.outputs_are_kept

    def read_when_let(work, folders):
        assert gate.wait(30)
        return read(work, folders)

    def seen_to_take_long(work, live):
        kept = is_kept(work, live)
        if not kept:
            statuses.append(Trial.objects.get(pk=live.trial.pk).status)
            gate.set()
        return kept

    monkeypatch.setattr(outputs, "read", read_when_let)
    monkeypatch.setattr(look, "outputs_are_kept", seen_to_take_long)

    trial = run(steps=(f"mkdir outputs && echo 1 > outputs/a && {RESULT}",))

    assert trial.status == "FINISHED"
    assert statuses and set(statuses) <= {"WAITING", "RUNNING"}
    assert Artifact.objects.filter(trial=trial).count() == 1


def test_one_worker_collects_now_and_then(db):
    assert upkeep.due("artifacts", upkeep.COLLECT_EVERY)
    assert not upkeep.due("artifacts", upkeep.COLLECT_EVERY)

    Chore.objects.filter(pk="artifacts").update(until="2020-01-01T00:00:00Z")
    assert upkeep.due("artifacts", upkeep.COLLECT_EVERY)


def test_a_job_whose_code_is_not_there_is_refused(make_experiment):
    with pytest.raises(ValueError, match=r"command.code: there is no snapshot"):
        make_experiment(job=a_job(command=Command(steps=("true",), code="unknown")))

    assert not Snapshot.objects.exists()


def test_limits_of_an_experiment_with_code_change_after_it_moved_to_another_workspace(make_experiment, workspace, ada):
    code = snapshots.store(workspace, {"train.sh": b"true"})
    row = make_experiment(job=a_job(command=Command(steps=("true",), code=code.key)))
    elsewhere = Workspace.objects.create(slug="new-home", name="New home")
    Member.objects.create(workspace=elsewhere, user=ada, role=Role.ADMIN)
    there = actor_of_user(ada)
    experiments.update(there, row, experiments.Changes(workspace=elsewhere))

    experiments.limit(there, row, max_trials=77)

    row.refresh_from_db()
    assert (row.workspace, row.max_trials) == (elsewhere, 77)
