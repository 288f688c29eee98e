"""DDS by Cyclone DDS, without ROS on our side: real rclpy publishers, every byte compared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from listening import Listening
from ros_world import World, missing

from rrbridge.errors import RecorderError
from rrbridge_bridge.live import dds
from rrbridge_bridge.live.source import UNKNOWN, Ended, Received, Refused, SourceOptions
from rrbridge_bridge.record.counters import LossCounter

pytest.importorskip("cyclonedds")
pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

STRING = {"type": "std_msgs/msg/String", "topic": "/chatter"}
IMAGE = {"type": "sensor_msgs/msg/Image", "topic": "/camera"}
IMU = {"type": "sensor_msgs/msg/Imu", "topic": "/imu"}
LATCHED = {"type": "geometry_msgs/msg/TransformStamped", "topic": "/latched", "latched": True, "wait": False}


def describes_types(python: Path) -> bool:
    """Fast DDS 3, of Kilted, sends what its types are made of; Cyclone does not understand all of it."""
    return "jazzy" not in str(python)


def test_every_byte_arrives(each_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = each_world
    monkeypatch.delenv("CYCLONEDDS_URI", raising=False)
    newer = describes_types(world.python)
    wanted = ["/chatter", "/latched", *([] if newer else ["/camera"])]
    camera = IMAGE | {"count": 20, "hertz": 20, "bytes": 300_000, "wait": not newer}
    publisher = world.publish(
        STRING | {"count": 100, "hertz": 100},
        IMU | {"count": 100, "hertz": 100, "reliable": False, "wait": not newer},
        LATCHED | {"count": 1, "depth": 1},
        camera,
    )
    session = dds.source.start(SourceOptions())
    topics = {str(entry["topic"]) for entry in publisher.spec}
    with Listening(session, lambda topic: topic in topics) as heard:
        publisher.said("done")
        heard.until(lambda: all(heard.count(topic) >= len(publisher.sent_on(topic)) for topic in wanted))
        if newer:
            heard.until(lambda: any("--from rclpy" in r.reason and r.topic == "/camera" for r in heard.of(Refused)))
        assert heard.stop() == Ended()
    for topic in wanted:
        assert heard.payloads(topic) == publisher.sent_on(topic)
        connection = heard.announced[topic]
        assert connection.metadata["topic_type_hash"].startswith("RIHS01_")
        assert connection.definition
    assert "durability: transient_local" in heard.announced["/latched"].metadata["offered_qos_profiles"]
    if not newer:
        assert missing(heard.payloads("/imu"), publisher.sent_on("/imu")) < 50, "best effort gives way to images"
        assert "reliability: best_effort" in heard.announced["/imu"].metadata["offered_qos_profiles"]
    losses = LossCounter()
    for received in heard.of(Received):
        assert set(received.sequences.tolist()) == {UNKNOWN}
        losses.received(received)
    assert losses.lost is None
    assert session.description.startswith("DDS, Cyclone DDS 11.")


def test_without_cyclone_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedds", None)
    with pytest.raises(RecorderError, match=r'pip install "rrbridge\[dds\]"'):
        dds.source.start(SourceOptions())


def test_a_network_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    interface = '<General><Interfaces><NetworkInterface name="nowhere7"/></Interfaces></General>'
    monkeypatch.setenv("CYCLONEDDS_URI", f"<CycloneDDS><Domain>{interface}</Domain></CycloneDDS>")
    monkeypatch.setenv("ROS_DOMAIN_ID", "66")
    with pytest.raises(RecorderError, match="Cyclone DDS could not be started"):
        dds.source.start(SourceOptions())
