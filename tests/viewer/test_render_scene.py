"""Pictures are judged by what is in them: an object's colour at its projected place, background elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt
import pytest

from rrbridge_viewer.render import scene_renderer
from rrbridge_viewer.render.camera import Camera, Camera2D, Camera3D, on_screen
from rrbridge_viewer.render.geometry import affine
from rrbridge_viewer.render.gpu import Gpu, KeptTexture
from rrbridge_viewer.render.primitives import Lines, Mesh, Picture, Points, Solids
from rrbridge_viewer.render.scene import Bounds, Scene
from rrbridge_viewer.render.scene_renderer import Backdrop, Highlight, SceneRenderer

SIZE = (320, 240)
RED, GREEN, BLUE, WHITE = (
    (np.array([c], np.uint8)) for c in ((255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (255,) * 4)
)
BLACK = Backdrop(top=(0, 0, 0), bottom=(0, 0, 0))
CAMERA = Camera3D(distance=10, yaw=0.3, pitch=0.4)


def shown(renderer: SceneRenderer, scene: Scene, camera: Camera = CAMERA, **more: Any) -> npt.NDArray[Any]:
    """(h, w, 3), first row at the top."""
    texture = renderer.render(scene, camera, SIZE, **({"backdrop": BLACK} | more))
    return np.frombuffer(texture.read(), np.uint8).reshape(SIZE[1], SIZE[0], 4)[::-1, :, :3].astype(int)


def place(position: npt.ArrayLike, camera: Camera = CAMERA) -> tuple[int, int]:
    where, seen = on_screen(np.array([position]), camera.clip_from_world(SIZE), SIZE)
    assert seen.all()
    return int(where[0, 0]), int(where[0, 1])


def ball(key: str, center: npt.ArrayLike, radius: float, color: npt.NDArray[Any]) -> Points:
    return Points(
        key=key,
        entity_path=f"/{key}",
        positions=np.array([center], np.float32),
        colors=color,
        radii=np.array([radius], np.float32),
    )


def boxes(key: str, centers: Any, half: float, color: npt.NDArray[Any]) -> Solids:
    poses = affine(np.array(centers, np.float64), None, np.full((len(centers), 3), half))
    return Solids(key=key, entity_path=f"/{key}", shape="box", poses=poses, colors=color)


def is_mostly(pixel: npt.NDArray[Any], channel: int) -> bool:
    others = [other for other in range(3) if other != channel]
    return pixel[channel] > 60 and all(pixel[channel] > 3 * pixel[other] for other in others)


def test_each_thing_is_where_it_is_and_nothing_elsewhere(gl: moderngl.Context) -> None:
    triangle = np.array([[3, -1, 0], [3, 1, 0], [3, 0, 2]], np.float32)
    scene = Scene.of(
        [
            ball("ball", (0, 3, 0), 0.5, RED),
            boxes("boxes", [(0, 0, 0)], 0.5, GREEN),
            Mesh(
                key="mesh",
                entity_path="/mesh",
                vertices=triangle,
                triangles=np.array([[0, 1, 2]], np.uint32),
                normals=np.tile(np.array([1, 0, 0], np.float32), (3, 1)),
                colors=BLUE,
            ),
            Lines(
                key="line",
                entity_path="/line",
                positions=np.array([[0, -3, -1], [0, -3, 2]], np.float32),
                offsets=np.array([0, 2]),
                colors=RED,
                radii=np.array([-2], np.float32),
            ),
        ]
    )
    picture = shown(SceneRenderer(gl), scene)
    for position, channel in (((0, 3, 0), 0), ((0, 0, 0), 1), ((3, 0, 0.7), 2), ((0, -3, 0), 0)):
        x, y = place(position)
        assert is_mostly(picture[y, x], channel), position
    assert not picture[:5].any()
    assert not picture[:, :5].any()
    assert 0.02 < (picture.sum(axis=2) > 0).mean() < 0.3


def test_what_is_nearer_hides_what_is_behind_it(gl: moderngl.Context) -> None:
    toward_eye = CAMERA.eye_in_world / 10
    near, far = toward_eye * 3, toward_eye * -3
    renderer = SceneRenderer(gl)
    x, y = place((0, 0, 0))
    for order in ((0, 1), (1, 0)):
        pair = [boxes("red", [near], 0.3, RED), boxes("green", [far], 0.3, GREEN)]
        assert is_mostly(shown(renderer, Scene.of([pair[i] for i in order]))[y, x], 0)
    with_ball = Scene.of([ball("ball", near, 0.4, BLUE), boxes("green", [far], 0.3, GREEN)])
    assert is_mostly(shown(renderer, with_ball)[y, x], 2)


def test_world_from_entity_moves_the_picture(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)
    box = boxes("box", [(0, 0, 0)], 0.4, GREEN)
    moved = np.eye(4)
    moved[:3, 3] = 0, 2.5, 0
    before = shown(renderer, Scene.of([box]))
    uploads = renderer.gpu.uploads
    after = shown(renderer, Scene.of([replace(box, world_from_entity=moved)]))
    assert renderer.gpu.uploads == uploads
    x, y = place((0, 2.5, 0))
    assert not before[y, x].any()
    assert is_mostly(after[y, x], 1)


def test_unchanged_arrays_are_not_uploaded_again(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)
    cloud = ball("cloud", (0, 0, 0), 0.5, RED)
    shown(renderer, Scene.of([cloud]))
    first = renderer.gpu.uploads
    assert first == 3
    shown(renderer, Scene.of([replace(cloud)]), camera=CAMERA.orbited(30, 0))
    assert renderer.gpu.uploads == first
    recolored = shown(renderer, Scene.of([replace(cloud, colors=GREEN)]))
    assert renderer.gpu.uploads == first + 1
    x, y = place((0, 0, 0))
    assert is_mostly(recolored[y, x], 1)
    shown(renderer, Scene.of([]))
    assert renderer.drawables == {}


def test_an_unchanged_frame_is_not_drawn_again(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)
    scene = Scene.of([ball("ball", (0, 0, 0), 0.5, RED)])
    shown(renderer, scene)
    shown(renderer, Scene(scene.primitives))
    assert renderer.frames_drawn == 1
    shown(renderer, scene, camera=CAMERA.zoomed(0.9))
    assert renderer.frames_drawn == 2


def test_radii_in_scene_units_shrink_with_distance_and_ui_points_do_not(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)

    def size(radius: float, distance: float) -> float:
        camera = replace(CAMERA, distance=distance)
        picture = shown(renderer, Scene.of([ball("b", (0, 0, 0), radius, WHITE)]), camera=camera)
        return float(np.sqrt((picture[:, :, 0] > 60).sum() / np.pi))

    expected = 0.5 * CAMERA.pixels_per_unit(SIZE)
    assert size(0.5, 10) == pytest.approx(expected / 10, abs=0.6)
    assert size(0.5, 20) == pytest.approx(expected / 20, abs=0.6)
    assert size(-6, 10) == pytest.approx(6, abs=0.6)
    assert size(-6, 40) == pytest.approx(6, abs=0.6)


def test_a_line_is_as_wide_as_it_says_even_where_the_view_cuts_it(gl: moderngl.Context) -> None:
    camera = Camera3D(distance=5, yaw=0.5, pitch=0.15)
    line = Lines(
        key="l",
        entity_path="/l",
        positions=np.array([[0, 0, -1], [0, 0, 30]], np.float32),
        offsets=np.array([0, 2]),
        colors=WHITE,
        radii=np.array([-3], np.float32),
    )
    picture = shown(SceneRenderer(gl), Scene.of([line]), camera=camera)
    widths = picture[: place((0, 0, 0), camera)[1], :, 0].sum(axis=1) / 255
    assert widths.min() > 4.5
    assert widths.max() < 7.5


def test_strips_end_where_their_offsets_say(gl: moderngl.Context) -> None:
    positions = np.array([[0, -3, 0], [0, -1, 0], [0, 1, 0], [0, 3, 0], [0, 3, 1]], np.float32)
    strips = Lines(
        key="l",
        entity_path="/l",
        positions=positions,
        offsets=np.array([0, 2, 2, 5]),
        colors=np.concatenate([RED, BLUE, GREEN]),
        radii=np.array([-2], np.float32),
    )
    renderer = SceneRenderer(gl)
    picture = shown(renderer, Scene.of([strips]))
    for position, channel in (((0, -2, 0), 0), ((0, 2, 0), 1), ((0, 3, 0.5), 1)):
        x, y = place(position)
        assert is_mostly(picture[y, x], channel)
    x, y = place((0, 0, 0))
    assert not picture[y, x].any()
    hit = renderer.pick(*place((0, 2, 0)))
    assert hit is not None
    assert hit.instance == 2


def test_arrow_heads_are_wider_than_shafts(gl: moderngl.Context) -> None:
    arrow = Lines(
        key="a",
        entity_path="/a",
        positions=np.array([[0, 0, -1.5], [0, 0, 1.5]], np.float32),
        offsets=np.array([0, 2]),
        colors=WHITE,
        radii=np.array([-2], np.float32),
        arrow_heads=True,
    )
    picture = shown(SceneRenderer(gl), Scene.of([arrow]))
    _, top = place((0, 0, 1.5))
    _, middle = place((0, 0, 0))
    head = (picture[top + 2 : top + 14, :, 0] > 100).sum(axis=1).max()
    shaft = (picture[middle, :, 0] > 100).sum()
    assert head >= 1.8 * shaft


@pytest.mark.parametrize("count", [300, 9000])
def test_clouds_large_and_small_show_their_points(gl: moderngl.Context, count: int) -> None:
    assert_cloud_is_right(SceneRenderer(gl), count)


def test_splatted_clouds_show_and_pick_like_others(gl: moderngl.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = SceneRenderer(gl)
    if not (renderer.gpu.is_software and renderer.gpu.can_compute):
        pytest.skip("splatting is for software renderers with compute shaders")
    monkeypatch.setattr(scene_renderer, "SPLAT_FROM", 1)
    assert_cloud_is_right(renderer, 9000)
    assert renderer._splatted == {"cloud"}


def assert_cloud_is_right(renderer: SceneRenderer, count: int) -> None:
    """A tight red cloud, and 40 green points further out that are picked one by one."""
    rng = np.random.default_rng(5)
    positions = rng.normal(0, 0.1, (count, 3))
    alone = np.stack(np.meshgrid(np.linspace(-3, 3, 8), np.linspace(-3, 3, 5), [0.0]), axis=-1).reshape(-1, 3)
    alone = alone[np.linalg.norm(alone, axis=1) > 1]
    positions[: len(alone)] = alone
    colors = np.repeat(RED, count, axis=0)
    colors[: len(alone)] = GREEN
    cloud = Points(
        key="cloud",
        entity_path="/cloud",
        positions=positions.astype(np.float32),
        colors=colors,
        radii=np.full(count, -3, np.float32),
    )
    picture = shown(renderer, Scene.of([cloud]))
    x, y = place((0, 0, 0))
    assert is_mostly(picture[y, x], 0)
    for index, position in enumerate(alone):
        x, y = place(position)
        assert is_mostly(picture[y, x], 1)
        hit = renderer.pick(x, y)
        assert hit is not None
        assert (hit.entity_path, hit.instance) == ("/cloud", index)
        assert np.allclose(hit.position, position, atol=0.15)


def test_picking_names_entity_instance_and_place(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)
    centers = np.array([(0, -3, 0), (0, 0, 0), (0, 3, 0)])
    far_behind = -CAMERA.eye_in_world / 2
    scene = Scene.of([boxes("boxes", centers, 0.4, GREEN), ball("behind", far_behind, 0.3, RED)])
    shown(renderer, scene)
    for index, center in enumerate(centers):
        hit = renderer.pick(*place(center))
        assert hit is not None
        assert (hit.entity_path, hit.instance) == ("/boxes", index)
        assert np.abs(np.array(hit.position) - center).max() < 0.41
    assert renderer.pick(2, 2) is None
    beside = renderer.pick(place(centers[2])[0], place(centers[2])[1] - 25)
    assert beside is None or beside.entity_path == "/boxes"


def test_picking_sees_what_covers_a_splatted_cloud(gl: moderngl.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_renderer, "SPLAT_FROM", 1)
    renderer = SceneRenderer(gl)
    toward_eye = CAMERA.eye_in_world / 10
    rng = np.random.default_rng(0)
    cloud = Points(
        key="cloud",
        entity_path="/cloud",
        positions=rng.normal(0, 0.5, (6000, 3)).astype(np.float32),
        colors=RED,
        radii=np.array([-2], np.float32),
    )
    x, y = place((0, 0, 0))
    for distance, winner in ((4, "/box"), (-4, "/cloud")):
        shown(renderer, Scene.of([cloud, boxes("box", [toward_eye * distance], 0.3, GREEN)]))
        hit = renderer.pick(x, y)
        assert hit is not None
        assert hit.entity_path == winner


def test_highlights_outline_what_is_selected(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)
    scene = Scene.of([boxes("boxes", [(0, -2, 0), (0, 2, 0)], 0.4, GREEN)])
    plain = shown(renderer, scene)
    one = shown(renderer, scene, highlight=Highlight(selected=frozenset({("/boxes", 1)})))
    changed = np.nonzero((plain != one).any(axis=2))
    x, _ = place((0, 2, 0))
    assert len(changed[0]) > 40
    assert np.abs(changed[1] - x).max() < 30
    both = shown(renderer, scene, highlight=Highlight(hovered=frozenset({("/boxes", -1)})))
    assert (plain != both).any(axis=2).sum() > 1.6 * len(changed[0])
    inside = place((0, 2, 0))
    assert (one[inside[1], inside[0]] == plain[inside[1], inside[0]]).all()


def test_points_that_are_not_numbers_are_left_out(gl: moderngl.Context) -> None:
    positions = np.array([[0, 0, 0], [np.nan, 0, 0], [np.inf, 0, 0]], np.float32)
    scene = Scene.of(
        [Points(key="p", entity_path="/p", positions=positions, colors=RED, radii=np.array([0.5], np.float32))]
    )
    picture = shown(SceneRenderer(gl), scene)
    x, y = place((0, 0, 0))
    assert is_mostly(picture[y, x], 0)
    assert (picture.sum(axis=2) > 0).mean() < 0.05
    assert scene.bounds.high == (0.0, 0.0, 0.0)


def test_far_from_the_origin_millimetres_still_count(gl: moderngl.Context) -> None:
    """A robot in UTM coordinates, looked at from a metre away."""
    utm = np.array([4.5e5, 5.4e6, 100.0])
    world_from_robot = np.eye(4)
    world_from_robot[:3, 3] = utm
    camera = replace(CAMERA, distance=1.0, target=tuple(utm))
    points = np.array([[0, 0, 0], [0, 0.02, 0]], np.float32)
    robot = Points(
        key="p",
        entity_path="/p",
        positions=points,
        colors=np.concatenate([RED, GREEN]),
        radii=np.array([0.008], np.float32),
    )
    renderer = SceneRenderer(gl)
    picture = shown(renderer, Scene.of([replace(robot, world_from_entity=world_from_robot)]), camera=camera)
    for point, channel in zip(points, (0, 1), strict=True):
        x, y = place(point + utm, camera)
        assert is_mostly(picture[y, x], channel)


def test_a_transparent_box_shows_what_is_behind(gl: moderngl.Context) -> None:
    toward_eye = CAMERA.eye_in_world / 10
    glass = boxes("glass", [toward_eye * 3], 0.5, np.array([[0, 0, 255, 100]], np.uint8))
    picture = shown(SceneRenderer(gl), Scene.of([glass, boxes("red", [(0, 0, 0)], 0.4, RED)]))
    x, y = place((0, 0, 0))
    assert picture[y, x, 0] > 40
    assert picture[y, x, 2] > 40


def test_the_grid_lies_on_the_ground_and_things_cover_it(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)
    backdrop = replace(BLACK, grid=True)
    empty = shown(renderer, Scene(), backdrop=backdrop)
    x_axis, y_axis = place((3, 0, 0)), place((0, 3, 0))
    assert empty[x_axis[1], x_axis[0], 0] > empty[x_axis[1], x_axis[0], 1] + 30
    assert empty[y_axis[1], y_axis[0], 1] > empty[y_axis[1], y_axis[0], 2] + 30
    assert not empty[:10].any()
    covered = shown(renderer, Scene.of([boxes("box", [(3, 0, 0.2)], 0.3, BLUE)]), backdrop=backdrop)
    x, y = place((3, 0, 0.2))
    assert is_mostly(covered[y, x], 2)


def test_pixels_of_an_image_are_exact_squares(gl: moderngl.Context) -> None:
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (6, 8, 4), np.uint8)
    pixels[:, :, 3] = 255
    image = Picture(key="i", entity_path="/i", pixels=pixels, across=(8, 0, 0), down=(0, 6, 0))
    camera = Camera2D().fitted(Bounds((0, 0, 0), (8, 6, 0)))
    renderer = SceneRenderer(gl)
    picture = shown(renderer, Scene.of([image]), camera=camera)
    assert np.array_equal(picture, pixels[:, :, :3].repeat(40, axis=0).repeat(40, axis=1))
    hit = renderer.pick(3 * 40 + 5, 2 * 40 + 35)
    assert hit is not None
    assert divmod(hit.instance, 8) == (2, 3)
    zoomed = camera.zoomed(0.5, 0, 0, SIZE)
    assert np.array_equal(
        shown(renderer, Scene.of([image]), camera=zoomed)[:80, :80], np.tile(pixels[0, 0, :3], (80, 80, 1))
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_values_go_through_the_colour_map(gl: moderngl.Context, dtype: type) -> None:
    values: npt.NDArray[Any] = np.array([[0, 50, 100], [25, 75, 200]], dtype)
    ramp = np.zeros((256, 4), np.uint8)
    ramp[:, 0], ramp[:, 1], ramp[:, 3] = np.arange(256), 255 - np.arange(256), 255
    image = Picture(
        key="i", entity_path="/i", pixels=values, across=(3, 0, 0), down=(0, 2, 0), colormap=ramp, value_range=(0, 100)
    )
    camera = Camera2D().fitted(Bounds((0, 0, 0), (3, 2, 0)))
    picture = shown(SceneRenderer(gl), Scene.of([image]), camera=camera)
    for (row, column), value in np.ndenumerate(values):
        x, y = int((column + 0.5 - 1.5) * SIZE[0] / 3 + SIZE[0] / 2), int((row + 0.5 - 1) * SIZE[0] / 3 + SIZE[1] / 2)
        expected = 255 * min(float(value) / 100, 1)
        assert abs(picture[y, x, 0] - expected) <= 2
        assert abs(picture[y, x, 1] - (255 - expected)) <= 2


def test_draw_order_decides_in_2d(gl: moderngl.Context) -> None:
    def image(key: str, color: npt.NDArray[Any], order: float) -> Picture:
        return Picture(
            key=key,
            entity_path=key,
            pixels=np.tile(color, (2, 2, 1)),
            across=(2, 0, 0),
            down=(0, 2, 0),
            draw_order=order,
        )

    camera = Camera2D().fitted(Bounds((0, 0, 0), (2, 2, 0)))
    renderer = SceneRenderer(gl)
    picture = shown(renderer, Scene.of([image("a", RED, 5), image("b", GREEN, -5)]), camera=camera)
    assert is_mostly(picture[120, 160], 0)
    picture = shown(renderer, Scene.of([image("a", RED, -5), image("b", GREEN, 5)]), camera=camera)
    assert is_mostly(picture[120, 160], 1)


def test_a_hardware_renderer_draws_the_same_scene_with_smooth_edges(
    gl: moderngl.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene.of([boxes("boxes", [(0, 0, 0)], 0.8, GREEN), ball("ball", (0, 3, 0), 0.5, RED)])
    rough = shown(SceneRenderer(gl), scene)
    monkeypatch.setattr(Gpu, "is_software", property(lambda self: False))
    renderer = SceneRenderer(gl)
    assert renderer.gpu.samples > 1
    smooth = shown(renderer, scene)
    assert np.abs(rough - smooth).mean() < 2
    assert len(np.unique(smooth.reshape(-1, 3), axis=0)) > len(np.unique(rough.reshape(-1, 3), axis=0))
    hit = renderer.pick(*place((0, 3, 0)))
    assert hit is not None
    assert hit.entity_path == "/ball"
    assert_cloud_is_right(SceneRenderer(gl), 9000)


@pytest.mark.slow
def test_all_shaders_run_on_opengl_3_3() -> None:
    """Mesa can pretend to be as old as what macOS and old laptops have."""
    environment = os.environ | {"MESA_GL_VERSION_OVERRIDE": "3.3", "MESA_GLSL_VERSION_OVERRIDE": "330"}
    here = Path(__file__)
    wanted = "each_thing or hides or clouds_large or outline or pixels_of or colour_map or grid"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", wanted, str(here)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, cwd=here.parents[2])
    assert done.returncode == 0, done.stdout[-3000:]
    probe = "import moderngl; print(moderngl.create_context(standalone=True, backend='egl').version_code)"
    version = subprocess.run(
        [sys.executable, "-c", probe], env=environment, capture_output=True, text=True, timeout=200
    )
    assert version.stdout.strip() == "330"


def test_a_view_may_change_its_size(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)
    scene = Scene.of([ball("ball", (0, 0, 0), 0.5, RED)])
    for size in ((100, 80), (300, 200), (1, 1), (0, 0), (64, 480)):
        texture = renderer.render(scene, CAMERA, size)
        assert texture.size == (max(size[0], 1), max(size[1], 1))
        assert renderer.pick(size[0] // 2, size[1] // 2) is not None
    renderer.release()
    assert renderer.pick(0, 0) is None


def test_an_image_larger_than_a_texture_is_thinned_out(gl: moderngl.Context) -> None:
    renderer = SceneRenderer(gl)
    renderer.gpu.largest_texture = 16
    pixels = np.tile(GREEN, (30, 40, 1))
    pixels[:, :20] = RED
    image = Picture(key="i", entity_path="/i", pixels=pixels, across=(40, 0, 0), down=(0, 30, 0))
    picture = shown(renderer, Scene.of([image]), camera=Camera2D().fitted(Bounds((0, 0, 0), (40, 30, 0))))
    assert is_mostly(picture[120, 40], 0)
    assert is_mostly(picture[120, 280], 1)
    texture = renderer.drawables["i"].pixels.texture  # type: ignore[attr-defined]
    assert texture.size == (14, 10)
    hit = renderer.pick(280, 120)
    assert hit is not None
    assert divmod(hit.instance, 40) == (15, 35)


def test_what_the_driver_cannot_hold_is_left_out_and_told(
    gl: moderngl.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: KeptTexture, pixels: npt.NDArray[Any]) -> None:
        raise moderngl.Error("out of memory")

    renderer = SceneRenderer(gl)
    image = Picture(key="i", entity_path="/image", pixels=np.tile(GREEN, (2, 2, 1)))
    monkeypatch.setattr(KeptTexture, "fill", refuse)
    picture = shown(renderer, Scene.of([image, ball("ball", (0, 0, 0), 0.5, RED)]))
    x, y = place((0, 0, 0))
    assert is_mostly(picture[y, x], 0)
    assert renderer.problems == {"/image": "the graphics driver cannot hold it: out of memory"}
