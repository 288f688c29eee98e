"""`echo`, `hz`, `bw`, `tf` and `info` without a file: what a live session says, as the same commands say it of recordings."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from scripted_session import FakeSession
from waiting import until

from rrbridge_bridge.cli import main
from rrbridge_bridge.commands import _figures
from rrbridge_bridge.inspect import listening
from rrbridge_bridge.inspect.names import is_file_name
from rrbridge_bridge.inspect.rates import bandwidth_of, rate_of
from rrbridge_bridge.live import choose
from rrbridge_bridge.live.choose import Choice
from rrbridge_bridge.live.source import Ended, Received, SourceOptions
from rrbridge_bridge.raw import Connection, RawBatch

STORE = get_typestore(Stores.ROS2_HUMBLE)
SECOND = 10**9
START = 1_700_000_000 * SECOND


def connection(number: int, topic: str, msgtype: str) -> Connection:
    return Connection(number, topic, msgtype, "cdr", STORE.generate_msgdef(msgtype, 2)[0], "ros2msg")


CHATTER = connection(0, "/chatter", "std_msgs/msg/String")
POSE = connection(1, "/pose", "geometry_msgs/msg/PoseStamped")
TF = connection(2, "/tf", "tf2_msgs/msg/TFMessage")
STATIC = connection(3, "/tf_static", "tf2_msgs/msg/TFMessage")


def string(text: str) -> bytes:
    return bytes(STORE.serialize_cdr(STORE.types["std_msgs/msg/String"](text), "std_msgs/msg/String"))


def pose(x: float) -> bytes:
    types = STORE.types
    made = types["geometry_msgs/msg/PoseStamped"](
        header=types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](1, 2), "map"),
        pose=types["geometry_msgs/msg/Pose"](
            types["geometry_msgs/msg/Point"](x, 2.0, 3.0), types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        ),
    )
    return bytes(STORE.serialize_cdr(made, "geometry_msgs/msg/PoseStamped"))


def transform(parent: str, child: str, x: float) -> bytes:
    types = STORE.types
    edge = types["geometry_msgs/msg/TransformStamped"](
        header=types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](1_700_000_000, 0), parent),
        child_frame_id=child,
        transform=types["geometry_msgs/msg/Transform"](
            types["geometry_msgs/msg/Vector3"](x, 0.0, 0.0), types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
        ),
    )
    return bytes(STORE.serialize_cdr(types["tf2_msgs/msg/TFMessage"]([edge]), "tf2_msgs/msg/TFMessage"))


class Robot(FakeSession):
    """Answers a subscription with the connection of that topic, and then its messages."""

    def __init__(self) -> None:
        super().__init__()
        self.topics: dict[str, tuple[Connection, list[Received]]] = {}
        self._ends_after = 0

    def publishes(self, connection: Connection, payloads: list[bytes], times: Any = None) -> None:
        log_times = START + np.arange(len(payloads)) * SECOND // 10 if times is None else np.asarray(times)
        batches = [RawBatch.of(connection, [p], [t]) for p, t in zip(payloads, log_times, strict=True)]
        none = np.full(1, -1)
        self.topics[connection.topic] = (connection, [Received(batch, none, none) for batch in batches])

    def begin(self, *, after_secs: float = 0.0, ends_after: int = 0) -> None:
        """Be found, and end when so many topics were subscribed to."""
        self._events = queue.Queue()  # whoever listened before hears no more
        self._ends_after = ends_after

        def appear() -> None:
            time.sleep(after_secs)
            for connection, _ in self.topics.values():
                self.discover(connection.topic, connection.msgtype)

        threading.Thread(target=appear, daemon=True).start()

    def subscribe(self, topic: str, msgtype: str) -> None:
        super().subscribe(topic, msgtype)
        connection, batches = self.topics[topic]
        self.announce(connection)
        for batch in batches:
            self.tell(batch)
        self._ends_after -= 1
        if not self._ends_after:
            self.tell(Ended())


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Robot:
    robot = Robot()

    class Source:
        name, priority = "fake", 0

        def signs(self, _: Mapping[str, str]) -> str:
            return "it is"

        def start(self, _: SourceOptions) -> Robot:
            return robot

    monkeypatch.setattr(choose, "choose", lambda *_: Choice(Source(), "", ""))
    return robot


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(list(map(str, arguments)))
        told = capfd.readouterr()
        return code, told.out, told.err

    return run


Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("text", "is_file"),
    [
        ("/scan", False),
        ("scan", False),
        ("/camera/image_raw", False),
        ("odom/pose/pose", False),
        ("scan/ranges[0]", False),
        ("run.mcap", True),
        ("/data/run.bag", True),
        ("/data/run.db3.zstd", True),
        ("runs-of-today", True),
        ("./scan", True),
        (str(Path(__file__).parent), True),
    ],
)
def test_a_name_is_a_file_or_a_topic(text: str, is_file: bool) -> None:
    assert is_file_name(text) == is_file


def test_a_folder_with_the_name_of_a_topic_is_a_folder_unless_told(
    robot: Robot, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chatter").mkdir()
    robot.publishes(CHATTER, [string("hello")])
    robot.begin()
    code, _, told = run("echo", "chatter", "/chatter")
    assert code == 1
    assert "chatter" in told
    assert not robot.asked
    assert run("echo", "chatter", "--live", "--once") == (0, "data: hello\n---\n", "")


def test_messages_are_printed_as_they_arrive(robot: Robot, run: Run) -> None:
    robot.publishes(CHATTER, [string(f"number {i}") for i in range(3)])
    robot.begin(after_secs=0.2)
    assert run("echo", "/chatter", "-n", "2") == (0, "data: number 0\n---\ndata: number 1\n---\n", "")
    assert robot.asked == [("/chatter", "std_msgs/msg/String")]


def test_a_part_of_each_message(robot: Robot, run: Run) -> None:
    robot.publishes(POSE, [pose(0.5), pose(1.5)])
    robot.begin(ends_after=1)
    code, out, _ = run("echo", "pose/pose/position", "--csv")
    assert (code, out) == (0, f"log_time_nanos,x,y,z\n{START},0.5,2.0,3.0\n{START + SECOND // 10},1.5,2.0,3.0\n")


def test_what_live_and_recorded_messages_print_is_the_same(robot: Robot, run: Run, tmp_path: Path) -> None:
    payloads = [pose(i / 8) for i in range(20)]
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        channel = writer.add_connection("/pose", POSE.msgtype, typestore=STORE)
        for i, payload in enumerate(payloads):
            writer.write(channel, START + i * SECOND // 10, payload)
    robot.publishes(POSE, payloads)
    for how in ("--json", "--flow-style", "--csv"):
        robot.begin()
        assert run("echo", "/pose", how, "-n", "20") == run("echo", tmp_path / "bag", "/pose", how)


def test_messages_that_cannot_be_read_are_counted(robot: Robot, run: Run) -> None:
    unknown = Connection(0, "/odd", "my_msgs/msg/Odd", "cdr")
    robot.publishes(unknown, [b"\0\1\0\0abc"] * 3)
    robot.begin(ends_after=1)
    code, out, told = run("echo", "/odd")
    assert (code, out) == (3, "")
    assert "3 messages of /odd cannot be read" in told


def test_a_topic_that_nobody_publishes_is_told_with_what_is_near(robot: Robot, run: Run) -> None:
    robot.publishes(CHATTER, [])
    robot.begin()
    code, out, told = run("echo", "/chater", "--for", "1")
    assert (code, out) == (1, "")
    assert "nobody publishes /chater on fake; there is /chatter" in told


@pytest.mark.parametrize("command", [["info", "todays_run"], ["hz", "todays_run", "--for", "0.3"]])
def test_a_file_that_is_not_there_is_told_too(robot: Robot, run: Run, command: list[str]) -> None:
    robot.publishes(CHATTER, [])
    robot.begin()
    code, _, told = run(*command)
    assert code == 1
    assert "there is no file todays_run, so it was looked for on the robot: nobody publishes todays_run" in told


def test_what_comes_too_fast_is_dropped_and_told(robot: Robot, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "HELD_BYTES", 1000)
    robot.publishes(CHATTER, [string("x" * 600) for _ in range(50)])
    robot.begin()
    heard = listening.Listening(robot, lambda *_: True)
    until(lambda: heard.dropped >= 49)
    assert (len(heard.take(0)), heard.dropped) == (1, 49)
    assert [note.is_loss for note in heard.notes] == [True]
    robot.close()


@pytest.mark.parametrize(("name", "figure_of"), [("hz", lambda times, sizes: rate_of(times)), ("bw", bandwidth_of)])
def test_figures_are_those_of_the_same_messages(
    robot: Robot, run: Run, name: str, figure_of: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(1)
    times = START + np.cumsum(rng.integers(1, SECOND // 5, 300))
    payloads = [string("x" * int(n)) for n in rng.integers(0, 99, 300)]
    robot.publishes(CHATTER, payloads, times)
    robot.publishes(POSE, [pose(1.0)])
    robot.begin(ends_after=2)
    code, out, _ = run(name)
    sizes = np.array([len(payload) for payload in payloads])
    assert code == 0
    assert f"/chatter\n{figure_of(times, sizes)}\n" in out
    robot.begin(ends_after=1)
    code, out, _ = run(name, "/chatter", "--json", "--window", "100")
    last = json.loads(out.splitlines()[-1])
    expected = figure_of(times[-100:], sizes[-100:])
    assert (last["topic"], last["messages"], last["total"]) == ("/chatter", 100, 300)
    assert last.get("hertz", last.get("mean_bytes")) == getattr(
        expected, "hertz", getattr(expected, "mean_bytes", None)
    )


def test_a_topic_that_falls_silent_is_told(robot: Robot, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_figures, "SHOWN_SECS", 0.1)
    robot.publishes(CHATTER, [string("a"), string("b")])
    robot.begin()
    code, out, _ = run("hz", "/chatter", "--for", "1.5")
    assert code == 0
    assert "no new messages" in out
    assert out.count("average rate: 10.000") == 2


@pytest.mark.parametrize("name", ["echo", "hz", "bw"])
def test_what_is_for_recordings_is_refused(robot: Robot, run: Run, name: str) -> None:
    code, _, told = run(name, "/chatter", "--start", "+1s")
    assert code == 2
    assert "--start and --end are for recordings" in told
    assert not robot.asked


def test_frames_as_they_come(robot: Robot, run: Run, tmp_path: Path) -> None:
    moving = [transform("map", "base_link", i / 10) for i in range(11)]
    robot.publishes(TF, moving)
    robot.publishes(STATIC, [transform("base_link", "laser", 0.25)])
    robot.begin(ends_after=2)
    code, out, _ = run("tf", "--json")
    assert code == 0
    parents = {child: parent for child, parent in json.loads(out)["parents"].items() if parent}
    assert parents == {"base_link": "map", "laser": "base_link"}
    robot.begin(ends_after=2)
    code, out, _ = run("tf", "map", "laser", "--json")
    found = json.loads(out.splitlines()[-1])
    assert code == 0
    assert found["translation"] == pytest.approx([1.25, 0, 0])
    assert found["chain"] == ["map", "base_link", "laser"]


def test_frames_that_are_not_connected_are_waited_for(robot: Robot, run: Run) -> None:
    robot.publishes(TF, [transform("map", "base_link", 1.0)])
    robot.begin(ends_after=1)
    code, out, told = run("tf", "map", "camera")
    assert (code, out) == (1, "")
    assert "waiting: " in told
    assert "camera" in told


def test_topics_and_who_publishes_them(robot: Robot, run: Run) -> None:
    robot.publishes(CHATTER, [])
    robot.publishes(replace(POSE, topic="/_hidden"), [])
    robot.begin()
    code, out, _ = run("info", "--json")
    assert code == 0
    assert [(one["topic"], one["msgtypes"], one["publishers"]) for one in json.loads(out)] == [
        ("/chatter", ["std_msgs/msg/String"], 1)
    ]
    assert not robot.asked
    robot.begin()
    code, out, _ = run("info", "/_hidden")
    assert (code, "/_hidden" in out, "/chatter" in out) == (0, True, False)
