"""Point clouds and laser scans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages._fields import custom
from rrbridge_bridge.messages.foxglove._schema import (
    chosen,
    element_dtype,
    elements,
    foxglove,
    layouts,
    orientations,
    placed,
    positions,
    rgba_of_elements,
)

_POINTS3D = "rerun.archetypes.Points3D"


@foxglove("PointCloud", carries=["data"], reference=True)
def point_cloud(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Points with all their numeric fields, at the cloud's own pose."""
    for rows, fields in layouts(msgs, "point_stride"):
        dtype = element_dtype(fields, int(msgs.point_stride[rows[0]]))
        if dtype is None or len({"x", "y", "z"} & set(dtype.names or ())) < 2:
            yield Skipped(rows, "a cloud has no usable fields x, y, z")
            continue
        points = elements(take(msgs.data, rows), dtype)
        yield Emit(_columns(points), rows=rows)
    rows = chosen(msgs, "pose")
    if len(rows):
        pose = take(msgs.pose, rows)
        yield Emit(
            rr.InstancePoses3D.columns(translations=positions(pose), quaternions=orientations(pose)),
            rows=rows,
        )


def _columns(points: Ragged) -> list[rr.ComponentColumnList]:
    values: npt.NDArray[Any] = points.values
    names = values.dtype.names or ()
    axes = [values[axis] if axis in names else np.zeros(len(values)) for axis in "xyz"]
    colors = rgba_of_elements(values)
    columns = [
        rr.Points3D.columns(
            positions=Ragged(points.offsets, np.stack(axes, axis=-1, dtype=np.float32, casting="same_kind")),
            colors=None if colors is None else Ragged(points.offsets, colors),
        )
    ]
    shown = {"x", "y", "z"} | ({"red", "green", "blue", "alpha"} if colors is not None else set())
    for name in names:
        if name not in shown:
            own = np.ascontiguousarray(values[name])
            columns.append(custom(f"Points3D:{name}", Ragged(points.offsets, own), _POINTS3D))
    return columns


@foxglove("LaserScan")
def laser_scan(msgs: Columns) -> Iterator[Emit]:
    """The places that a planar lidar hit; rays without an echo are left out."""
    ranges, lengths = msgs.ranges, msgs.ranges.lengths
    place = np.arange(len(ranges.values)) - np.repeat(ranges.offsets[:-1], lengths)
    distance = ranges.values
    with np.errstate(invalid="ignore", over="ignore"):  # angles that are no numbers give places that are none
        steps = (msgs.end_angle - msgs.start_angle) / np.maximum(lengths - 1, 1)
        angles = np.repeat(msgs.start_angle, lengths) + place * np.repeat(steps, lengths)
        hit = np.flatnonzero(np.isfinite(distance) & (distance > 0))
        planar = np.zeros((len(hit), 3))
        planar[:, 0] = distance[hit] * np.cos(angles[hit])
        planar[:, 1] = distance[hit] * np.sin(angles[hit])
    places = placed(msgs.pose, Ragged(np.searchsorted(hit, ranges.offsets), planar))
    yield Emit(rr.Points3D.columns(positions=places))
    full = (msgs.intensities.lengths == lengths) & (lengths > 0)
    rows = np.flatnonzero(full)
    if len(rows):
        scan = places.row_of_value
        kept = full[scan]
        of_hit = (hit - ranges.offsets[scan] + msgs.intensities.offsets[scan])[kept]
        brightness = Ragged.from_lengths(places.lengths[rows], msgs.intensities.values[of_hit])
        yield Emit(custom("Points3D:intensity", brightness, _POINTS3D), rows=rows)
