"""Transforms, poses and odometry."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Flags, Ragged, present, take
from rrbridge_bridge.messages._drawing import axes, vector
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages._rotations import orientation
from rrbridge_bridge.messages.foxglove._schema import chosen, foxglove, orientations, positions, stamps, subset

NAMELESS = "a transform names no frames"


@foxglove("FrameTransform", reference=True)
def frame_transform(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Where a frame is in its parent."""
    named = _named(msgs)
    yield Skipped(np.flatnonzero(~named), NAMELESS)
    rows = np.flatnonzero(named)
    yield Emit(_edges(subset(msgs, rows)), rows=rows)


@foxglove("FrameTransforms", reference=True)
def frame_transforms(msgs: Columns) -> Iterator[Emit | Skipped]:
    """One row per transform, each at its own time."""
    named, of_message = _named(msgs.transforms.values), msgs.transforms.row_of_value
    yield Skipped(np.unique(of_message[~named]), NAMELESS)
    edges = subset(msgs.transforms.values, np.flatnonzero(named))
    yield Emit(_edges(edges), rows=of_message[named], times=stamps(edges))


def _named(edges: Columns) -> Flags:
    """Which transforms say of what they are: one of nothing would place the topic's entity."""
    found: Flags = (np.diff(edges.parent_frame_id.offsets) > 0) | (np.diff(edges.child_frame_id.offsets) > 0)
    return found


def _edges(edges: Columns) -> rr.ComponentColumnList:
    return rr.Transform3D.columns(
        translation=xyz(edges.translation),
        quaternion=orientation(edges.rotation),
        parent_frame=edges.parent_frame_id,
        child_frame=edges.child_frame_id,
    )


@foxglove("PoseInFrame", reference=True)
def pose_in_frame(msgs: Columns) -> Iterator[Emit]:
    """Where something is, drawn as its axes."""
    yield axes()
    rows = chosen(msgs, "pose")
    pose = take(msgs.pose, rows)
    yield Emit(rr.InstancePoses3D.columns(translations=positions(pose), quaternions=orientations(pose)), rows=rows)


@foxglove("PosesInFrame", reference=True)
def poses_in_frame(msgs: Columns) -> Iterator[Emit]:
    """Many poses at once: a path, particles."""
    poses = msgs.poses
    yield axes()
    yield Emit(
        rr.InstancePoses3D.columns(
            translations=Ragged(poses.offsets, positions(poses.values)),
            quaternions=Ragged(poses.offsets, orientations(poses.values)),
        )
    )


@foxglove("Odometry")
def odometry(msgs: Columns) -> Iterator[Emit]:
    """Where the robot thinks it is, and how fast it goes."""
    yield from pose_in_frame(msgs)
    for part in ("linear", "angular"):
        if present(msgs, f"{part}_velocity").any():
            yield from vector(part, msgs[f"{part}_velocity"], frames=msgs.body_frame_id)


@foxglove("Point3InFrame")
def point_in_frame(msgs: Columns) -> Iterator[Emit]:
    """A point."""
    yield Emit(rr.Points3D.columns(positions=xyz(msgs.point), radii=np.full(len(msgs), 0.05)))
