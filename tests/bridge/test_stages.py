"""Stages: messages in order of log time, however they come; memory between calls; rows where and when they belong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag1 import Writer as BagWriter
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.adapters import Adapters, Skipped
from rrbridge.chunk import Chunk
from rrbridge.columns import STAMP, Columns, Emit, take
from rrbridge.errors import PluginConflictError
from rrbridge.importers import ImportOptions
from rrbridge.stages import Messages, Note, Takes
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.emits import scatter
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers import ReadOptions, open_bag
from rrbridge_bridge.readers._blocks import Blocks, Rows
from rrbridge_bridge.record.maker import DriverMaker

STORE = get_typestore(Stores.ROS2_HUMBLE)
NUMBER = "std_msgs/msg/Float64"
COUNT = "std_msgs/msg/Int32"
SECOND = 1_000_000_000
Sequence3 = list[tuple[int, int, float]]


def connection(topic: str, msgtype: str = NUMBER, number: int = 1) -> Connection:
    return Connection(number, topic, msgtype, "cdr")


def batch(about: Connection, values: Iterable[float], times: Iterable[int], order: Iterable[int]) -> RawBatch:
    kind = STORE.types[about.msgtype]
    cast = int if about.msgtype == COUNT else float
    payloads = [bytes(STORE.serialize_cdr(kind(data=cast(v)), about.msgtype)) for v in values]
    return RawBatch.of(about, payloads, np.array(list(times)), order=np.array(list(order)))


def summing(*takes: str | Takes, group: Any = None) -> Adapters:
    """A stage that adds up, and says so for each message."""
    adapters = Adapters()
    groups = {} if group is None else {"group": group}

    @adapters.stage(*takes, start=0.0, **groups)
    def total(state: float, msgs: Messages) -> tuple[float, Iterable[Emit]]:
        assert np.all(np.diff(msgs.log_time_nanos) >= 0)
        sums = state + np.cumsum(msgs.columns.data.astype(np.float64))
        return float(sums[-1]), [Emit(rr.Scalars.columns(scalars=sums), at="total")]

    return adapters


def rows(chunks: Iterable[Chunk], below: str = "/total", component: str = "Scalars:scalars") -> list[tuple[int, Any]]:
    """`(log time, value)` of every row below any topic, in order of time and row id."""
    found = []
    for chunk in chunks:
        if chunk.entity_path.endswith(below) and component in chunk.components:
            times = chunk.times["message_log_time"].values.tolist()
            cells = chunk.components[component].cells.to_pylist()
            ids = [row.tobytes() for row in chunk.row_ids]
            found += [(t, i, cell[0]) for t, i, cell in zip(times, ids, cells, strict=True)]
    return [(t, value) for t, _, value in sorted(found)]


def test_a_stage_remembers_across_batches() -> None:
    driver, about = Driver(adapters=summing(NUMBER)), connection("/x")
    chunks = driver.convert(batch(about, [1, 2], [10, 20], [0, 1])) + driver.convert(batch(about, [3], [30], [2]))
    assert rows(chunks) == [(10, 1), (20, 3), (30, 6)], "one connection needs not wait"
    assert driver.reports[0].mapped_by.endswith(".total")


def test_each_topic_has_its_own_state_unless_they_share_one() -> None:
    a, b = connection("/a", number=1), connection("/b", number=2)
    for group, expected in ((None, [(10, 1), (20, 2)]), (lambda topic: "all", [(10, 1), (20, 3)])):
        driver = Driver(adapters=summing(NUMBER, group=group))
        chunks = driver.announce([a, b]) + driver.convert(batch(a, [1], [10], [0]))
        chunks += driver.convert(batch(b, [2], [20], [1])) + driver.settle(1000)
        assert rows(chunks) == expected


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[Sequence3, list[int]]:
    """Messages as (topic, log time, value) in file order, and where batches end."""
    size = draw(st.integers(1, 30))
    times = np.cumsum(draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))).tolist()
    messages = [(draw(st.integers(0, 2)), time, float(draw(st.integers(-9, 9)))) for time in times]
    return messages, draw(st.lists(st.integers(0, size), max_size=4))


@settings(max_examples=60, deadline=None)
@given(interleaved())
def test_several_topics_come_in_order_of_log_time(case: tuple[Sequence3, list[int]]) -> None:
    """However messages are batched: the same as one loop over all in order."""
    messages, ends = case
    about = [connection("/a", NUMBER, 1), connection("/b", COUNT, 2), connection("/c", NUMBER, 3)]
    driver = Driver(adapters=summing(NUMBER, COUNT, group=lambda topic: ""))
    chunks = driver.announce(about)
    cuts = [0, *sorted(set(ends)), len(messages)]
    for lo, hi in pairwise(cuts):
        for topic in (2, 0, 1):
            mine = [(i, m) for i, m in enumerate(messages[lo:hi], lo) if m[0] == topic]
            if mine:
                times, values = [m[1] for _, m in mine], [m[2] for _, m in mine]
                chunks += driver.convert(batch(about[topic], values, times, [i for i, _ in mine]))
        chunks += driver.step()
    sums = np.cumsum([value for _, _, value in messages])
    assert rows(chunks) == [(m[1], s) for m, s in zip(messages, sums.tolist(), strict=True)]
    ids = [row.tobytes() for c in chunks if not c.is_static for row in c.row_ids]
    assert len(ids) == len(set(ids))


def test_what_comes_first_does_not_cut_the_rest() -> None:
    calls: list[tuple[str, int]] = []
    adapters = Adapters()

    @adapters.stage(NUMBER, Takes(COUNT, first=True), group=lambda topic: "")
    def listening(state: None, msgs: Messages) -> tuple[None, Iterable[Emit]]:
        calls.append((msgs.msgtype, len(msgs)))
        return state, []

    a, b = connection("/a", NUMBER, 1), connection("/b", COUNT, 2)
    driver = Driver(adapters=adapters)
    driver.announce([a, b])
    driver.convert(batch(a, range(5), range(0, 10, 2), range(0, 10, 2)))
    driver.convert(batch(b, range(5), range(1, 11, 2), range(1, 11, 2)))
    driver.step()
    assert calls == [(COUNT, 5), (NUMBER, 5)]


def test_topics_can_be_chosen() -> None:
    driver = Driver(adapters=summing(Takes(NUMBER, topic=r"/wanted$")))
    chunks = driver.convert(batch(connection("/a/wanted", number=1), [1], [1], [0]))
    chunks += driver.convert(batch(connection("/other", number=2), [5], [2], [1]))
    assert {c.entity_path for c in chunks if "total" in c.entity_path} == {"/a/wanted/total"}


def test_a_failing_call_leaves_the_state_and_blames_its_messages() -> None:
    adapters = Adapters()

    @adapters.stage(NUMBER, start=0.0)
    def picky(state: float, msgs: Messages) -> tuple[float, Iterator[Emit | Skipped]]:
        values = msgs.columns.data

        def emits() -> Iterator[Emit | Skipped]:
            if 13.0 in values:
                raise ValueError("unlucky")
            yield Emit(rr.Scalars.columns(scalars=state + np.cumsum(values)), at="total")
            yield Skipped(np.flatnonzero(values < 0), "less than nothing")

        return float(state + values.sum()), emits()

    driver = Driver(adapters=adapters)
    chunks = driver.convert(batch(connection("/x"), [1, 2, 13, 4, -1], range(5), range(5)))
    assert rows(chunks) == [(0, 1), (1, 3), (3, 7), (4, 6)]
    (report,) = driver.reports
    assert (report.unmapped, set(report.reasons)) == (
        2,
        {f"{__name__}.picky failed: ValueError: unlucky", "less than nothing"},
    )
    assert len(rows(chunks, "/x", "std_msgs.msg.Float64:message")) == 5, "fields are kept"


def test_paths_from_the_root_notes_and_what_is_due_later() -> None:
    adapters = Adapters()

    def due(state: list[int], until_nanos: int, is_end: bool) -> tuple[list[int], list[Emit]]:
        ready = [t for t in state if t <= until_nanos]
        times = [TimeColumn.of(n, TimeKind.TIMESTAMP, np.array(ready)) for n in ("message_log_time", STAMP)]
        emit = Emit(rr.Scalars.columns(scalars=np.array(ready, float)), at="/later", times=times)
        return [t for t in state if t not in ready], [emit]

    @adapters.stage(NUMBER, start=[], settle=due)
    def later(state: list[int], msgs: Messages) -> tuple[list[int], Iterable[Any]]:
        emit = Emit(rr.Scalars.columns(scalars=msgs.columns.data), at=["/now"] * len(msgs))
        return [*state, *(msgs.log_time_nanos + 100).tolist()], [emit, Note("one note")]

    driver = Driver(ImportOptions(prefix="/robot"), adapters=adapters)
    chunks = driver.convert(batch(connection("/x"), [1, 2], [10, 20], [0, 1]))
    assert rows(chunks, "/robot/now") == [(10, 1), (20, 2)]
    soon = driver.settle(115)
    assert rows(soon, "/robot/later") == [(110, 110)]
    assert rows(driver.settle(1000), "/robot/later") == [(120, 120)]
    assert soon[0].times["ros2_timestamp"].values.tolist() == [110]
    assert driver.reports[0].notes == [Note("one note")]
    assert driver.reports[0].is_lossless


def test_a_stage_that_fails_where_no_message_is_to_blame() -> None:
    adapters = Adapters()

    def due(state: None, until_nanos: int, is_end: bool) -> Any:
        raise RuntimeError("boom")

    @adapters.stage(NUMBER, settle=due)
    def nothing(state: None, msgs: Messages) -> tuple[None, list[Emit]]:
        return None, []

    driver = Driver(adapters=adapters)
    driver.convert(batch(connection("/x"), [1], [1], [0]))
    assert driver.settle(1000) == []
    (note,) = driver.reports[0].notes
    assert note.is_loss
    assert "boom" in note.text


def test_an_adapter_takes_the_place_of_a_stage_that_draws_the_type() -> None:
    adapters = summing(Takes(NUMBER, wholly=True))
    adapters(NUMBER)(lambda msgs: iter([Emit(rr.Scalars.columns(scalars=msgs.data))]))
    driver = Driver(adapters=adapters)
    assert not rows(driver.convert(batch(connection("/x"), [1], [1], [0])))


def test_the_reference_mapping_has_no_stages() -> None:
    driver = Driver(ImportOptions(mapping="reference"), adapters=summing(NUMBER))
    assert not rows(driver.convert(batch(connection("/x"), [1], [1], [0])))


def test_a_name_is_taken_once() -> None:
    adapters = summing(NUMBER)
    (stage,) = adapters.stages.values()
    with pytest.raises(PluginConflictError, match="total"):
        adapters.stage(NUMBER)(stage.function)


def test_a_plug_in_whose_grouping_fails_is_left_out() -> None:
    driver = Driver(adapters=summing(NUMBER, group=lambda topic: topic.no_such_thing))
    chunks = driver.convert(batch(connection("/x"), [1], [1], [0]))
    assert [c.entity_path for c in chunks if not c.is_static] == ["/x"]


def in_order_of_file(seen: list[tuple[int, int]]) -> Adapters:
    """A stage over all numbers of a bag, which notes `(log time, value)` of what it gets."""
    adapters = Adapters()

    @adapters.stage(NUMBER, COUNT, group=lambda topic: "")
    def noting(state: None, msgs: Messages) -> tuple[None, list[Emit]]:
        seen.extend(zip(msgs.log_time_nanos.tolist(), msgs.columns.data.astype(int).tolist(), strict=True))
        return None, []

    return adapters


@given(st.lists(st.integers(0, 3), min_size=1, max_size=200), st.integers(1, 30), st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_a_step_ends_when_nothing_before_is_missing(ids: list[int], at_once: int, max_rows: int) -> None:
    """Connections 0 and 1 are read in step, 2 and 3 are not; whatever a reader finds at once and a batch may hold."""
    connections = {i: connection(f"/{i}", NUMBER, i) for i in range(4)}
    options = ReadOptions(max_rows=max_rows, in_step=lambda topic, msgtype: topic in ("/0", "/1"))
    given_out: list[RawBatch] = []
    blocks = Blocks(connections, options)
    for lo in range(0, len(ids), at_once):
        some = np.array(ids[lo : lo + at_once])
        number, none = len(some), np.zeros(len(some), np.int64)
        order = np.arange(lo, lo + number)
        buffer = np.zeros(8, np.uint8)
        found = Rows(buffer, some, none, none + 8, order, order, none.astype(np.uint32), order)
        given_out += blocks.add(found)
    given_out += blocks.flush()
    assert sorted(i for b in given_out for i in b.order.tolist()) == list(range(len(ids)))
    before: list[int] = []
    for out in given_out:
        assert out.connection.id < 2 or not out.ends_step
        if out.connection.id < 2:
            before += out.order.tolist()
            if out.ends_step:
                assert sorted(before) == [i for i in range(max(before) + 1) if ids[i] < 2]
    assert not given_out or not before or [b for b in given_out if b.connection.id < 2][-1].ends_step


def test_files_give_quiet_topics_in_step(tmp_path: Path) -> None:
    """One topic of five messages beside one of thousands, which leaves in many batches: all come in order."""
    path, store = tmp_path / "x.bag", get_typestore(Stores.ROS1_NOETIC)
    expected = []
    with BagWriter(path) as writer:
        busy = writer.add_connection("/busy", NUMBER, typestore=store)
        quiet = writer.add_connection("/quiet", COUNT, typestore=store)
        for i in range(3000):
            kind, about = (COUNT, quiet) if i % 600 == 7 else (NUMBER, busy)
            writer.write(about, i * 10, store.serialize_ros1(store.types[kind](data=i), kind))
            expected.append((i * 10, i))
    seen: list[tuple[int, int]] = []
    list(Conversion([path], ImportOptions(), adapters=in_order_of_file(seen)).chunks())
    assert seen == expected


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["Surya-Sriramoju+gazebo_walker/rosbag/rosbag2_2023_11_28-00_00_10_0.db3", "locusrobotics+fuse/turtlebot3.bag"],
)
def test_recordings_come_in_order(shared_data: Path, name: str) -> None:
    """Every message of four topics of a robot, exactly once, in order of log time."""
    adapters = Adapters()
    seen: list[tuple[int, str]] = []
    types = ("sensor_msgs/msg/JointState", "nav_msgs/msg/Odometry", "sensor_msgs/msg/Imu", "tf2_msgs/msg/TFMessage")

    @adapters.stage(*types, group=lambda topic: "")
    def noting(state: None, msgs: Messages) -> tuple[None, list[Emit]]:
        seen.extend((int(t), msgs.topic) for t in msgs.log_time_nanos)
        return None, []

    list(Conversion([shared_data / name], ImportOptions(fields="none"), adapters=adapters).chunks())
    with open_bag(shared_data / name) as reader:
        expected = [
            (int(t), b.connection.topic)
            for b in reader.batches()
            if b.connection.msgtype in types
            for t in b.log_time_nanos
        ]
    assert [t for t, _ in seen] == sorted(t for t, _ in expected)
    assert sorted(seen) == sorted(expected)


def test_the_recorder_runs_stages_too() -> None:
    a, b = connection("/a", NUMBER, 1), connection("/b", COUNT, 2)
    maker = DriverMaker(ImportOptions(), adapters=summing(NUMBER, COUNT, group=lambda topic: ""))
    chunks = [*maker.announce(a), *maker.announce(b)]
    chunks += maker.convert(batch(b, [2], [20], [1])) + maker.convert(batch(a, [1], [10], [0])) + maker.settle()
    chunks += maker.convert(batch(a, [3], [30], [2])) + maker.settle()
    assert rows(chunks) == [(10, 1), (20, 3), (30, 6)]


def test_two_publishers_of_one_topic_are_one_run() -> None:
    calls: list[int] = []
    adapters = Adapters()

    @adapters.stage(NUMBER)
    def counting(state: None, msgs: Messages) -> tuple[None, list[Emit]]:
        calls.append(len(msgs))
        return None, []

    first, second = connection("/x", NUMBER, 1), replace(connection("/x", NUMBER, 2), metadata={"callerid": "/b"})
    driver = Driver(adapters=adapters)
    driver.announce([first, second])
    driver.convert(batch(first, range(5), range(0, 10, 2), range(0, 10, 2)))
    driver.convert(batch(second, range(5), range(1, 11, 2), range(1, 11, 2)))
    driver.step()
    assert calls == [10]


def test_columns_of_other_definitions_are_not_mixed() -> None:
    """The same type name with other fields: two runs, each with its own columns."""
    from rrbridge_bridge.staging import _structure

    one, other = Columns(1, {"a": np.zeros(1)}), Columns(1, {"a": np.zeros(1, np.float32)})
    assert _structure(one) == _structure(Columns(2, {"a": np.ones(2)}))
    assert _structure(one) != _structure(other)


@pytest.mark.filterwarnings("error")
def test_our_stages_take_whatever_comes(definitions_of: Any) -> None:
    """Random messages of every type that they take, by every definition that it had: extreme numbers, ragged lists, NaN."""
    from rrbridge_bridge.messages import adapters

    tried = set()
    for stage in adapters.stages.values():
        for takes in stage.takes:
            for definition in definitions_of(takes.msgtype):
                for seed in (0, 4):
                    columns = definition.columns(definition.random(7, seed, edges=seed > 0))
                    times = np.arange(7) * SECOND
                    state = stage.start
                    for lo, hi in ((0, 3), (3, 7)):
                        msgs = Messages("/a/x_updates", take(columns, np.arange(lo, hi)), times[lo:hi], times[lo:hi])
                        state, emitted = stage.function(state, msgs)
                        for item in emitted:
                            if isinstance(item, Emit):
                                assert list(scatter(item, "/a/x_updates", hi - lo))
                tried.add(takes.msgtype)
    assert len(tried) >= 10
