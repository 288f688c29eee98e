"""Lazy streams and stores: the same pipelines give the same chunks in the reference and here."""

from __future__ import annotations

import os
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rerun as rr
import rerun.blueprint as rrb
import rerun.chunk as reference

import rrbridge
import rrbridge.chunk as ours
from rrbridge.errors import (
    ConsumedStreamError,
    FileError,
    InvalidChunkError,
    InvalidValueError,
    LensError,
    RrbridgeError,
)

Pipeline = Callable[[Any, Any], Any]
"""A stream made of a stream, with the module it comes from: ours, or the reference's."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the reference writes of a small run: static and timed data, properties, a clear, paths with spaces."""
    path = tmp_path_factory.mktemp("streams") / "run.rrd"
    with rr.RecordingStream("streams", recording_id="run") as stream:
        stream.save(path)
        stream.send_recording_name("a run")
        stream.send_property("site", rr.AnyValues(name="hall", floor=2))
        stream.log("robot", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        for step in range(20):
            stream.set_time("step", sequence=step)
            if step % 2:
                stream.set_time("seconds", duration=step / 10)
            stream.log("robot/arm", rr.Points3D([[step, 0, 0], [0, step, 0]], colors=[step, 2]))
            stream.log("robot/arm/joint", rr.Scalars([step, -step]), rr.TextLog(f"joint {step}"))
            stream.log("robot/a b", rr.AnyValues(x=step, y=pa.array([{"v": step}])))
        stream.log("robot/arm", rr.Clear(recursive=True))
        stream.send_blueprint(rrb.Blueprint(rrb.TimeSeriesView()))
    return path


def content(chunk: Any) -> Any:
    """A chunk whatever the order of its columns; its ids as they are."""
    batch = chunk.to_record_batch()
    metadata = {key: value for key, value in batch.schema.metadata.items() if not key.startswith(b"rerun:timestamp_")}
    columns = zip(batch.schema, batch.columns, strict=True)
    return metadata, {f.name: (f.type, sorted((f.metadata or {}).items()), c.to_pylist()) for f, c in columns}


def described(chunks: Iterable[Any], known: set[str]) -> list[Any]:
    """Chunks in an order of their own; ids that are not `known` are new, which is all that counts about them."""
    found = []
    for chunk in chunks:
        metadata, columns = content(chunk)
        row_ids = columns.pop("rerun.controls.RowId")
        is_known = metadata[b"rerun:id"].decode() in known
        found.append((metadata[b"rerun:entity_path"], is_known, row_ids[1], tuple(sorted(columns.items(), key=str))))
    return sorted(found, key=str)


FILTERS: list[dict[str, Any]] = [
    {},
    {"content": "/robot/arm"},
    {"content": "robot/arm/**"},
    {"content": ["/robot/**", "- /robot/arm/**", "+ /robot/arm/joint"]},
    {"content": "- /robot/arm/** + /**"},
    {"content": "/**"},
    {"content": "/__properties/**"},
    {"content": "/robot/a\\ b"},
    {"content": []},
    {"has_timeline": "step"},
    {"has_timeline": "seconds"},
    {"has_timeline": "none"},
    {"is_static": True},
    {"is_static": False},
    {"components": "Points3D:positions"},
    {"components": ["Points3D:colors", "TextLog:text", "x"]},
    {"components": []},
    {"components": "Scalars:scalars", "content": "/robot/arm/**", "is_static": False},
    {"components": "Scalars:scalars", "is_static": True},
]
LENSES: list[Pipeline] = [
    lambda m, s: s.lenses(m.MutateLens("x", '"k"')),
    lambda m, s: s.lenses([m.DeriveLens("y", output_entity="/v").to_scalars("v")], output_mode="forward_all"),
    lambda m, s: s.lenses(m.DeriveLens("y").to_component("v", ".v"), output_mode="forward_unmatched"),
    lambda m, s: s.lenses(m.DeriveLens("Scalars:scalars", scatter=True).to_component("each", "."), content="/robot/**"),
    lambda m, s: s.lenses(m.MutateLens("x", "."), content="/nowhere"),
    lambda m, s: s.lenses([], output_mode="forward_unmatched"),
    lambda m, s: s.lenses([]),
]


def merged(module: Any, stream: Any, criteria: dict[str, Any]) -> Any:
    """Both branches of a split. In the reference, a split that begins at an index waits for ever."""
    if module is ours:
        return ours.LazyChunkStream.merge(*stream.split(**criteria))
    chunks = stream.to_chunks()
    kept, rest = (reference.LazyChunkStream.from_iter(list(chunks)) for _ in range(2))
    return [*kept.filter(**criteria), *rest.drop(**criteria)]


PIPELINES: list[Pipeline] = [
    *(lambda m, s, f=f: s.filter(**f) for f in FILTERS),
    *(lambda m, s, f=f: s.drop(**f) for f in FILTERS),
    *(lambda m, s, f=f: merged(m, s, f) for f in FILTERS),
    *LENSES,
    lambda m, s: s.map(lambda chunk: chunk.with_entity_path("/other")),
    lambda m, s: s.flat_map(lambda chunk: [] if chunk.is_static else [chunk, chunk]),
    lambda m, s: s.flat_map(lambda chunk: chunk.apply_lenses(m.MutateLens("x", "."))),
    lambda m, s: s.filter(content="/robot/**").drop(is_static=True).filter(components="x"),
    lambda m, s: m.LazyChunkStream.merge(s if m is ours else m.LazyChunkStream.from_iter(s.to_chunks())),
    lambda m, s: m.LazyChunkStream.merge(),
    lambda m, s: m.LazyChunkStream.from_iter(list(s)).filter(is_static=True),
    lambda m, s: m.LazyChunkStream.from_iter(chunk for chunk in s.to_chunks()),
    lambda m, s: s.split(content="/robot/arm")[1].map(lambda c: c) if m is ours else s.drop(content="/robot/arm"),
]  # fmt: skip


def open_with(module: Any, path: Path, kind: str) -> Any:
    reader = module.RrdReader(path)
    return reader.stream() if kind == "file" else reader.store().stream()


@pytest.mark.parametrize("kind", ["file", "index"])
@pytest.mark.parametrize("number", range(len(PIPELINES)))
def test_pipelines_give_what_they_give_in_the_reference(recording: Path, number: int, kind: str) -> None:
    known = {chunk.id for chunk in reference.RrdReader(recording).stream()}
    theirs = PIPELINES[number](reference, open_with(reference, recording, kind))
    stream = PIPELINES[number](ours, open_with(ours, recording, kind))
    assert described(stream, known) == described(theirs if isinstance(theirs, list) else theirs.to_chunks(), known)


def test_streams_keep_the_order_of_the_file(recording: Path) -> None:
    theirs = [chunk.id for chunk in reference.RrdReader(recording).stream()]
    assert [chunk.id for chunk in ours.RrdReader(recording).stream()] == theirs
    assert [chunk.id for chunk in ours.RrdReader(recording).store().stream()] == theirs


def test_readers_and_stores_tell_what_the_reference_s_tell(recording: Path) -> None:
    theirs, reader = reference.RrdReader(recording), ours.RrdReader(recording)
    assert repr(reader.recordings()) == repr(theirs.recordings())
    assert repr(reader.blueprints()) == repr(theirs.blueprints())
    assert reader.path == theirs.path
    assert repr(reader) == repr(theirs)
    assert isinstance(reader, ours.IndexedReader)
    assert isinstance(reader, ours.StreamingReader)
    assert reader.recordings() == ours.RrdReader(str(recording)).recordings()
    assert len({*reader.recordings(), *reader.recordings()}) == 1
    lazy, their_lazy = reader.store(), theirs.store()
    assert (len(lazy), lazy.summary()) == (len(their_lazy), their_lazy.summary())
    layout, their_layout = reader.blueprints()[0], theirs.blueprints()[0]
    assert reader.store(store=layout).summary() == theirs.store(store=their_layout).summary()
    known = {chunk.id for chunk in theirs.stream(store=their_layout)}
    assert described(reader.stream(store=layout), known) == described(theirs.stream(store=their_layout), known)


def test_stores_that_are_not_there_are_refused(recording: Path, tmp_path: Path) -> None:
    reader = ours.RrdReader(recording)
    other = ours.StoreEntry("recording", "streams", "another")
    for call in (reader.stream, reader.store):
        with pytest.raises(InvalidValueError, match="streams/run"):
            call(store=other)
    layout = tmp_path / "layout.rbl"
    rrb.Blueprint(rrb.TimeSeriesView()).save("streams", str(layout))
    for call in (ours.RrdReader(layout).stream, ours.RrdReader(layout).store):
        with pytest.raises(InvalidValueError, match="has none"):
            call()
    with pytest.raises(FileError):
        ours.RrdReader(tmp_path / "missing.rrd").recordings()


def test_only_chunks_that_a_filter_can_take_are_read(recording: Path) -> None:
    for criteria in FILTERS:
        theirs, lazy = reference.RrdReader(recording).store(), ours.RrdReader(recording).store()
        theirs.stream().filter(**criteria).to_chunks()
        stream = lazy.stream().filter(**criteria)
        assert lazy.chunks_loaded == 0
        stream.to_chunks()
        assert lazy.chunks_loaded <= theirs._chunks_loaded, criteria
    lazy = ours.RrdReader(recording).store()
    lazy.summary()
    assert lazy.chunks_loaded == 0
    assert len(lazy.stream().filter(content="/robot/**").filter(is_static=True).to_chunks()) == lazy.chunks_loaded == 1


def test_what_is_written_is_what_was_streamed(recording: Path, tmp_path: Path) -> None:
    known = {chunk.id for chunk in ours.RrdReader(recording).stream()}
    path = tmp_path / "out.rrd"
    stream = ours.RrdReader(recording).stream().filter(content="/robot/**")
    stream.write_rrd(path, application_id="other", recording_id="copy")
    read = reference.RrdReader(path)
    assert [repr(entry) for entry in read.recordings()] == [
        "StoreEntry(kind='recording', application_id='other', recording_id='copy')"
    ]
    assert described(read.stream(), known) == described(stream, known)
    assert read.store().summary() == ours.RrdReader(path).store().summary()
    for source in (ours.RrdReader(recording).store(), ours.RrdReader(recording).stream().collect()):
        source.write_rrd(str(path), application_id="other", recording_id="copy")
        assert reference.RrdReader(path).store().summary() == source.summary()
    assert [left.name for left in tmp_path.iterdir()] == ["out.rrd"]


def test_a_recording_may_be_written_over_itself_and_stays_if_that_fails(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.rrd"
    path.write_bytes(recording.read_bytes())
    ours.RrdReader(path).stream().drop(content="/robot/arm/**").write_rrd(path, application_id="a", recording_id="b")
    kept = path.read_bytes()
    paths = {chunk.entity_path for chunk in ours.RrdReader(path).stream()}
    assert paths == {"/robot", "/robot/a\\ b", "/__properties", "/__properties/site"}
    broken = ours.RrdReader(path).stream().map(lambda chunk: chunk.apply_selector("none", "."))
    with pytest.raises(LensError):
        broken.write_rrd(path, application_id="a", recording_id="b")
    assert path.read_bytes() == kept
    assert [left.name for left in tmp_path.iterdir()] == ["run.rrd"]
    with pytest.raises(FileError):
        ours.RrdReader(path).stream().write_rrd(tmp_path / "no" / "x.rrd", application_id="a", recording_id="b")


def test_links_and_pipes_are_written_through(recording: Path, tmp_path: Path) -> None:
    link, target, pipe = tmp_path / "link.rrd", tmp_path / f"{'n' * 240}.rrd", tmp_path / "pipe"
    target.write_bytes(b"")
    link.symlink_to(target)
    stream = ours.RrdReader(recording).stream()
    stream.write_rrd(link, application_id="a", recording_id="b")
    assert link.is_symlink()
    assert ours.RrdReader(target).store().summary() == ours.RrdReader(recording).store().summary()
    os.mkfifo(pipe)
    received: list[int] = []

    def receive() -> None:
        with pipe.open("rb") as file:
            received.append(len(ours.RrdReader(file).stream().to_chunks()))

    reader = threading.Thread(target=receive)
    reader.start()
    stream.write_rrd(pipe, application_id="a", recording_id="b")
    reader.join()
    assert received == [len(stream.to_chunks())]
    assert pipe.is_fifo()


def test_collected_chunks_are_a_store(recording: Path) -> None:
    stream = ours.RrdReader(recording).stream()
    store = stream.collect()
    assert len(store) == len(reference.RrdReader(recording).stream().collect())
    assert store.summary() == reference.RrdReader(recording).stream().collect().summary()
    assert repr(store) == f"ChunkStore({len(store)} chunks)"
    assert store.latest_at("/robot/arm/joint", None, "step", 18)["TextLog:text"].values.to_pylist() == ["joint 18"]
    again = ours.ChunkStore.from_chunks(store.stream().to_chunks())
    assert again.summary() == store.summary()
    assert bool(ours.ChunkStore())


def rows(chunks: Iterable[Any]) -> dict[tuple[str, bytes], dict[str, Any]]:
    """Every row by entity and id, whatever chunks it is spread over."""
    found: dict[tuple[str, bytes], dict[str, Any]] = {}
    for chunk in chunks:
        batch = chunk.to_record_batch()
        for row in batch.to_pylist():
            key = (chunk.entity_path, row.pop("rerun.controls.RowId"))
            found.setdefault(key, {}).update(row)
    return found


@pytest.mark.parametrize("profile", ["LIVE", "OBJECT_STORE"])
def test_optimized_stores_hold_the_same_rows(recording: Path, profile: str) -> None:
    mine, theirs = getattr(ours.OptimizationProfile, profile), getattr(reference.OptimizationProfile, profile)
    assert {name: getattr(mine, name) for name in vars(theirs)} == vars(theirs)
    blob = ours.Chunk.from_columns(
        "/camera",
        [rrbridge.TimeColumn("step", sequence=range(4))],
        [
            *rrbridge.EncodedImage.columns(blob=[b"\0" * 9000] * 4, media_type=["image/png"] * 4),
            *rrbridge.Scalars.columns(scalars=[1.0, 2.0, 3.0, 4.0]),
        ],
    )
    chunks = [*ours.RrdReader(recording).stream(), *(blob.slice(i, 1) for i in range(4))]
    store = ours.LazyChunkStream.from_iter(chunks).collect(optimize=mine)
    assert rows(store.stream()) == rows(chunks)
    camera = [sorted(chunk.components) for chunk in store.chunks("/camera")]
    apart = [["EncodedImage:blob", "EncodedImage:media_type"], ["Scalars:scalars"]]
    assert sorted(camera) == ([[*apart[0], *apart[1]]] if profile == "LIVE" else apart)


def test_profiles_that_make_no_sense_are_refused() -> None:
    for wrong in ({"split_size_ratio": 0.5}, {"split_size_ratio": float("nan")}, {"fix_keyframe": True}):
        with pytest.raises(InvalidValueError):
            ours.OptimizationProfile(**wrong)


def test_everything_with_chunks_can_be_sent(recording: Path, tmp_path: Path) -> None:
    expected = rows(ours.RrdReader(recording).stream())
    reader = ours.RrdReader(recording)
    sources: list[Any] = [
        reader.stream(),
        reader.store(),
        reader.stream().collect(),
        reader.stream().to_chunks(),
        (chunk for chunk in reader.stream()),
    ]
    for number, source in enumerate(sources):
        path = tmp_path / f"{number}.rrd"
        with rrbridge.RecordingStream("sent", recording_id="sent") as stream:
            stream.save(path)
            rrbridge.send_chunks(source, recording=stream)
            stream.disconnect()
        sent = rows(ours.RrdReader(path).stream())
        assert {key: sent[key] for key in expected} == expected


def test_a_stream_that_another_was_made_of_is_gone(recording: Path) -> None:
    def fresh() -> ours.LazyChunkStream:
        return ours.RrdReader(recording).stream()

    makers: list[Callable[[ours.LazyChunkStream], Any]] = [
        lambda s: s.filter(),
        lambda s: s.drop(),
        lambda s: s.split(),
        lambda s: s.map(lambda c: c),
        lambda s: s.flat_map(lambda c: [c]),
        lambda s: s.lenses([]),
        lambda s: ours.LazyChunkStream.merge(s),
    ]
    runs: list[Callable[[ours.LazyChunkStream], Any]] = [
        *makers,
        lambda s: s.to_chunks(),
        iter,
        lambda s: s.collect(),
        lambda s: s.write_rrd("never.rrd", application_id="a", recording_id="b"),
    ]
    for make in makers:
        stream = fresh()
        make(stream)
        for run in runs:
            with pytest.raises(ConsumedStreamError):
                run(stream)
        assert repr(stream).endswith("consumed)")
    stream = fresh()
    assert [len(stream.to_chunks()) for _ in range(2)] == [len(list(stream))] * 2
    refused = fresh()
    with pytest.raises(InvalidValueError):
        refused.lenses([], output_mode="other")  # type: ignore[arg-type]
    assert refused.to_chunks()


def test_an_iterator_runs_once_and_a_list_again() -> None:
    chunk = ours.Chunk.from_columns("/a", columns=rrbridge.Scalars.columns(scalars=[1.0]))
    listed, iterated = ours.LazyChunkStream.from_iter([chunk]), ours.LazyChunkStream.from_iter(iter([chunk]))
    assert listed.to_chunks() == listed.to_chunks() == [chunk]
    assert iterated.to_chunks() == [chunk]
    with pytest.raises(ConsumedStreamError, match="used up"):
        iterated.to_chunks()
    mine, rest = ours.LazyChunkStream.from_iter([chunk]).split(is_static=True)
    assert (mine.to_chunks(), rest.to_chunks()) == ([chunk], [])
    wrong: Any
    for wrong in (ours.LazyChunkStream.from_iter([1]), listed.map(lambda _: None)):  # type: ignore[arg-type, list-item, return-value]
        with pytest.raises(InvalidChunkError, match="not a chunk"):
            wrong.to_chunks()


def test_what_stands_before_a_split_runs_once_for_both_branches() -> None:
    calls = []

    def counted(chunk: ours.Chunk) -> ours.Chunk:
        calls.append(chunk.id)
        return chunk

    chunks = [ours.Chunk.from_columns(f"/{i}", columns=rrbridge.Scalars.columns(scalars=[1.0])) for i in range(10)]
    first, others = ours.LazyChunkStream.from_iter(iter(chunks)).map(counted).split(content="/3")
    inner, rest = others.split(content=["/4", "/5"])
    merged = ours.LazyChunkStream.merge(rest, inner.map(lambda c: c), first)
    assert {chunk.id for chunk in merged} == {chunk.id for chunk in chunks}
    assert len(calls) == len(chunks)


def test_memory_stays_flat_through_a_pipeline() -> None:
    """However unevenly a split falls: all of one branch comes before all of the other."""
    nbytes, count = 1 << 20, 200

    def made() -> Iterator[ours.Chunk]:
        for number in range(count):
            values = np.zeros(nbytes, np.uint8) + number % 7
            cells = pa.ListArray.from_arrays(pa.array([0, nbytes], pa.int32()), pa.array(values))
            column = ours.ComponentColumn("bytes", cells)
            yield ours.Chunk.from_columns(f"/{'ab'[number >= count // 2]}", columns=[column])

    for order in (1, -1):
        branches = ours.LazyChunkStream.from_iter(made()).split(content="/a")
        merged = ours.LazyChunkStream.merge(*branches[::order]).map(lambda chunk: chunk.with_entity_path("/c"))
        tracemalloc.start()
        seen = sum(chunk.nbytes for chunk in merged)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seen > nbytes * count
        assert peak < 16 * nbytes


def test_errors_of_functions_come_through(recording: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        ours.RrdReader(recording).stream().map(lambda c: 1 / 0).to_chunks()  # type: ignore[arg-type, return-value]
    with pytest.raises(RrbridgeError):
        ours.RrdReader(recording).stream().filter(components=5)  # type: ignore[arg-type]


def test_index_columns_say_what_the_reference_s_say() -> None:
    makers: list[Callable[[Any], Any]] = [
        lambda m: m.IndexColumn.timestamp("/time", input_unit="s"),
        lambda m: m.IndexColumn.timestamp("t"),
        lambda m: m.IndexColumn.duration("t", input_unit="us"),
        lambda m: m.IndexColumn.sequence("n"),
    ]
    for make in makers:
        assert repr(make(ours)) == repr(make(reference))


def test_chunks_are_made_as_in_the_reference() -> None:
    def made(chunk_class: Any, sdk: Any) -> list[Any]:
        times = [
            sdk.TimeColumn("frame", sequence=[0, 1, 2]),
            sdk.TimeColumn("t", duration=[0.5, 1.5, 1.0]),
            sdk.TimeColumn("u", timestamp=[1.5, 1.5, 1.0]),
        ]
        points = sdk.Points3D.columns(positions=[[1, 2, 3], [4, 5, 6], [7, 8, 9]])
        return [
            chunk_class.from_columns("robots/arm", times, points),
            chunk_class.from_columns("robots//arm", indexes=times, columns=points).with_entity_path("/else where"),
            chunk_class.from_columns("/static", indexes=[], columns=sdk.Scalars.columns(scalars=[1.0, 2.0])),
            chunk_class.from_property("my property/x", sdk.Points3D([[1, 2, 3], [4, 5, 6]])),
            chunk_class.from_property("any", sdk.AnyValues(x=1, y=[2, 3])),
            *chunk_class.from_dataframe(pa.table({"t": [1, 2], "/a:x": [3, 4], "/b:y": ["p", "q"]}), index="t"),
        ]

    mine, theirs = made(ours.Chunk, rrbridge), made(reference.Chunk, rr)
    assert described(mine, set()) == described(theirs, set())
    for chunk, other in zip(mine, theirs, strict=True):
        for name in ("entity_path", "num_rows", "num_columns", "is_static", "is_empty"):
            assert getattr(chunk, name) == getattr(other, name), name
        assert len(chunk) == len(other)
        assert sorted(chunk.timeline_names) == sorted(other.timeline_names)
        assert chunk.id.startswith("chunk_")
        assert len(chunk.id) == len(other.id)


def test_chunks_can_be_read_by_people() -> None:
    cells: list[Any] = [["a"], None, [], ["x" * 900], *([["z"]] * 50)]
    column = ours.ComponentColumn("notes", pa.array(cells, pa.list_(pa.utf8())))
    chunk = ours.Chunk.from_columns("/log", [rrbridge.TimeColumn("t", duration=range(54))], [column])
    shown = chunk.format(width=100)
    assert {len(line) for line in shown.splitlines()} == {100}
    assert str(chunk) == chunk.format()
    assert chunk.id in chunk.format()
    assert "rerun:kind: index" in chunk.format(trim_metadata_keys=False)
    assert "and 14 more rows" in shown
    assert chunk.format(redact=True) == ours.Chunk.from_columns("/log", chunk.times.values(), [column]).format(
        redact=True
    )
    assert chunk.slice(0, 0).format()


def columns(schema: Any) -> list[tuple[Any, ...]]:
    """What a schema says about each column."""
    found = [(column.name, column.is_static) for column in schema.index_columns()]
    return found + [
        (c.name, c.entity_path, c.component, c.archetype, c.component_type, c.is_static, c.is_property)
        for c in schema.component_columns()
    ]


def test_schemas_say_what_the_reference_s_say(recording: Path) -> None:
    reader, theirs_reader = ours.RrdReader(recording), reference.RrdReader(recording)
    stores: list[tuple[Any, Any]] = [
        (reader.store(), theirs_reader.store()),
        (reader.stream().collect(), theirs_reader.stream().collect()),
    ]
    for store, their_store in stores:
        mine, theirs = store.schema(), their_store.schema()
        assert columns(mine) == columns(theirs)
        assert repr(mine) == repr(theirs)
        assert mine.column_names() == theirs.column_names()
        assert mine.to_arrow().equals(theirs.to_arrow(), check_metadata=True)
        assert mine == store.schema()
        for flag in (False, True):
            for name in ("archetypes", "component_types", "entity_paths", "column_names_for"):
                given = {"include_properties": flag}
                assert getattr(mine, name)(**given) == getattr(theirs, name)(**given), name
        for criteria in (
            {"entity_path": "/robot/arm"},
            {"archetype": "Points3D"},
            {"archetype": "rerun.archetypes.Scalars"},
            {"component_type": "rerun.components.Text"},
            {"archetype": "RecordingInfo", "include_properties": True},
        ):
            assert mine.column_names_for(**criteria) == theirs.column_names_for(**criteria), criteria
        assert mine.column_names_for(archetype=rrbridge.Points3D) == theirs.column_names_for(archetype=rr.Points3D)
        assert repr(mine.column_for("/robot/arm", "Points3D:colors")) == repr(
            theirs.column_for("/robot/arm", "Points3D:colors")
        )
        assert mine.column_for("/robot/arm", "none") is theirs.column_for("/robot/arm", "none") is None
        name = "/robot/arm/joint:Scalars:scalars"
        assert repr(mine.column_for_selector(name)) == repr(theirs.column_for_selector(name))
        for schema in (mine, theirs):
            with pytest.raises(LookupError):
                schema.column_for_selector("/robot/arm:none")
            with pytest.raises(ValueError):
                schema.column_for_selector("nonsense")


READS: list[dict[str, Any]] = [
    {"index": "step"},
    {"index": None},
    {"index": "seconds", "contents": "/robot/arm/**"},
    {"index": "step", "contents": ["/robot/**", "- /robot/arm/**"], "fill_latest_at": True},
    {"index": "step", "include_tombstone_columns": True},
    {"index": "step", "using_index_values": np.array([3, 7, 100]), "fill_latest_at": True},
    {"index": "step", "using_index_values": np.array([3, 7, 100])},
    {"index": "step", "contents": []},
]


@pytest.mark.parametrize("question", READS, ids=str)
def test_stores_are_read_as_dataframes_as_in_the_reference(recording: Path, question: dict[str, Any]) -> None:
    datafusion = pytest.importorskip("datafusion")
    theirs = reference.RrdReader(recording).stream().collect().reader(**question).to_arrow_table()
    store = ours.RrdReader(recording).stream().collect()
    for frame in (store.reader(**question), store.reader(**question, ctx=datafusion.SessionContext())):
        assert isinstance(frame, datafusion.DataFrame)
        mine = frame.to_arrow_table()
        assert mine.schema.names == theirs.schema.names
        key = question["index"] or theirs.schema.names[0]
        assert mine.sort_by(key).to_pylist() == theirs.sort_by(key).to_pylist()


def test_without_datafusion_a_store_is_read_as_a_view(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datafusion", None)
    store = ours.RrdReader(recording).stream().collect()
    assert store.reader("step").count_rows() == 20
    for module_store in (store, reference.RrdReader(recording).stream().collect()):
        with pytest.raises((ValueError, ImportError)):
            module_store.reader("none")
