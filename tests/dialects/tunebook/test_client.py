"""The library's own client and command against the server as it really runs."""

from __future__ import annotations

import json
from pathlib import Path

import optuna
import pytest

from apps.experiments.models import Experiment
from apps.trials.models import Trial
from apps.workspaces.models import IssuedKey
from tunebook import ClientError, examples
from tunebook.cli import DONE, REFUSED, main
from tunebook.client import Client

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLES = Path(examples.__file__).parent


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def client(served: str, key_ada: IssuedKey) -> Client:
    return Client(f"http://{served}", key_ada.token, workspace="lab")


@pytest.mark.parametrize(("name", "dialect"), [("digits.json", "tunebook"), ("digits_pai.json", "native")])
def test_each_example_is_kept_in_its_own_dialect(client: Client, name: str, dialect: str) -> None:
    document = json.loads((EXAMPLES / name).read_text())

    created = client.submit(document, name="Mine", tags={"team": "vision"})

    told = [created[member] for member in ("name", "dialect", "tags", "workspace")]
    assert told == ["Mine", dialect, {"team": "vision"}, "lab"]
    row = Experiment.objects.get(key=created["key"])
    assert json.loads(row.submitted) == document.get("HpoExperimentConfiguration", document)


def test_lists_orders_and_events_are_understood(client: Client) -> None:
    key = client.submit(json.loads((EXAMPLES / "digits.json").read_text()), name="Mine")["key"]

    assert client.pause(key)["desired"] == "pause"
    assert client.resume(key)["desired"] == "run"
    assert [one["key"] for one in client.experiments(status="WAITING", word="mine")["items"]] == [key]
    assert client.events(f"exp:{key}", after=0)["items"]
    assert client.trials(key)["total"] == 0
    assert client.delete(key)["trashed"]
    assert not client.restore(key)["trashed"]


def test_watching_ends_when_a_stopped_experiment_has_ended(client: Client) -> None:
    key = client.submit(json.loads((EXAMPLES / "digits.json").read_text()), start=False)["key"]

    client.stop(key)

    assert [one["status"] for one in client.watch(key)] == ["USER_CANCELED"]


def test_an_unknown_experiment_is_a_refusal_with_words(client: Client) -> None:
    with pytest.raises(ClientError) as refused:
        client.experiment("nothing")

    assert (refused.value.status, refused.value.code) == (404, "not_found")


def test_the_command_shows_the_best_trial(
    served: str, key_ada: IssuedKey, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    key = client.submit(json.loads((EXAMPLES / "digits.json").read_text()), name="Mine")["key"]
    row = Experiment.objects.get(key=key)
    Trial.objects.create(experiment=row, number=0, key="t1", params={"lr": 0.1}, status="FINISHED", value=0.9)
    Experiment.objects.filter(pk=row.pk).update(best_value=0.9, best_trial=0)

    assert main(["login", f"http://{served}", "--token", key_ada.token]) == DONE
    assert main(["best", key]) == DONE
    assert "trial 0: 0.9" in capsys.readouterr().out


def test_a_wrong_token_cannot_sign_in(served: str, workspace: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["login", f"http://{served}", "--token", "tb_wrong"]) == REFUSED
    assert capsys.readouterr().err.startswith("tunebook: ")


def test_the_command_brings_a_study_in_and_takes_it_out_again(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/study.db", study_name="bowl", direction="minimize")
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=12)
    monkeypatch.setenv("TUNEBOOK_SERVER", client.url)
    monkeypatch.setenv("TUNEBOOK_API_TOKEN", client._token)

    assert main(["import", f"{tmp_path}/study.db", "--from", "optuna"]) == DONE
    assert "12 trials imported" in capsys.readouterr().out
    row = Experiment.objects.get(name="bowl")
    assert (row.best_value, row.best_trial) == (study.best_value, study.best_trial.number)
    assert main(["export", row.key, "--whole", "-o", f"{tmp_path}/bowl.json"]) == DONE
    assert main(["import", f"{tmp_path}/bowl.json", "--from", "tunebook"]) == DONE

    assert Trial.objects.count() == 24
    assert list(Experiment.objects.values_list("best_value", flat=True)) == [study.best_value] * 2
