"""Memory: how much there is, how much may be used."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa

from rrbridge.errors import InvalidValueError

__all__ = ["give_back", "memory_limit_bytes", "resident_bytes", "total_bytes"]

_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[KMGT]i?B?|B)?", re.IGNORECASE)


def memory_limit_bytes(limit: str | float | None) -> int | None:
    """A limit in bytes: `"4GB"`, `"512MB"` (units of 1024), `"50%"` of the memory, or a number of bytes; None = no limit.

    Raises InvalidValueError.
    """
    if limit is None:
        return None
    match = _SIZE.fullmatch(str(limit).strip())
    if match is None:
        raise InvalidValueError("memory_limit", "a size like 4GB, 512MB or 50%", repr(limit))
    number, unit = float(match[1]), (match[2] or "B").upper()
    if unit == "%":
        return int(total_bytes() * number / 100)
    return int(number * 1024 ** "BKMGT".index(unit[0]))


def total_bytes() -> int:
    """Physical memory, or what a container may use if that is less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUP_LIMITS:
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            physical = min(physical, int(text))
    return physical


def resident_bytes() -> int:
    """What this process takes now, mapped pages included; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    return trim


def give_back() -> None:
    """Hand memory that nothing uses any more back to the system."""
    pa.default_memory_pool().release_unused()
    trim = _malloc_trim()
    if trim is not None:
        trim(0)
