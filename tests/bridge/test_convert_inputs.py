"""`rrbridge convert` of anything: files of every kind, folders, several at once, two robots, clocks that were wrong."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge._messages import StoreKind
from rrbridge.errors import InvalidValueError
from rrbridge.rrd import RrdReader
from rrbridge_bridge.cli import main
from rrbridge_bridge.retiming import parse_alias
from rrbridge_bridge.run_id import recording_id
from rrbridge_bridge.times import parse_offset, parse_time
from rrbridge_bridge.topic_patterns import topic_pattern

STORE = get_typestore(Stores.ROS2_HUMBLE)
TURTLE = "locusrobotics+fuse/turtlebot3.bag"
SO100 = "TheRobotStudio+SO-ARM100/Simulation/SO100"
START = 1_700_000_000 * 10**9


def write_bag(folder: Path, *, seconds: int = 10, start_nanos: int = START, value: float = 0.0) -> Path:
    """Poses with a frame and a stamp, and a number, each second."""
    number, pose = STORE.types["std_msgs/msg/Float64"], STORE.types["geometry_msgs/msg/PoseStamped"]
    with Writer(folder, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        numbers = writer.add_connection("/number", number.__msgtype__, typestore=STORE)
        poses = writer.add_connection("/pose", pose.__msgtype__, typestore=STORE)
        for i in range(seconds):
            at = start_nanos + i * 10**9
            writer.write(numbers, at, STORE.serialize_cdr(number(data=value + i), number.__msgtype__))
            writer.write(poses, at, STORE.serialize_cdr(a_pose(at), pose.__msgtype__))
    return next(folder.glob("*.mcap"))


def a_pose(at_nanos: int) -> Any:
    types = STORE.types
    header = types["std_msgs/msg/Header"](
        stamp=types["builtin_interfaces/msg/Time"](sec=at_nanos // 10**9, nanosec=at_nanos % 10**9), frame_id="map"
    )
    pose = types["geometry_msgs/msg/Pose"](
        position=types["geometry_msgs/msg/Point"](x=1.0, y=2.0, z=3.0),
        orientation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
    )
    return types["geometry_msgs/msg/PoseStamped"](header=header, pose=pose)


def converted(capsys: Any, *arguments: object, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["convert", *map(str, arguments), "--json"]) == code, capsys.readouterr().err
    told = json.loads(capsys.readouterr().out)
    assert isinstance(told, dict)
    return told


def numbers(path: Path, entity: str, timeline: str = "message_log_time") -> list[tuple[int, float]]:
    store = rr.open(path).store  # type: ignore[union-attr]
    return sorted(
        (int(at), cell[0])
        for chunk in store.iter_chunks()
        if chunk.entity_path == entity and "Scalars:scalars" in chunk.components
        for at, cell in zip(
            chunk.times[timeline].values, chunk.components["Scalars:scalars"].cells.to_pylist(), strict=True
        )
    )


@pytest.mark.real_data
def test_a_folder_of_everything_is_one_recording(
    shared_data: Path, tmp_path: Path, capsys: Any, verified: Callable[[Path], None]
) -> None:
    folder, output = tmp_path / "run", tmp_path / "run.rrd"
    folder.mkdir()
    shutil.copy(shared_data / TURTLE, folder / "turtle.bag")
    shutil.copytree(shared_data / SO100, folder / "arm")
    (folder / "cam").mkdir()
    for n in range(3):
        shutil.copy(shared_data / "pypi+scikit-image/coins.png", folder / f"cam/{n}.png")
    shutil.copy(shared_data / "pypi+gradio/a.mp4", folder / "a.mp4")
    (folder / "imu.csv").write_text("timestamp [ns],wx\n1403636579763555584,0.5\n")
    (folder / "notes.md").write_text("beside other things, a text is about them")
    told = converted(capsys, folder, "-o", output)
    verified(output)
    recording = rr.open(output)
    entities = set(recording.entities())
    assert entities >= {"/scan", "/odom", "/cam", "/a.mp4", "/imu/wx"}
    assert any(entity.startswith(("/so_arm100/", "/so100/")) for entity in entities), entities
    assert not any("stl" in entity or "notes" in entity for entity in entities)
    by_topic = {topic["topic"]: topic for topic in told["topics"]}
    assert by_topic["/cam"]["messages"] == 3
    assert by_topic["/cam"]["archetypes"] == ["EncodedImage"]
    assert (by_topic["/imu/wx"]["mapped_by"], by_topic["/imu/wx"]["type"]) == ("CSV", "Scalars")
    assert told["input_bytes"] == sum(
        p.stat().st_size for p in folder.rglob("*") if p.is_file() and p.suffix not in (".stl", ".md")
    )
    assert [note for note in told["notes"] if "left alone" in note] == []


def test_two_robots_are_one_recording(tmp_path: Path, capsys: Any, verified: Callable[[Path], None]) -> None:
    first, second = write_bag(tmp_path / "a"), write_bag(tmp_path / "b", value=100.0)
    output = tmp_path / "both.rrd"
    told = converted(capsys, "--prefix", "/robot1", first, "--prefix", "/robot2", second, "-o", output)
    verified(output)
    assert {t["entity"]: t["messages"] for t in told["topics"]} == {
        f"/robot{n}/{name}": 10 for n in (1, 2) for name in ("number", "pose")
    }
    assert [value for _, value in numbers(output, "/robot2/number")] == [100.0 + i for i in range(10)]
    store = rr.open(output).store  # type: ignore[union-attr]
    frames = {
        (chunk.entity_path, cell[0])
        for chunk in store.iter_chunks()
        if "CoordinateFrame:frame" in chunk.components
        for cell in chunk.components["CoordinateFrame:frame"].cells.to_pylist()
    }
    assert frames == {("/robot1/pose", "robot1/map"), ("/robot2/pose", "robot2/map")}
    channels = [
        cell[0]
        for chunk in store.iter_chunks()
        if "McapChannel:id" in chunk.components
        for cell in chunk.components["McapChannel:id"].cells.to_pylist()
    ]
    assert len(channels) == len(set(channels)) == 4
    assert told["recording_id"] not in (recording_id(first), recording_id(second))


@pytest.mark.parametrize(
    ("arguments", "prefixes"),
    [
        (["--prefix", "r", "A", "B"], ["/r", "/r"]),
        (["A", "B", "--prefix", "r"], ["/r", "/r"]),
        (["A", "--prefix", "r", "B"], ["", "/r"]),
        (["--prefix", "q", "A", "--prefix=r", "B"], ["/q", "/r"]),
        (["A", "--prefix", "q", "B", "--prefix", "r"], ["/r", "/q"]),
    ],
)
def test_a_prefix_is_for_what_follows(arguments: list[str], prefixes: list[str], tmp_path: Path, capsys: Any) -> None:
    paths = {name: tmp_path / f"{name}.csv" for name in "AB"}
    for name, path in paths.items():
        path.write_text(f"time,{name}\n1,2\n")
    told = converted(capsys, *(paths.get(word, word) for word in arguments), "-o", tmp_path / "out.rrd")
    assert [t["entity"] for t in told["topics"]] == sorted(
        f"{prefix}/{name}/{name}" for name, prefix in zip("AB", prefixes, strict=True)
    )


def test_parts_of_a_run_keep_its_id_and_order(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for n in range(11):
        part = write_bag(tmp_path / f"p{n}", seconds=2, start_nanos=START + 2 * n * 10**9, value=2.0 * n)
        part.rename(folder / f"logs_{n}.mcap")
    output = tmp_path / "run.rrd"
    told = converted(capsys, *sorted(folder.iterdir()), "-o", output)
    assert told["recording_id"] == recording_id(folder)
    assert numbers(output, "/number") == [(START + i * 10**9, float(i)) for i in range(22)]


def test_recordings_keep_what_they_are(tmp_path: Path, capsys: Any) -> None:
    """An .rrd alone keeps ids and properties; with others it joins them. Layouts come along."""
    import rrbridge.blueprint as rrb

    source, layout = tmp_path / "sdk.rrd", tmp_path / "layout.rbl"
    with rr.RecordingStream("my_app", recording_id="mine") as recording:
        recording.save(source)
        recording.send_recording_name("a name")
        recording.set_time("tick", sequence=1)
        recording.log("/points", rr.Points3D([[1, 2, 3]]))
    rrb.Blueprint(rrb.Spatial3DView(origin="/")).save("my_app", layout)
    output = tmp_path / "out.rrd"
    told = converted(capsys, source, "-o", output)
    assert (told["application_id"], told["recording_id"]) == ("my_app", "mine")
    before, after = rr.open(source), rr.open(output)
    assert after.entities() == before.entities()
    for chunk in before.store.iter_chunks():  # type: ignore[union-attr]
        assert any(chunk.components == other.components or _same(chunk, other) for other in after.store.iter_chunks())  # type: ignore[union-attr]
    bag = write_bag(tmp_path / "bag")
    told = converted(capsys, bag, "--prefix", "sim", source, layout, "-o", output, "--force")
    assert told["application_id"] == "rrbridge"
    assert {"/number", "/sim/points"} <= set(rr.open(output).entities())
    stores = {message.store_id for message in RrdReader(output).messages()}
    assert {store.application_id for store in stores} == {"rrbridge"}
    assert sum(store.kind is StoreKind.BLUEPRINT for store in stores) == 1


def _same(a: Any, b: Any) -> bool:
    return bool(
        a.entity_path == b.entity_path
        and a.components.keys() == b.components.keys()
        and all(column.cells.equals(b.components[name].cells) for name, column in a.components.items())
    )


def test_a_clock_that_was_wrong(tmp_path: Path, capsys: Any) -> None:
    """Its times are moved before anything is cut; what a message says itself stays."""
    first, second = write_bag(tmp_path / "a"), write_bag(tmp_path / "b", start_nanos=START - 3600 * 10**9, value=100.0)
    output = tmp_path / "out.rrd"
    told = converted(
        capsys, first, "--prefix", "b", "--offset", "3600.5s", second, "-o", output, "--start", "+2s", "--end", "-1s"
    )
    assert numbers(output, "/number") == [(START + i * 10**9, float(i)) for i in range(2, 9)]
    assert numbers(output, "/b/number") == [(START + i * 10**9 + 500_000_000, 100.0 + i) for i in range(2, 9)]
    assert told["start_nanos"] == START + 2 * 10**9
    assert told["end_nanos"] == START + 8_500_000_000
    store = rr.open(output).store  # type: ignore[union-attr]
    (stamps,) = [
        c.times["ros2_timestamp"].values
        for c in store.iter_chunks()
        if c.entity_path == "/b/pose" and "ros2_timestamp" in c.times
    ][:1]
    assert stamps[0] == START + 2_500_000_000


def test_timelines_that_are_one(tmp_path: Path, capsys: Any) -> None:
    bag = write_bag(tmp_path / "bag")
    table = tmp_path / "imu.csv"
    table.write_text("time,wx\n" + "".join(f"{1_700_000_000 + i}.25,{i}\n" for i in range(10)))
    elapsed = tmp_path / "temperature.csv"
    elapsed.write_text("t,c\n0.5,20\n")
    output = tmp_path / "out.rrd"
    told = converted(
        capsys,
        bag,
        table,
        elapsed,
        "-o",
        output,
        "--timeline",
        "message_log_time=time",
        "--timeline",
        "t=message_log_time",
    )
    assert numbers(output, "/imu/wx") == [(START + i * 10**9 + 250_000_000, float(i)) for i in range(10)]
    assert numbers(output, "/number", "time") == [(START + i * 10**9, float(i)) for i in range(10)]
    assert any("it is called t_duration" in note for note in told["notes"])
    assert not any("nothing has times" in note for note in told["notes"])
    told = converted(capsys, bag, "-o", tmp_path / "mistyped.rrd", "--timeline", "time=mesage_log_time")
    assert [note for note in told["notes"] if "mesage" in note] == ["--timeline: nothing has times on mesage_log_time"]


def test_one_name_two_kinds_of_time(tmp_path: Path, capsys: Any) -> None:
    for name, time in (("a", "1700000000"), ("b", "1.5")):
        (tmp_path / f"{name}.csv").write_text(f"time,v\n{time},1\n")
    told = converted(capsys, tmp_path / "a.csv", tmp_path / "b.csv", "-o", tmp_path / "out.rrd")
    assert numbers(tmp_path / "out.rrd", "/b/v", "time_duration") == [(1_500_000_000, 1.0)]
    assert any("called time_duration" in note for note in told["notes"])


def test_what_fails_among_others_is_a_loss(tmp_path: Path, capsys: Any) -> None:
    folder = tmp_path / "ten"
    folder.mkdir()
    for n in range(9):
        write_bag(tmp_path / f"p{n}", seconds=2, start_nanos=START + n * 10**9).rename(folder / f"run{n}.mcap")
    (folder / "run9.mcap").write_bytes(b"\x89MCAP0\r\n" + b"\xff" * 100)
    (folder / "empty.bag").touch()
    told = converted(capsys, folder, "-o", tmp_path / "out.rrd", code=3)
    assert {t["topic"]: t["messages"] for t in told["topics"]} == {"/number": 18, "/pose": 18}
    assert len(told["losses"]) == 2
    assert any("empty.bag: is empty" in loss for loss in told["losses"])
    assert any(loss.startswith("run9.mcap: ") for loss in told["losses"])
    broken = [folder / "empty.bag", folder / "run9.mcap"]
    assert main(["convert", *map(str, broken), "-o", str(tmp_path / "none.rrd")]) in (1, 3)


def test_compressed_whole_files(tmp_path: Path, capsys: Any) -> None:
    import bz2

    import zstandard

    bag = write_bag(tmp_path / "bag")
    packed = {
        "run.mcap.gz": gzip.compress(bag.read_bytes()),
        "run.mcap.bz2": bz2.compress(bag.read_bytes()),
        "run.mcap.zst": zstandard.compress(bag.read_bytes()),
    }
    for name, content in packed.items():
        (tmp_path / name).write_bytes(content)
        told = converted(capsys, tmp_path / name, "--force")
        assert Path(told["output"]) == tmp_path / "run.rrd"
        assert {t["topic"]: t["messages"] for t in told["topics"]} == {"/number": 10, "/pose": 10}


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("/camera", ["/camera", "/camera/left/image"], ["/camera2", "/front/camera"]),
        ("/camera/", ["/camera/left"], ["/camera2"]),
        ("/camera/*", ["/camera/left", "/camera/left/image_raw"], ["/camera", "/cameras/left"]),
        ("*imu*", ["/imu", "/base/imu/data"], ["/odom"]),
        ("imu/*", ["/imu/data"], ["/base/imu/data"]),
        ("/cam?/raw", ["/cam0/raw"], ["/cam10/raw"]),
        ("imu", ["/imu", "/base/imu/data"], ["/odom"]),
        ("^/imu", ["/imu", "/imu2"], ["/base/imu"]),
        ("/cam.*raw$", ["/cam0/raw"], ["/cam0/raw/info"]),
        ("/(scan|odom)$", ["/scan", "/odom"], ["/scan/raw"]),
        ("re:a*b", ["/b"], ["/c"]),
        ("glob:/a[0-9]", ["/a1"], ["/a10", "/ab"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], other: list[str]) -> None:
    found = topic_pattern(pattern)
    assert [topic for topic in matching + other if found.search(topic)] == matching


@pytest.mark.parametrize("storage", ["mcap", "db3"])
@pytest.mark.parametrize("time", ["99999999999999", "+99999999999999s", "-99999999999999s"])
def test_times_beyond_all_dates(storage: str, time: str, tmp_path: Path, capsys: Any) -> None:
    bag = write_bag(tmp_path / "bag")
    if storage == "db3":
        converted(capsys, bag, "-o", tmp_path / "bag.db3")
        bag = tmp_path / "bag.db3"
    everything = converted(capsys, bag, "-o", tmp_path / "all.rrd")["messages"]
    is_before = time.startswith("-")
    for option, takes_all in (("--start", is_before), ("--end", not is_before)):
        output = tmp_path / f"{option}.rrd"
        if takes_all:
            assert converted(capsys, bag, "-o", output, f"{option}={time}")["messages"] == everything
        else:
            assert main(["convert", str(bag), "-o", str(output), f"{option}={time}"]) == 1
            assert "no message in the chosen time" in capsys.readouterr().err


def test_times_from_the_end_and_offsets() -> None:
    assert parse_time("-5s").absolute(100, 10**10) == 5 * 10**9
    assert parse_time("+5s").absolute(100, 10**10) == 5 * 10**9 + 100
    assert parse_time("-5").absolute(100, 10**10) == -5 * 10**9, "a number alone is since the epoch"
    stamp = 1_700_000_000_123_456_789
    assert parse_time(str(stamp)) == parse_time("1700000000.123456789"), "as `echo --json` prints it"
    assert parse_time(str(stamp)).nanos == stamp
    with pytest.raises(InvalidValueError, match="not counted from the end"):
        parse_time("-5s").absolute(100)
    with pytest.raises(InvalidValueError, match="at most a hundred years"):
        parse_offset("99999999999999s")
    assert [parse_offset(text) for text in ("1.5s", "-20ms", "+2m", "3")] == [
        1_500_000_000,
        -20_000_000,
        120 * 10**9,
        3 * 10**9,
    ]
    for text in ("", "s", "1 day", "--1s"):
        with pytest.raises(InvalidValueError):
            parse_offset(text)
    for text in ("a", "=b", "a=", "a=a"):
        with pytest.raises(InvalidValueError):
            parse_alias(text)


def test_many_topics_are_told_shortly(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{n}" for n in range(200)) + "\n" + ",".join(["1"] * 200) + "\n")
    assert main(["convert", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "and 180 more topics with 180 messages" in printed
    assert len(printed.splitlines()) < 40
    assert main(["convert", str(path), "--force", "-v"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 200
    assert main(["convert", str(path), "--force", "-q"]) == 0
    assert capsys.readouterr().out == ""
    assert len(converted(capsys, path, "--force")["topics"]) == 200


def test_rates_and_archetypes_are_told(tmp_path: Path, capsys: Any) -> None:
    bag = write_bag(tmp_path / "bag")
    told = converted(capsys, bag, "-o", tmp_path / "out.rrd")
    pose = {t["topic"]: t for t in told["topics"]}["/pose"]
    assert pose["hertz"] == pytest.approx(1.0)
    assert (pose["start_nanos"], pose["end_nanos"]) == (START, START + 9 * 10**9)
    assert "InstancePoses3D" in pose["archetypes"]
    assert main(["convert", str(bag), "-o", str(tmp_path / "out.rrd"), "--force"]) == 0
    assert "1 Hz" in capsys.readouterr().out
    assert np.isfinite(pose["hertz"])


def test_a_dataset_of_tables_and_pictures(tmp_path: Path, capsys: Any) -> None:
    """The layout of EuRoC MAV: folders of one name, times as names; cameras and inertia on one clock, merged with a bag."""
    at = 1_403_636_579_763_555_584
    for cam in ("cam0", "cam1"):
        (tmp_path / f"mav0/{cam}/data").mkdir(parents=True)
        for n in range(3):
            (tmp_path / f"mav0/{cam}/data/{at + n * 50_000_000}.png").write_bytes(f"{cam} {n}".encode())
    (tmp_path / "mav0/imu0").mkdir()
    rows = "".join(f"{at + n * 5_000_000},{n},9.81\n" for n in range(30))
    (tmp_path / "mav0/imu0/data.csv").write_text("#timestamp [ns],w_RS_S_x [rad s^-1],a_RS_S_z [m s^-2]\n" + rows)
    (tmp_path / "mav0/imu0/sensor.yaml").write_text("rate_hz: 200\n")
    bag, output = write_bag(tmp_path / "bag", start_nanos=at), tmp_path / "out.rrd"
    told = converted(capsys, tmp_path / "mav0", bag, "-o", output, "--timeline", "timestamp=message_log_time")
    assert {t["topic"]: t["messages"] for t in told["topics"]} == {
        "/cam0/data": 3,
        "/cam1/data": 3,
        r"/imu0/data/w_RS_S_x\ \[rad\ s\^-1\]": 30,
        r"/imu0/data/a_RS_S_z\ \[m\ s\^-2\]": 30,
        "/number": 10,
        "/pose": 10,
    }
    recording = rr.open(output)
    assert recording.time_range("message_log_time") == (at, at + 9 * 10**9)
    pictures = [c for c in recording.store.iter_chunks() if c.entity_path == "/cam1/data"]  # type: ignore[union-attr]
    times = [int(t) for c in pictures for t in c.times["message_log_time"].values]
    assert times == [at + n * 50_000_000 for n in range(3)]
    assert any("left alone: sensor.yaml" in note for note in told["notes"])


@pytest.mark.parametrize("is_first", [True, False])
def test_a_robot_beside_a_bag_moves(is_first: bool, tmp_path: Path, capsys: Any) -> None:
    """What the bag says of a joint holds against where the URDF has it at rest."""
    urdf = tmp_path / "robot.urdf"
    urdf.write_text(
        "<robot name='r'><link name='map'/><link name='base'/><link name='wheel'/>"
        "<joint name='fixed' type='fixed'><parent link='map'/><child link='base'/><origin xyz='0 0 7'/></joint>"
        "<joint name='turns' type='continuous'><parent link='base'/><child link='wheel'/><origin xyz='0 5 0'/></joint>"
        "</robot>"
    )
    types = STORE.types
    stamped, message = types["geometry_msgs/msg/TransformStamped"], types["tf2_msgs/msg/TFMessage"]
    with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/tf", message.__msgtype__, typestore=STORE)
        early = writer.add_connection("/number", "std_msgs/msg/Float64", typestore=STORE)
        number = types["std_msgs/msg/Float64"]
        writer.write(early, START, STORE.serialize_cdr(number(data=1.0), number.__msgtype__))
        at = START + 10**9
        header = a_pose(at).header
        header.frame_id = "base"
        transform = types["geometry_msgs/msg/Transform"](
            translation=types["geometry_msgs/msg/Vector3"](x=1.0, y=0.0, z=0.0), rotation=a_pose(at).pose.orientation
        )
        edge = stamped(header=header, child_frame_id="wheel", transform=transform)
        writer.write(connection, at, STORE.serialize_cdr(message(transforms=[edge]), message.__msgtype__))
    inputs = [urdf, tmp_path / "bag"] if is_first else [tmp_path / "bag", urdf]
    output = tmp_path / "out.rrd"
    converted(capsys, *inputs, "-o", output)
    tree = rr.open(output).transforms()  # type: ignore[union-attr]
    places = [tree.lookup("map", "wheel", "message_log_time", at)[:3, 3].tolist() for at in (START, START + 10**9)]
    assert places == [[0.0, 5.0, 7.0], [1.0, 0.0, 7.0]]


def test_nothing_is_read_twice(tmp_path: Path, capsys: Any) -> None:
    """Unless it is two: robots that had the same log, or one log at two times."""
    bag = write_bag(tmp_path / "runs" / "a")
    (tmp_path / "link").symlink_to(bag)
    for inputs in ([bag, bag], [bag, tmp_path / "link"]):
        for output in ("out.rrd", "out.mcap", "out/"):
            assert main(["convert", *map(str, inputs), "-o", f"{tmp_path}/{output}"]) == 1
            assert "is there twice" in capsys.readouterr().err
    told = converted(capsys, "--prefix", "/a", bag, "--prefix", "/b", bag, "-o", tmp_path / "out.rrd")
    assert len(told["inputs"]) == 2
