"""TCPROS: what ROS 1 nodes say to each other. http://wiki.ros.org/ROS/TCPROS.

Each side first sends a header: `length u32, fields`, a field being `length u32, name=value`; little endian. Then the publisher
sends `length u32, message` for ever.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rrbridge._arrow import empty
from rrbridge_bridge.raw import Bytes, Int64s

__all__ = ["MAX_HEADER_BYTES", "MAX_MESSAGE_BYTES", "FrameBuffer", "Frames", "header_of"]

U32 = struct.Struct("<I")
MAX_HEADER_BYTES = 4 << 20
MAX_MESSAGE_BYTES = 1 << 30
"""Of one message. A publisher that announces a longer one is not believed."""
FIRST_BLOCK_BYTES = 64 << 10
MAX_BLOCK_BYTES = 4 << 20
"""Blocks get larger only for a message that is larger itself."""
LONG_BYTES = 64 << 10
"""A message of which more than this is still to come is read to its end and no further, so that nothing has to be moved."""
TRUSTED_BYTES = 64 << 20
"""Memory for a longer message is taken only as its bytes arrive."""


def header_of(fields: Mapping[str, str]) -> bytes:
    """A connection header, its length before it."""
    parts = [f"{name}={value}".encode() for name, value in fields.items()]
    body = b"".join(U32.pack(len(part)) + part for part in parts)
    return U32.pack(len(body)) + body


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Messages that arrived one after the other; message i is `buffer[starts[i] : starts[i] + sizes[i]]`."""

    buffer: Bytes
    starts: Int64s
    """Shape (N,)."""
    sizes: Int64s
    """Shape (N,)."""
    arrival_nanos: Int64s
    """When the last byte of each was read; shape (N,)."""


class FrameBuffer:
    """Puts messages together from what a socket brings: `space` to read into, `arrived`, and `take` what is whole."""

    def __init__(self, limit_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._block: Bytes = empty((FIRST_BLOCK_BYTES,), np.uint8)
        self._filled = 0
        self._at = 0
        """Where the first message that is not whole begins, with its length."""
        self._starts: list[int] = []
        self._sizes: list[int] = []
        self._arrivals: list[tuple[int, int]] = []
        """Times, and how many messages were whole then."""
        self._ready: list[Frames] = []
        self.whole_bytes = 0
        """Of the messages that `take` would give."""

    @property
    def has_part(self) -> bool:
        """Whether a message has begun and is not whole."""
        return self._filled > self._at

    def space(self) -> memoryview:
        """Where the next bytes belong; not empty."""
        end = self._end_of_next()
        if end - self._filled > LONG_BYTES:
            self._make_room(end)
            return memoryview(self._block)[self._filled : self._end_of_next()]  # type: ignore[arg-type]
        self._make_room(self._filled + LONG_BYTES // 4)
        return memoryview(self._block)[self._filled : self._filled + max(LONG_BYTES, end - self._filled)]  # type: ignore[arg-type]

    def arrived(self, count: int, nanos: int) -> None:
        """So many bytes were read into `space`, at this time. Raises ValueError when what comes cannot be messages."""
        self._filled += count
        block, at, filled, before = self._block.data, self._at, self._filled, len(self._sizes)
        starts, sizes, unpack = self._starts, self._sizes, U32.unpack_from
        while filled - at >= 4:
            (size,) = unpack(block, at)
            if at + 4 + size > filled or size > self._limit_bytes:
                break
            starts.append(at + 4)
            sizes.append(size)
            at += 4 + size
        self._at = at
        if whole := len(sizes) - before:
            self._arrivals.append((nanos, whole))
            self.whole_bytes += sum(sizes[before:])
        if (size := self._end_of_next() - at - 4) > self._limit_bytes:
            raise ValueError(f"announced a message of {size} bytes, which is more than {self._limit_bytes}")

    def take(self) -> list[Frames]:
        """What is whole, once."""
        self._seal()
        if len(self._block) > FIRST_BLOCK_BYTES and self._filled * 8 < len(self._block):
            self._move_to(len(self._block) // 2)
        ready, self._ready, self.whole_bytes = self._ready, [], 0
        return ready

    def _end_of_next(self) -> int:
        """Where the message that has begun will end, as far as it is known."""
        if self._filled - self._at < 4:
            return self._at + 4
        (size,) = U32.unpack_from(self._block.data, self._at)
        return self._at + 4 + int(size)

    def _make_room(self, end: int) -> None:
        """A block with room up to `end`; moves what is not whole to another block when this one is full."""
        if end <= len(self._block):
            return
        if self._starts:
            end -= self._at
            self._seal()
            capacity = min(2 * len(self._block), MAX_BLOCK_BYTES)
        else:
            capacity = len(self._block)
        trusted = max(TRUSTED_BYTES, 2 * self._filled)
        if max(capacity, min(end, trusted)) > len(self._block):
            self._move_to(max(capacity, min(end, trusted)))

    def _seal(self) -> None:
        """Put what is whole aside; the block begins with what is not."""
        if not self._starts:
            return
        whole = self._at
        is_full = whole * 2 > len(self._block)
        buffer = self._block[:whole] if is_full else self._block[:whole].copy()
        arrivals = np.array(self._arrivals, np.int64)
        self._ready.append(
            Frames(
                buffer,
                np.array(self._starts, np.int64),
                np.array(self._sizes, np.int64),
                np.repeat(arrivals[:, 0], arrivals[:, 1]),
            )
        )
        self._starts, self._sizes, self._arrivals = [], [], []
        self._move_to(len(self._block), anew=is_full)

    def _move_to(self, capacity: int, *, anew: bool = True) -> None:
        rest = self._block[self._at : self._filled].copy()
        if anew:
            self._block = empty((max(capacity, len(rest)),), np.uint8)
        self._block[: len(rest)] = rest
        self._at, self._filled = 0, len(rest)
