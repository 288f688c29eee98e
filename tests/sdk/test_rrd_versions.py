"""Older files come out in today's names, exactly as the reference renames them; what is too old is refused clearly."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from rerun.chunk import RrdReader as ReferenceReader

from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._tuid import format_tuid, new_tuid, new_tuids, parse_tuid, tuids_to_arrow
from rrbridge.chunk import Chunk
from rrbridge.errors import NotARecordingError, UnsupportedVersionError
from rrbridge.rrd import RrdReader, _ipc, _protocol
from rrbridge.rrd import _container as container

STORE = StoreId(StoreKind.RECORDING, "old files", "old")
ROW_ID = {"ARROW:extension:name": "rerun.datatypes.TUID", "ARROW:extension:metadata": '{"namespace":"row"}'}
NULLS = pa.array([[None], [None]], pa.list_(pa.null()))
FLOATS = pa.array([[1.0, 2.0], [3.0]], pa.list_(pa.float32()))
DOUBLES = pa.array([[1.0], [3.0]], pa.list_(pa.float64()))
BOOLS = pa.array([[True], [False]], pa.list_(pa.bool_()))
TEXTS = pa.array([["a"], ["b"]], pa.list_(pa.utf8()))
STAMPS = pa.array([[1], [2]], pa.list_(pa.int64()))
VECTORS = pa.array([[[1, 2, 3]], [[4, 5, 6]]], pa.list_(pa.list_(pa.field("item", pa.float32(), nullable=False), 3)))

Column = tuple[str, pa.Array, dict[str, str]]


def old_batch(
    entity: str, columns: list[Column], *, dot: bool = False, version: str | None = None, time: bool = True
) -> pa.RecordBatch:
    """A batch as older versions wrote it; with `dot`, its metadata keys begin with `rerun.`."""
    prefix = "rerun." if dot else "rerun:"
    metadata = {f"{prefix}entity_path": entity, f"{prefix}id": format_tuid(new_tuid(), "chunk_")}
    metadata |= {"sorbet:version": version} if version else {}
    metadata |= {"rerun.version": "1", "rerun.heap_size_bytes": "12"} if dot else {"rerun:heap_size_bytes": "12"}
    count = len(columns[0][1])
    fields = [
        pa.field(
            "rerun.controls.RowId",
            pa.binary(16),
            nullable=False,
            metadata=ROW_ID | {f"{prefix}kind": "control", f"{prefix}is_sorted": "true"},
        )
    ]
    arrays = [tuids_to_arrow(new_tuids(count))]
    if time:
        fields.append(
            pa.field("log_tick", pa.int64(), metadata={f"{prefix}kind": "index", f"{prefix}index_name": "log_tick"})
        )
        arrays.append(pa.array(range(count), pa.int64()))
    for name, values, keys in columns:
        own = {f"{prefix}kind": "data"} | {prefix + key: value for key, value in keys.items()}
        fields.append(pa.field(name, values.type, metadata=own))
        arrays.append(values)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata))


def write(path: Path, batches: list[pa.RecordBatch], version: container.Version) -> None:
    header = bytearray(container.stream_header(lz4=False))
    header[4:8] = version.to_bytes()
    out = [bytes(header)]
    info = _protocol.encode_store_info(StoreInfo.new(STORE))
    out += [container.FRAME.pack(container.FrameKind.STORE_INFO, len(info)), info]
    for batch in batches:
        data = _ipc.write_batch(batch)
        message = _protocol.ArrowMsg(
            STORE, _protocol.Compression.NONE, len(data), (memoryview(data),), new_tuid(), None
        )
        payload = b"".join(_protocol.encode_arrow_msg(_protocol.encode_store_id(STORE), message))
        out += [container.FRAME.pack(container.FrameKind.ARROW, len(payload)), payload]
    path.write_bytes(b"".join(out))


def described(archetype: str, field: str, component: str) -> dict[str, str]:
    """The column metadata of 0.23."""
    return {"archetype": archetype, "archetype_field": field, "component": component}


def typed(component: str, component_type: str, archetype: str) -> dict[str, str]:
    """The column metadata of 0.24 and later."""
    return {"component": component, "component_type": component_type, "archetype": archetype}


OF_023 = [
    old_batch(
        "/plot",
        [
            ("Scalar", DOUBLES, described("rerun.archetypes.Scalar", "scalar", "rerun.components.Scalar")),
            ("ScalarIndicator", NULLS, {"component": "rerun.components.ScalarIndicator"}),
        ],
        dot=True,
    ),
    old_batch(
        "/plot/style",
        [
            ("Name", TEXTS, described("rerun.archetypes.SeriesLine", "name", "rerun.components.Name")),
            ("StrokeWidth", FLOATS, described("rerun.archetypes.SeriesLine", "width", "rerun.components.StrokeWidth")),
            (
                "MarkerSize",
                FLOATS,
                described("rerun.archetypes.SeriesPoint", "marker_size", "rerun.components.MarkerSize"),
            ),
        ],
        dot=True,
        time=False,
    ),
    old_batch(
        "/__properties/recording",
        [
            (
                "Timestamp",
                STAMPS,
                described("rerun.archetypes.RecordingProperties", "start_time", "rerun.components.Timestamp"),
            ),
            ("RecordingPropertiesIndicator", NULLS, {"component": "rerun.components.RecordingPropertiesIndicator"}),
        ],
        dot=True,
        time=False,
    ),
    old_batch(
        "/any",
        [
            ("confidence", FLOATS, {"component": "confidence"}),
            ("user.Type", TEXTS, {"component": "user.Type", "archetype_field": "name"}),
            ("mine", FLOATS, described("user.Archetype", "mine", "user.Mine")),
        ],
        dot=True,
    ),
    old_batch(
        "/poses",
        [
            (
                "PoseTranslation3D",
                VECTORS,
                described("rerun.archetypes.InstancePoses3D", "translations", "rerun.components.PoseTranslation3D"),
            ),
            (
                "AxisLength",
                FLOATS,
                described("rerun.archetypes.Transform3D", "axis_length", "rerun.components.AxisLength"),
            ),
        ],
        dot=True,
    ),
]
OF_024 = [
    old_batch(
        "/points",
        [
            (
                "Points3D:positions",
                VECTORS,
                typed("Points3D:positions", "rerun.components.Position3D", "rerun.archetypes.Points3D"),
            ),
            (
                "rerun.components.Points3DIndicator",
                NULLS,
                {"component": "rerun.components.Points3DIndicator"},
            ),
        ],
        version="0.1.0",
    )
]
OF_026 = [
    old_batch(
        "/frame",
        [
            (
                "CoordinateFrame:frame_id",
                TEXTS,
                typed(
                    "CoordinateFrame:frame_id", "rerun.components.TransformFrameId", "rerun.archetypes.CoordinateFrame"
                ),
            ),
            (
                "InstancePoses3D:scales",
                VECTORS,
                typed("InstancePoses3D:scales", "rerun.components.PoseScale3D", "rerun.archetypes.InstancePoses3D"),
            ),
            (
                "Transform3D:axis_length",
                FLOATS,
                typed("Transform3D:axis_length", "rerun.components.AxisLength", "rerun.archetypes.Transform3D"),
            ),
        ],
        version="0.1.1",
    )
]
OF_028 = [
    old_batch(
        "/series",
        [
            (
                "SeriesLines:visible_series",
                BOOLS,
                typed("SeriesLines:visible_series", "rerun.components.SeriesVisible", "rerun.archetypes.SeriesLines"),
            )
        ],
        version="0.1.2",
    )
]


def columns_of(batch: pa.RecordBatch) -> dict[str, tuple[dict[bytes, bytes], pa.Array]]:
    """Columns with their metadata, but for the order mark, which the reference works out anew."""
    return {
        field.name: ({k: v for k, v in field.metadata.items() if k != b"rerun:is_sorted"}, column)
        for field, column in zip(batch.schema, batch.columns, strict=True)
    }


@pytest.mark.parametrize(
    ("batches", "version"),
    [
        (OF_023, container.Version(0, 23, 1)),
        (OF_024, container.Version(0, 24, 0)),
        (OF_026, container.Version(0, 26, 0)),
        (OF_028, container.Version(0, 28, 0)),
    ],
    ids=["0.23", "0.24", "0.26", "0.28"],
)
@pytest.mark.filterwarnings("ignore:RRD file has no footer")
def test_older_chunks_get_the_names_the_reference_gives_them(
    tmp_path: Path, batches: list[pa.RecordBatch], version: container.Version
) -> None:
    path = tmp_path / "old.rrd"
    write(path, batches, version)
    ours = [m.chunk for m in RrdReader(path).messages() if isinstance(m, StoredChunk)]
    theirs = reference_batches(path)
    assert len(ours) == len(batches) == len(theirs)
    for chunk in ours:
        reference = theirs[chunk.tuid]
        batch = chunk.to_record_batch()
        assert chunk.entity_path == reference.schema.metadata[b"rerun:entity_path"].decode()
        assert columns_of(batch) == columns_of(reference)


@pytest.mark.parametrize("magic", [b"RRF0", b"RRF1"])
def test_a_magic_from_before_0_22_is_refused_with_advice(tmp_path: Path, magic: bytes) -> None:
    path = tmp_path / "old.rrd"
    path.write_bytes(magic + bytes(60))
    with pytest.raises(UnsupportedVersionError, match="rerun rrd migrate") as refused:
        list(RrdReader(path).messages())
    assert refused.value.path == path


@pytest.mark.parametrize("version", [container.Version(0, 0, 0), container.Version(0, 22, 1)])
def test_a_version_before_0_23_is_refused_with_advice(tmp_path: Path, version: container.Version) -> None:
    path = tmp_path / "old.rrd"
    write(path, OF_024, version)
    for use in (lambda r: list(r.messages()), lambda r: r.footer(), lambda r: r.stores(), lambda r: r.manifests()):
        with pytest.raises(UnsupportedVersionError, match=r"0\.23.*rerun rrd migrate"):
            use(RrdReader(path))


def test_a_newer_version_warns_and_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "new.rrd"
    write(path, [old_batch("/a", [("v", FLOATS, {"component": "v"})], version="9.0.0")], container.Version(7, 0, 0))
    with caplog.at_level(logging.WARNING):
        found = list(RrdReader(path).messages())
    assert len(found) == 2
    assert "7.0.0, newer than this rrbridge knows" in caplog.text
    assert "schema version 9.0.0 are newer" in caplog.text


@pytest.mark.parametrize(
    "content", [b"", b"RRF", b"#!/bin/sh\n", b"RRF2\x00\x29", b"RRF2\x00\x29\x00\x00\x00\x01\x00\x00"]
)
def test_what_is_no_recording_is_called_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.rrd"
    path.write_bytes(content)
    for use in (lambda r: list(r.messages()), lambda r: r.footer()):
        with pytest.raises(NotARecordingError):
            use(RrdReader(path))


def test_versions_print_as_they_are_known() -> None:
    assert str(container.Version(0, 41, 0)) == "0.41.0"
    assert str(container.Version(0, 28, 0, 0b11_000001)) == "0.28.0-alpha.1+dev"
    assert str(container.Version(0, 24, 0, 0b01_000010)) == "0.24.0-rc.2"


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore:RRD file has no footer")
def test_every_real_file_opens_as_the_reference_opens_it(shared_data: Path, tmp_path: Path) -> None:
    files = sorted(p for p in shared_data.rglob("*") if p.suffix in (".rrd", ".rbl"))
    assert len(files) >= 10
    for path in files:
        reader = RrdReader(path)
        if path.name == "output_map.rrd":
            with pytest.raises(UnsupportedVersionError, match=r"0\.22\.1.*rerun rrd migrate"):
                list(reader.messages())
            continue
        stored = [m for m in reader.messages() if isinstance(m, StoredChunk)]
        assert reader.damage == ()
        assert reader.truncated_at is None
        ours = {chunk.tuid: chunk for chunk in (m.chunk for m in stored)}
        # the index of 0.28 lacks a column that the reference's own reader of chunks insists on; its merge does not
        assert reader.version is not None
        is_of_028 = reader.version.release == (0, 28)
        theirs = reference_batches(merged(path, tmp_path) if is_of_028 else path)
        assert rows_per_entity(ours.values()) == rows_per_entity(map(Chunk, theirs.values())), path
        for tuid, batch in theirs.items():
            assert columns_of(ours[tuid].to_record_batch()) == columns_of(batch), (path, ours[tuid])


def merged(path: Path, folder: Path) -> Path:
    out = folder / f"merged-{path.name}"
    rerun = Path(sys.executable).with_name("rerun")
    subprocess.run([rerun, "rrd", "merge", path, "-o", out], check=True, capture_output=True, timeout=120)
    return out


def reference_batches(path: Path) -> dict[bytes, pa.RecordBatch]:
    """What the reference reads, by chunk id: one store at a time where it knows the stores."""
    reader = ReferenceReader(path)
    found = {}
    for store in [*reader.recordings(), *reader.blueprints()]:
        for chunk in reader.stream(store=store):
            batch = chunk.to_record_batch()
            found[parse_tuid(batch.schema.metadata[b"rerun:id"].decode(), "chunk_")] = batch
    return found


def rows_per_entity(chunks: Iterable[Chunk]) -> Counter[str]:
    rows: Counter[str] = Counter()
    for chunk in chunks:
        rows[chunk.entity_path] += chunk.num_rows
    return rows
