"""Early termination: which running trials are not worth their time."""

from tunebook.errors import SpecError
from tunebook.fields import Fields, unknown
from tunebook.policies.bandit import BanditPolicy
from tunebook.policies.base import Decision, Policy
from tunebook.policies.curve_fitting import CurveFittingPolicy
from tunebook.policies.halving import HalvingPolicy
from tunebook.policies.median_stopping import MedianStoppingPolicy
from tunebook.policies.nni_medianstop import NniMedianstopPolicy
from tunebook.policies.pai_assessor import PaiAssessorPolicy
from tunebook.policies.truncation_selection import TruncationSelectionPolicy

__all__ = [
    "POLICIES",
    "BanditPolicy",
    "CurveFittingPolicy",
    "Decision",
    "HalvingPolicy",
    "MedianStoppingPolicy",
    "NniMedianstopPolicy",
    "PaiAssessorPolicy",
    "Policy",
    "TruncationSelectionPolicy",
    "from_dict",
]

POLICIES: dict[str, type[Policy]] = {
    "bandit": BanditPolicy,
    "median_stopping": MedianStoppingPolicy,
    "truncation_selection": TruncationSelectionPolicy,
    "pai_assessor": PaiAssessorPolicy,
    "nni_medianstop": NniMedianstopPolicy,
    "curve_fitting": CurveFittingPolicy,
    "halving": HalvingPolicy,
}


def from_dict(document: object, path: str = "policy") -> Policy:
    """Read what a policy's ``to_dict`` wrote. Raises SpecError with the path of what is wrong."""
    fields = Fields(document, path).require("name")
    name = fields.text("name")
    if name not in POLICIES:
        raise SpecError(fields.at("name"), unknown(name, POLICIES, "policy"))
    return POLICIES[name].from_dict(document, path)
