"""Robots from `/robot_description` and joint states: links are where a robot_state_publisher said, and plain maths says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge.chunk import Chunk, ChunkStore
from rrbridge.importers import ImportOptions
from rrbridge.urdf import UrdfTree
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers import ReadOptions, open_bag

STORE = get_typestore(Stores.ROS2_HUMBLE)
TYPES = STORE.types
STRING, JOINTS, TF = "std_msgs/msg/String", "sensor_msgs/msg/JointState", "tf2_msgs/msg/TFMessage"
WALKER = "Surya-Sriramoju+gazebo_walker/rosbag"
SO100 = "TheRobotStudio+SO-ARM100/Simulation/SO100/so100.urdf"
BURGER = "ROBOTIS-GIT+turtlebot3/turtlebot3_description/urdf/turtlebot3_burger.urdf"
SECOND = 1_000_000_000
Matrix = npt.NDArray[np.float64]


def link(name: str, inside: str = "") -> str:
    return f'<link name="{name}">{inside}</link>'


def joint(name: str, kind: str, parent: str, child: str, inside: str = "") -> str:
    ends = f'<parent link="{parent}"/><child link="{child}"/>'
    return (
        f'<joint name="{name}" type="{kind}">{ends}<origin xyz="1 0 0" rpy="0 0 0"/><axis xyz="0 0 1"/>{inside}</joint>'
    )


BOX = '<visual><geometry><box size="1 2 3"/></geometry></visual>'
ARM = f"""<robot name="arm">{link("base", BOX)}{link("upper")}{link("lower")}{link("tip")}
{joint("shoulder", "continuous", "base", "upper")}{joint("wrist", "fixed", "lower", "tip")}
{joint("elbow", "revolute", "upper", "lower", '<mimic joint="shoulder" multiplier="-2" offset="0.5"/>')}</robot>"""


def header(seconds: float = 0.0, frame_id: str = "") -> Any:
    time = TYPES["builtin_interfaces/msg/Time"](sec=int(seconds), nanosec=int(seconds % 1 * 1e9))
    return TYPES["std_msgs/msg/Header"](stamp=time, frame_id=frame_id)


def joints(seconds: float = 0.0, **positions: float) -> Any:
    nothing = np.zeros(0)
    return TYPES[JOINTS](
        header=header(seconds),
        name=list(positions),
        position=np.array(list(positions.values()), np.float64),
        velocity=nothing,
        effort=nothing,
    )


def tf(parent: str, child: str, seconds: float = 0.0, x: float = 0.0) -> Any:
    vector, turn = TYPES["geometry_msgs/msg/Vector3"], TYPES["geometry_msgs/msg/Quaternion"]
    moved = TYPES["geometry_msgs/msg/Transform"](
        translation=vector(x=x, y=0.0, z=0.0), rotation=turn(x=0.0, y=0.0, z=0.0, w=1.0)
    )
    edge = TYPES["geometry_msgs/msg/TransformStamped"](
        header=header(seconds, parent), child_frame_id=child, transform=moved
    )
    return TYPES[TF](transforms=[edge])


def run(messages: Sequence[tuple[str, Any]], **options: Any) -> tuple[ChunkStore, Driver]:
    """Messages as (topic, message), logged a second after each other, in one step."""
    driver, chunks = Driver(ImportOptions(**options)), []
    about: dict[tuple[str, str], Connection] = {}
    for topic, message in messages:
        key = (topic, message.__msgtype__)
        about.setdefault(key, Connection(len(about) + 1, *key, "cdr"))
    chunks += driver.announce(about.values())
    for key, connection in about.items():
        mine = [(i, m) for i, (topic, m) in enumerate(messages) if (topic, m.__msgtype__) == key]
        payloads = [bytes(STORE.serialize_cdr(m, key[1])) for _, m in mine]
        order = np.array([i for i, _ in mine])
        chunks += driver.convert(RawBatch.of(connection, payloads, order * SECOND, order=order))
    chunks += driver.settle(len(messages) * SECOND, is_end=True)
    return ChunkStore.from_chunks(chunks), driver


def text(urdf: str) -> Any:
    return TYPES[STRING](data=urdf)


def turned(angle: float, axis: Sequence[float]) -> Matrix:
    """Rodrigues' formula, (4, 4)."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    out = np.eye(4)
    out[:3, :3] += np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return out


def placed(xyz: Sequence[float], rpy: Sequence[float]) -> Matrix:
    out: Matrix = turned(rpy[2], (0, 0, 1)) @ turned(rpy[1], (0, 1, 0)) @ turned(rpy[0], (1, 0, 0))
    out[:3, 3] = xyz
    return out


def root_from_link(tree: UrdfTree, name: str, values: dict[str, float]) -> Matrix:
    """Down from a link to the root, one joint after the other."""
    out = np.eye(4)
    by_child = {j.child_link: j for j in tree.joints()}
    while name in by_child:
        step = by_child[name]
        value = values.get(step.name, 0.0)
        if step.mimic is not None and step.name not in values:
            value = values.get(step.mimic.joint, 0.0) * step.mimic.multiplier + step.mimic.offset
        moved = np.eye(4)
        if step.joint_type in ("revolute", "continuous"):
            moved = turned(value, step.axis)
        elif step.joint_type == "prismatic":
            moved[:3, 3] = np.array(step.axis) / np.linalg.norm(step.axis) * value
        out = placed(step.origin_xyz, step.origin_rpy) @ moved @ out
        name = step.parent_link
    return out


@pytest.mark.real_data
@pytest.mark.parametrize("name", [SO100, BURGER, "ros+urdf_tutorial/urdf/06-flexible.urdf"])
def test_links_are_where_plain_maths_puts_them(shared_data: Path, name: str) -> None:
    urdf = (shared_data / name).read_text()
    tree = UrdfTree.from_file_path(shared_data / name)
    rng = np.random.default_rng(3)
    moving = [j.name for j in tree.joints() if j.joint_type in ("revolute", "continuous", "prismatic")]
    assert moving
    states = [dict(zip(moving, rng.uniform(-2, 2, len(moving)).tolist(), strict=True)) for _ in range(6)]
    messages = [
        ("/robot_description", text(urdf)),
        *(("/joint_states", joints(i + 1, **s)) for i, s in enumerate(states)),
    ]
    store, driver = run(messages)
    transforms, root = rr.TransformTree(store), tree.root_link().name
    for now, values in enumerate(states, 1):
        for j in tree.joints():
            found = transforms.lookup(root, j.child_link, "message_log_time", now * SECOND)
            assert np.allclose(found, root_from_link(tree, j.child_link, values), atol=1e-5), (j.name, now)
    stamped = transforms.lookup(root, tree.joints()[-1].child_link, "ros2_timestamp", 3 * SECOND)
    assert np.allclose(stamped, root_from_link(tree, tree.joints()[-1].child_link, states[2]), atol=1e-5)
    assert all(report.is_lossless for report in driver.reports)


@pytest.mark.real_data
def test_wheels_turn_as_the_robot_state_publisher_said(shared_data: Path) -> None:
    """Without `/tf` the wheels of a recorded robot stand where `/tf` says that they stood.

    At some stamps the simulator says something else than the publisher does; one of them must agree.
    """
    said: dict[tuple[str, int], list[Any]] = {}
    with AnyReader([shared_data / WALKER], default_typestore=STORE) as reader:
        for about, _, raw in reader.messages([c for c in reader.connections if c.topic == "/tf"]):
            message: Any = reader.deserialize(raw, about.msgtype)
            for edge in message.transforms:
                stamp = edge.header.stamp.sec * SECOND + edge.header.stamp.nanosec
                turn = edge.transform.rotation
                said.setdefault((edge.child_frame_id, stamp), []).append([turn.x, turn.y, turn.z, turn.w])
    options = ImportOptions(exclude=(re.compile("^/tf$"),))
    store = ChunkStore.from_chunks(list(Conversion([shared_data / WALKER], options).chunks()))
    compared = 0
    for chunk in store.chunks("/robot_description/joint_transforms"):
        children = chunk.components["Transform3D:child_frame"].cells.to_pylist()
        turns = chunk.components["Transform3D:quaternion"].cells.to_pylist()
        for (child,), (turn,), stamp in zip(children, turns, chunk.times["ros2_timestamp"].values, strict=True):
            candidates = np.array(said.get((child, int(stamp)), []))
            if len(candidates):
                compared += 1
                assert np.abs(np.abs(candidates @ turn) - 1).min() < 1e-7, (child, stamp)
    assert compared > 1000
    with_tf = ChunkStore.from_chunks(list(Conversion([shared_data / WALKER], ImportOptions()).chunks()))
    assert "/robot_description/joint_transforms" not in with_tf.entities(), "where /tf is, it is left to it"


@pytest.mark.real_data
def test_a_bag_of_joint_states_and_the_robot_that_it_is_of(shared_data: Path) -> None:
    """A recorded run of joint states moves the wheels of the robot's own model; one mesh is missing, which is told once."""
    model = shared_data / BURGER
    with open_bag(shared_data / "locusrobotics+fuse/turtlebot3.bag") as reader:
        (about,) = [c for c in reader.connections if c.topic == "joint_states" or c.topic == "/joint_states"]
        (batch,) = reader.batches(ReadOptions(wants=lambda topic: topic == about.topic))
    described = Connection(99, "/robot_description", STRING, "cdr")
    driver = Driver(ImportOptions(definitions=(model.parents[2],)))
    chunks = driver.announce([described, about])
    payload = bytes(STORE.serialize_cdr(text(model.read_text().replace("${namespace}", "")), STRING))
    chunks += driver.convert(RawBatch.of(described, [payload], [int(batch.log_time_nanos[0]) - 1]))
    chunks += driver.convert(batch) + driver.settle(int(batch.log_time_nanos[-1]), is_end=True)
    store = ChunkStore.from_chunks(chunks)
    (report,) = [r for r in driver.reports if r.topic == "/robot_description"]
    (note,) = report.notes
    assert "burger_base.stl: not found" in note.text
    assert not note.is_loss
    blobs = [e for e in store.entities() if "Asset3D:blob" in store.latest_at(e, None, "message_log_time", 0)]
    assert sorted(e.split("/")[-2] for e in blobs) == ["base_scan", "wheel_left_link", "wheel_right_link"]
    rows = store.times("/robot_description/joint_transforms", "message_log_time")
    assert len(rows) == 2 * len(batch)


def latest(store: ChunkStore, entity: str, component: str, seconds: float = 99) -> Any:
    found = store.latest_at(entity, [component], "message_log_time", int(seconds * SECOND)).get(component)
    return None if found is None else found.values.to_pylist()


def test_shapes_are_drawn_below_the_description_in_their_links_frames() -> None:
    store, _ = run([("/robot_description", text(ARM))], prefix="/left")
    below = "/left/arm/visual_geometries/base/visual_0"
    assert latest(store, below, "Boxes3D:half_sizes") == [[0.5, 1.0, 1.5]]
    assert latest(store, below, "CoordinateFrame:frame") == ["left/base"]
    assert latest(store, "/left/robot_description", "TextDocument:text") == [ARM]


def angle(store: ChunkStore, parent: str, child: str, seconds: float) -> float:
    found = rr.TransformTree(store).lookup(parent, child, "message_log_time", int(seconds * SECOND))
    return float(np.arctan2(found[1, 0], found[0, 0]))


def test_mimics_follow_unless_they_are_named() -> None:
    messages = [("/robot_description", text(ARM)), ("/joint_states", joints(shoulder=0.4))]
    store, _ = run([*messages, ("/joint_states", joints(shoulder=0.4, elbow=0.1))])
    assert angle(store, "base", "upper", 1) == pytest.approx(0.4, abs=1e-6)
    assert angle(store, "upper", "lower", 1) == pytest.approx(0.5 - 2 * 0.4, abs=1e-6)
    assert angle(store, "lower", "tip", 1) == 0.0


def test_what_tf_says_wins() -> None:
    """Also where it comes later in the file: what is read together is known beforehand."""
    messages = [
        ("/robot_description", text(ARM)),
        ("/joint_states", joints(shoulder=0.4)),
        ("/tf", tf("base", "/upper", x=5.0)),
        ("/tf_static", tf("lower", "tip", x=7.0)),
    ]
    store, _ = run(messages)
    moved = latest(store, "/robot_description/joint_transforms", "Transform3D:child_frame")
    assert moved == ["lower"]
    assert latest(store, "/tf_static/tip", "Transform3D:translation") == [[7.0, 0.0, 0.0]]
    assert latest(store, "/tf_static/upper", "Transform3D:child_frame") is None
    assert latest(store, "/tf_static/lower", "Transform3D:child_frame") is None, "a joint state moves it"


def test_joints_that_nothing_moves_are_at_rest() -> None:
    store, _ = run([("/robot_description", text(ARM))], prefix="left")
    for child, parent in (("upper", "base"), ("lower", "upper"), ("tip", "lower")):
        entity = f"/left/tf_static/{child}"
        assert latest(store, entity, "Transform3D:translation") == [[1.0, 0.0, 0.0]]
        assert latest(store, entity, "Transform3D:parent_frame") == [f"left/{parent}"]


def test_robots_are_told_apart_by_namespace() -> None:
    """The second of one model gets its namespace before its frames; each gets its own joint states."""
    messages = [(f"/{n}/robot_description", text(ARM)) for n in ("one", "two")]
    messages += [("/two/joint_states", joints(shoulder=0.2)), ("/one/arm/joint_states", joints(shoulder=0.1))]
    messages += [("/three/joint_states", joints(foot=0.1))]
    store, _ = run(messages)
    assert {
        "/arm/visual_geometries/base/visual_0",
        "/two/robot_description/arm/visual_geometries/base/visual_0",
    } <= set(store.entities())
    assert angle(store, "base", "upper", 9) == pytest.approx(0.1, abs=1e-6)
    assert angle(store, "two/base", "two/upper", 9) == pytest.approx(0.2, abs=1e-6)


def test_frames_get_the_prefix_that_tf_gives_them() -> None:
    messages = [("/one/robot_description", text(ARM)), ("/tf", tf("one/base", "one/upper", x=3.0))]
    store, _ = run(messages)
    assert latest(store, "/arm/visual_geometries/base/visual_0", "CoordinateFrame:frame") == ["one/base"]
    assert latest(store, "/tf_static/one\\/lower", "Transform3D:parent_frame") == ["one/upper"]


def test_a_later_description_replaces_the_one_before() -> None:
    chunks: list[Chunk] = []
    about = Connection(1, "/robot_description", STRING, "cdr")
    driver = Driver()
    for i, urdf in enumerate((ARM, ARM, ARM.replace('"base"', '"foot"'))):
        payload = bytes(STORE.serialize_cdr(text(urdf), STRING))
        made = driver.convert(RawBatch.of(about, [payload], [i], order=[i]))
        if i == 1:
            assert not [c for c in made if "visual" in c.entity_path], "the same again"
        chunks += made
    found = ChunkStore.from_chunks(chunks)
    below = "/arm/visual_geometries/{}/visual_0"
    assert latest(found, below.format("base"), "Boxes3D:half_sizes") is None
    assert latest(found, below.format("foot"), "Boxes3D:half_sizes") is not None


def test_a_description_that_is_none_is_told() -> None:
    _, driver = run([("/robot_description", text("<robot><link/></robot>")), ("/joint_states", joints(a=1.0))])
    (report,) = [r for r in driver.reports if r.msgtype == STRING]
    assert report.unmapped == 1
    assert report.reason.startswith("the robot cannot be drawn: line 1: <link>")


def test_joint_states_alone_are_left_alone() -> None:
    store, driver = run([("/joint_states", joints(a=1.0)), ("/tf", tf("a", "b"))])
    assert not [e for e in store.entities() if "joint_transforms" in e]
    assert not driver.in_step("/tf", TF), "nothing waits for a robot that does not come"


def test_positions_that_are_missing_or_none() -> None:
    short = joints(shoulder=0.3, elbow=0.1)
    short.position = short.position[:1]
    unsound = joints(shoulder=float("nan"), elbow=0.1)
    store, _ = run([("/robot_description", text(ARM)), ("/joint_states", short), ("/joint_states", unsound)])
    (chunk,) = store.chunks("/robot_description/joint_transforms")
    moved = chunk.components["Transform3D:child_frame"].cells.to_pylist()
    assert moved == [["upper"], ["lower"], ["lower"]], "the second message says where the elbow is, and no more"


def test_other_texts_are_no_robots() -> None:
    store, driver = run([("/my_robot_description_of_today", text(ARM)), ("/chatter", text("hello"))])
    assert not [e for e in store.entities() if "visual_geometries" in e]
    assert all(report.is_lossless for report in driver.reports)
