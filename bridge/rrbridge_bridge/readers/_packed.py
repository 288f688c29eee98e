"""Messages that rosbag2 compressed one by one (`--compression-mode message`), in whatever storage: zstd frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rrbridge_bridge.raw import join_payloads, rows_at
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._notes import Notes

__all__ = ["packed", "unpacked"]

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""No CDR message begins so."""
WINDOW_BYTES = 4 << 20
"""So much is unpacked at a time."""


def packed(rows: Rows) -> npt.NDArray[np.bool_]:
    """Which messages begin as a zstd frame does, shape (N,)."""
    found = rows.sizes >= len(ZSTD_MAGIC)
    heads = rows_at(rows.buffer, rows.starts[found], len(ZSTD_MAGIC))
    found[found] = (heads == np.frombuffer(ZSTD_MAGIC, np.uint8)).all(axis=1)
    return found


def unpacked(rows: Rows, which: npt.NDArray[np.bool_], notes: Notes) -> Iterator[Rows]:
    """The same messages, as they were sent; `which` of them are compressed."""
    from rrbridge_bridge.readers._compression import CompressionError, decompress_zstd_frame  # few files need it

    ready: list[bytes] = []
    size, first = 0, 0
    for row, (start, length) in enumerate(zip(rows.starts.tolist(), rows.sizes.tolist(), strict=True)):
        payload = rows.buffer[start : start + length].tobytes()
        if which[row]:
            try:
                payload = decompress_zstd_frame(payload)
            except CompressionError as err:
                notes.lost(f"a compressed message is damaged ({err}); it is read as empty")
                payload = b""
        ready.append(payload)
        size += len(payload)
        if size > WINDOW_BYTES:
            yield _over(rows, first, ready)
            ready, size, first = [], 0, row + 1
    if ready:
        yield _over(rows, first, ready)


def _over(rows: Rows, first: int, payloads: list[bytes]) -> Rows:
    buffer, starts, sizes = join_payloads(payloads)
    return replace(rows.take(slice(first, first + len(payloads))), buffer=buffer, starts=starts, sizes=sizes)
