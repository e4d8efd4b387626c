"""Early termination in Azure's words, which both of its APIs share but for the spelling of the members."""

from collections.abc import Callable, Mapping
from typing import Any

from tunebook.errors import SpecError
from tunebook.fields import Fields
from tunebook.policies import BanditPolicy, MedianStoppingPolicy, Policy, TruncationSelectionPolicy
from tunebook.space import Space

INT32 = 2**31 - 1
DEFAULT = "Default"
POLICIES: Mapping[str, type[Policy]] = {
    "Bandit": BanditPolicy,
    "MedianStopping": MedianStoppingPolicy,
    "TruncationSelection": TruncationSelectionPolicy,
}
# Sampler -> the distributions it can draw from; the others draw from all.
_ONLY: Mapping[str, tuple[str, ...]] = {"grid": ("choice",), "bayesian": ("choice", "uniform", "quniform")}


def load(word: str, fields: Fields, spelled: Callable[[str], str]) -> Policy | None:
    """The policy from its members; None for Default. Raises SpecError with the member's path in the wire's spelling.

    A slack of 0 or null is not set; exactly one must be. An interval of 0 counts as 1.
    """
    if word == DEFAULT:
        return None
    given: dict[str, Any] = {
        "delay_evaluation": fields.integer(spelled("delay_evaluation"), low=0, high=INT32) or 0,
        "evaluation_interval": fields.integer(spelled("evaluation_interval"), low=0, high=INT32) or 1,
    }
    if word == "Bandit":
        for name in ("slack_factor", "slack_amount"):
            given[name] = fields.number(spelled(name), low=0) or None
        if given["slack_factor"] and given["slack_amount"]:
            both = f"must be left out when {spelled('slack_factor')} is given; a bandit has one slack"
            raise SpecError(fields.at(spelled("slack_amount")), both)
        if not given["slack_factor"] and not given["slack_amount"]:
            neither = f"is missing; give {spelled('slack_factor')} or {spelled('slack_amount')}, above 0"
            raise SpecError(fields.at(spelled("slack_factor")), neither)
    if word == "TruncationSelection":
        fields.require(spelled("truncation_percentage"))
        given["truncation_percentage"] = fields.integer(spelled("truncation_percentage"), low=1, high=99)
        given["exclude_finished_jobs"] = fields.flag(spelled("exclude_finished_jobs"))
    return POLICIES[word](**given)


def dump(policy: Policy, spelled: Callable[[str], str]) -> tuple[str, dict[str, Any]]:
    """The wire's word for a policy, and its members. Refuses what Azure has no word for."""
    word = next((word for word, kind in POLICIES.items() if type(policy) is kind), None)
    if word is None:
        raise SpecError("policy", f"Azure has no word for {policy.name}")
    members = {name: value for name, value in policy.to_dict().items() if name != "name" and value is not None}
    if not members.get("exclude_finished_jobs", True):
        del members["exclude_finished_jobs"]
    return word, {spelled(name): value for name, value in members.items()}


def check_fit(sampler: str, space: Space, path: str) -> None:
    """Refuse distributions that Azure's sampling algorithm does not draw from, also those inside options."""
    allowed = _ONLY.get(sampler)
    for name, (distribution, _) in space.leaves().items() if allowed else ():
        if allowed and distribution.type not in allowed:
            message = f"{sampler} sampling needs {' or '.join(allowed)} here, got {distribution.type}"
            raise SpecError(f"{path}.{name}", message)
