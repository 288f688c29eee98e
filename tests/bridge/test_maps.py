"""Maps that change piece by piece: the picture at any time equals a map that was patched in a plain loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from rrbridge.chunk import Chunk, ChunkStore
from rrbridge.components import Colormap
from rrbridge.importers import ImportOptions
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.messages import maps
from rrbridge_bridge.raw import Connection, RawBatch

DEFINITIONS = Path(__file__).parent / "definitions" / "maps.txt"
STORE = get_typestore(Stores.ROS2_HUMBLE)
TEXTS: dict[str, str] = {}
for _part in DEFINITIONS.read_text().strip().split("\n\n"):
    _name, _, _text = _part.partition("\n")
    TEXTS[_name] = _text
    STORE.register(get_types_from_msg(_text, _name))
TYPES = STORE.types
GRID, UPDATE = "nav_msgs/msg/OccupancyGrid", "map_msgs/msg/OccupancyGridUpdate"
SECOND = 1_000_000_000


def header(stamp: int = 0) -> Any:
    time = TYPES["builtin_interfaces/msg/Time"](sec=stamp, nanosec=0)
    return TYPES["std_msgs/msg/Header"](stamp=time, frame_id="map")


def pose(x: float = 0.0, y: float = 0.0, z: float = 0.0, w: float = 1.0) -> Any:
    """At (x, y), turned about the z axis."""
    return TYPES["geometry_msgs/msg/Pose"](
        position=TYPES["geometry_msgs/msg/Point"](x=x, y=y, z=0.0),
        orientation=TYPES["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=z, w=w),
    )


def grid(cells: Any, origin: Any = None) -> Any:
    values = np.asarray(cells, np.int8)
    info = TYPES["nav_msgs/msg/MapMetaData"](
        map_load_time=header().stamp,
        resolution=0.5,
        width=values.shape[1],
        height=values.shape[0],
        origin=pose() if origin is None else origin,
    )
    return TYPES[GRID](header=header(), info=info, data=values.reshape(-1))


def update(x: int, y: int, cells: Any, stamp: int = 0) -> Any:
    values = np.asarray(cells, np.int8)
    height, width = values.shape
    return TYPES[UPDATE](header=header(stamp), x=x, y=y, width=width, height=height, data=values.reshape(-1))


def connection(topic: str, msgtype: str, number: int) -> Connection:
    text = TEXTS.get(msgtype, "")
    if msgtype.startswith("nav2"):
        text = STORE.generate_msgdef(msgtype, ros_version=2)[0]
    return Connection(number, topic, msgtype, "cdr", definition=text, definition_format="ros2msg" if text else "")


MAP, UPDATES = connection("/map", GRID, 1), connection("/map_updates", UPDATE, 2)


def batch(about: Connection, messages: Sequence[Any], times: Iterable[int], order: Iterable[int]) -> RawBatch:
    payloads = [bytes(STORE.serialize_cdr(m, about.msgtype)) for m in messages]
    return RawBatch.of(about, payloads, np.array(list(times)) * SECOND, order=np.array(list(order)))


def converted(
    driver: Driver, messages: Sequence[tuple[int, Any]], cuts: Sequence[int] = (), about: Any = (MAP, UPDATES)
) -> list[Chunk]:
    """Messages as (log time in seconds, message), in steps that end at the given places."""
    chunks = driver.announce(about)
    for lo, hi in pairwise([0, *sorted(set(cuts) - {0, len(messages)}), len(messages)]):
        for one in reversed(about):
            mine = [(i, *messages[i]) for i in range(lo, hi) if messages[i][1].__msgtype__ == one.msgtype]
            if mine:
                numbers, times, found = zip(*mine, strict=True)
                chunks += driver.convert(batch(one, found, times, numbers))
        chunks += driver.step()
    return chunks + driver.settle(messages[-1][0] * SECOND, is_end=True)


def seen(store: ChunkStore, entity: str, seconds: int) -> Any:
    """The cells of a map at a time, the lower edge first; None where there is none."""
    found = store.latest_at(entity, ["GridMap:data", "GridMap:format"], "message_log_time", seconds * SECOND)
    if "GridMap:data" not in found:
        return None
    shape = found["GridMap:format"].values.to_pylist()[0]
    data = np.array(found["GridMap:data"].values.to_pylist()[0], np.uint8).view(np.int8)
    return data.reshape(shape["height"], shape["width"])[::-1]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[int, Any]], list[int]]:
    """A map, then updates that may not fit, and other maps."""
    cells = st.integers(-1, 100)
    messages: list[tuple[int, Any]] = []
    now = 0
    for _ in range(draw(st.integers(1, 12))):
        now += draw(st.integers(0, 2))
        height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        values = np.array(draw(st.lists(cells, min_size=height * width, max_size=height * width))).reshape(
            height, width
        )
        x, y = draw(st.integers(-1, 3)), draw(st.integers(0, 3))
        messages.append((now, grid(values) if draw(st.integers(0, 4)) == 0 else update(x, y, values)))
    return messages, draw(st.lists(st.integers(0, len(messages)), max_size=3))


@settings(max_examples=80, deadline=None)
@given(histories())
def test_the_map_at_any_time_equals_a_plain_loop(case: tuple[list[tuple[int, Any]], list[int]]) -> None:
    messages, cuts = case
    driver = Driver(ImportOptions(fields="none"))
    store = ChunkStore.from_chunks(converted(driver, messages, cuts))
    expected: dict[int, Any] = {}
    whole: Any = None
    misfits = 0
    for now, message in messages:
        if message.__msgtype__ == GRID:
            whole = message.data.reshape(message.info.height, message.info.width).copy()
        else:
            piece = message.data.reshape(message.height, message.width)
            fits = whole is not None and message.x >= 0 and message.x + message.width <= whole.shape[1]
            if fits and message.y + message.height <= whole.shape[0]:
                whole[message.y : message.y + message.height, message.x : message.x + message.width] = piece
            else:
                misfits += 1
        expected[now] = None if whole is None else whole.copy()
    for now, cells in expected.items():
        shown = seen(store, "/map", now)
        assert (shown is None) == (cells is None)
        assert cells is None or np.array_equal(shown, cells)
    assert sum(report.unmapped for report in driver.reports) == misfits


def test_a_map_keeps_its_place_frame_and_colours() -> None:
    placed = pose(2.0, 3.0)
    store = ChunkStore.from_chunks(converted(Driver(), [(0, grid(np.zeros((2, 3)), placed)), (1, update(1, 0, [[7]]))]))
    for component in ("GridMap:translation", "GridMap:cell_size", "GridMap:colormap", "CoordinateFrame:frame"):
        before, after = (
            store.latest_at("/map", [component], "message_log_time", t * SECOND)[component] for t in (0, 1)
        )
        assert before.row_id != after.row_id
        assert before.values.to_pylist() == after.values.to_pylist()


def test_many_updates_of_a_large_map_stay_in_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the budget is used up, updates are drawn where they lie, and the whole map is made good for later."""
    monkeypatch.setattr(maps, "BURST_BYTES", 250)
    monkeypatch.setattr(maps, "BYTES_PER_SEC", 10)
    turned = pose(2.0, 3.0, z=np.sqrt(0.5), w=np.sqrt(0.5))  # a quarter turn to the left
    messages = [(0, grid(np.zeros((10, 10)), turned)), *((i, update(i, 2, [[i]])) for i in range(1, 9))]
    chunks = converted(Driver(), messages, cuts=range(9))
    store = ChunkStore.from_chunks(chunks)
    whole = [t for t in range(1, 9) if seen(store, "/map", t)[2, t] == t]
    assert whole == [1, 2, 6, 8], "100 bytes a map: two from the burst, one when there is enough again, one at the end"
    for t in (3, 4, 5, 7):
        assert seen(store, "/map_updates/patch", t).tolist() == [[t]]
        place = store.latest_at("/map_updates/patch", None, "message_log_time", t * SECOND)
        corner = place["GridMap:translation"].values.to_pylist()[0]
        assert np.allclose(corner, [2.0 - 1.0, 3.0 + t * 0.5, 0.0])
        assert place["CoordinateFrame:frame"].values.to_pylist() == ["map"]
    for t in (6, 8):
        assert seen(store, "/map_updates/patch", t) is None
    assert np.array_equal(seen(store, "/map", 8)[2], [0, *range(1, 9), 0])


def test_a_new_map_takes_the_place_of_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "BURST_BYTES", 16)
    monkeypatch.setattr(maps, "BYTES_PER_SEC", 0)
    updates = [(t, update(0, 0, [[t]])) for t in (1, 2)]
    messages = [(0, grid(np.zeros((4, 4)))), *updates, (3, grid(np.ones((4, 4))))]
    store = ChunkStore.from_chunks(converted(Driver(), messages))
    assert [seen(store, "/map_updates/patch", t) is not None for t in (1, 2, 3)] == [False, True, False]


def costmap(costs: Any) -> Any:
    values = np.asarray(costs, np.uint8)
    about = TYPES["nav2_msgs/msg/CostmapMetaData"](
        map_load_time=header().stamp,
        update_time=header().stamp,
        layer="",
        resolution=0.5,
        size_x=values.shape[1],
        size_y=values.shape[0],
        origin=pose(),
    )
    return TYPES["nav2_msgs/msg/Costmap"](header=header(), metadata=about, data=values.reshape(-1))


def test_costmaps_are_drawn_as_rviz_draws_them() -> None:
    about = [
        connection("/costmap_raw", "nav2_msgs/msg/Costmap", 1),
        connection("/costmap_raw_updates", "nav2_msgs/msg/CostmapUpdate", 2),
    ]
    patch = TYPES["nav2_msgs/msg/CostmapUpdate"](
        header=header(), x=1, y=0, size_x=1, size_y=1, data=np.array([255], np.uint8).view(np.int8)
    )
    messages = [(0, costmap([[0, 1, 252], [253, 254, 255]])), (1, patch)]
    store = ChunkStore.from_chunks(converted(Driver(), messages, about=about))
    assert seen(store, "/costmap_raw", 0).tolist() == [[0, 1, 98], [99, 100, -1]]
    assert seen(store, "/costmap_raw", 1).tolist() == [[0, -1, 98], [99, 100, -1]]
    colors = store.latest_at("/costmap_raw", None, "message_log_time", SECOND)["GridMap:colormap"]
    assert colors.values.to_pylist() == [int(Colormap.RvizCostmap)]


def test_marked_voxels_are_boxes() -> None:
    columns = np.zeros(6, np.uint32)
    columns[4] = (1 << 16 | 1) << 3  # x = 1, y = 1, z = 3: marked
    columns[0] = 0x0000FFFF  # unknown
    message = TYPES["nav2_msgs/msg/VoxelGrid"](
        header=header(),
        data=columns,
        origin=TYPES["geometry_msgs/msg/Point32"](x=1.0, y=2.0, z=3.0),
        resolutions=TYPES["geometry_msgs/msg/Vector3"](x=0.1, y=0.2, z=0.4),
        size_x=3,
        size_y=2,
        size_z=16,
    )
    about = [connection("/voxels", "nav2_msgs/msg/VoxelGrid", 1)]
    store = ChunkStore.from_chunks(converted(Driver(), [(0, message)], about=about))
    found = store.latest_at("/voxels", None, "message_log_time", 0)
    assert np.allclose(found["Boxes3D:centers"].values.to_pylist(), [[1.15, 2.3, 4.4]])
    assert np.allclose(found["Boxes3D:half_sizes"].values.to_pylist(), [[0.05, 0.1, 0.2]])


def test_updates_in_a_file(tmp_path: Path) -> None:
    """A latched map, then thousands of updates in several steps; no definition of the update in the file."""
    with Writer(tmp_path / "run", version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        first = writer.add_connection("/map", GRID, typestore=STORE)
        second = writer.add_connection("/map_updates", UPDATE, typestore=STORE)
        writer.write(first, 0, STORE.serialize_cdr(grid(np.zeros((20, 20))), GRID))
        for i in range(400):
            writer.write(second, i + 1, STORE.serialize_cdr(update(i % 20, i // 20, [[i % 100]]), UPDATE))
    conversion = Conversion([tmp_path / "run"], ImportOptions())
    store = ChunkStore.from_chunks(list(conversion.chunks()))
    found = store.latest_at("/map", ["GridMap:data"], "message_log_time", SECOND)["GridMap:data"]
    cells = np.array(found.values.to_pylist()[0], np.uint8).reshape(20, 20)[::-1].reshape(-1)
    assert np.array_equal(cells, np.arange(400) % 100)
    assert all(report.is_lossless for report in conversion.reports)
