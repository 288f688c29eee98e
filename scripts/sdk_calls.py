"""Compare the cost of logging calls with those of `rerun-sdk`: `python scripts/sdk_calls.py`.

Prints a Markdown table, as docs/benchmarks.md has it: both SDKs in one process, taking turns, medians. Each call is measured
twice: the calls alone, which may leave work to a thread, and until the file is closed.
"""

from __future__ import annotations

import argparse
import compileall
import gc
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

OURS, THEIRS = "rrbridge", "rerun"


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    calls: int
    make: Callable[[ModuleType, Any, int], None]
    """Makes this many calls on a recording of an SDK."""
    data: tuple[npt.NDArray[Any], ...] = ()
    """What a call is given, where that is much."""


@dataclass(frozen=True)
class Ratios:
    """Ours by theirs, and what the two cost here and now."""

    calls: float
    until_closed: float
    ours_secs_per_call: float
    theirs_secs_per_call: float
    copy_secs: float
    """A plain copy of a call's data, into memory that is in use; nan where there is little."""


def rows() -> list[Row]:
    """The calls that are measured, with as many repetitions as take about a tenth of a second."""
    rng = np.random.default_rng(4)
    few = rng.normal(size=(100, 3)).astype(np.float32)
    many = rng.normal(size=(100_000, 3)).astype(np.float32)
    colors = rng.integers(0, 256, (100_000, 3), np.uint8)
    picture = rng.integers(0, 256, (480, 640, 3), np.uint8)
    instants = np.arange(1_000_000) * 0.001
    numbers = rng.normal(size=1_000_000)

    def scalars(sdk: ModuleType, recording: Any, count: int) -> None:
        for i in range(count):
            recording.set_time("step", sequence=i)
            recording.log("scalar", sdk.Scalars(i * 0.5))

    def text(sdk: ModuleType, recording: Any, count: int) -> None:
        for _ in range(count):
            recording.log("log", sdk.TextLog("the left wheel slips", level="WARN"))

    def transform(sdk: ModuleType, recording: Any, count: int) -> None:
        for i in range(count):
            recording.log("base", sdk.Transform3D(translation=[i, 2.0, 3.0], quaternion=[0.0, 0.0, 0.6, 0.8]))

    def points(sdk: ModuleType, recording: Any, count: int) -> None:
        for _ in range(count):
            recording.log("points", sdk.Points3D(few))

    def cloud(sdk: ModuleType, recording: Any, count: int) -> None:
        for _ in range(count):
            recording.log("cloud", sdk.Points3D(many, colors=colors))

    def image(sdk: ModuleType, recording: Any, count: int) -> None:
        for _ in range(count):
            recording.log("camera", sdk.Image(picture))

    def columns(sdk: ModuleType, recording: Any, count: int) -> None:
        for _ in range(count):
            indexes = [sdk.TimeColumn("time", duration=instants)]
            recording.send_columns("signal", indexes=indexes, columns=sdk.Scalars.columns(scalars=numbers))

    return [
        Row("`set_time` + `log(Scalars)`", 10_000, scalars),
        Row("`log(TextLog)`", 5_000, text),
        Row("`log(Transform3D)`, translation and quaternion", 5_000, transform),
        Row("`log(Points3D)`, 100 points", 5_000, points),
        Row("`log(Points3D)`, 100 000 points with colours", 50, cloud, (many, colors)),
        Row("`log(Image)`, 640 × 480 RGB", 50, image, (picture,)),
        Row("`send_columns`, 1 000 000 scalars", 2, columns, (instants, numbers)),
    ]


def compare_calls(row: Row, count: int, rounds: int, folder: Path) -> Ratios:
    """Medians over `rounds` turns of each SDK, after one turn each that does not count."""
    import rerun

    import rrbridge

    sdks = {OURS: rrbridge, THEIRS: rerun}
    costs: dict[str, list[tuple[float, float]]] = {OURS: [], THEIRS: []}
    for number in range(rounds + 1):
        for name, sdk in sdks.items():
            cost = _one_turn(sdk, row, count, folder / f"{name}.rrd")
            if number:
                costs[name].append(cost)
    alone = {name: statistics.median(calls for calls, _ in turns) for name, turns in costs.items()}
    closed = {name: statistics.median(whole for _, whole in turns) for name, turns in costs.items()}
    return Ratios(
        calls=alone[OURS] / alone[THEIRS],
        until_closed=closed[OURS] / closed[THEIRS],
        ours_secs_per_call=alone[OURS] / count,
        theirs_secs_per_call=alone[THEIRS] / count,
        copy_secs=_copy_secs(row.data),
    )


def _copy_secs(data: tuple[npt.NDArray[Any], ...]) -> float:
    if not data:
        return math.nan
    places = [array.copy() for array in data]
    secs = []
    for _ in range(20):
        start = time.perf_counter()
        for place, array in zip(places, data, strict=True):
            np.copyto(place, array)
        secs.append(time.perf_counter() - start)
    return statistics.median(secs)


def compare_imports(rounds: int) -> float:
    """Ours by theirs: the wall time of a Python that imports the SDK and ends, less that of one that imports nothing."""
    import rrbridge

    compileall.compile_dir(Path(rrbridge.__file__).parent, quiet=1)  # as pip does with what it installs, the peer too
    costs: dict[str, list[float]] = {OURS: [], THEIRS: [], "": []}
    for number in range(rounds + 1):
        for name, secs in costs.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {name}" if name else ""], check=True)
            if number:
                secs.append(time.perf_counter() - start)
    nothing = statistics.median(costs[""])
    return (statistics.median(costs[OURS]) - nothing) / (statistics.median(costs[THEIRS]) - nothing)


def _one_turn(sdk: ModuleType, row: Row, count: int, file: Path) -> tuple[float, float]:
    """Seconds that the calls took, and seconds until the file was closed."""
    recording = sdk.RecordingStream("benchmark")
    recording.save(file)
    gc.collect()
    start = time.perf_counter()
    row.make(sdk, recording, count)
    after_calls = time.perf_counter()
    recording.flush()
    recording.disconnect()
    closed = time.perf_counter()
    if file.stat().st_size < 1000:
        raise RuntimeError(f"{sdk.__name__} wrote nothing for {row.name}")
    return after_calls - start, closed - start


def report(ratios: Mapping[str, Ratios], imports: float) -> None:
    """Print the table."""
    print(
        "| call (to a file) | calls alone | until the file is closed | reference, µs per call | ours, in plain copies |"
    )
    print("| --- | --- | --- | --- | --- |")
    for name, ratio in ratios.items():
        micros = ratio.theirs_secs_per_call * 1e6
        copies = "" if math.isnan(ratio.copy_secs) else f"{ratio.ours_secs_per_call / ratio.copy_secs:.1f}"
        print(f"| {name} | {ratio.calls:.2f} | {ratio.until_closed:.2f} | {micros:.0f} | {copies} |")
    print(f"| `import` | {imports:.2f} | | | |")


def main() -> None:
    """Measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name contains this")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, median of {options.rounds}, rrbridge / rerun\n")
    with tempfile.TemporaryDirectory() as folder:
        chosen = [row for row in rows() if options.only in row.name]
        ratios = {row.name: compare_calls(row, row.calls, options.rounds, Path(folder)) for row in chosen}
    report(ratios, compare_imports(options.rounds))


if __name__ == "__main__":
    main()
