"""A sweep from the first to the last, by the unmodified MLClient."""

import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from azure.ai.ml import Output, command
from azure.ai.ml.entities import Environment
from azure.ai.ml.sweep import BanditPolicy, Choice, LogUniform
from connecting import ml_client, tell

HERE = Path(__file__).parent
LINE = (
    "python train.py --alpha ${{inputs.alpha}} --penalty ${{inputs.penalty}} "
    "--epochs ${{inputs.epochs}} --model ${{outputs.model}}"
)

client = ml_client()
node = command(
    code=str(HERE / "code"),
    command=LINE,
    environment=Environment(image="python:3.11", name="training", version="1"),
    inputs={"alpha": 0.01, "penalty": "l2", "epochs": 8},
    outputs={"model": Output(type="uri_folder")},
    compute="cpu-cluster",
    display_name="Digits",
)
sweep = node(alpha=LogUniform(-12, 3), penalty=Choice(["l1", "l2"])).sweep(
    primary_metric="accuracy",
    goal="Maximize",
    sampling_algorithm="random",
    max_total_trials=8,
    max_concurrent_trials=2,
    early_termination_policy=BanditPolicy(slack_factor=0.02, evaluation_interval=1, delay_evaluation=2),
)
sweep.experiment_name = "vision"
sweep.tags = {"team": "letters", "source": "https://example.org/letters"}
made = client.jobs.create_or_update(sweep)

streamed = io.StringIO()
with redirect_stdout(streamed):
    client.jobs.stream(made.name)
ended = client.jobs.get(made.name)
children = list(client.jobs.list(parent_job_name=made.name))
best = client.jobs.get(ended.properties["best_child_run_id"])

client.jobs.archive(made.name)
while_archived = [job.name for job in client.jobs.list()]
client.jobs.restore(made.name)
ended.tags["reviewed"] = "yes"
ended.description = "letters of the alphabet, no, digits"
changed = client.jobs.create_or_update(ended)
renamed = client.jobs.update(made.name, display_name="Renamed", tags={"by": "update"})

folder = Path(tempfile.mkdtemp())
client.jobs.download(made.name, download_path=folder, all=True)
client.jobs.download(best.name, download_path=folder / "named", output_name="model")
files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

other = client.jobs.create_or_update(sweep)  # the same code: not uploaded again
client.jobs.begin_cancel(other.name).result()
tell(
    name=made.name,
    status=made.status,
    studio=made.studio_url,
    streamed=streamed.getvalue(),
    ended=ended.status,
    best=best.name,
    best_status=best.status,
    children=[[child.name, child.status] for child in children],
    while_archived=while_archived,
    listed=[job.name for job in client.jobs.list()],
    tags=changed.tags,
    description=changed.description,
    renamed=[renamed.display_name, renamed.tags],
    files=files,
    weights=(folder / "named" / "named-outputs" / "model" / "weights.txt").read_text(),
    services=client.jobs.show_services(made.name),
    workspace=client.workspaces.get("lab").name,
    cancelled=other.name,
)
