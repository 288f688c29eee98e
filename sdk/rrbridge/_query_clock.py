"""The clock of an alignment: whose times the rows have, and how near a value must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge._query_align import Alignment, Method
from rrbridge._query_times import index_times
from rrbridge._store import ChunkStore
from rrbridge._timeline import TimeKind
from rrbridge.errors import InvalidValueError

__all__ = ["Clock"]


@dataclass(frozen=True, eq=False, slots=True)
class Clock:
    """An entity whose rows tick, or times given."""

    entity: str | None
    given: Any = None
    """Times, as `View.using_index_values` takes them; then there is no entity."""
    method: Method = "latest"
    tolerance_nanos: int | None = None

    def times(self, store: ChunkStore, index: str) -> npt.NDArray[np.int64]:
        """The ticks, strictly rising. Raises InvalidValueError if there are none."""
        if self.entity is None:
            return index_times(self.given, store.timelines()[index])
        times = store.times(self.entity, index)
        if not len(times):
            near = [entity for entity in store.entities() if len(store.times(entity, index))]
            some = ", ".join(near[:8]) + (" …" if len(near) > 8 else "")
            raise InvalidValueError("clock", f"an entity with rows on timeline {index!r} ({some})", repr(self.entity))
        ticks: npt.NDArray[np.int64] = times[np.append(True, times[1:] > times[:-1])]
        return ticks

    def alignment(self, index: str, kind: TimeKind) -> Alignment:
        """How rows are found. Raises InvalidValueError for nanoseconds on a timeline of sequence numbers."""
        if self.tolerance_nanos is not None and kind is TimeKind.SEQUENCE:
            raise InvalidValueError("tolerance_nanos", "a timeline of times", f"{index!r}, which counts without a unit")
        return Alignment(self.method, self.tolerance_nanos)
