"""Laws of cameras: what moves where, and what stays."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rrbridge_viewer.render.camera import Camera2D, Camera3D, on_screen
from rrbridge_viewer.render.scene import Bounds

SIZE = (640, 480)
UPS = [(0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0)]


@pytest.mark.parametrize("up", UPS)
def test_the_target_is_in_the_middle_and_up_is_up(up: tuple[float, float, float]) -> None:
    camera = Camera3D(target=(1, 2, 3), distance=4, up=up, yaw=0.7, pitch=0.3)
    places, seen = on_screen(np.array([camera.target, np.add(camera.target, up)]), camera.clip_from_world(SIZE), SIZE)
    assert seen.all()
    assert np.allclose(places[0, :2], (320, 240))
    assert places[0, 2] == pytest.approx(4)
    assert places[1, 0] == pytest.approx(320)
    assert places[1, 1] < 240
    rotation = camera.eye_from_world[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert np.linalg.norm(camera.eye_in_world - camera.target) == pytest.approx(4)


def test_yaw_zero_stands_on_the_x_axis() -> None:
    camera = Camera3D(distance=2, yaw=0, pitch=0)
    assert np.allclose(camera.eye_in_world, (2, 0, 0))


def test_orbiting_keeps_target_and_distance_and_never_turns_over() -> None:
    camera = Camera3D(target=(1, 1, 0))
    turned = camera.orbited(200, 5000)
    assert turned.target == camera.target
    assert turned.distance == camera.distance
    assert math.radians(80) < turned.pitch < math.radians(90)
    assert camera.orbited(100, 40).orbited(-100, -40).pitch == pytest.approx(camera.pitch)


def test_panning_follows_the_pointer() -> None:
    camera = Camera3D(target=(1, 1, 0), distance=7)
    moved = camera.panned(30, -12, SIZE)
    place, _ = on_screen([camera.target], moved.clip_from_world(SIZE), SIZE)
    assert np.allclose(place[0, :2], (320 + 30, 240 - 12))


def test_flying_moves_the_eye_and_turning_does_not() -> None:
    camera = Camera3D(distance=2)
    flown = camera.flown(0, 0, 0.5)
    assert np.allclose(flown.eye_in_world, camera.eye_in_world + camera.forward)
    turned = camera.turned(25, 10)
    assert np.allclose(turned.eye_in_world, camera.eye_in_world)
    assert not np.allclose(turned.forward, camera.forward)


def test_a_fitted_camera_sees_everything() -> None:
    bounds = Bounds((-3, 10, 0), (5, 14, 2))
    camera = Camera3D(yaw=2, pitch=0.5).fitted(bounds)
    corners = np.array(np.meshgrid(*zip(bounds.low, bounds.high, strict=True))).reshape(3, -1).T
    places, seen = on_screen(corners, camera.clip_from_world(SIZE), SIZE)
    assert seen.all()
    assert np.ptp(places[:, 1]) > 100
    assert camera.fitted(Bounds()) == camera


def test_a_ray_goes_through_what_is_under_its_pixel() -> None:
    camera = Camera3D(target=(1, 2, 3), distance=4)
    point = np.array([0.5, 2.5, 2.8])
    place, _ = on_screen([point], camera.clip_from_world(SIZE), SIZE)
    origin, direction = camera.ray_in_world(place[0, 0], place[0, 1], SIZE)
    away = np.cross(direction, point - origin)
    assert np.allclose(away, 0, atol=1e-9)


def test_zooming_a_plane_keeps_what_is_under_the_pointer() -> None:
    camera = Camera2D().fitted(Bounds((0, 0, 0), (1920, 1080, 0)))
    before = camera.at(100, 50, SIZE)
    zoomed = camera.zoomed(0.3, 100, 50, SIZE)
    assert zoomed.at(100, 50, SIZE) == pytest.approx(before)
    assert zoomed.pixels_per_unit(SIZE) == pytest.approx(camera.pixels_per_unit(SIZE) / 0.3)
    moved = zoomed.panned(10, -20, SIZE)
    assert moved.at(110, 30, SIZE) == pytest.approx(before)


def test_a_plane_is_shown_as_pixels_are() -> None:
    camera = replace(Camera2D().fitted(Bounds((0, 0, 0), (64, 48, 0))))
    places, _ = on_screen([(0, 0, 0), (64, 48, 0), (6.4, 4.8, 0)], camera.clip_from_world(SIZE), SIZE)
    assert np.allclose(places[:, :2], [(0, 0), (640, 480), (64, 48)])
