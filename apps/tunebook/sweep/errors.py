"""The errors of the sweep classes, named as in azure.ai.ml; all are SpecErrors with the path of what is wrong."""

from tunebook.errors import SpecError


class ValidationException(SpecError):
    """A value that a sweep cannot have."""


class UnexpectedKeywordError(ValidationException):
    """A command was called with an input that it does not have."""


class JobException(ValidationException):
    """A job that cannot become what was asked for."""
