"""Covariances become ellipsoids that hold 95 %; what is not known draws nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rosbags.highlevel import AnyReader

from rrbridge.adapters import Skipped
from rrbridge.columns import Columns
from rrbridge.importers import ImportOptions
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.messages import adapters
from rrbridge_bridge.messages._covariance import principal_axes
from rrbridge_bridge.messages._rotations import orientation, quaternions_of, roll_pitch_yaw, rotate

RandomMessages = Callable[[str, int, int], list[Any]]
ColumnsOf = Callable[[str, list[Any]], Columns]


def matrix(quaternion: Any) -> Any:
    return rotate(np.tile(quaternion, (3, 1)), np.eye(3)).T


def random_covariances(count: int, seed: int) -> Any:
    roots = np.random.default_rng(seed).normal(size=(count, 3, 3))
    return roots @ np.swapaxes(roots, 1, 2)


def test_quaternions_of_matrices_turn_alike() -> None:
    rng = np.random.default_rng(1)
    turns = np.concatenate([rng.normal(size=(200, 4)), np.eye(4), -np.eye(4), [[1, 1, 0, 0], [0, 1, 1, 0]]])
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    matrices = np.stack([matrix(q) for q in turns])
    found = quaternions_of(matrices)
    assert np.allclose(np.abs((found * turns).sum(axis=1)), 1)


def test_roll_pitch_yaw_are_turns_about_fixed_axes() -> None:
    angles = np.random.default_rng(2).uniform(-1.5, 1.5, (100, 3))
    turned = np.stack([turn_about(2, yaw) @ turn_about(1, pitch) @ turn_about(0, roll) for roll, pitch, yaw in angles])
    assert np.allclose(roll_pitch_yaw(quaternions_of(turned)), angles)


def turn_about(axis: int, angle: float) -> Any:
    out = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[i, i] = out[j, j] = np.cos(angle)
    out[i, j], out[j, i] = -np.sin(angle), np.sin(angle)
    return out


def test_axes_are_those_of_each_covariance() -> None:
    covariances = random_covariances(50, 3)
    sizes, turns, there = principal_axes(covariances)
    assert there.all()
    for covariance, size, turn in zip(covariances, sizes, turns, strict=True):
        deviations = size / np.sqrt(7.814727903251179)
        assert np.allclose(matrix(turn) @ np.diag(deviations**2) @ matrix(turn).T, covariance)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_ellipsoids_hold_95_percent(rank: int) -> None:
    roots = np.random.default_rng(rank).normal(size=(3, rank))
    samples = np.random.default_rng(rank + 10).normal(size=(40_000, rank)) @ roots.T
    (size,), (turn,), (there,) = principal_axes((roots @ roots.T)[None])
    assert there
    assert (size > 0).sum() == rank
    along = samples @ matrix(turn)
    inside = (np.divide(along, size, out=np.zeros_like(along), where=size > 0) ** 2).sum(axis=1) <= 1
    assert abs(inside.mean() - 0.95) < 0.005


def test_what_is_not_known_is_left_out() -> None:
    good = np.diag([1.0, 4.0, 9.0])
    tilted = good.copy()
    tilted[0, 1] = 0.5  # not symmetric: half of it counts on either side
    nothing = [
        np.zeros((3, 3)),
        np.diag([-1.0, 0, 0]),
        np.full((3, 3), np.nan),
        np.diag([np.inf, 1, 1]),
        np.diag([1.0, 1, -2]),
    ]
    nothing += [np.full((3, 3), 1e300), np.diag([1e6, 1e6, 1e9])]
    planar = np.diag([1.0, 4.0, 1e6])
    sizes, _, there = principal_axes(np.stack([good, tilted, planar, *nothing]))
    assert there.tolist() == [True, True, True] + [False] * len(nothing)
    assert np.allclose(np.sort(sizes[0]), np.sqrt(7.814727903251179) * np.array([1, 2, 3]))
    assert np.allclose(np.sort(sizes[2]), np.sqrt(5.991464547107979) * np.array([0, 1, 2]))
    assert np.isfinite(sizes).all()


def drawn(msgtype: str, columns: Columns) -> dict[str, pa.Array]:
    """Cells of ellipsoids by path and component."""
    found: dict[str, pa.Array] = {}
    for emit in adapters.by_type[msgtype](columns):
        assert not isinstance(emit, Skipped)
        if isinstance(emit.at, str) and emit.at.endswith("covariance"):
            for part in emit.columns:
                found |= {f"{emit.at} {column.descriptor.component}": column.cells for column in part}  # type: ignore[union-attr]
    return found


def test_odometry_has_an_ellipsoid_where_it_is_and_one_at_its_velocity(
    random_messages: RandomMessages, columns_of: ColumnsOf
) -> None:
    messages = random_messages("nav_msgs/msg/Odometry", 4, 5)
    for number, covariance in enumerate(random_covariances(4, 6)):
        full = np.zeros((6, 6))
        full[:3, :3] = covariance
        messages[number].pose.covariance = full.reshape(-1) if number else np.zeros(36)
        messages[number].twist.covariance = full.reshape(-1)
    columns = columns_of("nav_msgs/msg/Odometry", messages)
    cells = drawn("nav_msgs/msg/Odometry", columns)
    centers = cells["covariance Ellipsoids3D:centers"].to_pylist()  # the first has none
    for message, (center,) in zip(messages[1:], centers, strict=True):
        position = message.pose.pose.position
        assert np.allclose(center, [position.x, position.y, position.z])
    (tip,) = cells["linear/covariance Ellipsoids3D:centers"].to_pylist()[0]
    velocity = messages[0].twist.twist.linear
    assert np.allclose(tip, [velocity.x, velocity.y, velocity.z])
    assert cells["linear/covariance CoordinateFrame:frame"].to_pylist() == [[m.child_frame_id] for m in messages]
    assert len(cells["angular/covariance Ellipsoids3D:half_sizes"]) == 0


def test_what_ceases_to_be_known_ceases_to_be_drawn(random_messages: RandomMessages, columns_of: ColumnsOf) -> None:
    messages = random_messages("geometry_msgs/msg/PoseWithCovarianceStamped", 3, 8)
    for message, variance in zip(messages, (1.0, np.nan, 2.0), strict=True):
        message.pose.covariance = np.eye(6).reshape(-1) * variance
    cells = drawn(messages[0].__msgtype__, columns_of(messages[0].__msgtype__, messages))
    assert [len(cell) for cell in cells["covariance Ellipsoids3D:centers"].to_pylist()] == [1, 0, 1]


def test_orientations_that_say_nothing_turn_nothing(columns_of: ColumnsOf, random_messages: RandomMessages) -> None:
    messages = random_messages("geometry_msgs/msg/Quaternion", 3, 0)
    for message, values in zip(messages, [(0, 0, 0, 0), (np.nan, 0, 0, 1), (0, 0, 3, 4)], strict=True):
        message.x, message.y, message.z, message.w = map(float, values)
    found = orientation(columns_of("geometry_msgs/msg/Quaternion", messages))
    assert found.tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0.6, 0.8]]


REAL = {
    "berndpfrommer+tagslam_test/test_1_reference.bag": ("/tagslam/odom/body_rig", 3),
    "cra-ros-pkg+robot_localization/test2.bag": ("/jackal_velocity_controller/odom", 2),
    "locusrobotics+fuse/turtlebot3.bag": ("/odom", 2),
}
"""Recordings, a topic of odometry, and for how many axes its robot has a variance; the others say 10⁶ and 10¹²."""


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_ellipsoids_of_recordings(name: str, shared_data: Path) -> None:
    topic, axes = REAL[name]
    found: dict[int, tuple[list[float], list[float]]] = {}
    for chunk in Conversion([shared_data / name], ImportOptions(include=(re.compile(topic),), fields="none")).chunks():
        if chunk.entity_path == f"{topic}/covariance":
            cells = [chunk.components[f"Ellipsoids3D:{part}"].cells.to_pylist() for part in ("centers", "half_sizes")]
            for time, center, size in zip(chunk.times["ros1_timestamp"].values.tolist(), *cells, strict=True):
                found[time] = (center, size)
    wanted = 0
    with AnyReader([shared_data / name]) as reader:
        for connection, _, data in reader.messages([c for c in reader.connections if c.topic == topic]):
            message: Any = reader.deserialize(data, connection.msgtype)
            pose, stamp = message.pose, message.header.stamp
            time = stamp.sec * 10**9 + stamp.nanosec
            block = pose.covariance.reshape(6, 6)[:3, :3].copy()
            unknown = np.diag(block) >= 1e5
            block[unknown], block[:, unknown] = 0, 0
            if not block.any():
                assert found.get(time, ([], []))[0] == []
                continue
            wanted += 1
            variances = np.linalg.eigvalsh((block + block.T) / 2)
            root = np.sqrt([0, 3.841458820694124, 5.991464547107979, 7.814727903251179][axes])
            (center,), (size,) = found[time]
            assert np.allclose(center, [pose.pose.position.x, pose.pose.position.y, pose.pose.position.z], rtol=1e-5)
            assert np.allclose(np.sort(size), root * np.sqrt(np.maximum(variances, 0)), rtol=1e-4, atol=1e-9)
    assert wanted > 100
