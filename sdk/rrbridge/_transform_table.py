"""The transforms of a whole store, row by row: what they amount to, and what lies between two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge._rotations import squares
from rrbridge._transform_poses import Poses, blended_affine
from rrbridge._transform_rows import TransformRows
from rrbridge._tuid import TuidArray

__all__ = ["IDENTITY", "Growing", "TransformTable"]

IDENTITY = 0
"""The row of a table that nobody logged: it changes nothing."""

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


class TransformTable:
    """The transforms of a whole store; a row is known by its number.

    A row is *plain* if it is a translation and a rotation by a quaternion; the others are kept as matrices too.
    """

    def __init__(self) -> None:
        self._translations = Growing(np.float32, 3)
        self._quaternions = Growing(np.float32, 4)
        self._special = Growing(np.int64)
        self._specials = Growing(np.float64, 3, 4)
        self._parents = Growing(np.int64)
        self._row_ids = Growing(">u8", 2)
        self._translations.extend(np.zeros((1, 3), np.float32))
        self._quaternions.extend(np.array([[0, 0, 0, 1]], np.float32))
        self._special.extend(np.array([-1]))
        self._parents.extend(np.array([-1]))
        self._row_ids.extend(np.zeros((1, 2), ">u8"))

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

    def is_special(self, rows: Indices) -> Bools:
        """Which rows are not plain."""
        found: Bools = self._special.array[rows] >= 0
        return found

    def is_broken(self, rows: Indices) -> Bools:
        """Which rows hold something that is not a number, or a rotation about nothing."""
        broken = np.zeros(len(rows), np.bool_)
        special = self._special.array[rows]
        found = special >= 0
        broken[found] = ~np.isfinite(self._specials.array[special[found]]).all(axis=(1, 2))
        return broken

    def matrices(self, rows: Indices) -> Doubles:
        """parent_from_child of each row, shape (n, 4, 4); not a number where the row is broken."""
        out = self.poses(rows).matrices()
        special = self._special.array[rows]
        found = special >= 0
        if found.any():
            out[found, :3] = self._specials.array[special[found]]
        return out

    def poses(self, rows: Indices) -> Poses:
        """parent_from_child of plain rows."""
        quaternions = _columns(self._quaternions.array, rows)
        return Poses(_columns(self._translations.array, rows), quaternions / np.sqrt(squares(quaternions)))

    def poses_between(self, rows: Indices, others: Indices, weights: Doubles) -> Poses:
        """parent_from_child between two plain rows each: `weights` 0 = the first, 1 = the other, shape (n,).

        Translations go straight, rotations along the shorter arc at even speed.
        """
        starts, ends = (_columns(self._translations.array, each) for each in (rows, others))
        turned = [_columns(self._quaternions.array, each) for each in (rows, others)]
        return Poses.between(Poses(starts, turned[0]), Poses(ends, turned[1]), weights)

    def blended(self, rows: Indices, others: Indices, weights: Doubles) -> Doubles:
        """parent_from_child between two rows of any kind each, shape (n, 4, 4).

        What scales or shears too is taken apart into a rotation and a stretch, which go their ways on their own; where
        that has no meaning (a mirrored, flat or broken one) the first row holds.
        """
        plain = ~(self.is_special(rows) | self.is_special(others))
        out = np.empty((len(rows), 4, 4))
        out[plain] = self.poses_between(rows[plain], others[plain], weights[plain]).matrices()
        rest = ~plain
        if rest.any():
            starts, ends = self.matrices(rows[rest]), self.matrices(others[rest])
            out[rest] = blended_affine(starts, ends, weights[rest])
        return out


def _columns(vectors: Floats, rows: Indices) -> Doubles:
    """Rows of vectors (m, size) as columns, shape (size, n)."""
    return np.ascontiguousarray(vectors.take(rows, axis=0).T, np.float64)
