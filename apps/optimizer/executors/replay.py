"""Plays recorded trials without any process: each look shows one more measurement, then the end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.optimizer import folders
from apps.optimizer.executors.base import (
    Busy,
    Handle,
    Health,
    LaunchSpec,
    LogChunk,
    Observation,
    Refused,
    State,
)
from apps.optimizer.folders import Place


@dataclass(frozen=True)
class Recording:
    """What a trial is to do: its measurements, what it prints, how it ends.

    points: metrics per step, from step 0 on. holds: it does not end by itself. refused: it cannot be launched.
    """

    points: Sequence[Mapping[str, float]] = ()
    output: str = ""
    state: State = State.EXITED
    code: int | None = 0
    signal: int | None = None
    holds: bool = False
    refused: str = ""


@dataclass
class Playing:
    spec: LaunchSpec
    recording: Recording
    shown: int = 0
    state: State = State.RUNNING
    launches: int = 1


@dataclass
class World:
    """What goes on outside the optimizer, and so survives it."""

    playing: dict[str, Playing] = field(default_factory=dict)
    is_unreachable: bool = False
    is_busy: bool = False
    stops: list[str] = field(default_factory=list)


class ReplayExecutor:
    """An executor whose trials are recordings; `record` says which one a launch plays."""

    name = "replay"
    is_remote = False

    def __init__(self, data: Path, record: Callable[[LaunchSpec], Recording], world: World | None = None) -> None:
        self.data = data
        self.scope = "stage"
        self.record = record
        self.world = world or World()

    def launch(self, spec: LaunchSpec) -> Handle:
        handle = Handle(self.name, self.scope, spec.key, spec.place)
        if spec.key in self.world.playing:
            self.world.playing[spec.key].launches += 1
            return handle
        if self.world.is_busy:
            raise Busy("no room on the stage")
        recording = self.record(spec)
        if recording.refused:
            raise Refused(recording.refused)
        folder = self.folder(handle)
        folder.mkdir(parents=True)
        (folder / "out.log").write_text(recording.output)
        self.world.playing[spec.key] = Playing(spec, recording)
        return handle

    def find(self, key: str, place: Place) -> Handle | None:
        known = key in self.world.playing
        return Handle(self.name, self.scope, key, place) if known else None

    def poll(self, handles: Sequence[Handle]) -> list[Observation]:
        """Each look plays one measurement; the one behind the last sees the end."""
        return [self.play(handle) for handle in handles]

    def adopt(self, handle: Handle) -> Observation:
        return self.seen(handle)

    def stop(self, handle: Handle, grace: float) -> None:
        playing = self.world.playing.get(handle.key)
        self.world.stops.append(handle.key)
        if playing is not None and playing.state == State.RUNNING:
            playing.state = State.STOPPED

    def logs(self, handle: Handle, stream: str, offset: int, limit: int) -> LogChunk:
        path = self.folder(handle) / f"{stream}.log"
        data = path.read_bytes() if path.exists() else b""
        piece = data[offset : offset + limit].decode("utf-8", "ignore")
        return LogChunk(piece, offset, offset + len(piece.encode()), len(data))

    def list_owned(self) -> Iterator[Handle]:
        for key, playing in self.world.playing.items():
            if playing.state == State.RUNNING:
                yield Handle(self.name, self.scope, key, playing.spec.place)

    def forget(self, handle: Handle) -> None:
        playing = self.world.playing.get(handle.key)
        if playing is not None and playing.state != State.RUNNING:
            del self.world.playing[handle.key]
            shutil.rmtree(self.folder(handle), ignore_errors=True)

    def health(self) -> Health:
        return Health(True)

    def close(self) -> None:
        return None

    def folder(self, handle: Handle) -> Path:
        return folders.attempt(self.data, handle.place)

    def play(self, handle: Handle) -> Observation:
        playing = self.world.playing.get(handle.key)
        if playing is not None and playing.state == State.RUNNING and not self.world.is_unreachable:
            points = playing.recording.points
            if playing.shown < len(points):
                line = json.dumps({"step": playing.shown, "metrics": dict(points[playing.shown])})
                with open(self.folder(handle) / "metrics.jsonl", "a") as file:
                    file.write(line + "\n")
                playing.shown += 1
            elif not playing.recording.holds:
                playing.state = playing.recording.state
        return self.seen(handle)

    def seen(self, handle: Handle) -> Observation:
        playing = self.world.playing.get(handle.key)
        if self.world.is_unreachable:
            return Observation(handle=handle, state=State.UNREACHABLE, message="nobody answers")
        if playing is None:
            return Observation(handle=handle, state=State.LOST)
        if playing.state == State.EXITED:
            return Observation(handle=handle, state=State.EXITED, code=playing.recording.code)
        if playing.state == State.SIGNALED:
            return Observation(handle=handle, state=State.SIGNALED, signal=playing.recording.signal)
        return Observation(handle=handle, state=playing.state)
