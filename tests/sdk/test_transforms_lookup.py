"""What a lookup is asked in the field: many times, two times, limits, dates, and errors that say why."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import rrbridge as rr
from rrbridge.chunk import Chunk, ChunkStore
from rrbridge.errors import (
    FramesNotConnectedError,
    InvalidValueError,
    TransformError,
    TransformTimeError,
    UnknownFrameError,
)

Doubles = npt.NDArray[np.float64]
QUARTER = np.sqrt(0.5)
SECOND = 10**9


def edge(
    child: str,
    parent: str,
    times: list[int] | None,
    xs: list[float],
    *,
    entity: str = "/tf",
    kind: str = "sequence",
    **columns: Any,
) -> Chunk:
    """One edge over time that moves along x; without times, static."""
    indexes = [] if times is None else [rr.TimeColumn("log", **{kind: times})]
    count = len(xs)
    return Chunk.from_columns(
        entity,
        times=indexes,
        components=list(
            rr.Transform3D.columns(
                translation=[(x, 0, 0) for x in xs],
                child_frame=[child] * count,
                parent_frame=[parent] * count,
                **columns,
            )
        ),
    )


def tree_of(*chunks: Chunk) -> rr.TransformTree:
    return rr.TransformTree(ChunkStore.from_chunks(chunks))


def robot() -> rr.TransformTree:
    return tree_of(
        edge("odom", "map", [0, 10], [0, 1]),
        edge("base", "odom", [0, 20], [0, 20]),
        edge("lidar", "base", None, [100], entity="/tf_static/lidar"),
    )


def test_many_times_are_the_same_as_one_after_the_other() -> None:
    tree, times = robot(), np.random.default_rng(0).integers(0, 25, 50)
    many = tree.lookup("map", "lidar", "log", times)
    assert many.shape == (50, 4, 4)
    for time, matrix in zip(times.tolist(), many, strict=True):
        np.testing.assert_allclose(tree.lookup("map", "lidar", "log", time), matrix, atol=1e-12)
        assert matrix[0, 3] == pytest.approx(min(time, 10) / 10 + min(time, 20) + 100)
    assert tree.lookup("map", "lidar", "log", []).shape == (0, 4, 4)
    np.testing.assert_array_equal(tree.lookup("map", "map", "log", [3, 4]), [np.eye(4)] * 2)
    held = tree.lookup("map", "lidar", "log", [9, 19], interpolate=False)
    assert held[:, 0, 3].tolist() == [100, 101]


def test_a_block_of_times_ends_where_another_begins() -> None:
    tree = robot()
    times = np.linspace(0, 20, 40_000).astype(np.int64)
    np.testing.assert_allclose(tree.lookup("odom", "base", "log", times)[:, 0, 3], times, atol=1e-9)


def test_through_a_frame_that_stands_still_between_two_times() -> None:
    tree = robot()
    then_from_now = tree.lookup("base", "base", "log", 5, source_time=[15, 18], fixed_frame="odom")
    assert then_from_now[:, 0, 3].tolist() == [10, 13]
    one = tree.lookup("base", "base", "log", 5, source_time=15, fixed_frame="odom")
    np.testing.assert_array_equal(one, then_from_now[0])
    assert tree.lookup("base", "base", "log", [5, 6], source_time=15, fixed_frame="odom")[:, 0, 3].tolist() == [10, 9]
    with pytest.raises(InvalidValueError, match="both of source_time= and fixed_frame="):
        tree.lookup("base", "base", "log", 5, source_time=6)
    with pytest.raises(InvalidValueError, match="one time, or 2 as t has"):
        tree.lookup("base", "base", "log", [5, 6], source_time=[1, 2, 3], fixed_frame="odom")


def test_a_limit_says_how_long_a_row_is_held() -> None:
    tree = robot()
    found = tree.lookup("odom", "lidar", "log", [20, 25, 26], extrapolation_limit=5, missing="nan")
    assert np.isfinite(found).all(axis=(1, 2)).tolist() == [True, True, False]
    assert tree.can_transform("odom", "lidar", "log", [-1, 0, 5, 20, 21], extrapolation_limit=0).tolist() == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert tree.can_transform("base", "lidar", "log", 10**9, extrapolation_limit=0)
    assert not tree.can_transform("odom", "base", "log", 5, extrapolation_limit=4, interpolate=False)
    with pytest.raises(
        TransformTimeError, match=r"base at 20 is 6 old at 26 on log, and the limit is 5.* 0 to 20"
    ) as error:
        tree.lookup("odom", "lidar", "log", [20, 26, 30], extrapolation_limit=5)
    facts = error.value
    assert (facts.frame, facts.timeline, facts.time, facts.first, facts.last) == ("base", "log", 26, 0, 20)
    assert facts.__notes__ == ["2 of 3 times have no answer; this is about the first of them"]
    with pytest.raises(
        TransformTimeError, match=r"odom has no transform before 0 on log \(the last is at 10\)"
    ) as error:
        tree.lookup("map", "odom", "log", -3)
    assert (error.value.frame, error.value.first, error.value.last) == ("odom", 0, 10)
    with pytest.raises(InvalidValueError, match="0 or more"):
        tree.lookup("odom", "base", "log", 5, extrapolation_limit=-1)


def test_latched_rows_are_never_too_old() -> None:
    """The reference writes `/tf_static` at the times it was logged."""
    tree = tree_of(edge("lidar", "base", [3], [7], entity="/robot/tf_static"), edge("base", "map", [0, 50], [0, 50]))
    assert tree.lookup("map", "lidar", "log", [10, 50], extrapolation_limit=0)[:, 0, 3].tolist() == [17, 57]
    assert tree.latest_common_time("map", "lidar", "log") == 50
    assert tree.latest_common_time("base", "lidar", "log") is None
    assert not tree.can_transform("base", "lidar", "log", 2)


def test_the_latest_time_that_all_edges_have() -> None:
    tree = robot()
    assert tree.latest_common_time("map", "lidar", "log") == 10
    assert tree.latest_common_time("odom", "lidar", "log") == 20
    assert tree.latest_common_time("base", "lidar", "log") is None
    assert tree.chain("map", "lidar", "log", 5) == ("map", "odom", "base", "lidar")
    assert tree.chain("lidar", "map", "log", 5) == ("lidar", "base", "odom", "map")
    with pytest.raises(UnknownFrameError):
        tree.chain("map", "nowhere", "log", 5)


def test_dates_and_spans_of_python_and_numpy() -> None:
    start = dt.datetime(2024, 5, 17, 10, tzinfo=dt.UTC)
    nanos = int(start.timestamp()) * SECOND
    times = [np.datetime64(nanos + i * SECOND, "ns") for i in range(3)]
    tree = tree_of(edge("base", "map", times, [0, 1, 2], kind="timestamp"))  # type: ignore[arg-type]
    given = (nanos + SECOND // 2, np.datetime64(nanos + SECOND // 2, "ns"), start + dt.timedelta(seconds=0.5))
    for t in given:
        assert tree.lookup("map", "base", "log", t)[0, 3] == pytest.approx(0.5)
        assert tree.lookup("map", "base", "log", [t, t]).shape == (2, 4, 4)
    assert tree.lookup("map", "base", "log", np.array(times, "M8[us]"))[:, 0, 3].tolist() == [0, 1, 2]
    late = start + dt.timedelta(seconds=3)
    assert tree.can_transform("map", "base", "log", late, extrapolation_limit=dt.timedelta(seconds=1))
    with pytest.raises(TransformTimeError, match=r"is 1 s old at 2024-05-17T10:00:03Z on log, and the limit is 0.9 s"):
        tree.lookup("map", "base", "log", late, extrapolation_limit=np.timedelta64(900, "ms"))
    for wrong in (1.5, [0.5], "noon", np.datetime64("NaT"), np.datetime64("3000"), [[1]], 2**64, None):
        with pytest.raises(InvalidValueError):
            tree.lookup("map", "base", "log", wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="t: expected times of 64 bits"):
        tree.lookup("map", "base", "log", 2**64)
    with pytest.raises(InvalidValueError, match="missing: expected 'raise' or 'nan'"):
        tree.lookup("map", "base", "log", start, missing="zero")  # type: ignore[arg-type]


def test_no_such_frame_names_those_near() -> None:
    tree = robot()
    with pytest.raises(UnknownFrameError, match="there is no frame lidra; near it: lidar") as error:
        tree.lookup("map", "lidra", "log", 0)
    assert (error.value.frame, error.value.near) == ("lidra", ("lidar",))
    with pytest.raises(UnknownFrameError) as error:
        tree.lookup("/map", "base", "log", 0)
    assert error.value.near == ("map",)
    with pytest.raises(UnknownFrameError, match=r"there is no frame qqq$"):
        tree.lookup("map", "qqq", "log", [0, 1])


def test_two_trees_are_both_listed() -> None:
    tree = tree_of(
        edge("a", "map", None, [0], entity="/tf_static/a"),
        edge("b", "world", None, [0], entity="/tf_static/b"),
        *(edge(f"c{i:02}", "world", None, [0], entity=f"/tf_static/c{i:02}") for i in range(20)),
    )
    with pytest.raises(FramesNotConnectedError, match=r"below map: a; below world: b, c00, .* and 9 more$") as error:
        tree.lookup("a", "b", "log", 0)
    assert error.value.target_tree == ("a", "map")
    assert error.value.source_tree == ("b", *(f"c{i:02}" for i in range(20)), "world")
    tree = tree_of(edge("a", "map", [0], [0]), edge("b", "world", [5], [0]))
    with pytest.raises(FramesNotConnectedError, match="a has transforms on log, not on other; b has"):
        tree.lookup("a", "b", "other", 9)


def test_data_that_is_in_a_frame_of_its_own() -> None:
    frame = Chunk.from_columns("/scan", components=list(rr.CoordinateFrame.columns(frame=["lidar"])))
    tree = tree_of(edge("lidar", "map", None, [0], entity="/tf_static/lidar"), frame)
    for name in ("/scan", "tf#/scan"):
        with pytest.raises(FramesNotConnectedError, match="the data of /scan is in the frame lidar"):
            tree.lookup("map", name, "log", 0)


def test_recordings_and_streams_have_a_tree(tmp_path: Path) -> None:
    stream = rr.RecordingStream("robot")
    stream.save(tmp_path / "run.rrd")
    live = rr.open(stream)
    for i in range(3):
        stream.set_time("step", sequence=i)
        stream.log("arm", rr.Transform3D(translation=[i, 0, 0]))
        assert live.transforms().lookup("/", "/arm", "step", i)[0, 3] == i
    stream.disconnect()
    opened = rr.open(tmp_path / "run.rrd")
    assert isinstance(opened, rr.Recording)
    assert opened.transforms() is opened.transforms()
    assert opened.transforms().lookup("/", "/arm", "step", [0, 1, 2])[:, 0, 3].tolist() == [0, 1, 2]


def test_several_topics_say_where_a_frame_is(caplog: pytest.LogCaptureFixture) -> None:
    one = edge("base", "map", [0, 20], [0, 20], entity="/tf")
    two = edge("base", "map", [10, 30], [110, 130], entity="/amcl/tf")
    tree = tree_of(one, two)
    with caplog.at_level(logging.WARNING):
        found = tree.lookup("map", "base", "log", [0, 5, 10, 15, 20, 25, 30, 99])[:, 0, 3]
        tree.lookup("map", "base", "log", 7)
    assert found.tolist() == [0, 55, 110, 65, 20, 75, 130, 130], (
        "each row stands for itself, as if one topic had them all"
    )
    assert [record.getMessage() for record in caplog.records] == [
        "where base is, is said by /tf and /amcl/tf: the latest row counts"
    ]
    (report,) = tree.report("log").edges
    assert report.topics == ("/tf", "/amcl/tf")
    assert "2 topics, the latest row counts" in str(tree.report("log"))


def test_a_clear_lets_the_row_of_another_topic_stand_again() -> None:
    clear = Chunk.from_columns(
        "/b",
        times=[rr.TimeColumn("log", sequence=[6])],
        components=list(rr.Clear.columns(is_recursive=[False])),  # type: ignore[call-arg]
    )
    tree = tree_of(
        edge("base", "map", [0, 10], [0, 10], entity="/a"), edge("base", "map", [4], [100], entity="/b"), clear
    )
    found = tree.lookup("map", "base", "log", [2, 4, 5, 6, 8, 10])[:, 0, 3].tolist()
    assert found == [50, 100, 100, 0, 0, 10], "held from the clear to the next row"


def test_edges_that_move_to_another_parent() -> None:
    tree = tree_of(
        edge("left", "map", None, [1], entity="/tf_static/left"),
        edge("right", "map", None, [2], entity="/tf_static/right"),
        edge("cup", "left", [0, 10], [0, 10]),
        edge("cup", "right", [20, 30], [0, 10]),
    )
    times = [30, 5, 25, 15, 20, 10, 0, -1]
    found = tree.lookup("map", "cup", "log", times, missing="nan")[:, 0, 3]
    np.testing.assert_allclose(found, [12, 6, 7, 11, 2, 11, 1, np.nan])
    assert tree.can_transform("left", "cup", "log", times).tolist() == [True] * 7 + [False]
    (cup,) = (report for report in tree.report("log").edges if report.child == "cup")
    assert cup.parents == ("left", "right")
    assert "also under left" in str(tree.report("log"))


@pytest.mark.parametrize("length", [0.0, np.nan, np.inf])
def test_a_broken_quaternion_is_an_error_while_it_is_in_force(length: float) -> None:
    quaternions = [(0, 0, 0, 1), (0, 0, length, 0), (0, 0, 0, 1)]
    tree = tree_of(edge("base", "map", [0, 10, 20], [0, 10, 20], quaternion=quaternions))
    assert tree.can_transform("map", "base", "log", [0, 9, 10, 19, 20]).tolist() == [True, True, False, False, True]
    assert tree.lookup("map", "base", "log", 9)[0, 3] == 0, "nothing lies between a transform and none"
    with pytest.raises(TransformError, match="the transform of base at 10 is not a number, or turns about nothing"):
        tree.lookup("map", "base", "log", 12)
    (report,) = tree.report("log").edges
    assert report.broken_rows == 1
    assert tree.can_transform("base", "base", "log", 12), "what is above both does not matter"


def test_quaternions_of_any_length_turn_alike() -> None:
    unit = edge("a", "map", [0, 10], [0, 0], quaternion=[(0, 0, 0, 1), (0, 0, QUARTER, QUARTER)])
    other = edge("b", "map", [0, 10], [0, 0], quaternion=[(0, 0, 0, -9), (0, 0, 1e-3, 1e-3)])
    tree = tree_of(unit, other)
    for time in range(11):
        np.testing.assert_allclose(tree.lookup("a", "b", "log", time), np.eye(4), atol=1e-6)


def test_what_scales_and_mirrors_is_interpolated_where_it_has_a_meaning() -> None:
    halves = [rr.RotationAxisAngle((0, 0, 1), rr.Angle(deg=a)) for a in (0, 90)]
    tree = tree_of(
        edge("turn", "map", [0, 10], [0, 0], rotation_axis_angle=halves),
        edge("grow", "map", [0, 10], [0, 0], scale=[(1, 1, 1), (3, 3, 3)]),
        edge("flip", "map", [0, 10], [0, 10], scale=[(1, 1, 1), (-1, 1, 1)]),
        edge("back", "map", [0, 10], [0, 4], relation=[rr.TransformRelation.ChildFromParent] * 2),
    )
    turned = tree.lookup("map", "turn", "log", 5)
    assert np.degrees(np.arctan2(turned[1, 0], turned[0, 0])) == pytest.approx(45)
    np.testing.assert_allclose(tree.lookup("map", "grow", "log", 5)[:3, :3], 2 * np.eye(3), atol=1e-6)
    np.testing.assert_array_equal(tree.lookup("map", "flip", "log", 5), np.eye(4))
    assert tree.lookup("map", "back", "log", 5)[0, 3] == pytest.approx(-2)


def test_times_that_jump_back() -> None:
    """A bag that was played twice: on the data's clock both runs lie on top of each other, the later row first."""
    tree = tree_of(edge("base", "map", [0, 10, 20, 0, 10], [0, 10, 20, 100, 110]))
    assert tree.lookup("map", "base", "log", [0, 5, 10, 15, 20])[:, 0, 3].tolist() == [100, 105, 110, 65, 20]
    (report,) = tree.report("log").edges
    assert (report.backward_rows, report.rows, report.longest_gap) == (2, 5, 10)


def test_entities_are_frames_too() -> None:
    arm = Chunk.from_columns(
        "/world/arm",
        times=[rr.TimeColumn("log", sequence=[0, 10])],
        components=list(rr.Transform3D.columns(translation=[(0, 0, 0), (10, 0, 0)])),
    )
    tree = tree_of(arm, edge("map", "tf#/world", None, [5], entity="/tf_static/map"))
    for name in ("/world/arm", "world/arm", "tf#/world/arm")[::2]:
        assert tree.lookup("map", name, "log", 5)[0, 3] == 0
    assert tree.lookup("/", "/world/arm", "log", 5)[0, 3] == 5
    assert tree.lookup("/world", "/world/arm", "log", -5)[0, 3] == 0, (
        "an entity without a transform is where its parent is"
    )


def test_it_follows_a_store_that_grows() -> None:
    store = ChunkStore.from_chunks([edge("base", "map", [0], [0])])
    tree = rr.TransformTree(store)
    for i in range(1, 5):
        assert tree.lookup("map", "base", "log", 10 * i)[0, 3] == 10 * (i - 1)
        store.insert(edge("base", "map", [10 * i], [10 * i]))
        assert tree.lookup("map", "base", "log", 10 * i - 5)[0, 3] == 10 * i - 5
    store.insert(edge("arm", "base", None, [3], entity="/tf_static/arm"))
    assert tree.lookup("map", "arm", "log", 15)[0, 3] == 18


def test_laws_at_many_times() -> None:
    rng = np.random.default_rng(3)
    frames = ["f0", *(f"f{i}" for i in range(1, 9))]
    chunks = [
        edge(
            child,
            frames[i // 2],
            list(range(0, 100, 7)),
            rng.normal(size=15).tolist(),
            quaternion=rng.normal(size=(15, 4)),
        )
        for i, child in enumerate(frames[1:])
    ]
    tree, times = tree_of(*chunks), rng.integers(0, 98, 30)
    for a, b, c in itertools.islice(itertools.permutations(frames, 3), 0, None, 29):
        a_from_b, b_from_c = (tree.lookup(x, y, "log", times) for x, y in ((a, b), (b, c)))
        np.testing.assert_allclose(a_from_b @ b_from_c, tree.lookup(a, c, "log", times), atol=1e-9)
        np.testing.assert_allclose(a_from_b @ tree.lookup(b, a, "log", times), [np.eye(4)] * 30, atol=1e-9)
        linear = a_from_b[:, :3, :3]
        np.testing.assert_allclose(linear @ linear.transpose(0, 2, 1), [np.eye(3)] * 30, atol=1e-9)
