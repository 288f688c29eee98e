"""A recorder in a process of its own, fed by a pipe, that says after each sync what must survive."""

from __future__ import annotations

import json
import os
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rrbridge.importers import ImportOptions
from rrbridge_bridge.live.source import Announced, Ended, Event, Received
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.mcap_output import McapOutput
from rrbridge_bridge.record.output import Output
from rrbridge_bridge.record.parts import Parts
from rrbridge_bridge.record.recorder import Recorder, RecorderOptions
from rrbridge_bridge.record.rrd_output import RrdOutput
from rrbridge_bridge.record.selection import Selection

__all__ = ["CONNECTIONS", "FRAME", "MODES", "frame", "main", "payload", "record"]

FRAME = struct.Struct("<BIQ")
"""Connection, size, number. A size of 0 ends the stream."""
CONNECTIONS = [
    Connection(0, "/count", "std_msgs/msg/UInt64", "cdr", "uint64 data\n", "ros2msg"),
    Connection(1, "/camera", "sensor_msgs/msg/Image", "cdr"),
    Connection(
        2, "/robot", "std_msgs/msg/UInt64", "cdr", "uint64 data\n", "ros2msg", {"offered_qos_profiles": "durability: 1"}
    ),
]
MODES: dict[str, dict[str, float]] = {
    "one file": {},
    "by size": {"max_bytes": 2_000_000},
    "by time": {"max_secs": 0.1},
    "ring": {"max_bytes": 1_000_000, "keep_files": 3},
    "snapshots": {"snapshot_bytes": 3_000_000},
}


def frame(connection: int, number: int, size: int) -> bytes:
    """A message whose payload begins with its number."""
    return FRAME.pack(connection, size, number) + payload(number, size)


def payload(number: int, size: int) -> bytes:
    """In CDR, an unsigned number and then noise that depends on it."""
    filling = np.random.default_rng(number).bytes(size - 12) if size > 12 else b""
    return b"\x00\x01\x00\x00" + struct.pack("<Q", number) + filling


class PipeSession:
    """What a pipe brings."""

    description = "a pipe"
    silent_secs = 0.0

    def __init__(self, descriptor: int) -> None:
        self._pipe = os.fdopen(descriptor, "rb")

    def events(self) -> Iterator[Event]:
        """Messages as they come."""
        for connection in CONNECTIONS:
            yield Announced(connection, latched=connection.id == 2)
        order = 0
        while True:
            head = self._pipe.read(FRAME.size)
            if len(head) < FRAME.size:
                break
            number, size, count = FRAME.unpack(head)
            if not size:
                break
            batch = RawBatch.of(
                CONNECTIONS[number],
                [self._pipe.read(size)],
                [time.time_ns()],
                sequence=[count & 0xFFFFFFFF],
                order=[order],
            )
            order += 1
            yield Received(batch, np.array([count]), np.ones(1, np.int64))
        yield Ended()

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Everything comes anyway."""

    def stop(self) -> None:
        """The pipe's end is the end."""

    def close(self) -> None:
        """The same."""


def main(folder: str, kinds: str, mode: str, messages: Any, reports: Any) -> None:
    """`record` with descriptors that were handed over to this process."""
    record(folder, kinds, mode, messages.detach(), reports.detach())


def record(folder: str, kinds: str, mode: str, messages: int, reports: int) -> None:
    """Record what comes through the pipe `messages`; write a JSON line to `reports` after each sync."""
    outputs: list[Output] = []
    if "rrd" in kinds:
        outputs.append(RrdOutput(DriverMaker(ImportOptions(raw=True))))
    if "mcap" in kinds:
        outputs.append(McapOutput())
    options = RecorderOptions(min_free_bytes=0, flush_secs=0.03, sync_secs=0.03, **MODES[mode])  # type: ignore[arg-type]
    recorder = Recorder(PipeSession(messages), Path(folder) / "run", outputs, Selection(every=True), options)
    plain_sync = Parts.sync

    def sync(self: Parts) -> None:
        written = {topic.topic: topic.written for topic in recorder.snapshot().topics}
        plain_sync(self)
        current = self._current
        sizes = {file.path.name: file.synced_bytes for file in (*self._closing, *current)}
        os.write(reports, json.dumps({"written": written, "sizes": sizes}).encode() + b"\n")

    Parts.sync = sync  # type: ignore[method-assign]
    recorder.start()
    if "snapshot_bytes" in MODES[mode]:

        def trigger() -> None:
            while True:
                time.sleep(0.05)
                recorder.trigger()

        threading.Thread(target=trigger, daemon=True).start()
    while not recorder.wait(0.1):
        pass
    outcome = recorder.outcome()
    os.write(reports, json.dumps({"error": outcome.error, "finished": outcome.finished}).encode() + b"\n")
