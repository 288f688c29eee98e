"""What the beginning of a torn chunk still says: whose data it was."""

from __future__ import annotations

import struct

from rrbridge.rrd import _ipc, _wire
from rrbridge.rrd._container import FRAME, FrameKind
from rrbridge.rrd._ipc import PayloadError
from rrbridge.rrd._protocol import Compression

__all__ = ["entity_of_torn_chunk", "lz4_beginning"]

SCHEMA_BYTES_MAX = 1 << 16
COMPRESSION, PAYLOAD = 2, 5
"""Fields of an ArrowMsg."""


def entity_of_torn_chunk(data: bytes) -> str | None:
    """The entity path in the schema of a frame that ends too early, or None if the rest does not say."""
    if len(data) <= FRAME.size or FRAME.unpack_from(data)[0] != FrameKind.ARROW:
        return None
    try:
        compression, payload = _payload(memoryview(data)[FRAME.size :])
        beginning = lz4_beginning(payload, SCHEMA_BYTES_MAX) if compression == Compression.LZ4 else bytes(payload)
        metadata = _ipc.read_schema(beginning).metadata or {}
        return metadata[b"rerun:entity_path"].decode() if b"rerun:entity_path" in metadata else None
    except (_wire.WireError, PayloadError, UnicodeDecodeError, struct.error, IndexError):
        return None


def _payload(message: memoryview) -> tuple[int, memoryview]:
    """Compression, and as much of the payload as there is; fields come in the order of their numbers."""
    compression, position = 0, 0
    while position < len(message):
        tag, position = _wire.read_varint(message, position)
        value, position = _wire.read_varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if number == COMPRESSION:
            compression = value
        if wire_type == _wire.BYTES:
            if number == PAYLOAD:
                return compression, message[position : position + value]
            position += value
    raise _wire.WireError("the payload is missing")


def lz4_beginning(block: memoryview, limit: int) -> bytes:
    """The first bytes that an LZ4 block unpacks to, at most about `limit`, however it ends.

    Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md. Raises IndexError where it makes no sense.
    """
    out = bytearray()
    position = 0
    while position < len(block) and len(out) < limit:
        token = block[position]
        literals, position = _length(block, position + 1, token >> 4)
        out += block[position : position + min(literals, limit)]
        position += literals
        if position + 2 > len(block):
            break
        distance = block[position] | block[position + 1] << 8
        length, position = _length(block, position + 2, token & 15)
        length = min(length + 4, limit)
        if not 0 < distance <= len(out):
            raise IndexError("a match before the beginning")
        start = len(out) - distance
        pattern = out[start : start + length]
        out += (pattern * (length // len(pattern) + 1))[:length]
    return bytes(out)


def _length(block: memoryview, position: int, nibble: int) -> tuple[int, int]:
    length = nibble
    if nibble == 15:
        while position < len(block):
            more = block[position]
            position += 1
            length += more
            if more != 255:
                break
    return length, position
