"""Why a verb was refused. Each dialect turns these into its own envelope."""


class Conflict(Exception):
    """The thing is in a state that does not allow this; nothing was changed."""

    def __init__(self, message: str, *, status: str = "") -> None:
        self.status = status
        super().__init__(message)


class LimitReached(Exception):
    """A quota does not allow more; nothing was changed."""


class Overtaken(Exception):
    """Somebody else wrote first what this driver knows differently: read everything anew, then go on."""


class Fenced(Exception):
    """Somebody else has taken over: another driver, or a newer attempt. Drop the thing; do not touch its processes."""
