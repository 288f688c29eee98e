"""Chunks to frames' payloads and back."""

from __future__ import annotations

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

__all__ = ["DECODE_ERRORS", "Decoder", "chunk_of", "pack_chunk"]

DECODE_ERRORS = (WireError, PayloadError, InvalidChunkError)
"""What reading a damaged message raises."""


def pack_chunk(store_id: StoreId, chunk: Chunk, wanted: Compression) -> ArrowMsg:
    """A chunk as a message."""
    data = _ipc.write_batch(chunk.to_record_batch())
    compression, payload = _ipc.pack(data, wanted)
    return ArrowMsg(store_id, compression, len(data), payload, chunk.id, chunk.is_static)


def chunk_of(message: ArrowMsg) -> Chunk:
    """The chunk of a message, in today's names. Raises PayloadError or InvalidChunkError."""
    from rrbridge.rrd._migration import migrate  # loads when something is read: it needs much of Arrow

    batch = _ipc.read_batch(_ipc.unpack(message.payload, message.compression, message.uncompressed_size))
    try:
        chunk = Chunk(migrate(batch))
        columns = len(chunk.times) + len(chunk.components)
        for component in chunk.components.values():
            str(component.cells.type)  # decodes the names of struct fields, which Arrow does not check
    except UnicodeDecodeError as err:
        raise InvalidChunkError("a name in a chunk is not UTF-8") from err
    except pa.ArrowException as err:
        raise InvalidChunkError(f"a chunk cannot be understood: {err}") from err
    if columns != chunk.num_columns - 1:
        raise InvalidChunkError(f"{chunk.entity_path}: two columns of one name")
    return chunk


class Decoder:
    """Reads the messages of one file, in order: those of 0.23 name their application only once, in the announcement."""

    def __init__(self) -> None:
        self.stores = StoreIds()

    def decode(self, kind: FrameKind, payload: memoryview) -> LogMessage:
        """The message in a frame. Raises one of DECODE_ERRORS."""
        match kind:
            case FrameKind.ARROW:
                message = decode_arrow_msg(payload, self.stores)
                return StoredChunk(message.store_id, chunk_of(message))
            case FrameKind.STORE_INFO:
                info = decode_store_info(payload)
                self.stores.announce(info.store_id)
                return info
            case FrameKind.ACTIVATION:
                return decode_activation(payload, self.stores)
            case FrameKind.END:
                raise WireError("the end is no message")
