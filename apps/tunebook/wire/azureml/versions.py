"""Which shape of a job an api-version means."""

import re

from tunebook.errors import SpecError

OLD, TODAY = "2021-03-01-preview", "today"
FIRST_OF_TODAY = "2022-05-01"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-privatepreview)?")


def shape_of(api_version: str | None) -> str:
    """OLD or TODAY. Raises SpecError for a version that is missing, no version, or one in between.

    All versions from 2022-05-01 on have one shape.
    """
    if not api_version:
        raise SpecError("api-version", f"is required, e.g. api-version={OLD}")
    wanted = api_version.strip().lower()
    if wanted == OLD:
        return OLD
    if _VERSION.fullmatch(wanted) and wanted[:10] >= FIRST_OF_TODAY:
        return TODAY
    raise SpecError("api-version", f"must be {OLD} or one from {FIRST_OF_TODAY} on, got {api_version!r:.60}")


def guess_shape(properties: object) -> str:
    """The shape of a document that comes without a version, by the members that only one of them has."""
    old = {"algorithm", "maxTotalTrials", "maxConcurrentTrials", "inputDataBindings", "outputDataBindings"}
    is_old = isinstance(properties, dict) and (old & properties.keys() or isinstance(properties.get("compute"), dict))
    return OLD if is_old else TODAY
