"""Row ids that carry the order of messages in their file."""

from __future__ import annotations

import numpy as np

from rrbridge._tuid import TuidArray, new_tuids
from rrbridge_bridge.raw import Int64s

__all__ = ["RowIds", "orders_of"]

ROWS_PER_MESSAGE_BITS = 24


class RowIds:
    """Makes row ids: one time for a whole file, then message order, then a count within the message.

    So ids sort as the messages lie in the file, over all topics, however they are batched.
    """

    def __init__(self) -> None:
        self._nanos = int(new_tuids(1)[0, 0])

    def next_file(self) -> None:
        """Ids from now on are above all before."""
        self._nanos = max(self._nanos + 1, int(new_tuids(1)[0, 0]))

    def of(self, order: Int64s, nth: Int64s) -> TuidArray:
        """Ids of rows: the position of each row's message, and which of that message's rows it is."""
        ids = np.empty((len(order), 2), ">u8")
        ids[:, 0] = self._nanos
        ids[:, 1] = (order << ROWS_PER_MESSAGE_BITS) + nth
        return ids


def orders_of(row_ids: TuidArray) -> Int64s:
    """The position of each row's message in its file; shape (N,)."""
    return (row_ids[:, 1].astype(np.uint64) >> np.uint64(ROWS_PER_MESSAGE_BITS)).astype(np.int64)


def nth_within(rows: Int64s, used: Int64s) -> Int64s:
    """For rising message indices: the count of each row within its message, after the `used` ones.

    `used` (rows so far, per message) is brought up to date.
    """
    starts = np.searchsorted(rows, rows)
    nth: Int64s = used[rows] + np.arange(len(rows)) - starts
    used += np.bincount(rows, minlength=len(used))
    return nth
