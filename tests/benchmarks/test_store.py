"""The store beside what comes near it, small enough for every run; `scripts/store_benchmark.py` makes the whole table.

Bounds are what the table asks for, with room for a machine that does other things at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tries import at_best

from store_benchmark import batched, inserts, one_latest, open_large, ranges, residents, write_large

ROOM = 2.0


def keeps(measure: Callable[[], float], bound: float) -> bool:
    return at_best(measure, bound * ROOM) < bound * ROOM


def test_opening_a_file_beside_the_reference(tmp_path: Path) -> None:
    path = tmp_path / "file.rrd"
    write_large(path, 60_000_000)
    _, peak = open_large(path, rounds=2)
    assert peak.ratio < 1.5 * ROOM  # the time is that of imports, in a file as small as this


def test_many_entities_at_many_times_beside_polars() -> None:
    assert keeps(lambda: batched(200, 200, 500, rounds=5).ratio, 3)


@pytest.mark.parametrize("rows", [1000, 300_000])
def test_one_latest_at_beside_a_binary_search(rows: int) -> None:
    assert keeps(lambda: one_latest(rows, rounds=5).ratio, 20)


def test_ranges_beside_a_copy() -> None:
    assert keeps(lambda: max(r.ratio / bound for r, bound in zip(ranges(1_000_000, 7), (2, 5), strict=True)), 1)


def test_inserting_small_chunks_beside_the_reference() -> None:
    assert keeps(lambda: inserts(3000, 10, rounds=3).ratio, 5)


def test_memory_of_a_row() -> None:
    for timelines in (1, 3):
        assert residents(64, timelines).ratio < 1.15
