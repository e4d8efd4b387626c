"""The JSON texts inside PAI's answers about trials, from plain data."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tunebook.wire.pai.statuses import experiment_status, trial_status
from tunebook.wire.typed_value import wrap_params

__all__ = ["experiment_status", "final_metric", "hyperparam", "job_meta", "metric", "single_metric", "trial_status"]


Writer = Callable[[Any], str]


def text(value: Any) -> str:
    """JSON as text; a server with a faster writer hands it to the functions below."""
    return json.dumps(value, ensure_ascii=False)


def hyperparam(params: Mapping[str, Any], literals: Mapping[str, str], write: Writer = text) -> str:
    """`Hyperparam`: the parameters, keys as the submitted space wrote them (`literals` of the command)."""
    return write(wrap_params(params, literals))


def metric(
    measurements: Iterable[tuple[float | None, Mapping[str, float]]],
    final: float | None = None,
    write: Writer = text,
) -> str:
    """`Metric`: one entry per measurement (objective's value, metrics by name), then the final one if there is one.

    The final entry repeats the last measurement's metrics beside the value that counts.
    """
    series = list(measurements)
    entries = [_entry(value, metrics, "PERIODICAL") for value, metrics in series]
    if final is not None:
        entries.append(_entry(final, series[-1][1] if series else {}, "FINAL"))
    return write(entries)


def single_metric(name: str, write: Writer = text) -> Callable[[Sequence[str], float | None], str]:
    """What writes `metric` for trials that have but this one: from its finite values as JSON texts, and the final one.

    A page of trials has hundreds of measurements; putting texts together takes a third of writing each anew.
    """
    between = f",{write(name)}:"

    def written(values: Sequence[str], final: float | None) -> str:
        entries = [f'{{"default":{value}{between}{value},"type":"PERIODICAL"}}' for value in values]
        if final is not None:
            last = f"{between}{values[-1]}" if values else ""
            entries.append(f'{{"default":{write(_number(final))}{last},"type":"FINAL"}}')
        return f"[{','.join(entries)}]"

    return written


def final_metric(value: float | None) -> str:
    """`FinalMetric`: the value as text; empty when there is none."""
    return "" if value is None else str(_number(value))


def job_meta(experiment: str, trial: str, sequence: int, write: Writer = text) -> str:
    """`JobMeta`: the ids as the back end has them."""
    return write({"nni_trial_id": trial, "nni_exp_id": experiment, "nni_trial_sequence_id": sequence})


def _entry(value: float | None, metrics: Mapping[str, float], kind: str) -> dict[str, Any]:
    known = {} if value is None else {"default": _number(value)}
    return {**known, **{name: _number(one) for name, one in metrics.items()}, "type": kind}


def _number(value: float) -> float | str:
    """JSON has no word for what is not finite, so it goes as text."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
