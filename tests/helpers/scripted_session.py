"""A live session that says what a test wants, and `rrbridge record` that hears it."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from rrbridge._messages import StoredChunk
from rrbridge.rrd import RrdReader
from rrbridge_bridge.commands.record import record as record_command
from rrbridge_bridge.live.choose import Choice
from rrbridge_bridge.live.source import Announced, Discovered, Ended, Event, Received, SourceOptions
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record import run

CHATTER = Connection(0, "/chatter", "std_msgs/msg/String", "cdr", "string data\n", "ros2msg", {"a": "b"})
CAMERA = Connection(1, "/camera", "sensor_msgs/msg/Image", "cdr")


class FakeSession:
    """Says what it is told to say."""

    description = "fake"
    silent_secs = 0.0

    def __init__(self, *, hangs: bool = False) -> None:
        self._hangs = hangs
        self._events: queue.Queue[Event] = queue.Queue()
        self.asked: list[tuple[str, str]] = []
        self._order = 0
        self._counts: dict[int, int] = {}

    def events(self) -> Iterator[Event]:
        while True:
            event = self._events.get()
            yield event
            self._events.task_done()
            if isinstance(event, Ended):
                return

    def subscribe(self, topic: str, msgtype: str) -> None:
        self.asked.append((topic, msgtype))

    def stop(self) -> None:
        if not self._hangs:
            self._events.put(Ended())

    def close(self) -> None:
        self._events.put(Ended("the fake was ended" if self._hangs else ""))

    def fail(self, error: str) -> None:
        self._events.put(Ended(error))

    def discover(self, topic: str, msgtype: str = "std_msgs/msg/String") -> None:
        self._events.put(Discovered(topic, (msgtype,), frozenset({"a"})))

    def waiting(self) -> int:
        """How many events were not dealt with yet."""
        return self._events.unfinished_tasks

    def tell(self, event: Event) -> None:
        self._events.put(event)

    def announce(self, connection: Connection, *, latched: bool = False) -> None:
        self._events.put(Announced(connection, latched))

    def skip(self, connection: Connection, count: int) -> None:
        """So many messages are lost on the way."""
        self._counts[connection.id] = self._counts.get(connection.id, 0) + count

    def send(self, connection: Connection, *payloads: bytes, ago_secs: int = 0) -> None:
        """A batch of messages that were received now, or a while ago."""
        count = len(payloads)
        first = self._counts.get(connection.id, 0)
        self._counts[connection.id] = first + count
        batch = RawBatch.of(
            connection,
            payloads,
            np.full(count, time.time_ns() - ago_secs * 10**9),
            sequence=np.arange(first, first + count),
            order=np.arange(self._order, self._order + count),
        )
        self._order += count
        self._events.put(Received(batch, np.arange(first, first + count), np.ones(count, np.int64)))


def payloads_of(path: Path) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for message in RrdReader(path).messages():
        if isinstance(message, StoredChunk) and "McapMessage:data" in message.chunk.components:
            cells = message.chunk.components["McapMessage:data"].cells.to_pylist()
            found.setdefault(message.chunk.entity_path, []).extend(bytes(cell[0]) for cell in cells)
    return found


def recorded(
    monkeypatch: pytest.MonkeyPatch, session: FakeSession, path: Path, *arguments: str, duration: str | None = "0.5"
) -> int:
    """The exit status of `rrbridge record`, which hears that session for half a second, unless it is told otherwise."""

    class Source:
        name = "fake"
        priority = 0

        def signs(self, _: Mapping[str, str]) -> str:
            return ""

        def start(self, _: SourceOptions) -> FakeSession:
            return session

    monkeypatch.setattr(run, "choose", lambda *_: Choice(Source(), "", ""))
    arguments = ("-o", str(path), "--min-free", "0", *(["--duration", duration] if duration else []), *arguments)
    status: int = record_command.main(arguments, prog_name="record", standalone_mode=False)
    return status
