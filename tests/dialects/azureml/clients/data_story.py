"""Data on its way to trials, by the unmodified MLClient: a local folder, and a data asset by its name."""

import tempfile
import time
from pathlib import Path

from azure.ai.ml import Input, command
from azure.ai.ml.entities import Data
from connecting import ml_client, tell

client = ml_client()
folder = Path(tempfile.mkdtemp()) / "letters"
(folder / "more").mkdir(parents=True)
(folder / "a.txt").write_text("one")
(folder / "more" / "b.txt").write_text("two")


def said(data: Input) -> str:
    """What a job prints that reads this data."""
    job = command(
        command="cat ${{inputs.data}}/a.txt ${{inputs.data}}/more/b.txt",
        environment="azureml:any:1",
        inputs={"data": data},
        compute="cpu-cluster",
    )
    made = client.jobs.create_or_update(job)
    deadline = time.monotonic() + 60
    while client.jobs.get(made.name).status not in ("Completed", "Failed", "Canceled") and time.monotonic() < deadline:
        time.sleep(0.5)
    client.jobs.download(made.name, download_path=folder.parent, all=True)
    return (folder.parent / "artifacts" / "user_logs" / "std_log.txt").read_text()


from_here = said(Input(type="uri_folder", path=str(folder)))
kept = client.data.create_or_update(Data(name="letters", path=str(folder), type="uri_folder"))
tell(
    from_here=from_here,
    kept=[kept.name, kept.version, kept.type],
    by_name=said(Input(type="uri_folder", path="azureml:letters@latest")),
    listed=[one.name for one in client.data.list()],
    latest=client.data.get("letters", label="latest").version,
)
