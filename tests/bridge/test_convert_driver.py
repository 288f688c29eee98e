"""What the driver does for adapters: entities, times, frames, static transforms, row ids, and messages that go wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge._timeline import TimeKind
from rrbridge.adapters import AdapterFunction, Adapters, Skipped
from rrbridge.chunk import Chunk
from rrbridge.columns import STAMP, Columns, Emit
from rrbridge.importers import ImportOptions
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.raw import Connection, RawBatch

STORE = get_typestore(Stores.ROS2_HUMBLE)
TYPES = STORE.types


def stamp(seconds: int) -> Any:
    return TYPES["builtin_interfaces/msg/Time"](sec=seconds, nanosec=0)


def header(frame_id: str, seconds: int = 5) -> Any:
    return TYPES["std_msgs/msg/Header"](stamp=stamp(seconds), frame_id=frame_id)


def point(x: float, frame_id: str) -> Any:
    return TYPES["geometry_msgs/msg/PointStamped"](
        header=header(frame_id), point=TYPES["geometry_msgs/msg/Point"](x=x, y=0.0, z=0.0)
    )


def transform(parent: str, child: str, x: float, seconds: int = 5) -> Any:
    vector, turn = TYPES["geometry_msgs/msg/Vector3"], TYPES["geometry_msgs/msg/Quaternion"]
    return TYPES["geometry_msgs/msg/TransformStamped"](
        header=header(parent, seconds),
        child_frame_id=child,
        transform=TYPES["geometry_msgs/msg/Transform"](
            translation=vector(x=x, y=0.0, z=0.0), rotation=turn(x=0.0, y=0.0, z=0.0, w=1.0)
        ),
    )


def tf(*transforms: Any) -> Any:
    return TYPES["tf2_msgs/msg/TFMessage"](transforms=list(transforms))


def connection(topic: str, msgtype: str, number: int = 1, **about: Any) -> Connection:
    return Connection(number, topic, msgtype, "cdr", **about)


def batch(about: Connection, messages: Sequence[Any], first: int = 0) -> RawBatch:
    payloads = [m if isinstance(m, bytes) else bytes(STORE.serialize_cdr(m, about.msgtype)) for m in messages]
    order = np.arange(first, first + len(messages))
    return RawBatch.of(about, payloads, 1000 + order, order=order)


def driver(*functions: tuple[str, AdapterFunction], **options: Any) -> Driver:
    adapters = Adapters()
    for msgtype, function in functions:
        adapters(msgtype)(function)
    return Driver(ImportOptions(**options), adapters=adapters)


def data(chunks: Sequence[Chunk], entity: str, component: str) -> list[Any]:
    """Cells of an entity's component, temporal ones in order of row id."""
    found = [c for c in chunks if c.entity_path == entity and component in c.components]
    rows = [
        (bytes(c.row_ids[i].tobytes()), cell)
        for c in found
        for i, cell in enumerate(c.components[component].cells.to_pylist())
    ]
    return [cell for _, cell in sorted(rows, key=lambda row: row[0])]


def times(chunks: Sequence[Chunk], entity: str, component: str, timeline: str) -> list[int]:
    return [
        int(t)
        for c in chunks
        if c.entity_path == entity and component in c.components
        for t in c.times[timeline].values
    ]


def points(msgs: Columns) -> Iterator[Emit]:
    yield Emit(rr.Points3D.columns(positions=np.stack([msgs.point.x, msgs.point.y, msgs.point.z], axis=-1)))


POINT = connection("/robot/point", "geometry_msgs/msg/PointStamped")
POINTS = ("geometry_msgs/msg/PointStamped", points)


def test_entity_times_and_fields() -> None:
    chunks = driver(POINTS).convert(batch(POINT, [point(1, "map"), point(2, "map")]))
    temporal = [c for c in chunks if not c.is_static]
    assert {c.entity_path for c in chunks} == {"/robot/point"}
    assert len(temporal) == 1, "small columns of one entity share a chunk"
    assert temporal[0].timeline_names == ["message_log_time", "message_publish_time", "ros2_timestamp"]
    assert all(t.kind is TimeKind.TIMESTAMP for t in temporal[0].times.values())
    assert temporal[0].times["ros2_timestamp"].values.tolist() == [5 * 10**9] * 2
    assert data(chunks, "/robot/point", "Points3D:positions") == [[[1, 0, 0]], [[2, 0, 0]]]
    fields = data(chunks, "/robot/point", "geometry_msgs.msg.PointStamped:message")
    assert [f[0]["point"]["x"] for f in fields] == [1, 2]


@pytest.mark.parametrize(
    ("frame_id", "expected"),
    [("map", "map"), ("/map", "map"), ("//map", "/map"), ("", "tf#/robot/point")],
)
def test_the_header_says_the_frame(frame_id: str, expected: str) -> None:
    chunks = driver(POINTS).convert(batch(POINT, [point(1, frame_id)]))
    assert data(chunks, "/robot/point", "CoordinateFrame:frame") == [[expected]]


def test_prefix_is_before_entities_and_frames() -> None:
    chunks = driver(POINTS, prefix="/a1").convert(batch(POINT, [point(1, "/map"), point(2, "")]))
    frames = data(chunks, "/a1/robot/point", "CoordinateFrame:frame")
    assert frames == [["a1/map"], ["tf#/a1/robot/point"]]


def test_entities_below_the_topic_have_the_frame_too() -> None:
    def below(msgs: Columns) -> Iterator[Emit]:
        yield Emit(rr.Points3D.columns(positions=np.zeros((len(msgs), 3))), at="corners")
        yield Emit(rr.Scalars.columns(scalars=msgs.point.x), at="x")

    chunks = driver(("geometry_msgs/msg/PointStamped", below)).convert(batch(POINT, [point(1, "map")]))
    assert data(chunks, "/robot/point/corners", "CoordinateFrame:frame") == [["map"]]
    assert data(chunks, "/robot/point", "CoordinateFrame:frame") == [["map"]]
    assert data(chunks, "/robot/point/x", "CoordinateFrame:frame") == []


def test_a_transform_of_the_entity_itself_gets_a_parent() -> None:
    def placed(msgs: Columns) -> Iterator[Emit]:
        yield Emit(rr.Transform3D.columns(translation=np.zeros((len(msgs), 3))))

    chunks = driver(("geometry_msgs/msg/PointStamped", placed)).convert(batch(POINT, [point(1, "map")]))
    assert data(chunks, "/robot/point", "Transform3D:parent_frame") == [["map"]]
    assert data(chunks, "/robot/point", "CoordinateFrame:frame") == []


def edges(msgs: Columns) -> Iterator[Emit]:
    from rrbridge._timeline import TimeColumn
    from rrbridge.columns import nanos

    each = msgs.transforms.values
    yield Emit(
        rr.Transform3D.columns(
            translation=np.stack([each.transform.translation.x] * 3, axis=-1),
            parent_frame=each.header.frame_id,
            child_frame=each.child_frame_id,
        ),
        rows=msgs.transforms.row_of_value,
        times=[TimeColumn.of(STAMP, TimeKind.TIMESTAMP, nanos(each.header.stamp))],
    )


EDGES = ("tf2_msgs/msg/TFMessage", edges)


def test_many_rows_of_one_message() -> None:
    topic = connection("/tf", "tf2_msgs/msg/TFMessage")
    messages = [tf(transform("map", "a", 1, 7), transform("map", "b", 2, 8)), tf(), tf(transform("map", "/a", 3, 9))]
    chunks = driver(EDGES).convert(batch(topic, messages))
    assert data(chunks, "/tf", "Transform3D:child_frame") == [["a"], ["b"], ["a"]]
    assert times(chunks, "/tf", "Transform3D:child_frame", "ros2_timestamp") == [7 * 10**9, 8 * 10**9, 9 * 10**9]
    assert times(chunks, "/tf", "Transform3D:child_frame", "message_log_time") == [1000, 1000, 1002]
    assert len(data(chunks, "/tf", "tf2_msgs.msg.TFMessage:message")) == 3


def test_static_transforms_are_a_static_row_each() -> None:
    topic = connection("/tf_static", "tf2_msgs/msg/TFMessage")
    made = driver(EDGES)
    chunks = made.convert(
        batch(topic, [tf(transform("map", "a", 1), transform("map", "b/c", 2)), tf(transform("x", "a", 3))])
    )
    static = {c.entity_path: c for c in chunks if c.is_static and "Transform3D:child_frame" in c.components}
    assert sorted(static) == ["/tf_static/a", r"/tf_static/b\/c"]
    assert static["/tf_static/a"].components["Transform3D:parent_frame"].cells.to_pylist() == [["x"]]
    assert len(data(chunks, "/tf_static", "tf2_msgs.msg.TFMessage:message")) == 2, "fields keep their times"
    again = made.convert(batch(topic, [tf(transform("x", "a", 3))], first=2))
    assert not [c for c in again if c.is_static], "what has not changed is not written again"


def test_static_emits_are_written_once() -> None:
    def named(msgs: Columns) -> Iterator[Emit]:
        yield Emit(rr.SeriesLines.columns(names=["speed"]), static=True)
        yield Emit(rr.Scalars.columns(scalars=msgs.point.x))

    made = driver(("geometry_msgs/msg/PointStamped", named))
    chunks = made.convert(batch(POINT, [point(1, "a")])) + made.convert(batch(POINT, [point(2, "a")], first=1))
    assert data(chunks, "/robot/point", "SeriesLines:names") == [["speed"]]
    assert len(data(chunks, "/robot/point", "Scalars:scalars")) == 2


def test_rows_at_paths_of_their_own() -> None:
    def each(msgs: Columns) -> Iterator[Emit]:
        yield Emit(rr.Scalars.columns(scalars=[3.0, 1.0, 2.0]), at=["b", "a b", "b"], rows=np.array([1, 0, 0]))

    chunks = driver(("geometry_msgs/msg/PointStamped", each)).convert(batch(POINT, [point(1, ""), point(2, "")]))
    assert data(chunks, "/robot/point/b", "Scalars:scalars") == [[2.0], [3.0]]
    assert times(chunks, "/robot/point/b", "Scalars:scalars", "message_log_time") == [1000, 1001]
    assert data(chunks, r"/robot/point/a\ b", "Scalars:scalars") == [[1.0]]


def test_row_ids_are_in_order_of_the_file() -> None:
    other = connection("/other", "geometry_msgs/msg/PointStamped", 2)
    made = driver(POINTS)
    late = made.convert(batch(other, [point(1, "a"), point(2, "a")], first=5))
    early = made.convert(batch(POINT, [point(1, "a"), point(2, "a")], first=0))

    def ids(chunks: Sequence[Chunk]) -> list[bytes]:
        return [row.tobytes() for c in chunks if not c.is_static for row in c.row_ids]

    assert max(ids(early)) < min(ids(late))
    assert len(set(ids(early + late))) == 4
    made.next_file()
    assert min(ids(made.convert(batch(POINT, [point(1, "a")])))) > max(ids(late))


def test_several_types_on_one_topic() -> None:
    made = driver(POINTS, EDGES)
    first = made.convert(batch(connection("/mixed", "tf2_msgs/msg/TFMessage", 1), [tf(transform("a", "b", 1))]))
    second = made.convert(batch(connection("/mixed", "geometry_msgs/msg/PointStamped", 2), [point(1, "a")]))
    assert {c.entity_path for c in first} == {"/mixed"}
    assert {c.entity_path for c in second} == {"/mixed/__geometry_msgs.msg.PointStamped"}


def test_two_definitions_of_one_type() -> None:
    made = driver()
    old = connection("/a", "x/msg/Thing", 1, definition="int32 n\n", definition_format="ros2msg")
    new = connection("/b", "x/msg/Thing", 2, definition="float64 n\n", definition_format="ros2msg")
    chunks = made.convert(batch(old, [b"\0\1\0\0\7\0\0\0"])) + made.convert(batch(new, [b"\0\1\0\0" + bytes(8)]))
    names = [n for c in chunks for n in c.components if n.endswith(":message")]
    assert names[0] == "x.msg.Thing:message"
    assert names[1].startswith("x.msg.Thing_")


def test_a_message_that_cannot_be_decoded_keeps_its_bytes() -> None:
    made = driver(POINTS)
    messages = [point(1, "a"), b"\0\1\0\0\xff\xff", point(3, "a")]
    chunks = made.convert(batch(POINT, messages))
    assert [p[0][0] for p in data(chunks, "/robot/point", "Points3D:positions")] == [1, 3]
    assert data(chunks, "/robot/point", "McapMessage:data") == [[list(messages[1])]]
    assert times(chunks, "/robot/point", "McapMessage:data", "message_log_time") == [1001]
    assert times(chunks, "/robot/point", "Points3D:positions", "message_log_time") == [1000, 1002]
    (report,) = made.reports
    assert (report.messages, report.undecodable, report.is_lossless) == (3, 1, False)
    assert report.reason


def test_a_message_that_an_adapter_cannot_take_keeps_its_fields_and_bytes() -> None:
    adapters = Adapters()

    @adapters("sensor_msgs/msg/CompressedImage", carries=["data"])
    def picky(msgs: Columns) -> Iterator[Emit]:
        formats = msgs.format.to_list()
        if "gif" in formats:
            raise ValueError("no gif")
        rows = np.array([i for i, name in enumerate(formats) if name == "png"])
        yield Emit(rr.Scalars.columns(scalars=np.ones(len(rows))), rows=rows)

    made = Driver(adapters=adapters)
    topic = connection("/image", "sensor_msgs/msg/CompressedImage")
    images = [
        TYPES["sensor_msgs/msg/CompressedImage"](header=header("cam"), format=name, data=np.full(3, n, np.uint8))
        for n, name in enumerate(["png", "gif", "png", "bmp"])
    ]
    chunks = made.convert(batch(topic, images))
    assert times(chunks, "/image", "Scalars:scalars", "message_log_time") == [1000, 1002]
    assert times(chunks, "/image", "McapMessage:data", "message_log_time") == [1001, 1003]
    fields = data(chunks, "/image", "sensor_msgs.msg.CompressedImage:message")
    assert [f[0]["format"] for f in fields] == ["png", "gif", "png", "bmp"]
    assert "data" not in fields[0][0]
    (report,) = made.reports
    assert report.unmapped == 2, "also the one that became nothing"
    assert report.reasons == [
        f"{__name__}.picky failed: ValueError: no gif",
        "nothing was made of them, and no reason given",
    ]


def test_an_adapter_can_say_what_it_skipped() -> None:
    def careful(msgs: Columns) -> Iterator[Emit | Skipped]:
        if 13.0 in msgs.point.x:
            raise ValueError("unlucky")
        rows = np.flatnonzero(msgs.point.x >= 0)
        yield Emit(rr.Scalars.columns(scalars=msgs.point.x[rows]), rows=rows)
        yield Skipped(np.flatnonzero(msgs.point.x < -1), "too far left")
        yield Skipped(np.flatnonzero(msgs.point.x < -2).repeat(2), "much too far left")

    made = driver(("geometry_msgs/msg/PointStamped", careful))
    # -1 rightly becomes nothing: without bytes to carry, an adapter need not speak of each message.
    made.convert(batch(POINT, [point(x, "a") for x in (0, -1, -2, -3, 13, 5)]))
    made.convert(batch(POINT, [point(-2, "a")], first=6))
    (report,) = made.reports
    assert (report.messages, report.unmapped, report.is_lossless) == (7, 4, False)
    assert set(report.reasons) == {
        "too far left",
        "much too far left",
        f"{__name__}.careful failed: ValueError: unlucky",
    }


@pytest.mark.parametrize("rows", [[1], [-1], [[0]]])
def test_an_adapter_cannot_skip_what_is_not_there(rows: Any) -> None:
    def wrong(msgs: Columns) -> Iterator[Emit | Skipped]:
        yield Skipped(np.array(rows), "no reason")

    made = driver(("geometry_msgs/msg/PointStamped", wrong))
    made.convert(batch(POINT, [point(1, "a")]))
    assert "Skipped.rows" in made.reports[0].reason


def test_an_adapter_cannot_end_the_program() -> None:
    def leaving(msgs: Columns) -> Iterator[Emit]:
        raise SystemExit(3)

    made = driver(("geometry_msgs/msg/PointStamped", leaving))
    chunks = made.convert(batch(POINT, [point(1, "a")]))
    assert data(chunks, "/robot/point", "geometry_msgs.msg.PointStamped:message")
    assert (made.reports[0].unmapped, made.reports[0].reason) == (1, f"{__name__}.leaving failed: SystemExit: 3")


def test_an_adapter_may_be_any_object_that_can_be_called() -> None:
    class Doubling:
        def __call__(self, msgs: Columns) -> Iterator[Emit]:
            yield Emit(rr.Scalars.columns(scalars=msgs.point.x * 2))

    made = driver(("geometry_msgs/msg/PointStamped", Doubling()))
    chunks = made.convert(batch(POINT, [point(1, "a")]))
    assert data(chunks, "/robot/point", "Scalars:scalars") == [[2.0]]
    assert made.reports[0].mapped_by.endswith(".Doubling")


def test_reasons_that_all_differ_are_not_all_kept() -> None:
    def wordy(msgs: Columns) -> Iterator[Emit]:
        raise ValueError(f"not {msgs.point.x[0]}")

    made = driver(("geometry_msgs/msg/PointStamped", wordy))
    for i in range(100):
        made.convert(batch(POINT, [point(i, "a")], first=i))
    assert len(made.reports[0].reasons) < 10
    assert made.reports[0].unmapped == 100


def test_a_type_without_definition_keeps_its_bytes() -> None:
    made = driver()
    chunks = made.convert(batch(connection("/x", "nobody/msg/Knows"), [b"\0\1\0\0\1", b"\0\1\0\0\2"]))
    assert data(chunks, "/x", "McapMessage:data") == [[[0, 1, 0, 0, 1]], [[0, 1, 0, 0, 2]]]
    assert data(chunks, "/x", "channel_id") == [[1], [1]]
    (report,) = made.reports
    assert report.raw_only
    assert (report.undecodable, report.is_lossless) == (2, False)
    assert "nobody/msg/Knows" in report.reason


def test_an_adapter_whose_rows_do_not_fit_is_told() -> None:
    def wrong(msgs: Columns) -> Iterator[Emit]:
        yield Emit(rr.Scalars.columns(scalars=np.ones(len(msgs) + 1)))

    made = driver(("geometry_msgs/msg/PointStamped", wrong))
    made.convert(batch(POINT, [point(1, "a")]))
    assert "one row for each of 1 messages" in made.reports[0].reason


def test_a_clock_is_a_timeline() -> None:
    clock = TYPES["rosgraph_msgs/msg/Clock"](clock=stamp(42))
    chunks = driver().convert(batch(connection("/clock", "rosgraph_msgs/msg/Clock"), [clock]))
    assert times(chunks, "/clock", "rosgraph_msgs.msg.Clock:message", "sim_time") == [42 * 10**9]


def test_repeated_messages_are_marked() -> None:
    chunks = driver(POINTS).convert(batch(POINT, [point(1, "a")]), repeated=True)
    assert data(chunks, "/robot/point", "repeated") == [[True]]


def test_large_chunks_are_cut() -> None:
    topic = connection("/text", "std_msgs/msg/String")
    messages = [TYPES["std_msgs/msg/String"](data="x" * 2_000_000)] * 6
    chunks = [c for c in driver().convert(batch(topic, messages)) if not c.is_static]
    assert len(chunks) >= 3
    assert sum(c.num_rows for c in chunks) == 6


def test_a_second_connection_of_a_topic_has_its_channel_apart() -> None:
    made = driver(POINTS)
    chunks = made.announce([POINT, connection(POINT.topic, POINT.msgtype, 2, metadata={"callerid": "/other"})])
    assert [c.entity_path for c in chunks] == ["/robot/point", "/robot/point/__channel/2"]
    assert chunks[1].components["McapChannel:metadata"].cells.to_pylist() == [
        [[{"first": "callerid", "second": "/other"}]]
    ]
