"""What is written is what is read: any chunk, any message, through a file, a pipe and the index."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._tuid import new_tuid
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.errors import FileError, InvalidValueError
from rrbridge.rrd import Manifest, RrdReader, RrdWriter
from rrbridge.rrd._container import FRAME

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
PATHS = st.lists(NAMES, max_size=4)
TIMES = st.integers(-(2**63) + 1, 2**63 - 1)
VALUES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.float32(), st.floats(width=32, allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.utf8(), st.text(max_size=8)),
    (pa.list_(pa.field("item", pa.uint8(), nullable=False)), st.lists(st.integers(0, 255), max_size=6)),
    (pa.list_(pa.float64(), 2), st.lists(st.floats(allow_nan=False), min_size=2, max_size=2)),
    (
        pa.struct([("axis", pa.utf8()), ("angle", pa.float32())]),
        st.fixed_dictionaries({"axis": st.text(max_size=3), "angle": st.floats(width=32, allow_nan=False)}),
    ),
    (pa.null(), st.none()),
]


@st.composite
def component_columns(draw: st.DrawFn, name: str, rows: int) -> ComponentColumn:
    datatype, values = draw(st.sampled_from(VALUES))
    cells = draw(st.lists(st.none() | st.lists(values, max_size=3), min_size=rows, max_size=rows))
    archetype = draw(st.none() | st.just("rerun.archetypes.Points3D") | NAMES)
    component_type = draw(st.none() | NAMES)
    return ComponentColumn(
        ComponentDescriptor(name, archetype, component_type), pa.array(cells, pa.list_(pa.field("item", datatype)))
    )


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    rows = draw(st.integers(0, 5))
    timelines = draw(st.dictionaries(NAMES, st.sampled_from(TimeKind), max_size=3))
    names = draw(st.sets(NAMES, max_size=3))
    times = [
        TimeColumn.of(name, kind, draw(st.lists(TIMES, min_size=rows, max_size=rows)))
        for name, kind in timelines.items()
    ]
    components = [draw(component_columns(name, rows)) for name in sorted(names)]
    row_ids = np.frombuffer(b"".join(new_tuid() for _ in range(rows)), ">u8").reshape(rows, 2)
    entity = "/" + "/".join(draw(PATHS))
    return Chunk.from_columns(entity, times=times, components=components, row_ids=row_ids)


STORES = st.builds(
    StoreId, st.sampled_from(StoreKind), st.from_regex(r"[A-Za-z0-9_\-\[\]: ]{1,180}", fullmatch=True), NAMES
)


@st.composite
def messages(draw: st.DrawFn) -> list[LogMessage]:
    stores = draw(st.lists(STORES, min_size=1, max_size=3))
    store = st.sampled_from(stores)
    kinds = st.one_of(
        st.builds(StoreInfo, store, st.binary(min_size=16, max_size=16), st.text(max_size=20)),
        st.builds(StoredChunk, store, chunks()),
        st.builds(ActivateBlueprint, store, st.booleans(), st.booleans()),
    )
    return draw(st.lists(kinds, max_size=8))


def same(ours: LogMessage, theirs: LogMessage) -> bool:
    if not isinstance(ours, StoredChunk) or not isinstance(theirs, StoredChunk):
        return ours == theirs
    one, other = ours.chunk.to_record_batch(), theirs.chunk.to_record_batch()
    return ours.store_id == theirs.store_id and bool(one.equals(other, check_metadata=True))


@settings(max_examples=150, deadline=None)
@given(wanted=messages(), compression=st.sampled_from(["lz4", "none"]), footer=st.booleans())
def test_messages_come_back_as_they_were(wanted: list[LogMessage], compression: Any, footer: bool) -> None:
    buffer = io.BytesIO()
    writer = RrdWriter(buffer, compression=compression)
    for message in wanted:
        writer.write(message)
    writer.close(footer=footer)
    buffer.seek(0)
    reader = RrdReader(buffer)
    found = list(reader.messages())
    assert reader.damage == ()
    assert len(found) == len(wanted)
    assert all(map(same, wanted, found))


@settings(max_examples=100, deadline=None)
@given(wanted=messages())
def test_the_index_finds_every_chunk_and_says_what_is_in_it(wanted: list[LogMessage]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.rrd"
        with RrdWriter(path) as writer:
            for message in wanted:
                writer.write(message)
        reader = RrdReader(path)
        footer = reader.footer()
        assert footer is not None
        stored: dict[StoreId, list[Chunk]] = {}
        for message in wanted:
            if isinstance(message, StoredChunk):
                stored.setdefault(message.store_id, []).append(message.chunk)
        assert reader.stores() == list(stored)
        for manifest in footer.manifests:
            originals = stored[manifest.store_id]
            assert len(manifest) == len(originals)
            for index, chunk in enumerate(originals):
                found = reader.chunk(manifest, index)
                assert found.to_record_batch().equals(chunk.to_record_batch(), check_metadata=True)
                assert_described(manifest, index, chunk)
        reader.close()


def assert_described(manifest: Manifest, index: int, chunk: Chunk) -> None:
    assert manifest.entity_paths[index] == chunk.entity_path
    assert manifest.chunk_id(index) == chunk.tuid
    assert manifest.is_static[index] == chunk.is_static
    assert manifest.num_rows is not None
    assert manifest.num_rows[index] == chunk.num_rows
    for timeline in manifest.timelines:
        ranges = manifest.times(timeline)
        own = chunk.times.get(timeline)
        has_times = own is not None and len(own) > 0
        assert ranges.present[index] == has_times
        if own is not None and has_times:
            assert (ranges.start[index], ranges.end[index]) == (own.values.min(), own.values.max())
        for component in chunk.components.values():
            valid = component.cells.is_valid().to_numpy(zero_copy_only=False)
            spans = manifest.component_times(timeline, component.descriptor)
            if own is None or not valid.any():
                assert spans is None or not spans.present[index]
                continue
            rows = manifest.component_rows(timeline, component.descriptor)
            assert spans is not None
            assert rows is not None
            assert spans.start[index] == own.values[valid].min()
            assert spans.end[index] == own.values[valid].max()
            assert rows[index] == valid.sum()
    for component in chunk.components.values():
        assert manifest.has_static(component.descriptor)[index] == chunk.is_static


def one_chunk(entity: str = "/a", rows: int = 100) -> Chunk:
    cells = pa.array([[float(i)] for i in range(rows)], pa.list_(pa.float64()))
    times = [TimeColumn.of("t", TimeKind.SEQUENCE, np.arange(rows))]
    return Chunk.from_columns(entity, times=times, components=[ComponentColumn(ComponentDescriptor("v"), cells)])


STORE = StoreId(StoreKind.RECORDING, "app", "run")


class CountingFile(io.RawIOBase):
    """Remembers each write; `limit` bytes are taken at a time, `room` in all."""

    def __init__(self, limit: int = 1 << 30, room: int = 1 << 30) -> None:
        self.writes: list[bytes] = []
        self.limit = limit
        self.room = room

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data[: min(self.limit, self.room)])
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(taken)
        self.writes.append(taken)
        return len(taken)


def test_each_frame_is_one_write() -> None:
    file = CountingFile()
    writer = RrdWriter(file)  # type: ignore[arg-type]
    for message in (StoreInfo.new(STORE), StoredChunk(STORE, one_chunk()), StoredChunk(STORE, one_chunk())):
        writer.write(message)
    writer.close()
    assert len(file.writes) == 5
    assert [len(w) for w in file.writes[1:4]] == [16 + FRAME.unpack_from(w)[1] for w in file.writes[1:4]]
    assert writer.bytes_written == sum(map(len, file.writes))


def test_a_file_that_takes_a_little_at_a_time_gets_everything() -> None:
    file = CountingFile(limit=7)
    with RrdWriter(file) as writer:  # type: ignore[arg-type]
        writer.write(StoredChunk(STORE, one_chunk()))
    reader = RrdReader(io.BytesIO(b"".join(file.writes)))
    assert len(list(reader.messages())) == 1
    assert reader.damage == ()


def test_a_full_disk_is_a_file_error_and_leaves_whole_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.rrd"
    writer = RrdWriter(path)
    writer.write(StoredChunk(STORE, one_chunk()))
    real = writer._file
    monkeypatch.setattr(writer, "_file", _Filling(real, 20))
    with pytest.raises(FileError, match="No space left"):
        writer.write(StoredChunk(STORE, one_chunk("/b")))
    monkeypatch.setattr(writer, "_file", real)
    assert path.stat().st_size == writer.bytes_written
    writer.write(StoredChunk(STORE, one_chunk("/c")))
    writer.close()
    reader = RrdReader(path)
    paths = [m.chunk.entity_path for m in reader.messages() if isinstance(m, StoredChunk)]
    assert paths == ["/a", "/c"]
    assert reader.footer() is not None


class _Filling:
    """A file on a disk with room for so many bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self._file = file
        self._room = room

    def write(self, data: Any) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._file.write(data[: self._room])
        self._room -= taken
        return int(taken)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_what_was_written_so_far_can_be_read_while_writing(tmp_path: Path) -> None:
    """A recorder may be watched, and killed, at any time."""
    path = tmp_path / "x.rrd"
    writer = RrdWriter(path)
    for count in range(1, 4):
        writer.write(StoredChunk(STORE, one_chunk()))
        writer.sync()
        reader = RrdReader(path)
        assert len(list(reader.messages())) == count
        assert reader.truncated_at is None
    writer.close(footer=False)
    assert path.stat().st_size == writer.bytes_written


def test_a_failing_block_still_leaves_a_finished_file(tmp_path: Path) -> None:
    path = tmp_path / "x.rrd"
    with pytest.raises(ZeroDivisionError), RrdWriter(path) as writer:  # noqa: PT012 - the block is what fails
        writer.write(StoredChunk(STORE, one_chunk()))
        _ = 1 / 0
    assert RrdReader(path).footer() is not None


def test_a_pipe_whose_reader_left_is_a_file_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb", buffering=0) as pipe, pytest.raises(FileError, match="Broken pipe"):
        RrdWriter(pipe)


def test_what_no_reader_takes_is_refused_when_written(tmp_path: Path) -> None:
    with RrdWriter(tmp_path / "x.rrd") as writer:
        for store_id in (StoreId(StoreKind.RECORDING, "", "r"), StoreId(StoreKind.RECORDING, "a", "")):
            with pytest.raises(InvalidValueError, match="an empty one"):
                writer.write(StoredChunk(store_id, one_chunk()))
    with pytest.raises(FileError, match="already finished"):
        writer.write(StoredChunk(STORE, one_chunk()))
    buffer = io.BytesIO()
    RrdWriter(buffer).sync()
    assert len(buffer.getvalue()) == 12


def test_an_empty_recording_is_a_legal_file(tmp_path: Path) -> None:
    path = tmp_path / "x.rrd"
    RrdWriter(path).close()
    reader = RrdReader(path)
    assert list(reader.messages()) == []
    assert reader.manifests() == ()
    assert reader.truncated_at is None


@pytest.mark.parametrize(
    ("zeros", "noise", "zeros_after", "stored"),
    [
        pytest.param(0, 100_000, 0, 100_000, id="noise"),
        pytest.param(0, 1_000_000, 0, 1_000_000, id="much noise"),
        pytest.param(40_000, 920_000, 40_000, 1_000_000, id="noise wherever samples are taken"),
        pytest.param(0, 700_000, 300_000, 700_000, id="noise in most of them"),
        pytest.param(100_000, 100_000, 0, 100_000, id="too little to be worth a sample"),
    ],
)
def test_what_does_not_shrink_is_stored_as_it_is(
    tmp_path: Path, zeros: int, noise: int, zeros_after: int, stored: int
) -> None:
    content = bytes(zeros) + np.random.default_rng(0).bytes(noise) + bytes(zeros_after)
    cells = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array([content], pa.binary()))
    chunk = Chunk.from_columns("/jpeg", components=[ComponentColumn(ComponentDescriptor("blob"), cells)])
    with RrdWriter(tmp_path / "x.rrd") as writer:
        writer.write(StoredChunk(STORE, chunk))
        assert stored < writer.bytes_written < stored + 6_000
    (message,) = RrdReader(tmp_path / "x.rrd").messages()
    assert isinstance(message, StoredChunk)
    assert message.chunk.components["blob"].cells.equals(cells)


def test_dictionaries_and_bare_columns_come_out_as_lists_of_values() -> None:
    plain = one_chunk(rows=3).to_record_batch()
    words = pa.array([["a", "b"], [], ["a"]], pa.list_(pa.utf8()))
    looked_up = pa.ListArray.from_arrays(words.offsets, words.values.dictionary_encode())
    bare = pa.array([1.5, None, 2.5])
    batch = plain.append_column(pa.field("words", looked_up.type), looked_up)
    batch = batch.append_column(pa.field("bare", bare.type), bare)
    buffer = io.BytesIO()
    writer = RrdWriter(buffer)
    writer.write(StoredChunk(STORE, Chunk(batch)))
    writer.close()
    (message,) = RrdReader(io.BytesIO(buffer.getvalue())).messages()
    assert isinstance(message, StoredChunk)
    components = message.chunk.components
    assert components["words"].cells.equals(words)
    assert components["bare"].cells.to_pylist() == [[1.5], [None], [2.5]]


def test_the_index_of_a_long_recording_leaves_out_what_would_be_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rrbridge.rrd._manifest_builder.PER_COMPONENT_CELLS_MAX", 5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.rrd"
        with RrdWriter(path) as writer:
            for _ in range(2):
                writer.write(StoredChunk(STORE, one_chunk()))
        footer = RrdReader(path).footer()
    assert footer is not None
    (manifest,) = footer.manifests
    assert manifest.component_times("t", ComponentDescriptor("v")) is None
    assert manifest.times("t").present.all()
