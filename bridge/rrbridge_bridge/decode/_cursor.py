"""Where each of N messages is being read, and bounds on what may be read there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import Bytes, Int64s, gather_spans, rows_at, structs_at

__all__ = ["ByteOrder", "Cursor", "LyingLengthError", "gather_rows"]

ByteOrder: TypeAlias = Literal["<", ">"]


class LyingLengthError(Exception):
    """A length in some messages leads past their end. The plan turns it into a DecodeError."""

    def __init__(self, reason: str, field: str, messages: Int64s) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.messages = messages


@dataclass(eq=False, slots=True)
class Cursor:
    """N places in a buffer. There may be several places in one message (its elements), and messages without one."""

    buffer: Bytes
    origins: Int64s
    """Of each message: where alignment counts from; shape (number of messages,)."""
    ends: Int64s
    """Of each message: the end of its bytes; shape (number of messages,)."""
    max_align: int
    """8 for CDR, 4 for its version 2, 1 for ROS 1."""
    byte_order: ByteOrder
    pos: Int64s
    """Where each place is; shape (N,)."""
    message: Int64s | None
    """The message that each place is in; None: place i is in message i."""

    def __len__(self) -> int:
        return len(self.pos)

    @property
    def origin(self) -> Int64s:
        """Where alignment counts from, for each place."""
        return self.origins if self.message is None else self.origins[self.message]

    @property
    def end(self) -> Int64s:
        """Where the message of each place ends."""
        return self.ends if self.message is None else self.ends[self.message]

    def at(self, rows: Int64s, pos: Int64s) -> Cursor:
        """New places, in the messages that the places `rows` are in."""
        message = rows if self.message is None else self.message[rows]
        return Cursor(self.buffer, self.origins, self.ends, self.max_align, self.byte_order, pos, message)

    def align(self, to: int) -> None:
        """Move every place up to a multiple of `to`."""
        to = min(to, self.max_align)
        if to > 1:
            self.pos = self.pos + ((self.origin - self.pos) & (to - 1))

    def require(self, sizes: Int64s | int, field: str) -> None:
        """Raise LyingLengthError if any message ends less than `sizes` bytes after its place."""
        lies = self.pos + sizes > self.end
        if lies.any():
            row = int(np.flatnonzero(lies)[0])
            size = int(sizes if isinstance(sizes, int) else sizes[row])
            left = max(int(self.end[row] - self.pos[row]), 0)
            raise self.lying(lies, field, f"{size} bytes are needed where {left} are left")

    def lying(self, rows: npt.NDArray[np.bool_], field: str, reason: str) -> LyingLengthError:
        """The error that says which messages are wrong."""
        places = np.flatnonzero(rows)
        return LyingLengthError(reason, field, np.unique(places if self.message is None else self.message[places]))

    def take_u32(self, field: str) -> Int64s:
        """The next unsigned 32-bit number of each place."""
        self.align(4)
        self.require(4, field)
        numbers: Int64s = structs_at(self.buffer, self.pos, f"{self.byte_order}u4").astype(np.int64)
        self.pos = self.pos + 4
        return numbers

    def take_bytes(self, sizes: Int64s, field: str) -> Bytes:
        """The next `sizes[i]` bytes of place i, end to end."""
        return gather_spans(self.buffer, self.pass_bytes(sizes, field), sizes)

    def pass_bytes(self, sizes: Int64s, field: str) -> Int64s:
        """Where the next `sizes[i]` bytes of place i begin."""
        self.require(sizes, field)
        starts = self.pos
        self.pos = starts + sizes
        return starts


def gather_rows(buffer: Bytes, starts: Int64s, size: int) -> Bytes:
    """`buffer[starts[i] : starts[i] + size]`, shape (N, size); a view where the starts are evenly spaced."""
    n = len(starts)
    if n == 0 or size == 0:
        return np.zeros((n, size), np.uint8)
    first = int(starts[0])
    if n == 1:
        return buffer[first : first + size].reshape(1, size)
    step = int(starts[1]) - first
    if step > 0 and int(starts[-1]) - first == step * (n - 1) and (starts[1:] - starts[:-1] == step).all():
        return np.ndarray((n, size), np.uint8, buffer, first, (step, 1))
    return rows_at(buffer, starts, size)
