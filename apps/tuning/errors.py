"""Why a verb was refused. Each dialect turns these into its own envelope."""

from django.db import Error, InterfaceError, OperationalError

UNAVAILABLE = (OperationalError, InterfaceError)
"""What the database raises when nothing is wrong with the statement."""
TROUBLES = (
    ("full", "the disk of the database is full"),
    ("readonly", "the database cannot be written, its file is read-only"),
    ("unable to open", "the database cannot be opened"),
    ("disk i/o", "the disk of the database does not work"),
    ("no space", "the disk of the database is full"),
    ("connect", "the database cannot be reached"),
)


def trouble_of(error: Error) -> str:
    """What is wrong with the database, for people; that it is busy, where its message tells nothing else."""
    said = str(error).lower()
    return next((words for mark, words in TROUBLES if mark in said), "the database is busy")


class Conflict(Exception):
    """The thing is in a state that does not allow this; nothing was changed."""

    def __init__(self, message: str, *, status: str = "") -> None:
        self.status = status
        super().__init__(message)


class Stale(Conflict):
    """The thing is not any more in the version that the change was meant for."""


class LimitReached(Exception):
    """A quota does not allow more; nothing was changed."""


class Overtaken(Exception):
    """Somebody else wrote first what this driver knows differently: read everything anew, then go on."""


class Fenced(Exception):
    """Somebody else has taken over: another driver, or a newer attempt. Drop the thing; do not touch its processes."""
