"""Archetypes as users log them, turned into primitives."""

from __future__ import annotations

import inspect
import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import trimesh
from PIL import Image

import rrbridge as rr
from rrbridge import archetypes
from rrbridge._archetype import Archetype
from rrbridge.errors import PluginConflictError
from rrbridge_viewer.render.primitives import F64, Labels, Lines, Mesh, Picture, Points, Primitive, Solids
from rrbridge_viewer.visualizers import (
    AnnotationClass,
    ComponentValue,
    EntityData,
    PinholeView,
    SceneBuilder,
    Space,
    Visualizers,
    visualizers,
)

K = np.array([[100.0, 0, 32], [0, 100, 24], [0, 0, 1]])
RED = (255, 0, 0)


def entity(*logged: Any, path: str = "/thing", extra: Mapping[str, pa.Array] | None = None, **more: Any) -> EntityData:
    """An entity with these archetypes at the cursor."""
    components = {}
    for archetype in logged:
        for batch in archetype.as_component_batches():
            name = batch.component_descriptor().component
            components[name] = ComponentValue(batch.as_arrow_array(), id(archetype))
    components |= {name: ComponentValue(values, id(values)) for name, values in (extra or {}).items()}
    return EntityData(path=path, components=components, **more)


def drawn(*entities: EntityData, space: Space = "3D") -> tuple[Primitive, ...]:
    builder = SceneBuilder(visualizers, space)
    made = builder.primitives(entities)
    assert builder.problems == {}
    return made


def one(kind: type, made: Iterable[Primitive]) -> Any:
    (found,) = [primitive for primitive in made if isinstance(primitive, kind)]
    return found


def pinhole(world_from_camera: F64 | None = None, **more: Any) -> PinholeView:
    where = np.eye(4) if world_from_camera is None else world_from_camera
    return PinholeView(entity_path="/cam", world_from_camera=where, image_from_camera=K, resolution=(64, 48), **more)


def at(primitive: Primitive, points: npt.ArrayLike) -> npt.NDArray[Any]:
    """Points of a primitive in the world, (n, 3)."""
    placed = np.c_[np.asarray(points, np.float64), np.ones(len(np.asarray(points)))] @ primitive.world_from_entity.T
    return np.asarray(placed[:, :3] / placed[:, 3:])


def test_points_keep_positions_colours_and_radii() -> None:
    positions = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    made = drawn(entity(rr.Points3D(positions, colors=[[1, 2, 3]], radii=np.linspace(0.1, 0.2, 50))))
    points = one(Points, made)
    assert np.array_equal(points.positions, positions)
    assert points.colors.tolist() == [[1, 2, 3, 255]]
    assert np.allclose(points.radii, np.linspace(0.1, 0.2, 50))
    assert points.entity_path == "/thing"


def test_what_is_not_logged_has_a_sensible_look() -> None:
    first, again, other = (
        one(Points, drawn(entity(rr.Points3D([[0, 0, 0]]), path=path))) for path in ("/a", "/a", "/b")
    )
    assert first.radii.tolist() == [-1.5]
    assert np.array_equal(first.colors, again.colors)
    assert not np.array_equal(first.colors, other.colors)
    assert first.colors[0, :3].max() > 130


def test_classes_give_colours_and_labels() -> None:
    classes = {1: AnnotationClass("car", (10, 20, 30, 255)), 2: AnnotationClass("tree")}
    thing = entity(rr.Points3D([[0, 0, 0], [1, 0, 0], [2, 0, 0]], class_ids=[1, 2, 1]), annotations=classes)
    made = drawn(thing)
    colors = one(Points, made).colors
    assert colors[0].tolist() == [10, 20, 30, 255]
    assert colors[2].tolist() == [10, 20, 30, 255]
    assert colors[1].tolist() != colors[0].tolist()
    assert one(Labels, made).texts == ("car", "tree", "car")


def test_labels_of_many_points_wait_until_they_are_asked_for() -> None:
    many = np.zeros((100, 3))
    texts = [str(n) for n in range(100)]
    assert not [p for p in drawn(entity(rr.Points3D(many, labels=texts))) if isinstance(p, Labels)]
    assert one(Labels, drawn(entity(rr.Points3D(many, labels=texts, show_labels=True)))).texts == tuple(texts)
    assert not [
        p for p in drawn(entity(rr.Points3D([[0, 0, 0]], labels=["x"], show_labels=False))) if isinstance(p, Labels)
    ]


@pytest.mark.parametrize("width", [2, 3])
def test_strips_stay_apart(width: int) -> None:
    strips = [np.arange(3 * width).reshape(3, width), np.arange(2 * width).reshape(2, width)]
    if width == 3:
        lines = one(Lines, drawn(entity(rr.LineStrips3D(strips, colors=[RED, (0, 255, 0)]))))
    else:
        lines = one(Lines, drawn(entity(rr.LineStrips2D(strips, colors=[RED, (0, 255, 0)])), space="2D"))
    assert lines.offsets.tolist() == [0, 3, 5]
    assert np.array_equal(lines.positions[:, :width], np.concatenate(strips))
    assert lines.colors.tolist() == [[255, 0, 0, 255], [0, 255, 0, 255]]


def test_arrows_go_from_origins_along_vectors() -> None:
    arrows = one(Lines, drawn(entity(rr.Arrows3D(vectors=[[1, 0, 0], [0, 2, 0]], origins=[[5, 5, 5], [0, 0, 1]]))))
    assert arrows.arrow_heads
    assert arrows.positions.tolist() == [[5, 5, 5], [6, 5, 5], [0, 0, 1], [0, 2, 1]]


def corners(solids: Solids) -> npt.NDArray[Any]:
    cube = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return np.asarray(np.einsum("nij,kj->nki", solids.poses[:, :, :3], cube) + solids.poses[:, None, :, 3])


def test_solid_boxes_are_where_they_are_turned_to() -> None:
    half_turn = [0, 0, np.sqrt(0.5), np.sqrt(0.5)]
    boxes = rr.Boxes3D(
        half_sizes=[[1, 2, 3], [1, 2, 3]],
        centers=[[10, 0, 0], [0, 0, 0]],
        quaternions=[[0, 0, 0, 1], half_turn],
        fill_mode=3,
    )
    solids = one(Solids, drawn(entity(boxes)))
    assert solids.shape == "box"
    span = np.ptp(corners(solids), axis=1)
    assert np.allclose(span, [[2, 4, 6], [4, 2, 6]], atol=1e-5)
    assert np.allclose(corners(solids).mean(axis=1), [[10, 0, 0], [0, 0, 0]], atol=1e-5)


@pytest.mark.parametrize("mode", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("shape", ["Boxes3D", "Ellipsoids3D", "Cylinders3D", "Capsules3D"])
def test_shapes_are_filled_or_lines_and_span_what_they_should(shape: str, mode: int | None) -> None:
    kinds: dict[str, Any] = {
        "Boxes3D": lambda: rr.Boxes3D(half_sizes=[[1, 1, 2]], centers=[[5, 0, 0]], fill_mode=mode),
        "Ellipsoids3D": lambda: rr.Ellipsoids3D(half_sizes=[[1, 1, 2]], centers=[[5, 0, 0]], fill_mode=mode),
        "Cylinders3D": lambda: rr.Cylinders3D(lengths=[4], radii=[1], centers=[[5, 0, 0]], fill_mode=mode),
        "Capsules3D": lambda: rr.Capsules3D(lengths=[2], radii=[1], translations=[[5, 0, -1]], fill_mode=mode),
    }
    made = drawn(entity(kinds[shape]()))
    solids = [p for p in made if isinstance(p, Solids)]
    lines = [p for p in made if isinstance(p, Lines)]
    assert bool(solids) == (mode in (None, 3, 4))
    assert bool(lines) == (mode != 3)
    if solids:
        assert (solids[0].colors[0, 3] < 255) == (mode != 3)
        found = np.concatenate([corners(solid).reshape(-1, 3) for solid in solids])
        assert np.allclose(found.min(axis=0), [4, -1, -2], atol=1e-5)
        assert np.allclose(found.max(axis=0), [6, 1, 2], atol=1e-5)
    for wires in lines:
        assert np.allclose(wires.positions.min(axis=0), [4, -1, -2], atol=0.1)
        assert np.allclose(wires.positions.max(axis=0), [6, 1, 2], atol=0.1)


def test_instance_poses_place_shapes_pairwise_and_repeat_the_last() -> None:
    poses = rr.InstancePoses3D(translations=[[0, 0, 0], [0, 10, 0], [0, 20, 0]])
    box = rr.Boxes3D(half_sizes=[[1, 1, 1]], fill_mode=3)
    solids = one(Solids, drawn(entity(box, poses)))
    assert solids.poses[:, :, 3].tolist() == [[0, 0, 0], [0, 10, 0], [0, 20, 0]]
    two = rr.Boxes3D(half_sizes=[[1, 1, 1], [2, 2, 2]], centers=[[1, 0, 0], [2, 0, 0]], fill_mode=3)
    solids = one(Solids, drawn(entity(two, poses)))
    assert solids.poses[:, :, 3].tolist() == [[1, 0, 0], [2, 10, 0], [2, 20, 0]]


def test_poses_of_nothing_show_their_axes() -> None:
    quarter = {"axis": [0, 0, 1], "angle": np.pi / 2}
    lines = one(Lines, drawn(entity(rr.InstancePoses3D(translations=[[1, 2, 3]], rotation_axis_angles=[quarter]))))
    vectors = lines.positions[1::2] - lines.positions[::2]
    assert np.allclose(
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True), [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], atol=1e-6
    )
    assert lines.positions[::2].tolist() == [[1, 2, 3]] * 3


def test_axes_of_a_frame_carry_its_name() -> None:
    made = drawn(entity(rr.TransformAxes3D(2.0, show_frame=True), frame="base_link"))
    assert np.allclose(one(Lines, made).positions[1::2], np.eye(3) * 2)
    assert one(Labels, made).texts == ("base_link",)


def test_meshes_get_normals_that_point_outwards() -> None:
    ball = trimesh.creation.icosphere(2)
    mesh = one(Mesh, drawn(entity(rr.Mesh3D(vertex_positions=ball.vertices, triangle_indices=ball.faces))))
    assert np.allclose(mesh.normals, ball.vertices, atol=0.05)
    builder = SceneBuilder(visualizers, "3D")
    wrong = rr.Mesh3D(vertex_positions=[[0, 0, 0], [1, 0, 0], [0, 1, 0]], triangle_indices=[[0, 1, 7]])
    assert builder.primitives([entity(wrong)]) == ()
    assert "below 3" in builder.problems["/thing"]


@pytest.mark.parametrize("file_type", ["glb", "stl", "ply", "obj", "dae"])
def test_mesh_files_of_every_kind(file_type: str) -> None:
    pytest.importorskip("collada")
    box = trimesh.creation.box((1, 2, 3))
    content = box.export(file_type=file_type)
    content = content.encode() if isinstance(content, str) else content
    mesh = one(Mesh, drawn(entity(rr.Asset3D(contents=content))))
    vertices = mesh.vertices if mesh.poses is None else np.einsum("ij,kj->ki", mesh.poses[0, :, :3], mesh.vertices)
    assert sorted(np.ptp(vertices, axis=0).round(4).tolist()) == [1, 2, 3]
    assert len(mesh.triangles) == 12
    again = one(Mesh, drawn(entity(rr.Asset3D(contents=content))))
    assert again.vertices is mesh.vertices


def test_a_mesh_file_keeps_its_scene_texture_and_colours() -> None:
    scene = trimesh.Scene()
    painted = trimesh.creation.box()
    painted.visual.vertex_colors = np.tile([255, 0, 0, 255], (8, 1))
    moved = np.eye(4)
    moved[0, 3] = 5
    scene.add_geometry(painted, transform=moved)
    corner = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    image = Image.fromarray(np.array([[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [100, 110, 120]]], np.uint8))
    textured = trimesh.Trimesh(corner, [[0, 1, 2], [0, 2, 3]], process=False)
    textured.visual = trimesh.visual.TextureVisuals(
        uv=corner[:, :2], material=trimesh.visual.material.PBRMaterial(baseColorTexture=image)
    )
    scene.add_geometry(textured)
    meshes = [p for p in drawn(entity(rr.Asset3D(contents=scene.export(file_type="glb")))) if isinstance(p, Mesh)]
    assert len(meshes) == 2
    plain, with_texture = sorted(meshes, key=lambda mesh: mesh.texture is not None)
    assert plain.poses is not None
    assert plain.poses[0, 0, 3] == 5
    assert plain.colors[0].tolist() == [255, 0, 0, 255]
    assert with_texture.texture is not None
    assert with_texture.texcoords is not None
    top_left = int(np.argmin(np.abs(with_texture.vertices[:, :2] - (0, 1)).sum(axis=1)))
    assert np.allclose(with_texture.texcoords[top_left], (0, 0))
    assert with_texture.texture[0, 0, :3].tolist() == [10, 20, 30]


def test_a_damaged_mesh_file_is_reported_not_fatal() -> None:
    builder = SceneBuilder(visualizers, "3D")
    ball = entity(rr.Points3D([[0, 0, 0]]), path="/ball")
    made = builder.primitives([entity(rr.Asset3D(contents=b"glTF\x02\x00\x00\x00\xff\xff\xff\xff")), ball])
    assert len(made) == 1
    assert "glb" in builder.problems["/thing"]


def test_images_lie_on_their_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    picture = one(Picture, drawn(entity(rr.Image(pixels)), space="2D"))
    assert np.array_equal(picture.pixels[:, :, :3], pixels)
    assert (picture.corner, picture.across, picture.down) == ((0, 0, 0), (64, 0, 0), (0, 48, 0))


def test_an_image_stands_before_its_camera_where_it_was_seen() -> None:
    """A pixel's place on the image plane is on the ray through that pixel, at the plane's distance."""
    world_from_camera = np.eye(4)
    world_from_camera[:3, 3] = 1, 2, 3
    camera = pinhole(world_from_camera, image_plane_distance=2.0)
    image = entity(rr.Image(np.zeros((48, 64), np.uint8)), pinhole=camera)
    picture = one(Picture, drawn(image))
    pixel = np.array([[10.0, 40, 0]])
    ray = (np.linalg.inv(K) @ [10, 40, 1]) * 2
    assert np.allclose(at(picture, pixel), np.add(ray, (1, 2, 3)))
    assert drawn(entity(rr.Image(np.zeros((48, 64), np.uint8)))) == ()


@pytest.mark.parametrize(
    ("camera_xyz", "forward"), [((3, 2, 5), [0, 0, 2]), ((3, 1, 6), [0, 0, -2]), ((5, 4, 1), [2, 0, 0])]
)
def test_camera_axes_are_as_logged(camera_xyz: tuple[int, int, int], forward: list[float]) -> None:
    """RDF looks along +Z, RUB along -Z, FLU along +X."""
    camera = pinhole(camera_xyz=camera_xyz, image_plane_distance=2.0)
    thing = entity(rr.Pinhole(image_from_camera=K, resolution=[64, 48]), rr.Points2D([[32, 24]]), pinhole=camera)
    made = drawn(thing)
    assert np.allclose(at(one(Points, made), one(Points, made).positions), [forward])
    base = at(one(Lines, made), one(Lines, made).positions[:4])
    assert np.allclose(base.mean(axis=0), forward)


def test_depth_becomes_a_cloud_on_the_rays_of_its_pixels() -> None:
    depth = np.zeros((48, 64), np.uint16)
    depth[10, 20], depth[40, 60] = 2000, 500
    cloud = one(Points, drawn(entity(rr.DepthImage(depth, meter=1000.0), pinhole=pinhole())))
    expected = [np.linalg.inv(K) @ (20.5, 10.5, 1) * 2, np.linalg.inv(K) @ (60.5, 40.5, 1) * 0.5]
    assert np.allclose(at(cloud, cloud.positions), expected, atol=1e-5)
    picture = one(Picture, drawn(entity(rr.DepthImage(depth)), space="2D"))
    assert picture.pixels.dtype == np.uint16
    assert picture.colormap is not None


def test_encoded_images_and_depths() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (8, 9, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    picture = one(Picture, drawn(entity(rr.EncodedImage(contents=file.getvalue(), media_type="image/png")), space="2D"))
    assert np.array_equal(picture.pixels[:, :, :3], pixels)
    file = io.BytesIO()
    Image.fromarray(np.full((48, 64), 1500, np.uint16)).save(file, "PNG")
    deep = rr.EncodedDepthImage(blob=file.getvalue(), media_type="image/png", meter=1000.0)
    cloud = one(Points, drawn(entity(deep, pinhole=pinhole())))
    assert np.allclose(cloud.positions[:, 2], 1.5)


def test_segmentation_shows_classes_and_lets_the_background_through() -> None:
    classes = np.array([[0, 1], [2, 1]], np.uint8)
    look = {1: AnnotationClass("wall", (9, 8, 7, 255))}
    picture = one(Picture, drawn(entity(rr.SegmentationImage(classes), annotations=look), space="2D"))
    assert picture.pixels[0, 0, 3] == 0
    assert picture.pixels[0, 1].tolist() == picture.pixels[1, 1].tolist() == [9, 8, 7, 255]
    assert picture.pixels[1, 0, 3] == 255


def test_a_grid_map_lies_at_its_lower_left_corner() -> None:
    cells = np.array([[100, 0, 255], [0, 0, 0]], np.uint8)
    image_format = {"width": 3, "height": 2, "color_model": rr.ColorModel.L, "channel_datatype": rr.ChannelDatatype.U8}
    grid = rr.GridMap(cells.tobytes(), image_format, 0.5, translation=[1, 2, 0])
    picture = one(Picture, drawn(entity(grid)))
    assert picture.corner == (1.0, 3.0, 0.0)
    assert picture.across == (1.5, 0.0, 0.0)
    assert picture.down == (0.0, -1.0, 0.0)
    assert picture.indexed


def test_a_grid_map_is_calm_in_space_unless_its_look_was_chosen() -> None:
    cells = np.array([[100, 0, 255], [0, 0, 0]], np.uint8)
    image_format = {"width": 3, "height": 2, "color_model": rr.ColorModel.L, "channel_datatype": rr.ChannelDatatype.U8}
    plain = rr.GridMap(cells.tobytes(), image_format, 0.5)
    free, occupied = one(Picture, drawn(entity(plain))).colormap[[0, 100]].tolist()
    assert 80 < free[0] < 140
    assert occupied == [0, 0, 0, 255]
    for exact in (
        drawn(entity(plain), space="2D"),
        drawn(entity(rr.GridMap(cells.tobytes(), image_format, 0.5, opacity=0.9))),
    ):
        assert one(Picture, exact).colormap[0].tolist() == [255, 255, 255, 255]


def test_points_without_colours_show_their_intensity() -> None:
    random = np.random.default_rng(3)
    positions = random.uniform(-1, 1, (300, 3)).astype(np.float32)
    intensity = np.linspace(0, 40, 300, dtype=np.float32)
    intensity[7] = 1e9
    cloud = entity(rr.Points3D(positions), extra={"Points3D:intensity": pa.array(intensity)})
    colors = one(Points, drawn(cloud)).colors.astype(int)
    # Turbo goes from blue over green to red; one stray value changes nothing.
    assert colors[3, 2] > 2 * colors[3, 0]
    assert colors[150, 1] == colors[150, :3].max()
    assert colors[298, 0] > 2 * colors[298, 2]
    assert colors[7].tolist() == colors[299].tolist()
    logged = entity(rr.Points3D(positions, colors=[1, 2, 3]), extra={"Points3D:intensity": pa.array(intensity)})
    assert one(Points, drawn(logged)).colors.tolist() == [[1, 2, 3, 255]]
    same = entity(rr.Points3D(positions), extra={"Points3D:intensity": pa.array(np.zeros(300))})
    by_height = one(Points, drawn(entity(rr.Points3D(positions)))).colors
    assert np.array_equal(one(Points, drawn(same)).colors, by_height)


def test_3d_content_shows_in_a_2d_view_only_through_a_camera() -> None:
    points = entity(rr.Points3D([[0, 0, 2]]))
    assert drawn(points, space="2D") == ()
    projection = np.zeros((4, 4))
    projection[:2, :3], projection[2, 3], projection[3, 2] = K[:2], 1, 1
    seen = one(Points, drawn(entity(rr.Points3D([[0.2, 0.1, 2]]), world_from_entity=projection), space="2D"))
    assert np.allclose(at(seen, seen.positions)[:, :2], [[32 + 10, 24 + 5]])


def test_nothing_is_made_again_while_data_stays_the_same() -> None:
    builder = SceneBuilder(visualizers, "3D")
    thing = entity(rr.Points3D([[0, 0, 0]]), rr.Boxes3D(half_sizes=[[1, 1, 1]]))
    first = builder.primitives([thing])
    assert builder.primitives([thing]) == first
    moved = np.eye(4)
    moved[0, 3] = 1
    elsewhere = builder.primitives([EntityData(path="/thing", components=thing.components, world_from_entity=moved)])
    assert one(Points, elsewhere).positions is one(Points, first).positions
    assert one(Points, elsewhere).world_from_entity[0, 3] == 1
    changed = dict(thing.components) | {
        "Points3D:radii": ComponentValue(thing.components["Points3D:positions"].values.flatten()[:1], "new")
    }
    after = builder.primitives([EntityData(path="/thing", components=changed)])
    assert one(Points, after).radii.tolist() == [0.0]
    assert one(Lines, after).positions is one(Lines, first).positions


def test_a_broken_visualizer_takes_nothing_else_down() -> None:
    mine = Visualizers()

    @mine("Broken", needs=["Points3D:positions"], content="3D")
    def broken(entity: EntityData) -> list[Primitive]:
        raise ZeroDivisionError("no")

    @mine("Fine", needs=["Points3D:positions"], content="3D")
    def fine(entity: EntityData) -> list[Primitive]:
        return [
            Points(
                positions=np.zeros((1, 3), np.float32), colors=np.zeros((1, 4), np.uint8), radii=np.ones(1, np.float32)
            )
        ]

    builder = SceneBuilder(mine, "3D")
    assert len(builder.primitives([entity(rr.Points3D([[0, 0, 0]]))])) == 1
    assert builder.problems == {"/thing": "Broken: no"}
    with pytest.raises(PluginConflictError, match="replace=True"):
        mine("Fine", needs=[], content="3D")(fine)


def test_ours_come_through_the_same_door_as_plug_ins() -> None:
    assert Visualizers.discover().by_name == visualizers.by_name


def test_every_component_asked_for_exists() -> None:
    """A misspelt component name would just never be there."""
    declared = {
        f"{name}:{field}"
        for name, archetype in inspect.getmembers(archetypes, inspect.isclass)
        if issubclass(archetype, Archetype)
        for field in archetype.fields
    }
    declared.add("Points3D:intensity")  # what the bridge calls a laser's intensity
    for visualizer in visualizers.by_name.values():
        source = inspect.getsource(inspect.getmodule(visualizer.function))  # type: ignore[arg-type]
        named = {
            word
            for word in source.replace("'", '"').split('"')
            if ":" in word and word.split(":")[0] in dir(archetypes)
        }
        assert visualizer.needs
        assert named | visualizer.needs <= declared, visualizer.name
