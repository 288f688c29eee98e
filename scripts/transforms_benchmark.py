"""Compare looking up transforms with interpolating them by hand: `python scripts/transforms_benchmark.py`.

Prints a Markdown table, as docs/benchmarks.md has it. By hand means: numpy alone, on arrays that lie ready, as one would write
it for six edges: per edge a binary search, a straight line, slerp, a matrix; then five products of stacks of matrices.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._transforms import TransformTree
from rrbridge.chunk import Chunk, ChunkStore

Doubles = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

PERIOD_NANOS = 10_000_000
"""100 Hz."""
START_NANOS = 1_700_000_000_000_000_000


@dataclass(frozen=True)
class Edge:
    """What a robot says about one frame."""

    times: Times
    translations: Doubles
    """Shape (n, 3)."""
    quaternions: Doubles
    """x, y, z, w of length 1; shape (n, 4)."""


@dataclass(frozen=True)
class Ratio:
    """`lookup` by plain numpy, and what it cost here and now."""

    ratio: float
    lookup_secs: float
    by_hand_secs: float


def chain(depth: int, rows: int) -> list[Edge]:
    """Edges that move at random, 100 times a second, each at moments of its own."""
    rng = np.random.default_rng(6)
    edges = []
    for _ in range(depth):
        times = START_NANOS + np.arange(rows) * PERIOD_NANOS + rng.integers(0, PERIOD_NANOS, rows)
        quaternions = np.cumsum(rng.normal(scale=0.05, size=(rows, 4)), axis=0) + np.array([0, 0, 0, 1])
        quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
        translations = np.cumsum(rng.normal(scale=0.01, size=(rows, 3)), axis=0)
        edges.append(Edge(times, translations.astype(np.float32).astype(float), quaternions))
    return edges


def store_of(edges: Sequence[Edge]) -> ChunkStore:
    """The edges as a bag of `/tf` messages has them: frames `f0` → `f1` → …, all on one entity."""
    order = np.argsort(np.concatenate([edge.times for edge in edges]), kind="stable")
    children = np.repeat(np.arange(1, len(edges) + 1), [len(edge.times) for edge in edges])[order]
    columns = rr.Transform3D.columns(
        translation=np.concatenate([edge.translations for edge in edges])[order],
        quaternion=np.concatenate([edge.quaternions for edge in edges])[order],
        child_frame=[f"f{child}" for child in children],
        parent_frame=[f"f{child - 1}" for child in children],
    )
    times = np.concatenate([edge.times for edge in edges])[order]
    indexes = [rr.TimeColumn("time", timestamp=times.astype("M8[ns]"))]
    return ChunkStore.from_chunks([Chunk.from_columns("/tf", times=indexes, components=list(columns))])


def by_hand(edges: Sequence[Edge], times: Times) -> Doubles:
    """f0_from_last at n times, shape (n, 4, 4)."""
    out: Doubles | None = None
    for edge in edges:
        after = np.searchsorted(edge.times, times, "right")
        before = after - 1
        since = edge.times[before]
        weights = ((times - since) / (edge.times[after] - since))[:, None]
        translations = (1 - weights) * edge.translations[before] + weights * edge.translations[after]
        a, b = edge.quaternions[before], edge.quaternions[after]
        dot = np.sum(a * b, axis=1, keepdims=True)
        b = np.where(dot < 0, -b, b)
        angle = np.arccos(np.clip(np.abs(dot), 0, 1))
        near = angle < 1e-6
        sine = np.where(near, 1.0, np.sin(angle))
        from_a = np.where(near, 1 - weights, np.sin((1 - weights) * angle) / sine)
        from_b = np.where(near, weights, np.sin(weights * angle) / sine)
        x, y, z, w = (from_a * a + from_b * b).T
        step = np.zeros((len(times), 4, 4))
        step[:, 0, 0], step[:, 0, 1], step[:, 0, 2] = 1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)
        step[:, 1, 0], step[:, 1, 1], step[:, 1, 2] = 2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)
        step[:, 2, 0], step[:, 2, 1], step[:, 2, 2] = 2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)
        step[:, :3, 3], step[:, 3, 3] = translations, 1
        out = step if out is None else out @ step
    assert out is not None
    return out


def random_times(edges: Sequence[Edge], count: int, *, in_order: bool = True) -> Times:
    """Times at which every edge can be interpolated."""
    low, high = max(edge.times[0] for edge in edges), min(edge.times[-1] for edge in edges)
    times = np.random.default_rng(7).integers(low, high, count)
    return np.sort(times) if in_order else times


def compare(depth: int, rows: int, count: int, rounds: int, *, in_order: bool = True) -> Ratio:
    """Medians over `rounds` turns of each, after one turn each that does not count; the results must be equal."""
    edges = chain(depth, rows)
    tree, times = TransformTree(store_of(edges)), random_times(edges, count, in_order=in_order)
    ways: dict[str, Callable[[], Doubles]] = {
        "lookup": lambda: tree.lookup("f0", f"f{depth}", "time", times),
        "by hand": lambda: by_hand(edges, times),
    }
    np.testing.assert_allclose(ways["lookup"](), ways["by hand"](), atol=1e-5)
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            start = time.perf_counter()
            way()
            costs[name].append(time.perf_counter() - start)
    ours, theirs = (statistics.median(secs) for secs in costs.values())
    return Ratio(ours / theirs, ours, theirs)


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}, median of {options.rounds}\n"
    )
    print("| lookup | ratio | `lookup`, ms | by hand, ms |")
    print("| --- | --- | --- | --- |")
    for depth, rows, count, in_order in (
        (6, 10_000, 10_000, True),
        (6, 10_000, 10_000, False),
        (6, 10_000, 1_000_000, True),
        (6, 10_000, 100, True),
        (6, 10_000, 1, True),
        (1, 10_000, 10_000, True),
        (20, 10_000, 10_000, True),
    ):
        found = compare(depth, rows, count, options.rounds, in_order=in_order)
        name = f"{depth} edges of {rows:,} rows, {count:,} times{'' if in_order else ' in no order'}".replace(
            ",000", " 000"
        )
        print(f"| {name} | {found.ratio:.2f} | {found.lookup_secs * 1e3:.2f} | {found.by_hand_secs * 1e3:.2f} |")


if __name__ == "__main__":
    main()
