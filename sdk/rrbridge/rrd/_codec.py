"""Chunks to frames' payloads and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from rrbridge._chunk import Chunk
from rrbridge._messages import LogMessage, StoredChunk, StoreId
from rrbridge.errors import InvalidChunkError
from rrbridge.rrd import _ipc
from rrbridge.rrd._container import FrameKind
from rrbridge.rrd._ipc import PayloadError
from rrbridge.rrd._protocol import (
    ArrowMsg,
    Compression,
    StoreIds,
    decode_activation,
    decode_arrow_msg,
    decode_store_info,
)
from rrbridge.rrd._wire import WireError

if TYPE_CHECKING:
    from rrbridge.rrd._frames import Frame

__all__ = ["DECODE_ERRORS", "Decoder", "Entry", "chunk_of", "pack_chunk"]

DECODE_ERRORS = (WireError, PayloadError, InvalidChunkError)
"""What reading a damaged message raises."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of a file, and the bytes that it was read from."""

    message: LogMessage
    offset: int
    """Where those bytes begin, after the frame's head, from the start of the file."""
    payload: memoryview
    packed: ArrowMsg | None = None
    """Of a chunk: the message around its data."""
    schema_bytes: int = 0
    """Of a chunk: how much of its unpacked data is the schema."""
    is_current: bool = True
    """Of a chunk: whether it is in today's names as it stands there."""


def pack_chunk(store_id: StoreId, chunk: Chunk, wanted: Compression) -> ArrowMsg:
    """A chunk as a message."""
    data = _ipc.pieces_of(*chunk.unfilled())
    compression, payload = _ipc.pack(data, wanted)
    return ArrowMsg(store_id, compression, sum(map(len, data)), payload, chunk.tuid, chunk.is_static)


def chunk_of(message: ArrowMsg) -> Chunk:
    """The chunk of a message, in today's names. Raises PayloadError or InvalidChunkError."""
    return _unpacked(message)[0]


def _unpacked(message: ArrowMsg) -> tuple[Chunk, int, bool]:
    """The chunk, the size of its schema, and whether it was in today's names already."""
    from rrbridge.rrd._migration import migrate  # loads when something is read: it needs much of Arrow

    (payload,) = message.payload
    data = _ipc.unpack(payload, message.compression, message.uncompressed_size)
    batch = _ipc.read_batch(data)
    try:
        today = migrate(batch)
        chunk = Chunk(today)
        columns = len(chunk.times) + len(chunk.components)
        for component in chunk.components.values():
            str(component.cells.type)  # decodes the names of struct fields, which Arrow does not check
    except UnicodeDecodeError as err:
        raise InvalidChunkError("a name in a chunk is not UTF-8") from err
    except pa.ArrowException as err:
        raise InvalidChunkError(f"a chunk cannot be understood: {err}") from err
    if columns != chunk.num_columns - 1:
        raise InvalidChunkError(f"{chunk.entity_path}: two columns of one name")
    return chunk, _ipc.schema_bytes(data), today is batch


class Decoder:
    """Reads the messages of one file, in order: those of 0.23 name their application only once, in the announcement."""

    def __init__(self) -> None:
        self.stores = StoreIds()

    def decode(self, frame: Frame) -> Entry:
        """The message in a frame. Raises one of DECODE_ERRORS."""
        payload = frame.payload
        match frame.kind:
            case FrameKind.ARROW:
                packed = decode_arrow_msg(payload, self.stores)
                chunk, schema_bytes, is_current = _unpacked(packed)
                stored = StoredChunk(packed.store_id, chunk)
                return Entry(stored, frame.offset, payload, packed, schema_bytes, is_current)
            case FrameKind.STORE_INFO:
                info = decode_store_info(payload)
                self.stores.announce(info.store_id)
                return Entry(info, frame.offset, payload)
            case FrameKind.ACTIVATION:
                return Entry(decode_activation(payload, self.stores), frame.offset, payload)
            case FrameKind.END:
                raise WireError("the end is no message")
