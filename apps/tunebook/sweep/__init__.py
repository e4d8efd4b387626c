"""The classes of azure.ai.ml.sweep, for sweeps that run on a Tunebook server.

from tunebook.sweep import Choice, LogUniform, command

job = command(command="python train.py --lr ${{inputs.lr}}", inputs={"lr": 0.1}, environment="azureml:any:1")
sweep = job(lr=LogUniform(-6, -1)).sweep(primary_metric="accuracy", goal="maximize", max_total_trials=20)
sweep.dump("sweep.yml")

Signatures, defaults, attributes and files are those of azure-ai-ml 1.35.2. Different on purpose, because its
documentation says so: `dump` never overwrites a file, every policy may be given by its name. Reading and writing files
needs PyYAML.
"""

from tunebook.sweep.command_job import Command, CommandJob, ParameterizedCommand, command
from tunebook.sweep.conversion import from_job, to_job
from tunebook.sweep.declarations import (
    BanditPolicy,
    BayesianSamplingAlgorithm,
    CommandJobLimits,
    EarlyTerminationPolicy,
    GridSamplingAlgorithm,
    MedianStoppingPolicy,
    Objective,
    RandomSamplingAlgorithm,
    SamplingAlgorithm,
    SweepJobLimits,
    TruncationSelectionPolicy,
)
from tunebook.sweep.entities import (
    AmlTokenConfiguration,
    Input,
    JobResourceConfiguration,
    ManagedIdentityConfiguration,
    Output,
    QueueSettings,
    UserIdentityConfiguration,
)
from tunebook.sweep.errors import JobException, UnexpectedKeywordError, ValidationException
from tunebook.sweep.loading import load_job
from tunebook.sweep.search_space import (
    Choice,
    LogNormal,
    LogUniform,
    Normal,
    QLogNormal,
    QLogUniform,
    QNormal,
    QUniform,
    Randint,
    SweepDistribution,
    Uniform,
)
from tunebook.sweep.sweep_job import SweepJob

__all__ = [
    "AmlTokenConfiguration",
    "BanditPolicy",
    "BayesianSamplingAlgorithm",
    "Choice",
    "Command",
    "CommandJob",
    "CommandJobLimits",
    "EarlyTerminationPolicy",
    "GridSamplingAlgorithm",
    "Input",
    "JobException",
    "JobResourceConfiguration",
    "LogNormal",
    "LogUniform",
    "ManagedIdentityConfiguration",
    "MedianStoppingPolicy",
    "Normal",
    "Objective",
    "Output",
    "ParameterizedCommand",
    "QLogNormal",
    "QLogUniform",
    "QNormal",
    "QUniform",
    "QueueSettings",
    "Randint",
    "RandomSamplingAlgorithm",
    "SamplingAlgorithm",
    "SweepDistribution",
    "SweepJob",
    "SweepJobLimits",
    "TruncationSelectionPolicy",
    "UnexpectedKeywordError",
    "Uniform",
    "UserIdentityConfiguration",
    "ValidationException",
    "command",
    "from_job",
    "load_job",
    "to_job",
]
