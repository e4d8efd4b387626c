"""The websocket: a client subscribes to streams with its cursor and hears every later event once, in order.

Client to server:  {"type": "subscribe", "stream", "after", "feed", "batch"}, {"type": "unsubscribe", "stream"}, {"type": "ping"}.
Server to client:  event (or events, for who asked for batches), caught_up, reset, denied, error, pong.
Close codes: 1009 message too large, 4401 no longer signed in, 4408 lagging, 4429 too many messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from apps.feed import reading
from apps.feed.models import Event, Stream, feed_id
from apps.live import credentials
from apps.live.frames import Frame, compact, frame
from apps.live.hub import Hub
from apps.live.outbox import Lagging, Outbox
from apps.workspaces.access import Actor
from tunebook import disk

MOST_SUBSCRIPTIONS = 50
MOST_BYTES = 16 * 1024
MOST_PER_SECOND = 20
PAGE = 200

TOO_LARGE, SIGNED_OUT, LAGGING, TOO_FAST = 1009, 4401, 4408, 4429


@dataclass(eq=False)
class Subscription:
    """One stream on one socket; `seq` is the last event that was put into its outbox."""

    socket: LiveConsumer
    stream: str
    seq: int
    batched: bool
    feed: str

    def hear(self, news: Frame) -> None:
        self.socket.pass_on(self, news)


class LiveConsumer(AsyncWebsocketConsumer):
    """One browser page or script."""

    async def connect(self) -> None:
        headers = credentials.headers_of(self.scope)
        self.subscriptions: dict[str, Subscription] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.said: deque[float] = deque(maxlen=MOST_PER_SECOND)
        self.outbox = Outbox()
        self.closed = False
        self.hub = Hub.here()
        if not credentials.is_own_origin(headers):
            self.closed = True
            await self.close()
            return
        self.credential = credentials.Credential.of(headers)
        actor = await self.hub.ask(self.credential.actor)
        await self.accept()
        if actor is None:
            await self.end(SIGNED_OUT)
            return
        self.actor: Actor = actor
        self.hub.sockets.add(self)
        self.spawn(self.write())

    async def disconnect(self, code: int) -> None:
        self.closed = True
        self.hub.sockets.discard(self)
        for subscription in tuple(self.subscriptions.values()):
            self.drop(subscription)
        for task in tuple(self.tasks):
            task.cancel()

    async def end(self, code: int) -> None:
        """Close with a code, once."""
        if self.closed:
            return
        self.closed = True
        with contextlib.suppress(RuntimeError):  # the client was quicker
            await self.close(code=code)

    def spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def write(self) -> None:
        """Send what is in the outbox, for ever."""
        with contextlib.suppress(RuntimeError, OSError):
            while True:
                await self.send(text_data=await self.outbox.get())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.closed:
            return
        if len(text_data.encode() if text_data else bytes_data or b"") > MOST_BYTES:
            await self.end(TOO_LARGE)
            return
        if self.is_too_fast():
            await self.end(TOO_FAST)
            return
        message = _parsed(text_data)
        answer = {"subscribe": self.subscribe, "unsubscribe": self.unsubscribe, "ping": self.ping}.get(
            str(message.get("type"))
        )
        if answer is None:
            self.tell(
                {"type": "error", "code": "unknown_message", "message": "type: one of subscribe, unsubscribe, ping"}
            )
            return
        await answer(message)

    def is_too_fast(self) -> bool:
        now = time.monotonic()
        too_fast = len(self.said) == MOST_PER_SECOND and now - self.said[0] < 1
        self.said.append(now)
        return too_fast

    def tell(self, message: dict[str, Any]) -> None:
        self.put([compact(message)], 1)

    def put(self, texts: Sequence[str], events: int) -> bool:
        """Queue texts; a client that lags is cut off and resumes with its cursor."""
        try:
            self.outbox.put(texts, events)
        except Lagging:
            self.spawn(self.end(LAGGING))
            return False
        return True

    async def ping(self, _: dict[str, Any]) -> None:
        """A sign of life, and what pages say at their top for as long as it lasts."""
        self.tell({"type": "pong", "standing": disk.notice(settings.TUNEBOOK_DATA)})

    async def unsubscribe(self, message: dict[str, Any]) -> None:
        subscription = self.subscriptions.get(str(message.get("stream")))
        if subscription is not None:
            self.drop(subscription)

    async def subscribe(self, message: dict[str, Any]) -> None:
        """Answer with events and caught_up, or reset, or denied. A second subscription to a stream replaces the first."""
        stream = str(message.get("stream"))
        if len(self.subscriptions) >= MOST_SUBSCRIPTIONS and stream not in self.subscriptions:
            self.tell(
                {
                    "type": "error",
                    "code": "too_many",
                    "stream": stream,
                    "message": f"at most {MOST_SUBSCRIPTIONS} streams",
                }
            )
            return
        if not await self.hub.ask(credentials.may_read, self.actor, stream):
            self.tell({"type": "denied", "stream": stream})
            return
        start, cursor = await self.hub.ask(_start, stream, message.get("after", 0), message.get("feed"))
        if start is None:
            self.tell({"type": "reset", "stream": stream, "cursor": str(cursor)})
            return
        if stream in self.subscriptions:
            self.drop(self.subscriptions[stream])
        subscription = Subscription(self, stream, start, batched=message.get("batch") is True, feed=cursor.feed)
        self.subscriptions[stream] = subscription
        self.spawn(self.catch_up(subscription))

    async def catch_up(self, subscription: Subscription) -> None:
        """Send what is kept behind the cursor, at the client's pace, then listen with the others."""
        while self.subscriptions.get(subscription.stream) is subscription:
            past = await self.hub.ask(_past, subscription.stream, subscription.seq)
            if past is not None:
                await self.outbox.drained()
                self.pass_on(subscription, past)
            elif self.hub.tailer.join(subscription.stream, subscription, subscription.seq):
                self.tell(
                    {
                        "type": "caught_up",
                        "stream": subscription.stream,
                        "seq": subscription.seq,
                        "feed": subscription.feed,
                    }
                )
                return

    def pass_on(self, subscription: Subscription, news: Frame) -> None:
        """Queue what this socket has not had of a frame, without what its actor may not see."""
        if self.closed or news.last <= subscription.seq:
            return
        if news.first > subscription.seq + 1:  # purged while this client was on its way: it must not miss it silently
            self.drop(subscription)
            self.tell({"type": "reset", "stream": subscription.stream, "cursor": f"{subscription.feed}:{news.last}"})
            return
        texts = news.texts(after=subscription.seq, actor=self.actor, batched=subscription.batched)
        if self.put(texts, len(news.items)):
            subscription.seq = news.last

    def drop(self, subscription: Subscription) -> None:
        self.hub.tailer.leave(subscription.stream, subscription)
        if self.subscriptions.get(subscription.stream) is subscription:
            del self.subscriptions[subscription.stream]

    async def recheck(self) -> None:
        """Close when the credential no longer holds; drop the streams that are out of reach now."""
        actor = await self.hub.ask(self.credential.actor)
        if actor is None:
            await self.end(SIGNED_OUT)
            return
        self.actor = actor
        for subscription in tuple(self.subscriptions.values()):
            if not await self.hub.ask(credentials.may_read, actor, subscription.stream):
                self.drop(subscription)
                self.tell({"type": "denied", "stream": subscription.stream})


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        message = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _start(stream: str, after: Any, feed: Any) -> tuple[int | None, reading.Cursor]:
    """Where to begin, or None when the client must load anew; and where the stream stands. Two queries."""
    row = Stream.objects.filter(pk=stream).first()
    head, floor = (row.head, row.floor) if row else (0, 0)
    cursor = reading.Cursor(feed_id(), head)
    usable = isinstance(after, int) and not isinstance(after, bool) and feed in (None, "", cursor.feed)
    if not usable or not 0 <= after <= head or 0 < after < floor:
        return None, cursor
    return max(after, floor), cursor


def _past(stream: str, seq: int) -> Frame | None:
    events: list[Event] = list(reading.after(stream, seq, PAGE))
    return frame(stream, events) if events else None
