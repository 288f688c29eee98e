"""How the robot really moves, and what its wheels make it believe.

The story: it sets out at 1 s, runs against a pallet that its map does not have at 14 s, spins its wheels there, backs off at
17.3 s, plans anew and reaches its goal at 27.5 s. While the wheels spin, wheel odometry runs ahead of the truth; the
localisation puts that right between 18 s and 19 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["BACKS_OFF", "DURATION_SECS", "HITS", "RELOCATES", "SETS_OUT_AGAIN", "STOPS_SPINNING", "Drive", "drive"]

Floats: TypeAlias = npt.NDArray[np.floating[Any]]

DURATION_SECS = 28.0
RATE_HZ = 200
SETS_OUT, HITS, STOPS_SPINNING, BACKS_OFF, BACKED_OFF, RELOCATES, RELOCATED = 1.0, 14.0, 16.5, 17.3, 19.3, 18.0, 19.0
SETS_OUT_AGAIN, ARRIVES = 20.0, 27.5
BACK_METERS = 0.8
WHEEL_RADIUS_METERS, WHEEL_BASE_METERS = 0.08, 0.36

OUTWARD = np.array([[1.2, 1.1], [1.5, 3.4], [4.3, 4.2], [6.92, 2.85]])
OUTWARD_HEADING = np.radians([88, 62, -12, -26])
ONWARD = np.array([[7.1, 4.2], [8.4, 5.9]])
ONWARD_HEADING = np.radians([62, 15])


@dataclass(frozen=True, slots=True)
class Drive:
    """The run at 200 Hz. Poses are x, y in metres and yaw in radians; every array has one row per instant."""

    secs: Floats
    map_from_base: Floats
    """The truth, shape (N, 3)."""
    odom_from_base: Floats
    """Wheel odometry, shape (N, 3)."""
    map_from_odom: Floats
    """The localisation's correction, shape (N, 3)."""
    speed: Floats
    """True forward speed, m/s."""
    yaw_rate: Floats
    """True rate of turn, rad/s."""
    wheel_speed: Floats
    """Forward speed as the wheels have it, m/s: more than `speed` while they spin."""
    camera_pan: Floats
    """Angle of the camera's pan joint, radians."""
    outward: Floats
    """The first plan, shape (n, 3)."""
    onward: Floats
    """The second plan, shape (m, 3)."""

    def at(self, values: Floats, secs: npt.ArrayLike) -> Floats:
        """A series of this drive at other instants."""
        where = np.asarray(secs, float)
        if values.ndim == 1:
            return np.asarray(np.interp(where, self.secs, values))
        return np.stack([np.interp(where, self.secs, column) for column in values.T], axis=-1)


def drive() -> Drive:
    """The whole run; there is no chance in it."""
    secs = np.arange(int(DURATION_SECS * RATE_HZ) + 1) / RATE_HZ
    outward = curve(OUTWARD, OUTWARD_HEADING)
    out_length = length(outward)
    cruise = out_length / (HITS - SETS_OUT - 0.5)
    speed = np.where(secs < HITS, cruise * np.clip(secs - SETS_OUT, 0, 1), 0.0)
    speed -= BACK_METERS * bump(secs, BACKS_OFF, BACKED_OFF)
    along = np.cumsum(speed) / RATE_HZ
    turning_back = along_pose(outward, out_length - BACK_METERS)
    onward = curve(np.vstack([turning_back[:2], ONWARD]), np.concatenate([turning_back[2:], ONWARD_HEADING]))
    onward_speed = length(onward) * bump(secs, SETS_OUT_AGAIN, ARRIVES, flat=0.7)
    second = along_pose(onward, np.cumsum(onward_speed) / RATE_HZ)
    truth = np.where((secs < SETS_OUT_AGAIN)[:, None], along_pose(outward, along), second)
    speed = speed + onward_speed
    stuck = np.clip(secs - HITS, 0, None)
    rocking = np.where(
        (secs >= HITS) & (secs < STOPS_SPINNING), 0.05 * np.exp(-stuck / 1.2) * np.sin(2 * np.pi * 2.3 * stuck), 0.0
    )
    truth[:, 2] += rocking

    spinning = (secs >= HITS) & (secs < STOPS_SPINNING)
    spin = np.where(spinning, np.minimum(0.28 + cruise * np.exp(-stuck / 0.25), cruise), 0.0)
    spin *= np.clip((STOPS_SPINNING - secs) / 0.4, 0, 1)
    wheel_speed = speed + spin
    yaw_rate = np.gradient(truth[:, 2], secs)
    yaw = np.cumsum(yaw_rate * 1.012) / RATE_HZ
    step = wheel_speed * 1.008 / RATE_HZ
    odometry = np.stack([np.cumsum(step * np.cos(yaw)), np.cumsum(step * np.sin(yaw)), yaw], axis=1)

    correction = compose(truth, inverse(odometry))
    held = correction[np.searchsorted(secs, HITS)]
    trust = np.clip((secs - RELOCATES) / (RELOCATED - RELOCATES), 0, 1)
    trust = np.where(secs < HITS, 1.0, trust * trust * (3 - 2 * trust))[:, None]
    correction = correction * trust + held * (1 - trust)
    pan = 0.5 * np.sin(2 * np.pi * secs / 9.0) * np.clip(np.abs(secs - 15.5) - 2.2, 0, 1)
    return Drive(secs, truth, odometry, correction, speed, yaw_rate, wheel_speed, pan, outward, onward)


def curve(points: Floats, headings: Floats, steps: int = 80) -> Floats:
    """A smooth way through points (K, 2) with given headings (K,), as poses (n, 3): cubic Hermite pieces."""
    pieces = []
    for (start, end), (h0, h1) in zip(pairwise(points), pairwise(headings), strict=True):
        u = np.linspace(0, 1, steps, endpoint=False)[:, None]
        reach = np.linalg.norm(end - start)
        leave, arrive = reach * np.array([np.cos(h0), np.sin(h0)]), reach * np.array([np.cos(h1), np.sin(h1)])
        pieces.append(
            (2 * u**3 - 3 * u**2 + 1) * start
            + (u**3 - 2 * u**2 + u) * leave
            + (3 * u**2 - 2 * u**3) * end
            + (u**3 - u**2) * arrive
        )
    way = np.vstack([*pieces, points[-1:]])
    steps_xy = np.gradient(way, axis=0)
    yaw = np.arctan2(steps_xy[:, 1], steps_xy[:, 0])
    yaw[[0, -1]] = headings[[0, -1]]  # where a chord would miss the direction
    return np.column_stack([way, np.unwrap(yaw)])


def length(way: Floats) -> float:
    """How long a way of poses (n, 3) is, metres."""
    return float(np.linalg.norm(np.diff(way[:, :2], axis=0), axis=1).sum())


def along_pose(way: Floats, distance: npt.ArrayLike) -> Floats:
    """The pose after so many metres of a way; shape (..., 3)."""
    marks = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way[:, :2], axis=0), axis=1))])
    return np.stack([np.interp(np.asarray(distance, float), marks, column) for column in way.T], axis=-1)


def bump(secs: Floats, start: float, end: float, flat: float = 0.3) -> Floats:
    """A speed profile of area one metre: up, level for a share of the time, down."""
    u = np.clip((secs - start) / (end - start), 0, 1)
    ramp = (1 - flat) / 2
    shape = np.clip(np.minimum(u, 1 - u) / ramp, 0, 1)
    return np.asarray(shape / (shape.sum() / RATE_HZ))


def compose(a: Floats, b: Floats) -> Floats:
    """Planar poses one after the other, (N, 3) each: `x_from_z = compose(x_from_y, y_from_z)`."""
    c, s = np.cos(a[:, 2]), np.sin(a[:, 2])
    return np.column_stack(
        [a[:, 0] + c * b[:, 0] - s * b[:, 1], a[:, 1] + s * b[:, 0] + c * b[:, 1], a[:, 2] + b[:, 2]]
    )


def inverse(a: Floats) -> Floats:
    """Planar poses the other way round, (N, 3)."""
    c, s = np.cos(a[:, 2]), np.sin(a[:, 2])
    return np.column_stack([-c * a[:, 0] - s * a[:, 1], s * a[:, 0] - c * a[:, 1], -a[:, 2]])
