"""Lookups in converted bags of real robots, on the log's clock and the data's own, equal a loop over their messages."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

import rrbridge as rr
from rrbridge import importers
from rrbridge._store import load_messages

Doubles = npt.NDArray[np.float64]

BAGS = {
    "Surya-Sriramoju+gazebo_walker/rosbag/rosbag2_2023_11_28-00_00_10_0.db3": "ros2_timestamp",
    "AakashDammala+my_webots_tutorials/results/results_0.db3": "ros2_timestamp",
    "cruise-automation+rosbag.js/example.bag": "ros1_timestamp",
    "berndpfrommer+tagslam_test/test_1_reference.bag": "ros1_timestamp",
    "jsk-ros-pkg+jsk_recognition/watercan.bag": "ros1_timestamp",
}


class Stamped(NamedTuple):
    time: int
    parent: str
    translation: Doubles
    quaternion: Doubles


def edges_of(path: Path, *, stamps: bool) -> dict[str, list[Stamped]]:
    """Every edge in order of time, by child frame; static ones at the beginning of time."""
    edges: dict[str, list[Stamped]] = defaultdict(list)
    with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE)) as reader:
        connections = [c for c in reader.connections if c.topic in ("/tf", "/tf_static")]
        for connection, logged, raw in reader.messages(connections):
            message: Any = reader.deserialize(raw, connection.msgtype)
            for each in message.transforms:
                t, q, stamp = each.transform.translation, each.transform.rotation, each.header.stamp
                time = stamp.sec * 10**9 + stamp.nanosec if stamps else logged
                edges[each.child_frame_id.removeprefix("/")].append(
                    Stamped(
                        -(2**62) if connection.topic == "/tf_static" else time,
                        each.header.frame_id.removeprefix("/"),
                        np.array([t.x, t.y, t.z]),
                        np.array([q.x, q.y, q.z, q.w]),
                    )
                )
    return {child: sorted(rows, key=lambda row: row.time) for child, rows in edges.items()}


def parent_from_child(rows: list[Stamped], time: int) -> tuple[str, Doubles] | None:
    past = [row for row in rows if row.time <= time]
    if not past:
        return None
    row, later = past[-1], [each for each in rows if each.time > time]
    translation, quaternion = row.translation, row.quaternion / np.linalg.norm(row.quaternion)
    following = [each for each in later if each.time == later[0].time][-1:]
    if row.time > 0 and following and following[0].parent == row.parent:
        (after,) = following
        weight = (time - row.time) / (after.time - row.time)
        translation = translation + weight * (after.translation - translation)
        end = after.quaternion / np.linalg.norm(after.quaternion)
        end = -end if quaternion @ end < 0 else end
        angle = np.arctan2(np.linalg.norm(quaternion - end), np.linalg.norm(quaternion + end)) * 2
        if angle > 1e-9:
            quaternion = (np.sin((1 - weight) * angle) * quaternion + np.sin(weight * angle) * end) / np.sin(angle)
    x, y, z, w = quaternion
    out = np.eye(4)
    out[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    out[:3, 3] = translation
    return row.parent, out


@pytest.mark.real_data
@pytest.mark.parametrize("clock", ["log", "data"])
@pytest.mark.parametrize("name", BAGS)
def test_lookups_equal_a_loop_over_messages(shared_data: Path, name: str, clock: str) -> None:
    path = shared_data / name
    edges = edges_of(path.parent if path.suffix == ".db3" else path, stamps=clock == "data")
    timeline = BAGS[name] if clock == "data" else "message_log_time"
    (store,) = load_messages(importers.read(path)).values()
    tree = rr.TransformTree(store)

    rng = np.random.default_rng(0)
    moments = [row.time for rows in edges.values() for row in rows if row.time > 0]
    times = rng.integers(min(moments), max(moments), 25)
    children = rng.choice(sorted(edges), 12).tolist()
    compared = 0
    for child in children:
        expected = []
        for time in times.tolist():
            root, matrix = child, np.eye(4)
            while root in edges and (found := parent_from_child(edges[root], time)):
                root, matrix = found[0], found[1] @ matrix
            assert tree.root_of(child, timeline, time) == root
            expected.append((root, matrix))
        for root in {root for root, _ in expected} - {child}:
            chosen = [i for i, (other, _) in enumerate(expected) if other == root]
            matrices = tree.lookup(root, child, timeline, times[chosen])
            np.testing.assert_allclose(matrices, [expected[i][1] for i in chosen], atol=5e-5)
            compared += len(chosen)
    assert compared >= 100
