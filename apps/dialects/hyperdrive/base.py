"""The envelope of HyperDrive: `{code, message}` for everything that went wrong, the code being the HTTP status."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from apps.dialects.base import ArmWireView, Elsewhere, Problem
from tunebook.wire import hyperdrive


class HyperDriveView(ArmWireView):
    """One operation of HyperDrive REST."""

    def problem_document(self, problem: Problem) -> dict[str, Any]:
        if problem.field.startswith("tags["):  # it is the one that becomes a tag here
            problem = replace(problem, field="experiment")
        return hyperdrive.problem(self.problem_status(problem), problem.text)


class Nowhere(Elsewhere, HyperDriveView):
    """Every path that is no operation."""
