"""Reading tables of flatbuffers, in which Arrow writes its headers: https://flatbuffers.dev/internals/"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["Table"]

PAIR_BYTES = 16


class Table:
    """A table; fields are asked for by index. Reads past the end raise struct.error."""

    __slots__ = ("_data", "_slots", "_start")

    def __init__(self, data: memoryview, start: int) -> None:
        self._data, self._start = data, start
        vtable = start - struct.unpack_from("<i", data, start)[0]
        if vtable < 0:
            raise struct.error("a table before its buffer")
        count = max(struct.unpack_from("<H", data, vtable)[0] // 2 - 2, 0)
        self._slots = struct.unpack_from(f"<{count}H", data, vtable + 4)

    def place(self, index: int) -> int | None:
        """Where in the data the field stands; None: it is not there, and has its default."""
        slot = self._slots[index] if index < len(self._slots) else 0
        return self._start + slot if slot else None

    def byte(self, index: int) -> int:
        """A number of one byte."""
        at = self.place(index)
        return 0 if at is None else int(struct.unpack_from("<B", self._data, at)[0])

    def int64(self, index: int) -> int:
        """A number of eight bytes."""
        at = self.place(index)
        return 0 if at is None else int(struct.unpack_from("<q", self._data, at)[0])

    def _follow(self, index: int) -> int | None:
        at = self.place(index)
        return None if at is None else at + int(struct.unpack_from("<I", self._data, at)[0])

    def table(self, index: int) -> Table | None:
        """Another table."""
        at = self._follow(index)
        return None if at is None else Table(self._data, at)

    def pairs_place(self, index: int) -> tuple[int, int]:
        """Where the first struct of a vector of structs of two int64 stands, and how many there are."""
        at = self._follow(index)
        if at is None:
            return 0, 0
        (count,) = struct.unpack_from("<I", self._data, at)
        if PAIR_BYTES * count > len(self._data) - at:
            raise struct.error("a vector past its buffer")
        return at + 4, count

    def pairs(self, index: int) -> Iterator[tuple[int, int]]:
        """A vector of structs of two int64."""
        at, count = self.pairs_place(index)
        return struct.iter_unpack("<qq", self._data[at : at + PAIR_BYTES * count])
