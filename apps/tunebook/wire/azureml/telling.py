"""Any job of ours in Azure's words, as near as they come: for showing, where refusing would help nobody."""

from dataclasses import replace
from typing import Any

from tunebook.distribution import Distribution
from tunebook.distributions import Choice, QLogUniform, QUniform, Randint
from tunebook.errors import SpecError
from tunebook.job import Job
from tunebook.policies import Policy
from tunebook.space import Space
from tunebook.wire import terminations
from tunebook.wire.azureml.documents import Details
from tunebook.wire.azureml.dumping import dump
from tunebook.wire.azureml.loading import camel
from tunebook.wire.azureml.versions import TODAY

_FEW = 100


def tell(job: Job, shape: str = TODAY, details: Details | None = None) -> dict[str, Any]:
    """The properties of a sweep job that says what this one does, never refused.

    Azure's q types do not clip and its randint starts at 0: such parameters are told unclipped, or as a choice. A
    policy that Azure does not know is left out, a sampler is told as Random.
    """
    space = Space({name: _near(distribution) for name, distribution in job.space.items()})
    return dump(replace(job, space=space, policy=_known(job.policy)), shape, details)


def _known(policy: Policy | None) -> Policy | None:
    try:
        if policy is not None:
            terminations.dump(policy, camel)
    except SpecError:
        return None
    return policy


def _near(distribution: Distribution) -> Distribution:
    if isinstance(distribution, Randint) and distribution.lower != 0:
        if distribution.upper - distribution.lower <= _FEW:
            return Choice(tuple(range(distribution.lower, distribution.upper)))
        return QUniform(distribution.lower, distribution.upper - 1, 1)
    if isinstance(distribution, Choice):
        return Choice(tuple(_near_option(option) for option in distribution.values))
    if isinstance(distribution, QUniform) and distribution.from_min:
        if (distribution.size or _FEW + 1) <= _FEW:
            return Choice(distribution.values())
        return replace(distribution, clip=False, from_min=False)
    if isinstance(distribution, QUniform | QLogUniform) and distribution.clip:
        return replace(distribution, clip=False)
    return distribution


def _near_option(option: Any) -> Any:
    if not isinstance(option, dict):
        return option
    return {name: _near(member) if isinstance(member, Distribution) else member for name, member in option.items()}
