"""The addresses of HyperDrive; everything else below /hyperdrive/ answers 404 in the same envelope.

Clients send the scope with slashes or with each of them as %2F; either way the path arrives decoded. Words of the scope
are compared without case.
"""

from __future__ import annotations

from django.urls import re_path

from apps.dialects.hyperdrive import runs
from apps.dialects.hyperdrive.base import Nowhere
from apps.dialects.scopes import WORKSPACE, any_case

SCOPE = f"{any_case('v1.0')}/{WORKSPACE}/{any_case('experiments')}/(?P<experiment>[^/]+)"

urlpatterns = [
    re_path(rf"^{SCOPE}/runs/?$", runs.Runs.as_view()),
    re_path(rf"^{SCOPE}/runs/(?P<run>[^/]+)/?$", runs.OneRun.as_view()),
    re_path(rf"^{SCOPE}/hdruns/(?P<run>[^/]+)/?$", runs.OneNamedRun.as_view()),
    re_path(rf"^{SCOPE}/(?:hd)?runs/(?P<run>[^/]+)/cancel/?$", runs.CancelRun.as_view()),
    re_path(r"^[\s\S]*$", Nowhere.as_view()),
]
