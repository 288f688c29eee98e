"""Humble, of which there are no wheels: a newer rclpy without what Humble has not, under the real worker."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from ros_world import IMU, LATCHED, ROS_SCRIPTS, STRING, World, payloads_of

from rrbridge_bridge.live.rclpy_sink import RclpySink
from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.raw import Connection

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]


@pytest.fixture
def humble(world: World) -> Path:
    """A Python whose rclpy is like Humble's."""
    python = world.folder / "python-like-humble"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(str(world.python))} {ROS_SCRIPTS / "as_humble.py"} "$@"\n')
    python.chmod(0o755)
    return python


def test_humble_is_recorded_and_what_it_cannot_tell_stays_unknown(world: World, humble: Path) -> None:
    publisher = world.publish(
        STRING | {"count": 60, "hertz": 100},
        IMU | {"count": 60, "hertz": 100, "reliable": False},
        LATCHED | {"count": 1},
    )
    recording = world.record("-a", "--ros-python", str(humble), "--drain", "0.5")
    recording.until_received(chatter=50, imu=50, latched=1)
    careless = world.publish(STRING | {"count": 40, "hertz": 100, "reliable": False})
    recording.until_received(chatter=100, imu=60)
    status, last = recording.end()
    assert status == 0, recording.errors.read_text()
    recorded = payloads_of(recording.path)
    assert sorted(recorded["/chatter"]) == sorted(publisher.sent_on("/chatter") + careless.sent_on("/chatter"))
    for topic in ("/imu", "/latched"):
        assert recorded[topic] == publisher.sent_on(topic)
    assert {topic["lost"] for topic in last["topics"] if topic["received"]} == {None}
    assert all(topic["undecoded"] == 0 for topic in last["topics"])


def test_what_humble_s_middleware_says_is_lost_is_told(world: World, humble: Path) -> None:
    publisher = world.publish(
        STRING | {"count": 4000, "hertz": 100_000, "bytes": 20_000, "depth": 1, "reliable": False, "logged": False}
    )
    recording = world.record("/chatter", "--ros-python", str(humble), "--drain", "0.2")
    publisher.said("done")
    told = recording.until(
        lambda event: event["event"] == "notice" and event["topic"] == "/chatter" and "lost" in event["text"]
    )
    assert "the middleware says that" in told["text"]
    recording.end()


def test_humble_is_played_to(world: World, humble: Path) -> None:
    listener = world.listen(STRING | {"latched": True})
    session = RclpySink().open(SinkOptions(ros_python=str(humble)))
    world.stack.callback(session.close)
    assert session.advertise(Connection(0, "/chatter", "std_msgs/msg/String", "cdr"), latched=True, keep=3) == ""
    sent = [b"\0\1\0\0\x02\0\0\0%c\0\0\0" % (65 + number) for number in range(3)]
    for payload in sent:
        session.publish(0, memoryview(payload), 1, 1)
    assert [heard.payload for heard in listener.until_heard(3)] == sent
