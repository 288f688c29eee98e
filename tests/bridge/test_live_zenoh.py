"""ROS 2 over Zenoh: publishers as processes of their own, every byte compared, by every way into the network."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ros_world import Recording, payloads_of, verify
from rosbags.typesys import Stores, get_typestore
from waiting import until
from zenoh_world import ZenohWorld

from rrbridge.errors import RecorderError
from rrbridge_bridge.live.qos_overrides import QosProfile
from rrbridge_bridge.live.source import UNKNOWN, Announced, Discovered, Dropped, Ended, Received, SourceOptions
from rrbridge_bridge.live.zenoh import ZenohSource
from rrbridge_bridge.live.zenoh_inbox import OVERHEAD_BYTES, SMALL_SHARE, Inbox
from rrbridge_bridge.live.zenoh_keys import attachment
from rrbridge_bridge.live.zenoh_streams import Seen
from rrbridge_bridge.record.counters import LossCounter

pytest.importorskip("zenoh")
pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("live")]

STRING: dict[str, Any] = {"type": "std_msgs/msg/String", "topic": "/chatter"}
IMAGE: dict[str, Any] = {"type": "sensor_msgs/msg/Image", "topic": "/ns/camera/image", "reliable": False, "depth": 5}
IMU: dict[str, Any] = {"type": "sensor_msgs/msg/Imu", "topic": "/imu"}
LATCHED: dict[str, Any] = {
    "type": "geometry_msgs/msg/TransformStamped",
    "topic": "/tf_static",
    "latched": True,
    "wait": False,
}
ODD: dict[str, Any] = {
    "type": "my_msgs/msg/Odd",
    "topic": "/odd",
    "definition": "int32 number\nfloat64 value\n",
    "values": [7, 0.5],
}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZenohWorld]:
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    for name in ("ZENOH_CONFIG_OVERRIDE", "ZENOH_SESSION_CONFIG_URI", "AMENT_PREFIX_PATH"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as stack:
        yield ZenohWorld(tmp_path, stack)


@pytest.mark.parametrize("way", ["peer", "client", "router"])
def test_every_byte_arrives(world: ZenohWorld, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way != "router":
        world.router()
    if way == "client":
        monkeypatch.setenv("ZENOH_CONFIG_OVERRIDE", 'mode="client"')
    if way == "router":
        heard = world.listen()
    publisher = world.publish(
        STRING | {"count": 150, "hertz": 200},
        IMAGE | {"count": 30, "hertz": 30, "bytes": 300_000},
        IMU | {"count": 100, "hertz": 200},
        LATCHED | {"count": 3, "depth": 5},
    )
    if way != "router":
        heard = world.listen()  # what was latched has been sent by now
    assert f"Zenoh, {way}, " in heard.session.description
    assert any("rrbridge is one" in text for text in heard.texts) == (way == "router")
    counts = {"/chatter": 150, "/ns/camera/image": 30, "/imu": 100, "/tf_static": 3}
    heard.until(lambda: all(heard.count(topic) >= count for topic, count in counts.items()))
    assert heard.stop() == Ended()
    for topic, count in counts.items():
        sequences = np.concatenate([received.sequences for received in heard.received(topic)])
        order = np.argsort(sequences) if topic == "/tf_static" else np.arange(count)
        assert [heard.payloads(topic)[row] for row in order] == publisher.sent_on(topic)
        assert sequences[order].tolist() == list(range(1, count + 1))
        assert heard.lost(topic) == 0
        batches = [received.batch for received in heard.received(topic)]
        assert all((batch.publish_time_nanos <= batch.log_time_nanos).all() for batch in batches)
    connections = {c.topic: c for c in heard.connections()}
    assert [connections[topic].msgtype for topic in ("/chatter", "/imu")] == [
        "std_msgs/msg/String",
        "sensor_msgs/msg/Imu",
    ]
    assert "MSG: geometry_msgs/Vector3" in connections["/imu"].definition
    assert connections["/imu"].metadata["topic_type_hash"].startswith("RIHS01_7d9a00ff")
    assert connections["/imu"].metadata["publishers"] == "/talker"
    qos = connections["/ns/camera/image"].metadata["offered_qos_profiles"]
    assert "depth: 5\n  reliability: best_effort\n  durability: volatile" in qos
    assert (
        "depth: 5\n  reliability: reliable\n  durability: transient_local"
        in (connections["/tf_static"].metadata["offered_qos_profiles"])
    )


def test_quality_of_service_is_what_was_asked_for(world: ZenohWorld) -> None:
    world.router()
    topics = ["/as_offered", "/last", "/none", "/all"]
    publisher = world.publish(*[LATCHED | {"topic": topic, "count": 5, "depth": 4} for topic in topics])
    publisher.said("done")
    heard = world.listen(
        last=QosProfile(depth=1, durability="system_default"),
        none=QosProfile(durability="volatile", reliability="best_effort"),
        all=QosProfile(history="keep_all", depth=1),
    )
    heard.until(lambda: heard.count("/as_offered") == 4 and heard.count("/all") == 4)
    heard.until(lambda: heard.count("/last") == 1)
    time.sleep(2.0)  # kept messages are asked for again
    heard.stop()
    sent = {topic: publisher.sent_on(topic) for topic in topics}
    assert [sorted(heard.payloads(topic)) for topic in topics] == [
        sorted(sent["/as_offered"][-4:]),
        sent["/last"][-1:],
        [],
        sorted(sent["/all"][-4:]),
    ]
    assert {event.latched for event in heard.of(Announced)} == {True}, "that it is so is the publishers' affair"


def put(inbox: Inbox) -> int:
    given_up = [part.count for line in inbox._lines.values() for part in line.given_up.values()]
    return len(inbox._samples) + sum(given_up)


def test_who_falls_behind_counts_what_it_gives_up(world: ZenohWorld) -> None:
    world.router()
    session = ZenohSource().start(SourceOptions(address=world.endpoint))
    world.stack.callback(session.close)
    session._inbox._limit_bytes = 1_000_000
    session._inbox._reserve_bytes = 250_000
    publisher = world.publish(
        IMAGE | {"count": 50, "hertz": 500, "bytes": 100_000, "logged": False},
        STRING | {"count": 100, "hertz": 1000, "logged": False},
    )
    losses, received, given_up, asked = LossCounter(), Counter[str](), Counter[str](), set[str]()
    for event in session.events():
        if isinstance(event, Discovered) and event.msgtypes and event.topic not in asked:
            asked.add(event.topic)
            session.subscribe(event.topic, event.msgtypes[0])
            if len(asked) == 2:
                publisher.said("done")  # nobody listens meanwhile
                until(lambda: put(session._inbox) == 150)
                session.stop()
        elif isinstance(event, Received):
            losses.received(event)
            received[event.batch.connection.topic] += len(event.batch)
        elif isinstance(event, Dropped):
            losses.dropped(event)
            given_up[event.connection.topic] += event.count
            assert event.nbytes > event.count * 100_000
    image, chatter = "/ns/camera/image", "/chatter"
    assert (received[chatter], given_up[chatter]) == (100, 0)
    assert received[image] + given_up[image] == 50
    assert 9 <= received[image] <= 12
    assert losses.lost == 0, "what was given up has arrived"


def test_lost_messages_are_counted_for_each_publisher(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    first = world.publish(STRING | {"count": 100, "hertz": 300, "skip": 10, "node": "/a"})
    second = world.publish(STRING | {"count": 60, "hertz": 300, "skip": 7, "node": "/b"})
    first.said("done")
    second.said("done")
    sent = first.sent_on("/chatter"), second.sent_on("/chatter")
    heard.until(lambda: heard.count("/chatter") == len(sent[0]) + len(sent[1]))
    heard.stop()
    assert sorted(heard.payloads("/chatter")) == sorted(sent[0] + sent[1])
    assert heard.lost("/chatter") == 9 + 8  # of ten the last came after all that arrived, so nobody can tell
    assert {number for received in heard.received("/chatter") for number in received.publishers.tolist()} == {0, 1}


def test_a_publisher_that_is_killed_and_comes_back_is_heard_again(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    first = world.publish(STRING | {"count": 10_000, "hertz": 200}, LATCHED | {"count": 1})
    heard.until(lambda: heard.count("/chatter") >= 50 and heard.count("/tf_static") == 1)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    heard.until(
        lambda: any(isinstance(e, Discovered) and e.topic == "/chatter" and not e.publishers for e in heard.events)
    )
    before = heard.count("/chatter")
    second = world.publish(STRING | {"count": 50, "hertz": 200}, LATCHED | {"count": 1})
    second.said("done")
    heard.until(lambda: heard.count("/chatter") == before + 50 and heard.count("/tf_static") == 2)
    heard.stop()
    assert heard.payloads("/chatter") == first.sent_on("/chatter")[:before] + second.sent_on("/chatter")
    assert heard.lost("/chatter") == 0
    assert heard.lost("/tf_static") == 0


def test_a_router_that_goes_and_comes_back_costs_nothing(world: ZenohWorld) -> None:
    end_router = world.router()
    heard = world.listen()
    first = world.publish(STRING | {"count": 10_000, "hertz": 100})
    heard.until(lambda: heard.count("/chatter") >= 20)
    end_router()
    before = heard.count("/chatter")
    heard.until(lambda: heard.count("/chatter") >= before + 50)  # peers are linked to each other
    world.router()
    second = world.publish(IMU | {"count": 20})
    heard.until(lambda: heard.count("/imu") == 20)
    first.process.kill()
    heard.stop()
    assert heard.payloads("/imu") == second.sent_on("/imu")
    assert heard.lost("/chatter") == 0
    assert heard.payloads("/chatter") == first.sent_on("/chatter")[: heard.count("/chatter")]


def test_who_has_nobody_left_is_silent(world: ZenohWorld) -> None:
    end_router = world.router()
    heard = world.listen()
    world.publish(STRING | {"count": 1}).close()
    time.sleep(1.2)
    heard.until(lambda: heard.session.silent_secs < 1.2)
    end_router()
    heard.until(lambda: heard.session.silent_secs > 1.5)
    world.router()
    heard.until(lambda: heard.session.silent_secs < 1.2)


def test_attachments_of_other_versions_leave_losses_unknown(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    publisher = world.publish(
        STRING | {"count": 20, "form": "names"},
        IMU | {"count": 20, "form": "none"},
    )
    heard.until(lambda: heard.count("/chatter") == 20 and heard.count("/imu") == 20)
    heard.stop()
    for topic in ("/chatter", "/imu"):
        assert heard.payloads(topic) == publisher.sent_on(topic)
        assert heard.lost(topic) is None
        for received in heard.received(topic):
            assert set(received.sequences.tolist()) == {UNKNOWN}
            assert (received.batch.publish_time_nanos == received.batch.log_time_nanos).all()


def test_a_definition_that_nobody_knows_is_asked_of_the_node(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    publisher = world.publish(ODD | {"count": 10, "describe": True, "node": "/ns/odd_node"})
    heard.until(lambda: heard.count("/odd") == 10)
    heard.stop()
    assert heard.payloads("/odd") == publisher.sent_on("/odd")
    for received in heard.received("/odd"):
        assert received.batch.connection.definition == "int32 number\nfloat64 value\n"
        assert received.batch.connection.definition_format == "ros2msg"


def test_without_a_definition_the_bytes_are_recorded_and_it_is_told(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    publisher = world.publish(
        ODD | {"count": 5},
        STRING | {"count": 5, "hash": "RIHS01_" + "0" * 64, "describe": True, "node": "/liar"},
    )
    heard.until(lambda: heard.count("/odd") == 5 and heard.count("/chatter") == 5)
    heard.stop()
    for topic in ("/odd", "/chatter"):
        assert heard.payloads(topic) == publisher.sent_on(topic)
        assert not heard.received(topic)[0].batch.connection.definition
    told = "\n".join(heard.texts)
    assert "no definition of my_msgs/msg/Odd was found: its bytes are recorded" in told
    assert "no definition of std_msgs/msg/String was found (asked /liar: unknown hash)" in told


def test_humble_has_no_hashes(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    publisher = world.publish(IMU | {"count": 10, "hash": "TypeHashNotSupported"})
    heard.until(lambda: heard.count("/imu") == 10)
    heard.stop()
    assert heard.payloads("/imu") == publisher.sent_on("/imu")
    (connection,) = heard.connections()
    assert "MSG: geometry_msgs/Vector3" in connection.definition
    assert "topic_type_hash" not in connection.metadata


def test_two_definitions_of_one_type_are_kept_apart(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    one = world.publish(ODD | {"count": 10, "describe": True, "node": "/new"})
    other = ODD | {"definition": "int32 number\n", "values": [9], "count": 10, "describe": True, "node": "/old"}
    two = world.publish(other)
    heard.until(lambda: heard.count("/odd") == 20)
    heard.stop()
    connections = {c.definition: c.id for c in heard.connections()}
    assert set(connections) == {"int32 number\nfloat64 value\n", "int32 number\n"}
    for publisher, definition in ((one, "int32 number\nfloat64 value\n"), (two, "int32 number\n")):
        own = [r for r in heard.received("/odd") if r.batch.connection.id == connections[definition]]
        payloads = [bytes(r.batch.payload(row)) for r in own for row in range(len(r.batch))]
        assert payloads == publisher.sent_on("/odd")
    assert any("different definitions of my_msgs/msg/Odd" in text for text in heard.texts)


def test_a_late_latched_publisher_is_heard_with_what_it_sent_before(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    topic = {"topic": "/map_name", "type": "std_msgs/msg/String"}
    first = world.publish(topic | {"count": 5})
    first.said("done")
    heard.until(lambda: heard.count("/map_name") == 5)
    second = world.publish(topic | {"count": 3, "latched": True, "wait": False, "depth": 3})
    heard.until(lambda: heard.count("/map_name") == 8)
    heard.stop()
    assert heard.payloads("/map_name")[:5] == first.sent_on("/map_name")
    assert sorted(heard.payloads("/map_name")[5:]) == sorted(second.sent_on("/map_name"))
    assert any("now subscribed with what they sent before" in text for text in heard.texts)


def test_history_that_zenoh_does_not_bring_is_asked_for(world: ZenohWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    import zenoh.ext

    def without_history(session: zenoh.Session, key: str, handler: Any, **_: Any) -> Any:
        return session.declare_subscriber(key, handler)

    monkeypatch.setattr(zenoh.ext, "declare_advanced_subscriber", without_history)
    world.router()
    publisher = world.publish(LATCHED | {"count": 3, "depth": 5})
    publisher.said("done")
    heard = world.listen()
    heard.until(lambda: heard.count("/tf_static") >= 3)
    time.sleep(2.0)  # it is asked for again
    heard.stop()
    assert sorted(heard.payloads("/tf_static")) == sorted(publisher.sent_on("/tf_static"))
    assert heard.lost("/tf_static") == 0


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 5))
def test_repeats_are_told_from_what_is_new(numbers: list[int], batch: int) -> None:
    seen, plain = Seen(), set[int]()
    for at in range(0, len(numbers), batch):
        now = numbers[at : at + batch]
        expected = [number not in plain and not plain.add(number) for number in now]  # type: ignore[func-returns-value]
        assert seen.note(np.array(now, np.int64)).tolist() == expected


@given(st.lists(st.none() | st.tuples(st.integers(0, 3), st.integers(0, 40_000)), max_size=80))
def test_an_inbox_is_bounded_and_gives_nothing_up_uncounted(steps: list[tuple[int, int] | None]) -> None:
    limit = 100_000
    inbox, numbers = Inbox(limit), Counter[int]()
    held: dict[int, list[int]] = {connection: [] for connection in range(4)}
    lost: dict[int, list[int]] = {connection: [] for connection in range(4)}
    for connection in range(4):
        inbox.listener(connection)
    for step in steps:
        if step is None:
            inbox.take()
            held = {connection: [] for connection in range(4)}
            continue
        connection, size = step
        number = numbers[connection] = numbers[connection] + 1
        inbox.put((connection, 0, bytes(size), attachment(number, 0, bytes([connection + 1]) * 16)))
        own, every = sum(held[connection]) + size + OVERHEAD_BYTES, sum(map(sum, held.values())) + size + OVERHEAD_BYTES
        is_small = own <= limit * SMALL_SHARE and every <= limit * 1.25
        if every <= limit or is_small or every == size + OVERHEAD_BYTES:
            held[connection].append(size + OVERHEAD_BYTES)
        else:
            lost[connection].append(number)
    assert Counter(sample[0] for sample in inbox.take()) == {c: len(sizes) for c, sizes in held.items() if sizes}
    for connection, missing in lost.items():
        found = inbox.given_up(connection)
        assert [(one.count, one.lowest, one.highest) for one in found.values()] == (
            [(len(missing), missing[0], missing[-1])] if missing else []
        )
        assert not inbox.given_up(connection)


def test_other_domains_are_not_heard(world: ZenohWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.router()
    heard = world.listen()
    monkeypatch.setenv("ROS_DOMAIN_ID", "8")
    world.publish(STRING | {"count": 0, "wait": False, "topic": "/elsewhere"})
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    world.publish(STRING | {"count": 1, "topic": "/here"})
    heard.until(lambda: heard.count("/here") == 1)
    assert {e.topic for e in heard.events if isinstance(e, Discovered)} == {"/here"}


def test_settings_that_make_no_sense_are_told(world: ZenohWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    options = SourceOptions(address=world.endpoint)
    with monkeypatch.context() as patch:
        patch.setenv("ZENOH_CONFIG_OVERRIDE", 'mode="pear"')
        with pytest.raises(RecorderError, match=r"ZENOH_CONFIG_OVERRIDE: 'mode=.pear.': .*pear"):
            ZenohSource().start(options)
        patch.setenv("ZENOH_CONFIG_OVERRIDE", "mode")
        with pytest.raises(RecorderError, match="not of the form key=value"):
            ZenohSource().start(options)
    with monkeypatch.context() as patch:
        patch.setenv("ZENOH_SESSION_CONFIG_URI", str(world.folder / "none.json5"))
        with pytest.raises(RecorderError, match=r"ZENOH_SESSION_CONFIG_URI: .*none\.json5 cannot be read"):
            ZenohSource().start(options)
    with monkeypatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", "one")
        with pytest.raises(RecorderError, match="ROS_DOMAIN_ID is 'one'"):
            ZenohSource().start(options)
    with monkeypatch.context() as patch:
        patch.setenv("ZENOH_CONFIG_OVERRIDE", 'mode="client"')
        with pytest.raises(RecorderError, match=r"no Zenoh session to tcp/127\.0\.0\.1:.*rmw_zenohd"):
            ZenohSource().start(options)


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ("mode=client", "expected .* texts stand in quotes"),
        ("no/such=1", "unknown key$"),
        ('mode="router";listen/endpoints=["tcp/192.0.2.1:9"]', "look at listen/endpoints"),
    ],
)
def test_what_zenoh_says_of_settings_is_put_into_a_sentence(
    world: ZenohWorld, monkeypatch: pytest.MonkeyPatch, override: str, why: str
) -> None:
    monkeypatch.setenv("ZENOH_CONFIG_OVERRIDE", override)
    with pytest.raises(RecorderError, match=why) as caught:
        ZenohSource().start(SourceOptions(address=world.endpoint))
    assert not re.search(r"\n|Err\(|Single\(|Message \{| at /", str(caught.value))


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("nobody.invalid", r"knows no host named 'nobody\.invalid'"),
        ("robot/10.0.0.2:7447", "no protocol named 'robot'"),
        ("tcp/127.0.0.1:port", "'port' is no port"),
        ("tls/127.0.0.1:1", "no connection could be made"),
    ],
)
def test_an_address_that_cannot_be_is_told(world: ZenohWorld, address: str, why: str) -> None:
    with pytest.raises(RecorderError, match=f"no Zenoh session to .*{why}") as caught:
        ZenohSource().start(SourceOptions(address=address))
    assert "Single(" not in str(caught.value)


def test_a_settings_file_is_followed(world: ZenohWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.router()
    path = world.folder / "session.json5"
    path.write_text(
        '{mode: "client", /* as rmw_zenoh takes it */ connect: {endpoints: ["' + world.endpoint + '"]},'
        " scouting: {multicast: {enabled: false}}}"
    )
    monkeypatch.setenv("ZENOH_SESSION_CONFIG_URI", str(path))
    session = ZenohSource().start(SourceOptions())
    session.close()
    assert session.description == f"Zenoh, client, {world.endpoint}, domain {os.environ['ROS_DOMAIN_ID']}"


def test_another_implementation_is_heard(world: ZenohWorld) -> None:
    world.router()
    heard = world.listen()
    world.independent("/ns1/chatter", "100")
    heard.until(lambda: heard.count("/ns1/chatter") == 100)
    heard.stop()
    store = get_typestore(Stores.ROS2_JAZZY)
    string = store.types["std_msgs/msg/String"]
    texts = [f"{number} of theirs" for number in range(100)]
    assert heard.payloads("/ns1/chatter") == [bytes(store.serialize_cdr(string(t), string.__msgtype__)) for t in texts]
    assert heard.lost("/ns1/chatter") == 0
    (connection,) = heard.connections()
    assert connection.metadata["publishers"] == "/ns1/independent"
    assert connection.definition == "string data\n"


def test_the_command_records_every_byte(world: ZenohWorld, tmp_path: Path) -> None:
    recording = Recording(None, tmp_path / "run.rrd", "-a", "--from", f"zenoh:{world.endpoint}")
    world.stack.callback(recording.close)
    publisher = world.publish(
        STRING | {"count": 300, "hertz": 300, "skip": 100},
        IMAGE | {"count": 30, "hertz": 30, "bytes": 300_000},
        IMU | {"count": 50},
        ODD | {"count": 5, "describe": True, "node": "/odd_node"},
        LATCHED | {"count": 3, "depth": 5},
    )
    recording.until_received(chatter=297, **{"ns/camera/image": 30, "imu": 50, "odd": 5, "tf_static": 3})
    status, last = recording.end()
    assert (status, last["finished"]) == (0, True)
    verify(recording.path)
    recorded = payloads_of(recording.path)
    lost = {"/chatter": 2, "/ns/camera/image": 0, "/imu": 0, "/odd": 0, "/tf_static": 0}
    for topic, count in lost.items():
        sent = publisher.sent_on(topic)
        assert recorded[topic] == sent or (topic == "/tf_static" and sorted(recorded[topic]) == sorted(sent))
        account = recording.topic(last, topic)
        assert (account["lost"], account["dropped"], account["undecoded"]) == (count, 0, 0)


def test_zenoh_is_chosen_where_ros_is_told_to_use_it() -> None:
    source = ZenohSource()
    assert source.signs({"RMW_IMPLEMENTATION": "rmw_zenoh_cpp"}) == "RMW_IMPLEMENTATION is rmw_zenoh_cpp"
    assert source.signs({"ZENOH_CONFIG_OVERRIDE": 'mode="client"'}) == "ZENOH_CONFIG_OVERRIDE is set"
    assert source.signs({"RMW_IMPLEMENTATION": "rmw_fastrtps_cpp"}) == ""


def test_without_zenoh_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zenoh", None)
    with pytest.raises(RecorderError, match=r'pip install "rrbridge\[live\]"'):
        ZenohSource().start(SourceOptions())
