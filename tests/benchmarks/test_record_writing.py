"""What the writer costs: the processor time it takes for what one source brings, without any middleware.

`pytest tests/benchmarks/test_record_writing.py --benchmark-enable --benchmark-timer=time.process_time`: seconds of all threads of
this process, for 100 000 small messages or 300 images of a megabyte. Making the messages is part of it: a copy of each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from rosbags.typesys import Stores, get_typestore

from rrbridge.importers import ImportOptions
from rrbridge_bridge.live.source import Announced, Ended, Event, Received
from rrbridge_bridge.memory import keep_freed_memory
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.mcap_output import McapOutput
from rrbridge_bridge.record.output import Output
from rrbridge_bridge.record.recorder import Recorder, RecorderOptions
from rrbridge_bridge.record.rrd_output import RrdOutput
from rrbridge_bridge.record.selection import Selection

STORE = get_typestore(Stores.ROS2_HUMBLE)
WAITING_BYTES = 40 << 20
"""Less than that from which on decoding gives way."""


def imu() -> bytes:
    types = STORE.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](1, 2), "imu")
    vector, nothing = types["geometry_msgs/msg/Vector3"](0.1, 0.2, 0.3), np.zeros(9)
    turned = types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
    made = types["sensor_msgs/msg/Imu"](header, turned, nothing, vector, nothing, vector, nothing)
    return bytes(STORE.serialize_cdr(made, "sensor_msgs/msg/Imu"))


def image() -> bytes:
    """As of a camera: a gradient with noise in it."""
    types = STORE.types
    width, height = 640, 547
    noise = np.random.default_rng(0).integers(0, 8, (height, 3 * width), np.uint8)
    pixels = (np.add.outer(np.arange(height), np.arange(3 * width)) // 8).astype(np.uint8) + noise
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](1, 2), "camera")
    made = types["sensor_msgs/msg/Image"](header, height, width, "rgb8", 0, 3 * width, pixels.reshape(-1))
    return bytes(STORE.serialize_cdr(made, "sensor_msgs/msg/Image"))


class Flood:
    """Brings messages as fast as they are taken."""

    description = "a flood"
    silent_secs = 0.0

    def __init__(self, connection: Connection, payload: bytes, batches: int, per_batch: int) -> None:
        self._connection = connection
        self._buffer = np.frombuffer(payload * per_batch, np.uint8)
        self._sizes = np.full(per_batch, len(payload), np.int64)
        self._batches = batches
        self.recorder: Recorder | None = None

    def events(self) -> Iterator[Event]:
        yield Announced(self._connection, latched=False)
        count = len(self._sizes)
        starts = np.cumsum(self._sizes) - self._sizes
        for number in range(self._batches):
            while self.recorder is not None and self.recorder.snapshot().backlog_bytes > WAITING_BYTES:
                time.sleep(0.001)
            numbers = np.arange(number * count, (number + 1) * count)
            times = np.full(count, time.time_ns())
            batch = RawBatch(
                self._connection,
                self._buffer.copy(),
                starts,
                self._sizes,
                times,
                times,
                numbers.astype(np.uint32),
                numbers,
            )
            yield Received(batch, numbers, np.ones(count, np.int64))
        yield Ended()

    def subscribe(self, topic: str, msgtype: str) -> None:
        """Everything comes anyway."""

    def stop(self) -> None:
        """It ends by itself."""

    def close(self) -> None:
        """The same."""


def outputs(kind: str) -> list[Output]:
    if kind == "mcap":
        return [McapOutput()]
    return [RrdOutput(DriverMaker(ImportOptions(raw=True), decode=kind == "decoded"))]


@pytest.mark.parametrize("kind", ["mcap", "bytes", "decoded"])
@pytest.mark.parametrize("what", ["small", "images"])
def test_writing(benchmark: BenchmarkFixture, tmp_path: Path, what: str, kind: str) -> None:
    keep_freed_memory()
    about = {
        "small": (Connection(0, "/imu", "sensor_msgs/msg/Imu", "cdr"), imu(), 5000, 20),
        "images": (Connection(1, "/camera", "sensor_msgs/msg/Image", "cdr"), image(), 300, 1),
    }[what]
    runs = iter(range(1000))

    def record() -> None:
        session = Flood(*about)
        options = RecorderOptions(min_free_bytes=0)
        recorder = Recorder(session, tmp_path / f"{next(runs)}", outputs(kind), Selection(every=True), options)
        session.recorder = recorder
        recorder.start()
        while not recorder.wait(0.2):
            pass
        outcome = recorder.outcome()
        (topic,) = outcome.snapshot.topics
        assert (outcome.error, topic.dropped, topic.undecoded) == ("", 0, 0)
        for path in outcome.paths:
            path.unlink()

    benchmark.pedantic(record, rounds=3, warmup_rounds=1)  # type: ignore[no-untyped-call]
