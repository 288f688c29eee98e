"""What the robot's sensors report at an instant of its drive. Poses are x, y, yaw in the map frame, metres and radians."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from simulated_robot.drive import HITS, SETS_OUT_AGAIN, STOPS_SPINNING, Drive
from simulated_robot.hall import CRATE, Box, Floats, Shape, cast, shade

__all__ = [
    "CAMERA",
    "MOUNTS",
    "Camera",
    "cloud",
    "current_amperes",
    "imu",
    "jpeg",
    "occupancy",
    "picture",
    "ranges",
    "scan",
]

Bytes: TypeAlias = npt.NDArray[np.uint8]

MOUNTS = {
    "laser": (0.05, 0.0, 0.34),
    "camera_pan_link": (0.17, 0.0, 0.27),
    "imu_link": (0.0, 0.0, 0.10),
    "gps_link": (-0.15, 0.0, 0.30),
    "sonar_link": (0.22, 0.0, 0.12),
    "left_wheel_link": (0.0, 0.18, 0.08),
    "right_wheel_link": (0.0, -0.18, 0.08),
}
"""Where each frame's origin is in `base_link`, metres; `base_link` is on the floor between the wheels."""

SCAN_ANGLES = np.radians(np.arange(-180, 180, 0.5))
CLOUD_ANGLES = np.radians(np.arange(-180, 180, 1.0))
CLOUD_ELEVATIONS = np.radians(np.linspace(-22, 14, 20))
SCAN_REACH_METERS, SONAR_REACH_METERS = 12.0, 3.0


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera without distortion; lengths in pixels."""

    width: int
    height: int
    focal: float

    def rays(self, yaw: float) -> tuple[Floats, Floats]:
        """Horizontal directions (width, 2) of length one in depth, and slopes (height,), for a level camera."""
        forward, left = np.array([np.cos(yaw), np.sin(yaw)]), np.array([-np.sin(yaw), np.cos(yaw)])
        across = -(np.arange(self.width) - (self.width - 1) / 2) / self.focal
        return forward + across[:, None] * left, -(np.arange(self.height) - (self.height - 1) / 2) / self.focal


CAMERA = Camera(320, 240, 230.0)
DEPTH_CAMERA = Camera(160, 120, 115.0)
"""The same view at half the resolution."""


def mounted(pose: Floats, frame: str) -> Floats:
    """Where a sensor's origin is in the map frame, shape (3,)."""
    x, y, z = MOUNTS[frame]
    c, s = np.cos(pose[2]), np.sin(pose[2])
    return np.array([pose[0] + c * x - s * y, pose[1] + s * x + c * y, z])


def headings(angles: Floats) -> Floats:
    """Unit vectors of angles, shape (A, 2)."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def picture(
    shapes: tuple[Shape, ...], pose: Floats, pan: float, rng: np.random.Generator
) -> tuple[Bytes, npt.NDArray[np.uint16]]:
    """A colour picture (height, width, 3), and what `DEPTH_CAMERA` sees: millimetres, 0 where nothing answers."""
    origin = mounted(pose, "camera_pan_link")
    directions, slopes = CAMERA.rays(float(pose[2]) + pan)
    hits = cast(shapes, origin, directions, slopes)
    color = shade(shapes, origin, directions, slopes, hits)
    grain = rng.integers(0, 7, color.shape[:2], np.uint8)[..., None]
    depth = np.where(hits.distance < 20, hits.distance * 1000, 0)[::2, ::2].astype(np.uint16)
    return np.minimum(color, 248) + grain, depth


def jpeg(color: Bytes) -> Bytes:
    """A picture as the bytes of a JPEG file."""
    out = BytesIO()
    Image.fromarray(color).save(out, "JPEG", quality=85)
    return np.frombuffer(out.getvalue(), np.uint8)


def scan(shapes: tuple[Shape, ...], pose: Floats, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Ranges of the flat lidar at `SCAN_ANGLES`, metres; inf where nothing answers."""
    directions = headings(SCAN_ANGLES + pose[2])
    exact = cast(shapes, mounted(pose, "laser"), directions, np.zeros(1)).distance[0]
    noisy = exact + rng.normal(0, 0.008, exact.shape)
    lost = (rng.random(exact.shape) < 0.004) | (exact > SCAN_REACH_METERS)
    return np.where(lost, np.inf, noisy).astype(np.float32)


def cloud(shapes: tuple[Shape, ...], pose: Floats, rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], Bytes]:
    """Points of the 20-ring lidar in the `laser` frame, metres, and their colours; each shape (n, 3)."""
    origin = mounted(pose, "laser")
    directions, slopes = headings(CLOUD_ANGLES + pose[2]), np.tan(CLOUD_ELEVATIONS)
    hits = cast(shapes, origin, directions, slopes)
    color = shade(shapes, origin, directions, slopes, hits)
    far = hits.distance + rng.normal(0, 0.01, hits.distance.shape)
    own = headings(CLOUD_ANGLES)
    points = np.stack([far * own[:, 0], far * own[:, 1], far * slopes[:, None]], axis=-1)
    kept = np.isfinite(far) & (far < 15)
    return points[kept].astype(np.float32), color[kept]


def ranges(shapes: tuple[Shape, ...], pose: Floats) -> float:
    """What the sonar in the bumper measures, metres."""
    directions = headings(np.radians([-8, -4, 0, 4, 8]) + pose[2])
    near = float(cast(shapes, mounted(pose, "sonar_link"), directions, np.zeros(1)).distance.min())
    return min(max(near, 0.02), SONAR_REACH_METERS)


def imu(drive: Drive, secs: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Turn rates (rad/s) and accelerations (m/s²) in `imu_link`, each shape (N, 3)."""
    speed, turn = drive.at(drive.speed, secs), drive.at(drive.yaw_rate, secs)
    since = np.clip(secs - HITS, 0, None)
    struck = (secs >= HITS) & (secs < HITS + 0.4)
    spinning = (secs >= HITS) & (secs < STOPS_SPINNING)
    shake = 0.05 + 0.35 * np.abs(speed) + 1.1 * spinning
    acceleration = rng.normal(0, 1, (len(secs), 3)) * shake[:, None] * [1, 1, 1.4]
    ramp = np.where((secs < HITS - 0.02) | (secs > HITS + 0.3), np.gradient(speed, secs), 0)
    blow = np.where(struck, -46 * np.exp(-since / 0.05) * np.cos(2 * np.pi * 11 * since), 0)
    acceleration += np.column_stack([ramp + blow, speed * turn, 9.81 - 0.35 * blow])
    rates = rng.normal(0, 1, (len(secs), 3)) * (0.004 + 0.02 * np.abs(speed) + 0.05 * spinning)[:, None]
    pitch = np.where(struck, 1.9 * np.exp(-since / 0.08) * np.sin(2 * np.pi * 7 * since), 0)
    rates += np.column_stack([np.zeros_like(secs), pitch, turn])
    return rates, acceleration


def current_amperes(drive: Drive, secs: float) -> float:
    """What the drive motors draw."""
    slip = float(drive.at(drive.wheel_speed - drive.speed, secs))
    return 0.9 + 2.2 * abs(float(drive.at(drive.speed, secs))) + 24.0 * slip


def occupancy(
    shapes: tuple[Shape, ...], *, resolution: float, margin: float, with_pallet: bool
) -> npt.NDArray[np.int8]:
    """The hall as a map: 100 where something stands, 0 where it is free, −1 outside; rows along y, from `−margin`."""
    x = np.arange(-margin, 10 + margin, resolution) + resolution / 2
    y = np.arange(-margin, 7 + margin, resolution) + resolution / 2
    grid = np.full((len(y), len(x)), -1, np.int8)
    at = np.stack(np.meshgrid(x, y), axis=-1)
    inside = (at > 0).all(axis=-1) & (at < [10, 7]).all(axis=-1)
    grid[inside] = 0
    for shape in shapes:
        if shape is CRATE and not with_pallet:
            continue
        offset = at - np.array(shape.center)
        if isinstance(shape, Box):
            c, s = np.cos(shape.yaw), np.sin(shape.yaw)
            across = np.abs(offset @ np.array([[c, -s], [s, c]]))
            grid[(across <= np.array(shape.size) / 2).all(axis=-1)] = 100
        else:
            grid[np.hypot(*np.moveaxis(offset, -1, 0)) <= shape.radius] = 100
    return grid


def diagnosis(drive: Drive, secs: float) -> tuple[int, str, dict[str, Any]]:
    """Level (0 fine, 1 warning, 2 error), a sentence and values for the base controller."""
    current = current_amperes(drive, secs)
    values = {
        "motor current [A]": round(current, 2),
        "wheel speed [m/s]": round(float(drive.at(drive.wheel_speed, secs)), 3),
    }
    if HITS <= secs < STOPS_SPINNING:
        return 2, "wheels turn, robot does not", values
    if STOPS_SPINNING <= secs < SETS_OUT_AGAIN:
        return 1, "recovering from a stall", values
    return 0, "driving", values
