"""Conversion beside the reference, small enough for every run: same messages in, accepted output, costs measured for both.

`scripts/benchmark.py` makes the table of docs/benchmarks.md with the same functions on files of full size.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from side_by_side import compare, many_small_messages, measure

BIN = Path(sys.executable).parent


def test_a_failing_program_is_not_a_measurement() -> None:
    with pytest.raises(RuntimeError, match="ended with 1"):
        measure(["false"])


def test_peak_memory_is_that_of_the_program() -> None:
    small = measure([sys.executable, "-c", "pass"])
    large = measure([sys.executable, "-c", "bytearray(200_000_000)"])
    assert 180e6 < large.peak_bytes - small.peak_bytes < 220e6


def test_convert_beside_the_reference(tmp_path: Path) -> None:
    bag = many_small_messages(tmp_path / "bag", scale=0.02)
    ours, theirs = tmp_path / "ours.rrd", tmp_path / "theirs.rrd"
    costs = compare(
        {
            "ours": [str(BIN / "rrbridge"), "convert", str(bag), "-o", str(ours)],
            "theirs": [str(BIN / "rerun"), "mcap", "convert", str(bag), "-o", str(theirs)],
        },
        rounds=1,
    )
    assert all(cost.wall_secs > 0 and cost.peak_bytes > 10e6 for cost in costs.values())
    checked = subprocess.run(
        [str(BIN / "rerun"), "rrd", "verify", str(ours)], capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
