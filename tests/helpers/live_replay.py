"""A live source that plays an MCAP file as a robot would send it: `--from replay:FILE`, or `replay:FILE@4` four times as fast."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mcap.reader import make_reader

from rrbridge_bridge.live.source import Announced, Discovered, Ended, Event, Received, SourceOptions
from rrbridge_bridge.raw import Connection, RawBatch

TURN_SECS = 0.01


def install(folder: Path) -> None:
    """Make the source known to programs that have `folder` on their PYTHONPATH."""
    info = folder / "live_replay-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: live-replay\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[rrbridge.live]\nreplay = live_replay:source\n")
    (folder / "live_replay.py").write_text(Path(__file__).read_text())


class ReplaySession:
    """Sends each message when its time has come; never more than a turn's at once."""

    description = "a replayed file"
    silent_secs = 0.0

    def __init__(self, path: Path, speed: float = 1.0) -> None:
        self._connections: dict[int, Connection] = {}
        self._messages: list[tuple[int, int, bytes]] = []
        with path.open("rb") as file:
            for schema, channel, message in make_reader(file).iter_messages():
                assert schema is not None
                self._connections[channel.id] = Connection(
                    channel.id,
                    channel.topic,
                    schema.name,
                    channel.message_encoding,
                    schema.data.decode(),
                    schema.encoding,
                )
                self._messages.append((message.log_time, channel.id, message.data))
        self._speed = speed
        self._wanted: set[int] = set()
        self._stopped = threading.Event()
        self.sent: dict[str, int] = {}

    def events(self) -> Iterator[Event]:
        """Of the protocol."""
        for connection in self._connections.values():
            yield Discovered(connection.topic, (connection.msgtype,), frozenset({"replay"}))
        for number in sorted(self._wanted):
            yield Announced(self._connections[number], self._connections[number].topic.endswith("_static"))
        began, first, at = time.monotonic(), self._messages[0][0], 0
        while not self._stopped.wait(TURN_SECS) and at < len(self._messages):
            until = first + (time.monotonic() - began) * self._speed * 1e9
            due: dict[int, list[bytes]] = {}
            while at < len(self._messages) and self._messages[at][0] <= until:
                if self._messages[at][1] in self._wanted:
                    due.setdefault(self._messages[at][1], []).append(self._messages[at][2])
                at += 1
            for number, payloads in due.items():
                yield self._received(self._connections[number], payloads, at)
        self._stopped.wait()
        yield Ended()

    def _received(self, connection: Connection, payloads: list[bytes], order: int) -> Received:
        count = len(payloads)
        before = self.sent.get(connection.topic, 0)
        self.sent[connection.topic] = before + count
        sequences = np.arange(before, before + count)
        batch = RawBatch.of(
            connection, payloads, np.full(count, time.time_ns()), sequence=sequences, order=np.full(count, order)
        )
        return Received(batch, sequences, np.ones(count, np.int64))

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Of the protocol."""
        self._wanted |= {c.id for c in self._connections.values() if (c.topic, c.msgtype) == (topic, msgtype)}

    def stop(self) -> None:
        """Of the protocol."""
        self._stopped.set()

    def close(self) -> None:
        """Of the protocol."""
        self._stopped.set()


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """Of the protocol."""

    name: str = "replay"
    priority: int = 0

    def signs(self, environment: Mapping[str, str]) -> str:
        """Nothing ever speaks for it."""
        del environment
        return ""

    def start(self, options: SourceOptions) -> ReplaySession:
        """Of the protocol."""
        path, _, speed = options.address.partition("@")
        return ReplaySession(Path(path), float(speed or 1))


source = ReplaySource()
