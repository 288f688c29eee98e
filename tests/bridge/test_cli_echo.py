"""`rrbridge echo`, `hz` and `bw` as a person runs them, against what `rosbags` reads of the same recordings."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Nodetype
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge.errors import FileError, InvalidValueError, RrbridgeError
from rrbridge_bridge.commands.bw import bw
from rrbridge_bridge.commands.echo import echo
from rrbridge_bridge.commands.hz import hz
from rrbridge_bridge.inspect.names import near_names, resolve
from rrbridge_bridge.inspect.text import csv_line, json_line, yaml_text
from rrbridge_bridge.inspect.values import Style, parse_path, shortened

RECORDINGS = [
    "locusrobotics+fuse/turtlebot3.bag",
    "cra-ros-pkg+robot_localization/test2.bag",
    "cmu-rss-lab+roswire/example.bag",
    "Surya-Sriramoju+gazebo_walker/rosbag",
    "case-a2+stat-ros2-package/ur3_move/ur3_move_0.db3",
    "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap",
    "AIT-Assistive-Autonomous-Systems+ros2bag_tools/diagnostics.bag/diagnostics.bag_0.db3",
    "jsk-ros-pkg+jsk_recognition/bunny_marker_array.bag",
]
SAMPLED = 3
LARGE_BYTES = 50_000
"""Comparing longer texts takes long and says no more."""
NOETIC = get_typestore(Stores.ROS1_NOETIC)


def run(command: click.Command, *arguments: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(command, list(map(str, arguments)), standalone_mode=False)
    if done.exception:
        raise done.exception
    assert (done.return_value or 0) == code, done.output
    return str(done.stdout)


def plain(value: Any, store: Any, kind: Any = None) -> Any:
    """A message of `rosbags` as values, the slow and plain way; an octet is a character."""
    if hasattr(value, "__msgtype__"):
        fields = store.fielddefs[value.__msgtype__][1]
        empty = "structure_needs_at_least_one_member"
        return {name: plain(getattr(value, name), store, k) for name, k in fields if name != empty}
    node, argument = kind
    if node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        return [plain(item, store, argument[0]) for item in value]
    if node == Nodetype.BASE and argument[0] in ("byte", "octet") and int(value) >= 0:
        return chr(int(value))
    return value.item() if isinstance(value, np.generic) else value


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    return type(a) is type(b) and bool(a == b)


def sampled(path: Path) -> Iterator[tuple[str, list[Any], int]]:
    """`(topic, first messages as rosbags decodes them, how many there are)` of each topic with one type."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    with AnyReader([path], default_typestore=store) as reader:
        topics = {c.topic for c in reader.connections}
        for topic in sorted(topics):
            own = [c for c in reader.connections if c.topic == topic]
            if len({c.msgtype for c in own}) > 1 or own[0].msgtype not in reader.typestore.types:
                continue
            count = sum(c.msgcount for c in own)
            first: list[Any] = []
            if len(own) == 1:  # with several, rosbags sorts by time, and the file's order may be another
                for connection, _, data in reader.messages(own):
                    if len(data) > LARGE_BYTES:
                        break
                    first.append(plain(reader.deserialize(data, connection.msgtype), reader.typestore))
                    if len(first) == SAMPLED:
                        break
            yield topic, first, count


@pytest.mark.real_data
@pytest.mark.parametrize("name", RECORDINGS)
def test_echo_prints_what_rosbags_reads(shared_data: Path, name: str) -> None:
    path = shared_data / name
    compared = 0
    for topic, first, count in sampled(path):
        if not first:
            continue
        printed = run(echo, path, topic, "-f", "-n", str(SAMPLED))
        assert printed.count("---\n") == min(SAMPLED, count)
        found = list(yaml.load_all(printed.removesuffix("---\n"), yaml.CSafeLoader))
        assert all(map(same, first, found)), topic
        as_json = [json.loads(line) for line in run(echo, path, topic, "--json", "--once").splitlines()]
        assert as_json[0]["topic"] == topic
        flat = run(echo, path, topic, "--csv", "-f", "--once").split("\n", 1)
        row = next(csv.reader(io.StringIO(flat[1])))
        assert len(row) == len(next(csv.reader(io.StringIO(flat[0]))))
        compared += 1
    assert compared


@pytest.mark.real_data
@pytest.mark.parametrize("name", RECORDINGS[:6])
def test_rates_and_sizes_are_those_of_all_messages(shared_data: Path, name: str) -> None:
    path = shared_data / name
    times: dict[str, list[int]] = defaultdict(list)
    sizes: dict[str, list[int]] = defaultdict(list)
    with AnyReader([path], default_typestore=NOETIC) as reader:
        for connection, time, data in reader.messages():
            times[connection.topic].append(time)
            sizes[connection.topic].append(len(data))
    rates = {one["topic"]: one for one in map(json.loads, run(hz, path, "--json").splitlines())}
    widths = {one["topic"]: one for one in map(json.loads, run(bw, path, "--json").splitlines())}
    assert rates.keys() == widths.keys() == times.keys()
    for topic, own in times.items():
        assert rates[topic]["messages"] == widths[topic]["messages"] == len(own)
        steps = np.diff(np.sort(own)) / 1e9
        if len(own) > 1 and steps.sum():
            assert rates[topic]["hertz"] == pytest.approx(1 / steps.mean())
            assert rates[topic]["max_secs"] == pytest.approx(steps.max())
            assert rates[topic]["std_dev_secs"] == pytest.approx(steps.std(), rel=1e-6, abs=1e-9)
            assert widths[topic]["bytes_per_sec"] == pytest.approx(sum(sizes[topic]) / steps.sum())
            assert (widths[topic]["min_bytes"], widths[topic]["max_bytes"]) == (min(sizes[topic]), max(sizes[topic]))


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Two topics, of twenty poses at 10 Hz and five scans at 2 Hz."""
    path = tmp_path / "run.bag"
    types = NOETIC.types
    with BagWriter(path) as writer:
        pose = writer.add_connection("/robot/pose", "geometry_msgs/msg/Point", typestore=NOETIC)
        scan = writer.add_connection("/scan", "std_msgs/msg/Float64MultiArray", typestore=NOETIC)
        layout = types["std_msgs/msg/MultiArrayLayout"](dim=[], data_offset=0)
        for i in range(20):
            point = types["geometry_msgs/msg/Point"](x=i / 2, y=float("nan"), z=float("inf"))
            writer.write(pose, i * 10**8, NOETIC.serialize_ros1(point, pose.msgtype))
            if i % 5 == 0:
                array = types["std_msgs/msg/Float64MultiArray"](layout=layout, data=np.arange(300.0))
                writer.write(scan, i * 10**8, NOETIC.serialize_ros1(array, scan.msgtype))
    return path


def test_echo_cuts_and_chooses_as_asked(bag: Path) -> None:
    cut = yaml.safe_load(run(echo, bag, "/scan", "--once").removesuffix("---\n"))
    assert len(cut["data"]) == 129
    assert cut["data"][-1] == "..."
    assert "data: '<sequence type: double, length: 300>'\n" in run(echo, bag, "scan", "--once", "--no-arr")
    assert run(echo, bag, "/scan/data[299]", "-n", "2") == "299.0\n---\n299.0\n---\n"
    assert run(echo, bag, "/scan/data[300]", "--once") == "null\n---\n"
    assert (
        run(echo, bag, "/robot/pose", "--field", "x", "--start", "+1.05s", "--end", "+1.3s")
        == "5.5\n---\n6.0\n---\n6.5\n---\n"
    )
    assert run(echo, bag, "/robot/pose", "--once", "--flow-style") == "{x: 0.0, y: .nan, z: .inf}\n---\n"
    assert json.loads(run(echo, bag, "/robot/pose", "--once", "--json")) == {
        "topic": "/robot/pose",
        "type": "geometry_msgs/msg/Point",
        "log_time_nanos": 0,
        "message": {"x": 0.0, "y": "NaN", "z": "Infinity"},
    }
    assert run(echo, bag, "/robot/pose", "--csv", "-n", "2").splitlines() == [
        "log_time_nanos,x,y,z",
        "0,0.0,nan,inf",
        "100000000,0.5,nan,inf",
    ]


def test_two_files_are_read_one_after_the_other(bag: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.bag"
    again.write_bytes(bag.read_bytes())
    assert run(echo, bag, again, "/robot/pose", "--field", "x").count("---") == 40
    assert run(hz, bag, again, "/scan").startswith("average rate: ")


def test_hz_and_bw_speak_as_those_of_ros(bag: Path) -> None:
    assert run(hz, bag, "/robot/pose") == (
        "average rate: 10.000\n\tmin: 0.100s max: 0.100s std dev: 0.00000s window: 20\n"
    )
    assert (
        run(bw, bag, "/scan") == "6.43 KB/s from 4 messages\n\tMessage size mean: 2.41 KB min: 2.41 KB max: 2.41 KB\n"
    )
    stretches = run(hz, bag, "/robot/pose", "--window", "10").splitlines()
    assert [line for line in stretches if line.startswith("/")] == ["/robot/pose at +0.000s", "/robot/pose at +1.000s"]
    assert len(run(hz, bag).splitlines()) == 6


def test_what_is_not_there_is_named_with_what_is_near(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="/robot/pose"):
        run(echo, bag, "/robot/posee")
    with pytest.raises(InvalidValueError, match="for example /robot/pose"):
        run(hz, bag, "/pose")
    with pytest.raises(InvalidValueError, match="one of x, y, z"):
        run(echo, bag, "/robot/pose", "--field", "frame")
    with pytest.raises(InvalidValueError, match="--field"):
        run(echo, bag, "/scan", "--field", "data[x]")
    with pytest.raises(RrbridgeError, match="no message of /scan between these times"):
        run(echo, bag, "/scan", "--start", "+100s")
    with pytest.raises(FileError, match="no such file"):
        run(echo, tmp_path / "none.bag", "/scan")
    with pytest.raises(click.UsageError, match="Name one topic"):
        run(echo, bag)


def test_a_bag_and_its_recording_print_the_same(bag: Path, tmp_path: Path) -> None:
    from rrbridge_bridge.commands.convert import convert

    recording = tmp_path / "run.rrd"
    run(convert, bag, "-o", recording)
    for arguments in (["/scan"], ["/robot/pose", "-n", "3"], ["/robot/pose/x"]):
        assert run(echo, recording, *arguments) == run(echo, bag, *arguments)
    assert run(hz, recording, "/robot/pose") == run(hz, bag, "/robot/pose")


@pytest.mark.real_data
def test_bytes_that_a_recording_kept_print_the_same(shared_data: Path, tmp_path: Path) -> None:
    """Images too, whose pixels are in no field."""
    from rrbridge_bridge.commands.convert import convert

    path, recording = shared_data / "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap", tmp_path / "run.rrd"
    run(convert, path, "--raw", "-o", recording)
    for topic in ("/image", "/imu", "/point_cloud2", "/camera_info"):
        printed = run(echo, path, topic, "-n", "2")
        assert "header:" in printed
        assert run(echo, recording, topic, "-n", "2") == printed


@pytest.mark.real_data
def test_rates_and_sizes_of_a_recording_are_those_of_its_messages(shared_data: Path, tmp_path: Path) -> None:
    """A message is in several chunks: its bytes, its fields, what is drawn of it."""
    from rrbridge_bridge.commands.check import check
    from rrbridge_bridge.commands.convert import convert

    path = shared_data / "rerun-io+rerun/rosbag2_2025_09_10-13_03_56_0.mcap"
    kept, fields = tmp_path / "kept.rrd", tmp_path / "fields.rrd"
    run(convert, path, "--raw", "-o", kept)
    run(convert, path, "-o", fields)

    def told(command: click.Command, recording: Path) -> dict[str, dict[str, Any]]:
        return {one["topic"]: one for one in map(json.loads, run(command, recording, "--json").splitlines())}

    for command, recording in ((hz, kept), (bw, kept), (hz, fields)):
        expected, found = told(command, path), told(command, recording)
        assert {topic: found[topic] for topic in expected} == expected
    heads = [run(check, one, code=3).splitlines()[0].split(", ", 1)[1] for one in (kept, path)]
    assert heads[0].split(":")[0] == heads[1].split(":")[0]


def test_what_a_program_logged_prints_its_components(tmp_path: Path) -> None:
    path = tmp_path / "own.rrd"
    stream = rr.RecordingStream("robot", recording_id="own")
    stream.save(path)
    for i in range(2):
        stream.set_time("log_time", timestamp=float(i))
        stream.log("speed", rr.Scalars([i / 2]))
    stream.disconnect()
    assert run(echo, path, "speed") == "Scalars:scalars:\n- 0.0\n---\nScalars:scalars:\n- 0.5\n---\n"
    assert run(echo, path, "/speed", "--field", "Scalars:scalars[0]") == "0.0\n---\n0.5\n---\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"level": "\0", "name": "a: b"}, "level: \"\\0\"\nname: 'a: b'\n"),
        ({"data": []}, "data: []\n"),
        ({"x": 1e300, "y": [1, 2]}, "x: 1.0e+300\ny:\n- 1\n- 2\n"),
        ("hé", "hé\n"),
        (3, "3\n"),
    ],
)
def test_yaml_is_spelled_as_ros_spells_it(value: Any, text: str) -> None:
    assert yaml_text(value) == text


def test_yaml_is_what_the_tools_of_ros_make_of_it() -> None:
    """They dump with Python's own library and these options; ours is mostly the C library's text."""
    rng = np.random.default_rng(0)
    letters = list("abc :-#'\"\\\n\t%&*!|>{}[],?@`\0\aé漢😀\u2028~=0189.eEyYnN")
    for _ in range(500):
        text = "".join(rng.choice(letters, rng.integers(0, 12)))
        value = {"data": text, "l": [text, 1.5, float(rng.normal() * 10.0 ** rng.integers(-30, 30))], "m": {"x": []}}
        for flow in (False, True):
            want = yaml.dump(value, allow_unicode=True, width=sys.maxsize, sort_keys=False, default_flow_style=flow)
            assert yaml_text(value, flow=flow) == want


def test_texts_of_odd_values() -> None:
    assert csv_line({"a": 'say "x", y', "b": [True, None]}) == '"say ""x"", y",True,'
    assert json_line([float("-inf"), b"\xff"]) == '["-Infinity", "ÿ"]'
    assert shortened({"a": [1, 2, 3], "b": "long", "c": b"ab"}, Style(2)) == {
        "a": [1, 2, "..."],
        "b": "lo...",
        "c": "ab",
    }
    assert parse_path("a.b[2].c") == ("a", "b", 2, "c")
    assert resolve("tf/transforms[0].child_frame_id", {"/tf"}).field == "transforms[0].child_frame_id"
    assert near_names("/cam/image", ["/camera/image", "/imu"])[0] == "/camera/image"


def test_topics_are_completed(bag: Path) -> None:
    from click.shell_completion import ShellComplete

    complete = ShellComplete(echo, {}, "echo", "_ECHO_COMPLETE").get_completions
    assert [item.value for item in complete([str(bag)], "/r")] == ["/robot/pose"]
    assert [item.type for item in complete([], "ru")] == ["file"]


def test_a_reader_that_goes_away_is_no_failure(bag: Path) -> None:
    program = "import sys; from rrbridge_bridge.commands.echo import echo; sys.exit(echo(standalone_mode=False))"
    command = [sys.executable, "-c", program, str(bag), "/scan", "-f"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "layout:\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait() == 0
