"""Markers: what is seen at any time equals a plain loop over the messages; every type, mesh and definition is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from rrbridge.chunk import ChunkStore
from rrbridge.importers import ImportOptions
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.messages import _lives, _markers_up
from rrbridge_bridge.raw import Connection, RawBatch

STORE = get_typestore(Stores.ROS2_HUMBLE)
ROS1 = get_typestore(Stores.ROS1_NOETIC)
TYPES = STORE.types
MARKER, ARRAY = "visualization_msgs/msg/Marker", "visualization_msgs/msg/MarkerArray"
BOX, BALL, MESH = 1, 2, 10
COMPONENT = {BOX: "Boxes3D:centers", BALL: "Ellipsoids3D:centers"}
SECOND = 1_000_000_000


def point(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Any:
    return TYPES["geometry_msgs/msg/Point"](x=x, y=y, z=z)


def color(r: float = 1.0, g: float = 0.0, b: float = 0.0, a: float = 1.0) -> Any:
    return TYPES["std_msgs/msg/ColorRGBA"](r=r, g=g, b=b, a=a)


def marker(store: Any = STORE, **given_fields: Any) -> Any:
    """A red cube of 1 m that stays, unless told otherwise; `x` is where, `life` how long (seconds)."""
    types = store.types
    x, life = given_fields.pop("x", 0.0), given_fields.pop("life", 0.0)
    stamp, frame = given_fields.pop("stamp", 0), given_fields.pop("frame_id", "map")
    header = types["std_msgs/msg/Header"]
    time = types["builtin_interfaces/msg/Time"](sec=stamp, nanosec=0)
    seq = {"seq": 0} if store is ROS1 else {}
    fields = {
        "header": header(**seq, stamp=time, frame_id=frame),
        "ns": "a",
        "id": 0,
        "type": BOX,
        "action": 0,
        "pose": types["geometry_msgs/msg/Pose"](
            position=types["geometry_msgs/msg/Point"](x=float(x), y=0.0, z=0.0),
            orientation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
        ),
        "scale": types["geometry_msgs/msg/Vector3"](x=1.0, y=1.0, z=1.0),
        "color": types["std_msgs/msg/ColorRGBA"](r=1.0, g=0.0, b=0.0, a=1.0),
        "lifetime": types["builtin_interfaces/msg/Duration"](sec=int(life), nanosec=int(life % 1 * 1e9)),
        "frame_locked": False,
        "points": [],
        "colors": [],
        "text": "",
        "mesh_resource": "",
        "mesh_use_embedded_materials": False,
    }
    if store is STORE:
        image = types["sensor_msgs/msg/CompressedImage"]
        nothing = np.zeros(0, np.uint8)
        fields |= {
            "texture_resource": "",
            "texture": image(header=header(stamp=time, frame_id=""), format="", data=nothing),
            "uv_coordinates": [],
            "mesh_file": types["visualization_msgs/msg/MeshFile"](filename="", data=nothing),
        }
    return types[MARKER](**fields | given_fields)


def array(*markers: Any) -> Any:
    return TYPES[ARRAY](markers=list(markers))


def batch(messages: Sequence[Any], times: Iterable[int], first: int = 0, topic: str = "/m") -> RawBatch:
    msgtype = str(messages[0].__msgtype__)
    about = Connection(1 if msgtype == ARRAY else 2, topic, msgtype, "cdr")
    payloads = [bytes(STORE.serialize_cdr(m, msgtype)) for m in messages]
    return RawBatch.of(about, payloads, np.array(list(times)), order=np.arange(first, first + len(messages)))


def stored(messages: Sequence[Any], times: Sequence[int] | None = None, **options: Any) -> tuple[ChunkStore, Driver]:
    driver = Driver(ImportOptions(**options))
    logged = list(range(len(messages))) if times is None else list(times)
    chunks = driver.convert(batch(messages, logged)) + driver.settle(logged[-1])
    return ChunkStore.from_chunks(chunks), driver


def latest(store: ChunkStore, entity: str, component: str, time: int, timeline: str = "message_log_time") -> Any:
    """The cell at a time as a list; None where there is nothing."""
    found = store.latest_at(entity, [component], timeline, time).get(component)
    return None if found is None else found.values.to_pylist()


@dataclass(frozen=True)
class Act:
    """What one marker asks for, in the model's words."""

    action: int
    name: tuple[str, int]
    kind: int
    x: float
    life: int


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[tuple[int, list[Act]]], list[int]]:
    """Messages as (log time, markers), and where batches end."""
    acts = st.builds(
        Act,
        st.sampled_from([0, 0, 0, 0, 2, 3]),
        st.tuples(st.sampled_from(["", "a", "b/c"]), st.integers(0, 1)),
        st.sampled_from([BOX, BALL]),
        st.integers(1, 50).map(float),
        st.sampled_from([0, 0, 1, 2, 5]),
    )
    messages = draw(st.lists(st.tuples(st.integers(0, 3), st.lists(acts, max_size=5)), min_size=1, max_size=12))
    times = np.cumsum([gap for gap, _ in messages]).tolist()
    cuts = draw(st.lists(st.integers(0, len(messages)), max_size=3))
    return [(t, m) for t, (_, m) in zip(times, messages, strict=True)], cuts


def seen_at(messages: list[tuple[int, list[Act]]], now: int) -> dict[tuple[str, int], tuple[int, float]]:
    """The model: one marker after the other, as RViz does."""
    up: dict[tuple[str, int], tuple[int, float, float]] = {}
    for time, acts in messages:
        if time > now:
            break
        for act in acts:
            if act.action == 0:
                up[act.name] = (act.kind, act.x, time + act.life if act.life else float("inf"))
            elif act.action == 2:
                up.pop(act.name, None)
            else:
                up = {name: it for name, it in up.items() if act.name[0] not in ("", name[0])}
    return {name: (kind, x) for name, (kind, x, end) in up.items() if end > now}


@settings(max_examples=120, deadline=None)
@given(runs())
def test_what_is_seen_at_any_time_equals_a_plain_loop(
    case: tuple[list[tuple[int, list[Act]]], list[int]],
) -> None:
    messages, cuts = case
    made = [
        array(*(marker(ns=a.name[0], id=a.name[1], type=a.kind, action=a.action, x=a.x, life=a.life) for a in acts))
        for _, acts in messages
    ]
    driver, chunks = Driver(ImportOptions(fields="none")), []
    for lo, hi in pairwise([0, *sorted(set(cuts)), len(made)]):
        if hi > lo:
            chunks += driver.convert(batch(made[lo:hi], (t * SECOND for t, _ in messages[lo:hi]), lo))
            chunks += driver.settle(messages[hi - 1][0] * SECOND)
    store = ChunkStore.from_chunks(chunks)
    paths = {("", 0): "_/0", ("", 1): "_/1", ("a", 0): "a/0", ("a", 1): "a/1"}
    paths |= {("b/c", 0): r"b\/c/0", ("b/c", 1): r"b\/c/1"}
    for now in range(messages[-1][0] + 1):
        shown = {}
        for name, path in paths.items():
            for kind, component in COMPONENT.items():
                centers = latest(store, f"/m/{path}", component, now * SECOND)
                if centers:
                    assert name not in shown, "two looks at once"
                    shown[name] = (kind, centers[0][0])
        assert shown == seen_at(messages, now)
    assert all(report.is_lossless for report in driver.reports)


def test_a_marker_of_another_look_leaves_nothing_behind() -> None:
    store, _ = stored([marker(type=kind) for kind in (BOX, BALL, BOX)])
    for now, kind in enumerate((BOX, BALL, BOX)):
        assert [latest(store, "/m/a/0", c, now) is not None for c in COMPONENT.values()] == [kind == BOX, kind == BALL]


def test_lifetimes_count_on_every_clock() -> None:
    """The stamp's clock is another one than the recorder's; the marker lives equally long on both."""
    messages = [marker(stamp=100, life=2.5), marker(stamp=200, ns="other")]
    store, _ = stored(messages, [10 * SECOND, 20 * SECOND])
    for timeline, began in (("message_log_time", 10), ("message_publish_time", 10), ("ros2_timestamp", 100)):
        seen = [
            latest(store, "/m/a/0", "Boxes3D:centers", began * SECOND + late, timeline) is not None
            for late in (-1, 0, 2_499_999_999, 2_500_000_000)
        ]
        assert seen == [False, True, True, False]


def test_an_end_after_the_recording_is_not_written() -> None:
    store, _ = stored([marker(life=1000.0), marker(ns="other")], [0, SECOND])
    assert latest(store, "/m/a/0", "Boxes3D:centers", SECOND) is not None
    assert int(store.times("/m/a/0", "message_log_time").max()) == 0


def test_an_array_has_the_stamps_and_frames_of_its_markers() -> None:
    store, _ = stored([array(marker(stamp=3, frame_id="/one"), marker(id=1, stamp=4, frame_id=""))])
    for path, frame, stamp in (("/m/a/0", "one", 3), ("/m/a/1", "tf#/m/a/1", 4)):
        assert latest(store, path, "CoordinateFrame:frame", stamp * SECOND, "ros2_timestamp") == [frame]
        assert latest(store, path, "Boxes3D:centers", stamp * SECOND - 1, "ros2_timestamp") is None


def test_a_marker_that_changes_its_frame_is_in_the_new_one() -> None:
    store, _ = stored([marker(frame_id="map"), marker(frame_id="odom"), marker(action=2, frame_id="odom")])
    assert [latest(store, "/m/a/0", "CoordinateFrame:frame", t) for t in range(3)] == [["map"], ["odom"], None]


def test_markers_of_a_large_array_are_not_looked_at_one_by_one() -> None:
    """Cells by the thousand become a few chunks per look, not per marker; the fields are one more."""
    many = array(*(marker(id=i, x=i) for i in range(300)))
    _, driver = stored([many, many, array(marker(action=3))])
    (report,) = driver.reports
    assert report.rows == 3 + 300 * 3


POINTS = [point(0, 0, 0), point(1, 0, 0), point(1, 2, 0), point(1, 2, 3)]
LOOKS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "arrow by pose": ({"type": 0, "x": 5}, "Arrows3D:vectors", [[1.0, 0.0, 0.0]]),
    "arrow by points": ({"type": 0, "points": POINTS[1:3]}, "Arrows3D:vectors", [[0.0, 2.0, 0.0]]),
    "cube": ({"type": 1, "x": 5}, "Boxes3D:half_sizes", [[0.5, 0.5, 0.5]]),
    "sphere": ({"type": 2}, "Ellipsoids3D:half_sizes", [[0.5, 0.5, 0.5]]),
    "cylinder": ({"type": 3}, "Cylinders3D:lengths", [1.0]),
    "line strip": ({"type": 4, "points": POINTS}, "LineStrips3D:strips", [[[p.x, p.y, p.z] for p in POINTS]]),
    "line list": (
        {"type": 5, "points": POINTS},
        "LineStrips3D:strips",
        [[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], [[1.0, 2.0, 0.0], [1.0, 2.0, 3.0]]],
    ),
    "cube list": ({"type": 6, "points": POINTS}, "Boxes3D:centers", [[p.x, p.y, p.z] for p in POINTS]),
    "sphere list": ({"type": 7, "points": POINTS}, "Points3D:positions", [[p.x, p.y, p.z] for p in POINTS]),
    "points": ({"type": 8, "points": POINTS}, "Points3D:positions", [[p.x, p.y, p.z] for p in POINTS]),
    "text": ({"type": 9, "text": "hello"}, "Points3D:labels", ["hello"]),
    "triangles": ({"type": 11, "points": POINTS}, "Mesh3D:vertex_positions", [[p.x, p.y, p.z] for p in POINTS[:3]]),
    "arrow strip": (
        {"type": 12, "points": POINTS},
        "Arrows3D:vectors",
        [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]],
    ),
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_type_is_drawn(look: str) -> None:
    fields, component, expected = LOOKS[look]
    store, driver = stored([marker(**fields)])
    assert latest(store, "/m/a/0", component, 0) == expected
    assert driver.reports[0].is_lossless


def test_points_of_their_own_colour() -> None:
    """A colour per point, or per triangle; red where the number of colours does not fit."""
    red, green, blue = 0xFF0000FF, 0x00FF00FF, 0x0000FFFF
    own = [color(), color(0, 1), color(0, 0, 1), color()]
    six = [*POINTS, POINTS[0], POINTS[1]]
    cases = [
        (marker(type=8, points=POINTS, colors=own), "Points3D:colors", [red, green, blue, red]),
        (marker(type=8, points=POINTS, colors=own[:2]), "Points3D:colors", [red] * 4),
        (marker(type=5, points=POINTS, colors=own), "LineStrips3D:colors", [red, blue]),
        (marker(type=4, points=POINTS, colors=own), "LineStrips3D:colors", [red, green, blue]),
        (marker(type=4, points=POINTS), "LineStrips3D:colors", [red]),
        (marker(type=11, points=POINTS[:3], colors=own[:3]), "Mesh3D:vertex_colors", [red, green, blue]),
        (marker(type=11, points=six, colors=own[1:3]), "Mesh3D:vertex_colors", [green] * 3 + [blue] * 3),
    ]
    for message, component, expected in cases:
        store, _ = stored([message])
        assert latest(store, "/m/a/0", component, 0) == expected


def test_strips_with_and_without_colours_side_by_side() -> None:
    strips = [marker(id=0, type=4, points=POINTS), marker(id=1, type=4, points=POINTS, colors=[color(0, 1)] * 4)]
    strips += [marker(id=2, type=4, points=[]), marker(id=3, type=4, points=POINTS[:2], colors=[color(0, 0, 1)] * 2)]
    store, _ = stored([array(*strips)])
    xyz = [[p.x, p.y, p.z] for p in POINTS]
    found = [latest(store, f"/m/a/{i}", "LineStrips3D:strips", 0) for i in range(4)]
    assert found == [[xyz], [xyz[0:2], xyz[1:3], xyz[2:4]], [[]], [xyz[:2]]]


def test_a_figure_is_scaled_and_turned_with_its_marker() -> None:
    turned = replace(marker().pose, orientation=TYPES["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=1.0, w=0.0))
    scale = TYPES["geometry_msgs/msg/Vector3"](x=2.0, y=3.0, z=4.0)
    store, _ = stored([marker(type=11, points=POINTS[1:], scale=scale, pose=turned)])
    assert np.allclose(latest(store, "/m/a/0", "Mesh3D:vertex_positions", 0), [[-2, 0, 0], [-2, -6, 0], [-2, -6, 12]])


def test_an_orientation_that_was_left_unset_is_none() -> None:
    unset = replace(marker().pose, orientation=TYPES["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=0.0))
    store, _ = stored([marker(pose=unset)])
    assert latest(store, "/m/a/0", "Boxes3D:quaternions", 0) == [[0.0, 0.0, 0.0, 1.0]]


def test_what_is_not_known_is_told() -> None:
    _, driver = stored(
        [array(), array(marker(type=99), marker(id=1)), array(marker(action=77)), array(marker(action=2))]
    )
    (report,) = driver.reports
    assert (report.messages, report.unmapped) == (4, 2)
    assert set(report.reasons) == {"a marker of type 99 is not drawn", "a marker's action is not known"}


STL = b"solid x\nendsolid x\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    mesh = tmp_path / "src" / "repo" / "my_robot" / "meshes" / "part.stl"
    mesh.parent.mkdir(parents=True)
    mesh.write_bytes(STL)
    return tmp_path / "src"


def mesh(name: str, **fields: Any) -> Any:
    return marker(type=MESH, mesh_resource=name, **fields)


def test_meshes_are_found_in_a_workspace_and_written_once(workspace: Path) -> None:
    name = "package://my_robot/meshes/part.stl"
    messages = [mesh(name, x=1), mesh(name, x=2), marker(action=2), mesh(name, x=3), mesh(name, x=4)]
    store, driver = stored(messages, definitions=(workspace,))
    for now, x in enumerate((1, 2, None, 3, 4)):
        found = latest(store, "/m/a/0", "InstancePoses3D:translations", now)
        assert (found and found[0][0]) == x
        blob = latest(store, "/m/a/0", "Asset3D:blob", now)
        assert (blob and bytes(blob[0])) == (STL if x else None)
    assert latest(store, "/m/a/0", "Asset3D:media_type", 0) == ["model/stl"]
    assert sum(len(latest_cells) for latest_cells in cells(store, "/m/a/0", "Asset3D:blob")) == 2
    assert driver.reports[0].is_lossless


def cells(store: ChunkStore, entity: str, component: str) -> list[Any]:
    return [
        [cell for cell in chunk.components[component].cells.to_pylist() if cell]
        for chunk in store.stream().to_chunks()
        if chunk.entity_path == entity and component in chunk.components
    ]


def test_all_deleted_and_all_drawn_again_writes_meshes_once(workspace: Path) -> None:
    """What many publishers do in every message."""
    name = "package://my_robot/meshes/part.stl"
    messages = [array(marker(action=3), mesh(name, x=i), mesh(name, id=1, x=i)) for i in range(5)]
    driver = Driver(ImportOptions(definitions=(workspace,)))
    chunks = driver.convert(batch(messages[:3], range(3))) + driver.convert(batch(messages[3:], range(3, 5), 3))
    store = ChunkStore.from_chunks(chunks)
    assert latest(store, "/m/a/1", "InstancePoses3D:translations", 4) == [[4.0, 0.0, 0.0]]
    assert sum(map(len, cells(store, "/m/a/0", "Asset3D:blob"))) == 1
    assert not cells(store, "/m/a/0", "Clear:is_recursive")


def test_a_missing_mesh_is_a_named_point_and_one_note() -> None:
    messages = [mesh("package://nowhere/a/b.stl", x=1), mesh("http://x.org/c.dae", id=1), mesh("", id=2)]
    store, driver = stored([*messages, *messages])
    assert latest(store, "/m/a/0", "Points3D:labels", 3) == ["b.stl"]
    assert latest(store, "/m/a/0", "Points3D:positions", 3) == [[1.0, 0.0, 0.0]]
    (report,) = driver.reports
    (note,) = report.notes
    assert "package://nowhere/a/b.stl: not found; looked at" in note.text
    assert "2 other meshes" in note.text
    assert not note.is_loss
    assert report.is_lossless, "the file has all that it had; what it names is elsewhere"


def test_a_mesh_that_appears_replaces_its_point(workspace: Path) -> None:
    messages = [mesh("package://nowhere/b.stl"), mesh("package://my_robot/meshes/part.stl")]
    store, _ = stored(messages, definitions=(workspace,))
    assert latest(store, "/m/a/0", "Points3D:labels", 1) is None
    assert latest(store, "/m/a/0", "Asset3D:blob", 1) is not None


def test_embedded_meshes_are_remembered() -> None:
    file = TYPES["visualization_msgs/msg/MeshFile"](filename="part.stl", data=np.frombuffer(STL, np.uint8))
    messages = [
        mesh("embedded://part.stl", mesh_file=file),
        mesh("embedded://part.stl", id=1),
        mesh("embedded://q.stl", id=2),
    ]
    driver = Driver()
    chunks = driver.convert(batch(messages[:1], [0])) + driver.convert(batch(messages[1:], [1, 2], 1))
    store = ChunkStore.from_chunks(chunks)
    for entity in ("/m/a/0", "/m/a/1"):
        blob = latest(store, entity, "Asset3D:blob", 2)
        assert blob
        assert bytes(blob[0]) == STL
    assert latest(store, "/m/a/2", "Points3D:labels", 2) == ["q.stl"]


def test_colours_of_a_mesh() -> None:
    none = color(0, 0, 0, 0)
    file = TYPES["visualization_msgs/msg/MeshFile"](filename="p.stl", data=np.frombuffer(STL, np.uint8))
    own = [
        mesh("embedded://p.stl", mesh_file=file, mesh_use_embedded_materials=m, color=c)
        for m, c in ((True, none), (False, color()))
    ]
    store, _ = stored(own)
    assert [latest(store, "/m/a/0", "Asset3D:albedo_factor", t) for t in (0, 1)] == [[0xFFFFFFFF], [0xFF0000FF]]


def test_meshes_do_not_fill_the_disk(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_markers_up, "MAX_WRITTEN_BYTES", 2 * len(STL) + 1)
    name = "package://my_robot/meshes/part.stl"
    messages = [m for i in range(4) for m in (mesh(name, x=i), marker(action=2))]
    store, driver = stored(messages, definitions=(workspace,))
    seen = [
        [latest(store, "/m/a/0", c, t) is not None for c in ("Asset3D:blob", "Points3D:labels")] for t in (0, 2, 4, 6)
    ]
    assert seen == [[True, False], [True, False], [False, True], [False, True]]
    assert len(driver.reports[0].notes) == 1


def ros1_driver(messages: Sequence[Any]) -> ChunkStore:
    about = Connection(1, "/m", MARKER, "ros1")
    payloads = [bytes(ROS1.serialize_ros1(m, MARKER)) for m in messages]
    driver = Driver()
    times = np.arange(len(messages))
    return ChunkStore.from_chunks(driver.convert(RawBatch.of(about, payloads, times, order=times)))


def test_delete_all_looks_at_namespaces_in_ros_2_only() -> None:
    for store, kept in (
        (stored([marker(ns="a"), marker(ns="b"), marker(ns="b", action=3)])[0], True),
        (ros1_driver([marker(ROS1, ns="a"), marker(ROS1, ns="b"), marker(ROS1, ns="b", action=3)]), False),
    ):
        assert (latest(store, "/m/a/0", "Boxes3D:centers", 2) is not None) == kept
        assert latest(store, "/m/b/0", "Boxes3D:centers", 2) is None


def test_definitions_that_lack_fields_are_enough() -> None:
    """As markers were before they had colours per point, texts and meshes."""
    definition = """std_msgs/Header header
string ns
int32 id
int32 type
int32 action
geometry_msgs/Pose pose
geometry_msgs/Vector3 scale
std_msgs/ColorRGBA color
duration lifetime
bool frame_locked
geometry_msgs/Point[] points"""
    full = marker(
        ROS1, type=4, points=[ROS1.types["geometry_msgs/msg/Point"](x=float(i), y=0.0, z=0.0) for i in range(3)]
    )
    payload = bytes(ROS1.serialize_ros1(full, MARKER))
    short = payload[: len(payload) - 4 - 4 - 4 - 1]  # colors, text, mesh_resource, mesh_use_embedded_materials
    about = Connection(1, "/m", MARKER, "ros1", definition=definition, definition_format="ros1msg")
    driver = Driver()
    store = ChunkStore.from_chunks(driver.convert(RawBatch.of(about, [short], [0])))
    assert latest(store, "/m/a/0", "LineStrips3D:strips", 0) == [[[0.0] * 3, [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]]
    assert driver.reports[0].is_lossless


def test_lifetimes_go_on_in_the_next_file(tmp_path: Path) -> None:
    """The parts of a split run are one recording: what ends in the second part was shown in the first."""
    parts = {"a": [(1, marker(life=3.0)), (2, marker(id=1, type=BALL))], "b": [(5, marker(id=1)), (6, marker(id=2))]}
    for name, messages in parts.items():
        with Writer(tmp_path / name, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
            about = writer.add_connection("/m", MARKER, typestore=STORE)
            for second, message in messages:
                writer.write(about, second * SECOND, STORE.serialize_cdr(message, MARKER))
    store = ChunkStore.from_chunks(list(Conversion([tmp_path / n for n in parts], ImportOptions()).chunks()))
    assert [latest(store, "/m/a/0", COMPONENT[BOX], t * SECOND) is not None for t in (3, 4)] == [True, False]
    assert [latest(store, "/m/a/1", COMPONENT[BALL], t * SECOND) is not None for t in (4, 5)] == [True, False]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many markers the first are forgotten: they stay, the others end as they should."""
    monkeypatch.setattr(_lives, "MAX_UP", 5)
    driver = Driver()
    chunks = driver.convert(batch([array(*(marker(id=i) for i in range(8)))], [0]))
    chunks += driver.convert(batch([array(marker(action=3))], [1], 1))
    store = ChunkStore.from_chunks(chunks)
    assert [latest(store, f"/m/a/{i}", "Boxes3D:centers", 1) is not None for i in range(8)] == [True] * 3 + [False] * 5


def image_marker(**given_fields: Any) -> Any:
    """A red circle of 10 pixels at (3, 4) that stays, unless told otherwise."""
    plain = marker(frame_id=given_fields.pop("frame_id", "camera"), life=given_fields.pop("life", 0.0))
    fields = {
        "header": plain.header,
        "ns": "a",
        "id": 0,
        "type": 0,
        "action": 0,
        "position": point(3.0, 4.0),
        "scale": 10.0,
        "outline_color": color(),
        "filled": 0,
        "fill_color": color(),
        "lifetime": plain.lifetime,
        "points": [],
        "outline_colors": [],
    }
    return TYPES["visualization_msgs/msg/ImageMarker"](**fields | given_fields)


def test_markers_on_images() -> None:
    corners, flat = [point(0, 0), point(2, 0), point(2, 1)], [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0]]
    own = [color(0, 1), color(0, 0, 1), color()]
    shapes = [image_marker(id=i, type=i, points=corners, outline_colors=own if i == 4 else []) for i in range(5)]
    store, driver = stored(
        [*shapes, image_marker(id=1, action=1), image_marker(id=2, life=1.0)], [0] * 5 + [SECOND, 9 * SECOND]
    )
    (circle,) = latest(store, "/m/a/0", "LineStrips2D:strips", 0)
    assert np.allclose(np.linalg.norm(np.array(circle) - [3.0, 4.0], axis=1), 5.0)
    assert circle[0] == circle[-1]
    assert latest(store, "/m/a/1", "LineStrips2D:strips", 0) == [flat]
    assert latest(store, "/m/a/1", "LineStrips2D:strips", SECOND) is None
    assert latest(store, "/m/a/2", "LineStrips2D:strips", 0) == [flat[:2]]
    assert latest(store, "/m/a/3", "LineStrips2D:strips", 0) == [[*flat, flat[0]]]
    assert latest(store, "/m/a/4", "Points2D:positions", 0) == flat
    assert latest(store, "/m/a/4", "Points2D:colors", 0) == [0x00FF00FF, 0x0000FFFF, 0xFF0000FF]
    assert latest(store, "/m/a/0", "CoordinateFrame:frame", 0) == ["camera_image_plane"]
    assert all(report.is_lossless for report in driver.reports)


def interactive(name: str = "handle", *, x: float = 0.0, controls: Sequence[Any] = (), frame_id: str = "map") -> Any:
    at = marker(x=x, frame_id=frame_id)
    return TYPES["visualization_msgs/msg/InteractiveMarker"](
        header=at.header,
        pose=at.pose,
        name=name,
        description="pull",
        scale=1.0,
        menu_entries=[],
        controls=list(controls),
    )


def control(*markers: Any, name: str = "c", mode: int = 0) -> Any:
    unset = TYPES["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0)
    return TYPES["visualization_msgs/msg/InteractiveMarkerControl"](
        name=name,
        orientation=unset,
        orientation_mode=0,
        interaction_mode=mode,
        always_visible=False,
        markers=list(markers),
        independent_marker_orientation=False,
        description="",
    )


def update(*, markers: Sequence[Any] = (), poses: Sequence[Any] = (), erases: Sequence[str] = ()) -> Any:
    return TYPES["visualization_msgs/msg/InteractiveMarkerUpdate"](
        server_id="s", seq_num=0, type=1, markers=list(markers), poses=list(poses), erases=list(erases)
    )


def test_interactive_markers_move_with_what_they_are_made_of() -> None:
    shown = interactive(x=5.0, controls=[control(marker(frame_id="", x=1)), control(name="slide", mode=3)])
    moved = marker(x=7.0)
    pose = TYPES["visualization_msgs/msg/InteractiveMarkerPose"](header=moved.header, pose=moved.pose, name="handle")
    smaller = interactive(x=8.0, controls=[control(name="ring", mode=5)])
    messages = [
        update(markers=[shown]),
        update(poses=[pose]),
        update(markers=[smaller]),
        update(erases=["handle"]),
        update(),
    ]
    driver = Driver()
    chunks = driver.convert(batch(messages, range(5), topic="/server/update"))
    store = ChunkStore.from_chunks(chunks)
    at, box = "/server/handle", "/server/handle/c/0"
    assert [latest(store, at, "Transform3D:translation", t) for t in range(4)] == [
        [[5.0, 0.0, 0.0]],
        [[7.0, 0.0, 0.0]],
        [[8.0, 0.0, 0.0]],
        None,
    ]
    assert latest(store, at, "Transform3D:parent_frame", 0) == ["map"]
    assert [latest(store, box, "Boxes3D:centers", t) for t in range(4)] == [[[1.0, 0.0, 0.0]]] * 2 + [None] * 2
    assert latest(store, box, "CoordinateFrame:frame", 0) is None, "it moves with the marker"
    assert latest(store, f"{at}/slide/handle", "Arrows3D:vectors", 1) == [[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]
    assert latest(store, f"{at}/ring/handle", "LineStrips3D:strips", 2) is not None
    assert latest(store, f"{at}/description", "Points3D:labels", 0) == ["pull"]
    assert all(report.is_lossless for report in driver.reports)


def test_a_full_update_is_of_the_same_markers() -> None:
    about = "visualization_msgs/msg/InteractiveMarkerInit"
    full = TYPES[about](server_id="s", seq_num=0, markers=[interactive(controls=[control(marker(frame_id="odom"))])])
    driver = Driver()
    topics = (1, "update_full", about), (2, "update", str(update().__msgtype__))
    connections = [Connection(i, f"/s/{t}", k, "cdr") for i, t, k in topics]
    chunks = driver.announce(connections)
    for one, message, when in zip(connections, (full, update(erases=["handle"])), (0, 1), strict=True):
        payload = bytes(STORE.serialize_cdr(message, one.msgtype))
        chunks += driver.convert(RawBatch.of(one, [payload], [when], order=[when]))
    store = ChunkStore.from_chunks(chunks + driver.step())
    assert latest(store, "/s/handle/c/0", "CoordinateFrame:frame", 0) == ["odom"]
    assert latest(store, "/s/handle/c/0", "Boxes3D:centers", 0) is not None
    assert latest(store, "/s/handle/c/0", "Boxes3D:centers", 1) is None


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "topic", "component"),
    [
        (
            "jsk-ros-pkg+jsk_recognition/bunny_marker_array.bag",
            "/octree_voxel_grid/output_marker_array",
            "Boxes3D:centers",
        ),
        ("cruise-automation+webviz/only-a-cube.bag", "/marker_in_parent_frame", "Boxes3D:centers"),
    ],
)
def test_recorded_markers(shared_data: Path, name: str, topic: str, component: str) -> None:
    """Every marker of the last message, as `rosbags` reads it, is up at the end."""
    from rosbags.highlevel import AnyReader

    conversion = Conversion([shared_data / name], ImportOptions())
    store = ChunkStore.from_chunks(list(conversion.chunks()))
    assert all(report.is_lossless for report in conversion.reports)
    with AnyReader([shared_data / name]) as reader:
        about = [c for c in reader.connections if c.topic == topic]
        *_, (connection, when, raw) = reader.messages(about)
        message = reader.deserialize(raw, connection.msgtype)
    for one in getattr(message, "markers", [message]):
        path = f"{topic}/{one.ns or '_'}/{one.id}"
        own = one.pose.position
        points = [[p.x + own.x, p.y + own.y, p.z + own.z] for p in one.points] or [[own.x, own.y, own.z]]
        assert np.allclose(latest(store, path, component, when), points)
