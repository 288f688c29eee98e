"""What is shown of a recording when nobody has said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rrbridge as rr
from rrbridge._messages import StoreId, StoreKind
from rrbridge._timeline import TimeKind
from rrbridge_viewer.blueprint import Blueprint, Container
from rrbridge_viewer.clock import Span
from rrbridge_viewer.facts import entity_facts
from rrbridge_viewer.layout import EntityFacts, automatic_blueprint
from rrbridge_viewer.loading import Library
from rrbridge_viewer.recordings import Recording, aliased


def facts(path: str, *archetypes: str, space: str = "tf#/", camera: str | None = None, rows: int = 10) -> EntityFacts:
    return EntityFacts(path, frozenset(archetypes), space, camera, rows)


def views(blueprint: Blueprint) -> list[str]:
    return [pane.view for pane in blueprint.panes.values()]


def leaves(child: str | Container | None) -> list[str]:
    if child is None or isinstance(child, str):
        return [child] if child else []
    return [leaf for inner in child.children for leaf in leaves(inner)]


def most_at_once(child: str | Container | None) -> int:
    """How many views are on screen together: of tabs, one."""
    if child is None or isinstance(child, str):
        return int(child is not None)
    counts = [most_at_once(inner) for inner in child.children]
    return max(counts) if child.kind == "tabs" else sum(counts)


KINDS = ["Points3D", "Transform3D", "Image", "Boxes2D", "Scalars", "TextLog", "TextDocument", "Pinhole", "Something"]
entities = st.builds(
    lambda parts, kinds, space, camera: facts("/" + "/".join(parts), *kinds, space=space, camera=camera),
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4),
    st.sets(st.sampled_from(KINDS), max_size=2),
    st.sampled_from(["tf#/", "map", "odom", "x", "y", "z"]),
    st.none() | st.just("/a"),
)


@given(st.lists(entities, max_size=60, unique_by=lambda e: e.path))
def test_every_view_has_one_place_on_a_screen_that_is_not_crowded(found: list[EntityFacts]) -> None:
    blueprint = automatic_blueprint(found)
    assert sorted(leaves(blueprint.root)) == sorted(blueprint.panes)
    assert most_at_once(blueprint.root) <= 14
    known = {entity.path for entity in found}
    assert all(set(pane.contents) <= known and pane.contents for pane in blueprint.panes.values())


def test_one_view_for_each_tree_of_frames() -> None:
    found = [
        facts("/lidar", "Points3D", space="map"),
        facts("/odom", "Boxes3D", space="map"),
        facts("/lost", "Points3D", space="x"),
    ]
    blueprint = automatic_blueprint(found)
    assert {pane.frame: pane.contents for pane in blueprint.panes.values()} == {
        "map": ("/lidar", "/odom"),
        "x": ("/lost",),
    }


def test_directions_without_a_scene_stand_behind_the_scene() -> None:
    found = [
        facts("/cmd_vel", "Arrows3D", space="tf#/"),
        facts("/imu", "TransformAxes3D", space="tf#/"),
        facts("/lidar", "Points3D", space="map"),
    ]
    blueprint = automatic_blueprint(found)
    assert [blueprint.panes[view].frame for view in leaves(blueprint.root)] == ["map", "tf#/"]
    assert most_at_once(blueprint.root) == 1
    assert most_at_once(automatic_blueprint([*found, facts("/lost", "Mesh3D", space="tf#/")]).root) == 2


def test_transforms_alone_make_a_view_only_where_nothing_else_is_in_space() -> None:
    assert views(automatic_blueprint([facts("/tf", "Transform3D")])) == ["Spatial3DView"]
    both = [facts("/tf", "Transform3D", space="a"), facts("/scan", "Points3D", space="b")]
    assert [pane.frame for pane in automatic_blueprint(both).panes.values()] == ["b"]


def test_an_image_gets_its_view_with_what_is_drawn_on_it() -> None:
    found = [facts("/cam/image", "Image"), facts("/cam/image/boxes", "Boxes2D"), facts("/other", "DepthImage")]
    contents = {pane.origin: pane.contents for pane in automatic_blueprint(found).panes.values()}
    assert contents == {"/cam/image": ("/cam/image", "/cam/image/boxes"), "/other": ("/other",)}


def test_image_titles_are_short_and_tell_images_apart() -> None:
    paths = ["/a/cam/raw", "/b/cam/raw", "/a/cam/raw/compressed", "/single"]
    panes = automatic_blueprint([facts(path, "Image") for path in paths]).panes.values()
    assert {pane.title for pane in panes} == {"a/cam/raw", "b/cam/raw", "raw/compressed", "single"}


def test_an_image_of_a_camera_is_also_in_space() -> None:
    found = [
        facts("/cam", "Pinhole", camera="/cam"),
        facts("/cam/image", "Image", camera="/cam"),
        facts("/p", "Points3D"),
    ]
    panes = list(automatic_blueprint(found).panes.values())
    assert panes[0].contents == ("/cam", "/cam/image", "/p")


def test_numbers_with_the_same_parent_share_a_plot() -> None:
    found = [facts(f"/arm/joint{i}", "Scalars") for i in range(6)] + [facts("/battery", "Scalars")]
    titles = {pane.title: len(pane.contents) for pane in automatic_blueprint(found).panes.values()}
    assert titles == {"/arm": 6, "/battery": 1}


def test_hundreds_of_topics_make_a_few_plots() -> None:
    found = [facts(f"/robot{i % 20}/part{i}/value{k}", "Scalars", rows=i) for i in range(300) for k in range(3)]
    blueprint = automatic_blueprint(found)
    assert 1 <= len(blueprint.panes) <= 12
    assert most_at_once(blueprint.root) <= 12
    for pane in blueprint.panes.values():
        assert len(pane.contents) - len(pane.hidden) <= 12


def test_internal_entities_are_not_shown() -> None:
    assert not automatic_blueprint([facts("/__properties", "Scalars")]).panes


def test_facts_of_a_recording_with_named_frames(tmp_path: Path) -> None:
    path = tmp_path / "frames.rrd"
    with rr.RecordingStream("frames") as rec:
        rec.save(path)
        rec.set_time("t", duration=1)
        rec.log("/tf", rr.Transform3D(translation=[1, 0, 0], parent_frame="map", child_frame="base"))
        rec.log("/scan", rr.CoordinateFrame("base"), rr.Points3D([[0, 0, 0]]))
        rec.log("/lonely", rr.CoordinateFrame("moon"), rr.Points3D([[0, 0, 0]]))
        rec.log("/cam", rr.Pinhole(focal_length=10, width=4, height=4, parent_frame="base", child_frame="plane"))
        rec.log("/image", rr.CoordinateFrame("plane"), rr.Image(np.zeros((4, 4, 3), np.uint8)))
        rec.disconnect()
    library = Library()
    library.open_file(path)
    library.wait()
    recording = next(iter(library.recordings.values()))
    found = {fact.path: fact for fact in entity_facts(recording, "t", Span(TimeKind.DURATION, 10**9, 10**9))}
    assert found["/scan"].space == "map"
    assert found["/lonely"].space == "moon"
    assert (found["/image"].camera, found["/image"].space) == ("/cam", "map")
    blueprint = automatic_blueprint(list(found.values()))
    shown = {pane.frame: set(pane.contents) for pane in blueprint.panes.values() if pane.view == "Spatial3DView"}
    assert {"/scan", "/image"} <= shown["map"]
    assert shown["moon"] == {"/lonely"}


def test_what_was_cleared_is_shown_where_it_was(tmp_path: Path) -> None:
    """A marker that was deleted before the end belongs to the view of the others."""
    path = tmp_path / "cleared.rrd"
    with rr.RecordingStream("cleared") as rec:
        rec.save(path)
        for second, name in ((1, "gone"), (2, "here")):
            rec.set_time("t", duration=second)
            rec.log(f"/{name}", rr.CoordinateFrame("map"), rr.Points3D([[0, 0, 0]]))
        rec.set_time("t", duration=3)
        rec.log("/gone", rr.Clear(recursive=False))
        rec.disconnect()
    library = Library()
    library.open_file(path)
    library.wait()
    recording = next(iter(library.recordings.values()))
    found = {fact.path: fact.space for fact in entity_facts(recording, "t", Span(TimeKind.DURATION, 10**9, 3 * 10**9))}
    assert (found["/gone"], found["/here"]) == ("map", "map")


def chunk_on(*timelines: str) -> rr.Chunk:
    times = [rr.TimeColumn(name, timestamp=[1.0, 2.0]) for name in timelines]
    return rr.Chunk.from_columns("/a", times=times, components=list(rr.Scalars.columns(scalars=[1.0, 2.0])))


def test_logged_in_a_bag_and_logged_by_a_program_is_one_timeline() -> None:
    recording = Recording(StoreId(StoreKind.RECORDING, "app", "id"))
    recording.insert(chunk_on("message_log_time", "message_publish_time"))
    recording.insert(chunk_on("log_time"))
    assert list(recording.timelines()) == ["log_time", "message_publish_time"]
    assert len(recording.store.times("/a", "log_time")) == 4


def test_a_chunk_with_both_times_keeps_both() -> None:
    chunk = chunk_on("log_time", "message_log_time")
    assert aliased(chunk) is chunk


@pytest.mark.parametrize(
    ("timelines", "first"),
    [
        (("log_time", "step"), "step"),
        (("log_time", "sim_time"), "sim_time"),
        (("message_log_time", "message_publish_time", "sim_time", "ros2_timestamp"), "log_time"),
        (("log_time", "log_tick"), "log_time"),
    ],
)
def test_the_timeline_to_begin_with(timelines: tuple[str, ...], first: str) -> None:
    recording = Recording(StoreId(StoreKind.RECORDING, "app", "id"))
    recording.insert(chunk_on(*timelines))
    assert next(iter(recording.timelines())) == first
