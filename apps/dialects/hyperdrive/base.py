"""The envelope of HyperDrive: `{code, message}` for everything that went wrong, the code being the HTTP status."""

from __future__ import annotations

from typing import Any

from apps.dialects.base import ArmWireView, Elsewhere, Problem
from tunebook.wire import hyperdrive


class HyperDriveView(ArmWireView):
    """One operation of HyperDrive REST."""

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        return hyperdrive.problem(self.problem_status(problem), problem.text)


class Nowhere(Elsewhere, HyperDriveView):
    """Every path that is no operation."""
