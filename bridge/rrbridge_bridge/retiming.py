"""Chunks on other times: timelines that are one and the same, clocks that were wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.chunk import Chunk
from rrbridge.errors import InvalidValueError

__all__ = ["Timelines", "parse_alias"]

DATES = ("message_log_time", "message_publish_time", "log_time", "ros1_timestamp", "ros2_timestamp", "sim_time")
SIMULATED = "sim_time"
HEADER_STAMPS = ("ros1_timestamp", "ros2_timestamp")
"""Where 0 says that there is no stamp."""


def parse_alias(text: str) -> tuple[str, str]:
    """`A=B`. Raises InvalidValueError."""
    left, _, right = text.partition("=")
    if not left.strip() or not right.strip() or left.strip() == right.strip():
        raise InvalidValueError("--timeline", "two timelines that are one, as in time=message_log_time", repr(text))
    return left.strip(), right.strip()


class Timelines:
    """The timelines of one recording that is made of several sources.

    Aliases: what has times on one of a pair has them on the other too. A timeline is of one kind; where a source has another
    kind by the same name (seconds since a start instead of dates), its timeline gets a name that says so.
    """

    def __init__(self, aliases: Sequence[tuple[str, str]], tell: Callable[[str], None]) -> None:
        self.aliases = tuple(aliases)
        self.unseen = {name for alias in aliases for name in alias}
        """Those of them that no source has brought so far: mistyped, perhaps."""
        self._tell = tell
        self._kinds: dict[str, TimeKind] = dict.fromkeys(DATES, TimeKind.TIMESTAMP)

    def of(self, chunk: Chunk, offset_nanos: int = 0) -> Chunk:
        """The same rows; dates are moved by an offset, except those of simulated time."""
        if chunk.is_static:
            return chunk
        times = {name: self._moved(time, offset_nanos) for name, time in chunk.times.items()}
        times = self._named(times)
        self.unseen -= chunk.times.keys()
        for left, right in self.aliases:
            self._add(times, left, right)
            self._add(times, right, left)
        if all(chunk.times.get(name) is time for name, time in times.items()) and len(times) == len(chunk.times):
            return chunk
        return Chunk.from_columns(
            chunk.entity_path,
            times=times.values(),
            components=chunk.components.values(),
            row_ids=chunk.row_ids,
            chunk_id=chunk.tuid,
        )

    def _moved(self, time: TimeColumn, offset_nanos: int) -> TimeColumn:
        if not offset_nanos or time.kind is not TimeKind.TIMESTAMP or time.timeline == SIMULATED:
            return time
        moved = time.values + offset_nanos
        if time.timeline in HEADER_STAMPS:
            moved = np.where(time.values == 0, 0, moved)
        return TimeColumn.of(time.timeline, time.kind, moved)

    def _named(self, times: Mapping[str, TimeColumn]) -> dict[str, TimeColumn]:
        found: dict[str, TimeColumn] = {}
        for name, time in times.items():
            kind = self._kinds.setdefault(name, time.kind)
            if kind is time.kind:
                found[name] = time
                continue
            other = f"{name}_{time.kind.name.lower()}"
            self._tell(f"timeline {name} counts otherwise ({time.kind.name.lower()}) here; it is called {other}")
            found[other] = TimeColumn.of(other, time.kind, time.values)
        return found

    def _add(self, times: dict[str, TimeColumn], missing: str, known: str) -> None:
        time = times.get(known)
        if time is None or missing in times:
            return
        if self._kinds.setdefault(missing, time.kind) is not time.kind:
            kinds = f"{self._kinds[missing].name.lower()} and {time.kind.name.lower()}"
            self._tell(f"timelines {missing} and {known} cannot be one: they count {kinds}")
            return
        times[missing] = TimeColumn.of(missing, time.kind, time.values)
