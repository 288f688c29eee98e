"""What we write, the reference reads; what it writes, we read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from rrbridge._messages import LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ComponentColumn, ComponentDescriptor
from rrbridge.rrd import RrdWriter

RERUN = Path(sys.executable).with_name("rerun")
STORE = StoreId(StoreKind.RECORDING, "rrd tests", "run-1")


def rerun(*arguments: str | Path) -> str:
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
    frame = TimeColumn.of("frame", TimeKind.SEQUENCE, [4, 3, 2, 1])
    stamp = TimeColumn.of("log_time", TimeKind.TIMESTAMP, 1_700_000_000_000_000_000 + np.arange(4))
    drive = TimeColumn.of("drive - time, 2.0", TimeKind.DURATION, np.arange(4) * 1_000)
    return [
        Chunk.from_columns("/world/points", times=[frame, stamp], components=[positions(4, 10)]),
        Chunk.from_columns("/world/points", components=[positions(1, 3)]),
        Chunk.from_columns("/logs", times=[stamp, drive], components=[text, bare]),
        Chunk.from_columns("/world", times=[TimeColumn.of("frame", TimeKind.SEQUENCE, [9])], components=[clear]),
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
    assert "verified without error" in rerun("verify", path)
    merged = tmp_path / "merged.rrd"
    rerun("merge", path, "-o", merged)
    rerun("compare", "--unordered", path, merged)
    assert "num_chunks = 4" in rerun("stats", path)
