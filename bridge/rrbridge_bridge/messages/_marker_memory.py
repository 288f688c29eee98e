"""Which markers are up when: what a marker replaces, what deletes it, when its lifetime ends.

All at once for many markers: each marker that is added stays up until the next one of its name, a deletion, or its own end,
whichever comes first; each of these is looked up in sorted arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["NEVER", "Acts", "Fates", "Up", "fates_of"]

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
ADD, DELETE, DELETE_ALL = 0, 2, 3


class Up(NamedTuple):
    """A marker that is up when messages end."""

    kind: str
    """Its look; one of another kind leaves components behind that must be cleared."""
    log_end_nanos: int
    """When its lifetime ends; `NEVER` without one."""
    publish_end_nanos: int
    stamp_end_nanos: int


@dataclass(frozen=True, eq=False, slots=True)
class Acts:
    """What markers ask for, in the order in which they came; the first ones are markers that were up before."""

    message: Int64s
    """The message that each came in, rising; −1: was up before."""
    action: Int64s
    name: Int64s
    """Which marker (namespace and id), as a number; any for `DELETE_ALL`."""
    namespace: Int64s
    """Which namespace, as a number; −1 for a `DELETE_ALL` of every namespace."""
    kind: Int64s
    """Which look, as a number."""
    log_nanos: Int64s
    """When it came."""
    log_end_nanos: Int64s
    """When its lifetime ends; `NEVER` without one."""

    def __len__(self) -> int:
        return len(self.message)


@dataclass(frozen=True, eq=False, slots=True)
class Fates:
    """What becomes of it all. Every field holds indices into the acts."""

    drawn: Int64s
    """Markers to draw, rising."""
    is_fresh: Bools
    """Of those: whether nothing of the same kind was up there just before, so that what stays the same must be drawn too."""
    cleared: Int64s
    """Markers whose entity is to be cleared, and …"""
    cleared_by: Int64s
    """… the acts that do it."""
    expired: Int64s
    """Markers whose lifetime ended before anything else ended them, as far as is known."""
    still_up: Int64s
    """Markers that are up at the end; some of them may have an end to come."""


def fates_of(acts: Acts, now_nanos: int) -> Fates:
    """Work out what becomes of markers, up to a log time before which no more will come."""
    count = len(acts)
    place = np.arange(count)
    is_add = acts.action == ADD
    following = _next_of_name(acts, place)
    deleted_all = _next_delete_all(acts, place)
    end = np.minimum(following, deleted_all)  # `count` where nothing ends it
    ends = end < count
    by = np.where(ends, end, 0)
    end_nanos = np.where(ends, acts.log_nanos[by], now_nanos) if count else np.zeros(0, np.int64)
    expires = (
        is_add
        & (acts.log_end_nanos < NEVER)
        & np.where(ends, acts.log_end_nanos < end_nanos, acts.log_end_nanos <= end_nanos)
    )
    same_message = ends & (acts.message[by] == acts.message) & (acts.message >= 0)
    is_drawn = is_add & ~same_message & (acts.message >= 0)
    ended = is_add & ends & ~expires
    cleared = ended & ~_is_redrawn(acts, is_drawn, by) & ~_is_replaced_alike(acts, by)
    drawn = np.flatnonzero(is_drawn)
    return Fates(
        drawn=drawn,
        is_fresh=_is_fresh(acts, drawn, cleared | expires, is_drawn | (acts.message < 0)),
        cleared=np.flatnonzero(cleared),
        cleared_by=by[cleared],
        expired=np.flatnonzero(expires),
        still_up=np.flatnonzero(is_add & ~ends & ~expires),
    )


def _next_of_name(acts: Acts, place: Int64s) -> Int64s:
    """The next act that names the same marker; `len(acts)` where there is none."""
    count = len(acts)
    following = np.full(count, count)
    named = np.flatnonzero(acts.action != DELETE_ALL)
    order = named[np.lexsort((place[named], acts.name[named]))]
    same = acts.name[order[1:]] == acts.name[order[:-1]]
    following[order[:-1][same]] = order[1:][same]
    return following


def _next_delete_all(acts: Acts, place: Int64s) -> Int64s:
    """The next deletion of all markers, or of all of the namespace; `len(acts)` where there is none."""
    everything = np.flatnonzero(acts.action == DELETE_ALL)
    found = np.full(len(acts), len(acts))
    for namespace in np.unique(acts.namespace[everything]).tolist():
        at = everything[acts.namespace[everything] == namespace]
        concerned = place if namespace < 0 else np.flatnonzero(acts.namespace == namespace)
        after = np.searchsorted(at, concerned, side="right")
        found[concerned] = np.minimum(found[concerned], np.append(at, len(acts))[after])
    return found


def _is_replaced_alike(acts: Acts, by: Int64s) -> Bools:
    """Whether what ends a marker is one of its kind, which takes its place."""
    alike: Bools = (acts.action[by] == ADD) & (acts.kind[by] == acts.kind)
    return alike


def _is_redrawn(acts: Acts, is_drawn: Bools, by: Int64s) -> Bools:
    """Whether the message that deletes a marker draws one of its kind again: then there is nothing to clear."""
    drawn = np.flatnonzero(is_drawn)
    names = int(acts.name.max(initial=0)) + 1
    key = acts.message[drawn] * names + acts.name[drawn]
    order = np.argsort(key)
    wanted = acts.message[by] * names + acts.name
    spot = np.minimum(np.searchsorted(key[order], wanted), max(len(key) - 1, 0))
    if not len(key):
        return np.zeros(len(acts), np.bool_)
    found = drawn[order[spot]]
    same: Bools = (key[order[spot]] == wanted) & (acts.kind[found] == acts.kind) & (acts.action[by] != ADD)
    return same


def _is_fresh(acts: Acts, drawn: Int64s, is_gone: Bools, is_shown: Bools) -> Bools:
    """Whether a drawn marker finds nothing of its kind at its entity."""
    adds = np.flatnonzero(acts.action == ADD)
    order = adds[np.lexsort((adds, acts.name[adds]))]
    before = np.full(len(acts), -1)
    same = acts.name[order[1:]] == acts.name[order[:-1]]
    before[order[1:][same]] = order[:-1][same]
    last = before[drawn]
    found: Bools = (last >= 0) & is_shown[last] & ~is_gone[last] & (acts.kind[last] == acts.kind[drawn])
    return ~found
