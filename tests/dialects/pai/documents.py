"""Configurations of the shape that the native API's reference shows, written by us."""

from __future__ import annotations

from typing import Any


def a_configuration(**sections: Any) -> dict[str, Any]:
    """A small local sweep; any section can be given, None leaves one out."""
    whole: dict[str, Any] = {
        "platform_config": {"name": "LOCAL", "cmd": ["python3 train.py --lr ${lr}"]},
        "metric_config": {
            "metric_type": "stdout",
            "metric_source": ["cmd1"],
            "final_mode": "best",
            "metric_dict": {"loss=([0-9.]+)": 1},
        },
        "search_space": {"${lr}": {"_type": "uniform", "_value": [0.0, 10.0]}},
        "yml_config": {
            "trial_concurrency": 2,
            "max_trial_number": 10,
            "tuner": {"name": "Random", "class_args": {"optimize_mode": "minimize"}},
        },
        "oss_config": {"endpoint": "oss.example.org", "accessKeyID": "an-id", "accessKeySecret": "a-secret"},
    }
    whole.update(sections)
    return {name: section for name, section in whole.items() if section is not None}
