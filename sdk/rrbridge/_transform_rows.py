"""Rows of `Transform3D` as arrays: what a chunk says, and the table that all chunks of a store are gathered in."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import list_values
from rrbridge._chunk import Chunk
from rrbridge._tuid import TuidArray

__all__ = ["Growing", "Names", "TransformRows", "TransformTable", "rotations", "slerp"]

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
_CHILD_FROM_PARENT = 2

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Growing:
    """An array that is appended to; its memory doubles when it is full."""

    def __init__(self, dtype: npt.DTypeLike, *shape: int) -> None:
        self._memory: npt.NDArray[Any] = np.empty((0, *shape), dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def array(self) -> npt.NDArray[Any]:
        """What was appended so far; a view that later appending does not change."""
        return self._memory[: self._count]

    def extend(self, rows: npt.NDArray[Any]) -> None:
        """Append rows."""
        count = self._count + len(rows)
        if count > len(self._memory):
            grown = np.empty((max(count, 2 * len(self._memory), 16), *self._memory.shape[1:]), self._memory.dtype)
            grown[: self._count] = self.array
            self._memory = grown
        self._memory[self._count : count] = rows
        self._count = count


def rotations(quaternions: npt.NDArray[np.floating[Any]]) -> Doubles:
    """Rotation matrices (n, 3, 3) of quaternions x, y, z, w of any length (n, 4); a zero or broken one does not rotate."""
    q = quaternions.astype(np.float64)
    square = np.einsum("ij,ij->i", q, q)
    usable = (square > 0) & np.isfinite(square)
    x, y, z, w = np.where(usable[:, None], q, (0.0, 0.0, 0.0, 1.0)).T
    s = 2.0 / np.where(usable, square, 1.0)
    out = np.empty((len(q), 3, 3))
    out[:, 0, 0], out[:, 0, 1], out[:, 0, 2] = 1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)
    out[:, 1, 0], out[:, 1, 1], out[:, 1, 2] = s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)
    out[:, 2, 0], out[:, 2, 1], out[:, 2, 2] = s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)
    return out


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
    """Shape (n, 3)."""
    quaternions: Floats
    """x, y, z, w; shape (n, 4)."""
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
            rows = cls._of(group, [name for name, _ in key])
            if len(rows.chunk_of):
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
        translations, _ = _vectors(columns, TRANSLATION, (0.0, 0.0, 0.0), count)
        quaternions, _ = _vectors(columns, QUATERNION, (0.0, 0.0, 0.0, 1.0), count)
        special_rows, specials = _specials(columns, translations, quaternions)
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


def _firsts(cells: pa.ListArray) -> tuple[Bools, pa.Array]:
    """Which rows have an instance, and the first instance of each of those."""
    offsets, values = list_values(cells)
    has = offsets[1:] > offsets[:-1]
    firsts = offsets[:-1][has]
    if len(firsts) == len(values):
        return has, values
    return has, values.take(pa.array(firsts))


def _unusable(name: str, datatype: pa.DataType) -> None:
    _log.warning("%s has type %s, which is none of a transform; it is left out", name, datatype)


def _vectors(
    columns: dict[str, pa.ListArray], name: str, default: tuple[float, ...], count: int
) -> tuple[Floats, Bools]:
    """The first vector of each row, shape (count, len(default)), and which rows have one."""
    out = np.tile(np.array(default, np.float32), (count, 1))
    cells = columns.get(name)
    if cells is None:
        return out, np.zeros(count, bool)
    datatype = cells.type.value_type
    if not pa.types.is_fixed_size_list(datatype) or datatype.list_size != len(default):
        _unusable(name, datatype)
        return out, np.zeros(count, bool)
    has, values = _firsts(cells)
    out[has] = _numbers(values.flatten()).reshape(-1, len(default))
    return out, has


def _numbers(values: pa.Array) -> Floats:
    found: Floats = values.cast(pa.float32()).to_numpy(zero_copy_only=False)
    return found


def _axis_angles(columns: dict[str, pa.ListArray], count: int) -> tuple[Doubles, Bools]:
    """The quaternion of each row's rotation about an axis, shape (count, 4), and which rows have one."""
    out = np.tile(np.array((0.0, 0.0, 0.0, 1.0)), (count, 1))
    cells = columns.get(AXIS_ANGLE)
    if cells is None:
        return out, np.zeros(count, bool)
    datatype = cells.type.value_type
    if not pa.types.is_struct(datatype) or {f.name for f in datatype} != {"axis", "angle"}:
        _unusable(AXIS_ANGLE, datatype)
        return out, np.zeros(count, bool)
    has, values = _firsts(cells)
    fields = dict(zip((f.name for f in datatype), values.flatten(), strict=True))
    axes = _numbers(fields["axis"].flatten()).reshape(-1, 3).astype(np.float64)
    half = _numbers(fields["angle"]).astype(np.float64)[:, None] / 2
    length = np.linalg.norm(axes, axis=1, keepdims=True)
    turned = np.hstack([axes / np.where(length > 0, length, 1) * np.sin(half), np.cos(half)])
    out[has] = np.where(length > 0, turned, (0.0, 0.0, 0.0, 1.0))
    return out, has


def _specials(columns: dict[str, pa.ListArray], translations: Floats, quaternions: Floats) -> tuple[Indices, Doubles]:
    """Rows with more than a translation and a quaternion: translation · axis-angle · quaternion · scale · matrix, inverted
    where the relation says child from parent. One that cannot be inverted is not a number.
    """
    count = len(translations)
    turns, has_turn = _axis_angles(columns, count)
    scales, has_scale = _vectors(columns, SCALE, (1.0, 1.0, 1.0), count)
    matrices, has_matrix = _vectors(columns, MATRIX, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), count)
    inverted = np.zeros(count, bool)
    if RELATION in columns:
        has, values = _firsts(columns[RELATION])
        inverted[has] = _numbers(values) == _CHILD_FROM_PARENT
    rows = np.flatnonzero(has_turn | has_scale | has_matrix | inverted)
    linear = rotations(turns[rows]) @ rotations(quaternions[rows])
    linear = linear * scales[rows].astype(np.float64)[:, None, :]
    linear = linear @ matrices[rows].astype(np.float64).reshape(-1, 3, 3).transpose(0, 2, 1)  # stored by columns
    out = np.concatenate([linear, translations[rows].astype(np.float64)[:, :, None]], axis=2)
    flip = inverted[rows]
    out[flip] = _inverses(out[flip])
    return rows, out


def _inverses(affine: Doubles) -> Doubles:
    """The inverses of affine maps (n, 3, 4); not a number where there is none."""
    linear = affine[:, :, :3]
    possible = np.isfinite(linear).all(axis=(1, 2)) & (np.linalg.det(linear) != 0)
    inverse = np.linalg.inv(np.where(possible[:, None, None], linear, np.eye(3)))
    out = np.concatenate([inverse, -inverse @ affine[:, :, 3:]], axis=2)
    out[~possible] = np.nan
    return out


def _names(columns: dict[str, pa.ListArray], name: str, count: int) -> Names:
    """The first text of each row."""
    codes = np.full(count, -1, np.int64)
    cells = columns.get(name)
    if cells is None:
        return Names(codes, [])
    if not pa.types.is_string(cells.type.value_type):
        _unusable(name, cells.type.value_type)
        return Names(codes, [])
    has, values = _firsts(cells)
    encoded = values.fill_null("").dictionary_encode()
    codes[has] = encoded.indices.to_numpy(zero_copy_only=False)
    names = encoded.dictionary.to_pylist()
    if "" in names:
        codes[codes == names.index("")] = -1
    return Names(codes, names)


class TransformTable:
    """The transforms of a whole store, row by row; a row is known by its number."""

    def __init__(self) -> None:
        self._translations = Growing(np.float32, 3)
        self._quaternions = Growing(np.float32, 4)
        self._special = Growing(np.int64)
        self._specials = Growing(np.float64, 3, 4)
        self._parents = Growing(np.int64)
        self._row_ids = Growing(">u8", 2)

    def extend(self, rows: TransformRows, parents: Indices) -> int:
        """Append rows, each with the number of its parent frame; the number of the first."""
        first = len(self._parents)
        special = np.full(len(parents), -1, np.int64)
        special[rows.special_rows] = len(self._specials) + np.arange(len(rows.special_rows))
        self._translations.extend(rows.translations)
        self._quaternions.extend(rows.quaternions)
        self._special.extend(special)
        self._specials.extend(rows.specials)
        self._parents.extend(parents)
        self._row_ids.extend(rows.row_ids())
        return first

    def parents(self, rows: Indices) -> Indices:
        """The number of the parent frame of each row; -1 = none."""
        found: Indices = self._parents.array[rows]
        return found

    def row_ids(self, rows: Indices) -> TuidArray:
        """The row ids of rows."""
        found: TuidArray = self._row_ids.array[rows]
        return found

    def matrices(self, rows: Indices) -> Doubles:
        """parent_from_child of each row, shape (n, 4, 4)."""
        return self._filled(rows, self._translations.array[rows], self._quaternions.array[rows])

    def blended(self, rows: Indices, others: Indices, weights: Doubles) -> Doubles:
        """parent_from_child between two rows each, shape (n, 4, 4): `weights` 0 = the first, 1 = the other.

        Translations go straight, rotations along the shorter arc at even speed. Rows with more than a translation and
        a quaternion are taken as they are.
        """
        plain = (self._special.array[rows] < 0) & (self._special.array[others] < 0)
        w = np.where(plain, weights, 0.0)[:, None]
        starts, ends = (self._translations.array[i].astype(np.float64) for i in (rows, others))
        turned = slerp(self._quaternions.array[rows], self._quaternions.array[others], w)
        return self._filled(rows, starts + w * (ends - starts), turned)

    def _filled(
        self, rows: Indices, translations: npt.NDArray[np.floating[Any]], quaternions: npt.NDArray[np.floating[Any]]
    ) -> Doubles:
        out = np.zeros((len(rows), 4, 4))
        out[:, 3, 3] = 1
        out[:, :3, :3] = rotations(quaternions)
        out[:, :3, 3] = translations
        special = self._special.array[rows]
        if (special >= 0).any():
            out[special >= 0, :3] = self._specials.array[special[special >= 0]]
        return out


def slerp(starts: npt.NDArray[np.floating[Any]], ends: npt.NDArray[np.floating[Any]], weights: Doubles) -> Doubles:
    """Unit quaternions between two each, shapes (n, 4), (n, 4), (n, 1) → (n, 4), along the shorter arc.

    sin((1 - w)θ)/sin θ · a + sin(wθ)/sin θ · b (Shoemake, Animating rotation with quaternion curves, 1985).
    """
    a, b = _unit(starts), _unit(ends)
    dot = np.einsum("ij,ij->i", a, b)[:, None]
    b = np.where(dot < 0, -b, b)
    angle = np.arctan2(np.linalg.norm(a - b, axis=1, keepdims=True), np.linalg.norm(a + b, axis=1, keepdims=True)) * 2
    sine = np.sin(angle)
    near = sine < 1e-9
    divisor = np.where(near, 1.0, sine)
    from_a = np.where(near, 1 - weights, np.sin((1 - weights) * angle) / divisor)
    from_b = np.where(near, weights, np.sin(weights * angle) / divisor)
    return from_a * a + from_b * b


def _unit(quaternions: npt.NDArray[np.floating[Any]]) -> Doubles:
    q = quaternions.astype(np.float64)
    length = np.linalg.norm(q, axis=1, keepdims=True)
    usable = (length > 0) & np.isfinite(length)
    return np.where(usable, q / np.where(usable, length, 1.0), (0.0, 0.0, 0.0, 1.0))
