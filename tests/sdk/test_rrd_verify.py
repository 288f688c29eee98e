"""Checking files: nothing is wrong with good ones, each fault is found, and what the reference refuses we refuse."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rrbridge._arrow import list_array
from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._tuid import new_tuids
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.errors import NotARecordingError, UnsupportedVersionError
from rrbridge.rrd import RrdWriter, _ipc
from rrbridge.rrd import _container as container
from rrbridge.rrd import _protocol as protocol
from rrbridge.rrd import _wire as wire
from rrbridge.rrd._manifest_builder import ManifestBuilder
from rrbridge.rrd.tools._chunk_rules import _classes
from rrbridge.rrd.tools.verify import verify

RERUN = Path(sys.executable).with_name("rerun")
STORE = StoreId(StoreKind.RECORDING, "verify", "v")
TEXT = ComponentDescriptor("TextLog:text", "rerun.archetypes.TextLog", "rerun.components.Text")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name says that what is in it is broken on purpose."""
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    return damaged


def chunk(entity: str = "/x", rows: int = 3, **options: object) -> Chunk:
    times = [TimeColumn.of("frame", TimeKind.SEQUENCE, np.arange(rows))]
    cells = pa.array([[f"text {i}"] for i in range(rows)], pa.list_(pa.utf8()))
    return Chunk.from_columns(entity, times=times, components=[ComponentColumn(TEXT, cells)], **options)  # type: ignore[arg-type]


def stream(*chunks: Chunk, announce: bool = True, footer: bool = True) -> bytes:
    buffer = io.BytesIO()
    writer = RrdWriter(buffer)
    messages: list[LogMessage] = [StoreInfo.new(STORE)] if announce else []
    for message in [*messages, *(StoredChunk(STORE, one) for one in chunks)]:
        writer.write(message)
    writer.close(footer=footer)
    return buffer.getvalue()


GOOD = stream(chunk("/a"), chunk("/b"), chunk("/a"))


def reference_refuses(path: Path, *, footers: bool = True) -> bool:
    arguments = [str(RERUN), "rrd", "verify", "--check-footers", str(footers).lower(), str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    # lz4's own library, which everyone but the reference uses, takes a match that begins where it is put
    return done.returncode != 0 and "not a valid match offset" not in done.stderr


def errors(data: bytes, *, check_index: bool = True) -> list[str]:
    return [p.text for p in verify(io.BytesIO(data), check_index=check_index) if p.is_error]


def test_nothing_is_wrong_with_good_files(folder: Path) -> None:
    path = folder / "good.rrd"
    path.write_bytes(GOOD)
    assert verify(path) == []
    assert verify(io.BytesIO(GOOD)) == []
    assert verify(io.BytesIO(stream(chunk(), footer=False)), check_index=False) == []


def test_nothing_is_wrong_with_what_the_reference_writes(tmp_path: Path) -> None:
    import rerun
    import rerun.blueprint as rrb

    path = tmp_path / "reference.rrd"
    recording = rerun.RecordingStream("verify", recording_id="by the reference")
    recording.save(path, default_blueprint=rrb.Blueprint(rrb.Spatial3DView(origin="/world")))
    recording.log("world", rerun.ViewCoordinates.FLU, static=True)
    for i in range(20):
        recording.set_time("frame", sequence=20 - i)
        recording.log("world/points", rerun.Points3D(np.full((10, 3), i), colors=[255, 0, 0], radii=0.1))
        recording.log("plot", rerun.Scalars(float(i)))
        recording.log("world/image", rerun.Image(np.full((20, 30, 3), i, np.uint8)))
    recording.log("world", rerun.Clear(recursive=True))
    recording.log("tensor", rerun.Tensor(np.arange(24.0).reshape(2, 3, 4)))
    recording.disconnect()
    assert verify(path) == []
    optimized = tmp_path / "optimized.rrd"
    subprocess.run([RERUN, "rrd", "optimize", path, "-o", optimized], check=True, capture_output=True)
    assert verify(optimized) == []


# Files with one fault each.


def packed(one: Chunk, **changes: Any) -> bytes:
    """A frame whose message says something else than its chunk."""
    from rrbridge.rrd._codec import pack_chunk

    message = replace(pack_chunk(STORE, one, protocol.Compression.NONE), **changes)
    payload = b"".join(protocol.encode_arrow_msg(protocol.encode_store_id(STORE), message))
    return container.FRAME.pack(container.FrameKind.ARROW, len(payload)) + payload


def with_batch(one: Chunk, change: Callable[[pa.RecordBatch], pa.RecordBatch]) -> bytes:
    data = _ipc.pieces_of(change(one.to_record_batch()))
    return packed(one, payload=[memoryview(b"".join(data))], uncompressed_size=sum(map(len, data)))


def unfinished(*frames: bytes) -> bytes:
    return stream(footer=False) + b"".join(frames)


def claims_order(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    fields = [
        f.with_metadata(f.metadata | {b"rerun:is_sorted": b"true"}) if f.name == name else f for f in batch.schema
    ]
    return pa.RecordBatch.from_arrays(batch.columns, schema=pa.schema(fields, metadata=batch.schema.metadata))


def retyped(datatype: pa.DataType, value: object) -> Chunk:
    cells = pa.array([[value]] * 3, pa.list_(datatype))
    times = [TimeColumn.of("frame", TimeKind.SEQUENCE, np.arange(3))]
    return Chunk.from_columns("/x", times=times, components=[ComponentColumn(TEXT, cells)])


def frame_chunk(values: list[int], kind: TimeKind = TimeKind.SEQUENCE) -> Chunk:
    cells = pa.array([["t"]] * len(values), pa.list_(pa.utf8()))
    times = [TimeColumn.of("frame", kind, values)]
    return Chunk.from_columns("/x", times=times, components=[ComponentColumn(TEXT, cells)])


ONE = chunk()
TWICE = new_tuids(1).repeat(3, axis=0)
MESSAGE_FAULTS: dict[str, tuple[bytes, str]] = {
    "unannounced": (stream(chunk(), announce=False, footer=False), "not announced"),
    "rows in disorder": (stream(chunk(row_ids=new_tuids(3)[::-1]), footer=False), "not in order of their ids"),
    "row ids twice": (stream(chunk(row_ids=TWICE), footer=False), "two rows of one id"),
    "chunk ids twice": (stream(ONE, ONE, footer=False), "two chunks of one id"),
    "false order": (
        unfinished(with_batch(frame_chunk([3, 1, 2]), lambda batch: claims_order(batch, "frame"))),
        "said to be sorted",
    ),
    "reserved time": (stream(frame_chunk([-(2**63), 1]), footer=False), "reserved"),
    "timeline of two kinds": (
        stream(frame_chunk([1]), frame_chunk([1], TimeKind.TIMESTAMP), footer=False),
        "changes what it is",
    ),
    "wrong type": (stream(retyped(pa.int32(), 1), footer=False), "where rerun.components.Text is string"),
    "null instance": (stream(retyped(pa.utf8(), None), footer=False), "null among"),
    "another chunk's id": (unfinished(packed(chunk(), chunk_id=bytes(16))), "names another chunk"),
    "false static": (unfinished(packed(chunk(), is_static=True)), "wrongly whether"),
    "compression unsaid": (
        unfinished(packed(chunk(), compression=protocol.Compression.UNSPECIFIED)),
        "how it is compressed",
    ),
    "cut": (stream(chunk(), footer=False)[:-10], "ends inside a frame"),
    "junk": (GOOD + b"junk", "something foreign"),
    "unreadable": (unfinished(container.FRAME.pack(2, 3) + b"abc"), "cannot be read"),
    "joined": (GOOD + stream(chunk("/c")), "another stream follows"),
    "no source": (
        GOOD[:12] + container.FRAME.pack(1, 0) + GOOD[12:],
        "cannot be read",
    ),
}


@pytest.mark.parametrize("name", MESSAGE_FAULTS)
def test_faults_of_messages_are_found(name: str) -> None:
    data, text = MESSAGE_FAULTS[name]
    found = errors(data, check_index=False)
    assert any(text in one for one in found), found
    assert len(found) == 1, found


def with_footer(change: Callable[[protocol.RawManifest], protocol.RawManifest | None]) -> bytes:
    """A file whose index says something else."""
    body = stream(chunk("/a"), chunk("/b", 2), footer=False)
    builder, position = ManifestBuilder(STORE), container.HEADER_BYTES
    while position < len(body):
        kind, size = container.FRAME.unpack_from(body, position)
        start = position + container.FRAME.size
        if kind == container.FrameKind.ARROW:
            message = protocol.decode_arrow_msg(memoryview(body)[start : start + size], protocol.StoreIds())
            from rrbridge.rrd._codec import chunk_of

            builder.add(chunk_of(message), start, size, message.uncompressed_size)
        position = start + size
    changed = change(builder.build())
    payload = protocol.encode_footer([] if changed is None else [changed])
    end = container.FRAME.pack(container.FrameKind.END, len(payload)) + payload
    return body + end + container.trailer(len(body) + container.FRAME.size, payload)


def with_data(change: Callable[[pa.RecordBatch], pa.RecordBatch]) -> bytes:
    def changed(raw: protocol.RawManifest) -> protocol.RawManifest:
        batch = _ipc.read_batch(_ipc.unpack(raw.data, raw.compression, raw.uncompressed_size))
        data = bytes(_ipc.write_batch(change(batch)))
        return replace(raw, data=memoryview(data), compression=protocol.Compression.NONE, uncompressed_size=len(data))

    return with_footer(changed)


def with_column(name: str, values: pa.Array) -> bytes:
    def change(batch: pa.RecordBatch) -> pa.RecordBatch:
        index = batch.schema.get_field_index(name)
        return batch.set_column(index, batch.schema.field(index), values)

    return with_data(change)


def changed_at(data: bytes, position: int, value: bytes) -> bytes:
    position %= len(data)
    return data[:position] + value + data[position + len(value) :]


def without(column: str) -> bytes:
    return with_data(lambda batch: batch.drop_columns([column]))


UNSIGNED = pa.uint64()
INDEX_FAULTS: dict[str, tuple[bytes, str]] = {
    "none": (stream(chunk(), footer=False), "no index"),
    "empty end": (stream(chunk(), footer=False) + bytes(16), "the end has no index"),
    "no trailer": (GOOD[: -container.TRAILER_BYTES], "nothing points to the index"),
    "checksum": (changed_at(GOOD, -16, b"abcd"), "checksum"),
    "offset": (changed_at(GOOD, -32, struct.pack("<Q", 7)), "points elsewhere"),
    "no manifests": (with_footer(lambda _: None), "the end has no index"),
    "another store": (
        with_footer(lambda raw: replace(raw, store_id=StoreId(StoreKind.RECORDING, "verify", "other"))),
        "is in the index and has no chunks",
    ),
    "a chunk too few": (with_data(lambda batch: batch.slice(1)), "1 chunks in the index, 2 in the file"),
    "offsets": (with_column("chunk_byte_offset", pa.array([20, 30], UNSIGNED)), "chunk_byte_offset"),
    "sizes": (with_column("chunk_byte_size", pa.array([20, 30], UNSIGNED)), "chunk_byte_size"),
    "rows": (with_column("chunk_num_rows", pa.array([20, 30], UNSIGNED)), "chunk_num_rows"),
    "entities": (with_column("chunk_entity_path", pa.array(["/q", "/r"])), "chunk_entity_path"),
    "times": (with_column("frame:start", pa.array([1, 1])), "frame:start"),
    "lacks a column": (without("chunk_num_rows"), "lacks chunk_num_rows"),
    "lacks times": (without("frame:start"), "frame:start"),
    "schema": (
        with_footer(lambda raw: replace(raw, schema=memoryview(_ipc.write_schema(pa.schema([]))))),
        "schema lacks",
    ),
    "hash": (with_footer(lambda raw: replace(raw, schema_hash=b"short")), "hash of its schema"),
}


@pytest.mark.parametrize("name", INDEX_FAULTS)
def test_faults_of_the_index_are_found(name: str) -> None:
    data, text = INDEX_FAULTS[name]
    found = errors(data)
    assert any(text in one for one in found), found
    assert errors(data, check_index=False) == []


def test_an_index_without_columns_for_single_components_only_costs_something() -> None:
    data = with_data(lambda batch: batch.drop_columns([n for n in batch.schema.names if n.startswith("frame:TextLog")]))
    (found,) = verify(io.BytesIO(data))
    assert not found.is_error


def test_the_reference_refuses_nothing_that_we_take(folder: Path) -> None:
    faults = {**MESSAGE_FAULTS, **INDEX_FAULTS}
    paths = []
    for number, (data, _) in enumerate(faults.values()):
        paths.append(folder / f"fault{number}.rrd")
        paths[-1].write_bytes(data)
    for path in paths:
        for footers in (True, False):
            if reference_refuses(path, footers=footers):
                assert errors(path.read_bytes(), check_index=footers)


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
)
@given(position=st.integers(12, len(GOOD) - 1), value=st.integers(0, 255))
def test_the_reference_refuses_no_changed_byte_that_we_take(folder: Path, position: int, value: int) -> None:
    path = folder / "changed.rrd"
    path.write_bytes(changed_at(GOOD, position, bytes([value])))
    assert errors(path.read_bytes()) or not reference_refuses(path)


def of_type(descriptor: ComponentDescriptor, datatype: pa.DataType, *, empty: bool = True) -> Chunk:
    values = pa.nulls(0, datatype) if empty else pa.array([1], datatype)
    column = ComponentColumn(descriptor, list_array(np.array([0, len(values)]), values))
    return Chunk.from_columns(f"/{descriptor.component.replace(':', '/')}", components=[column])


def test_every_built_in_type_is_known_to_both(folder: Path) -> None:
    good, bad = folder / "good.rrd", folder / "bad.rrd"
    fields = [(f.descriptor, f.component.encoding.arrow) for cls in _classes() for f in cls.fields.values()]
    assert len(fields) > 300
    good.write_bytes(stream(*(of_type(descriptor, datatype) for descriptor, datatype in fields)))
    assert verify(good) == []
    assert not reference_refuses(good)
    bad.write_bytes(stream(*(of_type(descriptor, pa.int16(), empty=False) for descriptor, _ in fields)))
    told = [problem for problem in verify(bad) if problem.is_error]
    assert sum(problem.times for problem in told) == len(fields)
    assert reference_refuses(bad)


@pytest.mark.parametrize(
    ("descriptor", "is_wrong"),
    [
        (ComponentDescriptor("Nothing:x", "rerun.archetypes.Nothing"), False),
        (ComponentDescriptor("Nothing:x", "rerun.archetypes.Nothing", "my.Type"), False),
        (ComponentDescriptor("Nothing:x", "rerun.blueprint.archetypes.Nothing", "rerun.components.Text"), True),
        (ComponentDescriptor("Points3D:nothing", "rerun.archetypes.Points3D"), False),
        (ComponentDescriptor("Points3D:positions", "rerun.archetypes.Points3D"), False),
        (ComponentDescriptor("Points3D:positions", "rerun.archetypes.Points3D", "rerun.components.Text"), True),
        (ComponentDescriptor("x", None, "rerun.components.Text"), True),
        (ComponentDescriptor("Nothing:x", "my.archetypes.Nothing"), False),
        (ComponentDescriptor("x"), False),
    ],
)
def test_unknown_names_are_wrong_where_the_reference_says_so(
    folder: Path, descriptor: ComponentDescriptor, is_wrong: bool
) -> None:
    path = folder / "x.rrd"
    path.write_bytes(stream(of_type(descriptor, pa.int16(), empty=False)))
    assert bool(errors(path.read_bytes())) == is_wrong
    assert reference_refuses(path) == is_wrong


def test_values_of_ones_own_beside_an_archetype_are_nothing_to_tell(folder: Path) -> None:
    """The reference writes the further fields of a point cloud so."""
    own = ComponentDescriptor("Points3D:intensity", "rerun.archetypes.Points3D")
    mistaken = ComponentDescriptor("Points3D:position", "rerun.archetypes.Points3D", "rerun.components.Text")
    path = folder / "x.rrd"
    path.write_bytes(stream(of_type(own, pa.float32(), empty=False)))
    assert verify(path) == []
    path.write_bytes(stream(of_type(mistaken, pa.utf8())))
    assert [p.text for p in verify(path)] == ["rerun.archetypes.Points3D has no such component"]


def test_a_fault_is_told_once(folder: Path) -> None:
    found = verify(io.BytesIO(stream(*(retyped(pa.int32(), 1) for _ in range(50)), footer=False)), check_index=False)
    assert [(p.times, p.where, p.is_error) for p in found] == [(50, "/x TextLog:text", True)]


def test_what_cannot_be_read_at_all_is_an_error() -> None:
    with pytest.raises(NotARecordingError):
        verify(io.BytesIO(b"junk"))
    with pytest.raises(UnsupportedVersionError):
        verify(io.BytesIO(b"RRF1" + bytes(100)))


def test_a_source_that_is_missing_is_an_error() -> None:
    info = wire.blob(1, protocol._encode_tuid(bytes(16))) + wire.blob(2, wire.blob(2, protocol.encode_store_id(STORE)))
    frame = container.FRAME.pack(container.FrameKind.STORE_INFO, len(info)) + info
    assert errors(container.stream_header(lz4=True) + frame, check_index=False) == [
        "a store is announced without saying who made it, which readers refuse"
    ]


@pytest.mark.real_data
def test_the_reference_refuses_no_real_recording_that_we_take(shared_data: Path) -> None:
    for path in sorted(shared_data.rglob("*.rrd")) + sorted(shared_data.rglob("*.rbl")):
        for footers in (True, False):
            try:
                ours = errors(path.read_bytes(), check_index=footers)
            except UnsupportedVersionError:
                ours = ["too old"]
            assert reference_refuses(path, footers=footers) == bool(ours), (path, ours)
