"""Adapters: laws that hold for each of them, and what the ones that draw something draw."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import rrbridge as rr
from rrbridge._archetype import ComponentColumnList
from rrbridge.adapters import Adapters, Skipped
from rrbridge.columns import Columns, Emit
from rrbridge.errors import PluginConflictError
from rrbridge_bridge.messages import _registry, adapters

RandomMessages = Callable[[str, int, int], list[Any]]
ColumnsOf = Callable[[str, list[Any]], Columns]


def flat(emit: Emit) -> list[rr.ComponentColumn]:
    parts = [emit.columns] if isinstance(emit.columns, ComponentColumnList) else emit.columns
    return [column for part in parts for column in part]


def rows_by_message(emits: Iterable[Emit | Skipped], count: int) -> list[dict[tuple[str, str], list[Any]]]:
    """What each message became: `{(path below, component): cells}`; static rows are the same for all."""
    found: list[dict[tuple[str, str], list[Any]]] = [defaultdict(list) for _ in range(count)]
    for emit in emits:
        if isinstance(emit, Skipped):
            for row in set(emit.rows.tolist()):
                found[row]["skipped", emit.reason].append(True)
            continue
        for column in flat(emit):
            rows = range(len(column)) if emit.rows is None else emit.rows.tolist()
            for i, (row, cell) in enumerate(zip(rows, column.cells, strict=emit.rows is not None or not emit.static)):
                at = emit.at if isinstance(emit.at, str) else emit.at[i]
                for message in range(count) if emit.static else [row]:
                    found[message][at, column.descriptor.component].append(cell.as_py())
    return [dict(message) for message in found]


def same(a: Any, b: Any) -> bool:
    return repr(a) == repr(b)  # NaN equals NaN here


def test_a_batch_is_its_messages_one_by_one(definition: Any) -> None:
    """Whatever they hold: ragged lists, NaN, the largest numbers; without a warning; by every definition a type had."""
    adapter = adapters.by_type[definition.msgtype]
    for seed in range(6):
        messages = definition.random(9, seed, edges=seed > 2)
        together = rows_by_message(adapter(definition.columns(messages)), 9)
        apart = [rows_by_message(adapter(definition.columns([m])), 1)[0] for m in messages]
        assert same(together, apart)
    assert rows_by_message(adapter(definition.columns([])), 0) == []


def test_carried_fields_exist(definition: Any) -> None:
    assert adapters.by_type[definition.msgtype].carries <= set(definition.columns(definition.random(1, 0)))


def test_every_adapted_type_is_tried(definitions_of: Callable[[str], list[Any]]) -> None:
    """Of types that `rosbags` does not know, the definitions are in `definitions`."""
    in_ros = {msgtype: msgtype.replace("foxglove.", "foxglove_msgs/msg/") for msgtype in adapters.by_type}
    assert [msgtype for msgtype, name in in_ros.items() if not definitions_of(name)] == []
    assert [
        t for t, name in in_ros.items() if adapters.by_type[t].function is not adapters.by_type[name].function
    ] == []


def test_our_adapters_come_through_the_plugin_door() -> None:
    assert Adapters.discover().by_type.keys() >= adapters.by_type.keys()


def test_only_the_modules_of_a_types_package_are_imported() -> None:
    """And they are those that the table names: every module here, for every type that it has."""
    folder = Path(_registry.__file__).parent
    named = {name for modules in _registry.MODULES.values() for name in modules}
    assert named == {".".join(path.relative_to(folder).with_suffix("").parts) for path in folder.rglob("[a-z]*.py")}
    package = f"{_registry.__package__}."
    for msgtype, adapter in adapters.by_type.items():
        assert adapter.origin.removeprefix(package) in _registry.MODULES[re.split("[./]", msgtype)[0]]
    for stage in adapters.stages.values():
        for takes in stage.takes:
            assert stage.origin.removeprefix(package) in _registry.MODULES[re.split("[./]", takes.msgtype)[0]]
    code = (
        "import sys; from rrbridge.adapters import Adapters; found = Adapters.discover(); "
        "assert found.find('nav_msgs/msg/Path'); assert found.find('my/msg/Own') is None; "
        "print(sorted(n for n in sys.modules if n.startswith('rrbridge_bridge.messages.') and '._' not in n))"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "messages.nav_msgs" in said
    assert "messages.images" not in said
    assert "messages.visualization_msgs" not in said


def test_a_type_cannot_be_claimed_twice_by_accident() -> None:
    mine = Adapters()
    mine("my/msg/Type")(lambda msgs: iter(()))
    with pytest.raises(PluginConflictError, match="my/msg/Type"):
        mine("my/msg/Type")(lambda msgs: iter(()))
    mine("my/msg/Type", replace=True)(lambda msgs: iter(()))


def struct(**fields: Any) -> Columns:
    length = len(next(iter(fields.values())))
    return Columns(length, fields)


def cells(emits: Iterable[Emit | Skipped], component: str) -> pa.ListArray:
    drawn = [emit for emit in emits if isinstance(emit, Emit)]
    (found,) = [c.cells for e in drawn for c in flat(e) if c.descriptor.component == component]
    return found


def skipped(emits: Iterable[Emit | Skipped]) -> dict[str, list[int]]:
    """Messages by reason."""
    return {e.reason: e.rows.tolist() for e in emits if isinstance(e, Skipped) and len(e.rows)}


def test_laser_scan_keeps_only_echoes_inside_its_range() -> None:
    ranges = rr.Ragged.from_lengths([4, 2], np.array([1.0, np.inf, 0.01, 2.0, np.nan, 99.0], np.float32))
    scan = struct(
        ranges=ranges,
        intensities=rr.Ragged.from_lengths([4, 2], np.arange(6, dtype=np.float32)),
        angle_min=np.array([0.0, 0.0]),
        angle_increment=np.array([np.pi / 2, 0.1]),
        range_min=np.array([0.1, 0.1]),
        range_max=np.array([10.0, 10.0]),
    )
    emits = list(adapters.by_type["sensor_msgs/msg/LaserScan"](scan))
    first, second = cells(emits, "Points3D:positions").to_pylist()
    assert np.allclose(first, [[1, 0, 0], [0, -2, 0]], atol=1e-6)
    assert second == []
    assert cells(emits, "Points3D:intensity").to_pylist() == [[0.0, 3.0], []]


@pytest.mark.parametrize("big_endian", [False, True])
def test_images_are_packed_and_in_native_order(
    big_endian: bool, random_messages: RandomMessages, columns_of: ColumnsOf
) -> None:
    pixels = np.arange(6, dtype=np.uint16).reshape(2, 3) * 1000
    padded = np.zeros((2, 4), ">u2" if big_endian else "<u2")
    padded[:, :3] = pixels
    message = random_messages("sensor_msgs/msg/Image", 1, 0)[0]
    message.height, message.width, message.step, message.encoding = 2, 3, 8, "16UC1"
    message.is_bigendian, message.data = int(big_endian), np.frombuffer(padded.tobytes(), np.uint8)
    emits = list(adapters.by_type["sensor_msgs/msg/Image"](columns_of("sensor_msgs/msg/Image", [message])))
    buffer = bytes(cells(emits, "DepthImage:buffer").to_pylist()[0][0])
    assert np.array_equal(np.frombuffer(buffer, np.uint16).reshape(2, 3), pixels)
    assert cells(emits, "DepthImage:meter").to_pylist() == [[1000.0]]


def test_point_cloud_colours_are_unpacked(random_messages: RandomMessages, columns_of: ColumnsOf) -> None:
    points = np.zeros(2, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<f4")])
    points["x"], points["rgb"] = [1, 2], np.array([0x00112233, 0x00AABBCC], np.uint32).view(np.float32)
    message = random_messages("sensor_msgs/msg/PointCloud2", 1, 0)[0]
    field = type(random_messages("sensor_msgs/msg/PointField", 1, 0)[0])
    message.fields = [field(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate(("x", "y", "z", "rgb"))]
    message.height, message.width, message.point_step, message.row_step = 1, 2, 16, 32
    message.is_bigendian, message.data = False, np.frombuffer(points.tobytes(), np.uint8)
    emits = list(adapters.by_type["sensor_msgs/msg/PointCloud2"](columns_of("sensor_msgs/msg/PointCloud2", [message])))
    assert cells(emits, "Points3D:colors").to_pylist() == [[0x112233FF, 0xAABBCCFF]]
    assert cells(emits, "Points3D:positions").to_pylist() == [[[1, 0, 0], [2, 0, 0]]]


@pytest.mark.parametrize(("height", "width"), [(2**30, 2**30), (2**32 - 1, 2**32 - 1), (2**31, 2**29)])
def test_clouds_that_promise_too_much_are_left_out(
    random_messages: RandomMessages, columns_of: ColumnsOf, height: int, width: int
) -> None:
    field = type(random_messages("sensor_msgs/msg/PointField", 1, 0)[0])
    lies, honest = random_messages("sensor_msgs/msg/PointCloud2", 2, 0)
    for message, size in ((lies, (height, width)), (honest, (1, 2))):
        message.fields = [field(name=n, offset=4 * i, datatype=7, count=1) for i, n in enumerate("xyz")]
        message.height, message.width = size
        message.point_step, message.row_step, message.is_bigendian = 16, 0, False
        message.data = np.zeros(32, np.uint8)
    messages = columns_of("sensor_msgs/msg/PointCloud2", [lies, honest])
    emit, left_out = adapters.by_type["sensor_msgs/msg/PointCloud2"](messages)
    assert isinstance(emit, Emit)
    assert emit.rows is not None
    assert emit.rows.tolist() == [1]
    assert cells([emit], "Points3D:positions").to_pylist() == [[[0, 0, 0], [0, 0, 0]]]
    assert skipped([left_out]) == {"a cloud has less data than its size needs": [0]}


def test_clouds_without_points_are_clouds(random_messages: RandomMessages, columns_of: ColumnsOf) -> None:
    """Some drivers name no fields when nothing was seen; what was drawn before must end."""
    empty, nameless = random_messages("sensor_msgs/msg/PointCloud2", 2, 0)
    for message, width in ((empty, 0), (nameless, 1)):
        message.fields, message.height, message.width, message.data = [], 1, width, np.zeros(0, np.uint8)
        message.point_step = message.row_step = 0
    messages = columns_of("sensor_msgs/msg/PointCloud2", [empty, nameless])
    emits = list(adapters.by_type["sensor_msgs/msg/PointCloud2"](messages))
    assert cells(emits, "Points3D:positions").to_pylist() == [[]]
    assert skipped(emits) == {"a cloud has no usable fields x and y": [1]}


def test_images_that_cannot_be_drawn_are_told(random_messages: RandomMessages, columns_of: ColumnsOf) -> None:
    messages = random_messages("sensor_msgs/msg/Image", 4, 0)
    for message, encoding, size in zip(messages, ("mono8", "weird", "rgb8", "8UC1"), (4, 4, 5, 4), strict=True):
        message.height = message.width = 2
        message.step, message.encoding, message.data = (
            6 if encoding == "rgb8" else 2,
            encoding,
            np.zeros(size, np.uint8),
        )
    emits = list(adapters.by_type["sensor_msgs/msg/Image"](columns_of("sensor_msgs/msg/Image", messages)))
    assert skipped(emits) == {
        "the image encoding 'weird' is not known": [1],
        "an image has less data than its size and encoding need": [2],
    }


def test_maps_start_at_their_upper_edge(random_messages: RandomMessages, columns_of: ColumnsOf) -> None:
    message = random_messages("nav_msgs/msg/OccupancyGrid", 1, 0)[0]
    message.info.width, message.info.height = 3, 2
    message.data = np.array([0, 50, 100, -1, 10, 20], np.int8)
    emits = list(adapters.by_type["nav_msgs/msg/OccupancyGrid"](columns_of("nav_msgs/msg/OccupancyGrid", [message])))
    assert cells(emits, "GridMap:data").to_pylist() == [[[255, 10, 20, 0, 50, 100]]]
    message.data = message.data[:4]
    emits = list(adapters.by_type["nav_msgs/msg/OccupancyGrid"](columns_of("nav_msgs/msg/OccupancyGrid", [message])))
    assert skipped(emits) == {"a map has not as many cells as its width and height say": [0]}


def test_polygons_are_closed(random_messages: RandomMessages, columns_of: ColumnsOf) -> None:
    messages = random_messages("geometry_msgs/msg/PolygonStamped", 6, 2)
    emits = list(
        adapters.by_type["geometry_msgs/msg/PolygonStamped"](columns_of("geometry_msgs/msg/PolygonStamped", messages))
    )
    for message, ((strip,),) in zip(
        messages, [[c] for c in cells(emits, "LineStrips3D:strips").to_pylist()], strict=True
    ):
        corners = [[p.x, p.y, p.z] for p in message.polygon.points]
        assert strip == corners + corners[:1]
