"""Blueprints against the reference: the same arguments give the same chunks, up to ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rrbridge as rr
import rrbridge.blueprint as rrb
from rrbridge._chunk import Chunk
from rrbridge._messages import ActivateBlueprint, StoredChunk, StoreInfo, StoreKind
from rrbridge._store import ChunkStore
from rrbridge.blueprint._blueprint import to_messages
from rrbridge.blueprint._rows import Row
from rrbridge.errors import InvalidValueError
from rrbridge.rrd import RrdReader

reference = pytest.importorskip("rerun")
Make = Callable[[Any], Any]
"""Makes a blueprint, a view or a container by either package."""

PROPERTIES: list[Make] = [
    lambda rr: rr.blueprint.AudioView(playback=rr.blueprint.AudioPlayback(volume=0.5)),
    lambda rr: rr.blueprint.BarChartView(
        plot_legend=rr.blueprint.Corner2D.LeftTop,
        background=rr.blueprint.archetypes.PlotBackground(color=[1, 2, 3], show_grid=False),
    ),
    lambda rr: rr.blueprint.DataframeView(query=rr.blueprint.archetypes.DataframeQuery()),
    lambda rr: rr.blueprint.DataframeView(
        query=rr.blueprint.archetypes.DataframeQuery(
            timeline="stamp",
            filter_by_range=(rr.TimeInt(seq=1), rr.TimeInt(seconds=2)),
            filter_is_not_null="/odom:Scalars_scalars",
            apply_latest_at=True,
            select=["stamp", "/odom:Scalars_scalars", "/imu:x"],
            entity_order=["/b", "/a"],
            auto_scroll=True,
        )
    ),
    lambda rr: rr.blueprint.DataframeView(
        query=rr.blueprint.archetypes.DataframeQuery(
            filter_is_not_null=rr.blueprint.components.ComponentColumnSelector(entity_path="/x", component="y"),
            select=[rr.blueprint.components.ComponentColumnSelector("/x:y"), "log_time"],
        )
    ),
    lambda rr: rr.blueprint.GraphView(
        background=rr.blueprint.archetypes.GraphBackground(color=[0.1, 0.2, 0.3]),
        visual_bounds=rr.blueprint.VisualBounds2D(x_range=[-1, 1], y_range=[-2, 2]),
        force_link=rr.blueprint.archetypes.ForceLink(enabled=True, distance=60, iterations=3),
        force_many_body=rr.blueprint.archetypes.ForceManyBody(strength=-60, enabled=False),
        force_position=rr.blueprint.archetypes.ForcePosition(enabled=True, strength=0.01, position=[1, 2]),
        force_collision_radius=rr.blueprint.archetypes.ForceCollisionRadius(enabled=True, strength=1, iterations=1),
        force_center=rr.blueprint.archetypes.ForceCenter(enabled=False, strength=1.5),
    ),
    lambda rr: rr.blueprint.MapView(zoom=14.5, background=rr.blueprint.MapProvider.MapboxDark),
    lambda rr: rr.blueprint.MapView(
        zoom=rr.blueprint.archetypes.MapZoom(3), background=rr.blueprint.archetypes.MapBackground("openstreetmap")
    ),
    lambda rr: rr.blueprint.MapView(background="mapboxlight"),
    lambda rr: rr.blueprint.Spatial2DView(background=[10, 20, 30]),
    lambda rr: rr.blueprint.Spatial2DView(background=0xFF00FFFF),
    lambda rr: rr.blueprint.Spatial2DView(background=(0.5, 0.5, 0.5, 1.0)),
    lambda rr: rr.blueprint.Spatial2DView(background=rr.blueprint.BackgroundKind.GradientBright),
    lambda rr: rr.blueprint.Spatial2DView(background=rr.blueprint.Background(kind="solidcolor", color=7)),
    lambda rr: rr.blueprint.Spatial2DView(
        background=rr.blueprint.Background(),
        visual_bounds=rr.blueprint.VisualBounds2D(x_range=rr.encodings.Range1D([0, 640]), y_range=(0, 480)),
        spatial_information=rr.blueprint.SpatialInformation(
            "camera", show_bounding_box=True, show_axes=False, axes=rr.ViewCoordinates.RDF
        ),
        time_ranges=rr.blueprint.VisibleTimeRanges(
            timeline="stamp",
            start=rr.blueprint.TimeRangeBoundary.absolute(seconds=1.5),
            end=rr.blueprint.TimeRangeBoundary.absolute(nanos=7),
        ),
    ),
    lambda rr: rr.blueprint.Spatial3DView(
        line_grid=rr.blueprint.LineGrid3D(
            visible=True,
            spacing=0.5,
            plane=rr.components.Plane3D.XY.with_distance(-5),
            stroke_width=2,
            color=[255, 0, 0, 128],
        ),
        eye_controls=rr.blueprint.EyeControls3D(
            kind=rr.blueprint.Eye3DKind.Orbital,
            position=[1, 2, 3],
            look_target=(0, 0, 0),
            eye_up=[0, 0, 1],
            speed=3,
            tracking_entity="/robot",
            spin_speed=0.25,
        ),
        time_ranges=[
            rr.blueprint.VisibleTimeRange(
                "stamp",
                start=rr.blueprint.TimeRangeBoundary.cursor_relative(seconds=-1),
                end=rr.blueprint.TimeRangeBoundary.cursor_relative(),
            ),
            rr.blueprint.VisibleTimeRange(
                "frame",
                range=rr.blueprint.TimeRange(
                    rr.blueprint.TimeRangeBoundary.absolute(seq=3), rr.blueprint.TimeRangeBoundary.infinite()
                ),
            ),
        ],
    ),
    lambda rr: rr.blueprint.Spatial3DView(line_grid=False, background=rr.blueprint.BackgroundKind.GradientDark),
    lambda rr: rr.blueprint.Spatial3DView(line_grid=rr.blueprint.LineGrid3D(plane=[0, 1, 0, 2])),
    lambda rr: rr.blueprint.Spatial3DView(line_grid=rr.blueprint.LineGrid3D(plane=rr.components.Plane3D([0, 0, 2]))),
    lambda rr: rr.blueprint.StateTimelineView(
        time_view=rr.blueprint.TimeAxis(link="linktoglobal"),
        time_ranges=rr.blueprint.VisibleTimeRange(
            "frame",
            start=rr.blueprint.TimeRangeBoundary.infinite(),
            end=rr.blueprint.TimeRangeBoundary.absolute(rr.TimeInt(seq=9)),
        ),
    ),
    lambda rr: rr.blueprint.TensorView(
        slice_selection=rr.blueprint.TensorSliceSelection(
            width=1,
            height=rr.TensorDimensionSelection(dimension=2, invert=True),
            indices=[rr.TensorDimensionIndexSelection(dimension=0, index=3)],
            slider=[0, 3],
        ),
        scalar_mapping=rr.blueprint.TensorScalarMapping(mag_filter="nearest", colormap="viridis", gamma=2.2),
        view_fit="fillkeepaspectratio",
    ),
    lambda rr: rr.blueprint.TensorView(view_fit=rr.blueprint.components.ViewFit.Original),
    lambda rr: rr.blueprint.TensorView(
        slice_selection=rr.blueprint.TensorSliceSelection(
            slider=rr.blueprint.components.TensorDimensionIndexSlider(4),
            width=rr.components.TensorWidthDimension(2, invert=True),
        )
    ),
    lambda rr: rr.blueprint.TextDocumentView(
        format_options=rr.blueprint.archetypes.TextDocumentFormat(monospace=True, word_wrap=False)
    ),
    lambda rr: rr.blueprint.TextLogView(
        columns=rr.blueprint.TextLogColumns(
            timeline_columns=["stamp", rr.blueprint.components.TimelineColumn("frame", visible=False)],
            text_log_columns=["body", rr.blueprint.components.TextLogColumn("loglevel", visible=False)],
        ),
        rows=rr.blueprint.TextLogRows(filter_by_log_level=["INFO", rr.TextLogLevel.ERROR]),
        format_options=rr.blueprint.TextLogFormat(monospace_body=True),
    ),
    lambda rr: rr.blueprint.TimeSeriesView(
        axis_x=rr.blueprint.TimeAxis(
            link=rr.blueprint.components.LinkAxis.Independent,
            view_range=rr.blueprint.TimeRange(
                rr.blueprint.TimeRangeBoundary.cursor_relative(seq=-10), rr.blueprint.TimeRangeBoundary.infinite()
            ),
            zoom_lock=True,
        ),
        axis_y=rr.blueprint.ScalarAxis(range=(-1, 1), zoom_lock=rr.blueprint.LockRangeDuringZoom(True)),
        plot_legend=rr.blueprint.PlotLegend(corner="rightbottom", visible=False),
        background=rr.blueprint.archetypes.PlotBackground(color=[9, 9, 9]),
        interaction=rr.blueprint.PlotInteraction(tooltip_mode="all", points_display="always"),
    ),
    lambda rr: rr.blueprint.TimeSeriesView(plot_legend="lefttop"),
]

VIEWS: list[Make] = [
    lambda rr: rr.blueprint.Spatial3DView(),
    lambda rr: rr.blueprint.Spatial3DView(
        origin="/world", contents=["$origin/**", "- /world/hidden"], name="all", visible=False, titlebar=False
    ),
    lambda rr: rr.blueprint.Spatial2DView(origin="world/b", contents="+ /a\n- /b", name="ö"),
    lambda rr: rr.blueprint.Spatial2DView(contents=rr.blueprint.archetypes.ViewContents(["/x", "/y"])),
    lambda rr: rr.blueprint.View(
        class_identifier="mine",
        origin="/",
        contents="/**",
        name="own",
        properties={"legend": rr.blueprint.PlotLegend("lefttop")},
    ),
    lambda rr: rr.blueprint.Spatial3DView(
        defaults=[rr.Points3D.from_fields(radii=0.1, colors=[255, 0, 0]), rr.Arrows3D.from_fields(radii=2)]
    ),
    lambda rr: rr.blueprint.Spatial3DView(overrides={"/a": rr.Points3D.from_fields(radii=0.1)}),
    lambda rr: rr.blueprint.Spatial3DView(
        overrides={
            "a/b": [rr.LineStrips3D.from_fields(colors=[[1, 2, 3]]), rr.Boxes3D.from_fields(fill_mode="solid")],
            "/c": rr.Pinhole.from_fields(image_plane_distance=0.3).visualizer(),
            "/d": rr.blueprint.EntityBehavior(visible=False),
            "/e": [rr.blueprint.EntityBehavior(interactive=False), rr.Mesh3D.from_fields(albedo_factor=[1, 2, 3])],
            "/f": [],
            "/g": rr.Transform3D(translation=[1, 2, 3]),
        }
    ),
    lambda rr: rr.blueprint.TimeSeriesView(
        overrides={
            "/odom": rr.SeriesLines.from_fields(names=["x", "y"], widths=2).visualizer(
                mappings=[
                    rr.blueprint.components.VisualizerComponentMapping(
                        "Scalars:scalars", "SourceComponent", source_component="pose", selector=".position.x"
                    ),
                    rr.blueprint.components.VisualizerComponentMapping("SeriesLines:colors", "Default"),
                ]
            ),
            "/imu": [
                rr.blueprint.VisibleTimeRanges(
                    timeline="stamp",
                    range=rr.blueprint.TimeRange(
                        rr.blueprint.TimeRangeBoundary.infinite(), rr.blueprint.TimeRangeBoundary.cursor_relative(seq=1)
                    ),
                )
            ],
            "/own": rr.blueprint.Visualizer("Own", overrides=rr.Scalars(3).as_component_batches()),
        }
    ),
]

LAYOUTS: list[Make] = [
    lambda rr: rr.blueprint.Blueprint(),
    lambda rr: rr.blueprint.Blueprint(auto_layout=False),
    lambda rr: rr.blueprint.Blueprint(auto_views=False, auto_layout=True),
    lambda rr: rr.blueprint.Blueprint(rr.blueprint.TextLogView(), auto_views=True),
    lambda rr: rr.blueprint.Blueprint(rr.blueprint.TextLogView(name="a"), rr.blueprint.Grid(rr.blueprint.MapView())),
    lambda rr: rr.blueprint.Blueprint(rr.blueprint.TextLogView(name="a"), collapse_panels=True),
    lambda rr: rr.blueprint.Blueprint(
        rr.blueprint.TimePanel(timeline="stamp"), rr.blueprint.TopPanel(expanded=False), collapse_panels=True
    ),
    lambda rr: rr.blueprint.Blueprint(
        rr.blueprint.TopPanel(state="hidden"),
        rr.blueprint.BlueprintPanel(expanded=False),
        rr.blueprint.SelectionPanel(state=rr.blueprint.PanelState.Expanded),
        rr.blueprint.TimePanel(
            expanded=True,
            timeline="frame",
            playback_speed=2.5,
            fps=24,
            play_state="playing",
            loop_mode="selection",
            time_selection=rr.encodings.AbsoluteTimeRange(1, rr.TimeInt(seq=5)),
        ),
        auto_layout=True,
    ),
    lambda rr: rr.blueprint.Blueprint(rr.blueprint.BlueprintPanel(), rr.blueprint.TimePanel()),
    lambda rr: rr.blueprint.Horizontal(
        rr.blueprint.TextLogView(name="a"), rr.blueprint.TextLogView(name="b"), column_shares=[1, 2.5], name="side"
    ),
    lambda rr: rr.blueprint.Vertical(
        contents=[rr.blueprint.TextLogView(), rr.blueprint.Grid()], row_shares=(2, 1), visible=False
    ),
    lambda rr: rr.blueprint.Grid(
        *[rr.blueprint.TextLogView(name=str(i)) for i in range(5)],
        column_shares=[1, 2],
        row_shares=[3, 2, 1],
        grid_columns=2,
    ),
    lambda rr: rr.blueprint.Tabs(rr.blueprint.TextLogView(), rr.blueprint.TextLogView()),
    lambda rr: rr.blueprint.Tabs(rr.blueprint.TextLogView(), rr.blueprint.TextLogView(), active_tab=0),
    lambda rr: rr.blueprint.Tabs(
        rr.blueprint.TextLogView(name="a"), rr.blueprint.Grid(rr.blueprint.MapView(name="m")), active_tab=1
    ),
    lambda rr: rr.blueprint.Tabs(rr.blueprint.TextLogView(name="a"), rr.blueprint.MapView(name="m"), active_tab="m"),
    lambda rr: rr.blueprint.Container(
        rr.blueprint.TextLogView(name="a"), kind=rr.blueprint.components.ContainerKind.Grid, name=None, grid_columns=1
    ),
    lambda rr: rr.blueprint.Container(rr.blueprint.TextLogView(name="a"), kind="vertical", name="x", row_shares=[1]),
]

ARCHETYPES: list[Make] = [
    lambda a: a.ActiveVisualizers([uuid.UUID(int=5).bytes, uuid.UUID(int=6).bytes]),
    lambda a: a.ActiveVisualizers(uuid.UUID(int=5).bytes),
    lambda a: a.CardLayout(["a", "b"], title="t", link="l"),
    lambda a: a.ContainerBlueprint("grid", contents=["view/a"], active_tab="view/a", grid_columns=3, col_shares=[1, 2]),
    lambda a: a.NearClipPlane(0.1),
    lambda a: a.PanelBlueprint(state="collapsed"),
    lambda a: a.PreviewsConfig(timeline="t", play_state="playing", playback_speed=2, start_point=0.5),
    lambda a: a.TableBlueprint(layout="cards", column_display_mode="full", filters=["x > 1", "y"]),
    lambda a: a.TableColumn(name="n", editable=True, visible=False),
    lambda a: a.TableColumnPreview(["view/a", "view/b"]),
    lambda a: a.TableLayout(column_order=["a", "b"]),
    lambda a: a.TimePanelBlueprint(state="hidden", fps=3, loop_mode="all", play_state="paused"),
    lambda a: a.ViewBlueprint("3D", display_name="n", space_origin="/", visible=True, titlebar=False),
    lambda a: a.ViewportBlueprint(
        root_container=uuid.UUID(int=5).bytes,
        maximized=uuid.UUID(int=6).bytes,
        auto_layout=True,
        auto_views=False,
        past_viewer_recommendations=[1, 2**63],
    ),
    lambda a: a.VisualizerInstruction("Points3D"),
    lambda a: a.EntityBehavior.from_fields(visible=True),
    lambda a: a.EyeControls3D.from_fields(clear_unset=True, speed=2),
    lambda a: a.TimeAxis.cleared(),
    lambda a: a.VisibleTimeRanges.cleared(),
]
"""Those that are not the property of a view, and other ways to make them."""

DRAWN = [name for name in dir(reference.archetypes) if hasattr(getattr(reference.archetypes, name), "visualizer")]


def _plain(values: pa.Array) -> Any:
    """Values as Python sees them, with the arms of unions, and 16 bytes as a UUID."""
    kind = values.type
    if pa.types.is_union(kind):
        return [(value.type_code, value.as_py()) for value in values]
    if pa.types.is_struct(kind):
        return [dict(zip(kind.names, row, strict=True)) for row in zip(*map(_plain, values.flatten()), strict=True)]
    if pa.types.is_fixed_size_list(kind) and kind.value_type == pa.uint8() and kind.list_size == 16:
        return [str(uuid.UUID(bytes=bytes(value))) for value in values.to_pylist()]
    return values.to_pylist()


Said = tuple[str, bool, dict[str, tuple[Any, str, Any]]]


def _rows(chunks: list[Chunk]) -> Iterator[Said]:
    for chunk in chunks:
        if not chunk.is_static:
            assert set(chunk.times) == {"blueprint", "log_time"}
            assert set(chunk.times["blueprint"].values.tolist()) == {0}
        for row in range(chunk.num_rows):
            cells = {
                name: (column.descriptor, str(column.cells.type), _plain(column.cells[row].values))
                for name, column in chunk.components.items()
            }
            yield chunk.entity_path, chunk.is_static, cells


def _ids_in_order(rows: list[Said]) -> list[str]:
    """The ids of a blueprint, from its root down, in the order in which each names the next."""

    def named_in(path: str, component: str) -> list[str]:
        return [value for at, _, cells in rows if at == path and component in cells for value in cells[component][2]]

    def under(path: str) -> list[str]:
        found = [path.rpartition("/")[2]]
        for child in named_in(f"/{path}", "ContainerBlueprint:contents"):
            found += under(child)
        bases = sorted({at for at, _, _ in rows if at.startswith(f"/{path}/ViewContents/overrides/")})
        for base in bases:
            found += named_in(base, "ActiveVisualizers:instruction_ids")
        return found

    return [
        one for root in named_in("/viewport", "ViewportBlueprint:root_container") for one in under(f"container/{root}")
    ]


def canonical(path: Path) -> list[str]:
    """All that a blueprint file says, with ids numbered from the root down, in an order of its own."""
    messages = list(RrdReader(path).messages())
    stores = {m.store_id for m in messages if isinstance(m, StoreInfo)}
    assert {(s.kind, s.application_id) for s in stores} == {(StoreKind.BLUEPRINT, "app")}
    assert isinstance(messages[-1], ActivateBlueprint)
    assert (messages[-1].make_active, messages[-1].make_default) == (True, True)
    rows = list(_rows([m.chunk for m in messages if isinstance(m, StoredChunk)]))
    texts = [repr(row) for row in rows]
    for number, found in enumerate(_ids_in_order(rows)):
        texts = [text.replace(found, f"<{number}>") for text in texts]
    return sorted(texts)


def _saved(package: Any, make: Make, path: Path) -> list[str]:
    made = make(package)
    made.to_blueprint().save("app", path)
    return canonical(path)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(m, id=f"{kind}-{i}")
        for kind, ms in (("property", PROPERTIES), ("view", VIEWS), ("layout", LAYOUTS))
        for i, m in enumerate(ms)
    ],
)
def test_says_what_the_reference_says(make: Make, tmp_path: Path) -> None:
    assert _saved(rr, make, tmp_path / "ours.rbl") == _saved(reference, make, tmp_path / "theirs.rbl")


@pytest.mark.parametrize("make", ARCHETYPES)
def test_archetypes_say_what_the_references_say(make: Make) -> None:
    ours, theirs = (
        {b.component_descriptor().component: b.as_arrow_array() for b in made.as_component_batches() if b is not None}
        for made in (make(rr.blueprint.archetypes), make(reference.blueprint.archetypes))
    )
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        assert ours[name].type == values.type
        assert _plain(ours[name]) == _plain(values)


@pytest.mark.parametrize("name", DRAWN)
def test_archetypes_are_drawn_by_what_the_reference_draws_them_by(name: str) -> None:
    ours = getattr(rr.archetypes, name).cleared().visualizer()
    theirs = getattr(reference.archetypes, name).cleared().visualizer()
    assert ours.visualizer_type == theirs.visualizer_type
    assert [b.component_descriptor() for b in ours.overrides] == [
        tuple(getattr(b.component_descriptor(), part) for part in ("component", "archetype", "component_type"))
        for b in theirs.overrides
    ]


def test_only_those_archetypes_are_drawn() -> None:
    assert {name for name in dir(rr.archetypes) if hasattr(getattr(rr.archetypes, name), "visualizer")} == set(DRAWN)
    assert len(DRAWN) == 40


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SHARES = st.none() | st.lists(st.floats(0.125, 10, width=16), min_size=1, max_size=3)
BOUNDARY = st.one_of(
    st.just(lambda rrb: rrb.TimeRangeBoundary.infinite()),
    st.integers(-(2**62), 2**62).map(lambda t: lambda rrb: rrb.TimeRangeBoundary.absolute(seq=t)),
    st.integers(-(2**62), 2**62).map(lambda t: lambda rrb: rrb.TimeRangeBoundary.cursor_relative(nanos=t)),
)


@st.composite
def _views(draw: st.DrawFn) -> Make:
    class_name = draw(st.sampled_from(["Spatial3DView", "Spatial2DView", "TimeSeriesView", "StateTimelineView"]))
    common = {
        "origin": draw(st.sampled_from(["/", "/world", "world/robot"])),
        "contents": draw(st.sampled_from(["$origin/**", ["/a", "- /a/b/**"], []])),
        "name": draw(st.none() | TEXT),
        "visible": draw(st.none() | st.booleans()),
    }
    ranges = draw(st.lists(st.tuples(TEXT, BOUNDARY, BOUNDARY), max_size=3, unique_by=itemgetter(0)))
    hidden = draw(st.lists(st.sampled_from(["/a", "/a/b", "c"]), max_size=2, unique=True))
    radius = draw(st.floats(0, 10, width=32))

    def make(rr: Any) -> Any:
        rrb = rr.blueprint
        overrides = {
            path: [rrb.EntityBehavior(visible=False), rr.Points3D.from_fields(radii=radius)] for path in hidden
        }
        time_ranges = [rrb.VisibleTimeRange(name, start=start(rrb), end=end(rrb)) for name, start, end in ranges]
        return getattr(rrb, class_name)(**common, overrides=overrides, time_ranges=time_ranges)

    return make


@st.composite
def _containers(draw: st.DrawFn, children: st.SearchStrategy[Make]) -> Make:
    inside = draw(st.lists(children, max_size=3))
    kind = draw(st.sampled_from(["Horizontal", "Vertical", "Grid", "Tabs"]))
    arguments: dict[str, Any] = {"name": draw(st.none() | TEXT), "visible": draw(st.none() | st.booleans())}
    if kind in ("Horizontal", "Grid"):
        arguments["column_shares"] = draw(SHARES)
    if kind in ("Vertical", "Grid"):
        arguments["row_shares"] = draw(SHARES)
    if kind == "Tabs" and inside:
        arguments["active_tab"] = draw(st.none() | st.integers(0, len(inside) - 1))
    return lambda rr: getattr(rr.blueprint, kind)(*[make(rr) for make in inside], **arguments)


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.recursive(_views(), _containers, max_leaves=6), max_size=3), collapse=st.booleans())
def test_any_tree_says_what_the_references_says(parts: list[Make], collapse: bool, tmp_path: Path) -> None:
    def make(rr: Any) -> Any:
        return rr.blueprint.Blueprint(*[part(rr) for part in parts], collapse_panels=collapse)

    assert _saved(rr, make, tmp_path / "ours.rbl") == _saved(reference, make, tmp_path / "theirs.rbl")


def _read_back(blueprint: rrb.Blueprint) -> rrb.Blueprint:
    messages = to_messages(blueprint, "app", make_active=True, make_default=True)
    return rrb.read_blueprint(ChunkStore.from_chunks(m.chunk for m in messages if isinstance(m, StoredChunk)))


def _said(blueprint: rrb.Blueprint) -> dict[tuple[str, bool, str], Any]:
    rows = [row for row in blueprint.blueprint_rows() if row.batches]
    return {
        (path, is_static, name): cell
        for path, is_static, cells in _rows([row.chunk(0) for row in rows])
        for name, cell in cells.items()
        if len(cell[2])  # an empty list says as much as nothing
    }


@pytest.mark.parametrize("make", [*PROPERTIES, *VIEWS, *LAYOUTS])
def test_reads_back_as_what_was_said(make: Make) -> None:
    blueprint = make(rr).to_blueprint()
    read = _read_back(blueprint)
    assert _said(read) == _said(blueprint)
    assert _kinds(read.root_container) == _kinds(blueprint.root_container)


def _kinds(node: Any) -> Any:
    """The tree by its classes; a base class by what it stands for."""
    if node is None or isinstance(node, rrb.View):
        return getattr(node, "class_identifier", None)
    return int(rrb.components.ContainerKind[node.kind.title()] if isinstance(node.kind, str) else node.kind), [
        _kinds(child) for child in node.contents
    ]


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.recursive(_views(), _containers, max_leaves=6), max_size=3))
def test_any_tree_reads_back(parts: list[Make]) -> None:
    blueprint = rrb.Blueprint(*[part(rr) for part in parts])
    assert _said(_read_back(blueprint)) == _said(blueprint)


def test_reads_what_the_reference_wrote(tmp_path: Path) -> None:
    for number, make in enumerate((*PROPERTIES, *VIEWS, *LAYOUTS)):
        path = tmp_path / f"{number}.rbl"
        make(reference).to_blueprint().save("app", path)
        store = ChunkStore.from_chunks(m.chunk for m in RrdReader(path).messages() if isinstance(m, StoredChunk))
        again = tmp_path / f"{number}-again.rbl"
        rrb.read_blueprint(store).save("app", again)
        assert canonical(again) == canonical(path)


def test_trees_that_make_no_sense_do_not_hang() -> None:
    inner, outer = rrb.Vertical(), rrb.Grid()
    inner.contents, outer.contents = (outer,), (inner, inner, rrb.MapView(name="missing"))
    rows = [Row(f"/{c.blueprint_path()}", c._archetype().as_component_batches()) for c in (inner, outer)]
    rows.append(Row("/viewport", rrb.archetypes.ViewportBlueprint(root_container=outer.id).as_component_batches()))
    read = rrb.read_blueprint(ChunkStore.from_chunks(row.chunk(0) for row in rows))
    assert isinstance(read.root_container, rrb.Grid)
    assert [child.id for child in read.root_container.contents] == [inner.id]


def test_containers_nested_without_end_are_refused() -> None:
    node: Any = rrb.TextLogView()
    for _ in range(100):
        node = rrb.Vertical(node)
    with pytest.raises(InvalidValueError, match="nested at most"):
        _read_back(rrb.Blueprint(node))
