"""Poses, many at a time and by columns: how they chain, turn round, and what lies between two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rrbridge._rotations import quaternions_of, rotations, slerp

__all__ = ["Motion", "Poses", "blended_affine", "inverses", "polar", "product", "relation"]

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """Rigid motions, first rotate then translate. One may stand for many: shapes (…, 1) and (…, n) go together."""

    translations: Doubles
    """Shape (3, n)."""
    rotations: Doubles
    """Unit quaternions x, y, z, w; shape (4, n)."""

    @classmethod
    def between(cls, starts: Poses, ends: Poses, weights: Doubles) -> Poses:
        """The poses between two each: straight, and along the shorter arc; rotations may have any length but none."""
        moved = starts.translations + weights * (ends.translations - starts.translations)
        return cls(moved, slerp(starts.rotations, ends.rotations, weights))

    def __matmul__(self, other: Poses) -> Poses:
        """What does `other` first, then `self`: a_from_b @ b_from_c = a_from_c."""
        turned = _rotated(self.rotations, other.translations)
        return Poses(self.translations + turned, _multiplied(self.rotations, other.rotations))

    def relation(self, other: Poses) -> Poses:
        """The inverse of `self` times `other`: from root_from_a and root_from_b to a_from_b."""
        back = self.rotations * np.array([[-1.0], [-1.0], [-1.0], [1.0]])
        return Poses(_rotated(back, other.translations - self.translations), _multiplied(back, other.rotations))

    def split(self, lengths: Sequence[int]) -> Iterator[Poses]:
        """One after the other, as many as `lengths` says."""
        end = 0
        for length in lengths:
            start, end = end, end + length
            yield Poses(self.translations[:, start:end], self.rotations[:, start:end])

    def matrices(self) -> Doubles:
        """Shape (n, 4, 4)."""
        x, y, z, w = self.rotations
        x2, y2, z2 = x + x, y + y, z + z
        xx, yy, zz = x * x2, y * y2, z * z2
        xy, xz, yz, wx, wy, wz = x * y2, x * z2, y * z2, w * x2, w * y2, w * z2
        out = np.zeros((4, 4, len(x)))
        out[0, 0], out[0, 1], out[0, 2] = 1 - (yy + zz), xy - wz, xz + wy
        out[1, 0], out[1, 1], out[1, 2] = xy + wz, 1 - (xx + zz), yz - wx
        out[2, 0], out[2, 1], out[2, 2] = xz - wy, yz + wx, 1 - (xx + yy)
        out[:3, 3] = self.translations
        out[3, 3] = 1
        return np.ascontiguousarray(out.transpose(2, 0, 1))


Motion = Poses | Doubles
"""Rigid motions, or any affine ones as matrices (n, 4, 4)."""


def product(steps: Iterable[Motion]) -> Motion | None:
    """The product of motions, from left to right; None if there are none."""
    out: Motion | None = None
    for step in steps:
        if out is None:
            out = step
        elif isinstance(out, Poses) and isinstance(step, Poses):
            out = out @ step
        else:
            out = _matrices(out) @ _matrices(step)
    return out


def relation(root_from_target: Motion | None, root_from_source: Motion | None) -> Motion | None:
    """target_from_source; None stands for no motion at all. Not a number where there is no inverse."""
    if root_from_target is None:
        return root_from_source
    if root_from_source is None:
        root_from_source = Poses(np.zeros((3, 1)), np.array([[0.0], [0.0], [0.0], [1.0]]))
    if isinstance(root_from_target, Poses) and isinstance(root_from_source, Poses):
        return root_from_target.relation(root_from_source)
    turned = np.zeros_like(matrices := _matrices(root_from_target))
    turned[:, :3], turned[:, 3, 3] = inverses(matrices[:, :3]), 1
    return turned @ _matrices(root_from_source)


def inverses(affine: Doubles) -> Doubles:
    """The inverses of affine maps (n, 3, 4); not a number where there is none."""
    linear = affine[:, :, :3]
    possible = _finite(linear)
    possible[possible] = np.linalg.det(linear[possible]) != 0
    inverse = np.linalg.inv(np.where(possible[:, None, None], linear, np.eye(3)))
    out = np.concatenate([inverse, -inverse @ affine[:, :, 3:]], axis=2)
    out[~possible] = np.nan
    return out


def blended_affine(starts: Doubles, ends: Doubles, weights: Doubles) -> Doubles:
    """Between two affine maps each, shapes (n, 4, 4), (n, 4, 4), (n,) → (n, 4, 4).

    Each is a rotation after a stretch (polar decomposition, after Shoemake and Duff, Matrix animation and polar
    decomposition, 1992); the one turns evenly, the other and the translation go straight. The first holds where one
    is flat or broken, or only one of the two mirrors.
    """
    out = starts.copy()
    usable = _finite(starts) & _finite(ends)
    signs = [np.linalg.det(each[usable, :3, :3]) for each in (starts, ends)]
    usable[usable] = signs[0] * signs[1] > 0
    if usable.any():
        w = weights[usable]
        (turns, stretches), (more_turns, more_stretches) = (polar(each[usable, :3, :3]) for each in (starts, ends))
        stretch = stretches + w[:, None, None] * (more_stretches - stretches)
        out[usable, :3, :3] = rotations(slerp(turns, more_turns, w).T) @ stretch
        out[usable, :3, 3] += w[:, None] * (ends[usable, :3, 3] - starts[usable, :3, 3])
    return out


def polar(linear: Doubles) -> tuple[Doubles, Doubles]:
    """Rotations as quaternions (4, n) and stretches (n, 3, 3), whose product is the linear map (n, 3, 3)."""
    left, sizes, right = np.linalg.svd(linear)
    turn = left @ right
    sign = np.where(np.linalg.det(turn) < 0, -1.0, 1.0)[:, None, None]
    stretch = right.transpose(0, 2, 1) @ (sizes[:, :, None] * right)
    return quaternions_of(sign * turn), sign * stretch


def _finite(matrices: Doubles) -> Bools:
    return np.asarray(np.isfinite(matrices).all(axis=(1, 2)), np.bool_)


def _matrices(motion: Motion) -> Doubles:
    return motion.matrices() if isinstance(motion, Poses) else motion


def _rotated(quaternions: Doubles, vectors: Doubles) -> Doubles:
    """Vectors turned by unit quaternions: v + 2w (u × v) + 2u × (u × v)."""
    x, y, z, w = quaternions
    a, b, c = vectors
    p, q, r = 2 * (y * c - z * b), 2 * (z * a - x * c), 2 * (x * b - y * a)
    return np.stack([a + w * p + (y * r - z * q), b + w * q + (z * p - x * r), c + w * r + (x * q - y * p)])


def _multiplied(left: Doubles, right: Doubles) -> Doubles:
    """Products of quaternions: what turns by `right` first, then by `left`."""
    x, y, z, w = left
    a, b, c, d = right
    return np.stack(
        [
            w * a + x * d + y * c - z * b,
            w * b + y * d + z * a - x * c,
            w * c + z * d + x * b - y * a,
            w * d - x * a - y * b - z * c,
        ]
    )
