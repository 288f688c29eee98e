"""Conversion beside the reference, small enough for every run: same messages in, same columns out, costs measured for both.

`scripts/benchmark.py` makes the table of docs/benchmarks.md with the same functions on files of full size.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tries import at_best

from benchmark import LIKE_FOR_LIKE
from benchmark_bags import many_small_messages, mixed_messages
from rrbridge._messages import StoredChunk
from rrbridge.rrd import RrdReader
from rrbridge_bridge.readers import open_bag
from side_by_side import compare, measure

BIN = Path(sys.executable).parent


def test_a_failing_program_is_not_a_measurement() -> None:
    with pytest.raises(RuntimeError, match="ended with 1"):
        measure(["false"])


def test_peak_memory_is_that_of_the_program() -> None:
    small = measure([sys.executable, "-c", "pass"])
    large = measure([sys.executable, "-c", "bytearray(200_000_000)"])
    assert 180e6 < large.peak_bytes - small.peak_bytes < 220e6


def test_convert_beside_the_reference(tmp_path: Path) -> None:
    """Both make the same of the same messages, or their costs could not be compared."""
    bag = many_small_messages(tmp_path / "bag", scale=0.02)
    ours, theirs = tmp_path / "ours.rrd", tmp_path / "theirs.rrd"
    costs = compare(
        {
            "ours": [str(BIN / "rrbridge"), "convert", str(bag), "-o", str(ours), "--mapping", "reference"],
            "theirs": [str(BIN / "rerun"), "mcap", "convert", str(bag), "-o", str(theirs)],
        },
        rounds=1,
    )
    assert all(cost.wall_secs > 0 and cost.peak_bytes > 10e6 for cost in costs.values())
    checked = subprocess.run(
        [str(BIN / "rerun"), "rrd", "verify", str(ours)], capture_output=True, text=True, timeout=200
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    made, wanted = columns(ours), columns(theirs)
    assert len(wanted) > 10
    assert wanted.keys() <= made.keys()
    for key, values in wanted.items():
        assert made[key].equals(values), key
    with open_bag(bag) as reader:
        messages = {topic.topic: topic.count for topic in reader.summary().topics}
    assert {entity: len(made[entity, name]) for entity, name in made if name.endswith(":message")} == messages


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "scale", "cpu", "peak"), [(many_small_messages, 1.0, 2.2, 1.2), (mixed_messages, 0.4, 2.0, 0.6)]
)
def test_costs_stay_near_the_reference(
    make: Callable[..., Path], scale: float, cpu: float, peak: float, tmp_path: Path
) -> None:
    """The same work, for so many times the reference's processor time and memory at most: docs/benchmarks.md says less."""
    bag = make(tmp_path / "bag", scale=scale)
    outputs = {"ours": tmp_path / "ours.rrd", "theirs": tmp_path / "theirs.rrd"}
    commands = {
        "ours": [str(BIN / "rrbridge"), "convert", str(bag), "-o", str(outputs["ours"]), *LIKE_FOR_LIKE],
        "theirs": [str(BIN / "rerun"), "mcap", "convert", str(bag), "-o", str(outputs["theirs"])],
    }

    def share_of_bounds() -> float:
        costs = compare(commands, rounds=3, outputs=outputs)
        ours, theirs = costs["ours"], costs["theirs"]
        return max(ours.cpu_secs / theirs.cpu_secs / cpu, ours.peak_bytes / theirs.peak_bytes / peak)

    assert at_best(share_of_bounds, 1) < 1


def columns(path: Path) -> dict[tuple[str, str], pa.Array]:
    """Every temporal column by entity and component, in order of log time; rows of one time as they were written."""
    found: dict[tuple[str, str], list[tuple[np.ndarray[Any, Any], pa.Array]]] = defaultdict(list)
    for message in RrdReader(path).messages():
        if isinstance(message, StoredChunk) and not message.chunk.is_static:
            chunk = message.chunk
            for name, column in chunk.components.items():
                times = chunk.times["message_log_time"].values
                found[chunk.entity_path, name].append((times, column.cells))
    return {key: in_time(parts) for key, parts in found.items()}


def in_time(parts: list[tuple[np.ndarray[Any, Any], pa.Array]]) -> pa.Array:
    order = np.argsort(np.concatenate([times for times, _ in parts]), kind="stable")
    return pa.concat_arrays([cells for _, cells in parts]).take(pa.array(order))
