"""Compare `rrbridge convert` with `rerun mcap convert` on the same files: `python scripts/benchmark.py`.

Prints a Markdown table, as docs/benchmarks.md has it: whole processes from start to exit, taking turns, medians.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path

from side_by_side import compare, many_small_messages
from simulated_robot import simulate

BIN = Path(sys.executable).parent


def main() -> None:
    """Make the files, run the programs, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="MCAP files; without any, two are made")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder)
        files = options.files or [
            simulate(temporary / "field_log"),
            many_small_messages(temporary / "many_small_messages"),
        ]
        print(f"{os.cpu_count()} cores, Python {platform.python_version()}, median of {options.rounds}\n")
        print("| file | program | wall s | CPU s | peak MB | wall, reference = 1 | output MB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for file in files:
            report(file, temporary, options.rounds)


def report(file: Path, temporary: Path, rounds: int) -> None:
    """The table's rows for one file."""
    reference = "rerun mcap convert"
    programs = {
        reference: [str(BIN / "rerun"), "mcap", "convert", str(file)],
        "rrbridge convert": [str(BIN / "rrbridge"), "convert", str(file), "--force"],
        "rrbridge convert --mapping reference --fields unmapped": [
            str(BIN / "rrbridge"), "convert", str(file), "--force", "--mapping", "reference", "--fields", "unmapped"
        ],
    }  # fmt: skip
    outputs = {name: temporary / f"{number}.rrd" for number, name in enumerate(programs)}
    costs = compare({name: [*command, "-o", str(outputs[name])] for name, command in programs.items()}, rounds)
    for name, cost in costs.items():
        print(
            f"| {file.name} ({file.stat().st_size / 1e6:.0f} MB) | `{name}` | {cost.wall_secs:.2f} | {cost.cpu_secs:.2f} | "
            f"{cost.peak_bytes / 1e6:.0f} | {cost.wall_secs / costs[reference].wall_secs:.2f} | "
            f"{outputs[name].stat().st_size / 1e6:.0f} |"
        )


if __name__ == "__main__":
    main()
