"""What tutorials ask for around a sweep, by the unmodified MLClient: a compute, environments, workspaces, models."""

from azure.ai.ml import command
from azure.ai.ml.entities import AmlCompute, Environment, UserIdentityConfiguration
from azure.core.exceptions import ResourceNotFoundError
from connecting import ml_client, tell

client = ml_client()
found = client.compute.get("cpu-cluster")
made = client.begin_create_or_update(AmlCompute(name="gpu", size="STANDARD_NC6", max_instances=4)).result()
client.compute.begin_delete("gpu").result()
own = client.environments.create_or_update(Environment(name="own", image="python:3.11"))
client.environments.archive("own")
archived = [one.name for one in client.environments.list()]
client.environments.restore("own")
try:
    client.models.get("best", label="latest")
    models = "found"
except ResourceNotFoundError as error:
    models = str(error.message)
own_identity = command(command="true", environment="e:1", compute="cpu", identity=UserIdentityConfiguration())
submitted = client.jobs.create_or_update(own_identity)
tell(
    identity=type(submitted.identity).__name__,
    found=[found.name, found.provisioning_state],
    made=[made.name, made.size, made.max_instances],
    computes=[one.name for one in client.compute.list()],
    own=[own.name, own.version],
    archived=archived,
    environments=[one.name for one in client.environments.list()],
    workspaces=[one.name for one in client.workspaces.list()],
    scheduled=list(client.jobs.list(schedule_defined=True)),
    models=models,
)
