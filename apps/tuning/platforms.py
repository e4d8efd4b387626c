"""Which platforms this installation has: its own machines always, a Ray cluster where its address is set."""

from __future__ import annotations

from django.conf import settings

from tunebook.errors import SpecError
from tunebook.fields import listed
from tunebook.job import Job
from tunebook.platform import LOCAL, RAY


def available() -> tuple[str, ...]:
    """Their names."""
    return (LOCAL, RAY) if settings.TUNEBOOK_RAY_ADDRESS else (LOCAL,)


def check(job: Job) -> None:
    """Raise SpecError for a job that is to run where this installation has nothing."""
    if job.platform.name not in available():
        raise SpecError("platform.name", f"this server has {listed(available())}, not {job.platform.name}")
