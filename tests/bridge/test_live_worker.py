"""What passes between the recorder and a worker process, and what is looked up beside it. No ROS is needed here."""

from __future__ import annotations

import ast
import importlib
import io
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from rrbridge.errors import RecorderError
from rrbridge_bridge.live import frames
from rrbridge_bridge.live.definitions import DefinitionFinder, concatenate, used_types
from rrbridge_bridge.live.frames import EventFrame, MessageFrame, TornFrameError, read_frame
from rrbridge_bridge.live.qos import is_latched, offered_qos_profiles
from rrbridge_bridge.live.rclpy import WORKER, RclpySession, RclpySource, candidate_pythons
from rrbridge_bridge.live.source import Announced, Discovered, Ended, Event, Notice, Received, Refused, SourceOptions

BIN = Path(sys.executable).parent


def event(**facts: object) -> bytes:
    head = json.dumps(facts).encode()
    return frames.HEADER.pack(b"RRBF", frames.EVENT, len(head), 0) + head


def messages(connection: int, *payloads: bytes) -> bytes:
    records = b"".join(struct.pack("<qqqII", 10 + i, 5 + i, i, len(p), 1) for i, p in enumerate(payloads))
    head = frames.BLOCK.pack(connection, len(payloads)) + records
    joined = b"".join(payloads)
    return frames.HEADER.pack(b"RRBF", frames.MESSAGES, len(head), len(joined)) + head + joined


def pipe(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


def test_frames_are_read_as_they_were_written() -> None:
    stream = pipe(event(event="hello") + messages(3, b"abc", b"", b"defg"))
    first, second = read_frame(stream), read_frame(stream)
    assert isinstance(first, EventFrame)
    assert first.event == "hello"
    assert isinstance(second, MessageFrame)
    assert second.connection == 3
    assert second.records["size"].tolist() == [3, 0, 4]
    assert second.records["sequence"].tolist() == [0, 1, 2]
    assert second.payload.dtype == np.uint8
    assert second.payload.tobytes() == b"abcdefg"
    assert read_frame(stream) is None


def test_a_frame_torn_anywhere_is_an_error_and_never_a_message() -> None:
    whole = messages(3, b"abc", b"defg")
    for cut in range(1, len(whole)):
        with pytest.raises(TornFrameError):
            read_frame(pipe(whole[:cut]))


@pytest.mark.parametrize(
    "data",
    [
        b"a line that a library printed\n" * 3,
        frames.HEADER.pack(b"RRBF", frames.EVENT, 2**31, 0),
        frames.HEADER.pack(b"RRBF", frames.MESSAGES, 40, 2**62),
        frames.HEADER.pack(b"RRBF", 7, 0, 0),
        frames.HEADER.pack(b"RRBF", frames.EVENT, 2, 0) + b"[]",
        frames.HEADER.pack(b"RRBF", frames.EVENT, 2, 0) + b"{]",
        frames.HEADER.pack(b"RRBF", frames.MESSAGES, 8, 0) + struct.pack("<II", 0, 2**31),
        frames.HEADER.pack(b"RRBF", frames.MESSAGES, 40, 9) + struct.pack("<IIqqqII", 0, 1, 0, 0, 0, 8, 0) + bytes(9),
    ],
)
def test_what_contradicts_itself_is_refused_before_memory_is_taken(data: bytes) -> None:
    with pytest.raises(TornFrameError):
        read_frame(pipe(data))


SIDE = sorted((WORKER.parent / "rclpy_side").glob("*.py"))


@pytest.mark.parametrize("path", [*WORKER.parent.glob("rclpy_*.py"), *SIDE], ids=lambda path: path.name)
def test_the_workers_are_python_3_8(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - {"rclpy", "rclpy_side"} <= set(sys.stdlib_module_names)
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))


def test_the_worker_and_the_reader_agree_on_the_layout() -> None:
    side = importlib.import_module("rclpy_side.pipe")
    assert (side.HEADER.format, side.BLOCK.format) == (frames.HEADER.format, frames.BLOCK.format)
    assert frames.RECORD.itemsize == side.RECORD.size
    assert side.RECORD.format == "<qqqII"


def test_no_rclpy_is_told_in_one_sentence(tmp_path: Path) -> None:
    found = subprocess.run(
        [BIN / "rrbridge", "record", "-a", "-o", tmp_path / "run.rrd", "--ros-python", sys.executable],
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    assert found.returncode == 1
    assert "Source your ROS 2 set-up first" in found.stderr
    assert "--ros-python" in found.stderr
    assert "Traceback" not in found.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 0", "no answer"),
        ("echo what a library prints at start", "where a frame should begin"),
        ("echo boom >&2; exit 1", "boom"),
    ],
)
def test_a_python_that_is_none_is_told(tmp_path: Path, script: str, said: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    with pytest.raises(RecorderError, match=said):
        RclpySource().start(SourceOptions(ros_python=str(python)))


def test_a_python_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecorderError, match="No such file"):
        RclpySource().start(SourceOptions(ros_python=str(tmp_path / "python")))


def test_the_python_of_the_sourced_set_up_comes_first(tmp_path: Path) -> None:
    for name in ("python3", "python3.10"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    sourced = {"PATH": str(tmp_path), "PYTHONPATH": "/opt/ros/humble/lib/python3.10/site-packages"}
    assert candidate_pythons(sourced)[:2] == [str(tmp_path / "python3.10"), str(tmp_path / "python3")]


def test_used_types_are_found_in_every_form() -> None:
    text = """
    # Header in_a_comment
    Header header
    Point32[] points  # geometry_msgs/Wrong w
    geometry_msgs/Pose[<=4] poses
    builtin_interfaces/msg/Time[3] times
    string<=10 name
    float64 x 1.0
    uint8 KIND=3
    string TEXT="Header x"
    """
    assert used_types(text, "sensor_msgs") == [
        "std_msgs/msg/Header",
        "sensor_msgs/msg/Point32",
        "geometry_msgs/msg/Pose",
        "builtin_interfaces/msg/Time",
    ]


def test_a_definition_holds_everything_that_it_uses(tmp_path: Path) -> None:
    texts = {
        "a/msg/Top": "b/Middle[] middles\nint32 x\n",
        "b/msg/Middle": "Leaf leaf\nLeaf other\n",
        "b/msg/Leaf": "float64 value\n",
    }
    for name, text in texts.items():
        path = tmp_path / "two" / "share" / f"{name}.msg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    finder = DefinitionFinder([tmp_path / "one", tmp_path / "two"])
    definition = finder.find("a/msg/Top")
    types = get_types_from_msg(definition, "a/msg/Top")
    assert set(types) == set(texts)
    (tmp_path / "two/share/b/msg/Leaf.msg").unlink()
    assert finder.find("a/msg/Top") == "", "half a definition is none"
    assert finder.find("../../etc/passwd") == finder.find("a/msg/../x") == ""


def test_a_type_that_uses_itself_ends() -> None:
    assert concatenate("a/msg/A", {"a/msg/A": "A[] again\n"}.get).count("MSG:") == 0


def test_the_definition_is_that_of_the_standard_store() -> None:
    """What ROS installs and what rosbags knows are the same types: their hashes agree."""
    share = Path(os.environ.get("RRBRIDGE_ROS_VENV", Path(__file__).resolve().parents[2] / ".venv-ros-kilted"))
    finder = DefinitionFinder([share])
    if not (definition := finder.find("sensor_msgs/msg/Imu")):
        message = f"no ROS packages at {share}: run scripts/setup-ros-venv"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    ours = get_typestore(Stores.EMPTY)
    ours.register(get_types_from_msg(definition, "sensor_msgs/msg/Imu"))
    theirs = get_typestore(Stores.ROS2_KILTED)
    assert ours.hash_rihs01("sensor_msgs/msg/Imu") == theirs.hash_rihs01("sensor_msgs/msg/Imu")


PROFILE = {
    "history": "keep_last",
    "depth": 5,
    "reliability": "reliable",
    "durability": "transient_local",
    "liveliness": "automatic",
    "deadline": 1_500_000_000,
    "lifespan": 2**63 - 1,
    "liveliness_lease_duration": 2**63 - 1,
}


def test_quality_of_service_is_written_as_rosbag2_does() -> None:
    volatile = PROFILE | {"durability": "volatile"}
    text = offered_qos_profiles([PROFILE, volatile])
    first, second = yaml.safe_load(text)
    assert first["durability"] == "transient_local"
    assert first["deadline"] == {"sec": 1, "nsec": 500_000_000}
    assert first["lifespan"] == {"sec": 9223372036, "nsec": 854775807}
    assert second["durability"] == "volatile"
    assert is_latched([volatile, PROFILE])
    assert not is_latched([volatile])


def test_a_message_heard_twice_counts_once_and_is_not_kept(tmp_path: Path) -> None:
    worker = importlib.import_module("rclpy_worker")
    connection = worker.Connection(0, "/map", "nav_msgs/msg/OccupancyGrid", object)
    with (tmp_path / "pipe").open("wb") as file:
        pipe = worker.Pipe(file.fileno())
        for raw in (b"a" * 100_000, b"b" * 100_000, b"a" * 100_000):
            connection.add(raw, {"source_timestamp": 5, "received_timestamp": 6}, pipe, True)
    assert [payload[:1] for payload in connection.payloads] == [b"a", b"b"]
    assert len(repr(connection.recent.order)) < 1000


def session_of(tmp_path: Path, *frames_after_hello: bytes) -> RclpySession:
    """A session with a worker that says just this, and ends."""
    said = event(event="hello", python="3", distro="", rmw="none", domain="0", prefixes=[]) + b"".join(
        frames_after_hello
    )
    (tmp_path / "said").write_bytes(said)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec cat {tmp_path / 'said'}\n")
    python.chmod(0o755)
    return RclpySource().start(SourceOptions(ros_python=str(python)))


PUBLISHERS = [PROFILE | {"node": "n", "namespace": "/", "type": "own_msgs/msg/Own", "gid": "01", "hash": None}]
TOPIC = event(event="topic", topic="/own", types=["own_msgs/msg/Own"], publishers=PUBLISHERS)
SUBSCRIBED = event(event="subscribed", id=0, topic="/own", again=False, profiles=[])


def happenings(session: RclpySession) -> list[Event]:
    found = []
    for happening in session.events():
        if isinstance(happening, Discovered):
            session.subscribe(happening.topic, happening.msgtypes[0])
        found.append(happening)
    return found


def test_what_a_worker_says_becomes_events(tmp_path: Path) -> None:
    bye = event(event="bye", unsettled=[])
    discovered, announced, received, ended = happenings(
        session_of(tmp_path, TOPIC, SUBSCRIBED, messages(0, b"one", b"three"), bye)
    )
    assert discovered == Discovered(
        "/own", ("own_msgs/msg/Own",), frozenset({"01"}), ("/n",), "reliable, transient local"
    )
    assert isinstance(announced, Announced)
    assert announced.latched
    assert isinstance(received, Received)
    assert [received.batch.payload(i).tobytes() for i in range(2)] == [b"one", b"three"]
    assert received.batch.log_time_nanos.tolist() == [10, 11]
    assert received.batch.publish_time_nanos.tolist() == [5, 6]
    assert ended == Ended("")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (messages(0, b"one")[:-1], "ended after"),
        (b"Segmentation fault" * 2, "where a frame should begin"),
        (messages(9, b"one"), "connection 9"),
        (event(event="subscribed"), "lacks something"),
        (b"", "ended by itself"),
    ],
)
def test_a_worker_that_fails_half_way_costs_only_what_follows(tmp_path: Path, last: bytes, said: str) -> None:
    *before, ended = happenings(session_of(tmp_path, TOPIC, SUBSCRIBED, messages(0, b"whole"), last))
    assert isinstance(ended, Ended)
    assert said in ended.error
    assert isinstance(before[-1], Received)
    assert before[-1].batch.payload(0).tobytes() == b"whole"


def test_a_type_without_package_is_told_and_not_announced(tmp_path: Path) -> None:
    refused = event(
        event="refused", id=0, topic="/own", type="own_msgs/msg/Own", missing=True, text="no module own_msgs"
    )
    failed = event(event="failed", id=0, topic="/own", text="RCLError: no memory")
    bye = event(event="bye", unsettled=[])
    for ways, said in (((refused, bye), "source the workspace"), ((SUBSCRIBED, failed, bye), "no memory")):
        *_, told, ended = happenings(session_of(tmp_path, TOPIC, *ways))
        assert isinstance(told, Refused)
        assert (told.topic, told.msgtype) == ("/own", "own_msgs/msg/Own")
        assert said in told.reason
        assert ended == Ended("")


def test_a_worker_that_had_to_be_ended_is_no_orderly_end(tmp_path: Path) -> None:
    session = session_of(tmp_path, TOPIC, SUBSCRIBED, messages(0, b"whole"))
    session._closed = True
    *_, ended = happenings(session)
    assert ended == Ended("the rclpy worker was ended before it had handed over everything")


def test_an_end_that_cannot_be_known_is_told(tmp_path: Path) -> None:
    bye = event(event="bye", unsettled=[0])
    *_, notice, ended = happenings(session_of(tmp_path, TOPIC, SUBSCRIBED, messages(0, b"whole"), bye))
    assert isinstance(notice, Notice)
    assert (notice.topic, "is unknown" in notice.text) == ("/own", True)
    assert ended == Ended("")


class Middleware:
    """In the place of rclpy: one topic with reliable publishers, from which messages can be taken when the test says so."""

    def __init__(self) -> None:
        self.node_handle = SimpleNamespace(node_name="robot", node_namespace="/")
        self.due: list[tuple[float, bytes, dict[str, Any]]] = []  # (monotonic time from when on it can be taken, …)
        self.gids = [b"a"]

    def create_node(self, *_: object, **__: object) -> Middleware:
        return self

    def get_publishers_info_by_topic(self, _: str) -> list[SimpleNamespace]:
        word, duration = SimpleNamespace(name="KEEP_LAST"), SimpleNamespace(nanoseconds=0)
        profile = SimpleNamespace(
            history=word,
            depth=1,
            reliability=SimpleNamespace(name="RELIABLE"),
            durability=SimpleNamespace(name="VOLATILE"),
            liveliness=word,
            deadline=duration,
            lifespan=duration,
            liveliness_lease_duration=duration,
        )
        return [
            SimpleNamespace(
                node_name="robot", node_namespace="/", qos_profile=profile, topic_type="a/msg/A", endpoint_gid=gid
            )
            for gid in self.gids
        ]

    def destroy_subscription(self, _: object) -> None:
        self.due.clear()

    def take_message(self, *_: object) -> tuple[bytes, dict[str, Any]] | None:
        if not self.due or time.monotonic() < self.due[0][0]:
            return None
        return self.due.pop(0)[1:]

    def will_bring(
        self, payload: bytes, in_secs: float, published_secs: float, *, gid: bytes = b"a", sequence: int = -1
    ) -> None:
        """From `in_secs` on a message can be taken that was published then, both counted from now."""
        now = time.time_ns()
        info = {
            "source_timestamp": now + int(published_secs * 1e9),
            "received_timestamp": now + int(in_secs * 1e9),
            "publisher_gid": {"data": gid},
            "publication_sequence_number": sequence,
        }
        self.due.append((time.monotonic() + in_secs, payload, info))


def finished(
    monkeypatch: pytest.MonkeyPatch, middleware: Middleware, drain_secs: float
) -> tuple[list[bytes], list[int], float]:
    """What a worker hands over when it is told to stop, which connections it calls unsettled, and how long that takes."""
    monkeypatch.setitem(sys.modules, "rclpy.qos", ModuleType("rclpy.qos"))
    module = importlib.import_module("rclpy_worker")
    reading, writing = os.pipe()
    worker = module.Worker(middleware, module.Pipe(writing))
    connection = module.Connection(0, "/a", "a/msg/A", bytes)
    connection.subscriptions[True, False] = SimpleNamespace(handle=middleware, msg_type=bytes)
    connection.arrange()
    worker.connections[0] = connection
    began = time.monotonic()
    unsettled = importlib.import_module("rclpy_side.ending").Ending(worker).run(drain_secs)
    took_secs = time.monotonic() - began
    os.close(writing)
    payloads: list[bytes] = []
    with os.fdopen(reading, "rb") as stream:
        while (frame := read_frame(stream)) is not None:
            if isinstance(frame, MessageFrame):
                ends = np.cumsum(frame.records["size"])
                payloads += [
                    frame.payload[e - s : e].tobytes() for e, s in zip(ends, frame.records["size"], strict=True)
                ]
    return payloads, unsettled, took_secs


def test_at_the_stop_what_is_held_back_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    middleware = Middleware()
    for number in range(3):
        middleware.will_bring(b"before", -0.3 + number * 0.1, -0.3 + number * 0.1)
    middleware.will_bring(b"sent again", 0.3, -0.01)
    middleware.will_bring(b"later", 0.4, 0.2)
    middleware.will_bring(b"much later", 3.0, 3.0)
    payloads, unsettled, took_secs = finished(monkeypatch, middleware, 10.0)
    assert payloads == [b"before"] * 3 + [b"sent again"]
    assert unsettled == []
    assert took_secs < 9.0, "once a later message came, nothing earlier can be missing"


def test_the_sender_s_clock_may_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead_secs = 100.0
    middleware = Middleware()
    for number in range(3):
        middleware.will_bring(b"before", -0.2 + number * 0.1, ahead_secs - 0.2 + number * 0.1)
    middleware.will_bring(b"sent again", 0.3, ahead_secs - 0.05)
    middleware.will_bring(b"later", 0.4, ahead_secs + 0.3)
    payloads, _, _ = finished(monkeypatch, middleware, 10.0)
    assert payloads == [b"before"] * 3 + [b"sent again"]


def test_the_wait_is_bounded_and_what_stays_unknown_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    middleware = Middleware()
    for number in range(5):
        middleware.will_bring(b"before", 0, -0.1 + number * 0.01)
    payloads, unsettled, took_secs = finished(monkeypatch, middleware, 0.6)
    assert payloads == [b"before"] * 5
    assert unsettled == [0]
    assert took_secs >= 0.6


def test_publishers_that_are_gone_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    middleware = Middleware()
    middleware.gids = []
    middleware.will_bring(b"before", 0, -0.1)
    payloads, unsettled, took_secs = finished(monkeypatch, middleware, 30.0)
    assert (payloads, unsettled) == ([b"before"], [])
    assert took_secs < 25.0


def test_every_publisher_of_a_topic_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    middleware = Middleware()
    middleware.gids = [b"a", b"b"]
    for number in range(6):
        middleware.will_bring(b"%d" % number, -0.3 + number * 0.05, -0.3 + number * 0.05, gid=b"ab"[number % 2 :][:1])
    middleware.will_bring(b"a later", 0.2, 0.2)
    middleware.will_bring(b"b again", 0.6, -0.01, gid=b"b")
    middleware.will_bring(b"b later", 0.7, 0.5, gid=b"b")
    payloads, unsettled, _ = finished(monkeypatch, middleware, 10.0)
    assert (payloads, unsettled) == ([b"0", b"1", b"2", b"3", b"4", b"5", b"b again"], [])


def test_publishers_that_have_nothing_to_say_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    middleware = Middleware()
    middleware.gids = [b"a", b"b", b"c", b"never heard"]
    for gid, times in ((b"a", [-60.0]), (b"b", [-9.0, -5.0, -1.0]), (b"c", [-30.0, -29.9, -29.8])):
        for secs in times:
            middleware.will_bring(gid, secs, secs, gid=gid)
    payloads, unsettled, took_secs = finished(monkeypatch, middleware, 10.0)
    assert (len(payloads), unsettled) == (7, [])
    assert took_secs < 9.0


@pytest.mark.parametrize("trouble", ["late", "gap", "held back"])
def test_where_messages_get_lost_every_publisher_is_waited_for(monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    middleware = Middleware()
    middleware.gids = [b"a", b"b"]
    middleware.will_bring(b"b", -60.0, -60.0, gid=b"b")
    middleware.will_bring(b"a", -20.0, -20.0, sequence=1)
    if trouble == "late":
        middleware.will_bring(b"a", -18.0, -19.0, sequence=2)
    elif trouble == "gap":
        middleware.will_bring(b"a", -18.0, -18.0, sequence=3)
    else:
        for number in range(20):
            middleware.will_bring(b"a", -1.0 + number * 0.05, -1.0 + number * 0.05, sequence=number)
    middleware.will_bring(b"b again", 1.0, -1.0, gid=b"b")
    payloads, _, _ = finished(monkeypatch, middleware, 1.5)
    assert payloads[-1] == b"b again"
