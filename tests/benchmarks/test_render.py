"""What a frame costs on the machine at hand: `pytest tests/benchmarks/test_render.py --benchmark-enable`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import moderngl
import numpy as np
import pytest

from rrbridge_viewer.render.camera import Camera3D
from rrbridge_viewer.render.geometry import affine
from rrbridge_viewer.render.primitives import Picture, Points, Primitive, Solids
from rrbridge_viewer.render.scene import Scene
from rrbridge_viewer.render.scene_renderer import Backdrop, SceneRenderer

SIZE = (1000, 700)


@pytest.fixture
def gl() -> Iterator[moderngl.Context]:
    """A context without a screen."""
    settings: Any = {"standalone": True, "backend": "egl", "require": 330}
    context = moderngl.create_context(**settings)
    yield context
    context.release()


def cloud(count: int) -> Points:
    rng = np.random.default_rng(0)
    return Points(
        key="cloud",
        entity_path="/cloud",
        positions=rng.normal(0, (4, 4, 0.5), (count, 3)).astype(np.float32),
        colors=rng.integers(0, 255, (count, 4), np.uint8),
        radii=np.array([-1.5], np.float32),
    )


def boxes(count: int) -> Solids:
    rng = np.random.default_rng(0)
    poses = affine(rng.normal(0, 4, (count, 3)), None, np.full((count, 3), 0.1))
    return Solids(key="boxes", entity_path="/boxes", shape="box", poses=poses, colors=np.full((1, 4), 255, np.uint8))


def image() -> Picture:
    pixels = np.random.default_rng(0).integers(0, 255, (1080, 1920, 4), np.uint8)
    return Picture(key="image", entity_path="/image", pixels=pixels, across=(8, 0, 0), down=(0, 4, 0))


@pytest.mark.parametrize(
    "primitive",
    [cloud(100_000), cloud(1_000_000), boxes(1000), image()],
    ids=["100k points", "1M points", "1k boxes", "full HD image"],
)
def test_a_turning_camera(gl: moderngl.Context, benchmark: Any, primitive: Primitive) -> None:
    renderer = SceneRenderer(gl)
    scene = Scene.of([primitive])
    camera = Camera3D(distance=12)

    def frame() -> None:
        nonlocal camera
        camera = camera.orbited(1, 0)
        renderer.render(scene, camera, SIZE, backdrop=Backdrop(grid=True)).read()

    benchmark.pedantic(frame, rounds=8, warmup_rounds=2)
    assert renderer.gpu.uploads <= 3
