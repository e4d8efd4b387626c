"""The change feed by HTTP, for scripts and for networks without websockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from apps.dialects.refusal import Refusal
from apps.dialects.tunebook import parameters
from apps.dialects.tunebook.base import TunebookView
from apps.experiments.models import Experiment
from apps.feed import reading
from apps.feed.models import Event, feed_id, workspace_stream
from apps.workspaces.access import Actor, OutOfReach

LOOK_EVERY = 0.25
# each waiting request holds a thread: a few may wait, the others are answered at once and ask again
WAITING = threading.BoundedSemaphore(max(1, settings.TUNEBOOK_THREADS // 3))


class Events(TunebookView):
    """Events of one stream behind a cursor."""

    query = parameters.EVENTS
    operations = {"GET": "ListEvents"}

    def get(self, request: Request) -> HttpResponse:
        """Read events in order. `reset` says that the cursor is not of this feed's history: load a snapshot and begin anew."""
        asked = self.parameters
        stream = self._readable(asked["stream"])
        feed = feed_id()
        after = self._after(asked["after"] or "0", feed)
        if after is None or not reading.can_resume(stream, after):
            head = reading.heads([stream]).get(stream, 0)
            return self.answer({"items": [], "cursor": f"{feed}:{head}", "reset": True, "more": False})
        found = self._wait_for(stream, after, asked["limit"], asked["wait"])
        last = found[-1].seq if found else after
        items = [_shown(event) for event in self._visible(stream, found)]
        more = len(found) == asked["limit"]
        return self.answer({"items": items, "cursor": f"{feed}:{last}", "reset": False, "more": more})

    def _readable(self, stream: str) -> str:
        """The stream itself, if the actor may read it; out of reach and unknown are the same."""
        kind, _, name = stream.partition(":")
        if kind == "exp" and name:
            found = Experiment.objects.visible_to(self.actor).filter(key=name).exists()
        else:
            found = kind == "ws" and name in self.actor.slugs
        if not found:
            raise OutOfReach("stream", stream)
        return stream

    def _after(self, text: str, feed: str) -> int | None:
        """The number to read on from; None when the cursor is of another history."""
        if text.isdecimal() and text.isascii() and len(text) < 19:
            return int(text)
        cursor = reading.Cursor.parse(text)
        if cursor is None:
            raise Refusal("bad_parameter", "must be a number or a cursor that was given here", field="after")
        return cursor.seq if cursor.feed == feed else None

    def _wait_for(self, stream: str, after: int, limit: int, wait: int) -> Sequence[Event]:
        found = reading.after(stream, after, limit)
        if found or not wait or not WAITING.acquire(blocking=False):
            return found
        try:
            end = time.monotonic() + wait
            while not found and time.monotonic() < end:
                time.sleep(LOOK_EVERY)
                found = reading.after(stream, after, limit)
        finally:
            WAITING.release()
        return found

    def _visible(self, stream: str, events: Sequence[Event]) -> Sequence[Event]:
        """Without what a workspace's stream says of experiments that the actor may not see."""
        if not stream.startswith("ws:") or _sees_all(self.actor, stream):
            return events
        keys = {event.payload.get("key") for event in events}
        seen = set(Experiment.objects.visible_to(self.actor).filter(key__in=keys).values_list("key", flat=True))
        return [event for event in events if event.payload.get("key") in seen]


def _sees_all(actor: Actor, stream: str) -> bool:
    return any(stream == workspace_stream(slug) and pk in actor.administers for slug, pk in actor.slugs.items())


def _shown(event: Event) -> dict[str, Any]:
    return {"stream": event.stream, "seq": event.seq, "kind": event.kind, "payload": event.payload, "at": event.at}
