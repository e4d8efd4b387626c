"""Sweeps on a server, with the verbs of MLClient."""

import io

import pytest

import tunebook
from tests.tunebook.native_server import NativeServer
from tests.tunebook.sweep.test_conversion import a_sweep
from tunebook import ClientError, SpecError
from tunebook.sweep import BanditPolicy, LogUniform, Objective, to_job


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    running = NativeServer()
    yield running
    running.close()


@pytest.fixture
def jobs(server):
    return tunebook.Client(server.url, "tb_1").jobs


def found(**changes):
    """An experiment as the server tells it."""
    known = {
        "key": "k1",
        "name": "Digits",
        "description": "",
        "workspace": "lab",
        "status": "RUNNING",
        "desired": "run",
        "tags": {"team": "vision", "experiment": "e"},
        "counts": {"FINISHED": 2, "RUNNING": 1},
        "max_trials": 20,
        "best": {"value": 0.5, "trial": 1},
        "job": to_job(a_sweep(early_termination=BanditPolicy(slack_factor=0.1))).to_dict(),
    }
    return {**known, **changes}


def test_a_sweep_is_submitted_as_the_job_it_means(server, jobs):
    server.answers["POST experiments"] = 201, found()
    sweep = a_sweep(display_name="Digits", experiment_name="e", tags={"team": "vision"})

    made = jobs.create_or_update(sweep)

    _, _, body = server.got[0]
    assert body["job"] == to_job(sweep).to_dict()
    assert (body["name"], body["tags"]) == ("Digits", {"team": "vision", "experiment": "e"})
    assert (made.name, made.status, made.experiment_name, made.tags) == ("k1", "Running", "e", {"team": "vision"})
    assert made.studio_url == f"{server.url}/w/lab/e/k1/"


def test_a_sweep_that_cannot_be_is_not_sent(server, jobs):
    with pytest.raises(SpecError):
        jobs.create_or_update(a_sweep(objective=Objective("up", "a")))

    assert server.got == []


def test_a_sweep_is_read_back(server, jobs):
    server.answers["GET experiments/k1"] = 200, found()

    sweep = jobs.get("k1")

    assert sweep.search_space == {"lr": LogUniform(-6, -1)}
    assert sweep.early_termination == BanditPolicy(slack_factor=0.1, evaluation_interval=1)
    assert (sweep.objective.goal, sweep.limits.max_total_trials) == ("maximize", 20)


def test_a_sweep_that_is_not_there_is_an_error(jobs):
    with pytest.raises(ClientError):
        jobs.get("k1")


def test_sweeps_are_listed_page_by_page_up_to_a_number(server, jobs):
    server.answers["GET experiments"] = lambda query, body: (
        200,
        {
            "total": 150,
            "items": [found(key=f"{query['page']}-{n}") for n in range(100 if query["page"] == "1" else 50)],
        },
    )

    assert len(list(jobs.list())) == 150
    assert [one.name for one in jobs.list(max_results=2)] == ["1-0", "1-1"]


def test_a_sweep_is_cancelled(server, jobs):
    server.answers["POST experiments/k1/stop"] = 200, {}
    server.answers["GET experiments/k1"] = 200, found(desired="stop")

    assert jobs.cancel("k1").status == "CancelRequested"


def test_a_sweep_is_streamed_to_its_end(server, jobs):
    server.answers["GET experiments/k1"] = 200, found(status="FINISHED", counts={"FINISHED": 20}, reason="all done")
    told = io.StringIO()

    sweep = jobs.stream("k1", file=told)

    assert told.getvalue() == "Completed, 20/20 trials ended, best 0.5 (trial 1), all done\n"
    assert sweep.status == "Completed"


def test_the_best_trial_is_told_when_there_is_one(server, jobs):
    server.answers["GET experiments/k1"] = [(200, found()), (200, found(best=None))]
    server.answers["GET experiments/k1/trials/1"] = 200, {"number": 1, "params": {"lr": 0.1}}

    assert jobs.best_trial("k1") == {"number": 1, "params": {"lr": 0.1}}
    assert jobs.best_trial("k1") is None


def test_there_is_nothing_else_at_the_top():
    assert hasattr(tunebook, "Client")
    assert not hasattr(tunebook, "Clients")
