"""N messages of one type as columns: what adapters, plug-ins and fields are made from.

`Columns` holds every field of N messages. A field is a numpy array (`(N,)`, or `(N, k)` for a fixed array), a `Ragged` (one
list per message), a `Text` (one string per message), or `Columns` again (a nested message). A single message is N = 1.

Some encodings (protobuf, JSON, FlatBuffers) know fields that a message leaves out. They hold their defaults, zero or empty, so
that arithmetic needs no care; `present` tells which they are, and as Arrow they are null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeAlias, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import distinct, empty

if TYPE_CHECKING:
    from rrbridge._archetype import ComponentColumnList
    from rrbridge._timeline import TimeColumn

__all__ = [
    "STAMP",
    "Columns",
    "Emit",
    "Flags",
    "OctetSpans",
    "Octets",
    "Pairs",
    "Ragged",
    "Spans",
    "Text",
    "concat",
    "gather",
    "is_stamp",
    "nanos",
    "present",
    "repeat_rows",
    "take",
]

FIRST_NOT_ASCII = 0x80
STAMP = "stamp"
"""Timeline name for a row's own stamp in `Emit.times`; the driver calls it `ros2_timestamp` or `ros1_timestamp`."""

Array: TypeAlias = npt.NDArray[Any]
Offsets: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Ragged:
    """One list per row, end to end: row i is `values[offsets[i]:offsets[i + 1]]`, which is Arrow's list layout."""

    offsets: Offsets
    """Shape (N + 1,), rising."""
    values: Any
    """The elements of all rows: an array, `Text`, `Ragged` or `Columns`."""

    @classmethod
    def from_lengths(cls, lengths: npt.ArrayLike, values: Any) -> Self:
        """Rows of the given lengths over `values`. Raises ValueError for lengths below 0."""
        sizes = np.asarray(lengths, np.int64)
        if sizes.size and sizes.min() < 0:
            raise ValueError(f"rows of {sizes.min()} elements")
        offsets = np.zeros(len(sizes) + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        return cls(offsets, values)

    @property
    def lengths(self) -> Offsets:
        """How many elements each row has, shape (N,)."""
        return np.diff(self.offsets)

    @property
    def row_of_value(self) -> Offsets:
        """The row that each element belongs to, shape (number of elements,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> Any:
        n = len(self)
        if not -n <= row < n:
            raise IndexError(row)
        row %= n
        lo, hi = int(self.offsets[row]), int(self.offsets[row + 1])
        if isinstance(self.values, np.ndarray):
            return self.values[lo:hi]
        return take(self.values, np.arange(lo, hi))


class Spans(Ragged):
    """One byte string per row, apart from each other in a buffer: large ones, which are not copied until `values` are looked at.

    Row i is `buffer[starts[i]:starts[i] + lengths[i]]`.
    """

    __slots__ = ("buffer", "starts")

    buffer: npt.NDArray[np.uint8]
    starts: Offsets
    """Shape (N,)."""

    def __init__(self, buffer: npt.NDArray[np.uint8], starts: Offsets, lengths: Offsets) -> None:
        """The rows must lie in the buffer."""
        object.__setattr__(self, "offsets", np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths))))
        object.__setattr__(self, "buffer", buffer)
        object.__setattr__(self, "starts", starts)

    def __getattr__(self, name: str) -> Any:
        """`values`, the first time that somebody asks for them."""
        if name != "values":
            raise AttributeError(name)
        rows = [self[row] for row in range(len(self))]
        if len(rows) == 1:
            together = rows[0]
        else:
            together = empty((int(self.offsets[-1]),), np.uint8)
            np.concatenate([self.buffer[:0], *rows], out=together)
        object.__setattr__(self, name, together)
        return together

    def __getitem__(self, row: int) -> Any:
        row = range(len(self))[row]
        start, size = int(self.starts[row]), int(self.offsets[row + 1] - self.offsets[row])
        return self.buffer[start : start + size]


@dataclass(frozen=True, eq=False, slots=True)
class Octets(Ragged):
    """One byte string per row; its values are `uint8`. As Arrow it is `binary`."""


class OctetSpans(Spans, Octets):
    """The same, apart from each other in a buffer."""

    __slots__ = ()


@dataclass(frozen=True, eq=False, slots=True)
class Pairs(Ragged):
    """One mapping per row; its values are `Columns` of `key`, rising within a row, and `value`. As Arrow it is a `map`."""


@dataclass(frozen=True, eq=False, slots=True)
class Text:
    """One string per row, as UTF-8 end to end. What is not UTF-8 is shown with replacement characters."""

    offsets: Offsets
    data: npt.NDArray[np.uint8]

    @classmethod
    def from_strings(cls, strings: Sequence[str]) -> Text:
        """The given strings as a column."""
        raw = [s.encode() for s in strings]
        offsets = np.zeros(len(raw) + 1, np.int64)
        np.cumsum([len(r) for r in raw], out=offsets[1:])
        return cls(offsets, np.frombuffer(b"".join(raw), np.uint8))

    @classmethod
    def repeated(cls, text: str, count: int) -> Text:
        """The same string `count` times."""
        raw = np.frombuffer(text.encode(), np.uint8)
        return cls(np.arange(count + 1, dtype=np.int64) * len(raw), np.tile(raw, count))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> str:
        lo, hi = int(self.offsets[row]), int(self.offsets[row + 1])
        return self.data[lo:hi].tobytes().decode("utf-8", "replace")

    def to_arrow(self) -> pa.StringArray:
        """A utf8 array, without a copy when the bytes are valid."""
        offsets = self.offsets - self.offsets[0]
        data = self.data[self.offsets[0] : self.offsets[-1]]
        if offsets[-1] > np.iinfo(np.int32).max:
            raise OverflowError("more than 2 GiB of text in one column")
        array = pa.StringArray.from_buffers(
            len(self), pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data))
        )
        if len(data) and data.max() < FIRST_NOT_ASCII and (self.offsets[1:] >= self.offsets[:-1]).all():
            return array  # looking into each string takes ten times as long
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:
            return pa.array([self[i] for i in range(len(self))], pa.utf8())
        return array

    def to_list(self) -> list[str]:
        """The strings themselves."""
        return [str(s) for s in self.to_arrow().to_pylist()]

    def dictionary(self) -> tuple[npt.NDArray[np.int64], list[str]]:
        """`(codes, values)`: the distinct strings in order of appearance, and for each row which one it is."""
        codes, values = distinct(self.to_arrow())
        return codes.astype(np.int64), values


class Columns:
    """Every field of N messages; `msgs.header.stamp`, `msgs["fields"]`, `msgs.get("range", 0)`.

    Besides messages' own fields it has one public name, `get`, so that no field can hide behind a method.
    """

    __slots__ = ("_fields", "_length", "_msgtype", "_optional")

    def __init__(
        self,
        length: int,
        fields: Mapping[str, Any],
        msgtype: str = "",
        optional: Mapping[str, Flags | None] | None = None,
    ) -> None:
        """`optional`: the fields that a message may leave out, and which messages have them (None: all). As a whole it is None
        for encodings that know no such thing."""
        self._length = length
        self._fields = fields
        self._msgtype = msgtype
        self._optional = optional

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in Columns.__slots__:
            raise AttributeError(name)
        try:
            return self._fields[name]
        except KeyError:
            known = ", ".join(self._fields)
            raise AttributeError(f"{self._msgtype or 'message'} has no field {name!r}; it has {known}") from None

    def get(self, name: str, default: Any = None) -> Any:
        """The field, or `default` where this version of the message lacks it."""
        return self._fields.get(name, default)

    def __repr__(self) -> str:
        return f"Columns({self._msgtype or 'message'}, {self._length} rows, {', '.join(self._fields)})"


@dataclass(frozen=True, eq=False, slots=True)
class Emit:
    """What an adapter makes of N messages: archetype columns, and where and when they go.

    The topic, log times, frame ids and batching are the driver's business.
    """

    columns: ComponentColumnList | Sequence[ComponentColumnList]
    """`rr.Scalars.columns(...)`, or several archetypes for the same rows."""
    at: str | Sequence[str] = ""
    """Path below the topic, or one for each row. One that begins with `/` is a path of the recording: `/map`."""
    rows: npt.NDArray[np.integer[Any]] | None = None
    """Index of the message that each row comes from; None: row i comes from message i."""
    times: Sequence[TimeColumn] = field(default=())
    """Time columns that are added to, or replace, the driver's; one value per row."""
    static: bool = False
    """Belongs to all times; the last row is kept."""


def present(msgs: Columns, name: str) -> Flags:
    """Which messages have the field, shape (N,): all of them, unless the encoding knows fields that are left out."""
    flags = (msgs._optional or {}).get(name)
    return np.full(len(msgs), name in msgs) if flags is None else flags


STAMP_PARTS = (("sec", "nanosec"), ("seconds", "nanos"), ("sec", "nsec"), ("secs", "nsecs"))
"""ROS; `google.protobuf.Timestamp` and `Duration`; JSON and FlatBuffers of Foxglove; JSON of ROS 1."""


def is_stamp(value: object) -> bool:
    """Whether a field is a time or a duration that `nanos` can read."""
    return isinstance(value, Columns) and any(
        all(isinstance(value.get(part), np.ndarray) and value[part].dtype.kind in "iu" for part in parts)
        for parts in STAMP_PARTS
    )


def nanos(stamp: Columns) -> npt.NDArray[np.int64]:
    """Nanoseconds of a time or a duration in any spelling of `STAMP_PARTS`, shape (N,)."""
    sec, nanosec = next((parts for parts in STAMP_PARTS if all(part in stamp for part in parts)), STAMP_PARTS[0])
    secs: npt.NDArray[np.int64] = stamp[sec].astype(np.int64)
    nanosecs: npt.NDArray[np.int64] = stamp[nanosec].astype(np.int64)
    return secs * 1_000_000_000 + nanosecs


@overload
def take(column: Spans, index: npt.ArrayLike) -> Spans: ...
@overload
def take(column: Ragged, index: npt.ArrayLike) -> Ragged: ...
@overload
def take(column: Text, index: npt.ArrayLike) -> Text: ...
@overload
def take(column: Columns, index: npt.ArrayLike) -> Columns: ...
@overload
def take(column: Array, index: npt.ArrayLike) -> Array: ...
def take(column: Any, index: npt.ArrayLike) -> Any:
    """The given rows of any kind of column, in the order asked for. A boolean mask works too."""
    rows = np.asarray(index)
    if rows.dtype == np.bool_:
        rows = np.flatnonzero(rows)
    if isinstance(column, np.ndarray):
        return column[rows]
    if isinstance(column, Columns):
        optional = column._optional and {k: None if v is None else v[rows] for k, v in column._optional.items()}
        return Columns(len(rows), {k: take(v, rows) for k, v in column._fields.items()}, column._msgtype, optional)
    if isinstance(column, Spans):
        return type(column)(column.buffer, column.starts[rows], column.lengths[rows])
    starts = column.offsets[:-1][rows]
    sizes = column.offsets[1:][rows] - starts
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    where = np.repeat(starts - offsets[:-1], sizes) + np.arange(offsets[-1])
    if isinstance(column, Text):
        return Text(offsets, column.data[where])
    return type(column)(offsets, take(column.values, where))


def concat(columns: Sequence[Any]) -> Any:
    """Columns of the same shape, one after the other."""
    head = columns[0]
    if len(columns) == 1:
        return head
    if isinstance(head, np.ndarray):
        return np.concatenate(columns)
    if isinstance(head, Columns):
        fields = {k: concat([c[k] for c in columns]) for k in head}
        optional = head._optional and {k: _all_flags(columns, k) for k in head._optional}
        return Columns(sum(len(c) for c in columns), fields, head._msgtype, optional)
    sizes = np.concatenate([np.diff(c.offsets) for c in columns])
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    if isinstance(head, Text):
        return Text(offsets, np.concatenate([c.data[c.offsets[0] : c.offsets[-1]] for c in columns]))
    values = [take(c.values, np.arange(c.offsets[0], c.offsets[-1])) for c in columns]
    kind = type(head) if not isinstance(head, Spans) else Octets if isinstance(head, Octets) else Ragged
    return kind(offsets, concat(values))


def _all_flags(columns: Sequence[Columns], name: str) -> Flags | None:
    if all((c._optional or {}).get(name) is None for c in columns):
        return None
    return np.concatenate([present(c, name) for c in columns])


def gather(index: npt.ArrayLike, *columns: Any) -> tuple[Any, ...]:
    """`take` for several columns at once."""
    return tuple(take(column, index) for column in columns)


def repeat_rows(ragged: Ragged, column: Array) -> Array:
    """A per-message array, repeated for each element that the message has in `ragged`."""
    return np.repeat(column, ragged.lengths, axis=0)
