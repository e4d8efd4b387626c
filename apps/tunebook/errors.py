"""The errors of the library; each says in one sentence what to change."""

from __future__ import annotations


class TunebookError(Exception):
    """Base class of every error that tunebook raises on purpose."""


class SpecError(TunebookError, ValueError):
    """A declaration that cannot be used: where it is wrong, and what is allowed there.

    Args:
        path: place in the document, e.g. ``space.lr.max_value``; empty when the whole is meant.
        message: one sentence a user can act on, without the path.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def under(self, prefix: str) -> SpecError:
        """The same error with its path placed below a prefix."""
        return SpecError(".".join(part for part in (prefix, self.path) if part), self.message)


class ClientError(TunebookError):
    """An answer of the server that is not a success: HTTP status, the server's code and its sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code} (HTTP {self.status}): {self.message}"
