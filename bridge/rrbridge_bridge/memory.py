"""How freed memory is kept for the next block of its size.

The C library gives large blocks back to the system when they are freed, so that each of the images that pass through brings its
page faults anew: a quarter to a half of the CPU time where images of a megabyte are received and written.
"""

from __future__ import annotations

import ctypes
import sys

__all__ = ["MMAP_THRESHOLD_BYTES", "TRIM_THRESHOLD_BYTES", "keep_freed_memory"]

MMAP_THRESHOLD_BYTES = 32 << 20
"""The most that glibc takes."""
TRIM_THRESHOLD_BYTES = 128 << 20
"""So much free memory is kept at most at the end of the heap."""
_TRIM, _MMAP = -1, -3
"""`M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD` of mallopt(3)."""


def keep_freed_memory() -> bool:
    """Do so from now on; whether it could be done. Only glibc has it."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP, MMAP_THRESHOLD_BYTES)) and bool(mallopt(_TRIM, TRIM_THRESHOLD_BYTES))
