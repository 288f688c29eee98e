"""From blueprints to chunks and messages (FORMAT §8)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from rrbridge._arrow import list_array
from rrbridge._batches import DescribedComponentBatch
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._messages import ActivateBlueprint, LogMessage, StoredChunk, StoreId, StoreInfo, StoreKind
from rrbridge._timeline import TimeColumn, TimeKind

__all__ = ["Row", "blueprint_messages"]

TIMELINE = "blueprint"
"""The timeline of blueprints; what the SDK writes is at 0, what people change in a viewer comes after."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a blueprint says about one of its own entities."""

    entity_path: str
    batches: list[DescribedComponentBatch]
    static: bool = False

    def chunk(self, log_time_nanos: int) -> Chunk:
        """As a chunk of one row."""
        times = [
            TimeColumn.of(TIMELINE, TimeKind.SEQUENCE, np.zeros(1, np.int64)),
            TimeColumn.of("log_time", TimeKind.TIMESTAMP, np.array([log_time_nanos], np.int64)),
        ]
        values = [(batch.descriptor, batch.as_arrow_array()) for batch in self.batches]
        columns = [ComponentColumn(d, list_array(np.array([0, len(array)]), array)) for d, array in values]
        return Chunk.from_columns(self.entity_path, times=() if self.static else times, components=columns)


def blueprint_messages(
    rows: Iterable[Row], application_id: str, *, make_active: bool, make_default: bool
) -> Iterator[LogMessage]:
    """A blueprint as a store of its own, and the command that puts it to use."""
    store_id = StoreId(StoreKind.BLUEPRINT, application_id, uuid.uuid4().hex)
    now = time.time_ns()
    yield StoreInfo.new(store_id)
    for row in rows:
        if row.batches:
            yield StoredChunk(store_id, row.chunk(now))
    yield ActivateBlueprint(store_id, make_active, make_default)
