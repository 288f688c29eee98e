"""Rows of `Transform3D` as arrays: what some chunks say."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import first_values
from rrbridge._chunk import Chunk
from rrbridge._rotations import axis_angle_quaternions, rotations
from rrbridge._transform_poses import inverses
from rrbridge._tuid import TuidArray

__all__ = ["Names", "TransformRows"]

_log = logging.getLogger(__name__)

TRANSLATION = "Transform3D:translation"
AXIS_ANGLE = "Transform3D:rotation_axis_angle"
QUATERNION = "Transform3D:quaternion"
SCALE = "Transform3D:scale"
MATRIX = "Transform3D:mat3x3"
RELATION = "Transform3D:relation"
CHILD_FRAME = "Transform3D:child_frame"
PARENT_FRAME = "Transform3D:parent_frame"
_ALL = (TRANSLATION, AXIS_ANGLE, QUATERNION, SCALE, MATRIX, RELATION, CHILD_FRAME, PARENT_FRAME)
_DEFAULTS = {
    TRANSLATION: (0.0, 0.0, 0.0),
    QUATERNION: (0.0, 0.0, 0.0, 1.0),
    SCALE: (1.0, 1.0, 1.0),
    MATRIX: (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
}
_CHILD_FROM_PARENT = 2

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Names(NamedTuple):
    """A text for each row: its place in `names`, -1 where there is none or it is empty."""

    codes: Indices
    names: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class TransformRows:
    """The rows of some chunks that say something about a transform.

    A row stands for itself: what it leaves out is reset, not taken from an earlier row.
    """

    chunks: Sequence[Chunk]
    chunk_of: Indices
    """Which of the chunks each row is from, shape (n,), rising."""
    chunk_rows: Indices
    """Which row of that chunk, shape (n,)."""
    translations: Floats
    """Shape (n, 3); those of broken rows are 0."""
    quaternions: Floats
    """x, y, z, w, of any length but none; shape (n, 4)."""
    special_rows: Indices
    """Which of the n say more than a translation and a quaternion, shape (k,)."""
    specials: Doubles
    """What those k amount to: parent_from_child, upper three rows, shape (k, 3, 4)."""
    child_frames: Names
    parent_frames: Names

    @classmethod
    def gather(cls, chunks: Iterable[Chunk]) -> Iterator[TransformRows]:
        """The transforms in chunks, those with equal columns together: many small chunks cost little more than one."""
        groups: dict[tuple[tuple[str, pa.DataType], ...], list[Chunk]] = {}
        for chunk in chunks:
            components = chunk.components
            key = tuple((name, components[name].cells.type) for name in _ALL if name in components)
            if key:
                groups.setdefault(key, []).append(chunk)
        for key, group in groups.items():
            names = [name for name, datatype in key if _is_usable(name, datatype.value_type)]
            rows = cls._of(group, names) if names else None
            if rows is not None and len(rows.chunk_of):
                yield rows

    @classmethod
    def _of(cls, chunks: Sequence[Chunk], names: Sequence[str]) -> TransformRows:
        columns = {name: pa.concat_arrays([chunk.components[name].cells for chunk in chunks]) for name in names}
        lengths = np.array([chunk.num_rows for chunk in chunks])
        chunk_of = np.repeat(np.arange(len(chunks)), lengths)
        chunk_rows = np.arange(len(chunk_of)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        if all(cells.null_count for cells in columns.values()):
            said = np.logical_or.reduce([c.is_valid().to_numpy(zero_copy_only=False) for c in columns.values()])
            chunk_of, chunk_rows = chunk_of[said], chunk_rows[said]
            columns = {name: cells.filter(pa.array(said)) for name, cells in columns.items()}
        count = len(chunk_of)
        translations, _ = _vectors(columns, TRANSLATION, count)
        quaternions, _ = _vectors(columns, QUATERNION, count)
        broken = ~(_has_direction(quaternions) & np.isfinite(translations).all(axis=1))
        translations[broken], quaternions[broken] = 0, (0, 0, 0, 1)
        special_rows, specials = _specials(columns, translations, quaternions, broken)
        return cls(
            chunks,
            chunk_of,
            chunk_rows,
            translations,
            quaternions,
            special_rows,
            specials,
            _names(columns, CHILD_FRAME, count),
            _names(columns, PARENT_FRAME, count),
        )

    def row_ids(self) -> TuidArray:
        """The rows' ids, shape (n, 2)."""
        ids: TuidArray = np.concatenate([chunk.row_ids for chunk in self.chunks], dtype=">u8")
        if len(ids) == len(self.chunk_of):
            return ids
        lengths = np.array([chunk.num_rows for chunk in self.chunks])
        found: TuidArray = ids[(np.cumsum(lengths) - lengths)[self.chunk_of] + self.chunk_rows]
        return found


def _is_usable(name: str, datatype: pa.DataType) -> bool:
    """Whether a component holds what its name promises; a file may hold anything."""
    if name in (CHILD_FRAME, PARENT_FRAME):
        usable = pa.types.is_string(datatype)
    elif name == RELATION:
        usable = _is_number(datatype)
    elif name == AXIS_ANGLE:
        parts = {field.name: field.type for field in datatype} if pa.types.is_struct(datatype) else {}
        usable = parts.keys() == {"axis", "angle"} and _is_vector(parts["axis"], 3) and _is_number(parts["angle"])
    else:
        usable = _is_vector(datatype, len(_DEFAULTS[name]))
    if not usable:
        _log.warning("%s has type %s, which is none of a transform; it is left out", name, datatype)
    return bool(usable)


def _is_number(datatype: pa.DataType) -> bool:
    return bool(pa.types.is_integer(datatype) or pa.types.is_floating(datatype))


def _is_vector(datatype: pa.DataType, size: int) -> bool:
    return pa.types.is_fixed_size_list(datatype) and datatype.list_size == size and _is_number(datatype.value_type)


def _numbers(values: pa.Array) -> Floats:
    found: Floats = values.cast(pa.float32()).to_numpy(zero_copy_only=False)
    return found


def _rows(vectors: pa.Array) -> Floats:
    """Vectors of equal length as rows, shape (n, length)."""
    size = vectors.type.list_size
    return _numbers(vectors.values.slice(vectors.offset * size, len(vectors) * size)).reshape(-1, size)


def _vectors(columns: dict[str, pa.ListArray], name: str, count: int) -> tuple[Floats, Bools]:
    """The first vector of each row, shape (count, its length), and which rows have one."""
    out = np.tile(np.array(_DEFAULTS[name], np.float32), (count, 1))
    if name not in columns:
        return out, np.zeros(count, bool)
    has, values = first_values(columns[name])
    out[has] = _rows(values)
    return out, has


def _axis_angles(columns: dict[str, pa.ListArray], count: int) -> tuple[Doubles, Bools]:
    """The quaternion of each row's rotation about an axis, shape (count, 4), and which rows have one.

    About an axis without a direction nothing can turn: such a row is not a number, unless its angle is 0.
    """
    out = np.tile(np.array((0.0, 0.0, 0.0, 1.0)), (count, 1))
    if AXIS_ANGLE not in columns:
        return out, np.zeros(count, bool)
    has, values = first_values(columns[AXIS_ANGLE])
    axes, angles = _rows(values.field("axis")), _numbers(values.field("angle"))
    usable = _has_direction(axes) & np.isfinite(angles)
    turns = axis_angle_quaternions(np.where(usable[:, None], axes, 0), np.where(usable, angles, 0))
    turns[~usable & (angles != 0)] = np.nan
    out[has] = turns
    return out, has


def _has_direction(vectors: Floats) -> Bools:
    found: Bools = np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1)
    return found


def _specials(
    columns: dict[str, pa.ListArray], translations: Floats, quaternions: Floats, broken: Bools
) -> tuple[Indices, Doubles]:
    """Rows with more than a translation and a quaternion: translation · axis-angle · quaternion · scale · matrix, inverted
    where the relation says child from parent. One that cannot be inverted is not a number, nor is a broken one: with a
    rotation that cannot be normalised (as the reference has it: an invalid transform), or numbers that are none.
    """
    count = len(translations)
    turns, has_turn = _axis_angles(columns, count)
    scales, has_scale = _vectors(columns, SCALE, count)
    matrices, has_matrix = _vectors(columns, MATRIX, count)
    inverted = np.zeros(count, bool)
    if RELATION in columns:
        has, values = first_values(columns[RELATION])
        inverted[has] = _numbers(values) == _CHILD_FROM_PARENT
    rows = np.flatnonzero(has_turn | has_scale | has_matrix | inverted | broken)
    linear = rotations(turns[rows]) @ rotations(quaternions[rows])
    linear = linear * scales[rows].astype(np.float64)[:, None, :]
    linear = linear @ matrices[rows].astype(np.float64).reshape(-1, 3, 3).transpose(0, 2, 1)  # stored by columns
    out = np.concatenate([linear, translations[rows].astype(np.float64)[:, :, None]], axis=2)
    out[broken[rows] | np.isnan(turns[rows, 0])] = np.nan
    flip = inverted[rows]
    out[flip] = inverses(out[flip])
    return rows, out


def _names(columns: dict[str, pa.ListArray], name: str, count: int) -> Names:
    """The first text of each row."""
    codes = np.full(count, -1, np.int64)
    if name not in columns:
        return Names(codes, [])
    has, values = first_values(columns[name])
    encoded = values.dictionary_encode()
    codes[has] = encoded.indices.to_numpy(zero_copy_only=False)
    names = encoded.dictionary.to_pylist()
    if "" in names:
        codes[codes == names.index("")] = -1
    return Names(codes, names)
