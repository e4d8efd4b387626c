"""The generated client of HyperDrive REST, unmodified, as the v1 SDK calls it."""

import json
import sys
import tempfile
import time
import types
import urllib.request

# the client asks the whole SDK for its version number, and for nothing else of it
core = types.ModuleType("azureml._base_sdk_common")
core.__version__ = "1.62.0"  # type: ignore[attr-defined]  # a module made by hand
sys.modules[core.__name__] = core

from azureml.train.restclients.hyperdrive.models import ErrorResponseException
from azureml.train.restclients.hyperdrive.rest_client import RestClient
from connecting import PATH, URL, tell
from msrest.authentication import BasicTokenAuthentication

from tunebook.azure import TunebookCredential

token = TunebookCredential().get_token().token
scope = f"{PATH.removeprefix('/')}/experiments/code"
client = RestClient(scope, BasicTokenAuthentication({"access_token": token}), base_url=f"{URL}/hyperdrive/v1.0")


def config(**changes: object) -> str:
    """A document as the v1 SDK writes it: lower-case goal, mixed-case generator, nothing for a default policy."""
    run = {
        "script": "train.py",
        "arguments": ["--epochs", 4, "--label", "two words", "--model", tempfile.mkdtemp()],
        "command": "",
        "target": "cpu-cluster",
        "framework": "Python",
        "communicator": "None",
        "maxRunDurationSeconds": 2592000,
        "nodeCount": 1,
        "environment": {"name": "training", "environmentVariables": {"FROM_ENVIRONMENT": "1"}, "python": {}},
        "environmentVariables": {"FROM_RUN": "2"},
        "history": {"outputCollection": True},
    }
    document = {
        "name": "digits",
        "user": "ada",
        "platform": "AML",
        "platform_config": {
            "ServiceAddress": URL,
            "ServiceArmScope": scope,
            "Definition": {"Overrides": run, "TargetDetails": None, "SnapshotId": "0", "TelemetryValues": {}},
        },
        "generator_config": {
            "name": "RANDOM",
            "parameter_space": {"--alpha": ["loguniform", [-9, -2]], "--penalty": ["choice", [["l1", "l2"]]]},
        },
        "policy_config": {
            "name": "Bandit",
            "properties": {"evaluation_interval": 1, "delay_evaluation": 2, "slack_factor": 0.1, "slack_amount": None},
        },
        "primary_metric_config": {"name": "accuracy", "goal": "maximize"},
        "max_total_jobs": 4,
        "max_concurrent_jobs": 2,
        "max_duration_minutes": 60,
        "resume_from": None,
    }
    return json.dumps({**document, **changes})


def look(run_id: str) -> dict[str, object]:
    """One run, which the description has no operation for; as our server answers it."""
    request = urllib.request.Request(f"{client.config.base_url}/{scope}/runs/{run_id}")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request) as answer:
        found: dict[str, object] = json.load(answer)["result"]
    return found


try:
    client.create_experiment(config(primary_metric_config={"name": "accuracy", "goal": "up"}))
    refused = ["accepted"]
except ErrorResponseException as error:
    refused = [error.response.status_code, error.error.code, error.error.message]

made = client.create_experiment(config()).result
run_id = made.platform_config["ParentRunId"]
deadline = time.monotonic() + 120
while look(run_id)["status"] not in ("Completed", "Failed", "Canceled") and time.monotonic() < deadline:
    time.sleep(0.5)

named = client.create_experiment_with_custom_run_id("HD_of-mine", config()).result
child = client.create_experiment1(run_id, config()).result
cancelled = [
    client.cancel_experiment("HD_of-mine", URL).result,
    client.cancel_experiment(child.hyperdrive_run_id, URL).result,
]
tell(
    refused=refused,
    made=[made.name, made.status, made.study_id, made.all_jobs_generated],
    ended=look(run_id)["status"],
    page=made.experiment_uri,
    run=run_id,
    named=named.hyperdrive_run_id,
    cancelled=cancelled,
    child=child.hyperdrive_run_id,
)
