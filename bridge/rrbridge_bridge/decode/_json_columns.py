"""From a table of JSON documents to message columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rrbridge._arrow import as_numpy, flags, list_values
from rrbridge.columns import Columns, Flags, Octets, Ragged, Text
from rrbridge_bridge.decode._json_types import Leaf, ListOf, Node, Record, is_known
from rrbridge_bridge.raw import Bytes, Int64s

__all__ = ["NotBase64Error", "columns_of", "datatype"]

DATATYPES = {
    "null": pa.null(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "uint": pa.uint64(),
    "float": pa.float64(),
    "text": pa.utf8(),
    "base64": pa.utf8(),
    "json": pa.utf8(),
}
DTYPES = {"bool": np.bool_, "int": np.int64, "uint": np.uint64, "float": np.float64}
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NO_DIGIT, PADDING = 255, ord("=")
DIGITS = np.full(256, NO_DIGIT, np.uint8)
DIGITS[np.frombuffer(BASE64, np.uint8)] = np.arange(64)
DIGITS[[ord("-"), ord("_")]] = 62, 63
DIGITS[PADDING] = 0


class NotBase64Error(ValueError):
    """Strings that should be bytes in base64 are not; `rows` says in which documents."""

    def __init__(self, field: str, rows: Int64s) -> None:
        super().__init__(field)
        self.field = field
        self.rows = rows


def datatype(node: Node) -> pa.DataType:
    """The Arrow type that the parser is to read."""
    if isinstance(node, Leaf):
        return DATATYPES[node.kind]
    if isinstance(node, ListOf):
        return pa.list_(datatype(node.item))
    return pa.struct([pa.field(name, datatype(inner)) for name, inner in node.fields])


def columns_of(table: pa.Table, known: Record, msgtype: str) -> Columns:
    """The documents' fields. Raises NotBase64Error."""
    arrays = {name: _whole(table.column(i)) for i, name in enumerate(table.schema.names)}
    return _record(arrays, known, np.arange(table.num_rows), msgtype, "")


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays([*column.chunks, pa.nulls(0, column.type)])


def _record(arrays: dict[str, pa.Array], node: Record, rows: Int64s, msgtype: str, path: str) -> Columns:
    """`rows`: the document that each row is of, or in. A number that is left out is zero, as in other encodings."""
    columns: dict[str, Any] = {}
    optional: dict[str, Flags | None] = {}
    for name, inner in node.fields:
        if is_known(inner):
            array = arrays[name]
            whole = array.fill_null(0.0) if array.type == pa.float64() else array
            columns[name] = _column(whole, inner, rows, f"{path}.{name}" if path else name)
            optional[name] = flags(array.is_valid()) if array.null_count else None
    return Columns(len(rows), columns, msgtype, optional)


def _column(array: pa.Array, node: Node, rows: Int64s, path: str) -> Any:
    if isinstance(node, Record):
        return _record({name: array.field(name) for name, _ in node.fields}, node, rows, path, path)
    if isinstance(node, ListOf):
        offsets, values = list_values(array)
        bounds = offsets.astype(np.int64)
        return Ragged(bounds, _column(values, node.item, np.repeat(rows, np.diff(bounds)), path))
    if node.kind in DTYPES:
        return _numbers(array, DTYPES[node.kind])
    text = _text(array)
    return _from_base64(text, rows, path) if node.kind == "base64" else text


def _numbers(array: pa.Array, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """Numbers of a list; null is NaN where there is one (which JSON cannot write otherwise), else zero."""
    if array.null_count:
        missing = np.nan if dtype is np.float64 else False if dtype is np.bool_ else 0
        array = pc.fill_null(array, pa.scalar(missing, array.type))
    return flags(array) if dtype is np.bool_ else as_numpy(array, dtype)


def _text(array: pa.Array) -> Text:
    if array.null_count:
        array = pc.fill_null(array, "")
    _, offsets, data = array.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
    return Text(bounds, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8))


def _from_base64(text: Text, rows: Int64s, path: str) -> Octets:
    """The bytes that strings stand for, in either alphabet. Raises NotBase64Error."""
    data = text.data[text.offsets[0] : text.offsets[-1]]
    bounds = text.offsets - text.offsets[0]
    sizes = np.diff(bounds)
    digits = DIGITS[data]
    bad = sizes % 4 != 0
    bad |= _any_within(digits == NO_DIGIT, bounds)
    padding = np.zeros(len(sizes), np.int64)
    for back in (1, 2):
        some = np.flatnonzero(sizes >= back)
        padding[some] += (data[bounds[1:][some] - back] == PADDING) & (padding[some] == back - 1)
    bad |= np.diff(np.concatenate(([0], np.cumsum(data == PADDING)))[bounds]) != padding
    if bad.any():
        raise NotBase64Error(path, np.unique(rows[bad]))
    quads = digits.reshape(-1, 4).astype(np.uint32)
    words = quads[:, 0] << 18 | quads[:, 1] << 12 | quads[:, 2] << 6 | quads[:, 3]
    whole = np.stack([words >> 16, words >> 8, words], axis=-1).astype(np.uint8).reshape(-1)
    ends = bounds[1:] // 4 * 3
    keep = np.ones(len(whole), np.bool_)
    for back in (1, 2):
        keep[ends[padding >= back] - back] = False
    return Octets(Ragged.from_lengths(sizes // 4 * 3 - padding, None).offsets, whole[keep])


def _any_within(marks: Bytes | Flags, bounds: Int64s) -> Flags:
    """Whether any of the marks within each span is set."""
    counts = np.concatenate(([0], np.cumsum(marks)))
    return np.asarray(counts[bounds[1:]] > counts[bounds[:-1]])
