"""Compare the store with what comes near it: `python scripts/store_benchmark.py`.

Prints a Markdown table, as docs/benchmarks.md has it: ours and the other take turns in one run, medians. A file of about
0.9 GB is written to the temporary folder for the first row, and removed at the end.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import unit_lists
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._memory import give_back, resident_bytes
from rrbridge._messages import StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk, ChunkStore, ComponentColumn
from rrbridge.rrd import RrdWriter

SCALARS = ComponentDescriptor("Scalars:scalars", "rerun.archetypes.Scalars", "rerun.components.Scalar")
BUFFER = ComponentDescriptor("Image:buffer", "rerun.archetypes.Image", "rerun.components.ImageBuffer")
TIMELINE = "log_time"
PICTURE_BYTES = 640 * 480 * 3


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    ratio: float
    ours: str
    other: str


def scalar_chunk(entity: str, times: npt.NDArray[np.int64], values: npt.NDArray[Any], timelines: int = 1) -> Chunk:
    """Numbers at times, on some timelines."""
    names = [TIMELINE, "tick", "sim_time", "step"][:timelines]
    return Chunk.from_columns(
        entity,
        times=[TimeColumn.of(name, TimeKind.SEQUENCE, times.copy()) for name in names],
        components=[ComponentColumn(SCALARS, unit_lists(pa.array(values)))],
    )


def alternate(ours: Callable[[], float], other: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Medians of what both return, in turns, after one each that does not count."""
    found: tuple[list[float], list[float]] = [], []
    for number in range(rounds + 1):
        for costs, run in zip(found, (ours, other), strict=True):
            gc.collect()
            cost = run()
            if number:
                costs.append(cost)
    return statistics.median(found[0]), statistics.median(found[1])


def secs(work: Callable[[], object], repeat: int = 1) -> float:
    """Seconds that it takes, each time."""
    start = time.perf_counter()
    for _ in range(repeat):
        work()
    return (time.perf_counter() - start) / repeat


def timed(name: str, ours: float, other: float, what: str) -> Row:
    """A row about time."""
    return Row(name, ours / other, _duration(ours), f"{_duration(other)} ({what})")


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _duration(value: float) -> str:
    return f"{value * 1e6:.1f} µs" if value < 1e-3 else f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def write_large(path: Path, nbytes: int) -> None:
    """A recording with pictures that do not compress, and numbers, about as large as asked for."""
    store_id = StoreId(StoreKind.RECORDING, "benchmark", "large")
    rng = np.random.default_rng(0)
    with RrdWriter(path) as writer:
        writer.write(StoreInfo.new(store_id))
        for number in range(nbytes // (PICTURE_BYTES + 40_000)):
            pixels = pa.array(rng.integers(0, 256, PICTURE_BYTES, np.uint8))
            offsets = pa.array([0, PICTURE_BYTES], pa.int32())
            blob = pa.ListArray.from_arrays(offsets, pixels, pa.list_(pa.field("item", pa.uint8(), nullable=False)))
            column = ComponentColumn(BUFFER, unit_lists(blob))
            moment = [TimeColumn.of(TIMELINE, TimeKind.SEQUENCE, [number])]
            writer.write(StoredChunk(store_id, Chunk.from_columns("/camera", times=moment, components=[column])))
            for sensor in range(10):
                times = np.arange(100) + 100 * number
                writer.write(StoredChunk(store_id, scalar_chunk(f"/sensor{sensor}", times, rng.normal(size=100))))


OPEN = f"""
from rrbridge.chunk import ChunkStore
import sys
store = ChunkStore.open(sys.argv[1])
found = store.latest_at("/camera", None, "{TIMELINE}", 500)
assert len(found["Image:buffer"].values)
"""


def open_large(path: Path, rounds: int) -> list[Row]:
    """Whole processes: start, import, open, first answer; against `rerun rrd stats`."""
    ours_command = [sys.executable, "-c", OPEN, str(path)]
    other_command = ["rerun", "rrd", "stats", str(path)]
    walls: list[tuple[float, float]] = []
    peaks: list[tuple[float, float]] = []
    for _ in range(rounds + 1):
        (wall, peak), (other_wall, other_peak) = _process(ours_command), _process(other_command)
        walls.append((wall, other_wall))
        peaks.append((peak, other_peak))
    ours, other = (statistics.median(wall[i] for wall in walls[1:]) for i in (0, 1))
    most, other_most = (statistics.median(peak[i] for peak in peaks[1:]) for i in (0, 1))
    size = path.stat().st_size / 1e9
    return [
        timed(f"start, import, open {size:.2f} GB, first answer: wall", ours, other, "`rerun rrd stats`"),
        Row("the same: peak", most / other_most, f"{most / 2**20:.0f} MiB", f"{other_most / 2**20:.0f} MiB"),
    ]


def _process(command: list[str]) -> tuple[float, float]:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise RuntimeError(f"{command[0]} failed")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def batched(entities: int, times: int, rows: int, rounds: int) -> Row:
    """Latest-at of many entities at many times, two components; against polars."""
    import polars as pl

    rng = np.random.default_rng(0)
    store = ChunkStore()
    tables = []
    for number in range(entities):
        when = np.sort(rng.integers(0, 10**9, rows))
        values = rng.normal(size=(2, rows))
        columns = [ComponentColumn(name, unit_lists(pa.array(v))) for name, v in zip("ab", values, strict=True)]
        stamps = [TimeColumn.of(TIMELINE, TimeKind.SEQUENCE, when)]
        store.insert(Chunk.from_columns(f"/e{number}", times=stamps, components=columns))
        tables.append(pl.DataFrame({"entity": np.full(rows, number), "t": when, "a": values[0], "b": values[1]}))
    asked = np.sort(rng.integers(0, 10**9, times))
    right = pl.concat(tables).sort("t")
    left = pl.DataFrame({"entity": np.repeat(np.arange(entities), times), "t": np.tile(asked, entities)}).sort("t")
    paths = [f"/e{number}" for number in range(entities)]

    def ours() -> tuple[pa.ListArray, pa.ListArray]:
        table = store.latest_at_table(paths, ("a", "b"), TIMELINE, asked)
        return table["a"].cells, table["b"].cells

    def other() -> Any:
        return left.join_asof(right, on="t", by="entity", strategy="backward", check_sortedness=False)

    expected = other().sort("entity", "t")["a"].drop_nulls().to_numpy()
    if not np.array_equal(ours()[0].flatten().to_numpy(), expected):
        raise RuntimeError("polars finds other values")
    name = f"latest-at, {entities} entities × {times} times × 2 components"
    return timed(name, *alternate(lambda: secs(ours), lambda: secs(other), rounds), "polars `join_asof`")


def one_latest(rows: int, rounds: int) -> Row:
    """One latest-at call at a time that was not asked for before; against one binary search by numpy."""
    times, store = np.arange(rows) * 10, ChunkStore()
    for start in range(0, rows, 4096):
        part = times[start : start + 4096]
        store.insert(scalar_chunk("/a", part, part * 0.5))
    asked: Iterator[int] = iter(np.random.default_rng(0).integers(0, 10 * rows, 2000 * 2 * (rounds + 2)).tolist())
    component = (SCALARS.component,)

    def ours() -> float:
        return secs(lambda: store.latest_at("/a", component, TIMELINE, next(asked))[component[0]].values, 2000)

    def other() -> float:
        return secs(lambda: np.searchsorted(times, next(asked), "right"), 2000)

    return timed(f"one latest-at, {_count(rows)} rows", *alternate(ours, other, rounds), "`searchsorted`")


def ranges(rows: int, rounds: int) -> list[Row]:
    """A range query; against a copy of the numbers by numpy."""
    times = np.arange(rows + 10_000)
    values = times * 0.5
    store = ChunkStore()
    for start in range(0, len(times), 4096):
        store.insert(scalar_chunk("/a", times[start : start + 4096], values[start : start + 4096]))
    low = iter(range(100 * rounds))
    source = values[:rows].copy()

    def chunked() -> float:
        begin = next(low)
        return secs(lambda: store.range("/a", SCALARS.component, TIMELINE, begin, begin + rows - 1).chunked_cells)

    def contiguous() -> float:
        begin = next(low)
        return secs(lambda: store.range("/a", SCALARS.component, TIMELINE, begin, begin + rows - 1).cells)

    def copy() -> float:
        return secs(source.copy)

    name = f"range, {_count(rows)} scalars"
    return [
        timed(f"{name}, chunked Arrow", *alternate(chunked, copy, rounds), "numpy copy"),
        timed(f"{name}, one array", *alternate(contiguous, copy, rounds), "numpy copy"),
    ]


def inserts(count: int, entities: int, rounds: int) -> Row:
    """Insert many chunks of one row, compaction included; against the reference's store, which puts none together."""
    import rerun.chunk

    batches = [
        scalar_chunk(f"/e{n % entities}", np.array([n]), np.array([n * 0.5]), 2).to_record_batch() for n in range(count)
    ]
    theirs = [chunk for batch in batches for chunk in rerun.chunk.Chunk.from_record_batch(batch)]

    def ours() -> float:
        chunks = [Chunk(batch) for batch in batches]
        return secs(lambda: ChunkStore.from_chunks(chunks).num_chunks)

    def other() -> float:
        return secs(lambda: rerun.chunk.ChunkStore.from_chunks(theirs))

    name = f"insert {_count(count)} chunks of one row, {entities} entities"
    return timed(name, *alternate(ours, other, rounds), "reference, which does not compact")


RESIDENT = """
import sys
from store_benchmark import resident_bytes_per_row
print(resident_bytes_per_row(*map(int, sys.argv[1:])))
"""


def resident_bytes_per_row(rows: int, rows_per_chunk: int, timelines: int) -> float:
    """What a scalar row takes in this process after compaction."""

    def fill(store: ChunkStore, count: int) -> None:
        for start in range(0, count, rows_per_chunk):
            times = np.arange(start, start + rows_per_chunk)
            store.insert(scalar_chunk("/a", times, times * 0.5, timelines))
        assert store.num_chunks
        gc.collect()
        give_back()

    fill(ChunkStore(), 100_000)  # what is loaded when it is first used
    store = ChunkStore()
    before = resident_bytes()
    fill(store, rows)
    return (resident_bytes() - before) / rows


def residents(rows_per_chunk: int, timelines: int, rows: int = 2_000_000) -> Row:
    """Memory per row, in a process of its own; against the bytes of its values."""
    command = [sys.executable, "-c", RESIDENT, str(rows), str(rows_per_chunk), str(timelines)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    found = float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
    bare = 28 + 8 * timelines
    name = f"resident bytes per row, {timelines} timelines, from chunks of {rows_per_chunk} rows"
    return Row(name, found / bare, f"{found:.1f}", f"{bare} (row id, offset, value, times)")


def rows(rounds: int, folder: Path, nbytes: int) -> Iterator[Row]:
    """The whole table."""
    path = folder / "large.rrd"
    write_large(path, nbytes)
    yield from open_large(path, rounds)
    path.unlink()
    yield batched(1000, 1000, 1000, rounds)
    for count in (1000, 100_000, 1_000_000, 10_000_000):
        yield one_latest(count, rounds)
    yield from ranges(1_000_000, 3 * rounds)
    yield inserts(10_000, 10, rounds)
    yield inserts(10_000, 1000, rounds)
    yield residents(64, 1)
    yield residents(64, 3)
    yield residents(1, 1, 200_000)


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bytes", type=int, default=900_000_000, help="size of the large file")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, medians of {options.rounds}\n")
    print("| work | ours / other | ours | other |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="storecore-") as folder:
        for row in rows(options.rounds, Path(folder), options.bytes):
            print(f"| {row.name} | {row.ratio:.2f} | {row.ours} | {row.other} |", flush=True)


if __name__ == "__main__":
    main()
