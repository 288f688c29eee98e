"""`.rrd` and `.rbl` files through the door that all file formats come through."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from rrbridge import importers
from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.errors import FileError, UnsupportedVersionError
from rrbridge.importers import ImportOptions
from rrbridge.rrd import RrdWriter, importer

STORE = StoreId(StoreKind.RECORDING, "app", "run")
LAYOUT = StoreId(StoreKind.BLUEPRINT, "app", "layout")
START = 1_700_000_000_000_000_000


def chunk(entity: str, *, timeline: str | None = "message_log_time", first: int = 0, rows: int = 10) -> Chunk:
    nanos = START + first + np.arange(rows)
    times = [] if timeline is None else [TimeColumn.of(timeline, TimeKind.TIMESTAMP, nanos)]
    cells = pa.array([[float(i)] for i in range(rows)], pa.list_(pa.float64()))
    descriptor = ComponentDescriptor("Scalars:scalars", "rerun.archetypes.Scalars", "rerun.components.Scalar")
    return Chunk.from_columns(entity, times=times, components=[ComponentColumn(descriptor, cells)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "x.rrd", footer=True)


def write(path: Path, *, footer: bool) -> Path:
    messages: list[LogMessage] = [
        StoreInfo.new(LAYOUT),
        StoredChunk(LAYOUT, chunk("/viewport", timeline=None, rows=1)),
        ActivateBlueprint(LAYOUT, make_active=False, make_default=True),
        StoreInfo.new(STORE),
        StoredChunk(STORE, chunk("/__properties", timeline=None, rows=1)),
        StoredChunk(STORE, chunk("/imu/x")),
        StoredChunk(STORE, chunk("/imu/y", timeline="log_time", first=5)),
        StoredChunk(STORE, chunk("/imu/x", first=20)),
        StoredChunk(STORE, chunk("/map", timeline=None, rows=1)),
        StoredChunk(STORE, chunk("/other", timeline="stamp", rows=4)),
    ]
    writer = RrdWriter(path)
    for message in messages:
        writer.write(message)
    writer.close(footer=footer)
    return path


def rows(path: Path, options: ImportOptions) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in importer.chunks(path, options):
        found[one.entity_path] = found.get(one.entity_path, 0) + one.num_rows
    return found


def test_it_is_found_by_its_first_bytes_whatever_its_name(path: Path) -> None:
    renamed = path.rename(path.with_name("recording.dat"))
    assert importers.find(renamed) is importer
    assert isinstance(importer, importers.MessageImporter)
    assert not importer.probe(path, b"#ROSBAG V2.0")


def test_everything_comes_out_in_order(path: Path) -> None:
    told: list[tuple[int, int]] = []
    options = ImportOptions(progress=lambda done, total: told.append((done, total)))
    messages = list(importers.read(path, options))
    assert [type(m) for m in messages] == [
        StoreInfo,
        StoredChunk,
        ActivateBlueprint,
        StoreInfo,
        *[StoredChunk] * 6,
    ]
    size = path.stat().st_size
    assert told[-1] == (size, size)


@pytest.mark.parametrize("footer", [True, False])
def test_info_says_what_is_in_it_with_and_without_an_index(tmp_path: Path, footer: bool) -> None:
    summary = importer.info(write(tmp_path / "x.rrd", footer=footer))
    topics = {t.topic: (t.count, t.start_nanos, t.end_nanos, t.msgtype) for t in summary.topics}
    assert topics["/imu/x"] == (20, START, START + 29, "Scalars")
    assert topics["/imu/y"] == (10, START + 5, START + 14, "Scalars")
    assert topics["/map"] == (1, None, None, "Scalars")
    assert topics["/other"] == (4, None, None, "Scalars")
    assert (summary.start_nanos, summary.end_nanos) == (START, START + 29)
    assert summary.format == "RRD 0.41.0"
    assert "brings a layout" in summary.notes
    assert any("no index" in note for note in summary.notes) != footer


def test_info_tells_of_a_tear(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    notes = " ".join(importer.info(path).notes)
    assert re.search(r"writing was interrupted: whole up to byte \d+", notes)


def test_reading_tells_of_damage_and_of_nothing_else(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notes: list[importers.Note] = []
    options = ImportOptions(note=notes.append)
    list(importers.read(path, options))
    assert not notes
    path.write_bytes(path.read_bytes()[:-300])
    list(importers.read(path, options))
    (note,) = notes
    assert note.is_loss
    assert "left out from byte" in note.text
    assert not caplog.records


def test_entities_are_chosen(path: Path) -> None:
    everything = {"/__properties": 1, "/imu/x": 20, "/imu/y": 10, "/map": 1, "/other": 4}
    assert rows(path, ImportOptions()) == everything
    some = ImportOptions(include=(re.compile("imu"),), exclude=(re.compile("y$"),))
    assert rows(path, some) == {"/__properties": 1, "/imu/x": 20}


def test_times_are_cut_to_the_nanosecond_and_static_data_stays(path: Path) -> None:
    cut = ImportOptions(start_nanos=START + 8, end_nanos=START + 24)
    assert rows(path, cut) == {"/__properties": 1, "/imu/x": 2 + 5, "/imu/y": 7, "/map": 1, "/other": 4}
    late = ImportOptions(start_nanos=START + 1000)
    assert rows(path, late) == {"/__properties": 1, "/map": 1, "/other": 4}


def test_another_recording_id_is_given_to_recordings_only(path: Path) -> None:
    messages = list(importer.messages(path, ImportOptions(recording_id="mine")))
    assert {m.store_id.recording_id for m in messages} == {"mine", "layout"}
    assert importer.recording_id(path) == "run"


@pytest.mark.real_data
def test_real_files_are_summed_up(shared_data: Path) -> None:
    summary = importer.info(shared_data / "rerun-io+rerun/file1.rrd")
    assert summary.format == "RRD 0.28.0-alpha.1+dev"
    assert {t.topic for t in summary.topics} == {"/obj1", "/obj2", "/obj3", "/text1", "/text2"}
    unindexed = importer.info(shared_data / "JianbinLiu-CFLab+unity-rerun-sdk/phase3_scene.rrd")
    assert sum(t.count or 0 for t in unindexed.topics) == 206
    layout = shared_data / "nmayorov+rerun-4seasons/blueprint.rbl"
    assert len(importer.info(layout).topics) > 10
    with pytest.raises(FileError, match="at most a layout"):
        importer.recording_id(layout)
    with pytest.raises(UnsupportedVersionError):
        importers.info(shared_data / "microvault+rnl/output_map.rrd")
