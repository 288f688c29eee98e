"""Compare `rrbridge convert` with what else there is on the same recordings: `python scripts/benchmark.py [FOLDER]`.

Prints a Markdown table, as docs/benchmarks.md has it: whole processes from start to exit, taking turns, medians. MCAP files are
compared with `rerun mcap convert`, ROS 1 bags with a loop that only reads and deserialises with `rosbags`. The recordings are
made by `scripts/benchmark_bags.py`, and kept where a FOLDER is given.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark_bags import BagKind, many_small_messages, mixed_messages
from side_by_side import Cost, compare

BIN = Path(sys.executable).parent
LIKE_FOR_LIKE = ("--mapping", "reference", "--fields", "unmapped")
ROSBAGS_LOOP = """
import sys
from pathlib import Path
from rosbags.rosbag1 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
store = get_typestore(Stores.EMPTY)
with Reader(Path(sys.argv[1])) as reader:
    types = {}
    for connection in reader.connections:
        types.update(get_types_from_msg(connection.msgdef.data, connection.msgtype))
    store.register(types)
    for connection, _, data in reader.messages():
        store.deserialize_ros1(data, connection.msgtype)
"""


@dataclass(frozen=True)
class Work:
    """One line of the table."""

    name: str
    file: str
    kind: BagKind
    options: tuple[str, ...]
    make: Callable[[Path, BagKind], Path]


def ten_times(folder: Path, kind: BagKind) -> Path:
    """2.55 million messages."""
    return many_small_messages(folder, kind, laps=10)


WORKS = (
    Work("0.23 GB of small messages, the same work", "small", "mcap", LIKE_FOR_LIKE, many_small_messages),
    Work("2.3 GB of small messages, the same work", "small_x10", "mcap", LIKE_FOR_LIKE, ten_times),
    Work("0.23 GB of small messages, all adapters and fields", "small", "mcap", (), many_small_messages),
    Work("1.1 GB with pictures and clouds", "mixed", "mcap", (), mixed_messages),
    Work("the same in zstd chunks", "mixed", "mcap-zstd", (), mixed_messages),
    Work("0.23 GB of small messages in a ROS 1 bag", "small", "bag", LIKE_FOR_LIKE, many_small_messages),
    Work("the same, all adapters and fields", "small", "bag", (), many_small_messages),
    Work("1.1 GB with pictures and clouds in a ROS 1 bag", "mixed", "bag", (), mixed_messages),
)


def main() -> None:
    """Make the files, run the programs, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="where the recordings are, or are to be kept; 6 GB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="lines whose name has this in it")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, median of {options.rounds}\n")
    print("| work | wall, ours / other | CPU | peak memory | wall s | CPU s | peak MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for work in WORKS:
            if options.only in work.name:
                print(row(work, *measured(work, recording(work, folder), Path(temporary), options.rounds)), flush=True)


def recording(work: Work, folder: Path) -> Path:
    """The file, made if it is not there."""
    of_work = folder / f"{work.file}_{work.kind}"
    if not of_work.exists():
        return work.make(of_work, work.kind)
    return of_work / f"{of_work.name}.{work.kind.partition('-')[0]}"


def measured(work: Work, file: Path, temporary: Path, rounds: int) -> tuple[Cost, Cost]:
    """What it costs us, and the other."""
    outputs = {name: temporary / f"{name}.rrd" for name in ("ours", "other")}
    other: Sequence[str] = [str(BIN / "rerun"), "mcap", "convert", str(file), "-o", str(outputs["other"])]
    if work.kind == "bag":
        other = [sys.executable, "-c", ROSBAGS_LOOP, str(file)]
    ours = [str(BIN / "rrbridge"), "convert", "--quiet", str(file), *work.options, "-o", str(outputs["ours"])]
    costs = compare({"ours": ours, "other": other}, rounds, outputs)
    return costs["ours"], costs["other"]


def row(work: Work, ours: Cost, other: Cost) -> str:
    """The table's row."""
    ratios = (
        ours.wall_secs / other.wall_secs,
        ours.cpu_secs / other.cpu_secs,
        ours.peak_bytes / other.peak_bytes,
    )
    cells = [
        work.name,
        *(f"{ratio:.2f}" for ratio in ratios),
        f"{ours.wall_secs:.2f} / {other.wall_secs:.2f}",
        f"{ours.cpu_secs:.2f} / {other.cpu_secs:.2f}",
        f"{ours.peak_bytes / 1e6:.0f} / {other.peak_bytes / 1e6:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
