"""Who is told when a job fails or finds a better trial."""

from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from tunebook.errors import SpecError
from tunebook.fields import Fields, below

MAX_URL = 2048
MAX_MENTIONS = 100


@dataclass(frozen=True)
class Monitor:
    """A webhook that gets a message on failure and when the best value improves.

    url: http or https. keyword: a word the receiver wants to see in every message.
    at_mobiles, at_user_ids: who is mentioned; is_at_all mentions everybody.

        Monitor("https://hooks.example.com/robot?id=7", keyword="sweep")
    """

    url: str
    keyword: str = ""
    at_mobiles: tuple[str, ...] = ()
    at_user_ids: tuple[str, ...] = ()
    is_at_all: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.url, str) or not _is_web_address(self.url):
            raise SpecError("url", "must be an http or https address with a host")
        if not isinstance(self.keyword, str):
            raise SpecError("keyword", f"must be text, got {self.keyword!r}")
        for name in ("at_mobiles", "at_user_ids"):
            values = getattr(self, name)
            if isinstance(values, str) or not all(isinstance(value, str) for value in values):
                raise SpecError(name, "must be a list of texts")
            if len(values) > MAX_MENTIONS:
                raise SpecError(name, f"must be at most {MAX_MENTIONS}, got {len(values)}")
            object.__setattr__(self, name, tuple(values))
        if not isinstance(self.is_at_all, bool):
            raise SpecError("is_at_all", f"must be true or false, got {self.is_at_all!r}")

    def to_dict(self) -> dict[str, Any]:
        """The declaration as plain JSON."""
        return {
            "url": self.url,
            "keyword": self.keyword,
            "at_mobiles": list(self.at_mobiles),
            "at_user_ids": list(self.at_user_ids),
            "is_at_all": self.is_at_all,
        }

    @classmethod
    def from_dict(cls, document: object, path: str = "monitor") -> Self:
        """Read what `to_dict` wrote. Raises SpecError with the path of what is wrong."""
        fields = Fields(document, path, ("url", "keyword", "at_mobiles", "at_user_ids", "is_at_all")).require("url")
        url, keyword, is_at_all = fields.text("url"), fields.text("keyword"), fields.flag("is_at_all")
        mobiles, users = fields.texts("at_mobiles"), fields.texts("at_user_ids")
        with below(path):
            return cls(url, keyword, mobiles, users, is_at_all)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(url) <= MAX_URL and parts.port != 0
    except ValueError:
        return False
