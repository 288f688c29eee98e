"""What we write, the reference reads; what it writes, we read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import rerun
import rerun.blueprint as rrb
from rerun.chunk import RrdReader as ReferenceReader

from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge._tuid import parse_tuid
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.rrd import Manifest, RrdReader, RrdWriter

RERUN = Path(sys.executable).with_name("rerun")
STORE = StoreId(StoreKind.RECORDING, "rrd tests", "run-1")


def rerun_rrd(*arguments: str | Path) -> str:
    done = subprocess.run([RERUN, "rrd", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def positions(rows: int, instances: int) -> ComponentColumn:
    values = np.random.default_rng(rows).random((rows, instances, 3), np.float32)
    inner = pa.FixedSizeListArray.from_arrays(
        values.reshape(-1), type=pa.list_(pa.field("item", pa.float32(), nullable=False), 3)
    )
    cells = pa.ListArray.from_arrays(np.arange(rows + 1, dtype=np.int32) * instances, inner)
    descriptor = ComponentDescriptor("Points3D:positions", "rerun.archetypes.Points3D", "rerun.components.Position3D")
    return ComponentColumn(descriptor, cells)


def chunks() -> list[Chunk]:
    gaps = pa.array([["a"], None, [], ["b", "c"]], pa.list_(pa.utf8()))
    text = ComponentColumn(
        ComponentDescriptor("TextLog:text", "rerun.archetypes.TextLog", "rerun.components.Text"), gaps
    )
    bare = ComponentColumn(ComponentDescriptor("voltage"), pa.array([[1.5], [2.5], None, []], pa.list_(pa.float64())))
    clear = ComponentColumn(
        ComponentDescriptor("Clear:is_recursive", "rerun.archetypes.Clear", "rerun.components.ClearIsRecursive"),
        pa.array([[True]], pa.list_(pa.bool_())),
    )
    shrinks_not = pa.array([list(np.random.default_rng(0).integers(0, 2**63, 40_000))], pa.list_(pa.uint64()))
    noise = ComponentColumn(ComponentDescriptor("noise"), shrinks_not)
    frame = TimeColumn.of("frame", TimeKind.SEQUENCE, [4, 3, 2, 1])
    stamp = TimeColumn.of("log_time", TimeKind.TIMESTAMP, 1_700_000_000_000_000_000 + np.arange(4))
    drive = TimeColumn.of("drive - time, 2.0", TimeKind.DURATION, np.arange(4) * 1_000)
    return [
        Chunk.from_columns("/world/points", times=[frame, stamp], components=[positions(4, 10)]),
        Chunk.from_columns("/world/points", components=[positions(1, 3)]),
        Chunk.from_columns("/logs", times=[stamp, drive], components=[text, bare]),
        Chunk.from_columns("/world", times=[TimeColumn.of("frame", TimeKind.SEQUENCE, [9])], components=[clear]),
        Chunk.from_columns("/noise", components=[noise]),
    ]


def messages() -> list[LogMessage]:
    return [StoreInfo.new(STORE), *(StoredChunk(STORE, chunk) for chunk in chunks())]


def write(path: Path, what: list[LogMessage], **options: object) -> Path:
    with RrdWriter(path, **options) as writer:  # type: ignore[arg-type]
        for message in what:
            writer.write(message)
    return path


@pytest.mark.parametrize("compression", ["lz4", "none"])
def test_the_reference_accepts_what_we_write(tmp_path: Path, compression: str) -> None:
    path = write(tmp_path / "ours.rrd", messages(), compression=compression)
    assert "verified without error" in rerun_rrd("verify", path)
    merged = tmp_path / "merged.rrd"
    rerun_rrd("merge", path, "-o", merged)
    rerun_rrd("compare", "--unordered", path, merged)
    assert "num_chunks = 5" in rerun_rrd("stats", path)


def reference_batches(path: Path) -> dict[bytes, pa.RecordBatch]:
    reader = ReferenceReader(path)
    found = {}
    for store in [*reader.recordings(), *reader.blueprints()]:
        for chunk in reader.stream(store=store):
            batch = chunk.to_record_batch()
            found[parse_tuid(batch.schema.metadata[b"rerun:id"].decode(), "chunk_")] = batch
    return found


def test_the_reference_reads_equal_values(tmp_path: Path) -> None:
    wanted = messages()
    path = write(tmp_path / "ours.rrd", wanted)
    found = reference_batches(path)
    stored = [m.chunk for m in wanted if isinstance(m, StoredChunk)]
    assert set(found) == {chunk.tuid for chunk in stored}
    for chunk in stored:
        ours, theirs = chunk.to_record_batch(), found[chunk.tuid]
        assert set(ours.schema.names) == set(theirs.schema.names)
        for name in ours.schema.names:
            assert ours.column(name).equals(theirs.column(name)), name
            assert ours.schema.field(name).metadata == theirs.schema.field(name).metadata, name


def test_the_reference_opens_it_by_its_index(tmp_path: Path) -> None:
    other = StoreId(StoreKind.RECORDING, "rrd tests", "run-2")
    first, second, *rest = chunks()
    interleaved: list[LogMessage] = [StoreInfo.new(STORE), StoreInfo.new(other), StoreInfo.new(STORE)]
    interleaved += [StoredChunk(STORE, first), StoredChunk(other, second)]
    interleaved += [StoredChunk(STORE, chunk) for chunk in rest]
    path = write(tmp_path / "two.rrd", interleaved)
    reader = ReferenceReader(path)
    counts = {store.recording_id: len(reader.store(store=store)) for store in reader.recordings()}
    assert counts == {"run-1": 4, "run-2": 1}
    store = reader.store(store=next(s for s in reader.recordings() if s.recording_id == "run-1"))
    names = {column.component for column in store.schema().component_columns()}
    assert names == {"Points3D:positions", "TextLog:text", "voltage", "Clear:is_recursive", "noise"}
    assert len(list(store.stream())) == 4


@pytest.fixture(scope="module")
def made_by_reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with a layout in one file: points, images, static data, clears, unions, properties, columns."""
    path = tmp_path_factory.mktemp("reference") / "reference.rrd"
    recording = rerun.RecordingStream("rrd_tests", recording_id="by-the-reference")
    layout = rrb.Blueprint(rrb.Horizontal(rrb.Spatial3DView(origin="/world"), rrb.TimeSeriesView(origin="/plot")))
    recording.save(path, default_blueprint=layout)
    recording.send_recording_name("a name")
    recording.send_property("situation", rerun.TextDocument("hi"))
    recording.log("world", rerun.ViewCoordinates.FLU, static=True)
    for i in range(40):
        recording.set_time("frame", sequence=i)
        recording.set_time("elapsed - s", duration=0.1 * i)
        recording.log("world/points", rerun.Points3D(np.full((10, 3), i), colors=[255, 0, 0], radii=0.1))
        recording.log("plot/x", rerun.Scalars(np.sin(i)))
        if i % 10 == 0:
            recording.log("world/cam/image", rerun.Image(np.full((20, 30, 3), i, np.uint8)))
            recording.log(["logs", "a b"], rerun.TextLog(f"message {i}", level="INFO"))
        if i == 30:
            recording.log("world/points", rerun.Clear(recursive=False))
            recording.log("world", rerun.Clear(recursive=True))
            recording.log("world/points", rerun.Points3D.from_fields(clear_unset=True))
    recording.log("tensor", rerun.Tensor(np.arange(24.0).reshape(2, 3, 4)))
    recording.log("any", rerun.AnyValues(foo=[1.0, 2.0], bar="x"))
    stamps = rerun.TimeColumn("stamp", timestamp=np.arange(100) * 0.1 + 1.7e9)
    recording.send_columns("columns", [stamps], rerun.Scalars.columns(scalars=np.arange(100.0)))
    recording.flush()
    recording.disconnect()
    return path


def test_what_the_reference_wrote_is_read_with_equal_values(made_by_reference: Path) -> None:
    stored = [m for m in RrdReader(made_by_reference).messages() if isinstance(m, StoredChunk)]
    theirs = reference_batches(made_by_reference)
    assert {m.chunk.tuid for m in stored} == set(theirs)
    assert {m.store_id.kind for m in stored} == {StoreKind.RECORDING, StoreKind.BLUEPRINT}
    for message in stored:
        assert message.chunk.to_record_batch().equals(theirs[message.chunk.tuid])
    entities = {m.chunk.entity_path for m in stored}
    assert {"/world/points", "/tensor", "/logs/a\\ b", "/__properties", "/__properties/situation"} <= entities


@pytest.mark.parametrize("compression", ["lz4", "none"])
def test_writing_again_what_the_reference_wrote_changes_nothing(
    made_by_reference: Path, tmp_path: Path, compression: str
) -> None:
    original = list(RrdReader(made_by_reference).messages())
    assert sum(isinstance(m, ActivateBlueprint) for m in original) == 1
    path = write(tmp_path / "again.rrd", original, compression=compression)
    assert "verified without error" in rerun_rrd("verify", path)
    rerun_rrd("compare", "--unordered", made_by_reference, path)
    again = list(RrdReader(path).messages())
    assert [type(m) for m in again] == [type(m) for m in original]
    for before, after in zip(original, again, strict=True):
        if isinstance(before, StoredChunk) and isinstance(after, StoredChunk):
            assert before.store_id == after.store_id
            assert before.chunk.to_record_batch().equals(after.chunk.to_record_batch(), check_metadata=True)
        elif isinstance(before, ActivateBlueprint):
            assert before == after


def assert_same_index(ours: Manifest, theirs: Manifest) -> None:
    """Every column with equal name, type, metadata and values, in equal order; the schema as a set."""
    assert ours.data.schema.names == theirs.data.schema.names
    for name in theirs.data.schema.names:
        assert ours.data.schema.field(name).equals(theirs.data.schema.field(name), check_metadata=True), name
        assert ours.data.column(name).equals(theirs.data.column(name)), name
    assert {f.name for f in ours.schema} == {f.name for f in theirs.schema}
    for field in theirs.schema:
        assert ours.schema.field(field.name).equals(field, check_metadata=True), field.name


def test_an_index_made_from_the_chunks_is_the_index_the_reference_wrote(made_by_reference: Path) -> None:
    reader = RrdReader(made_by_reference)
    footer = reader.footer()
    assert footer is not None
    rebuilt = {manifest.store_id: manifest for manifest in reader.scan()}
    assert len(rebuilt) == len(footer.manifests) == 2
    for manifest in footer.manifests:
        assert_same_index(rebuilt[manifest.store_id], manifest)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["JianbinLiu-CFLab+unity-rerun-sdk/oracle_v2.rrd", "nmayorov+rerun-4seasons/blueprint.rbl"]
)
def test_an_index_made_from_a_real_file_is_the_one_in_it(shared_data: Path, name: str) -> None:
    reader = RrdReader(shared_data / name)
    footer = reader.footer()
    assert footer is not None
    for ours, theirs in zip(reader.scan(), footer.manifests, strict=True):
        assert_same_index(ours, theirs)


@pytest.mark.real_data
def test_real_files_written_again_compare_equal(shared_data: Path, tmp_path: Path) -> None:
    """One `verify` for all; `compare` for those it takes (not layouts, not 0.28 with its old index)."""
    files = [path for path in sorted(shared_data.rglob("*.r[rb][dl]")) if path.name != "output_map.rrd"]
    again = [write(tmp_path / path.name, list(RrdReader(path).messages())) for path in files]
    assert f"{len(again)} files verified without error" in rerun_rrd("verify", *again)
    for name in ("so100.rrd", "file1.rrd", "phase3_scene.rrd"):
        rerun_rrd("compare", "--unordered", next(shared_data.rglob(name)), tmp_path / name)


@pytest.mark.parametrize("id_given", ["my app.v1", "/home/me/robot.urdf", "ö" * 200, "a" * 181, "fine_-[]: 1"])
def test_application_ids_become_what_the_reference_makes_of_them(tmp_path: Path, id_given: str) -> None:
    ours = write(tmp_path / "a.rrd", [StoredChunk(StoreId(StoreKind.RECORDING, id_given, "r"), chunks()[0])])
    recording = rerun.RecordingStream(id_given, recording_id="r")
    recording.save(tmp_path / "b.rrd")
    recording.log("x", rerun.Scalars(1.0))
    recording.disconnect()
    raw = (tmp_path / "a.rrd").read_bytes()
    (store,) = RrdReader(ours).stores()
    theirs = RrdReader(tmp_path / "b.rrd").stores()[0]
    assert store.application_id == theirs.application_id
    assert store.application_id.encode() in raw


def test_a_stream_through_a_pipe_is_a_whole_file(tmp_path: Path) -> None:
    """`stats` reads from its standard input what we write to a pipe."""
    with subprocess.Popen([RERUN, "rrd", "stats"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=False) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        with RrdWriter(child.stdin) as writer:
            for message in messages():
                writer.write(message)
            writer.sync()
        child.stdin.close()
        printed = child.stdout.read().decode()
    assert "num_chunks = 5" in printed


def test_joined_files_are_read_by_both(tmp_path: Path) -> None:
    """`cat` of two finished files: front to back it works; by index it cannot."""
    path = write(tmp_path / "one.rrd", messages())
    again = write(tmp_path / "two.rrd", messages())
    joined = tmp_path / "joined.rrd"
    joined.write_bytes(path.read_bytes() + again.read_bytes())
    reader = RrdReader(joined)
    assert len(list(reader.messages())) == 2 * len(messages())
    assert reader.truncated_at is None
    assert reader.damage == ()
    assert reader.footer() is None
    assert [len(manifest) for manifest in reader.manifests()] == [2 * len(chunks())]
    assert f"num_chunks = {2 * len(chunks())}" in rerun_rrd("stats", joined)
