"""The addresses of HyperDrive; everything else below /hyperdrive/ answers 404 in the same envelope.

Clients send the scope with slashes or with each of them as %2F; either way the path arrives decoded. Words of the scope
are compared without case.
"""

from __future__ import annotations

import re

from django.urls import re_path

from apps.dialects.hyperdrive import runs
from apps.dialects.hyperdrive.base import Nowhere


def any_case(text: str) -> str:
    """A pattern for a text in whatever case; Django cannot reverse addresses with inline flags, which would do too."""
    return "".join(f"[{one.lower()}{one.upper()}]" if one.isalpha() else re.escape(one) for one in text)


SCOPE = (
    f"{any_case('v1.0/subscriptions')}/(?P<subscription>[^/]+)/{any_case('resourceGroups')}/(?P<group>[^/]+)"
    f"/{any_case('providers/Microsoft.MachineLearningServices/workspaces')}/(?P<workspace>[^/]+)"
    f"/{any_case('experiments')}/(?P<experiment>[^/]+)"
)

urlpatterns = [
    re_path(rf"^{SCOPE}/runs/?$", runs.CreateExperiment.as_view()),
    re_path(rf"^{SCOPE}/runs/(?P<run>[^/]+)/cancel/?$", runs.CancelExperiment.as_view()),
    re_path(r"^.*$", Nowhere.as_view()),
]
