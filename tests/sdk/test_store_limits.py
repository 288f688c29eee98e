"""Recordings larger than memory: what is read, what makes way, what stays."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._store import ChunkStore
from rrbridge._store_events import Removed
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._transforms import TransformTree
from rrbridge.errors import FileError, InvalidValueError
from rrbridge.rrd import RrdReader, RrdWriter

STORE_ID = StoreId(StoreKind.RECORDING, "app", "run")
PICTURE_BYTES = 100_000


def picture(entity: str, time: int, **more: pa.Array) -> Chunk:
    pixels = pa.array([np.full(PICTURE_BYTES, time % 256, np.uint8)], pa.list_(pa.uint8()))
    columns = {"pixels": pixels, **more}
    return Chunk.from_columns(
        entity,
        times=[TimeColumn.of("log", TimeKind.SEQUENCE, [time])],
        components=[ComponentColumn(name, cells) for name, cells in columns.items()],
    )


def text(entity: str, times: list[int] | None, component: str, words: list[str]) -> Chunk:
    stamps = [] if times is None else [TimeColumn.of("log", TimeKind.SEQUENCE, times)]
    return Chunk.from_columns(
        entity, times=stamps, components=[ComponentColumn(component, pa.array([[w] for w in words]))]
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A hundred pictures of each of two cameras, and a static name."""
    path = tmp_path / "run.rrd"
    with RrdWriter(path) as writer:
        writer.write(StoreInfo.new(STORE_ID))
        writer.write(StoredChunk(STORE_ID, text("/left", None, "name", ["left"])))
        for time in range(100):
            for camera in ("/left", "/right"):
                writer.write(StoredChunk(STORE_ID, picture(camera, time)))
    return path


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    reads: list[int] = []
    chunk_at = RrdReader.chunk_at

    def counted(reader: RrdReader, offset: int, size: int) -> Chunk:
        reads.append(offset)
        return chunk_at(reader, offset, size)

    monkeypatch.setattr(RrdReader, "chunk_at", counted)
    return reads


def test_only_what_a_query_needs_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    store = ChunkStore.open(file)
    assert (store.num_chunks, store.num_rows, store.entities()) == (201, 201, ["/left", "/right"])
    assert store.time_range("log") == (0, 99)
    assert store.datatypes("/left")["pixels"] == pa.list_(pa.uint8())
    assert reads == []
    assert store.latest_at("/right", ["pixels"], "log", 50)["pixels"].values[7].as_py() == 50
    assert len(reads) == 1
    assert store.range("/right", "pixels", "log", 49, 52).times.tolist() == [49, 50, 51, 52]
    assert len(reads) == 4  # one was there
    assert store.latest_at("/left", None, "log", 3).keys() == {"name", "pixels"}
    assert len(reads) == 6


def test_what_was_not_used_for_longest_makes_way(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    store = ChunkStore.open(file, memory_limit=10 * PICTURE_BYTES)
    for time in range(100):
        assert store.latest_at("/left", ["pixels"], "log", time)["pixels"].time == time
        assert store.nbytes <= 10 * PICTURE_BYTES
    assert len(reads) == 101  # and the static one
    for time in (97, 98, 99, 5, 97):
        assert store.latest_at("/left", ["pixels"], "log", time)["pixels"].time == time
    assert len(reads) == 102


def test_a_file_without_an_index_is_read_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ChunkStore.open(file)
    file.write_bytes(file.read_bytes()[:-5000])
    reads = count_reads(monkeypatch)
    store = ChunkStore.open(file, memory_limit="1MB")
    assert store.num_rows == whole.num_rows
    assert reads == []
    assert store.latest_at("/left", ["name"], "log", 0) == whole.latest_at("/left", ["name"], "log", 0)


def test_a_damaged_chunk_is_left_out_and_told(file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with RrdReader(file) as reader:
        (manifest,) = reader.manifests()
    damaged = bytearray(file.read_bytes())
    begin = int(manifest.byte_offsets[101])  # /left at 50
    damaged[begin : begin + 60] = b"\xff" * 60
    (tmp_path / "damaged").mkdir()
    path = tmp_path / "damaged" / "run.rrd"
    path.write_bytes(damaged)
    store = ChunkStore.open(path)
    with caplog.at_level(logging.WARNING):
        assert store.latest_at("/left", ["pixels"], "log", 50)["pixels"].time == 49
        assert store.latest_at("/left", ["pixels"], "log", 51)["pixels"].time == 51
        table = store.latest_at_table(["/left"], ["pixels"], "log", [49, 50, 51])
        assert table["pixels"].times.tolist() == [[49, 49, 51]]
    assert [record.getMessage().count(str(path)) for record in caplog.records] == [1]


def test_what_cannot_be_opened(file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no recording"):
        ChunkStore.open(file, store_id=StoreId(StoreKind.RECORDING, "app", "another"))
    with pytest.raises(FileError):
        ChunkStore.open(tmp_path / "absent.rrd")
    with pytest.raises(InvalidValueError, match="4GB"):
        ChunkStore.open(file, memory_limit="much")


def test_a_live_store_drops_the_oldest_and_keeps_the_latest() -> None:
    store = ChunkStore(memory_limit=30 * PICTURE_BYTES)
    feed = store.follow(lambda component: component == "pixels")
    store.insert(text("/slow", [0], "word", ["once"]))
    store.insert(text("/fixed", None, "word", ["always"]))
    store.insert(picture("/still", 1))
    for time in range(2, 200):
        store.insert(picture("/camera", time))
        assert store.nbytes <= 30 * PICTURE_BYTES
    assert store.latest_at("/slow", None, "log", 199)["word"].values.to_pylist() == ["once"]
    assert store.latest_at("/fixed", None, "log", 199)["word"].values.to_pylist() == ["always"]
    assert store.latest_at("/still", None, "log", 199)["pixels"].time == 1
    kept = store.range("/camera", "pixels", "log", 0, 200).times
    assert kept.tolist() == list(range(int(kept[0]), 200))
    assert len(kept) > 20
    assert list(store.dropped) == ["/camera"]
    dropped = store.dropped["/camera"]
    assert dropped.rows == 198 - len(kept)
    assert dropped.nbytes >= dropped.rows * PICTURE_BYTES
    assert dropped.time_ranges["log"] == (2, int(kept[0]))  # the last of them stays as the latest before the rest
    told = [event.dropped for event in feed.take() if isinstance(event, Removed)]
    assert sum(d.rows for d in told if d.entity == "/camera") == dropped.rows


def test_static_data_that_is_shadowed_makes_way() -> None:
    store = ChunkStore()
    for number in range(50):
        store.insert(text("/a", None, "word", [str(number)]))
        store.insert(text("/a", None, "other", ["x"]))
    store.drop_oldest(10**9)
    assert store.num_rows == 2
    assert store.latest_at("/a", None, "log", 0)["word"].values.to_pylist() == ["49"]
    assert store.dropped["/a"].rows == 98


def test_the_last_transform_of_every_frame_stays() -> None:
    store = ChunkStore()
    frames = [f"wheel{n % 4}" for n in range(40)]
    for number, frame in enumerate(frames):
        cells = {
            "Transform3D:child_frame": pa.array([[frame]]),
            "Transform3D:parent_frame": pa.array([["base"]]),
            "Transform3D:translation": pa.array([[[float(number), 0, 0]]], pa.list_(pa.list_(pa.float32(), 3))),
        }
        components = [ComponentColumn(name, column) for name, column in cells.items()]
        stamps = [TimeColumn.of("log", TimeKind.SEQUENCE, [number])]
        store.insert(Chunk.from_columns("/tf", times=stamps, components=components))
    store.drop_oldest(10**9)
    assert store.num_rows == 4
    tree = TransformTree(store)
    for number in range(4):
        assert tree.transform("base", f"wheel{number}", "log", 100)[0, 3] == 36 + number


def test_a_limit_below_what_stays_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    store = ChunkStore(memory_limit=2 * PICTURE_BYTES)
    with caplog.at_level(logging.WARNING):
        for camera in range(8):
            for time in range(3):
                store.insert(picture(f"/camera{camera}", time))
    assert len(store.latest_at_many(store.entities(), ["pixels"], "log", 9)) == 8
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "memory limit" in caplog.text


def test_a_file_is_rewritten_without_holding_it(file: Path, tmp_path: Path) -> None:
    store = ChunkStore.open(file, memory_limit=10 * PICTURE_BYTES)
    store.write_rrd(tmp_path / "again.rrd", application_id="app", recording_id="again")
    assert store.nbytes <= 10 * PICTURE_BYTES
    again = ChunkStore.open(tmp_path / "again.rrd")
    assert again.num_rows == store.num_rows
    for time in (0, 50, 99):
        found = [s.latest_at("/right", None, "log", time)["pixels"] for s in (store, again)]
        assert found[0] == found[1]
        assert found[0].values.equals(found[1].values)
