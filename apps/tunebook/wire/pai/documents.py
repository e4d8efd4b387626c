"""What an HpoExperimentConfiguration may hold, and which of it is secret."""

import re
from collections.abc import Mapping
from typing import Any

PATH = "HpoExperimentConfiguration"

# Section -> its members, in the order of the text forms.
SECTIONS: dict[str, tuple[str, ...]] = {
    "platform_config": ("name", "cmd", "resume", "cpus", "gpus"),
    "metric_config": (
        "metric_type",
        "metric_source",
        "final_mode",
        "metric_dict",
        "source_list_final_mode",
        "optimize_mode",
    ),
    "params_config": ("params_src_dst_filepath",),
    "output_config": ("model_path", "summary_path"),
    "schedule_config": ("day", "start_time", "end_time"),
    "monitor_config": ("url", "keyword", "at_mobiles", "at_user_ids", "is_at_all"),
    "oss_config": ("endpoint", "accessKeyID", "accessKeySecret", "role_arn"),
    "odps_config": (
        "access_id",
        "access_key",
        "project_name",
        "end_point",
        "log_view_host",
        "region",
        "role_arn",
    ),
    "dlc_config": ("access_id", "access_key", "endpoint", "region", "protocol"),
    "ts_config": ("access_key_id", "access_key_secret", "region_id", "endpoint"),
    "paiflow_config": ("access_key_id", "access_key_secret", "region_id", "workspace_id"),
    "k8s_config": (
        "nni_container_requested_memory",
        "nni_container_requested_cpu",
        "nni_container_memory_limit",
        "nni_container_cpu_limit",
    ),
}
# Accepted for what they are, not acted upon: texts of services that a LOCAL platform does not call.
ELSEWHERE = ("oss_config", "odps_config", "dlc_config", "ts_config", "paiflow_config", "k8s_config")
YML_MEMBERS = (
    "trial_concurrency",
    "max_trial_number",
    "experiment_name",
    "debug",
    "log_level",
    "tuner",
    "assessor",
)
MEMBERS = (*SECTIONS, "search_space", "yml_config")

MASK = "******"
_SECRET_IN_QUERY = re.compile(r"([?&][^=&#]*(?:token|key|secret|sign|password)[^=&#]*=)[^&#]+", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"^(\w+://)[^/@]+@")
_SECRETS = ("accesskey", "accessid", "secret", "password", "token")


def is_secret(name: str) -> bool:
    """Does a member of this name hold a key, an id of a key or another secret?"""
    plain = name.lower().replace("_", "").replace("-", "")
    return any(word in plain for word in _SECRETS)


def mask(document: Any) -> Any:
    """The document with the text of every secret replaced by asterisks, at any depth of its `*_config` sections."""
    if not isinstance(document, Mapping):
        return document
    return {
        name: _masked_section(section) if name in SECTIONS and isinstance(section, Mapping) else section
        for name, section in document.items()
    }


def masked(name: str, value: Any) -> Any:
    """The value, or asterisks when the name says that it is secret and there is something to hide.

    Of an address only its secret parts are hidden: a password, and what the query calls a token or key.
    """
    if name == "url" and isinstance(value, str):
        return _SECRET_IN_QUERY.sub(rf"\1{MASK}", _PASSWORD_IN_URL.sub(rf"\1{MASK}@", value))
    return MASK if value not in (None, "") and is_secret(name) else value


def _masked_section(section: Mapping[str, Any]) -> dict[str, Any]:
    return {name: masked(name, value) for name, value in section.items()}
