"""Point clouds: `PointCloud2` in every layout, and ROS 1's `PointCloud`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge_bridge.messages._fields import custom, xyz
from rrbridge_bridge.messages._registry import adapters

# sensor_msgs/PointField: INT8 … FLOAT64
_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
_POINTS3D = "rerun.archetypes.Points3D"
_LARGEST_POINT = 2**31 - 1
"""Bytes; numpy's own limit."""
_OWN = frozenset(("positions", "radii", "colors", "labels", "show_labels", "class_ids", "keypoint_ids"))


@adapters("sensor_msgs/msg/PointCloud2", carries=["data"], reference=True)
def point_cloud2(msgs: Columns) -> Iterator[Emit | Skipped]:
    """Points with all their numeric fields; clouds of one layout at a time: there are few of these per topic, mostly one."""
    for rows, fields in _layouts(msgs):
        dtype = _point_dtype(fields, int(msgs.point_step[rows[0]]), big_endian=bool(msgs.is_bigendian[rows[0]]))
        if dtype is None or dtype.names is None or not {"x", "y"} <= set(dtype.names):
            is_empty = (msgs.width[rows] == 0) | (msgs.height[rows] == 0)  # drivers send these without naming fields
            nothing = Ragged.from_lengths(np.zeros(int(is_empty.sum())), np.zeros((0, 3), np.float32))
            yield Emit(rr.Points3D.columns(positions=nothing), rows=rows[is_empty])
            yield Skipped(rows[~is_empty], "a cloud has no usable fields x and y")
            continue
        points, sizes, whole = _points(msgs, rows, dtype)
        yield Emit(_columns(points, sizes), rows=rows[whole])
        yield Skipped(rows[~whole], "a cloud has less data than its size needs")


def _layouts(msgs: Columns) -> Iterator[tuple[npt.NDArray[np.int64], list[tuple[str, int, int, int]]]]:
    """Messages with the same fields: their rows, and the fields as (name, offset, datatype, count)."""
    fields = msgs["fields"]
    parts = fields.values
    name_codes, names = parts.name.dictionary()
    table = np.stack([name_codes, parts.offset, parts.datatype, parts["count"]], axis=-1).astype(np.int64)
    layout: dict[tuple[object, ...], list[int]] = {}
    if len(fields) and (fields.lengths == fields.lengths[0]).all():
        per_message = table.reshape(len(fields), -1)
        if (
            (per_message == per_message[0]).all()
            and np.ptp(msgs.point_step) == 0
            and len(np.unique(msgs.is_bigendian)) == 1
        ):
            described = [(names[n], o, d, c) for n, o, d, c in table[: fields.lengths[0]].tolist()]
            yield np.arange(len(fields)), described
            return
    for row in range(len(fields)):
        part = table[fields.offsets[row] : fields.offsets[row + 1]]
        key = (part.tobytes(), int(msgs.point_step[row]), bool(msgs.is_bigendian[row]))
        layout.setdefault(key, []).append(row)
    for rows in layout.values():
        first = table[fields.offsets[rows[0]] : fields.offsets[rows[0] + 1]]
        yield np.array(rows), [(names[n], o, d, c) for n, o, d, c in first.tolist()]


def _point_dtype(
    fields: Sequence[tuple[str, int, int, int]], point_step: int, *, big_endian: bool
) -> np.dtype[Any] | None:
    """One point as a structured type; fields that do not fit into a point are left out."""
    found: dict[str, tuple[Any, int]] = {}
    if point_step > _LARGEST_POINT:
        return None
    for name, offset, datatype, count in fields:
        base = _DTYPES.get(datatype)
        if base is None or not name:
            continue
        item = np.dtype((">" if big_endian else "<") + base)
        repeat = max(count, 1)
        if offset >= 0 and offset + item.itemsize * repeat <= point_step:
            found[name] = (item if repeat == 1 else np.dtype((item, (repeat,))), offset)
    if not found:
        return None
    return np.dtype(
        {
            "names": list(found),
            "formats": [f for f, _ in found.values()],
            "offsets": [o for _, o in found.values()],
            "itemsize": point_step,
        }
    )


def _points(
    msgs: Columns, rows: npt.NDArray[np.int64], dtype: np.dtype[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The points of all clouds end to end, how many each has, and which of `rows` hold what they promise."""
    widths, heights = msgs.width[rows].astype(np.int64), msgs.height[rows].astype(np.int64)
    steps = msgs.row_step[rows].astype(np.int64)
    tight = widths * dtype.itemsize
    lengths = msgs.data.lengths[rows]
    lines = heights.astype(np.float64)  # 2³² lines of 2³² points do not fit into an int64
    whole = (lengths >= lines * np.maximum(steps, tight)) | (lengths == lines * tight)
    kept = rows[whole]
    data = take(msgs.data, kept) if len(kept) != len(msgs.data) else msgs.data
    sizes = widths[whole] * heights[whole]
    if np.array_equal(data.lengths, sizes * dtype.itemsize):
        raw = data.values
    else:  # rows are padded: a loop per cloud, each copied line by line by numpy
        raw = np.concatenate(
            [
                _unpadded(data[i], h, w * dtype.itemsize, s)
                for i, (h, w, s) in enumerate(
                    zip(heights[whole].tolist(), widths[whole].tolist(), steps[whole].tolist(), strict=True)
                )
            ]
            or [data.values[:0]]
        )
    return np.ascontiguousarray(raw).view(dtype), sizes, whole


def _unpadded(data: npt.NDArray[np.uint8], height: int, line_bytes: int, step: int) -> npt.NDArray[np.uint8]:
    if len(data) < height * step:
        return data[: height * line_bytes]
    return data[: height * step].reshape(height, step)[:, :line_bytes].reshape(-1)


def _columns(points: npt.NDArray[Any], sizes: npt.NDArray[np.int64]) -> list[rr.ComponentColumnList]:
    names = points.dtype.names or ()
    axes = [_first(points[axis]) if axis in names else np.zeros(len(points)) for axis in "xyz"]
    positions = np.stack(axes, axis=-1, dtype=np.float32, casting="same_kind")
    clouds = Ragged.from_lengths(sizes, positions)
    colors = _colors(points)
    color_column = None if colors is None else Ragged(clouds.offsets, colors)
    columns = [rr.Points3D.columns(positions=clouds, colors=color_column)]
    for name in names:
        values = points[name]
        elements = [values] if values.ndim == 1 else list(values.T)
        for number, element in enumerate(elements):
            if number or name not in ("x", "y", "z"):
                native = np.ascontiguousarray(element.astype(element.dtype.newbyteorder("="), copy=False))
                component = f"Points3D:{_component_name(name)}" + (f"[{number}]" if number else "")
                columns.append(custom(component, Ragged(clouds.offsets, native), _POINTS3D))
    return columns


def _first(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    first: npt.NDArray[Any] = values if values.ndim == 1 else values[:, 0]
    return first


def _component_name(field: str) -> str:
    """A field that is called like one of the archetype's own must not take its place."""
    return f"{field}_" if field in _OWN else field


def _colors(points: npt.NDArray[Any]) -> npt.NDArray[np.uint32] | None:
    """Packed colours of the `rgb` or `rgba` field, 0xRRGGBBAA; PCL packs 0xAARRGGBB, often disguised as a float."""
    name = next((n for n in ("rgba", "rgb") if n in (points.dtype.names or ())), None)
    if name is None or points.dtype[name].itemsize != 4 or points.dtype[name].shape:
        return None
    native = np.ascontiguousarray(points[name].astype(points.dtype[name].newbyteorder("="), copy=False))
    packed = native.view(np.uint32)
    alpha = packed >> np.uint32(24) if name == "rgba" else np.full(len(packed), 0xFF, np.uint32)
    joined: npt.NDArray[np.uint32] = ((packed << np.uint32(8)) | alpha).astype(np.uint32)
    return joined


@adapters("sensor_msgs/msg/PointCloud")
def point_cloud(msgs: Columns) -> Iterator[Emit]:
    """ROS 1's first kind of cloud."""
    yield Emit(rr.Points3D.columns(positions=Ragged(msgs.points.offsets, xyz(msgs.points.values))))
