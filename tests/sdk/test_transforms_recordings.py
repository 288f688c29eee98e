"""Transforms of real robots, logged as bags are converted, equal a chain of matrices built message by message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from rrbridge._arrow import fixed_size_list, unit_lists
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._transforms import TransformTree

Edge = tuple[int, str, str, tuple[float, ...], tuple[float, ...]]
"""Log time, parent, child, translation, quaternion."""


def edges_of(path: Path) -> tuple[list[Edge], list[Edge]]:
    """The transforms of `/tf`, and those of `/tf_static`."""
    moving: list[Edge] = []
    static: list[Edge] = []
    with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE)) as reader:
        connections = [c for c in reader.connections if c.topic in ("/tf", "/tf_static")]
        for connection, time, raw in reader.messages(connections):
            message: Any = reader.deserialize(raw, connection.msgtype)
            for stamped in message.transforms:
                t, q = stamped.transform.translation, stamped.transform.rotation
                parent, child = (name.removeprefix("/") for name in (stamped.header.frame_id, stamped.child_frame_id))
                edge = (time, parent, child, (t.x, t.y, t.z), (q.x, q.y, q.z, q.w))
                (static if connection.topic == "/tf_static" else moving).append(edge)
    return moving, static


def as_chunk(entity: str, edges: list[Edge], *, static: bool) -> Chunk:
    times, parents, children, translations, quaternions = zip(*edges, strict=True)
    columns = {
        "translation": fixed_size_list(np.array(translations, np.float32)),
        "quaternion": fixed_size_list(np.array(quaternions, np.float32)),
        "parent_frame": pa.array(parents),
        "child_frame": pa.array(children),
    }
    return Chunk.from_columns(
        entity,
        times=[] if static else [TimeColumn.of("message_log_time", TimeKind.TIMESTAMP, list(times))],
        components=[
            ComponentColumn(ComponentDescriptor(f"Transform3D:{name}"), unit_lists(values))
            for name, values in columns.items()
        ],
    )


def matrix(translation: tuple[float, ...], quaternion: tuple[float, ...]) -> npt.NDArray[np.float64]:
    x, y, z, w = np.array(quaternion) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), translation[0]],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), translation[1]],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), translation[2]],
            [0, 0, 0, 1],
        ]
    )


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "Surya-Sriramoju+gazebo_walker/rosbag/rosbag2_2023_11_28-00_00_10_0.db3",
        "AakashDammala+my_webots_tutorials/results/results_0.db3",
        "jsk-ros-pkg+jsk_recognition/watercan.bag",
        "cruise-automation+rosbag.js/example.bag",
    ],
)
def test_frames_of_real_robots(shared_data: Path, name: str) -> None:
    path = shared_data / name
    moving, static = edges_of(path.parent if path.suffix == ".db3" else path)
    rng = np.random.default_rng(0)
    cuts = np.split(np.arange(len(moving)), np.sort(rng.integers(0, len(moving), 20)))
    chunks = [as_chunk("/tf", [moving[i] for i in cut], static=False) for cut in cuts if len(cut)]
    chunks += [as_chunk(f"/tf_static/{edge[2]}", [edge], static=True) for edge in static]
    tree = TransformTree(ChunkStore.from_chunks(chunks[i] for i in rng.permutation(len(chunks))))

    moments = sorted(rng.choice([edge[0] for edge in moving], 40).tolist())
    latest = {edge[2]: edge for edge in static}
    rest = iter([*sorted(moving, key=lambda edge: edge[0]), None])
    following = next(rest)
    compared = 0
    for moment in moments:
        while following is not None and following[0] <= moment:
            latest[following[2]] = following
            following = next(rest)
        for child in latest:
            root, expected = child, np.eye(4)
            while root in latest:
                _, parent, _, translation, quaternion = latest[root]
                root, expected = parent, matrix(translation, quaternion) @ expected
            assert tree.root_of(child, "message_log_time", moment) == root
            found = tree.transform(root, child, "message_log_time", moment)
            np.testing.assert_allclose(found, expected, atol=2e-5)
            compared += 1
    assert compared >= 40
