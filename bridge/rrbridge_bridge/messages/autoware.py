"""Autoware: things on the road and where they will go, the vehicle's own way and what it does.

Its packages were called `autoware_auto_…` before 2024.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged, Text
from rrbridge_bridge.messages._colors import class_colors
from rrbridge_bridge.messages._fields import named_scalars, numbers_of, xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation, rotate

_CLASSES = (
    *("UNKNOWN", "CAR", "TRUCK", "BUS", "TRAILER", "MOTORCYCLE", "BICYCLE", "PEDESTRIAN"),
    *("ANIMAL", "HAZARD", "OVER_DRIVABLE", "UNDER_DRIVABLE"),
)


def _of(group: str, *names: str) -> list[str]:
    return [f"{package}/msg/{name}" for name in names for package in (f"autoware_{group}", f"autoware_auto_{group}")]


@adapters(*_of("perception_msgs", "DetectedObjects", "TrackedObjects", "PredictedObjects"))
def objects(msgs: Columns) -> Iterator[Emit]:
    """Boxes with the likeliest class, metres; the way that each goes in a second; and where each may go."""
    things, each = msgs.objects, msgs.objects.values
    kinematics, first = each.kinematics, "initial_" if "initial_pose_with_covariance" in each.kinematics else ""
    pose = kinematics[f"{first}pose_with_covariance"].pose
    turns, centers = orientation(pose.orientation), Ragged(things.offsets, xyz(pose.position))
    labels, classes = _classes(each.classification)
    colors = Ragged(things.offsets, class_colors(classes))
    yield Emit(
        rr.Boxes3D.columns(
            centers=centers,
            half_sizes=Ragged(things.offsets, xyz(each.shape.dimensions) / 2),
            quaternions=Ragged(things.offsets, turns),
            labels=Ragged(things.offsets, Text.from_strings(labels)),
            colors=colors,
        )
    )
    speeds = rotate(turns, xyz(kinematics[f"{first}twist_with_covariance"].twist.linear))
    yield Emit(
        rr.Arrows3D.columns(vectors=Ragged(things.offsets, speeds), origins=centers, colors=colors), at="velocity"
    )
    paths = kinematics.get("predicted_paths")
    if paths is not None:
        ways = paths.values.path
        lines = Ragged(ways.offsets, xyz(ways.values.position))
        yield Emit(rr.LineStrips3D.columns(strips=Ragged(paths.offsets[things.offsets], lines)), at="paths")


def _classes(classification: Ragged) -> tuple[list[str], list[str]]:
    """A label and the class of each thing: the likeliest, the first of several; `UNKNOWN` where none is said."""
    owners, given = classification.row_of_value, classification.values
    chances: npt.NDArray[Any] = np.where(np.isnan(given.probability), -np.inf, given.probability)
    order = np.lexsort((np.arange(len(owners)), -chances, owners))
    some = np.flatnonzero(classification.lengths)
    best = order[classification.offsets[:-1][some] - classification.offsets[0]]
    classes = ["UNKNOWN"] * len(classification)
    labels = list(classes)
    for thing, label, chance in zip(
        some.tolist(), given.label[best].tolist(), given.probability[best].tolist(), strict=True
    ):
        classes[thing] = _CLASSES[label] if label < len(_CLASSES) else str(label)
        labels[thing] = f"{classes[thing]} {chance:.2f}"
    return labels, classes


@adapters(*_of("planning_msgs", "Trajectory", "Path"))
def way(msgs: Columns) -> Iterator[Emit]:
    """The way to go, metres."""
    points = msgs.points
    yield Emit(rr.LineStrips3D.columns(strips=Ragged(points.offsets, xyz(points.values.pose.position))))


@adapters(*_of("vehicle_msgs", "VelocityReport", "SteeringReport"))
def report(msgs: Columns) -> Iterator[Emit]:
    """All numbers of the message."""
    yield from numbers_of(msgs)


@adapters("autoware_control_msgs/msg/Control", "autoware_auto_control_msgs/msg/AckermannControlCommand")
def control(msgs: Columns) -> Iterator[Emit]:
    """How to steer (rad, rad/s) and go (m/s, m/s²)."""
    for name in ("lateral", "longitudinal"):
        part = msgs[name]
        numbers = {field: part[field] for field in part if isinstance(part[field], np.ndarray)}
        yield from named_scalars(numbers, at=name)
