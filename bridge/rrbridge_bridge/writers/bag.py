"""ROS 1 bags, version 2.0. Format: http://wiki.ros.org/Bags/Format/2.0."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written

if TYPE_CHECKING:
    import numpy.typing as npt

    from rrbridge.importers import ImportOptions
    from rrbridge_bridge.raw import Connection, Int64s
    from rrbridge_bridge.readers import AttachedFile, NamedMetadata
    from rrbridge_bridge.readers._blocks import Rows
    from rrbridge_bridge.writers._chunks import Chunk, Parts

__all__ = ["BagSink", "bag"]

COMPRESSIONS = ("none", "lz4", "bz2")
CHUNK_BYTES = 768 << 10
MAGIC = b"#ROSBAG V2.0\n"
HEADER_BYTES = 4096
"""Of the first record, all in all: what is not known before the end is written over it."""
U32 = struct.Struct("<I")
MAX_SECONDS = 2**32 - 1


class BagSink:
    """A bag that is being written."""

    def __init__(self, path: Path, options: WriteOptions) -> None:
        from rrbridge_bridge.writers._chunks import ChunkPacker

        self._path = path
        self._compression = options.compression or COMPRESSIONS[0]
        self._file = path.open("wb", buffering=1 << 20)
        self._packer = ChunkPacker(options.chunk_bytes or CHUNK_BYTES, self._pack, self._write_chunk)
        self._connections = bytearray()
        self._numbers: dict[int, int] = {}
        self._infos = bytearray()
        self._chunks = 0
        self._write_header(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._packer.close()
        self._file.close()

    def announce(self, connection: Connection) -> None:
        """Write the connection."""
        from rrbridge_bridge.readers._bag_records import Op
        from rrbridge_bridge.readers._names import short_type_name

        number = self._numbers[connection.id] = len(self._numbers)
        topic = connection.topic.encode()
        about = {
            "topic": topic,
            "type": short_type_name(connection.msgtype).encode(),
            "md5sum": connection.metadata.get("md5sum", "*").encode(),
            "message_definition": connection.definition.encode(),
        }
        about |= {key: value.encode() for key, value in connection.metadata.items() if key not in about}
        record = _record(Op.CONNECTION, {"conn": U32.pack(number), "topic": topic}, _fields(about))
        self._connections += record
        self._packer.chunk.put(record)

    def write(self, rows: Rows) -> None:
        """Append messages. Raises FileError for times that a bag cannot tell."""
        from dataclasses import replace

        import numpy as np

        from rrbridge.errors import FileError

        if not len(rows):
            return
        ids, which = np.unique(rows.connection_ids, return_inverse=True)
        numbers = np.array([self._numbers[number] for number in ids.tolist()], np.int64)[which]
        first, last = int(rows.log_time_nanos.min()), int(rows.log_time_nanos.max())
        if first < 0 or last // 10**9 > MAX_SECONDS:
            raise FileError(self._path, f"a ROS 1 bag has no such time: {first if first < 0 else last} ns since 1970")
        heads: npt.NDArray[np.void] = np.repeat(np.frombuffer(_HEAD_BYTES, np.dtype(_HEAD)), len(rows))
        heads["conn"] = numbers
        heads["sec"], heads["nsec"] = np.divmod(rows.log_time_nanos, 10**9)
        heads["size"] = rows.sizes
        self._packer.add(replace(rows, connection_ids=numbers), heads)

    def add(self, record: NamedMetadata | AttachedFile) -> bool:  # noqa: ARG002 - a bag has no place for it
        """False: a bag holds messages only."""
        return False

    def finish(self) -> None:
        """Write the index."""
        self._packer.finish()
        index_start = self._file.tell()
        self._file.write(self._connections + self._infos)
        self._file.seek(len(MAGIC))
        self._write_header(index_start)
        self._file.close()

    def _write_header(self, index_start: int) -> None:
        from rrbridge_bridge.readers._bag_records import Op

        if not index_start:
            self._file.write(MAGIC)
        fields = {
            "index_pos": struct.pack("<Q", index_start),
            "conn_count": U32.pack(len(self._numbers)),
            "chunk_count": U32.pack(self._chunks),
        }
        bare = len(_record(Op.BAG_HEADER, fields, b""))
        self._file.write(_record(Op.BAG_HEADER, fields, b" " * (HEADER_BYTES - bare)))

    def _pack(self, records: Parts) -> tuple[Parts, int, str]:
        from rrbridge_bridge.writers._compression import compressed

        return [compressed(b"".join(records), self._compression)], 0, self._compression

    def _write_chunk(self, chunk: Chunk, packed: Parts, _crc: int, _compression: str) -> None:
        from rrbridge_bridge.readers._bag_records import Op

        start = self._file.tell()
        self._chunks += 1
        fields = {"compression": self._compression.encode(), "size": U32.pack(chunk.size)}
        self._file.write(_record(Op.CHUNK, fields, b"".join(packed)))
        counts = b""
        for number, times, offsets in chunk.by_connection():
            count = U32.pack(len(times))
            about = {"ver": U32.pack(1), "conn": U32.pack(number), "count": count}
            self._file.write(_record(Op.INDEX, about, _index(times, offsets)))
            counts += U32.pack(number) + count
        first, last = chunk.span()
        self._infos += _record(
            Op.CHUNK_INFO,
            {
                "ver": U32.pack(1),
                "chunk_pos": struct.pack("<Q", start),
                "start_time": _time(first),
                "end_time": _time(last),
                "count": U32.pack(len(counts) // 8),
            },
            counts,
        )


def _fields(values: dict[str, bytes]) -> bytes:
    parts = [key.encode() + b"=" + value for key, value in values.items()]
    return b"".join(U32.pack(len(part)) + part for part in parts)


def _record(op: int, fields: dict[str, bytes], data: bytes) -> bytes:
    header = _fields({"op": bytes([op]), **fields})
    return U32.pack(len(header)) + header + U32.pack(len(data)) + data


def _time(nanos: int) -> bytes:
    return struct.pack("<II", *divmod(nanos, 10**9))


def _index(times: Int64s, offsets: Int64s) -> bytes:
    import numpy as np

    from rrbridge_bridge.readers._bag_records import INDEX_ENTRY

    entries = np.empty(len(times), INDEX_ENTRY)
    entries["sec"], entries["nsec"] = np.divmod(times, 10**9)
    entries["offset"] = offsets
    return entries.tobytes()


_HEAD_BYTES = _record(2, {"conn": bytes(4), "time": bytes(8)}, b"")
_CONN_AT, _TIME_AT = _HEAD_BYTES.index(b"conn=") + 5, _HEAD_BYTES.index(b"time=") + 5
_HEAD: list[tuple[str, str]] = [
    ("before", f"V{_CONN_AT}"),
    ("conn", "<u4"),
    ("between", f"V{_TIME_AT - _CONN_AT - 4}"),
    ("sec", "<u4"),
    ("nsec", "<u4"),
    ("size", "<u4"),
]
"""The head of a message record for numpy, which copies only bytes that have a name."""


def _write(inputs: Sequence[Path], output: Path, options: ImportOptions, how: WriteOptions) -> Written:
    from rrbridge_bridge.writers._copy import copy_messages

    return copy_messages(inputs, output, options, how, bag, lambda path, _: BagSink(path, how), encoding="ros1")


bag = OutputFormat("bag", "ROS 1 bag", ".bag", COMPRESSIONS, _write)
