"""A long recording in a short time: `long_recording.py FOLDER ROUNDS PART_BYTES`, each round a second of a robot with 6 topics.

Prints the process's memory in MiB after each tenth of the rounds. Rounds are as far apart in what is recorded as seconds,
and follow each other as soon as the one before is written.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
from rosbags.typesys import Stores, get_typestore
from scripted_session import FakeSession

from rrbridge.importers import ImportOptions
from rrbridge_bridge.live.source import Announced, Received
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.record.maker import DriverMaker
from rrbridge_bridge.record.recorder import Recorder, RecorderOptions
from rrbridge_bridge.record.rrd_output import RrdOutput
from rrbridge_bridge.record.selection import Selection

STORE = get_typestore(Stores.ROS2_HUMBLE)
TOPICS = 6
PER_ROUND = 10


def memory_mib() -> float:
    """What the process holds."""
    match = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match is not None
    return int(match[1]) / 1024


def main(folder: Path, rounds: int, part_bytes: int) -> None:
    types = STORE.types
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "imu")
    vector, quaternion = types["geometry_msgs/msg/Vector3"](1, 2, 3), types["geometry_msgs/msg/Quaternion"](0, 0, 0, 1)
    noise = np.zeros(9)
    imu = types["sensor_msgs/msg/Imu"](header, quaternion, noise, vector, noise, vector, noise)
    payload = bytes(STORE.serialize_cdr(imu, "sensor_msgs/msg/Imu"))
    definition, _ = STORE.generate_msgdef("sensor_msgs/msg/Imu", ros_version=2)
    connections = [
        Connection(n, f"/imu_{n}", "sensor_msgs/msg/Imu", "cdr", definition, "ros2msg") for n in range(TOPICS)
    ]
    session = FakeSession()
    options = RecorderOptions(min_free_bytes=0, flush_secs=0.005, sync_secs=60.0, max_bytes=part_bytes, keep_files=2)
    output = RrdOutput(DriverMaker(ImportOptions(raw=True)), keeps_bytes=True)
    recorder = Recorder(session, folder / "run.rrd", [output], Selection.of(every=True), options)
    for connection in connections:
        session.tell(Announced(connection, latched=False))
    recorder.start()
    began = time.time_ns()
    for number in range(rounds):
        times = began + number * 10**9 + np.arange(PER_ROUND) * (10**9 // PER_ROUND)
        order = number * PER_ROUND + np.arange(PER_ROUND)
        for connection in connections:
            batch = RawBatch.of(connection, [payload] * PER_ROUND, times, sequence=order, order=order)
            session.tell(Received(batch, order, np.ones(PER_ROUND, np.int64)))
        while len(recorder.snapshot().topics) < TOPICS or any(
            topic.written < (number + 1) * PER_ROUND for topic in recorder.snapshot().topics
        ):
            time.sleep(0.001)
        if (number + 1) % (rounds // 10) == 0:
            print(f"{memory_mib():.1f}", flush=True)
    recorder.stop()
    while not recorder.wait(1.0):
        pass
    outcome = recorder.outcome()
    assert not outcome.error, outcome.error
    assert outcome.dropped == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
