"""Stands in for an executor that this optimizer was not given: what runs there is left alone, and nothing starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.optimizer.executors.base import Handle, Health, LaunchSpec, LogChunk, Observation, State, Unavailable
from apps.optimizer.folders import Place


class Nowhere:
    """An executor that can only say why it is not there."""

    is_remote = True

    def __init__(self, name: str, reason: str) -> None:
        self.name = self.scope = name
        self.reason = reason

    def launch(self, spec: LaunchSpec) -> Handle:
        raise Unavailable(self.reason)

    def find(self, key: str, place: Place) -> Handle | None:
        return Handle(self.name, self.scope, key, place)  # whoever has the executor will know

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        return [self.adopt(handle) for handle in handles]

    def adopt(self, handle: Handle) -> Observation:
        return Observation(handle=handle, state=State.UNREACHABLE, message=self.reason)

    def stop(self, handle: Handle, grace: float) -> None:
        return None

    def logs(self, handle: Handle, stream: str, offset: int, limit: int) -> LogChunk:
        return LogChunk("", 0, 0, 0)

    def list_owned(self) -> Iterator[Handle]:
        yield from ()

    def forget(self, handle: Handle) -> None:
        return None

    def health(self) -> Health:
        return Health(False, self.reason)

    def close(self) -> None:
        return None
