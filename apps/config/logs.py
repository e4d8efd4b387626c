"""How the log of the server reads."""

import logging

from django.db import InterfaceError, OperationalError


class WithoutTraces(logging.Filter):
    """Says in one line that the database did not answer, where Django would show how it came to ask."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OperationalError | InterfaceError):
            record.msg, record.args = "%s: %s", (record.getMessage(), " ".join(str(error).split()))
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = None
        return True
