"""From a Job to an HpoExperimentConfiguration, for jobs that came another way."""

import shlex
from typing import Any

from tunebook.job import Job
from tunebook.platform import RAY
from tunebook.wire.pai.algorithms import dump_assessor, dump_tuner
from tunebook.wire.typed_value import dump_space

_METRIC_TYPES = {"report": "api"}


def dump(job: Job) -> dict[str, Any]:
    """The configuration that says the same as far as this wire has words: argument lists become shell lines."""
    document: dict[str, Any] = {
        "platform_config": _platform(job),
        "metric_config": _metrics(job),
        "search_space": dump_space(job.space, job.command.literals),
        "yml_config": _yml(job),
    }
    files = [f"{source},{destination}" for source, destination in job.command.params_files]
    if files:
        document["params_config"] = {"params_src_dst_filepath": files}
    paths = {"model_path": job.command.model_path, "summary_path": job.command.summary_path}
    if any(paths.values()):
        document["output_config"] = {name: path for name, path in paths.items() if path}
    if job.schedule is not None:
        times = job.schedule
        document["schedule_config"] = {"day": times.day, "start_time": times.start, "end_time": times.end}
    if job.monitor is not None:
        document["monitor_config"] = {
            "url": job.monitor.url,
            "keyword": job.monitor.keyword,
            "at_mobiles": str(list(job.monitor.at_mobiles)),
            "at_user_ids": str(list(job.monitor.at_user_ids)),
            "is_at_all": str(job.monitor.is_at_all),
        }
    return document


def _platform(job: Job) -> dict[str, Any]:
    steps = [step if isinstance(step, str) else _joined(step) for step in job.command.steps]
    counted = {"cpus": f"{job.platform.cpus:g}", "gpus": f"{job.platform.gpus:g}"} if job.platform.name == RAY else {}
    return {"name": job.platform.name, "cmd": steps, **({"resume": "1"} if job.command.resume else {}), **counted}


def _joined(words: tuple[str, ...]) -> str:
    """An argument list as a shell line; words with placeholders stay open for their values."""
    return " ".join(
        f'"{word}"' if "${" in word and " " in word else word if "${" in word else shlex.quote(word) for word in words
    )


def _metrics(job: Job) -> dict[str, Any]:
    return {
        "metric_type": _METRIC_TYPES.get(job.readings.type, job.readings.type),
        "metric_source": list(job.readings.sources),
        "final_mode": job.objective.mode,
        "source_list_final_mode": job.readings.combine,
        "metric_dict": {metric.name: metric.weight for metric in job.objective.metrics},
    }


def _yml(job: Job) -> dict[str, Any]:
    yml: dict[str, Any] = {"trial_concurrency": job.limits.max_concurrent}
    if job.limits.max_trials is not None:
        yml["max_trial_number"] = job.limits.max_trials
    yml["tuner"] = dump_tuner(job.sampling, job.objective.goal)
    if job.policy is not None:
        yml["assessor"] = dump_assessor(job.policy, job.objective.goal)
    return yml
