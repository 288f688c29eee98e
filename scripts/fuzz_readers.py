#!/usr/bin/env python3
"""Change recordings at random and read them: nothing but rrbridge's own errors, bounded memory, no hang.

usage: fuzz_readers.py [--seconds 60 | --cases 100] [--seed 1] [--keep FOLDER] FILE...

Each case is a copy of one FILE (`.bag`, `.db3`, `.mcap`, a packed one or a rosbag2 folder) with a few bytes changed, cut out,
put in or copied from another, or a number that may be a length set to one that lies. It is opened, summed up, read through and
converted, within 2 GiB of memory and 30 seconds of time. Exit 1 if a case found a fault; its file is kept, and its seed told.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rrbridge import importers
from rrbridge.errors import RrbridgeError
from rrbridge.importers import ImportOptions
from rrbridge_bridge.conversion import Conversion
from rrbridge_bridge.readers import HoldsMore, open_bag

CASE_SECONDS = 30
MORE_BYTES = 2 << 30
NUMBERS = [
    *(0, 1, 2, 3, 4, 7, 8, 16, 22, 31, 32, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000),
    *(0xFFFFFFFF, 1 << 32, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 100 * 10**9),
]

Mutation = Callable[[random.Random, bytearray, int, Sequence[bytes]], None]


def _flip(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    data[at] ^= 1 << rng.randrange(8)


def _replace(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    data[at] = rng.randrange(256)


def _number(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    kind = rng.choice(["<I", "<Q", ">I", "<H"])
    size = struct.calcsize(kind)
    if at + size <= len(data):
        struct.pack_into(kind, data, at, rng.choice(NUMBERS) & ((1 << 8 * size) - 1))


def _length(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    """The next number that may be a length becomes another one."""
    for place in range(at, min(len(data) - 4, at + 64)):
        (value,) = struct.unpack_from("<I", data, place)
        if 0 < value < 100_000:
            wrong = max(0, value + rng.choice([-9, -1, 1, 2, 9, 100, value, 10**6, 2**31]))
            struct.pack_into("<I", data, place, wrong & 0xFFFFFFFF)
            return


def _cut(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    if rng.random() < 0.5:
        del data[at:]
    else:
        data += bytes(rng.randrange(5000))


def _remove(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    del data[at : at + rng.choice([1, 2, 8, 50, 1000])]


def _insert(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    data[at:at] = rng.randbytes(rng.choice([1, 4, 100]))


def _repeat(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    data[at:at] = data[max(0, at - rng.choice([8, 100, 1000, 20_000])) : at]


def _splice(rng: random.Random, data: bytearray, at: int, others: Sequence[bytes]) -> None:
    other, size = rng.choice(others), rng.choice([16, 200, 5000])
    start = rng.randrange(len(other))
    data[at : at + size] = other[start : start + size]


def _zeros(rng: random.Random, data: bytearray, at: int, _: Sequence[bytes]) -> None:
    stretch = slice(at, at + rng.choice([4, 64, 4096]))
    data[stretch] = bytes(len(data[stretch]))


MUTATIONS: list[Mutation] = [
    _flip,
    _flip,
    _replace,
    _number,
    _number,
    _length,
    _length,
    _cut,
    _remove,
    _insert,
    _repeat,
    _splice,
    _zeros,
]


def _mutated(rng: random.Random, whole: bytes, others: Sequence[bytes]) -> bytes:
    """A copy with up to six changes, half of them where headers and indexes are."""
    data = bytearray(whole)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        if len(data) < 16:
            break
        low, high = rng.choice([(0, 600), (len(data) - 1500, len(data)), (0, len(data)), (0, len(data))])
        at = rng.randrange(max(low, 0), min(high, len(data)))
        rng.choice(MUTATIONS)(rng, data, at, others)
    return bytes(data)


def read(path: Path) -> None:
    """All that may be done with a recording."""
    with contextlib.suppress(RrbridgeError), open_bag(path) as reader:
        reader.summary()
        for batch in reader.batches():
            assert not len(batch) or (batch.starts.min() >= 0 and batch.sizes.min() >= 0)
            assert not len(batch) or (batch.starts + batch.sizes).max() <= len(batch.buffer)
        if isinstance(reader, HoldsMore):
            list(reader.attachments())
            list(reader.metadata_records())
    for raw in (False, True):
        with contextlib.suppress(RrbridgeError):
            for chunk in Conversion([path], ImportOptions(raw=raw)).chunks():
                chunk.to_record_batch()
    with contextlib.suppress(RrbridgeError):
        importers.find(path).recording_id(path)


@contextlib.contextmanager
def _limits() -> Iterator[None]:
    """At most so much more memory than now, and an alarm."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE_BYTES, before[1]))
    signal.alarm(CASE_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {CASE_SECONDS} seconds")


def _make_case(rng: random.Random, source: Path, target: Path, others: Sequence[bytes]) -> None:
    if source.is_file():
        target.write_bytes(_mutated(rng, source.read_bytes(), others))
        return
    shutil.copytree(source, target)
    victim = rng.choice(sorted(path for path in target.iterdir() if path.is_file()))
    victim.write_bytes(_mutated(rng, victim.read_bytes(), others))


def main() -> int:
    """Run cases until the time is over, or their number is reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cases", type=int, help="Of each file, instead of a time.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "fuzz_readers"))
    asked = parser.parse_args()
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, _too_long)
    others = [path.read_bytes() for path in asked.files if path.is_file() and path.stat().st_size]
    end = time.monotonic() + asked.seconds
    faults = count = 0
    with tempfile.TemporaryDirectory() as folder:
        while count < asked.cases * len(asked.files) if asked.cases else time.monotonic() < end:
            source = asked.files[count % len(asked.files)]
            seed = f"{asked.seed}:{source.name}:{count}"
            case = Path(folder, f"{count}-{source.name}")
            _make_case(random.Random(seed), source, case, others or [b"0" * 5000])  # noqa: S311
            count += 1
            try:
                with _limits():
                    read(case)
            except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
                faults += 1
                asked.keep.mkdir(parents=True, exist_ok=True)
                kept = shutil.move(case, asked.keep / case.name)
                print(f"{seed}: {kept}\n{traceback.format_exc()}", flush=True)
            else:
                shutil.rmtree(case) if case.is_dir() else case.unlink()
    print(f"{count} cases, {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
