"""shape_msgs: bodies of which a robot's surroundings are made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages._registry import adapters

_BOX, _SPHERE, _CYLINDER, _CONE = 1, 2, 3, 4
_DIMENSIONS = {_BOX: 3, _SPHERE: 1, _CYLINDER: 2, _CONE: 2}
_CONE_SIDES = 32
NORMAL_LENGTH = 1.0
"""Metres; of the arrow that stands on a plane."""


@adapters("shape_msgs/msg/SolidPrimitive")
def solid_primitive(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A box, sphere, cylinder or cone about the origin, metres."""
    sized = np.zeros(len(msgs), np.bool_)
    for kind, count in _DIMENSIONS.items():
        rows = np.flatnonzero((msgs.type == kind) & (msgs.dimensions.lengths >= count))
        sized[rows] = True
        sizes = msgs.dimensions.values[msgs.dimensions.offsets[:-1][rows, None] + np.arange(count)]
        yield Emit(_solid(kind, sizes), rows=rows)
    yield Skipped(np.flatnonzero(~sized), "a solid is of a type that is not drawn, or has too few dimensions")


def _solid(kind: int, sizes: npt.NDArray[np.float64]) -> rr.ComponentColumnList:
    fill_mode = np.full(len(sizes), rr.FillMode.Solid)
    if kind == _BOX:
        return rr.Boxes3D.columns(half_sizes=sizes / 2, fill_mode=fill_mode)
    if kind == _SPHERE:
        return rr.Ellipsoids3D.columns(half_sizes=np.repeat(sizes, 3, axis=1), fill_mode=fill_mode)
    if kind == _CYLINDER:
        return rr.Cylinders3D.columns(lengths=sizes[:, 0], radii=sizes[:, 1], fill_mode=fill_mode)
    return _cones(sizes)


def _cones(sizes: npt.NDArray[np.float64]) -> rr.ComponentColumnList:
    """Height and radius; the origin is half way up, the tip points along z."""
    angle = np.arange(_CONE_SIDES) * (2 * np.pi / _CONE_SIDES)
    rim = np.stack([np.cos(angle), np.sin(angle), np.full(_CONE_SIDES, -0.5)], axis=-1)
    unit = np.concatenate([rim, [(0, 0, 0.5), (0, 0, -0.5)]])
    vertices = unit * np.stack([sizes[:, 1], sizes[:, 1], sizes[:, 0]], axis=-1)[:, None]
    here, following = np.arange(_CONE_SIDES), (np.arange(_CONE_SIDES) + 1) % _CONE_SIDES
    tip, foot = np.full(_CONE_SIDES, _CONE_SIDES), np.full(_CONE_SIDES, _CONE_SIDES + 1)
    triangles = np.concatenate([np.stack([here, following, tip], -1), np.stack([following, here, foot], -1)])
    count = len(sizes)
    return rr.Mesh3D.columns(
        vertex_positions=Ragged.from_lengths(np.full(count, len(unit)), vertices.reshape(-1, 3)),
        triangle_indices=Ragged.from_lengths(np.full(count, len(triangles)), np.tile(triangles, (count, 1))),
    )


@adapters("shape_msgs/msg/Mesh")
def mesh(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Triangles."""
    triangles, vertices = msgs.triangles, msgs.vertices
    index = triangles.values.vertex_indices
    beyond = index.max(axis=1, initial=0) >= vertices.lengths[triangles.row_of_value]
    is_whole = np.bincount(triangles.row_of_value[beyond], minlength=len(msgs)) == 0
    whole = np.flatnonzero(is_whole)
    kept = is_whole[triangles.row_of_value]
    columns = rr.Mesh3D.columns(
        vertex_positions=Ragged.from_lengths(
            vertices.lengths[whole], xyz(vertices.values)[is_whole[vertices.row_of_value]]
        ),
        triangle_indices=Ragged.from_lengths(triangles.lengths[whole], index[kept].astype(np.uint32)),
    )
    yield Emit(columns, rows=whole)
    yield Skipped(np.flatnonzero(~is_whole), "a mesh has triangles of corners that it does not have")


@adapters("shape_msgs/msg/Plane")
def plane(msgs: Columns) -> Iterator[Emit]:
    """a x + b y + c z + d = 0, as its normal where it is nearest to the origin."""
    with np.errstate(all="ignore"):  # a plane that is none has an arrow that is none
        normal, offset = msgs.coef[:, :3], msgs.coef[:, 3:]
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        unit, nearest = normal / length, -offset * normal / length**2
    yield Emit(rr.Arrows3D.columns(vectors=unit * NORMAL_LENGTH, origins=nearest))
