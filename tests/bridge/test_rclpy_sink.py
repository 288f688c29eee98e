"""Playing to real rclpy listeners: every byte, latched messages, simulated time, and what cannot be played."""

from __future__ import annotations

import struct
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ros_world import BIN, IMU, LATCHED, STRING, World, missing
from waiting import until

from rrbridge_bridge.live.qos import offered_qos_profiles, profile_to_offer
from rrbridge_bridge.live.rclpy_sink import RclpySink, RclpySinkSession
from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.raw import Connection

CLOCK = {"type": "rosgraph_msgs/msg/Clock", "topic": "/clock", "reliable": False}
PUBLISHER = {
    "history": "keep_last",
    "depth": 0,
    "reliability": "reliable",
    "durability": "volatile",
    "liveliness": "automatic",
    "deadline": 2**63 - 1,
    "lifespan": 2**63 - 1,
    "liveliness_lease_duration": 2**63 - 1,
}


def text_message(number: int, size: int = 10) -> bytes:
    text = f"{number} ".ljust(size, "x").encode() + b"\0"
    message = struct.pack("<4sI", b"\0\1\0\0", len(text)) + text
    return message + bytes(-len(message) % 4)


def opened(world: World, **options: object) -> RclpySinkSession:
    session = RclpySink().open(SinkOptions(ros_python=str(world.python), **options))  # type: ignore[arg-type]
    world.stack.callback(session.close)
    return session


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.xdist_group("live")
def test_what_is_played_is_heard_byte_for_byte(each_world: World) -> None:
    listener = each_world.listen(STRING, IMU | {"reliable": False}, CLOCK)
    session = opened(each_world)
    chatter = Connection(7, "/chatter", "std_msgs/msg/String", "cdr")
    imu = Connection(8, "/imu", "sensor_msgs/msg/Imu", "cdr")
    offered = offered_qos_profiles([PUBLISHER | {"reliability": "best_effort"}])
    assert session.advertise(chatter, latched=False) == ""
    assert session.advertise(replace(imu, metadata={"offered_qos_profiles": offered}), latched=False) == ""
    unknown = session.advertise(Connection(9, "/own", "own_msgs/msg/Own", "cdr"), latched=False)
    assert "no own_msgs/msg/Own" in unknown
    until(lambda: session.subscribers(7) == 1)
    sent = [text_message(number, 1 + 37 * number) for number in range(200)]
    for payload in sent:
        session.publish(7, memoryview(payload), 1, 1)
    until(lambda: len(listener.sent_on("/chatter")) == 200)

    def clock_is_heard() -> bool:
        session.clock(1_700_000_000_123_456_789)
        return bool(listener.sent_on("/clock"))

    until(clock_is_heard)
    assert listener.sent_on("/chatter") == sent
    assert listener.sent_on("/clock")[0][4:12] == struct.pack("<iI", 1_700_000_000, 123_456_789)
    latched = Connection(10, "/described", "std_msgs/msg/String", "cdr")
    assert session.advertise(latched, latched=True, keep=2) == ""
    for number in range(5):
        session.publish(10, memoryview(text_message(number)), 1, 1)
    later = each_world.listen(STRING | {"topic": "/described", "latched": True})
    assert [s.payload for s in later.until_heard(2)] == [text_message(3), text_message(4)]
    for payload in sent:
        session.publish(7, memoryview(payload), 1, 1)
    session.close()
    until(lambda: len(listener.sent_on("/chatter")) == 400)
    assert listener.sent_on("/chatter") == sent + sent


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.xdist_group("live")
def test_a_recording_goes_back_to_the_graph_it_came_from(world: World) -> None:
    publisher = world.publish(
        STRING | {"count": 60, "hertz": 60},
        IMU | {"count": 60, "hertz": 60, "reliable": False},
        LATCHED | {"count": 2, "depth": 2},
    )
    recording = world.record("-a", "--no-parameters", "--drain", "0.5")
    recording.until_received(chatter=60, imu=60, latched=2)
    assert recording.end()[0] == 0
    sent = {topic: publisher.sent_on(topic) for topic in ("/chatter", "/imu", "/latched")}
    publisher.close()
    listener = world.listen(
        STRING | {"topic": "/heard"}, IMU | {"reliable": False}, LATCHED, CLOCK, STRING | {"topic": "/chatter"}
    )
    command: list[str | Path] = [BIN / "rrbridge", "play", recording.path, "--to", "rclpy", "--clock", "50"]
    command += ["--ros-python", str(world.python)]
    topics = [
        "--topics",
        "/chatter",
        "/imu",
        "/latched",
        "--remap",
        "/chatter:=/heard",
        "--wait-for-subscribers",
        "--json",
    ]
    played = subprocess.run([*command, *topics], capture_output=True, text=True, timeout=120, check=False)
    assert played.returncode == 0, played.stderr
    until(lambda: len(listener.sent_on("/heard")) >= 60)
    assert listener.sent_on("/heard") == sent["/chatter"]
    assert listener.sent_on("/latched") == sent["/latched"]
    assert missing(listener.sent_on("/imu"), sent["/imu"]) < 30, "best effort may lose some"
    clocks = [struct.unpack_from("<iI", payload, 4) for payload in listener.sent_on("/clock")]
    assert clocks
    assert clocks == sorted(clocks)
    assert abs(clocks[-1][0] - time.time()) < 60, "it is the recording's time"
    assert listener.sent_on("/chatter") == []


def test_one_publisher_stands_for_those_of_a_recording() -> None:
    careless = PUBLISHER | {"reliability": "best_effort", "lifespan": 2_500_000_000}
    assert profile_to_offer("", latched=False, depth=5) == {
        "reliability": "reliable",
        "durability": "volatile",
        "depth": 5,
    }
    alone = profile_to_offer(offered_qos_profiles([careless]), latched=False, depth=5)
    assert (alone["reliability"], alone["lifespan"]) == ("best_effort", 2_500_000_000)
    both = profile_to_offer(offered_qos_profiles([careless, PUBLISHER]), latched=True, depth=1)
    assert both == {"reliability": "reliable", "durability": "transient_local", "depth": 1}
    numbered = "- {history: 3, depth: 0, reliability: 2, durability: 2, deadline: {sec: 2147483647, nsec: 4294967295}}"
    assert profile_to_offer(numbered, latched=False, depth=1)["reliability"] == "best_effort"
    assert profile_to_offer("][", latched=False, depth=1)["reliability"] == "reliable"
