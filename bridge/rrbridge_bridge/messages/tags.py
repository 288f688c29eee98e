"""Tags on walls and boxes, as several packages of apriltag and ArUco detectors tell of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, Text
from rrbridge_bridge.messages._colors import class_colors
from rrbridge_bridge.messages._drawing import AXES_LENGTH, image_plane
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation, rotate

_CORNERS = 4


@adapters("apriltag_msgs/msg/AprilTagDetectionArray")
def april_tag_detections(msgs: Columns) -> Iterator[Emit]:
    """Outlines of tags in a picture, pixels."""
    tags = msgs.detections
    yield _outlines(msgs, tags, _flat_corners(tags.values.corners), _numbers(tags.values.id))


@adapters("apriltag_msgs/msg/ApriltagArrayStamped")
def april_tags(msgs: Columns) -> Iterator[Emit]:
    """The same, of another package of that name."""
    tags = msgs.apriltags
    yield _outlines(msgs, tags, _flat_corners(tags.values.corners), _numbers(tags.values.id))


@adapters("fiducial_msgs/msg/FiducialArray")
def fiducials(msgs: Columns) -> Iterator[Emit]:
    """Outlines of ArUco markers in a picture, pixels."""
    tags = msgs.fiducials
    corners = np.stack([tags.values[f"{axis}{n}"] for n in range(_CORNERS) for axis in "xy"], axis=-1)
    yield _outlines(msgs, tags, corners.reshape(-1, _CORNERS, 2), _numbers(tags.values.fiducial_id))


@adapters("apriltag_ros/msg/AprilTagDetectionArray")
def april_tag_poses(msgs: Columns) -> Iterator[Emit]:
    """Tags in space: squares of their size."""
    tags = msgs.detections
    pose = tags.values.pose.pose.pose
    sizes = _first(tags.values.size, 0.0)
    half_sizes = np.stack([sizes / 2, sizes / 2, np.zeros(len(sizes))], axis=-1)
    ids = tags.values.id
    labels = ["-".join(map(str, ids[row].tolist())) for row in range(len(ids))]  # bundles have several
    yield Emit(
        rr.Boxes3D.columns(
            centers=Ragged(tags.offsets, xyz(pose.position)),
            half_sizes=Ragged(tags.offsets, half_sizes),
            quaternions=Ragged(tags.offsets, orientation(pose.orientation)),
            labels=Ragged(tags.offsets, Text.from_strings(labels)),
            colors=Ragged(tags.offsets, class_colors(labels)),
        )
    )


@adapters("fiducial_msgs/msg/FiducialTransformArray")
def fiducial_transforms(msgs: Columns) -> Iterator[Emit]:
    """ArUco markers in space: an arrow out of each, along its z axis."""
    tags = msgs.transforms
    transform = tags.values.transform
    ahead = np.broadcast_to([0.0, 0.0, AXES_LENGTH], (len(tags.values), 3))
    labels = _numbers(tags.values.fiducial_id)
    yield Emit(
        rr.Arrows3D.columns(
            origins=Ragged(tags.offsets, xyz(transform.translation)),
            vectors=Ragged(tags.offsets, rotate(orientation(transform.rotation), ahead)),
            labels=Ragged(tags.offsets, Text.from_strings(labels)),
            colors=Ragged(tags.offsets, class_colors(labels)),
        )
    )


def _outlines(msgs: Columns, tags: Ragged, corners: npt.NDArray[np.float64], labels: list[str]) -> Emit:
    """`corners`: pixels, (n, 4, 2)."""
    outline = np.concatenate([corners, corners[:, :1]], axis=1)
    strips = Ragged.from_lengths(np.full(len(outline), _CORNERS + 1), outline.reshape(-1, 2))
    columns = rr.LineStrips2D.columns(
        strips=Ragged(tags.offsets, strips),
        labels=Ragged(tags.offsets, Text.from_strings(labels)),
        colors=Ragged(tags.offsets, class_colors(labels)),
    )
    return Emit([columns, *image_plane(msgs)])


def _flat_corners(corners: Ragged) -> npt.NDArray[np.float64]:
    """Four points of each tag as (n, 4, 2)."""
    return np.stack([corners.values.x, corners.values.y], axis=-1).astype(np.float64).reshape(-1, _CORNERS, 2)


def _numbers(ids: npt.NDArray[np.int64]) -> list[str]:
    return [str(number) for number in ids.tolist()]


def _first(values: Ragged, default: float) -> npt.NDArray[np.float64]:
    found = np.full(len(values), default)
    some = values.lengths > 0
    found[some] = values.values[values.offsets[:-1][some]]
    return found
