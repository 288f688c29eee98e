"""Measure programs whole, side by side: wall time, processor time and peak memory of a process from start to exit."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

__all__ = ["Cost", "compare", "measure"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a program cost."""

    wall_secs: float
    cpu_secs: float
    peak_bytes: int
    """Largest resident set of the process."""


LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
wall = time.perf_counter() - began
os.write(3, json.dumps([os.waitstatus_to_exitcode(status), wall, used.ru_utime + used.ru_stime, used.ru_maxrss]).encode())
"""
"""Starts the program from a small process: the kernel counts what a process held before exec into its peak."""


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its end, quietly. Raises RuntimeError when it fails."""
    told, say = os.pipe()
    with os.fdopen(told) as answer, Path(os.devnull).open("w") as quiet:
        actions = [
            (os.POSIX_SPAWN_DUP2, quiet.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, quiet.fileno(), 2),
            (os.POSIX_SPAWN_DUP2, say, 3),
        ]
        launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
        pid = os.posix_spawn(sys.executable, launcher, os.environ, file_actions=actions)
        os.close(say)
        line = answer.read()
        os.waitpid(pid, 0)
    if not line:
        raise RuntimeError(f"{command[0]} could not be started")
    code, wall_secs, cpu_secs, peak_kib = json.loads(line)
    if code != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    return Cost(wall_secs, cpu_secs, peak_kib * 1024)


def compare(
    commands: Mapping[str, Sequence[str]], rounds: int, outputs: Mapping[str, Path] | None = None
) -> dict[str, Cost]:
    """The median cost of each command. They take turns, so that what else the machine does hits all alike.

    `outputs`: what each writes; it is removed before a run, which would have to overwrite it otherwise.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            if outputs and name in outputs:
                outputs[name].unlink(missing_ok=True)
            costs[name].append(measure(command))
    return {
        name: Cost(
            median(c.wall_secs for c in runs), median(c.cpu_secs for c in runs), int(median(c.peak_bytes for c in runs))
        )
        for name, runs in costs.items()
    }
