"""Events on their way to sockets: rendered once, however many listen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from apps.feed.models import Event
from apps.live import credentials
from apps.workspaces.access import Actor


def compact(message: Mapping[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class Item:
    """One event with its text, and whose eyes it is for."""

    seq: int
    body: dict[str, Any]
    key: str = ""


@dataclass
class Frame:
    """Some events of one stream in order; `first` and `last` are their numbers."""

    stream: str
    items: Sequence[Item]
    private: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def first(self) -> int:
        return self.items[0].seq

    @property
    def last(self) -> int:
        return self.items[-1].seq

    @cached_property
    def batch(self) -> str:
        """All of it as one message of type "events"."""
        return _batch(self.stream, self.items, self.last)

    @cached_property
    def singles(self) -> list[str]:
        """All of it as messages of type "event", one for each."""
        return [_single(self.stream, item) for item in self.items]

    def texts(self, *, after: int, actor: Actor, batched: bool) -> list[str]:
        """What one socket gets: what it has not had, without what this actor may not see."""
        wanted = self.items
        if after >= self.first:
            wanted = [item for item in wanted if item.seq > after]
        if self.private:
            wanted = [item for item in wanted if self._shows(item, actor)]
        if len(wanted) == len(self.items):
            return [self.batch] if batched else self.singles
        if batched:
            return [_batch(self.stream, wanted, self.last)]
        return [_single(self.stream, item) for item in wanted]

    def _shows(self, item: Item, actor: Actor) -> bool:
        if item.key not in self.private:
            return item.body["kind"] in ("removed", "restored")
        owner = self.private[item.key]
        return owner is None or owner == actor.user_id or bool(actor.administers and self._governs(actor))

    def _governs(self, actor: Actor) -> bool:
        return actor.slugs.get(self.stream.removeprefix("ws:")) in actor.administers


def frame(stream: str, events: Sequence[Event]) -> Frame:
    """The events of a stream ready to send. One query for a workspace's stream (who may see what), else none."""
    items = [
        Item(
            seq=event.seq,
            body={"seq": event.seq, "kind": event.kind, "at": _moment(event), "payload": event.payload},
            key=str(event.payload.get("key", "")),
        )
        for event in events
    ]
    listed = stream.startswith("ws:")
    return Frame(stream, items, credentials.owners(item.key for item in items) | {"": None} if listed else {})


def _moment(event: Event) -> str:
    return event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _single(stream: str, item: Item) -> str:
    return compact({"type": "event", "stream": stream, **item.body})


def _batch(stream: str, items: Sequence[Item], last: int) -> str:
    return compact({"type": "events", "stream": stream, "seq": last, "events": [item.body for item in items]})
