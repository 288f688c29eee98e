"""Recorders as processes: started side by side on the same publishers, measured, and stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from recording_load.arrivals import Arrivals, of_bag, of_rrd
from recording_load.bare import of_npz

__all__ = ["Figures", "Rival", "Running", "bare_loop", "ours", "rosbag_record"]

ROSBAG_RECORD = "/usr/lib/rosbag/record"
END_SECS = 90.0
TICKS_PER_SEC = os.sysconf("SC_CLK_TCK")
Environment: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Rival:
    """Something that records."""

    name: str
    command: Callable[[Path, Sequence[str]], list[str]]
    """Of a file to write, and topics."""
    suffix: str
    read: Callable[[Path], dict[str, Arrivals]]
    told: Callable[[str], int | None] = lambda _: None
    """How many messages it says are missing, from what it printed; None: it does not say."""


def ours(source: str, *options: str) -> Rival:
    """`rrbridge record`."""
    program = str(Path(sys.executable).with_name("rrbridge"))
    command = [program, "record", "--from", source, "--json", *options]
    return Rival("rrbridge record", lambda out, topics: [*command, "-o", str(out), *topics], ".rrd", of_rrd, _told)


def _told(printed: str) -> int | None:
    events = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    ends = [event for event in events if event["event"] == "end"]
    return sum(t["dropped"] + (t["lost"] or 0) for end in ends for t in end["topics"]) if ends else None


def rosbag_record() -> Rival:
    """The C++ recorder of ROS 1, without its limit on the memory that waits to be written."""
    command = [ROSBAG_RECORD, "--buffsize=0"]
    return Rival("rosbag record", lambda out, topics: [*command, "-O", str(out), *topics], ".bag", of_bag)


def bare_loop(source: str) -> Rival:
    """A loop that only receives."""
    command = [sys.executable, str(Path(__file__).with_name("bare.py")), source]
    return Rival("bare loop", lambda out, topics: [*command, str(out), *topics], ".npz", of_npz)


@dataclass(frozen=True)
class Figures:
    """What a recorder did in one run."""

    sent: int
    received: int
    lost: int
    told: int | None
    """How many of these it says are missing: dropped by itself, or lost before they came; None: it does not say."""
    longest_gap: int
    cpu_secs: float
    """From when the load began until it had finished its file, with what it started."""
    gigabytes: float
    peak_mib: float
    lag_p99_ms: float
    """From sent to received."""


class Running:
    """A recorder that runs."""

    def __init__(self, rival: Rival, folder: Path, topics: Sequence[str], env: Environment) -> None:
        self.rival = rival
        self.out = folder / f"{rival.name.replace(' ', '_')}{rival.suffix}"
        self._before_secs = 0.0
        self._log = self.out.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                rival.command(self.out, topics), stdout=log, stderr=subprocess.STDOUT, env=dict(env)
            )

    def begin(self) -> None:
        """From now on its processor time counts; what it took to start does not."""
        self._before_secs = sum(_cpu_secs(pid) for pid in _family(self._process.pid))

    def stop(self, sent: Sequence[int]) -> Figures:
        """End it in good order and see what it has of the numbered messages of each topic."""
        peak_mib = sum(_peak_kib(pid) for pid in _family(self._process.pid)) / 1024
        self._process.send_signal(signal.SIGINT)
        _, _, used = os.wait4(self._process.pid, 0)
        self._process.returncode = 0  # waited for already
        found = self.rival.read(self.out)
        of = {topic.strip("/"): arrivals for topic, arrivals in found.items()}
        nothing = Arrivals(np.empty(0, np.int64), np.empty(0, np.int64), 0)
        each = [of.get(f"load_{n}", nothing) for n in range(len(sent))]
        lags = np.concatenate([arrivals.lag_nanos for arrivals in each])
        return Figures(
            sent=sum(sent),
            received=sum(len(arrivals.numbers) for arrivals in each),
            lost=sum(arrivals.lost(count) for arrivals, count in zip(each, sent, strict=True)),
            told=self.rival.told(self._log.read_text()),
            longest_gap=max(arrivals.longest_gap(count) for arrivals, count in zip(each, sent, strict=True)),
            cpu_secs=used.ru_utime + used.ru_stime - self._before_secs,
            gigabytes=sum(arrivals.nbytes for arrivals in each) / 1e9,
            peak_mib=peak_mib,
            lag_p99_ms=float(np.percentile(lags, 99)) / 1e6 if len(lags) else float("nan"),
        )

    def close(self) -> None:
        """End it at once, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()


def _family(pid: int) -> list[int]:
    """A process and those that it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(p for child in children for p in _family(int(child)))]


def _cpu_secs(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SEC


def _peak_kib(pid: int) -> int:
    try:
        match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(match[1]) if match else 0
