"""Command jobs and what is refused, by the unmodified MLClient."""

import time

from azure.ai.ml import command
from azure.ai.ml.sweep import Uniform
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from connecting import ml_client, tell

client = ml_client()


def refusal(call: object, *arguments: object) -> list[object]:
    """What the client says of a refused call: its exception, the status and the server's message."""
    try:
        call(*arguments)  # type: ignore[operator]  # any method of the client
    except HttpResponseError as error:
        return [type(error).__name__, error.status_code, error.error.code if error.error else "", error.message]
    return ["accepted"]


job = command(
    command="echo $AZUREML_PARAMETER_rate $rate ${{inputs.rate}}",
    environment="azureml:any:1",
    inputs={"rate": 0.5},
    compute="cpu-cluster",
    name="greeting",
    experiment_name="vision",
)
made = client.jobs.create_or_update(job)
deadline = time.monotonic() + 60
while client.jobs.get("greeting").status not in ("Completed", "Failed", "Canceled") and time.monotonic() < deadline:
    time.sleep(0.5)

sweep = command(
    command="echo ${{inputs.rate}}", environment="azureml:any@latest", inputs={"rate": 0.5}, compute="cpu-cluster"
)(rate=Uniform(0, 1)).sweep(primary_metric="loss", goal="minimize", sampling_algorithm="grid")
sweep.set_limits(max_total_trials=2)
tell(
    created=[made.name, made.type],
    ended=client.jobs.get("greeting").status,
    missing=refusal(client.jobs.get, "nothing"),
    refused=refusal(client.jobs.create_or_update, sweep),
    not_found=ResourceNotFoundError.__name__,
    deleted=client.jobs.begin_delete("greeting").result(),
    gone=refusal(client.jobs.get, "greeting"),
)
