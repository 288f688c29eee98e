"""grid_map_msgs: layers of numbers over the ground, as ANYbotics' grid_map has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.adapters import Skipped
from rrbridge.columns import STAMP, Columns, Emit, Ragged, nanos, take
from rrbridge_bridge.messages._fields import custom, xyz
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation, rotate

Floats = npt.NDArray[np.float32]
_POINTS3D = "rerun.archetypes.Points3D"
_HEIGHT = "elevation"


@adapters("grid_map_msgs/msg/GridMap")
def grid_map(msgs: Columns) -> Iterator[Emit | Skipped]:
    """A point per cell, metres, as high as the layer `elevation` says (else the first), with every layer's number beside it.

    A map without layers is empty, as a mapper's first ones are. A loop per map and layer, which are few and large.
    """
    groups: dict[tuple[str, ...], list[tuple[int, list[Floats], Floats]]] = defaultdict(list)
    for row in range(len(msgs)):
        names = tuple(msgs.layers[row].to_list())
        if not names:
            continue
        layers = _layers(take(msgs, [row]))
        if len(layers) != len(names) or len({layer.shape for layer in layers}) != 1:
            yield Skipped(np.array([row]), "the layers of a grid map are not of one size")
            continue
        height = layers[names.index(_HEIGHT) if _HEIGHT in names else 0]
        kept = np.isfinite(height)
        groups[names].append((row, [layer[kept] for layer in layers], _places(take(msgs, [row]), height)[kept]))
    for names, maps in groups.items():
        rows = np.array([row for row, *_ in maps])
        lengths = [len(places) for *_, places in maps]
        points = Ragged.from_lengths(lengths, np.concatenate([places for *_, places in maps]))
        columns = [rr.Points3D.columns(positions=points, radii=msgs.info.resolution[rows] / 2)]
        for number, name in enumerate(names):
            values = np.concatenate([layers[number] for _, layers, _ in maps])
            columns.append(custom(f"Points3D:layer_{name}", Ragged(points.offsets, values), _POINTS3D))
        yield _placed(msgs, columns, rows)


def _placed(msgs: Columns, columns: list[rr.ComponentColumnList], rows: npt.NDArray[np.int64]) -> Emit:
    """ROS 1 has the header within `info`."""
    header = msgs.info.get("header")
    if header is None:
        return Emit(columns, rows=rows)
    frame = rr.CoordinateFrame.columns(frame=take(header.frame_id, rows))
    times = [TimeColumn.of(STAMP, TimeKind.TIMESTAMP, nanos(header.stamp)[rows])]
    return Emit([*columns, frame], rows=rows, times=times)


def _layers(message: Columns) -> list[Floats]:
    """Each layer of one map from its most positive x and y on, shape (cells along x, cells along y); none if one has no shape."""
    found = []
    arrays = message.data.values
    for number in range(len(arrays)):
        dimensions, values = arrays.layout.dim[number], arrays.data[number]
        if len(dimensions) != 2 or int(dimensions.size[0]) * int(dimensions.size[1]) != len(values):
            return []
        layer = values.reshape(int(dimensions.size[0]), int(dimensions.size[1]))
        layer = layer if dimensions.label[0].startswith("row") else layer.T
        if not layer.size:
            return []
        # A map that moves writes over its oldest cells: where the first one is now.
        found.append(np.roll(layer, (-int(message.outer_start_index[0]), -int(message.inner_start_index[0])), (0, 1)))
    return found


def _places(message: Columns, height: Floats) -> Floats:
    """The middle of each cell, shape (cells along x, cells along y, 3)."""
    info = message.info
    along_x, along_y = ((n - 1) / 2 - np.arange(n) for n in height.shape)
    local = np.empty((*height.shape, 3))
    with np.errstate(invalid="ignore", over="ignore"):
        local[..., 0] = (along_x * info.resolution[0])[:, None]
        local[..., 1] = along_y * info.resolution[0]
    local[..., 2] = height
    turns = np.broadcast_to(orientation(info.pose.orientation), (height.size, 4))
    with np.errstate(invalid="ignore", over="ignore"):
        turned = rotate(turns, local.reshape(-1, 3)) + xyz(info.pose.position)
        return turned.astype(np.float32).reshape(local.shape)
