"""The management clients: azure-mgmt-machinelearningservices in its own version, azure-mgmt-resource in that of 2021."""

from azure.core.exceptions import HttpResponseError
from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient, models
from azure.mgmt.resource.resources import ResourceManagementClient
from connecting import GROUP, PATH, SUBSCRIPTION, URL, WORKSPACE, tell

from tunebook.azure import TunebookCredential

OLD = "2021-03-01-preview"
credential = TunebookCredential()
scopes = {"credential_scopes": [f"{URL}/.default"], "base_url": URL}

jobs = MachineLearningServicesMgmtClient(credential, SUBSCRIPTION, **scopes).jobs
sweep = models.SweepJob(
    display_name="Managed",
    experiment_name="managed",
    compute_id=f"{PATH}/computes/cpu",
    search_space={"lr": ["uniform", [0.001, 0.1]]},
    sampling_algorithm=models.GridSamplingAlgorithm(),
    objective=models.Objective(goal="Maximize", primary_metric="accuracy"),
    limits=models.SweepJobLimits(max_total_trials=4, max_concurrent_trials=2, timeout="PT1H"),
    early_termination=models.TruncationSelectionPolicy(truncation_percentage=20, evaluation_interval=1),
    trial=models.TrialComponent(
        command="sleep 300 # ${{search_space.lr}}", environment_id=f"{PATH}/environments/e/versions/1"
    ),
)
try:
    jobs.create_or_update(GROUP, WORKSPACE, "managed", models.JobBase(properties=sweep))
    refused = ["accepted"]
except HttpResponseError as error:
    refused = [error.status_code, error.error.target, error.error.message]
sweep.sampling_algorithm = models.RandomSamplingAlgorithm(rule="Sobol", seed=3)
made = jobs.create_or_update(GROUP, WORKSPACE, "managed", models.JobBase(properties=sweep))
found = jobs.get(GROUP, WORKSPACE, "managed")
for number in range(3):
    jobs.create_or_update(GROUP, WORKSPACE, f"more-{number}", models.JobBase(properties=sweep))
listed = [job.name for job in jobs.list(GROUP, WORKSPACE, list_view_type="All")]
jobs.begin_cancel(GROUP, WORKSPACE, "managed").result()
cancelled = jobs.get(GROUP, WORKSPACE, "managed").properties.status
for name in ("managed", "more-0", "more-1", "more-2"):
    jobs.begin_delete(GROUP, WORKSPACE, name).result()

resources = ResourceManagementClient(credential, SUBSCRIPTION, **scopes).resources
properties = {
    "jobType": "Sweep",
    "algorithm": "Random",
    "compute": {"target": f"{PATH}/computes/cpu", "instanceCount": 1},
    "objective": {"primaryMetric": "test-auc", "goal": "minimize"},
    "searchSpace": {"--rate": ["uniform", [0.01, 0.9]], "--boosting": ["choice", [["gbdt", "dart"]]]},
    "maxTotalTrials": 20,
    "maxConcurrentTrials": 10,
    "timeout": "PT120M",
    "trial": {"command": "true", "environmentId": f"{PATH}/environments/e/versions/1", "timeout": "PT90S"},
}
old_id = f"{PATH}/jobs/in-2021"
resources.begin_create_or_update_by_id(old_id, {"properties": properties}, api_version=OLD).result()
old = resources.get_by_id(old_id, api_version=OLD)
new = resources.get_by_id(old_id, api_version="2024-10-01")
resources.begin_delete_by_id(old_id, api_version=OLD).result()
tell(
    refused=refused,
    made=[made.name, made.properties.status],
    space=found.properties.search_space,
    limits=[found.properties.limits.max_total_trials, found.properties.limits.timeout],
    policy=found.properties.early_termination.policy_type,
    created_by=found.system_data.created_by,
    listed=listed,
    cancelled=cancelled,
    old={name: old.properties[name] for name in ("algorithm", "timeout", "maxTotalTrials", "provisioningState")},
    new=new.properties["limits"],
)
