"""PLY files: clouds of points in two or three dimensions, Gaussian splats, meshes. http://paulbourke.net/dataformats/ply/"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge._archetype import Archetype
from rrbridge.archetypes import Asset3D, GaussianSplats3D, Points2D, Points3D
from rrbridge.errors import FileError

__all__ = ["archetype_of_ply"]

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_SPLAT_PROPERTIES = {"f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "rot_0"}
_SH_BAND_0 = 0.28209479177387814
"""The constant spherical harmonic, 1 / (2 √π)."""
_SH_COEFFICIENTS = 15
_MAX_HEADER_BYTES = 1 << 16

Vertices = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Element:
    name: str
    count: int
    properties: tuple[tuple[str, str | None], ...]
    """Name and numpy type; None for lists."""


def archetype_of_ply(path: Path, content: bytes) -> Archetype:
    """What a file holds: a mesh if there are faces, else splats or points. Raises FileError."""
    try:
        order, elements, start = _header(content)
        if any(element.name == "face" and element.count for element in elements):
            return Asset3D(contents=content, media_type="application/x-ply")
        return _cloud(_vertices(order, elements, content, start))
    except (ValueError, KeyError, IndexError, OverflowError) as err:
        raise FileError(path, f"no PLY that can be read: {err}") from err


def _header(content: bytes) -> tuple[str, list[_Element], int]:
    end = content.find(b"end_header", 0, _MAX_HEADER_BYTES)
    if not content.startswith(b"ply") or end < 0:
        raise ValueError("it does not begin with a header")
    order = ""
    elements: list[_Element] = []
    for line in content[:end].decode("ascii", "replace").splitlines()[1:]:
        match line.split():
            case ["format", name, *_]:
                order = _ORDERS[name]
            case ["element", name, count]:
                elements.append(_Element(name, int(count), ()))
            case ["property", *_, name] if elements:
                kind = line.split()[1]
                last = elements[-1]
                known = (*last.properties, (name, None if kind == "list" else _TYPES[kind]))
                elements[-1] = _Element(last.name, last.count, known)
    return order, elements, content.index(b"\n", end) + 1


def _vertices(order: str, elements: list[_Element], content: bytes, start: int) -> Vertices:
    """The columns of the vertices, which come first where there is anything else."""
    if any(element.count < 0 for element in elements):
        raise ValueError("it has less than no elements")
    if not elements or elements[0].name != "vertex" or any(kind is None for _, kind in elements[0].properties):
        raise ValueError("its vertices do not come first, or contain lists")
    names = [name for name, _ in elements[0].properties]
    count = elements[0].count
    if order == "=":
        words = content[start:].split(None, count * len(names))[: count * len(names)]
        table = np.array(words, np.float64).reshape(count, len(names))
        return {name: table[:, i].astype(kind) for i, (name, kind) in enumerate(elements[0].properties)}
    row = np.dtype([(name, order + str(kind)) for name, kind in elements[0].properties])
    if not 0 <= count * row.itemsize <= len(content) - start:
        raise ValueError(f"{count} vertices are announced, the file ends before")
    rows = np.frombuffer(content, row, count, start)
    return {name: rows[name].astype(rows[name].dtype.newbyteorder("=")) for name in names}


def _cloud(vertices: Vertices) -> Archetype:
    if vertices.keys() >= _SPLAT_PROPERTIES:
        return _splats(vertices)
    axes = ("x", "y", "z") if "z" in vertices else ("x", "y")
    positions = _stacked(vertices, axes)
    cloud = Points3D if len(axes) == 3 else Points2D
    return cloud(positions, colors=_colors(vertices), radii=vertices.get("radius"))


def _stacked(vertices: Vertices, names: tuple[str, ...]) -> npt.NDArray[np.float32]:
    return np.stack([vertices[name].astype(np.float32) for name in names], axis=1)


def _colors(vertices: Vertices) -> npt.NDArray[np.uint8] | None:
    if not {"red", "green", "blue"} <= vertices.keys():
        return None
    names = [name for name in ("red", "green", "blue", "alpha") if name in vertices]
    channels = [vertices[name] * 255 if vertices[name].dtype.kind == "f" else vertices[name] for name in names]
    return np.stack([np.clip(channel, 0, 255).astype(np.uint8) for channel in channels], axis=1)


def _splats(vertices: Vertices) -> GaussianSplats3D:
    """The layout of "3D Gaussian Splatting" (Kerbl et al. 2023): log scales, logits, rotations w x y z, harmonics by channel."""
    one = np.float32(1)
    rotations = _stacked(vertices, ("rot_1", "rot_2", "rot_3", "rot_0"))
    lengths = np.sqrt(np.sum(rotations * rotations, axis=1, keepdims=True))
    rgb = 0.5 + np.float32(_SH_BAND_0) * _stacked(vertices, ("f_dc_0", "f_dc_1", "f_dc_2"))
    opacity = one / (one + np.exp(-vertices["opacity"].astype(np.float32)))
    rgba = np.concatenate((rgb, opacity[:, None]), axis=1)
    fields: dict[str, Any] = {}
    rest = tuple(name for name in (f"f_rest_{i}" for i in range(3 * _SH_COEFFICIENTS)) if name in vertices)
    if rest:
        by_channel = _stacked(vertices, rest).reshape(len(rgb), 3, -1)
        harmonics = np.zeros((len(rgb), _SH_COEFFICIENTS, 3), np.float16)
        harmonics[:, : by_channel.shape[2]] = by_channel.transpose(0, 2, 1)
        fields["sh_coefficients"] = harmonics
    return GaussianSplats3D.from_fields(
        centers=_stacked(vertices, ("x", "y", "z")),
        scales=np.exp(_stacked(vertices, ("scale_0", "scale_1", "scale_2"))),
        quaternions=rotations * (one / lengths),
        colors=np.clip(np.rint(rgba * 255), 0, 255).astype(np.uint8),
        **fields,
    )
