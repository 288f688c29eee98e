"""Show what a store with a memory limit takes under a live load of pictures: `python scripts/store_memory.py`.

A process of its own logs 640 × 480 RGB pictures at 60 Hz, and numbers beside them, into a store. Its resident memory less
that after import, mapped pages included, is sampled at 10 Hz and drawn as text.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HZ = 60
SAMPLES_PER_SEC = 10
WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True)
class Sample:
    """One look at the process."""

    secs: float
    """Since the load began."""
    resident_bytes: int
    """Less what it had after import."""


def curve(limit: str, secs: float, hz: int = HZ) -> list[Sample]:
    """The memory of a process that has this load for so long."""
    command = [sys.executable, __file__, "--load", "--limit", limit, "--seconds", str(secs), "--hz", str(hz)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if line.strip() != "ready":
            raise RuntimeError(f"the load did not start: {line!r}")
        samples = list(_samples(process))
    if process.returncode:
        raise RuntimeError(f"the load failed with {process.returncode}")
    return samples


def _samples(process: subprocess.Popen[str]) -> Iterator[Sample]:
    after_import = _resident_bytes(process.pid)
    begin = time.monotonic()
    while process.poll() is None:
        resident = _resident_bytes(process.pid)
        if resident:
            yield Sample(time.monotonic() - begin, resident - after_import)
        time.sleep(1 / SAMPLES_PER_SEC)


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):  # it is just ending
        return 0


def load(limit: str, secs: float, hz: int) -> None:
    """The load itself: the process that is looked at."""
    import numpy as np

    import rrbridge as rr
    from rrbridge._timeline import TimeColumn, TimeKind
    from rrbridge.chunk import Chunk, ChunkStore

    store = ChunkStore(memory_limit=limit)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, WIDTH * HEIGHT * 3, np.uint8)
    _ = Chunk.from_columns("/warm", components=list(rr.Image.columns(buffer=[pixels.tobytes()])))
    time.sleep(0.3)
    print("ready", flush=True)
    time.sleep(0.3)
    begin = time.monotonic()
    for frame in range(int(secs * hz)):
        now = [TimeColumn.of("log_time", TimeKind.TIMESTAMP, [time.time_ns()])]
        picture = np.roll(pixels, frame).tobytes()
        store.insert(Chunk.from_columns("/camera", times=now, components=list(rr.Image.columns(buffer=[picture]))))
        store.insert(Chunk.from_columns("/speed", times=now, components=list(rr.Scalars.columns(scalars=[frame]))))
        if frame % 6 == 0 and not store.latest_at("/camera", None, "log_time", 2**62):
            raise RuntimeError("the picture is gone")
        time.sleep(max(0.0, begin + (frame + 1) / hz - time.monotonic()))


def draw(samples: list[Sample], limit: int) -> str:
    """The curve, a line for each half second."""
    lines = []
    for sample in samples[:: SAMPLES_PER_SEC // 2]:
        share = sample.resident_bytes / limit
        lines.append(
            f"{sample.secs:5.1f} s {sample.resident_bytes / 2**20:7.1f} MiB {share:5.2f} " + "█" * int(40 * share)
        )
    return "\n".join(lines)


def main() -> None:
    """Draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", default="256MB")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--hz", type=int, default=HZ)
    parser.add_argument("--load", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load:
        load(options.limit, options.seconds, options.hz)
        return
    from rrbridge._memory import memory_limit_bytes

    limit = memory_limit_bytes(options.limit) or 0
    samples = curve(options.limit, options.seconds, options.hz)
    print(draw(samples, limit))
    print(f"most: {max(s.resident_bytes for s in samples) / limit:.3f} of the limit")


if __name__ == "__main__":
    main()
