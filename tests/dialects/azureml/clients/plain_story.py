"""What the unmodified MLClient does over plain http: all but streams, lists of trials and code."""

from azure.ai.ml import command
from azure.ai.ml.entities import Environment
from azure.ai.ml.sweep import MedianStoppingPolicy, QLogUniform, RandomSamplingAlgorithm
from connecting import ml_client, tell

client = ml_client()
node = command(
    command="sleep 300 # ${{inputs.n}}",
    environment=Environment(image="python:3.11"),
    inputs={"n": 3},
    compute="cpu-cluster",
)
sweep = node(n=QLogUniform(1, 5, 2)).sweep(
    primary_metric="loss",
    goal="minimize",
    sampling_algorithm=RandomSamplingAlgorithm(rule="sobol", seed=7, logbase="e"),
    max_total_trials=9,
    max_concurrent_trials=3,
    timeout=7200,
    trial_timeout=600,
    early_termination_policy=MedianStoppingPolicy(delay_evaluation=5),
)
sweep.experiment_name = "plain"
made = client.jobs.create_or_update(sweep)
found = client.jobs.get(made.name)
found.tags["seen"] = "yes"
changed = client.jobs.create_or_update(found)
client.jobs.begin_cancel(made.name).result()
cancelled = client.jobs.get(made.name).status
listed = [job.name for job in client.jobs.list()]
client.jobs.begin_delete(made.name).result()
tell(
    name=made.name,
    algorithm=found.sampling_algorithm,
    limits=[found.limits.max_total_trials, found.limits.timeout, found.limits.trial_timeout],
    space={name: str(one._to_rest_object()) for name, one in found.search_space.items()},
    policy=[found.early_termination.type, found.early_termination.delay_evaluation],
    tags=changed.tags,
    cancelled=cancelled,
    listed=listed,
    left=[job.name for job in client.jobs.list()],
)
