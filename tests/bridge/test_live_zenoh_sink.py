"""Playing over Zenoh: heard by our own source and by somebody else's listener, byte by byte."""

from __future__ import annotations

import itertools
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import waiting
from mcap.writer import Writer
from rosbags.typesys import Stores, get_typestore
from zenoh_world import ZenohWorld

from rrbridge_bridge.live.sink import SinkOptions
from rrbridge_bridge.live.zenoh_sink import ZenohSinkSession, sink
from rrbridge_bridge.raw import Connection

pytest.importorskip("zenoh")
pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

STRING = Connection(3, "/chatter", "std_msgs/msg/String", "cdr", "string data\n", "ros2msg")
STORE = get_typestore(Stores.ROS2_JAZZY)


def text(value: str) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types["std_msgs/msg/String"](value), "std_msgs/msg/String"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZenohWorld]:
    monkeypatch.setenv("ROS_DOMAIN_ID", "11")
    for name in ("ZENOH_CONFIG_OVERRIDE", "ZENOH_SESSION_CONFIG_URI", "AMENT_PREFIX_PATH"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as stack:
        yield ZenohWorld(tmp_path, stack)


def play(world: ZenohWorld) -> ZenohSinkSession:
    session = sink.open(SinkOptions(address=world.endpoint))
    world.stack.callback(session.close)
    return session


def until(session: ZenohSinkSession, number: int, count: int) -> None:
    waiting.until(lambda: session.subscribers(number) == count)


def test_our_own_source_hears_every_byte(world: ZenohWorld) -> None:
    world.router()
    session = play(world)
    latched = replace(STRING, id=4, topic="/latched")
    qos = "- history: keep_last\n  depth: 7\n  reliability: best_effort\n  durability: volatile\n"
    lossy = replace(STRING, id=5, topic="/lossy", metadata={"offered_qos_profiles": qos})
    assert [session.advertise(c, c is latched, 3) for c in (STRING, latched, lossy)] == ["", "", ""]
    kept = [text(f"kept {number}") for number in range(5)]
    for payload in kept:
        session.publish(4, memoryview(payload), 0, 0)
    assert [session.subscribers(number) for number in (3, 4, 5)] == [0, 0, 0]
    heard = world.listen()
    for number in (3, 4, 5):
        until(session, number, 1)
    heard.until(lambda: heard.count("/latched") == 3)
    first = text("until somebody hears it")
    for number, topic in ((3, "/chatter"), (5, "/lossy")):
        while not heard.count(topic):
            session.publish(number, memoryview(first), 1, 1)
            time.sleep(0.05)
    sent = [text(f"{number} " + "x" * number) for number in range(200)]
    for payload in sent:
        session.publish(3, memoryview(payload), 1, 1)
        session.publish(5, memoryview(payload), 1, 1)
        time.sleep(0.001)
    session.clock(1_700_000_000_123_456_789)
    heard.until(lambda: heard.payloads("/chatter")[-200:] == sent and "/clock" in heard.announced)
    session.clock(1_700_000_001_000_000_002)
    heard.until(lambda: heard.count("/clock") >= 1)
    heard.stop()
    assert set(heard.payloads("/chatter")[:-200]) == {first}
    came = [payload for payload in heard.payloads("/lossy") if payload != first]  # a busy machine may lose some
    assert came
    assert came == [payload for payload in sent if payload in came]
    assert sorted(heard.payloads("/latched")) == kept[-3:]
    assert [heard.lost(topic) for topic in ("/chatter", "/latched")] == [0, 0]
    assert (heard.lost("/lossy") or 0) <= len(sent) - len(came)
    clock: Any = STORE.deserialize_cdr(heard.payloads("/clock")[-1], "rosgraph_msgs/msg/Clock")
    assert (clock.clock.sec, clock.clock.nanosec) == (1_700_000_001, 2)
    offered = {topic: c.metadata["offered_qos_profiles"] for topic, c in heard.announced.items()}
    assert "reliability: best_effort\n  durability: volatile" in offered["/lossy"]
    assert "depth: 3\n  reliability: reliable\n  durability: transient_local" in offered["/latched"]
    assert heard.announced["/chatter"].metadata["publishers"].startswith("/rrbridge_play_")


def test_another_implementation_hears_it(world: ZenohWorld) -> None:
    world.router()
    session = play(world)
    assert session.advertise(STRING, False) == ""
    listener = world.independent("/chatter")
    until(session, 3, 1)
    assert listener.stdout is not None
    while not select.select([listener.stdout], [], [], 0.05)[0]:
        session.publish(3, memoryview(text("until somebody hears it")), 0, 0)
    texts = [f"{number} played" for number in range(20)]
    for value in texts:
        session.publish(3, memoryview(text(value)), 0, 0)
        time.sleep(0.002)
    lines = (line.rstrip("\n") for line in listener.stdout)
    heard = itertools.dropwhile(lambda line: line == "until somebody hears it", lines)
    assert list(itertools.islice(heard, len(texts))) == texts


def test_the_command_plays_every_byte(world: ZenohWorld, tmp_path: Path) -> None:
    world.router()
    heard = world.listen()
    sent = [text(f"{number} recorded") for number in range(50)]
    with (tmp_path / "run.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start("ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        channel = writer.register_channel("/chatter", "cdr", schema)
        for number, payload in enumerate(sent):
            writer.add_message(channel, 10**18 + number * 10**7, payload, 10**18 + number * 10**7)
        writer.finish()  # type: ignore[no-untyped-call]
    command = [str(Path(sys.executable).with_name("rrbridge")), "play", str(tmp_path / "run.mcap"), "--to"]
    options = [f"zenoh:{world.endpoint}", "--clock", "--wait-for-subscribers", "-r", "0.2"]
    played = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120, check=False)
    assert played.returncode == 0, played.stderr
    heard.until(lambda: heard.count("/chatter") == 50)
    heard.stop()
    assert heard.payloads("/chatter") == sent
    assert heard.count("/clock") > 0


def test_a_type_of_which_nothing_is_known_is_refused(world: ZenohWorld) -> None:
    world.router()
    session = play(world)
    unknown = replace(STRING, msgtype="my_msgs/msg/Odd", definition="", definition_format="")
    assert "no definition of my_msgs/msg/Odd" in session.advertise(unknown, False)
    assert session.advertise(replace(unknown, metadata={"topic_type_hash": "RIHS01_" + "0" * 64}), False) == ""
    assert session.advertise(replace(unknown, id=4, msgtype="std_msgs/msg/String"), False) == ""
    session.close()
    session.close()
