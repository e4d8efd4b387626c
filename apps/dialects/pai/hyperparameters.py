"""The parameters of one trial as the native API sends them: wrapped names, values mostly as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunebook.distributions import Choice, Distribution, Randint
from tunebook.job import Job
from tunebook.wire import pai


def read(wire: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """The parameters with bare names, and each text turned into the value of the space that it spells.

    What spells none stays text; the verb that takes the parameters says what is wrong with it.
    """
    params = pai.unwrap_params(wire)
    return {name: _value(value, job.space.get(name)) for name, value in params.items()}


def _value(value: Any, distribution: Distribution | None) -> Any:
    if not isinstance(value, str) or distribution is None:
        return value
    if isinstance(distribution, Choice):
        same = [option for option in distribution.values if option == value or str(option) == value]
        return same[0] if same else value
    try:
        return int(value) if isinstance(distribution, Randint) else float(value)
    except ValueError:
        return value
