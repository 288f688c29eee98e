"""Raw messages on their way through the bridge: many messages of one connection as one buffer plus offsets.

File readers and live sources produce `RawBatch`; decoding and the raw sinks take it. There is no object per message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge._arrow import empty

__all__ = [
    "ROS_DEFINITIONS",
    "TEXT_DEFINITIONS",
    "Connection",
    "RawBatch",
    "are_large",
    "counts",
    "distinct",
    "gather_spans",
    "join_payloads",
    "rows_at",
    "structs_at",
    "windows",
]


Bytes: TypeAlias = npt.NDArray[np.uint8]
Int64s: TypeAlias = npt.NDArray[np.int64]
UInt32s: TypeAlias = npt.NDArray[np.uint32]

ROS_DEFINITIONS = frozenset({"ros1msg", "ros2msg", "ros2idl"})
TEXT_DEFINITIONS = frozenset({"ros1msg", "ros2msg", "ros2idl", "omgidl", "jsonschema"})
"""Formats of definitions that are text; those of others are binary."""
INDEXED_COPY_BYTES = 64
"""Up to this mean length, spans of unequal length are copied by an index per byte, above it by a slice per span."""
LARGE_BYTES = 1 << 16
"""From this mean length on, messages are put together without what stands between them, and byte strings in them are not copied
until somebody looks at them."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One stream of messages: a topic with a type and an encoding. A topic may have several connections."""

    id: int
    """Distinct within one file or live session."""
    topic: str
    msgtype: str
    """ROS types always in the long form, `sensor_msgs/msg/Imu`, in ROS 1 too; otherwise the schema's own name."""
    encoding: str
    """How payloads are encoded: `cdr`, `ros1`, `protobuf`, `json` …"""
    definition: str = ""
    """The message definition that came with the data, as text; empty if there was none. Binary schemas (protobuf's
    descriptor sets, FlatBuffers' reflection) are kept as Latin-1, one character per byte."""
    definition_format: str = ""
    """`ros1msg`, `ros2msg`, `ros2idl`, `protobuf`, `jsonschema` …; empty without a definition."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What else is known: `offered_qos_profiles`, `callerid`, `md5sum`, `latching`, `type_description_hash` …"""
    schema_name: str = ""
    """The type's name as an MCAP file spells it, if that is another than `msgtype`."""
    schema_id: int = 0
    """The number of the definition in an MCAP file; 0 elsewhere."""

    @property
    def definition_bytes(self) -> bytes:
        """The definition as the bytes that it was read from."""
        encoding = "utf-8" if self.definition_format in TEXT_DEFINITIONS else "latin-1"
        return self.definition.encode(encoding, "replace")


@dataclass(frozen=True, eq=False, slots=True)
class RawBatch:
    """N messages of one connection. Payload i is `buffer[starts[i] : starts[i] + sizes[i]]`.

    For `cdr` a payload begins with the 4-byte encapsulation header. Payloads may stand in any order in the buffer and
    the buffer may hold other bytes between them. The arrays are not to be written to.
    """

    connection: Connection
    buffer: Bytes
    """Shape (number of bytes,)."""
    starts: Int64s
    """Shape (N,)."""
    sizes: Int64s
    """Shape (N,)."""
    log_time_nanos: Int64s
    """When the recorder received each message, nanoseconds since the Unix epoch (or of simulated time); shape (N,)."""
    publish_time_nanos: Int64s
    """When each message was sent; the log time where the file does not know. Shape (N,)."""
    sequence: UInt32s
    """The publisher's counter; 0 where there is none. Shape (N,)."""
    order: Int64s
    """Position in the file over all topics, rising; shape (N,)."""
    ends_step: bool = False
    """Whether no message is missing, of connections that are read in step, that stands before this batch's last in the file."""

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def payload_bytes(self) -> int:
        """Bytes of all payloads together."""
        return int(self.sizes.sum())

    def payload(self, row: int) -> Bytes:
        """The bytes of one message, without a copy."""
        start = int(self.starts[row])
        return self.buffer[start : start + int(self.sizes[row])]

    def take(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> RawBatch:
        """The given rows (indices or a mask) over the same buffer."""
        return RawBatch(
            self.connection,
            self.buffer,
            self.starts[rows],
            self.sizes[rows],
            self.log_time_nanos[rows],
            self.publish_time_nanos[rows],
            self.sequence[rows],
            self.order[rows],
        )

    def compact(self) -> RawBatch:
        """The same messages end to end in a buffer of their own."""
        return RawBatch(
            self.connection,
            gather_spans(self.buffer, self.starts, self.sizes),
            np.cumsum(self.sizes) - self.sizes,
            self.sizes,
            self.log_time_nanos,
            self.publish_time_nanos,
            self.sequence,
            self.order,
        )

    @classmethod
    def joined(cls, batches: Sequence[RawBatch]) -> RawBatch:
        """Batches of one connection, at least one, end to end; what is known of the connection is what the last one knows.

        What stands between large messages is left out, so that nobody need copy these once more to be rid of it.
        """
        if len(batches) == 1:
            return batches[0]
        sizes = np.concatenate([batch.sizes for batch in batches])
        if are_large(sizes):
            buffer = empty((int(sizes.sum()),), np.uint8)
            np.concatenate([batch.payload(row) for batch in batches for row in range(len(batch))], out=buffer)
            starts = np.cumsum(sizes) - sizes
        else:
            buffer = np.concatenate([batch.buffer for batch in batches])
            bases = np.cumsum([0, *(len(batch.buffer) for batch in batches[:-1])])
            starts = np.concatenate([batch.starts + base for batch, base in zip(batches, bases, strict=True)])
        return cls(
            batches[-1].connection,
            buffer,
            starts,
            sizes,
            np.concatenate([batch.log_time_nanos for batch in batches]),
            np.concatenate([batch.publish_time_nanos for batch in batches]),
            np.concatenate([batch.sequence for batch in batches]),
            np.concatenate([batch.order for batch in batches]),
        )

    @classmethod
    def of(
        cls,
        connection: Connection,
        payloads: Sequence[bytes],
        log_time_nanos: npt.ArrayLike,
        *,
        publish_time_nanos: npt.ArrayLike | None = None,
        sequence: npt.ArrayLike | None = None,
        order: npt.ArrayLike | None = None,
    ) -> RawBatch:
        """A batch of separate byte strings, as a live source or a database has them."""
        buffer, starts, sizes = join_payloads(payloads)
        log_times = np.asarray(log_time_nanos, np.int64)
        n = len(sizes)
        return cls(
            connection,
            buffer,
            starts,
            sizes,
            log_times,
            log_times if publish_time_nanos is None else np.asarray(publish_time_nanos, np.int64),
            np.zeros(n, np.uint32) if sequence is None else np.asarray(sequence, np.uint32),
            np.arange(n, dtype=np.int64) if order is None else np.asarray(order, np.int64),
        )


def are_large(sizes: Int64s) -> bool:
    """Whether so many bytes each are better left where they are; none are not."""
    return len(sizes) > 0 and int(sizes.sum()) >= LARGE_BYTES * len(sizes)


def join_payloads(payloads: Iterable[bytes]) -> tuple[Bytes, Int64s, Int64s]:
    """Byte strings end to end: `(buffer, starts, sizes)`."""
    parts = payloads if isinstance(payloads, (list, tuple)) else list(payloads)
    sizes = np.fromiter(map(len, parts), np.int64, len(parts))
    starts = np.cumsum(sizes) - sizes
    return np.frombuffer(b"".join(parts), np.uint8), starts, sizes


def windows(buffer: Bytes, size: int) -> Bytes:
    """A view of every `size` consecutive bytes: row i is `buffer[i : i + size]`. Cheaper to make than numpy's own."""
    count = max(len(buffer) - size + 1, 0)
    view: Bytes = np.ndarray((count, size), np.uint8, buffer, 0, (1, 1)) if count else np.zeros((0, size), np.uint8)
    return view


def structs_at(buffer: Bytes, starts: Int64s, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """What stands at `starts`, which must all lie inside the buffer, as a copy; shape (N,).

    numpy copies elements of one type one by one, wherever they stand: five times as fast as rows of bytes where they are small.
    """
    kind = np.dtype(dtype)
    count = max(len(buffer) - kind.itemsize + 1, 0)
    copied = np.dtype((np.void, kind.itemsize)) if kind.names else kind  # not field by field
    every: npt.NDArray[Any] = np.ndarray((count,), copied, buffer, 0, (1,)) if count else np.zeros(0, copied)
    return every[starts].view(kind)


def rows_at(buffer: Bytes, starts: Int64s, size: int) -> Bytes:
    """`buffer[starts[i] : starts[i] + size]`, as a copy; shape (N, size)."""
    if not size:
        return np.zeros((len(starts), 0), np.uint8)
    return structs_at(buffer, starts, f"V{size}").view(np.uint8).reshape(len(starts), size)


def distinct(values: npt.NDArray[np.integer]) -> list[int]:
    """The values that occur, rising. `np.unique` says the same, but imports masked arrays (13 ms) and sorts what is all alike."""
    if len(values) and not (values == values[0]).all():
        ordered = np.sort(values)
        values = ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]
        return list(map(int, values))
    return list(map(int, values[:1]))


def counts(values: npt.NDArray[np.integer]) -> dict[int, int]:
    """How often each value occurs."""
    ordered = np.sort(values)
    bounds = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1], [True])))
    return dict(zip(ordered[bounds[:-1]].tolist(), np.diff(bounds).tolist(), strict=True)) if len(values) else {}


def gather_spans(buffer: Bytes, starts: Int64s, sizes: Int64s) -> Bytes:
    """`buffer[starts[i] : starts[i] + sizes[i]]` for all i, end to end, as a copy. The spans must lie in the buffer."""
    n = len(starts)
    if n == 0:
        return np.zeros(0, np.uint8)
    first = int(sizes[0])
    if (sizes == first).all():
        return rows_at(buffer, starts, first).reshape(-1)
    ends = np.cumsum(sizes)
    total = int(ends[-1])
    if total <= INDEXED_COPY_BYTES * n:
        return buffer[np.repeat(starts - (ends - sizes), sizes) + np.arange(total)]
    view = buffer.data
    spans = [view[a : a + size] for a, size in zip(starts.tolist(), sizes.tolist(), strict=True)]
    return np.frombuffer(b"".join(spans), np.uint8)
