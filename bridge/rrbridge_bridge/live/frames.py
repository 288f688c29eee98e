"""Frames between us and a worker process; those that it writes are read with every length checked before memory is taken.

Layout: see `workers/rclpy_worker.py`, which writes them.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge._arrow import empty
from rrbridge.errors import RecorderError

__all__ = ["EventFrame", "MessageFrame", "TornFrameError", "command_frame", "message_head", "read_frame"]

MAGIC = b"RRBF"
HEADER = struct.Struct("<4sB3xIQ")
BLOCK = struct.Struct("<II")
RECORD = np.dtype(
    [("received", "<i8"), ("published", "<i8"), ("sequence", "<i8"), ("size", "<u4"), ("publisher", "<u4")]
)
EVENT, MESSAGES, MESSAGE = 1, 2, 3
NUMBER = struct.Struct("<I")
MAX_HEAD_BYTES = 16 << 20
MAX_PAYLOAD_BYTES = 1 << 30


class TornFrameError(RecorderError):
    """The pipe ended inside a frame, or what it brought is no frame."""


@dataclass(frozen=True, slots=True)
class EventFrame:
    """A JSON object with at least `event`."""

    facts: dict[str, Any]

    @property
    def event(self) -> str:
        """What happened."""
        return str(self.facts["event"])


@dataclass(frozen=True, slots=True, eq=False)
class MessageFrame:
    """Messages of one connection."""

    connection: int
    records: npt.NDArray[np.void]
    """Shape (N,), dtype `RECORD`."""
    payload: npt.NDArray[np.uint8]
    """The messages end to end."""


def command_frame(command: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """A command to a worker that takes frames, in two parts."""
    head = json.dumps(command).encode()
    return HEADER.pack(MAGIC, EVENT, len(head), 0), head


def message_head(number: int, size: int) -> bytes:
    """What stands before the bytes of one message to a worker that publishes."""
    return HEADER.pack(MAGIC, MESSAGE, NUMBER.size, size) + NUMBER.pack(number)


def read_frame(pipe: io.BufferedIOBase) -> EventFrame | MessageFrame | None:
    """The next frame; None at the end of the pipe. Raises TornFrameError."""
    header = pipe.read(HEADER.size)
    if not header:
        return None
    if len(header) < HEADER.size:
        raise TornFrameError(f"the worker's pipe ended after {len(header)} of {HEADER.size} header bytes")
    magic, kind, head_bytes, payload_bytes = HEADER.unpack(header)
    if magic != MAGIC:
        raise TornFrameError(f"the worker's pipe brought {magic!r} where a frame should begin")
    if head_bytes > MAX_HEAD_BYTES or payload_bytes > MAX_PAYLOAD_BYTES:
        raise TornFrameError(f"the worker announced a frame of {head_bytes} + {payload_bytes} bytes, which is too long")
    head = pipe.read(head_bytes)
    if len(head) < head_bytes:
        raise TornFrameError(f"the worker's pipe ended after {len(head)} of {head_bytes} head bytes")
    if kind == EVENT and not payload_bytes:
        return _event(head)
    if kind == MESSAGES:
        return _messages(head, payload_bytes, pipe)
    raise TornFrameError(f"the worker sent a frame of unknown kind {kind}")


def _event(head: bytes) -> EventFrame:
    try:
        facts = json.loads(head)
    except ValueError as err:
        raise TornFrameError(f"the worker sent an event that is not JSON: {err}") from None
    if not isinstance(facts, dict) or "event" not in facts:
        raise TornFrameError("the worker sent JSON that is not an event")
    return EventFrame(facts)


def _messages(head: bytes, payload_bytes: int, pipe: io.BufferedIOBase) -> MessageFrame:
    if len(head) < BLOCK.size:
        raise TornFrameError("the worker sent messages without a count")
    connection, count = BLOCK.unpack_from(head)
    if len(head) != BLOCK.size + count * RECORD.itemsize:
        raise TornFrameError(f"the worker announced {count} messages in a head of {len(head)} bytes")
    records = np.frombuffer(head, RECORD, count, BLOCK.size)
    if int(records["size"].sum(dtype=np.int64)) != payload_bytes:
        raise TornFrameError(f"the worker's messages do not add up to {payload_bytes} bytes")
    payload = empty((payload_bytes,), np.uint8)
    view, filled = payload.data, 0
    while filled < payload_bytes:
        got = pipe.readinto(view[filled:])
        if not got:
            raise TornFrameError(f"the worker's pipe ended after {filled} of {payload_bytes} bytes of messages")
        filled += got
    return MessageFrame(connection, records, payload)
