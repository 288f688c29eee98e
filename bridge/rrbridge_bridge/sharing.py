"""Large blobs that adapters pass on as they stand in messages share rows with the messages' bytes, and so are written once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from rrbridge._chunk import SpansColumn
from rrbridge.chunk import ComponentColumn
from rrbridge.columns import take
from rrbridge_bridge.emits import Placed
from rrbridge_bridge.raw import Int64s, RawBatch

__all__ = ["beside_their_bytes"]

SHARED_BYTES_PER_ROW = 1 << 18
"""Smaller ones are not worth a chunk for each row."""


def beside_their_bytes(
    placed: Iterable[Placed], batch: RawBatch, raw: Callable[[RawBatch], Placed], entity_path: str
) -> tuple[list[Placed], Int64s]:
    """Rows that have such blobs one by one, each with its message's bytes (`raw`, at `entity_path`), and all others as they are.

    Also the messages whose bytes are still to be placed.
    """
    found: list[Placed] = []
    is_left = np.ones(len(batch), np.bool_)
    for item in placed:
        rows = np.arange(len(item)) if item.rows is None else item.rows
        fits = item.entity_path == entity_path and not item.times and not item.static and _has_spans(item, batch)
        if fits and is_left[rows].all() and (rows[1:] > rows[:-1]).all():
            is_left[rows] = False
            found += [
                Placed(entity_path, (*raw(batch.take(rows[n : n + 1])).columns, *_row(item, n)), rows[n : n + 1])
                for n in range(len(rows))
            ]
        else:
            found.append(item)
    return found, np.flatnonzero(is_left)


def _has_spans(item: Placed, batch: RawBatch) -> bool:
    return item.nbytes > SHARED_BYTES_PER_ROW * len(item) and any(
        isinstance(column, SpansColumn) and column.spans.buffer is batch.buffer for column in item.columns
    )


def _row(item: Placed, row: int) -> Iterator[ComponentColumn]:
    for column in item.columns:
        if isinstance(column, SpansColumn):
            yield SpansColumn(column.descriptor, take(column.spans, [row]))
        else:
            yield ComponentColumn(column.descriptor, column.cells.slice(row, 1))
