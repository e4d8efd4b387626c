"""A socket for tests: the real consumer, tailer and database, without a server between."""

from __future__ import annotations

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator
from django.db import transaction

from apps.feed.writing import Happening, append
from apps.live.consumers import LiveConsumer

PATIENCE = 30.0
"""Seconds, so that only what never comes fails a test: what is waited for here is told by events."""


class Client(ApplicationCommunicator):
    """One socket, opened with these headers."""

    def __init__(self, **headers: str) -> None:
        sent = {"host": "testserver", **headers}
        pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
        super().__init__(LiveConsumer.as_asgi(), {"type": "websocket", "path": "/ws/live", "headers": pairs})

    async def knock(self) -> bool:
        """Ask to be let in; whether the handshake was accepted."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(PATIENCE)
        return bool(answer["type"] == "websocket.accept")

    async def open(self) -> Client:
        assert await self.knock()
        return self

    async def say(self, **message: Any) -> None:
        await self.say_text(json.dumps(message))

    async def say_text(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def hear(self) -> dict[str, Any]:
        answer = await self.receive_output(PATIENCE)
        assert answer["type"] == "websocket.send", answer
        message: dict[str, Any] = json.loads(answer["text"])
        return message

    async def hear_until(self, kind: str) -> list[dict[str, Any]]:
        """All messages up to the first of a type, with it."""
        heard = [await self.hear()]
        while heard[-1]["type"] != kind:
            heard.append(await self.hear())
        return heard

    async def close_code(self) -> int:
        """The code with which the server closes, whatever it says before."""
        while True:
            message = await self.receive_output(PATIENCE)
            if message["type"] == "websocket.close":
                return int(message.get("code", 1000))

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(PATIENCE)


def happen(stream: str, *happenings: Happening) -> int:
    """Commit events and wake the readers."""
    with transaction.atomic():
        return append(stream, happenings)
