"""A picture that stands in its message is written once, and every reader finds both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rerun.chunk import ChunkStore as ReferenceStore
from rerun.chunk import RrdReader as ReferenceReader

from rrbridge._arrow import list_array, primitive, unit_lists
from rrbridge._chunk import SpansColumn
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.columns import Spans, take
from rrbridge.rrd import RrdReader, RrdWriter
from rrbridge.rrd._ipc import pieces_of, read_batch
from rrbridge.rrd._shared_bytes import SHARED_MIN_BYTES
from rrbridge.rrd.tools.compare import Likeness, compare
from rrbridge.rrd.tools.merge import merge

STORE = StoreId(StoreKind.RECORDING, "shared", "bytes")
RAW = ComponentDescriptor("McapMessage:data", "rerun.archetypes.McapMessage", "rerun.components.Blob")
PICTURE = ComponentDescriptor("EncodedImage:blob", "rerun.archetypes.EncodedImage", "rerun.components.Blob")
OTHERS: list[pa.Array] = [
    pa.array([[1.5, None, 2.5]], pa.list_(pa.float32())),
    pa.array([None], pa.list_(pa.utf8())),
    pa.array([["a", "ß", ""]], pa.list_(pa.utf8())),
    pa.array([[{"x": [1, 2], "y": {"z": True}}]]),
    pa.array([[{"x": [], "y": {"z": None}}, None]]),
    pa.array([[[1, 2, 3], None]], pa.list_(pa.list_(pa.uint8()))),
    pa.array([[]], pa.list_(pa.list_(pa.field("item", pa.uint8(), nullable=False), 3))),
    pa.array([[None]], pa.list_(pa.null())),
]
NAMES = ["A:first", "F:between", "Z:last"]
BYTES = st.binary(max_size=70)


def blob(descriptor: ComponentDescriptor, data: np.ndarray[Any, Any], start: int, size: int) -> ComponentColumn:
    """One row: a view of `size` bytes."""
    return SpansColumn(descriptor, Spans(data, np.array([start]), np.array([size])))


def noise(seed: int, size: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, size, np.uint8)


@st.composite
def shared_chunks(draw: st.DrawFn) -> tuple[Chunk, int]:
    """A row whose columns look into one message, and how many bytes these have in common."""
    head, tail = draw(st.integers(0, 70)), draw(st.integers(0, 70))
    size = draw(st.integers(SHARED_MIN_BYTES, SHARED_MIN_BYTES + 70))
    before = draw(st.integers(0, 9))
    message = noise(draw(st.integers(0, 9)), before + head + size + tail)
    columns = [blob(RAW, message, before, head + size + tail), blob(PICTURE, message, before + head, size)]
    saved = size if head else 0
    if draw(st.booleans()):
        columns.append(blob(ComponentDescriptor("Thumbnail"), message, before + head + 5, size - 5))
        saved += size - 5 if size - 5 >= SHARED_MIN_BYTES else 0
    others = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(OTHERS)))
    columns += [ComponentColumn(ComponentDescriptor(name), cells) for name, cells in others.items()]
    times = [TimeColumn.of("t", TimeKind.SEQUENCE, np.array([draw(st.integers(0, 2**40))]))]
    return Chunk.from_columns("/camera", times=times, components=columns), saved


def apart(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same, no column of which shares memory with another."""
    columns = [pa.concat_arrays([column, column.slice(0, 0)]) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def stream_of(batch: pa.RecordBatch) -> bytes:
    return b"".join(pieces_of(batch))


@settings(max_examples=60, deadline=None)
@given(shared_chunks())
def test_what_is_read_is_what_was_written(found: tuple[Chunk, int]) -> None:
    batch, saved = found[0].to_record_batch(), found[1]
    once, twice = stream_of(batch), stream_of(apart(batch))
    assert saved <= len(twice) - len(once) < saved + 16
    read = read_batch(once)
    assert read.equals(batch)
    assert read.schema.equals(batch.schema, check_metadata=True)
    assert stream_of(read) == once, "also when it is written again"
    for index, column in enumerate(batch.columns):
        options = pa.ipc.IpcReadOptions(included_fields=[index])
        (alone,) = pa.ipc.open_stream(once, options=options).read_next_batch().columns
        assert alone.equals(column)


def is_written_as_it_is(batch: pa.RecordBatch) -> None:
    stream = stream_of(batch)
    assert len(stream) == len(stream_of(apart(batch)))
    assert read_batch(stream).equals(batch)


def test_bytes_that_are_not_within_others_stay() -> None:
    message = noise(0, 3 * SHARED_MIN_BYTES)
    for start, size in ((0, 2 * SHARED_MIN_BYTES), (SHARED_MIN_BYTES - 1, SHARED_MIN_BYTES + 1), (50, 100)):
        columns = [blob(RAW, message, SHARED_MIN_BYTES, 2 * SHARED_MIN_BYTES), blob(PICTURE, message, start, size)]
        batch = Chunk.from_columns("/camera", components=columns).to_record_batch()
        is_written_as_it_is(batch)


def test_several_rows_stay() -> None:
    message = noise(0, 4 * SHARED_MIN_BYTES)
    lists = list_array(np.array([0, len(message) // 2, len(message)]), primitive(message), nullable=False)
    inner = list_array(np.array([5, len(message) // 2 + 10, len(message) - 5]), primitive(message), nullable=False)
    columns = [ComponentColumn(RAW, unit_lists(lists)), ComponentColumn(PICTURE, unit_lists(inner))]
    batch = Chunk.from_columns("/camera", components=columns).to_record_batch()
    is_written_as_it_is(batch)
    second = batch.slice(1)
    assert len(stream_of(second)) < len(stream_of(apart(second))) - SHARED_MIN_BYTES + 100
    assert read_batch(stream_of(second)).equals(second)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A file with pictures written once, and one that differs in that alone; noise, and what LZ4 makes smaller."""
    folder = tmp_path_factory.mktemp("shared")
    paths = folder / "once.rrd", folder / "twice.rrd"
    messages = [noise(n, 300_000 + n) for n in range(6)] + [np.full(400_000, n, np.uint8) for n in range(3)]
    chunks = []
    for number, message in enumerate(messages):
        columns = [blob(RAW, message, 0, len(message)), blob(PICTURE, message, 37 + number, len(message) - 60)]
        times = [TimeColumn.of("t", TimeKind.SEQUENCE, np.array([number]))]
        chunks.append(Chunk.from_columns("/camera", times=times, components=columns))
    info = StoreInfo.new(STORE)
    for path, found in zip(paths, (chunks, [Chunk(apart(c.to_record_batch())) for c in chunks]), strict=True):
        with RrdWriter(path) as writer:
            writer.write(info)
            for chunk in found:
                writer.write(StoredChunk(STORE, chunk))
    assert paths[0].stat().st_size < 0.52 * paths[1].stat().st_size
    return paths


def rerun_rrd(*arguments: str | Path) -> str:
    command = [str(Path(sys.executable).with_name("rerun")), "rrd", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def batches_of(path: Path) -> list[pa.RecordBatch]:
    """By the reference's reader."""
    found = [chunk.to_record_batch() for chunk in ReferenceReader(path).stream().to_chunks()]
    for batch in found:
        batch.validate(full=True)
    return sorted(found, key=lambda batch: batch.column("t")[0].as_py())


def cells_of(path: Path) -> list[list[bytes]]:
    """Both blobs of each row, by the reference's reader."""
    return [
        [batch.column(d.component).slice(row, 1).flatten().flatten().to_numpy().tobytes() for d in (RAW, PICTURE)]
        for batch in batches_of(path)
        for row in range(batch.num_rows)
    ]


def test_the_reference_reads_it(pair: tuple[Path, Path], tmp_path: Path) -> None:
    once, twice = pair
    assert "verified without error" in rerun_rrd("verify", once)
    found = cells_of(once)
    assert found == cells_of(twice)
    assert all(len(message) > len(picture) > 299_000 and picture in message for message, picture in found)
    for path in pair:  # its comparison tells list offsets apart that mean the same; in its own chunks they are the same
        rerun_rrd("optimize", path, "-o", tmp_path / path.name)
    rerun_rrd("compare", "--unordered", tmp_path / once.name, tmp_path / twice.name)


def test_the_reference_s_queries_find_it(pair: tuple[Path, Path]) -> None:
    pytest.importorskip("datafusion", reason="the reference's queries need rerun-sdk[catalog]")
    store = ReferenceStore.from_chunks(ReferenceReader(pair[0]).stream().to_chunks())
    table = pa.Table.from_batches(store.reader("t").collect()).combine_chunks().sort_by("t")
    for descriptor, place in ((RAW, 0), (PICTURE, 1)):
        column = table.column(f"/camera:{descriptor.component}")
        assert [cell.values[0].values.to_numpy().tobytes() for cell in column] == [
            one[place] for one in cells_of(pair[1])
        ]


@pytest.mark.parametrize("tool", [("merge",), ("optimize",), ("route",), ("filter", "--drop-entity", "/nothing")])
def test_the_reference_s_tools_take_it(pair: tuple[Path, Path], tmp_path: Path, tool: tuple[str, ...]) -> None:
    once, twice = pair
    out = tmp_path / "out.rrd"
    rerun_rrd(*tool, once, "-o", out)
    assert cells_of(out) == cells_of(twice)


def test_it_is_in_memory_once(pair: tuple[Path, Path]) -> None:
    once, twice = (
        sum(m.chunk.nbytes for m in RrdReader(path).messages() if isinstance(m, StoredChunk)) for path in pair
    )
    assert once < 0.51 * twice


def test_our_tools_keep_it(pair: tuple[Path, Path], tmp_path: Path) -> None:
    once, twice = pair
    assert not list(compare(RrdReader(once), RrdReader(twice), Likeness(same_chunks=True)))
    out = tmp_path / "merged.rrd"
    with RrdWriter(out) as writer:
        merge(RrdReader(once).entries(), writer)
    assert out.stat().st_size < 1.01 * once.stat().st_size
    assert cells_of(out) == cells_of(twice)


def test_spans_are_rows_that_are_copied_when_looked_at() -> None:
    buffer = noise(3, 1000)
    starts, sizes = np.array([500, 20, 980, 20]), np.array([30, 0, 20, 400])
    spans = Spans(buffer, starts, sizes)
    expected = [buffer[a : a + n].tobytes() for a, n in zip(starts, sizes, strict=True)]
    assert [spans[row].tobytes() for row in range(4)] == expected
    assert spans[-1].tobytes() == expected[-1]
    assert spans.values.tobytes() == b"".join(expected)
    assert spans.lengths.tolist() == sizes.tolist()
    for chosen in ([3, 0], [2], np.arange(0), [False, True, True, False]):
        some = take(spans, chosen)
        assert isinstance(some, Spans)
        assert some.values.tobytes() == b"".join(expected[row] for row in np.arange(4)[chosen])
    with pytest.raises(IndexError):
        spans[4]
    column = SpansColumn(RAW, spans)
    assert (len(column), column.nbytes) == (4, 450)
    assert [bytes(cell[0].as_py()) for cell in column.cells] == expected
