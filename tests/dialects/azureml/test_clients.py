"""Azure's own packages, unmodified, against a server as it really runs; each script is a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.config import tls
from tests.running import Running

CLIENTS = Path(__file__).parent / "clients"
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("azure_clients")]


class Site:
    """A running server and the environment that its clients need."""

    def __init__(self, data: Path, *options: str) -> None:
        key = Running(data, "key", "--user", "ada", "--workspace", "lab", "--role", "admin", "--create")
        token = json.loads(re.findall(r"\{.*\}", key.process.communicate(timeout=120)[0], re.DOTALL)[-1])["token"]
        self.running = Running(data, "up", "--port", "0", *options, TUNEBOOK_SOURCES=str(CLIENTS))
        found = re.search(r"https?://[^/]+", self.running.line("Tunebook is at"))
        assert found is not None
        self.url = found[0]
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TUNEBOOK_", "DJANGO_"))},
            "TUNEBOOK_SERVER": self.url,
            "TUNEBOOK_API_TOKEN": token,
            "REQUESTS_CA_BUNDLE": str(tls.files(data).ca),
            "SSL_CERT_FILE": str(tls.files(data).ca),
            "AZUREML_RUN_POLLING_INTERVAL_MIN": "1",
            "AZUREML_RUN_POLLING_INTERVAL_MAX": "1",
        }

    def tell(self, script: str) -> dict[str, Any]:
        """What a script tells in its last line."""
        command = [sys.executable, "-W", "ignore", str(CLIENTS / script)]
        done = subprocess.run(
            command, cwd=CLIENTS, env=self.environ, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.running.said}"
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(_prepared(tmp_path_factory), "--tls")
    yield found
    found.running.end()


@pytest.fixture(scope="module")
def plain_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(_prepared(tmp_path_factory))
    yield found
    found.running.end()


def _prepared(factory: pytest.TempPathFactory) -> Path:
    data = factory.mktemp("azure")
    Running(data, "migrate", "-v0").process.communicate(timeout=120)
    return data


def test_a_sweep_is_submitted_streamed_looked_at_and_another_cancelled(site: Site) -> None:
    told = site.tell("sweep_story.py")

    name = told["name"]
    assert (told["status"], told["ended"], told["workspace"]) == ("Queued", "Completed", "lab")
    assert re.fullmatch(rf"{site.url}/w/lab/e/\w+/", told["studio"].replace("localhost", "127.0.0.1"))
    assert [child for child, _ in told["children"]] == [f"{name}_{number}" for number in range(8)]
    statuses = [status for _, status in told["children"]]
    assert set(statuses) == {"Completed", "Canceled"}  # a bandit has stopped some
    assert told["best_status"] == "Completed"
    lines = told["streamed"].splitlines()
    assert sum(" trial " in line and "accuracy=" in line for line in lines) >= 8
    assert any("slack" in line for line in lines)
    assert told["while_archived"] == []
    assert told["listed"] == [told["cancelled"], name]
    assert told["tags"] == {"team": "letters", "source": "https://example.org/letters", "reviewed": "yes"}
    assert told["renamed"] == ["Renamed", {**told["tags"], "by": "update"}]
    assert "artifacts/user_logs/std_log.txt" in told["files"]
    assert "artifacts/outputs/model/weights.txt" in told["files"]
    assert told["weights"].startswith("(10, 64) ")
    assert told["services"] is None


def test_a_command_job_runs_and_what_is_wrong_is_said(site: Site) -> None:
    told = site.tell("command_story.py")

    assert told["created"] == ["greeting", "command"]
    assert told["ended"] == "Completed"
    assert told["missing"][:3] == ["ResourceNotFoundError", 404, "ResourceNotFound"]
    assert told["gone"][1] == 404
    kind, status, code, message = told["refused"]
    assert (kind, status, code) == ("HttpResponseError", 400, "UserError")
    assert "properties.searchSpace.rate" in message


def test_data_comes_from_a_local_folder_and_by_the_name_of_an_asset(site: Site) -> None:
    told = site.tell("data_story.py")

    assert (told["from_here"], told["by_name"]) == ("onetwo", "onetwo")
    assert (told["kept"], told["listed"], told["latest"]) == (["letters", "1", "uri_folder"], ["letters"], "1")


def test_what_tutorials_ask_for_around_a_sweep_is_there_or_says_what_to_do(site: Site) -> None:
    told = site.tell("surroundings_story.py")

    assert (told["found"], told["made"]) == (["cpu-cluster", "Succeeded"], ["gpu", "STANDARD_NC6", 4])
    assert (told["computes"], told["workspaces"], told["scheduled"]) == (["tunebook"], ["lab"], [])
    assert (told["own"], "own" in told["archived"], "own" in told["environments"]) == (["own", "1"], False, True)
    assert "jobs.download" in told["models"]
    assert told["identity"] == "UserIdentityConfiguration"


def test_over_plain_http_the_client_does_what_it_dares(plain_site: Site) -> None:
    told = plain_site.tell("plain_story.py")

    assert told["space"] == {"n": "['qloguniform', [1, 5, 2]]"}
    assert told["policy"] == ["median_stopping", 5]
    assert told["limits"] == [9, 7200, 600]
    assert told["tags"] == {"seen": "yes"}
    assert told["cancelled"] in ("Canceled", "CancelRequested")
    assert (told["listed"], told["left"]) == ([told["name"]], [])


def test_the_management_clients_speak_both_schemas(site: Site) -> None:
    told = site.tell("management_story.py")

    assert told["refused"][:2] == [400, "properties.searchSpace.lr"]
    assert (told["made"], told["created_by"]) == (["managed", "Queued"], "ada")
    assert told["space"] == {"lr": ["uniform", [0.001, 0.1]]}
    assert (told["limits"], told["policy"]) == ([4, "1:00:00"], "TruncationSelection")
    assert {"managed", "more-0", "more-1", "more-2"} <= set(told["listed"])
    assert told["cancelled"] in ("Canceled", "CancelRequested")
    expected = {"algorithm": "Random", "timeout": "PT120M", "maxTotalTrials": 20, "provisioningState": "Succeeded"}
    assert told["old"] == expected
    assert told["new"]["maxTotalTrials"] == 20


def test_the_generated_client_of_hyperdrive_works_unmodified(site: Site) -> None:
    told = site.tell("hyperdrive_story.py")

    assert told["refused"][:2] == [400, 400] and told["refused"][2].startswith("primary_metric_config.goal: ")
    assert told["made"] == ["digits", "Queued", 0, False]
    assert told["ended"] == "Completed"  # the script ran from the folder of its experiment, with its arguments
    assert told["page"].endswith(f"/e/{told['run']}/")
    assert told["named"] == "HD_of-mine"
    assert told["cancelled"] == [f"Cancellation requested for {run}" for run in ("HD_of-mine", told["child"])]
