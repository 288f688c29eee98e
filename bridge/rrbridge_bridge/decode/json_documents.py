"""JSON messages as columns: Arrow's parser reads the documents of a batch at once, with the types that are known.

Types come from the recording's JSON Schema, where it has one, and from the documents (`_json_types`). Documents are looked at one
by one only to learn: at first without a schema, and when the parser meets something that is not known yet, or is wrong. Learned
types are kept for the connection's next batches, so that they change seldom.

Arrow's parser is only ever used with explicit types: what it infers by itself takes dates from strings, and it crashes on lists
that are nested deeply.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from rrbridge.columns import Columns
from rrbridge.errors import DecodeError
from rrbridge_bridge.decode._foxglove_documents import completed, usual_fields
from rrbridge_bridge.decode._json_columns import NotBase64Error, columns_of, datatype
from rrbridge_bridge.decode._json_schema import read_json_schema
from rrbridge_bridge.decode._json_types import (
    MAX_ROOT_NAMES,
    ConflictError,
    Leaf,
    ListOf,
    Node,
    Record,
    holds_json,
    merge,
    type_of,
)
from rrbridge_bridge.decode.plan import BadMessagesError
from rrbridge_bridge.raw import Connection, RawBatch, gather_spans

__all__ = ["JsonDecoder", "json_decoder"]

FIRST_LOOK = 200
"""From so many documents types are learned before the rest is tried."""
MAX_BATCH_BYTES = 2**31 - 2
OPEN, CLOSE, NEWLINE = b"{}\n"


def json_decoder(connection: Connection) -> JsonDecoder:
    """A decoder for a connection's batches. Raises DecodeError where the schema cannot be read."""
    known: Node = Record(())
    if connection.definition_format == "jsonschema" and connection.definition.strip():
        try:
            known = read_json_schema(connection.definition)
        except ValueError as err:
            reason = f"the recording's JSON schema cannot be read: {err}"
            raise DecodeError(reason, msgtype=connection.msgtype, topic=connection.topic) from None
    known = completed(known, usual_fields(connection.msgtype))
    assert isinstance(known, Record)
    return JsonDecoder(connection.msgtype, known)


class JsonDecoder:
    """Decodes batches of documents, and learns from them what fields there are."""

    def __init__(self, msgtype: str, known: Record) -> None:
        self._msgtype = msgtype
        self._known = known
        self._has_looked = bool(known.fields)

    def __call__(self, batch: RawBatch) -> Columns:
        """Every field of the batch's documents. Raises BadMessagesError."""
        self._refuse_what_is_no_object(batch)
        if not self._has_looked:
            self._learn(batch.take(np.arange(min(FIRST_LOOK, len(batch)))))
            self._has_looked = True
        table = self._parsed(batch)
        if table is None:
            self._learn(batch)
            table = self._parsed(batch)
        if table is None:
            bad = np.array([row for row in range(len(batch)) if self._parsed(batch.take(np.array([row]))) is None])
            raise self._error(
                batch, bad if len(bad) else np.arange(len(batch)), "it is not JSON, or names a field twice"
            )
        try:
            return columns_of(table, self._known, self._msgtype)
        except NotBase64Error as err:
            raise self._error(batch, err.rows, "its bytes are not base64", err.field) from None

    def _refuse_what_is_no_object(self, batch: RawBatch) -> None:
        """So that a document cannot be one with the next."""
        if not len(batch):
            return
        is_empty = batch.sizes == 0
        ends = np.where(is_empty, 0, batch.starts + batch.sizes - 1)
        firsts = (
            batch.buffer[np.where(is_empty, 0, batch.starts)] if len(batch.buffer) else np.zeros(len(batch), np.uint8)
        )
        lasts = batch.buffer[ends] if len(batch.buffer) else firsts
        odd = np.flatnonzero(is_empty | (firsts != OPEN) | (lasts != CLOSE))
        bad = [row for row in odd.tolist() if not _is_object(batch.payload(row).tobytes())]
        if bad:
            raise self._error(batch, np.array(bad), "it is no JSON object")

    def _parsed(self, batch: RawBatch) -> pa.Table | None:
        """The documents as a table; None if the types that are known are not theirs."""
        from pyarrow import json as arrow_json

        known = pa.schema(list(datatype(self._known)))
        if not len(batch):
            return known.empty_table()
        data = self._joined(batch)
        if len(data) > MAX_BATCH_BYTES:
            return None
        try:
            table = arrow_json.read_json(
                pa.BufferReader(data),
                arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                arrow_json.ParseOptions(
                    pa.schema(list(known)), newlines_in_values=True, unexpected_field_behavior="error"
                ),
            )
        except (pa.ArrowInvalid, UnicodeDecodeError):  # an error's text may quote what is not UTF-8
            return None
        return table if table.num_rows == len(batch) else None

    def _joined(self, batch: RawBatch) -> bytes | np.ndarray[Any, Any]:
        if not holds_json(self._known):
            # One byte more than each document, for the newline between them.
            data = gather_spans(batch.buffer, batch.starts, batch.sizes)
            ends = np.cumsum(batch.sizes)
            return np.insert(data, ends, NEWLINE)
        return b"\n".join(_with_json_texts(_loaded(batch, row), self._known) for row in range(len(batch)))

    def _learn(self, batch: RawBatch) -> None:
        """Widen what is known by a batch's documents. Raises BadMessagesError for those that cannot be taken."""
        bad: list[int] = []
        reason = field = ""
        seen: set[Node] = set()
        for row in range(len(batch)):
            try:
                found = type_of(_loaded(batch, row))
                if found in seen:
                    continue
                known = merge(self._known, found)
                if not isinstance(known, Record):
                    bad.append(row)
                    reason = reason or f"together the documents have more than {MAX_ROOT_NAMES} names"
                    continue
                seen.add(found)
                self._known = known
            except ConflictError as err:
                bad.append(row)
                reason, field = reason or str(err), field or err.path
            except (ValueError, RecursionError) as err:
                bad.append(row)
                reason = reason or f"it is not JSON: {err}"
        if bad:
            raise self._error(batch, np.array(bad), reason, field)

    def _error(self, batch: RawBatch, rows: np.ndarray[Any, Any], reason: str, field: str = "") -> BadMessagesError:
        return BadMessagesError(reason, rows, msgtype=self._msgtype, topic=batch.connection.topic, field=field)


def _is_object(document: bytes) -> bool:
    text = document.strip(b" \t\r\n")
    return text.startswith(b"{") and text.endswith(b"}")


def _loaded(batch: RawBatch, row: int) -> dict[str, Any]:
    """One document. Raises ValueError, RecursionError."""
    value = json.loads(batch.payload(row).tobytes().decode("utf-8", "replace"))
    if not isinstance(value, dict):
        raise ValueError("no object")  # noqa: TRY004 - of a document's text, not of an argument
    return value


def _with_json_texts(value: Any, node: Node) -> bytes:
    """The document again, with JSON text where its type is kept as that."""
    return json.dumps(_replaced(value, node), ensure_ascii=False).encode("utf-8", "replace")


def _replaced(value: Any, node: Node) -> Any:
    if value is None:
        return None
    if isinstance(node, Leaf):
        return json.dumps(value, ensure_ascii=False) if node.kind == "json" else value
    if not holds_json(node):
        return value
    if isinstance(node, ListOf):
        return [_replaced(item, node.item) for item in value] if isinstance(value, list) else value
    if not isinstance(value, dict):
        return value
    return {name: _replaced(item, node.by_name[name]) if name in node.by_name else item for name, item in value.items()}
