"""The fields of messages: found by type, read as numbers, shown as a tree, plotted by a click."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rrbridge as rr
from rrbridge_viewer.blueprint import Blueprint, Container, EntityItem, Pane, PlottedField
from rrbridge_viewer.commands import PlotField, Select, Undo
from rrbridge_viewer.layout import EntityFacts, automatic_blueprint
from rrbridge_viewer.message_fields import FieldNode, field_numbers, field_title, field_tree, is_raw, number_fields
from rrbridge_viewer.plotted_fields import is_plotted, with_field_switched

VECTOR = pa.struct([("x", pa.float64()), ("y", pa.float64()), ("z", pa.float64())])
TIME = pa.struct([("sec", pa.int32()), ("nanosec", pa.uint32())])
MESSAGE = pa.struct(
    [
        ("header", pa.struct([("stamp", TIME), ("seq", pa.uint32())])),
        ("count", pa.int32()),
        ("place", VECTOR),
        ("forces", pa.list_(VECTOR)),
        ("limits", pa.list_(pa.float32(), 2)),
        ("name", pa.string()),
    ]
)

vectors = st.fixed_dictionaries({axis: st.floats(-1e6, 1e6) for axis in "xyz"})
messages = st.fixed_dictionaries(
    {
        "header": st.just({"stamp": {"sec": 1, "nanosec": 2}, "seq": 3}),
        "count": st.none() | st.integers(-100, 100),
        "place": st.none() | vectors,
        "forces": st.none() | st.lists(vectors, max_size=3),
        "limits": st.none() | st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=2),
        "name": st.just("a"),
    }
)
PATHS = [("count",), ("place", "y"), ("forces", 1, "z"), ("limits", 1)]


def looked_up(message: Any, path: tuple[str | int, ...]) -> float:
    for part in path:
        if message is None or (isinstance(part, int) and part >= len(message)):
            return math.nan
        message = message[part]
    return math.nan if message is None else float(message)


@given(st.lists(st.lists(messages, max_size=2), max_size=6), st.integers(0, 3))
def test_numbers_are_those_that_python_finds(rows: list[list[Any]], skipped: int) -> None:
    cells = pa.array(rows, pa.list_(MESSAGE))[skipped:]
    for path in PATHS:
        expected = [looked_up(row[0] if row else None, path) for row in rows[skipped:]]
        np.testing.assert_array_equal(field_numbers(cells, path), np.array(expected, np.float64))


def test_fields_that_are_none_are_refused() -> None:
    cells = pa.array([[None]], pa.list_(MESSAGE))
    for path in (("name",), ("count", "x"), ("count", 0), ("place",)):
        with pytest.raises(TypeError):
            field_numbers(cells, path)
    with pytest.raises(KeyError):
        field_numbers(cells, ("nothing",))


def test_measured_numbers_come_first_and_headers_never() -> None:
    assert number_fields(MESSAGE) == [("place", "x"), ("place", "y"), ("place", "z"), ("count",)]
    assert number_fields(pa.float32()) == [()]


def test_what_is_raw() -> None:
    assert is_raw("xpp_msgs.msg.Params", MESSAGE)
    assert is_raw(None, pa.float64())
    assert not is_raw("rerun.archetypes.Points3D", pa.float32())
    assert not is_raw(None, pa.string())


def test_the_tree_is_readable() -> None:
    message = {
        "header": {"stamp": {"sec": 1_700_000_000, "nanosec": 5_000_000}, "seq": 7},
        "count": 3,
        "place": {"x": 1.5, "y": -2.25, "z": 1 / 3},
        "forces": [{"x": 1.0, "y": 2.0, "z": 3.0}] * 100,
        "limits": [0.5, 4.0],
        "name": "two\nlines",
    }
    nodes = {node.name: node for node in field_tree(pa.array([message], MESSAGE)[0])}
    assert nodes["header"].children[0].text == "2023-11-14 22:13:20.005000"
    assert nodes["place"].text == "1.5, -2.25, 0.3333"
    assert nodes["limits"].text == "[0.5, 4]"
    assert nodes["forces"].text == "100 × struct"
    assert len(nodes["forces"].children) == 25
    assert nodes["forces"].children[-1].text == "76 more"
    assert field_title(nodes["forces"].children[1].children[2].path) == "forces[1].z"
    assert nodes["name"].text == "two⏎lines"
    turned = pa.array([{"x": 0.0, "y": 0.0, "z": math.sqrt(0.5), "w": math.sqrt(0.5)}])
    whole = field_tree(pa.array([{"q": turned[0].as_py()}])[0])
    assert whole[0].text == "rpy 0.0°, 0.0°, 90.0°"


def count(nodes: tuple[FieldNode, ...]) -> int:
    return sum(1 + count(node.children) for node in nodes)


def test_a_huge_message_makes_a_small_tree() -> None:
    inner = pa.list_(pa.list_(pa.list_(VECTOR)))
    huge = [[[[{"x": 0.0, "y": 0.0, "z": 0.0}] * 24] * 24] * 24]
    assert count(field_tree(pa.array(huge, inner)[0])) < 4000


def facts(path: str, fields: Sequence[tuple[str, ...]], rows: int = 5) -> EntityFacts:
    made = tuple(PlottedField(path, "a.msg.B:message", field) for field in fields)
    return EntityFacts(path, frozenset(["B"]), rows=rows, fields=made)


def test_messages_without_a_drawing_are_plotted_struct_by_struct() -> None:
    found = automatic_blueprint(
        [facts("/a", [("p", "x"), ("p", "y"), ("q", "x")]), facts("/once", [("x",)], rows=1)]
    ).panes.values()
    assert [(pane.title, len(pane.fields)) for pane in found] == [("/a p", 2), ("/a q", 1)]


def test_too_many_structs_make_a_plot_per_entity_that_says_what_it_leaves_out() -> None:
    many = [(f"part{number}", "x") for number in range(30)]
    panes = list(automatic_blueprint([facts("/a", many), facts("/b", many[:2])]).panes.values())
    assert [(pane.title, len(pane.fields), pane.left_out) for pane in panes] == [("/a", 12, 18), ("/b", 2, 0)]


def test_switching_a_field_makes_a_plot_and_takes_it_out_again() -> None:
    x, y = (PlottedField("/a", "a.msg.B:message", ("p", axis)) for axis in "xy")
    root = Container("horizontal", ("space", Container("vertical", ("plot",), (1.0,))), (0.5, 0.5))
    before = Blueprint({"space": Pane("Spatial3DView", "3D"), "plot": Pane("TimeSeriesView", "p", "/p")}, root)
    one = with_field_switched(before, x)
    assert is_plotted(one, x)
    assert not is_plotted(one, y)
    made = one.panes.keys() - before.panes.keys()
    assert one.root is not None
    assert isinstance(one.root.children[1], Container)
    assert one.root.children[1].children == ("plot", *made)
    both = with_field_switched(one, y)
    assert both.panes.keys() == one.panes.keys()
    assert is_plotted(both, x)
    assert is_plotted(both, y)
    assert not is_plotted(with_field_switched(both, x), x)
    alone = with_field_switched(Blueprint(), x)
    assert alone.root is not None
    assert alone.root.children == tuple(alone.panes)


@pytest.fixture
def message_file(tmp_path: Path) -> Path:
    """`/arm` holds messages whose `p.x` rises from 0 to 10 in ten seconds; nothing in them can be drawn."""
    path = tmp_path / "messages.rrd"
    datatype = pa.struct([("p", pa.struct([("x", pa.float64()), ("y", pa.float64())])), ("words", pa.string())])
    with rr.RecordingStream("messages") as rec:
        rec.save(path)
        for second in range(11):
            rec.set_time("t", duration=second)
            value = pa.array([{"p": {"x": float(second), "y": 5.0}, "words": "hello"}], datatype)
            rec.log("/arm", rr.DynamicArchetype("a.msg.B", components={"message": value}))
        rec.disconnect()
    return path


def test_a_recording_of_custom_messages_is_plotted_and_its_values_shown(desk: Any, message_file: Path) -> None:
    desk.open(message_file, at="+3s")
    (view,) = desk.recording.blueprint.panes
    assert desk.recording.blueprint.panes[view].title == "/arm p"
    green = np.array((0x4C, 0xC3, 0x8A))
    left, top, right, bottom = desk.area(view)
    pixels = desk.pixels[top:bottom, left:right]
    places = np.argwhere((np.abs(pixels - green) < 30).all(axis=2))
    places = places[places[:, 1] > 0.3 * (right - left)]
    # The line rises from the lower left to the upper right.
    assert np.corrcoef(places[:, 1], places[:, 0])[0, 1] < -0.95
    desk.do(Select((EntityItem("/arm"),)))
    shown = desk.inside("right")
    assert (np.abs(shown - desk.at("+4s").inside("right")).max(axis=2) > 40).sum() > 20


def test_a_click_on_a_number_plots_it_and_undo_takes_it_back(desk: Any, message_file: Path) -> None:
    desk.open(message_file, at="+3s")
    (view,) = desk.recording.blueprint.panes
    field = desk.recording.blueprint.panes[view].fields[0]
    desk.do(PlotField(field))
    assert not is_plotted(desk.recording.blueprint, field)
    desk.do(Undo())
    assert is_plotted(desk.recording.blueprint, field)
    desk.do(Select((EntityItem("/arm"),)))
    left, top, right, bottom = desk.area("right")
    clicked = set()
    for y in range(top + 60, min(top + 260, bottom), 20):
        before = set(desk.recording.blueprint.panes[view].fields)
        desk.click((left + right) / 2, y)
        clicked |= before ^ set(desk.recording.blueprint.panes[view].fields)
    # The vector is closed at first and opened by the first click on it.
    assert clicked
    assert {field.path for field in clicked} <= {("p", "x"), ("p", "y")}


def test_an_empty_recording_says_so_and_one_without_drawings_too(desk: Any, tmp_path: Path) -> None:
    path = tmp_path / "words.rrd"
    with rr.RecordingStream("words") as rec:
        rec.save(path)
        rec.set_time("t", duration=1)
        rec.log("/a", rr.AnyValues(word="hello"))
        rec.disconnect()
    desk.open(path)
    assert not desk.recording.blueprint.panes
    assert "select a stream" in desk.viewer._why_empty()


@pytest.mark.real_data
def test_a_real_bag_of_custom_messages_shows_its_numbers(desk: Any, shared_data: Path) -> None:
    from rosbags.highlevel import AnyReader

    bag = shared_data / "leggedrobotics+xpp" / "biped.bag"
    desk.open(bag, at="+3s")
    titles = {pane.title for pane in desk.recording.blueprint.panes.values()}
    assert {"/xpp/state_des base.pose.position", "/xpp/terrain_info"} <= titles
    with AnyReader([bag]) as reader:
        connections = [connection for connection in reader.connections if connection.topic == "/xpp/state_des"]
        decoded: list[Any] = [reader.deserialize(raw, c.msgtype) for c, _, raw in reader.messages(connections)]
    query = desk.viewer._query()
    for path, expected in (
        (("base", "pose", "position", "x"), [message.base.pose.position.x for message in decoded]),
        (("ee_motion", 1, "pos", "z"), [message.ee_motion[1].pos.z for message in decoded]),
    ):
        series = query.field_series("/xpp/state_des", "xpp_msgs.msg.RobotStateCartesian:message", path)
        np.testing.assert_array_equal(series.values[:, 0], expected)
