"""Recorders side by side on the same publishers: `python scripts/record_benchmark.py`, about ten minutes.

ROS 1: `rrbridge record` beside the C++ `rosbag record`. ROS 2 by rclpy or Zenoh, which has no other recorder on PyPI, and
Foxglove's WebSocket: beside a loop that only receives. Every message carries its number and when it was sent. Prints the table
of docs/benchmarks.md.

    python scripts/record_benchmark.py --world ros1 --busy 0 --busy 4 --repeats 3
    python scripts/record_benchmark.py --world ros2 --ros-python .venv-ros-kilted/bin/python --bytes 1000000 --hertz 100
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from recording_load.rivals import Figures, Rival, bare_loop, ours, rosbag_record
from recording_load.runs import WORLDS, Load, Robot, run

ROOT = Path(__file__).resolve().parents[1]
LOADS = {
    "ros1": [Load(64, 2000), Load(64, 5000), Load(1_000_000, 100)],
    "ros2": [Load(64, 5000), Load(64, 20_000), Load(1_000_000, 100)],
    "zenoh": [Load(64, 20_000), Load(1_000_000, 300)],
    "foxglove": [Load(64, 20_000), Load(1_000_000, 300)],
}
HEAD = (
    "| load | busy | recorder | lost (of each run) | told | longest gap | CPU s | CPU s/GB | peak MiB | p99 lag ms |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=WORLDS, action="append", help="all by default")
    parser.add_argument("--ros-python", default=default_python(), help="the Python that has rclpy")
    parser.add_argument("--bytes", type=int, help="one load instead of the usual ones")
    parser.add_argument("--hertz", type=float, default=0.0, help="0: as fast as the sender can")
    parser.add_argument("--topics", type=int, default=1)
    parser.add_argument("--secs", type=float, default=5.0)
    parser.add_argument("--busy", type=int, action="append", help="processes that want a processor; 0, 1, 2 and 4")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help="a loop that only receives, with ROS 1 too")
    parser.add_argument("--option", action="append", default=[], help="for `rrbridge record`: --option=--no-decode")
    asked = parser.parse_args()
    print(HEAD, flush=True)
    for world in asked.world or WORLDS:
        loads = [Load(asked.bytes, asked.hertz, asked.topics)] if asked.bytes else LOADS[world]
        with WORLDS[world](asked.ros_python) as robot:
            rivals = [ours(robot.source, *asked.option)]
            rivals += [rosbag_record()] if world == "ros1" else []
            rivals += [bare_loop(robot.source)] if world != "ros1" or asked.bare else []
            for load in loads:
                timed = Load(load.nbytes, load.hertz, load.topics, asked.secs)
                for busy in asked.busy or [0, 1, 2, 4]:
                    compare(robot, timed, rivals, busy, asked.repeats)


def default_python() -> str:
    """Where `scripts/setup-ros-venv` puts it."""
    return str(Path(os.environ.get("RRBRIDGE_ROS_VENV", ROOT / ".venv-ros-kilted")) / "bin" / "python")


def compare(robot: Robot, load: Load, rivals: Sequence[Rival], busy: int, repeats: int) -> None:
    """Print a row for each recorder; the order in which they start changes from run to run."""
    runs = []
    for number in range(repeats):
        order = [(index + number) % len(rivals) for index in range(len(rivals))]
        figures = run(robot, load, [rivals[index] for index in order], busy)
        runs.append([figures[order.index(index)] for index in range(len(rivals))])
    for index, rival in enumerate(rivals):
        print(row(load, busy, rival.name, robot.world, [figures[index] for figures in runs]), flush=True)


def row(load: Load, busy: int, name: str, world: str, figures: Sequence[Figures]) -> str:
    """Medians of the runs; losses one by one, with what was sent at most."""
    lost = " ".join(str(one.lost) for one in figures)
    cells = [
        f"{world}: {load}",
        str(busy),
        name,
        f"{lost} of {max(one.sent for one in figures):,}".replace(",", " "),
        " ".join("–" if one.told is None else str(one.told) for one in figures),
        str(max(one.longest_gap for one in figures)),
        f"{median(one.cpu_secs for one in figures):.2f}",
        f"{median(one.cpu_secs / max(one.gigabytes, 1e-9) for one in figures):.1f}",
        f"{median(one.peak_mib for one in figures):.0f}",
        f"{median(one.lag_p99_ms for one in figures):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
