"""Which chunks a store has seen: their ids, also of those that were put together with others or dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

__all__ = ["Ids"]

_RECENT = 8192
_BLOCK = 128
"""How many ids are looked through, one by one, to find one."""
_WIDTH = 16

IdArray = npt.NDArray[np.bytes_]


class Ids:
    """A set of ids of 16 bytes, made for ids that mostly rise by little."""

    __slots__ = ("_greatest", "_recent", "_runs")

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._runs: list[_Run] = []
        """Each at least twice as long as the next."""
        self._greatest = b""

    def __contains__(self, chunk_id: bytes) -> bool:
        if chunk_id in self._recent:
            return True
        return chunk_id <= self._greatest and any(chunk_id in run for run in self._runs)

    def add(self, chunk_id: bytes) -> None:
        """Take an id."""
        self._recent.add(chunk_id)
        if len(self._recent) >= _RECENT:
            self.extend(np.array(list(self._recent), f"S{_WIDTH}"))
            self._recent.clear()

    def extend(self, ids: IdArray) -> None:
        """Take many, dtype `S16`."""
        if not len(ids):
            return
        fresh = np.sort(ids)
        self._greatest = max(self._greatest, fresh[-1].ljust(_WIDTH, b"\0"))
        while self._runs and len(self._runs[-1]) < 2 * len(fresh):
            fresh = np.sort(np.concatenate([self._runs.pop().ids(), fresh]), kind="stable")
        self._runs.append(_Run.of(fresh))


@dataclass(frozen=True, slots=True)
class _Run:
    """Ids in order, as steps from one to the next: five bytes or so each where they were made one after the other."""

    firsts: IdArray
    """Of each block."""
    high_steps: npt.NDArray[np.unsignedinteger[Any]]
    low_steps: npt.NDArray[np.unsignedinteger[Any]]
    """Of the two halves of each id, modulo 2⁶⁴, in as few bytes as the greatest needs."""

    @classmethod
    def of(cls, ids: IdArray) -> Self:
        halves = _halves(ids)
        steps = np.diff(halves, axis=1, prepend=halves[:, :1])
        high, low = (row.astype(np.min_scalar_type(row.max())) for row in steps)
        return cls(ids[::_BLOCK].copy(), high, low)

    def __len__(self) -> int:
        return len(self.high_steps)

    def __contains__(self, chunk_id: bytes) -> bool:
        wanted = np.array([chunk_id], f"S{_WIDTH}")
        block = int(self.firsts.searchsorted(wanted[0], side="right")) - 1
        if block < 0:
            return False
        found = self._from(block * _BLOCK, (block + 1) * _BLOCK)
        return bool(np.any(np.all(found == _halves(wanted), axis=0)))

    def ids(self) -> IdArray:
        """All of them."""
        return self._from(0, len(self)).T.astype(">u8", order="C").view(f"S{_WIDTH}").reshape(-1)

    def _from(self, start: int, end: int) -> npt.NDArray[np.uint64]:
        """The halves of some ids, beginning with the first of a block; shape (2, n)."""
        first = _halves(self.firsts[start // _BLOCK : start // _BLOCK + 1])
        steps = np.array([self.high_steps[start:end], self.low_steps[start:end]], np.uint64)
        steps[:, 0] = 0
        return first + np.cumsum(steps, axis=1, dtype=np.uint64)


def _halves(ids: IdArray) -> npt.NDArray[np.uint64]:
    """Shape (2, n)."""
    return np.ascontiguousarray(ids).view(">u8").reshape(-1, 2).T.astype(np.uint64)
