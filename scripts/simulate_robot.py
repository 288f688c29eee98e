"""Make a field log: `python scripts/simulate_robot.py demo/field_log` writes a ROS 2 bag with MCAP storage."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from simulated_robot import simulate


def main() -> None:
    """Make a field log from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of the new bag; must not exist")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same messages")
    parser.add_argument("--seconds", type=float, default=28.0, help="how much of the run to record, at most 28")
    options = parser.parse_args()
    if options.folder.exists():
        parser.error(f"{options.folder} exists already; remove it or name another folder")
    began = time.perf_counter()
    file = simulate(options.folder, seed=options.seed, duration_secs=min(options.seconds, 28.0))
    print(f"{file}: {file.stat().st_size / 1e6:.1f} MB in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
