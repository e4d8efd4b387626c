"""What a dialect says no with, before it has found its own words for it."""

from __future__ import annotations


class Refusal(Exception):
    """The request cannot be served as it stands.

    `code` is our own word (section 12 of the reliability rules); a dialect translates it. `field` names the parameter
    or the path in the document that is to blame, empty when it is the request as a whole.
    """

    def __init__(self, code: str, message: str, *, field: str = "", status: int = 400) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.code = code
        self.message = message
        self.field = field
        self.status = status
