"""Numbered pages over a list whose total is already known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SIZES = (25, 50, 100)


@dataclass(frozen=True)
class Pages:
    """Where in a list a page stands. A number beyond the end means the last page."""

    total: int
    asked: int = 1
    size: int = SIZES[0]
    sizes: tuple[int, ...] = SIZES

    @classmethod
    def of(cls, query: Mapping[str, str], total: int) -> Pages:
        """From the address: `page` and `size`; nonsense means the first page of the usual size."""
        size = _whole(query.get("size"), SIZES[0])
        return cls(total, max(1, _whole(query.get("page"), 1)), size if size in SIZES else SIZES[0])

    @property
    def count(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def number(self) -> int:
        return min(self.asked, self.count)

    @property
    def start(self) -> int:
        return (self.number - 1) * self.size

    @property
    def stop(self) -> int:
        return self.start + self.size

    @property
    def first(self) -> int:
        return min(self.start + 1, self.total)

    @property
    def last(self) -> int:
        return min(self.stop, self.total)

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        return self.number + 1 if self.number < self.count else None

    @property
    def numbers(self) -> list[int | None]:
        """The page numbers to link: the ends, and those around this one; None where some are left out."""
        near = {1, self.count, *range(self.number - 1, self.number + 2)}
        shown = sorted(number for number in near if 1 <= number <= self.count)
        linked: list[int | None] = []
        for number in shown:
            before = linked[-1] if linked else None
            if before is not None and number - before == 2:
                linked.append(number - 1)
            elif before is not None and number - before > 2:
                linked.append(None)
            linked.append(number)
        return linked


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else default
