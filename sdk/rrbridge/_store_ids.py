"""Which chunks a store has seen: their ids, also of those that were put together with others or dropped."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Ids"]

_RECENT = 8192
_WIDTH = 16


class Ids:
    """A set of ids of 16 bytes that takes little more than those bytes, made for ids that mostly rise."""

    __slots__ = ("_greatest", "_recent", "_sorted")

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._sorted: list[npt.NDArray[np.bytes_]] = []
        """Each at least twice as long as the next."""
        self._greatest = b""

    def __contains__(self, chunk_id: bytes) -> bool:
        if chunk_id in self._recent:
            return True
        return chunk_id <= self._greatest and any(_has(ids, chunk_id) for ids in self._sorted)

    def add(self, chunk_id: bytes) -> None:
        """Take an id."""
        self._recent.add(chunk_id)
        if len(self._recent) >= _RECENT:
            self.extend(np.array(list(self._recent), f"S{_WIDTH}"))
            self._recent.clear()

    def extend(self, ids: npt.NDArray[np.bytes_]) -> None:
        """Take many, dtype `S16`."""
        if not len(ids):
            return
        fresh = np.sort(ids)
        self._greatest = max(self._greatest, fresh[-1].ljust(_WIDTH, b"\0"))
        while self._sorted and len(self._sorted[-1]) < 2 * len(fresh):
            fresh = np.sort(np.concatenate([self._sorted.pop(), fresh]), kind="stable")
        self._sorted.append(fresh)


def _has(ids: npt.NDArray[np.bytes_], chunk_id: bytes) -> bool:
    position = int(ids.searchsorted(np.bytes_(chunk_id)))
    return position < len(ids) and ids[position].ljust(_WIDTH, b"\0") == chunk_id
