"""What a robot's frames need: many edges on one entity, static edges, reasons, laws, interpolation, cheap steps."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from rrbridge._arrow import fixed_size_list, unit_lists
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._rotations import rotations, slerp
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._transform_tracks import Track
from rrbridge._transforms import TransformTree, implicit_frame
from rrbridge.errors import TransformError

Doubles = npt.NDArray[np.float64]
IDENTITY = (0.0, 0.0, 0.0, 1.0)
QUARTER_ABOUT_Z = (0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5))


def edges(
    entity: str,
    times: list[int] | None,
    translations: list[tuple[float, ...]],
    quaternions: list[tuple[float, ...]] | None = None,
    *,
    child: list[str] | None = None,
    parent: list[str] | None = None,
    timeline: str = "log",
) -> Chunk:
    columns = {"translation": unit_lists(fixed_size_list(np.array(translations, np.float32)))}
    if quaternions is not None:
        columns["quaternion"] = unit_lists(fixed_size_list(np.array(quaternions, np.float32)))
    if child is not None:
        columns["child_frame"] = unit_lists(pa.array(child))
    if parent is not None:
        columns["parent_frame"] = unit_lists(pa.array(parent))
    return Chunk.from_columns(
        entity,
        times=[] if times is None else [TimeColumn.of(timeline, TimeKind.SEQUENCE, times)],
        components=[ComponentColumn(ComponentDescriptor(f"Transform3D:{n}"), cells) for n, cells in columns.items()],
    )


def data(entity: str) -> Chunk:
    return Chunk.from_columns(entity, components=[ComponentColumn(ComponentDescriptor("x"), pa.array([[1]]))])


def tree_of(*chunks: Chunk) -> TransformTree:
    return TransformTree(ChunkStore.from_chunks(chunks))


def position(matrix: Doubles) -> list[float]:
    found: list[float] = matrix[:3, 3].round(5).tolist()
    return found


def robot() -> TransformTree:
    """`map → odom → base → lidar`, all on `/tf` but the last, which is static."""
    return tree_of(
        edges(
            "/tf",
            [0, 0, 10, 20],
            [(1, 0, 0), (0, 2, 0), (0, 4, 0), (0, 6, 0)],
            [IDENTITY, IDENTITY, QUARTER_ABOUT_Z, QUARTER_ABOUT_Z],
            child=["odom", "base", "base", "base"],
            parent=["map", "odom", "odom", "odom"],
        ),
        edges("/tf_static/lidar", None, [(0, 0, 3)], child=["lidar"], parent=["base"]),
        data("/points"),
    )


def test_many_edges_stand_on_one_entity() -> None:
    tree = robot()
    assert position(tree.transform("map", "base", "log", 0)) == [1, 2, 0]
    assert position(tree.transform("map", "lidar", "log", 15)) == [1, 4, 3]
    assert position(tree.transform("map", "odom", "log", 99)) == [1, 0, 0]
    assert tree.parents("log", 0) == {"tf#/": None, "map": None, "odom": "map", "base": "odom", "lidar": "base"}
    assert tree.roots("log", 0) == ["map", "tf#/"]
    assert tree.frames()[:4] == ["base", "lidar", "map", "odom"]
    np.testing.assert_allclose(
        tree.transform("base", "map", "log", 10) @ (1, 5, 0, 1), (1, 0, 0, 1), atol=1e-6
    )  # one metre along odom's y is along base's x after a quarter turn


def test_two_static_edges_on_one_entity_are_two_edges() -> None:
    tree = tree_of(
        edges("/tf_static", None, [(1, 0, 0)], child=["a"], parent=["map"]),
        edges("/tf_static", None, [(2, 0, 0)], child=["b"], parent=["map"]),
        edges("/tf_static", None, [(5, 0, 0)], child=["a"], parent=["map"]),
    )
    assert position(tree.transform("map", "a", "any", 0)) == [5, 0, 0]
    assert position(tree.transform("map", "b", "any", 0)) == [2, 0, 0]


def test_static_shadows_on_its_entity_and_yields_to_another() -> None:
    static = edges("/tf", None, [(1, 0, 0)], child=["a"], parent=["map"])
    later = edges("/tf", [5], [(2, 0, 0)], child=["a"], parent=["map"])
    elsewhere = edges("/other", [5], [(3, 0, 0)], child=["a"], parent=["map"])
    assert position(tree_of(static, later).transform("map", "a", "log", 9)) == [1, 0, 0]
    both = tree_of(static, elsewhere)
    assert position(both.transform("map", "a", "log", 4)) == [1, 0, 0]
    assert position(both.transform("map", "a", "log", 5)) == [3, 0, 0]


def test_of_two_entities_the_latest_row_counts() -> None:
    here, there = (
        edges(entity, times, [(x, 0, 0)] * len(times), child=["a"] * len(times), parent=["map"] * len(times))
        for entity, times, x in (("/one", [0, 5], 1), ("/two", [3, 5], 2))
    )
    for tree in (tree_of(here, there), tree_of(there, here)):
        assert [position(tree.transform("map", "a", "log", time))[0] for time in (0, 2, 3, 4, 5, 9)] == [
            1,
            1,
            2,
            2,
            2,
            2,
        ]


def test_the_latest_static_edge_counts_in_whatever_order_they_come() -> None:
    early, late = (edges("/tf", None, [(x, 0, 0)], child=["a"], parent=["map"]) for x in (1, 2))
    for tree in (tree_of(early, late), tree_of(late, early)):
        assert position(tree.transform("map", "a", "log", 0)) == [2, 0, 0]


def test_a_clear_ends_the_edges_of_its_entity() -> None:
    moved = ComponentColumn(
        ComponentDescriptor("Transform3D:translation"), unit_lists(fixed_size_list(np.ones((3, 3), np.float32)))
    )
    cleared = ComponentColumn(ComponentDescriptor("Clear:is_recursive"), pa.array([None, None, [False]]))
    times = [TimeColumn.of("log", TimeKind.SEQUENCE, [0, 5, 9])]
    tree = tree_of(Chunk.from_columns("/a", times=times, components=[moved, cleared]))
    assert [tree.transform("tf#/", "tf#/a", "log", time)[0, 3] for time in (0, 8, 9)] == [1, 1, 0]

    recursive = Chunk.from_columns(
        "/",
        times=[TimeColumn.of("log", TimeKind.SEQUENCE, [7])],
        components=[ComponentColumn(cleared.descriptor, pa.array([[True]]))],
    )
    tree = tree_of(edges("/tf", [0, 9], [(1, 0, 0)] * 2, child=["a", "a"], parent=["map", "map"]), recursive)
    assert [tree.root_of("a", "log", time) for time in (0, 6, 7, 9)] == ["map", "map", "a", "map"]


def test_paths_and_names_meet() -> None:
    tree = tree_of(
        edges("/world/robot", [0], [(1, 0, 0)]),
        edges("/world/robot/arm", [0], [(0, 1, 0)]),
        data("/world/robot/arm/camera/image"),
        edges("/bridge", [0], [(10, 0, 0)], child=["base"], parent=["tf#/world/robot"]),
        edges("/a/unnamed_parent", [0], [(0, 0, 7)], child=["tool"]),
    )
    assert position(tree.transform("tf#/", "tf#/world/robot/arm/camera/image", "log", 0)) == [1, 1, 0]
    assert position(tree.transform("tf#/", "base", "log", 0)) == [11, 0, 0]
    assert position(tree.transform("base", "tf#/world/robot/arm", "log", 0)) == [-10, 1, 0]
    assert position(tree.transform("tf#/a", "tool", "log", 0)) == [0, 0, 7]
    assert tree.root_of("base", "log", 0) == "tf#/"


def test_an_entity_can_hang_below_a_named_frame() -> None:
    tree = tree_of(edges("/robot", [0], [(1, 0, 0)], parent=["map"]), data("/robot/camera"), data("/world"))
    assert position(tree.transform("map", "tf#/robot/camera", "log", 0)) == [1, 0, 0]
    assert tree.roots("log", 0) == ["map", "tf#/"]


def test_an_update_resets_what_it_leaves_out() -> None:
    turned = edges("/a", [0], [(1, 0, 0)], [QUARTER_ABOUT_Z])
    moved = edges("/a", [5], [(2, 0, 0)])
    matrix = tree_of(turned, moved).transform("tf#/", "tf#/a", "log", 5)
    np.testing.assert_array_equal(matrix, [[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_reasons() -> None:
    tree = robot()
    with pytest.raises(TransformError, match="there is no frame nowhere") as missing:
        tree.transform("map", "nowhere", "log", 0)
    assert (missing.value.target, missing.value.source) == ("map", "nowhere")
    with pytest.raises(TransformError, match="not connected: map is below map, tf#/points is below tf#/"):
        tree.transform("map", implicit_frame("/points"), "log", 0)
    with pytest.raises(TransformError, match="odom has no transform before 0 on log"):
        tree.transform("map", "odom", "log", -5)
    with pytest.raises(TransformError, match="base has transforms on log, not on other"):
        tree.transform("odom", "base", "other", 5)
    loop = tree_of(
        edges("/tf", [0, 0, 0], [(0, 0, 0)] * 3, child=["a", "b", "c"], parent=["b", "a", "b"]),
    )
    with pytest.raises(TransformError, match=r"frames form a cycle: (a → b → a|b → a → b)"):
        loop.transform("a", "c", "log", 0)
    assert loop.roots("log", 0) == ["tf#/"]
    assert loop.root_of("a", "log", 0) is None
    flat = Chunk.from_columns(
        "/flat",
        components=[
            ComponentColumn(
                ComponentDescriptor("Transform3D:scale"), unit_lists(fixed_size_list(np.zeros((1, 3), np.float32)))
            )
        ],
    )
    squashed = tree_of(flat)
    assert position(squashed.transform("tf#/", "tf#/flat", "log", 0)) == [0, 0, 0]
    with pytest.raises(TransformError, match="singular"):
        squashed.transform("tf#/flat", "tf#/", "log", 0)


def test_components_of_a_strange_type_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    strange = Chunk.from_columns(
        "/a",
        times=[TimeColumn.of("log", TimeKind.SEQUENCE, [0])],
        components=[
            ComponentColumn(ComponentDescriptor("Transform3D:translation"), pa.array([["left"]])),
            ComponentColumn(ComponentDescriptor("CoordinateFrame:frame"), pa.array([[1]])),
        ],
    )
    tree = tree_of(strange)
    np.testing.assert_array_equal(tree.transform("tf#/", "tf#/a", "log", 0), np.eye(4))
    assert "Transform3D:translation has type string" in caplog.text
    assert tree.frame_of("/a", "log", 0) == "tf#/a"


def chain(length: int, seed: int = 0) -> tuple[TransformTree, list[str], Doubles]:
    """A chain of random edges, its frames, and root_from_frame of each by plain multiplication."""
    rng = np.random.default_rng(seed)
    translations, quaternions = rng.normal(size=(length, 3)), rng.normal(size=(length, 4))
    names = [f"f{i}" for i in range(length + 1)]
    chunk = edges("/tf", [0] * length, translations.tolist(), quaternions.tolist(), child=names[1:], parent=names[:-1])
    expected = [np.eye(4)]
    for translation, quaternion in zip(translations.astype(np.float32), quaternions.astype(np.float32), strict=True):
        step = np.eye(4)
        step[:3, :3] = rotations(quaternion[None])[0]
        step[:3, 3] = translation
        expected.append(expected[-1] @ step)
    return tree_of(chunk), names, np.array(expected)


def test_laws() -> None:
    tree, names, root_from_frame = chain(40)
    found = tree.transforms_to("f0", names, "log", 0)
    np.testing.assert_allclose(found.target_from_source, root_from_frame, atol=1e-9)
    a_from_b = tree.transform("f3", "f21", "log", 0)
    b_from_c = tree.transform("f21", "f38", "log", 0)
    np.testing.assert_allclose(a_from_b @ b_from_c, tree.transform("f3", "f38", "log", 0), atol=1e-9)
    np.testing.assert_allclose(a_from_b @ tree.transform("f21", "f3", "log", 0), np.eye(4), atol=1e-9)
    np.testing.assert_array_equal(tree.transform("f7", "f7", "log", 0).round(9), np.eye(4))


def test_rotations_turn_as_quaternions_do() -> None:
    q = np.random.default_rng(1).normal(size=(50, 4))
    matrices = rotations(q)
    np.testing.assert_allclose(matrices @ matrices.transpose(0, 2, 1), np.tile(np.eye(3), (50, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(matrices), 1)
    np.testing.assert_allclose(rotations(np.array([QUARTER_ABOUT_Z]))[0] @ (1, 0, 0), (0, 1, 0), atol=1e-12)
    np.testing.assert_array_equal(rotations(np.array([(0.0, 0, 0, 0), (np.nan, 0, 0, 1)])), [np.eye(3)] * 2)


def test_interpolation_goes_straight_and_turns_evenly() -> None:
    turns: list[tuple[float, ...]] = [(0, 0, np.sin(a / 2), np.cos(a / 2)) for a in (0.0, 1.0)]
    tree = tree_of(edges("/a", [0, 10], [(0, 0, 0), (10, 0, 0)], turns))
    for time in range(11):
        matrix = tree.transform("tf#/", "tf#/a", "log", time, interpolate=True)
        assert matrix[0, 3] == pytest.approx(time, abs=1e-6)
        assert np.arctan2(matrix[1, 0], matrix[0, 0]) == pytest.approx(time / 10, abs=1e-6)
    assert position(tree.transform("tf#/", "tf#/a", "log", 9)) == [0, 0, 0]
    assert position(tree.transform("tf#/", "tf#/a", "log", 50, interpolate=True)) == [10, 0, 0]


def test_interpolation_holds_where_the_parent_changes() -> None:
    tree = tree_of(edges("/tf", [0, 10], [(0, 0, 0), (10, 0, 0)], child=["a", "a"], parent=["m", "n"]))
    assert position(tree.transform("m", "a", "log", 9, interpolate=True)) == [0, 0, 0]
    assert position(tree.transform("n", "a", "log", 10, interpolate=True)) == [10, 0, 0]


def test_slerp_takes_the_shorter_arc_and_meets_its_ends() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 4, 100))
    a[:, 0], b[:, 0] = b[:, 1], -b[:, 1]
    for weight, end in ((0.0, a), (1.0, b)):
        found = slerp(a, b, np.full(100, weight))
        np.testing.assert_allclose(rotations(found.T), rotations(end.T), atol=1e-9)
    half = slerp(a, b, np.full(100, 0.5))
    np.testing.assert_allclose(np.linalg.norm(half, axis=0), 1)
    traces = [np.trace(rotations(x.T).transpose(0, 2, 1) @ rotations(half.T), axis1=1, axis2=2) for x in (a, b)]
    np.testing.assert_allclose(traces[0], traces[1], atol=1e-9)


def test_nothing_is_worked_out_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = robot()
    first = tree.transforms_to("map", ["base", "lidar"], "log", 12)
    assert tree.transforms_to("map", ["base", "lidar"], "log", 19) is first
    looked: list[Track] = []
    find = Track._find

    def counted(track: Track, *args: object) -> object:
        looked.append(track)
        return find(track, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Track, "_find", counted)
    assert tree.transforms_to("map", ["base", "lidar"], "log", 20) is not first
    assert len(looked) == 1, "only base has a new row at 20"


def test_it_follows_a_store_that_another_thread_fills() -> None:
    store = ChunkStore()
    tree = TransformTree(store)
    store.insert(edges("/tf", [0], [(0, 0, 0)], child=["base"], parent=["map"]))
    chunks = [edges("/tf", [n], [(n, 0, 0)], child=["base"], parent=["map"]) for n in range(1, 500)]
    loader = threading.Thread(target=store.insert_all, args=(chunks,))
    loader.start()
    last = 0.0
    while loader.is_alive():
        x = tree.transform("map", "base", "log", 1000)[0, 3]
        assert x >= last
        last = x
    loader.join()
    assert position(tree.transform("map", "base", "log", 1000)) == [499, 0, 0]
    assert position(tree.transform("map", "base", "log", 250)) == [250, 0, 0]


FLOATS3 = pa.list_(pa.float32(), 3)
AXIS_ANGLE = pa.struct({"axis": FLOATS3, "angle": pa.float32()})


@pytest.mark.parametrize(
    ("name", "cell", "datatype"),
    [
        ("translation", [["a", "b", "c"]], pa.list_(pa.utf8(), 3)),
        ("quaternion", [[0.0, 0.0, 1.0]], FLOATS3),
        ("scale", [2.0], pa.float32()),
        ("relation", ["backwards"], pa.utf8()),
        (
            "rotation_axis_angle",
            [{"axis": 1.0, "angle": 2.0}],
            pa.struct({"axis": pa.float32(), "angle": pa.float32()}),
        ),
        ("rotation_axis_angle", [[0.0, 0.0, 1.0]], FLOATS3),
        ("parent_frame", [7], pa.int64()),
        ("translation", [None], FLOATS3),
        ("rotation_axis_angle", [None], AXIS_ANGLE),
        ("parent_frame", [None], pa.utf8()),
    ],
)
def test_what_is_no_transform_costs_only_itself(name: str, cell: list[object], datatype: pa.DataType) -> None:
    good = ComponentColumn(
        ComponentDescriptor("Transform3D:mat3x3"), pa.array([[[2.0] * 9]], pa.list_(pa.list_(pa.float32(), 9)))
    )
    other = ComponentColumn(ComponentDescriptor(f"Transform3D:{name}"), pa.array([cell], pa.list_(datatype)))
    alone = tree_of(Chunk.from_columns("/a", components=[other]))
    assert np.array_equal(alone.transform("tf#/", "tf#/a", "log", 0), np.eye(4))
    both = tree_of(Chunk.from_columns("/a", components=[good, other]))
    assert both.transform("tf#/", "tf#/a", "log", 0)[:3].tolist() == [[2, 2, 2, 0]] * 3


def test_a_camera_stands_in_a_frame_even_if_no_transform_speaks_of_it() -> None:
    named = ComponentColumn(ComponentDescriptor("Pinhole:parent_frame"), unit_lists(pa.array(["lens"])))
    tree = tree_of(Chunk.from_columns("/camera", components=[named]))
    assert "lens" in tree.frames()
    assert np.array_equal(tree.transform("lens", "lens", "log", 0), np.eye(4))
    assert tree.frame_of("/camera", "log", 0) == implicit_frame("/camera")


def test_a_frame_below_itself_says_nothing() -> None:
    """As in tf2, which leaves such a transform out: the others hold, that of the same frame too."""
    tree = tree_of(
        edges(
            "/tf",
            [0, 1, 2],
            [(1, 0, 0), (5, 5, 5), (6, 6, 6)],
            child=["odom", "odom", "map"],
            parent=["map", "odom", "map"],
        ),
    )
    assert position(tree.transform("map", "odom", "log", 9)) == [1, 0, 0]
    assert tree.root_of("odom", "log", 9) == "map"
    alone = tree_of(edges("/tf", [0], [(6, 6, 6)], child=["map"], parent=["map"]))
    assert alone.root_of("map", "log", 0) == "map"
