"""Poses, vectors and outlines as several packages draw them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._archetype import ComponentColumnList
from rrbridge.columns import Columns, Emit, Ragged, Text, take
from rrbridge_bridge.frames import IMAGE_PLANE
from rrbridge_bridge.messages._covariance import ellipsoids
from rrbridge_bridge.messages._fields import named_scalars, quaternion, xyz
from rrbridge_bridge.messages._rotations import rotate

__all__ = [
    "AXES_LENGTH",
    "arrows_along",
    "axes",
    "axes_at",
    "closed",
    "image_plane",
    "pose_with_covariance",
    "vector",
    "vectors",
]

AXES_LENGTH = 0.3
"""Metres; of a pose that is drawn as its axes."""
ARROW_LENGTH = 0.3
"""Metres; of a pose that is drawn as an arrow along its x axis."""


def axes(at: str = "") -> Emit:
    """Says once that the poses of an entity are drawn as axes."""
    return Emit(rr.TransformAxes3D.columns(axis_length=[AXES_LENGTH]), at=at, static=True)


def axes_at(pose: Columns) -> Iterator[Emit]:
    """A pose, drawn as its axes."""
    yield axes()
    yield Emit(rr.InstancePoses3D.columns(translations=xyz(pose.position), quaternions=quaternion(pose.orientation)))


def pose_with_covariance(pose: Columns) -> Iterator[Emit]:
    """A `PoseWithCovariance`: its axes, and where it is with 95 % probability (the first three rows are the position's)."""
    yield from axes_at(pose.pose)
    yield ellipsoids(_position_block(pose.covariance), xyz(pose.pose.position), at="covariance")


def arrows_along(poses: Ragged, colors: npt.NDArray[np.uint32] | None = None) -> Iterator[Emit]:
    """Many poses per message, each drawn as an arrow along its x axis."""
    ahead = np.broadcast_to([ARROW_LENGTH, 0.0, 0.0], (len(poses.values), 3))
    yield Emit(
        rr.Arrows3D.columns(
            vectors=Ragged(poses.offsets, rotate(quaternion(poses.values.orientation), ahead)),
            origins=Ragged(poses.offsets, xyz(poses.values.position)),
            colors=None if colors is None else Ragged(poses.offsets, colors),
        )
    )


def vector(
    name: str,
    given: Columns,
    *,
    metres_per_unit: float = 1.0,
    frames: Text | None = None,
    covariance: npt.NDArray[Any] | None = None,
) -> Iterator[Emit]:
    """A vector over time, as a plot of its x, y and z and as an arrow from the origin of its frame.

    `frames`: other ones than the header's. `covariance`, (N, 3, 3): drawn at the arrow's tip.
    """
    yield from named_scalars({"x": given.x, "y": given.y, "z": given.z}, at=name)
    arrows = xyz(given) * metres_per_unit
    frame = [] if frames is None else [rr.CoordinateFrame.columns(frame=frames)]
    yield Emit([rr.Arrows3D.columns(vectors=arrows), *frame], at=name)
    if covariance is not None:
        at = f"{name}/covariance"
        yield ellipsoids(covariance, arrows, at=at, scale=metres_per_unit, frames=frames)


def vectors(
    first: tuple[str, Columns],
    second: tuple[str, Columns],
    *,
    metres_per_unit: float = 1.0,
    frames: Text | None = None,
    covariance: npt.NDArray[Any] | None = None,
) -> Iterator[Emit]:
    """The two vectors of a twist, an acceleration or a wrench; `covariance`, (N, 36), is of both."""
    blocks = [None, None] if covariance is None else [_position_block(covariance), _rotation_block(covariance)]
    for (name, given), block in zip((first, second), blocks, strict=True):
        yield from vector(name, given, metres_per_unit=metres_per_unit, frames=frames, covariance=block)


def _position_block(covariance: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return covariance.reshape(-1, 6, 6)[:, :3, :3]


def _rotation_block(covariance: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return covariance.reshape(-1, 6, 6)[:, 3:, 3:]


def image_plane(msgs: Columns) -> list[ComponentColumnList]:
    """Says that what is drawn lies in the picture of the camera that the header names; nothing without a header."""
    if "header" not in msgs:
        return []
    codes, names = msgs.header.frame_id.dictionary()
    planes = np.array([name + IMAGE_PLANE if name else "" for name in names], object)
    return [rr.CoordinateFrame.columns(frame=planes[codes])]


def closed(corners: Ragged) -> Ragged:
    """Outlines that end where they begin: each list of corners (of `Columns` or of rows) with its first one again behind it."""
    sizes = corners.lengths
    closing = np.where(sizes > 0, sizes + 1, 0)
    outline = Ragged.from_lengths(closing, None)
    step = np.arange(outline.offsets[-1]) - np.repeat(outline.offsets[:-1], closing)
    index = np.repeat(corners.offsets[:-1], closing) + step % np.repeat(np.maximum(sizes, 1), closing)
    return Ragged(outline.offsets, take(corners.values, index))
