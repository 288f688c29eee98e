"""Compare dataframes with those of `rerun-sdk`: `python scripts/query_benchmark.py`.

Prints a Markdown table, as docs/benchmarks.md has it: the same chunks in both stores, one process, taking turns, medians. What is
measured is from asking to having all rows as Arrow batches in memory. Alignment, which the reference does not have, is measured
against polars' `join_asof` on frames of the same columns. Needs `rerun-sdk[catalog]` and polars.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa
import rerun.chunk

from rrbridge import TimeColumn
from rrbridge._query_recording import Recording
from rrbridge._query_view import View
from rrbridge.chunk import Chunk, ChunkStore, ComponentColumn, ComponentDescriptor

SCALARS = ComponentDescriptor("Scalars:scalars", "rerun.archetypes.Scalars", "rerun.components.Scalar")
ENTITIES = 10
ROWS_PER_CHUNK = 4096


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    ours: Callable[[], int]
    theirs: Callable[[], int]
    """Both give the number of rows, which must be equal."""


@dataclass(frozen=True)
class Costs:
    """Medians, and how many rows there were."""

    ours_secs: float
    theirs_secs: float
    rows: int

    @property
    def ratio(self) -> float:
        """Ours by theirs."""
        return self.ours_secs / self.theirs_secs


def series(rows: int, *, interleaved: bool) -> list[Chunk]:
    """One number per row and entity, a microsecond apart; entities at the same times, or each at its own."""
    rng = np.random.default_rng(0)
    found = []
    for entity in range(ENTITIES):
        times = np.arange(rows) * 1000 + (entity * 100 if interleaved else 0)
        values = rng.normal(size=rows)
        for start in range(0, rows, ROWS_PER_CHUNK):
            part = slice(start, start + ROWS_PER_CHUNK)
            index = TimeColumn("time", timestamp=times[part].astype("datetime64[ns]"))
            cells = pa.array(values[part]).cast(pa.float64())
            lists = pa.ListArray.from_arrays(np.arange(len(cells) + 1, dtype=np.int32), cells)
            found.append(Chunk.from_columns(f"/e{entity}", times=[index], components=[ComponentColumn(SCALARS, lists)]))
    return found


def rows(count: int) -> list[Row]:
    """The queries that are measured, on stores of ten entities with `count` rows each."""
    found = []
    for name, interleaved in (("same times", False), ("interleaved times", True)):
        chunks = series(count, interleaved=interleaved)
        ours = Recording("benchmark", ChunkStore.from_chunks(chunks))
        made = [rerun.chunk.Chunk.from_record_batch(chunk.to_record_batch())[0] for chunk in chunks]
        theirs = rerun.chunk.ChunkStore.from_chunks(made)
        times = np.arange(count // 10) * 10_037
        view = ours.view("time")
        found += [
            Row(
                f"{name}, filled",
                partial(_ours, view.fill_latest_at()),
                partial(_theirs, theirs, {"fill_latest_at": True}),
            ),
            Row(f"{name}, as logged", partial(_ours, view), partial(_theirs, theirs, {})),
            Row(
                f"{name}, filled, at given times",
                partial(_ours, view.using_index_values(times).fill_latest_at()),
                partial(_theirs, theirs, {"fill_latest_at": True, "using_index_values": times}),
            ),
        ]
        if interleaved:
            frames = [ours.view("time", f"/e{n}").plain_values().to_polars() for n in range(ENTITIES)]
            found.append(Row("nine topics on the clock of a tenth", partial(_aligned, ours), partial(_joined, frames)))
    return found


def _ours(view: View) -> int:
    return len(view.to_arrow())


def _theirs(store: rerun.chunk.ChunkStore, asked: dict[str, object]) -> int:
    return sum(batch.num_rows for batch in store.reader("time", **asked).collect())


def _aligned(recording: Recording) -> int:
    return len(recording.align("/e0", index="time").plain_values().to_arrow())


def _joined(frames: list[pl.DataFrame]) -> int:
    joined = frames[0]
    for frame in frames[1:]:
        joined = joined.join_asof(frame, on="time")
    return len(joined)


def compare(row: Row, rounds: int) -> Costs:
    """Medians over `rounds` turns of each side. Raises AssertionError when they give different numbers of rows."""
    counts = row.ours(), row.theirs()
    assert counts[0] == counts[1], f"{row.name}: {counts[0]} rows, the other {counts[1]}"
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_secs(row.ours))
        theirs.append(_secs(row.theirs))
    return Costs(statistics.median(ours), statistics.median(theirs), counts[0])


def _secs(work: Callable[[], int]) -> float:
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="rows of each of the ten entities")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side")
    options = parser.parse_args()
    print("| dataframe | rows | ours / theirs | ours, ms | theirs, ms |")
    print("| --- | --- | --- | --- | --- |")
    for row in rows(options.rows):
        costs = compare(row, options.rounds)
        shown = f"{costs.rows:,}".replace(",", " ")
        ours, theirs = costs.ours_secs * 1e3, costs.theirs_secs * 1e3
        print(f"| {row.name} | {shown} | {costs.ratio:.3f} | {ours:.1f} | {theirs:.0f} |", flush=True)


if __name__ == "__main__":
    main()
