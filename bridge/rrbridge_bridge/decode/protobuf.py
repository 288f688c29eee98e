"""Protobuf messages as columns, by the descriptors that recordings carry.

As with CDR, it is fields that are walked, not messages: `_tags` finds where each field of all messages is, then each field
becomes one column. Nested messages are messages again, those of all messages and all elements at once.

Columns are named and typed as the reference importer does it: a oneof is a message of its alternatives, an enum has `name` and
`value`, and where a type contains itself, which no column type can, the contained messages stay bytes. Free-form values
(`google.protobuf.Struct`) are JSON text. Fields that the definition lacks, or has with another wire type, are skipped, as
protobuf demands of every reader.
"""

from __future__ import annotations

import numpy as np

from rrbridge.columns import Columns
from rrbridge.errors import DecodeError, UnknownTypeError
from rrbridge_bridge.decode._cursor import LyingLengthError
from rrbridge_bridge.decode._descriptors import Schema, read_schema
from rrbridge_bridge.decode._protobuf_compile import plan_of
from rrbridge_bridge.decode._protobuf_messages import MessagePlan
from rrbridge_bridge.decode._protobuf_values import Source
from rrbridge_bridge.decode.plan import BadMessagesError
from rrbridge_bridge.raw import Connection, RawBatch

__all__ = ["ProtobufDecoder", "protobuf_decoder"]


def protobuf_decoder(connection: Connection) -> ProtobufDecoder:
    """A decoder for a connection's batches. Raises DecodeError where the definition cannot be read, UnknownTypeError."""
    if connection.definition_format != "protobuf":
        raise UnknownTypeError(connection.msgtype, "the recording must hold the descriptors of its protobuf messages")
    try:
        schema = read_schema(connection.definition.encode("latin-1"))
    except ValueError as err:
        reason = f"the recording's protobuf descriptors cannot be read: {err}"
        raise DecodeError(reason, msgtype=connection.msgtype, topic=connection.topic) from None
    return ProtobufDecoder(schema, connection.msgtype)


class ProtobufDecoder:
    """Decodes batches of one message type."""

    def __init__(self, schema: Schema, msgtype: str) -> None:
        """Raises DecodeError if the definition cannot be expressed, UnknownTypeError."""
        self._msgtype = msgtype
        self._plan: MessagePlan = plan_of(schema, msgtype)

    def __call__(self, batch: RawBatch) -> Columns:
        """Every field of the batch's messages. Raises BadMessagesError."""
        starts = batch.starts.astype(np.int64, copy=False)
        source = Source(batch.buffer, np.arange(len(batch)))
        try:
            return self._plan.decode(source, starts, starts + batch.sizes)
        except LyingLengthError as lie:
            topic = batch.connection.topic
            raise BadMessagesError(
                lie.reason, lie.messages, msgtype=self._msgtype, topic=topic, field=lie.field
            ) from None
