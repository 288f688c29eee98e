"""Time-based unique ids: row ids, chunk ids.

128 bits, big-endian: nanoseconds since the Unix epoch, then a counter that starts at a random number. Byte order is
creation order. Format: FORMAT §2.1 (Rerun's TUID).
"""

from __future__ import annotations

import os
import struct
import time
from itertools import count
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge._arrow import empty

__all__ = [
    "TuidArray",
    "format_tuid",
    "new_tuid",
    "new_tuid_parts",
    "new_tuids",
    "parse_tuid",
    "tuids_from_arrow",
    "tuids_sorted",
    "tuids_to_arrow",
]

TuidArray: TypeAlias = npt.NDArray[np.uint64]
"""Shape (n, 2), dtype `>u8`: time, counter. Its bytes are the ids themselves."""

PER_CALL = 1 << 14
"""The counter's step, so that many ids can be had at once: as many as stay in the processor's cache while they are made."""
_PACK = struct.Struct(">QQ").pack


def _random_start() -> int:
    return int.from_bytes(os.urandom(8)) >> 2  # `secrets` would do the same, and load a lot


_last_nanos = 0
_counters = count(_random_start(), PER_CALL)


def new_tuid_parts() -> tuple[int, int]:
    """One new id as (time, counter): for what appends rows one by one and makes an array of their ids later.

    Without a lock: a signal handler may log in the middle of this, and wait for a thread that would wait for the lock.
    """
    global _last_nanos  # one sequence per process is what makes ids comparable
    _last_nanos = nanos = max(_last_nanos, time.time_ns())
    return nanos, next(_counters)


def _after_fork() -> None:
    """A new start keeps a child's ids apart from the parent's."""
    global _counters
    _counters = count(_random_start(), PER_CALL)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def new_tuids(number: int) -> TuidArray:
    """`number` new ids in rising order, above every id that this thread made before."""
    out = empty((number, 2), ">u8")
    out[:, 0] = new_tuid_parts()[0]
    for start in range(0, number, PER_CALL):
        end = min(start + PER_CALL, number)
        first = next(_counters)
        out[start:end, 1] = np.arange(first, first + end - start, dtype=np.uint64)
    return out


def new_tuid() -> bytes:
    """One new id, 16 bytes."""
    return _PACK(*new_tuid_parts())


def format_tuid(tuid: bytes, prefix: str = "") -> str:
    """The text form: 16 upper-case hex digits of time, 16 lower-case ones of the counter."""
    return f"{prefix}{tuid[:8].hex().upper()}{tuid[8:].hex()}"


def parse_tuid(text: str, prefix: str = "") -> bytes:
    """The 16 bytes of the text form; `prefix` may be missing. Raises ValueError."""
    digits = text.removeprefix(prefix)
    if len(digits) != 32:
        raise ValueError(f"not a tuid: {text!r}")
    return bytes.fromhex(digits)


def tuids_to_arrow(tuids: TuidArray) -> pa.FixedSizeBinaryArray:
    """The ids as Arrow sees them, without a copy."""
    raw = np.ascontiguousarray(tuids, ">u8")
    array = pa.Array.from_buffers(pa.binary(16), len(raw), [None, pa.py_buffer(raw)])
    assert isinstance(array, pa.FixedSizeBinaryArray)
    return array


def tuids_from_arrow(array: pa.Array) -> TuidArray:
    """The ids of a fixed_size_binary(16) array, without a copy."""
    data = array.buffers()[1]
    if data is None:
        return np.empty((0, 2), ">u8")
    return np.frombuffer(data, ">u8", count=2 * len(array), offset=16 * array.offset).reshape(-1, 2)


def tuids_sorted(ids: TuidArray) -> bool:
    """Whether ids never fall."""
    high, low = ids[:, 0], ids[:, 1]
    rising = (high[1:] > high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] >= low[:-1]))
    return bool(np.all(rising))
