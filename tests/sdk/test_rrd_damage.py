"""Torn, joined, overwritten and forged files: what is whole is read, what is not is told, and no length is believed."""

from __future__ import annotations

import io
import itertools
import os
import struct
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import lz4.block
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.errors import DamagedFileError, FileError, NotARecordingError, UnsupportedVersionError
from rrbridge.rrd import RrdReader, RrdWriter, _ipc
from rrbridge.rrd import _container as container
from rrbridge.rrd import _protocol as protocol
from rrbridge.rrd import _wire as wire

STORE = StoreId(StoreKind.RECORDING, "damage", "d")
LAYOUT = StoreId(StoreKind.BLUEPRINT, "damage", "layout")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """A folder whose name says that what is in it is broken on purpose."""
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    return damaged


def chunk(entity: str, rows: int = 3) -> Chunk:
    times = [TimeColumn.of("log_time", TimeKind.TIMESTAMP, np.arange(rows) + 1_700_000_000_000_000_000)]
    cells = pa.array([[f"text {i}" * 5] for i in range(rows)], pa.list_(pa.utf8()))
    return Chunk.from_columns(entity, times=times, components=[ComponentColumn(ComponentDescriptor("t"), cells)])


MESSAGES: list[LogMessage] = [
    StoreInfo.new(LAYOUT),
    StoredChunk(LAYOUT, chunk("/viewport", 1)),
    ActivateBlueprint(LAYOUT, make_active=True, make_default=True),
    StoreInfo.new(STORE),
    *(StoredChunk(STORE, chunk(f"/e{i}")) for i in range(3)),
]


def stream(*, footer: bool = True, compression: str = "lz4", messages: list[LogMessage] = MESSAGES) -> bytes:
    buffer = io.BytesIO()
    writer = RrdWriter(buffer, compression=compression)  # type: ignore[arg-type]
    for message in messages:
        writer.write(message)
    writer.close(footer=footer)
    return buffer.getvalue()


def frame_starts(data: bytes) -> list[int]:
    """Where each message's frame begins, and where the last one ends."""
    starts, position = [], container.HEADER_BYTES
    while position < len(data):
        kind, size = container.FRAME.unpack_from(data, position)
        starts.append(position)
        if kind == container.FrameKind.END:
            break
        position += container.FRAME.size + size
    else:
        starts.append(position)
    return starts


FINISHED = stream()
UNFINISHED = stream(footer=False)
STARTS = frame_starts(FINISHED)


def keys(messages: list[LogMessage]) -> list[object]:
    return [(type(m), m.chunk.id if isinstance(m, StoredChunk) else m.store_id) for m in messages]


def read(data: bytes, folder: Path) -> tuple[list[LogMessage], RrdReader]:
    path = folder / "x.rrd"
    path.write_bytes(data)
    reader = RrdReader(path)
    return list(reader.messages()), reader


def test_an_unfinished_stream_is_whole() -> None:
    assert FINISHED.startswith(UNFINISHED)
    reader = RrdReader(io.BytesIO(UNFINISHED))
    assert keys(list(reader.messages())) == keys(MESSAGES)
    assert reader.truncated_at is None
    assert reader.damage == ()


def test_torn_at_any_byte_every_whole_frame_is_read(tmp_path: Path) -> None:
    """All lengths in and around frames' headers, and a sample of those within payloads."""
    edges = {start + delta for start in STARTS for delta in range(-3, 20)}
    cuts = sorted(c for c in edges | set(range(12, len(FINISHED), 97)) | set(range(len(FINISHED) - 40, len(FINISHED))))
    for cut in (c for c in cuts if container.HEADER_BYTES <= c < len(FINISHED)):
        found, reader = read(FINISHED[:cut], tmp_path)
        whole = sum(end <= cut for end in STARTS[1:])
        assert keys(found) == keys(MESSAGES[:whole]), cut
        clean = cut in STARTS or cut in (12, STARTS[-1])
        end_frame_is_whole = cut == len(FINISHED) - container.TRAILER_BYTES
        if clean or end_frame_is_whole:
            assert reader.truncated_at is None, cut
        elif cut < len(FINISHED) - container.TRAILER_BYTES:
            assert reader.truncated_at == STARTS[whole], cut
        else:
            assert reader.truncated_at == len(FINISHED) - container.TRAILER_BYTES, cut
        assert reader.footer() is None
        assert sum(map(len, reader.manifests())) == sum(isinstance(m, StoredChunk) for m in found)


@pytest.mark.parametrize("zeros", [1, 15, 16, 17, 31, 32, 33, 100, 4096])
def test_zeros_after_a_power_cut_are_a_tear(tmp_path: Path, zeros: int) -> None:
    """A file that had grown on the disk, but whose last blocks were never written; 16 zeros alone are a legal end."""
    found, reader = read(UNFINISHED + bytes(zeros), tmp_path)
    assert keys(found) == keys(MESSAGES)
    assert reader.truncated_at == (None if zeros == 16 else len(UNFINISHED))


@pytest.mark.parametrize("compression", ["lz4", "none"])
@pytest.mark.parametrize("keep", [0, 1, 16, 17, 40, 200, 700])
def test_a_frame_that_turns_into_zeros_is_part_of_the_tear(tmp_path: Path, keep: int, compression: str) -> None:
    data = stream(footer=False, compression=compression)
    starts = frame_starts(data)
    cut = starts[-2] + keep
    found, reader = read(data[:cut] + bytes(len(data) - cut) + bytes(300), tmp_path)
    assert keys(found) == keys(MESSAGES[:-1])
    assert reader.truncated_at == starts[-2]


def test_joined_streams_of_all_kinds_are_read_to_the_last(tmp_path: Path) -> None:
    for parts in itertools.product((FINISHED, UNFINISHED), repeat=3):
        found, reader = read(b"".join(parts), tmp_path)
        assert keys(found) == keys(MESSAGES) * 3
        assert reader.damage == ()
    found, reader = read(UNFINISHED + FINISHED[: STARTS[2] + 5], tmp_path)
    assert keys(found) == keys(MESSAGES + MESSAGES[:2])
    assert reader.truncated_at == len(UNFINISHED) + STARTS[2]


@pytest.mark.parametrize("junk", [b"x", b"RRF3" * 10, bytes(40), b"\xff" * 100])
def test_junk_after_the_end_is_told_and_left(tmp_path: Path, junk: bytes) -> None:
    found, reader = read(FINISHED + junk, tmp_path)
    assert keys(found) == keys(MESSAGES)
    assert reader.truncated_at is None
    assert [d.offset for d in reader.damage] == [len(FINISHED)]


def test_a_damaged_chunk_costs_only_itself(tmp_path: Path) -> None:
    data = bytearray(FINISHED)
    payload = STARTS[5] + container.FRAME.size
    data[payload + 80 : payload + 120] = bytes(40)
    found, reader = read(bytes(data), tmp_path)
    assert keys(found) == keys(MESSAGES[:5] + MESSAGES[6:])
    assert [d.offset for d in reader.damage] == [STARTS[5]]
    assert reader.truncated_at is None
    with pytest.raises(DamagedFileError) as damaged:
        list(RrdReader(tmp_path / "x.rrd", strict=True).messages())
    assert damaged.value.offset == STARTS[5]


def test_a_pipe_is_read_like_a_file() -> None:
    for data, whole in ((FINISHED, 7), (UNFINISHED, 7), (FINISHED[: STARTS[4] + 9], 4), (FINISHED * 2, 14)):
        read_end, write_end = os.pipe()
        feeder = threading.Thread(target=_feed, args=(write_end, data))
        feeder.start()
        with os.fdopen(read_end, "rb") as pipe:
            reader = RrdReader(pipe)
            assert len(list(reader.messages())) == whole
            assert (reader.truncated_at is not None) == (whole == 4)
            assert reader.footer() is None
        feeder.join()


def _feed(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb", buffering=0) as pipe:
        for start in range(0, len(data), 1000):
            pipe.write(data[start : start + 1000])


def peak_bytes(action: Callable[[], object]) -> int:
    """The most memory that Python and Arrow took on the way, whatever became of the action."""
    pool = pa.default_memory_pool()
    before = pool.max_memory()
    tracemalloc.start()
    try:
        action()
    except FileError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return int(peak + max(pool.max_memory() - before, 0))


def framed(payload: bytes, kind: int = container.FrameKind.ARROW, size: int | None = None) -> bytes:
    return container.FRAME.pack(kind, len(payload) if size is None else size) + payload


HUGE = (1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)


@pytest.mark.parametrize("size", HUGE)
def test_the_length_of_a_frame_is_not_believed(tmp_path: Path, size: int) -> None:
    data = UNFINISHED + framed(b"abc", size=size)
    assert peak_bytes(lambda: read(data, tmp_path)) < 20_000_000
    found, reader = read(data, tmp_path)
    assert len(found) == len(MESSAGES)
    assert reader.truncated_at == len(UNFINISHED)
    stream_reader = RrdReader(io.BytesIO(data))
    assert peak_bytes(lambda: list(stream_reader.messages())) < 20_000_000
    assert stream_reader.truncated_at == len(UNFINISHED)


def test_damage_without_end_is_told_once_and_read_in_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found, reader = read(UNFINISHED + framed(b"") * 200_000 + stream(), tmp_path)
    assert keys(found) == keys(MESSAGES * 2)
    assert [d.offset for d in reader.damage] == [len(UNFINISHED)]
    assert len(caplog.records) == 1


def arrow_payload(data: bytes, uncompressed_size: int, *, packed: bool = True) -> bytes:
    compression = protocol.Compression.LZ4 if packed else protocol.Compression.NONE
    message = protocol.ArrowMsg(STORE, compression, uncompressed_size, (memoryview(data),), bytes(16), is_static=False)
    return b"".join(protocol.encode_arrow_msg(protocol.encode_store_id(STORE), message))


@pytest.mark.parametrize("size", HUGE)
def test_the_uncompressed_size_is_not_believed(tmp_path: Path, size: int) -> None:
    """Too large is tolerated, as the format has it; memory is taken for what the payload can hold."""
    ipc = bytes(_ipc.write_batch(chunk("/big").to_record_batch()))
    payload = arrow_payload(lz4.block.compress(ipc, store_size=False), size)
    data = UNFINISHED + framed(payload)
    assert peak_bytes(lambda: read(data, tmp_path)) < 20_000_000
    found, _ = read(data, tmp_path)
    last = found[-1]
    assert isinstance(last, StoredChunk)
    assert last.chunk.entity_path == "/big"


def test_a_size_that_is_too_small_is_an_error(tmp_path: Path) -> None:
    ipc = bytes(_ipc.write_batch(chunk("/big").to_record_batch()))
    payload = arrow_payload(lz4.block.compress(ipc, store_size=False), len(ipc) - 1)
    _, reader = read(UNFINISHED + framed(payload), tmp_path)
    assert len(reader.damage) == 1


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_the_sizes_in_compressed_arrow_buffers_are_not_believed(tmp_path: Path, codec: str) -> None:
    batch = chunk("/packed", 200).to_record_batch()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_batch(batch)
    honest = sink.getvalue().to_pybytes()
    found, _ = read(UNFINISHED + framed(arrow_payload(honest, len(honest), packed=False)), tmp_path)
    last = found[-1]
    assert isinstance(last, StoredChunk)
    assert last.chunk.to_record_batch().equals(batch)
    true_size = struct.pack("<q", 16 * 200)
    assert honest.count(true_size) >= 1
    for size in (1 << 33, 1 << 40, (1 << 63) - 1):
        forged = honest.replace(true_size, struct.pack("<q", size))
        data = UNFINISHED + framed(arrow_payload(forged, len(forged), packed=False))
        assert peak_bytes(lambda data=data: read(data, tmp_path)) < 20_000_000  # type: ignore[misc]
        _, reader = read(data, tmp_path)
        assert len(reader.damage) == 1
        assert "packed" in reader.damage[0].reason


def test_the_trailer_is_not_believed(tmp_path: Path) -> None:
    """Offsets and sizes that lie; a checksum that does not fit; each time the file reads as one without an index."""
    path = tmp_path / "x.rrd"
    body, trailer = FINISHED[: -container.TRAILER_BYTES], bytearray(FINISHED[-container.TRAILER_BYTES :])
    for field, value in itertools.product((0, 8), (0, 5, *HUGE, len(FINISHED) - 1)):
        forged = bytearray(trailer)
        struct.pack_into("<Q", forged, field, value)
        path.write_bytes(body + forged)
        reader = RrdReader(path)
        assert peak_bytes(reader.footer) < 20_000_000
        assert reader.footer() is None
        assert sum(map(len, reader.manifests())) == 4
    trailer[16] ^= 1
    path.write_bytes(body + trailer)
    assert RrdReader(path).footer() is None


def test_an_index_that_points_outside_the_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.rrd"
    path.write_bytes(FINISHED)
    reader = RrdReader(path)
    for offset, size in ((len(FINISHED), 10), (5, 1 << 40), (1 << 62, 1 << 62), (12, 30), (STARTS[3] + 16, 50)):
        with pytest.raises(DamagedFileError):
            reader.chunk_at(offset, size)
    reader.close()


def forge(messages: list[tuple[int, int]], data: bytes = FINISHED) -> bytes:
    out = bytearray(data)
    for position, value in messages:
        out[position % len(out)] = value
    return bytes(out)


@settings(max_examples=400, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(12, 1 << 20), st.integers(0, 255)), min_size=1, max_size=6),
    packed=st.booleans(),
)
def test_whatever_bytes_change_only_our_errors_come(
    tmp_path: Path, changes: list[tuple[int, int]], packed: bool
) -> None:
    data = forge(changes, FINISHED if packed else stream(compression="none"))
    path = tmp_path / "x.rrd"
    path.write_bytes(data)
    reader = RrdReader(path)

    def use() -> None:
        for message in reader.messages():
            if isinstance(message, StoredChunk):
                _touch(message.chunk)
        for manifest in reader.manifests():
            for index in range(len(manifest)):
                try:
                    _touch(reader.chunk(manifest, index))
                except FileError:
                    continue

    assert peak_bytes(use) < 50_000_000
    reader.close()


def _touch(one: Chunk) -> None:
    """Everything in a chunk, as a viewer would."""
    for component in one.components.values():
        pa.concat_arrays([component.cells.flatten(), component.cells.flatten()])
    assert all(len(t) == one.num_rows for t in one.times.values())
    str(one)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_wire_error(data: bytes) -> None:
    view = memoryview(data)
    for parse in (
        lambda: list(wire.fields(view)),
        lambda: protocol.decode_store_info(view),
        lambda: protocol.decode_arrow_msg(view, protocol.StoreIds()),
        lambda: protocol.decode_activation(view, protocol.StoreIds()),
        lambda: protocol.decode_footer(view),
    ):
        try:
            parse()
        except wire.WireError:
            continue


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400), headed=st.booleans())
def test_any_file_is_read_or_refused(tmp_path: Path, data: bytes, headed: bool) -> None:
    content = (container.stream_header(lz4=True) if headed else b"") + data
    path = tmp_path / "x.rrd"
    path.write_bytes(content)
    reader = RrdReader(path)
    try:
        list(reader.messages())
        reader.manifests()
        reader.stores()
    except NotARecordingError:
        assert not headed
    except UnsupportedVersionError:
        assert data.startswith((b"RRF0", b"RRF1", b"RRF2"))


def test_a_file_that_is_not_there_is_a_file_error(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        list(RrdReader(tmp_path / "none.rrd").messages())
    with pytest.raises(FileError):
        RrdReader(tmp_path / "none.rrd").footer()
    with pytest.raises(FileError):
        RrdWriter(tmp_path / "no folder" / "x.rrd")
