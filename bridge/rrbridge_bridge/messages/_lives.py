"""What is up on a topic, and until when, as rows: for markers and for entities of scenes.

An entity lasts until it is replaced or deleted (`_marker_memory` works that out), or until its lifetime ends. A lifetime counts
from when the message came, on every timeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._timeline import TimeColumn, TimeKind
from rrbridge.columns import STAMP, Emit
from rrbridge.stages import Messages
from rrbridge_bridge.messages._marker_memory import NEVER, Acts, Fates, Up

__all__ = ["MAX_UP", "Lives", "end_due", "ends_of", "ends_of_up"]

MAX_UP = 200_000
"""Of one topic that are remembered; of more, those that came first are left as they are."""

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Lives:
    """What was up, then what messages ask for, as acts."""

    acts: Acts
    paths: Sequence[str]
    """Below the topic, of all that the acts name."""
    kinds: Sequence[str]
    """Names of looks."""
    ends: Int64s
    """Ends of lifetimes by log time, publish time and stamp; shape (acts, 3)."""
    stamps: Int64s

    def clears(self, fates: Fates, *, recursive: bool) -> Iterator[Emit]:
        """Clears of what was replaced or deleted, then of what has expired."""
        by, names = fates.cleared_by, self.acts.name[fates.cleared]
        if len(by):
            _, once = np.unique(np.stack([self.acts.message[by], names]), axis=1, return_index=True)
            by, names = by[once], names[once]
            times = self._stamped(by)
            yield Emit(
                _cleared(len(by), recursive=recursive), at=self.at(names), rows=self.acts.message[by], times=times
            )
        if len(expired := fates.expired):
            # They belong to the message that brought them, or, if that is past, to the first one in hand.
            rows = np.maximum(self.acts.message[expired], 0)
            at, times = self.at(self.acts.name[expired]), _end_times(self.ends[expired])
            yield Emit(_cleared(len(expired), recursive=recursive), at=at, rows=rows, times=times)

    def up_after(self, fates: Fates) -> Mapping[str, Up]:
        """By path, those that came first at the front."""
        up = fates.still_up[-MAX_UP:]
        paths, kinds = self.at(self.acts.name[up]), self.acts.kind[up].tolist()
        return {
            path: Up(self.kinds[kind], *ends)
            for path, kind, ends in zip(paths, kinds, self.ends[up].tolist(), strict=True)
        }

    def emit(self, columns: Sequence[rr.ComponentColumnList], acts: Int64s, below: str = "") -> Emit:
        """Rows of the given acts, at the entities that they are about."""
        at, rows = self.at(self.acts.name[acts], below), self.acts.message[acts]
        return Emit(columns, at=at, rows=rows, times=self._stamped(acts))

    def at(self, names: Int64s, below: str = "") -> list[str]:
        """Paths below the topic."""
        return [self.paths[name] + below for name in names.tolist()]

    def _stamped(self, acts: Int64s) -> list[TimeColumn]:
        return [TimeColumn.of(STAMP, TimeKind.TIMESTAMP, self.stamps[acts])]


def ends_of(msgs: Messages, rows: Int64s, stamps: Int64s, lifetimes_nanos: Int64s) -> Int64s:
    """Ends of what came in the given messages, shape (n, 3); `NEVER` without a lifetime."""
    came = np.stack([msgs.log_time_nanos[rows], msgs.publish_time_nanos[rows], stamps], axis=-1)
    return np.where(lifetimes_nanos[:, None] > 0, came + lifetimes_nanos[:, None], NEVER)


def ends_of_up(up: Iterable[Up]) -> Int64s:
    """Shape (n, 3)."""
    return np.array([one[1:] for one in up], np.int64).reshape(-1, 3)


def end_due(up: Mapping[str, Up], until_nanos: int, *, recursive: bool) -> tuple[Mapping[str, Up], list[Emit]]:
    """What is still up at a log time, and clears of the others."""
    due = {path: one for path, one in up.items() if one.log_end_nanos <= until_nanos}
    if not due:
        return up, []
    rest = {path: one for path, one in up.items() if path not in due}
    times = _end_times(ends_of_up(due.values()))
    return rest, [Emit(_cleared(len(due), recursive=recursive), at=list(due), times=times)]


def _cleared(count: int, *, recursive: bool) -> rr.ComponentColumnList:
    return rr.Clear._columns({"is_recursive": np.full(count, recursive)})


def _end_times(ends: Int64s) -> list[TimeColumn]:
    names = ("message_log_time", "message_publish_time", STAMP)
    return [TimeColumn.of(name, TimeKind.TIMESTAMP, ends[:, i]) for i, name in enumerate(names)]
