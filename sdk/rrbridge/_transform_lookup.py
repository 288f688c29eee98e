"""Transforms at many times at once: per edge one binary search and one interpolation of all times, then products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rrbridge._transform_frames import FrameGraph
from rrbridge._transform_poses import Motion, Poses, product, relation
from rrbridge._transform_steps import NO_ROW, EdgeSteps
from rrbridge._transform_table import IDENTITY, TransformTable

__all__ = ["Edges", "lookup_many"]

_BLOCK = 1 << 14
"""Times that are worked on together: what lies in between stays in the processor's cache."""

_TOGETHER = 1 << 12
"""Rows of several edges that are worked on together."""

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Path = tuple[int, ...]
"""Nodes from a frame to its root; on a cycle, to the one that comes again."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """A tree on one timeline, and how to read it between its rows."""

    graph: FrameGraph
    steps_of: Callable[[int], EdgeSteps]
    """What is said about a child frame."""
    interpolate: bool
    max_age: int | None
    """How old a row may be that is not interpolated; None = any age."""


def lookup_many(edges: Edges, target: int, source: int, times: Indices) -> tuple[Doubles, Bools]:
    """target_from_source of two nodes at n times, shape (n, 4, 4), and which of them there are; the rest is not a number."""
    out, found = np.empty((len(times), 4, 4)), np.empty(len(times), np.bool_)
    for start in range(0, len(times), _BLOCK):
        part = slice(start, start + _BLOCK)
        block = _Block(edges, times[part]).lookup(target, source)
        out[part], found[part] = block, np.isfinite(block).all(axis=(1, 2))
    out[~found] = np.nan
    return out, found


@dataclass(slots=True, eq=False)
class _Block:
    """Some times of a lookup."""

    edges: Edges
    times: Indices
    intervals: dict[int, Indices] = field(default_factory=dict)
    """By child frame, in which interval of its steps each time is."""

    def lookup(self, target: int, source: int) -> Doubles:
        out = np.full((len(self.times), 4, 4), np.nan)
        for where, to, start in self._routes(target, source):
            common = next((node for node in start if node in to), -1)
            if common < 0 or to.count(to[-1]) > 1 or start.count(start[-1]) > 1:
                continue
            legs = [path[: path.index(common)] for path in (to, start)]
            late = np.zeros(len(self.times[where]), bool)
            motions = self._motions([self._step(node, where, late) for leg in legs for node in reversed(leg)])
            found = relation(product(motions[: len(legs[0])]), product(motions[len(legs[0]) :]))
            matrices = np.eye(4) if found is None else found.matrices() if isinstance(found, Poses) else found
            out[where] = matrices
            if late.any():
                out[np.arange(len(out))[where][late]] = np.nan
        return out

    def _routes(self, target: int, source: int) -> Iterator[tuple[slice | Indices, Path, Path]]:
        """The paths of both frames to their roots, and at which times they are these."""
        to, start = self._paths(target), self._paths(source)
        if len(to) == len(start) == 1:
            yield slice(None), to[0][1], start[0][1]
            return
        which = np.empty((2, len(self.times)), np.int64)
        for row, paths in enumerate((to, start)):
            for number, (where, _) in enumerate(paths):
                which[row, where] = number
        pairs, pair_of = np.unique(which, axis=1, return_inverse=True)
        for number, (i, j) in enumerate(pairs.T.tolist()):
            yield np.flatnonzero(pair_of.ravel() == number), to[i][1], start[j][1]

    def _paths(self, node: int) -> list[tuple[slice | Indices, Path]]:
        done: list[tuple[slice | Indices, Path]] = []
        open_paths: list[tuple[slice | Indices, Path]] = [(slice(None), (node,))]
        while open_paths:
            where, path = open_paths.pop()
            above = self._above(path[-1], where)
            for parent in [above] if isinstance(above, int) else np.unique(above).tolist():
                here = where if isinstance(above, int) else np.arange(len(self.times))[where][above == parent]
                if parent < 0:
                    done.append((here, path))
                elif parent in path:
                    done.append((here, (*path, parent)))
                else:
                    open_paths.append((here, (*path, parent)))
        return done

    def _above(self, node: int, where: slice | Indices) -> int | Indices:
        """The node above a node at some times, one for all where it is the same; -1 = it is a root."""
        graph = self.edges.graph
        frame = graph.nodes[node]
        if frame not in graph.tracks:
            return int(graph.hierarchy[node])
        steps = self.edges.steps_of(frame)
        parents = steps.parents[self._intervals(frame, steps)[where]]
        if (parents == parents[0]).all():
            parent = int(parents[0])
            above = graph.hierarchy[node] if parent == NO_ROW else graph.node_of_frame[parent] if parent >= 0 else -1
            return int(above)
        nodes = np.where(parents < 0, -1, graph.node_of_frame[np.maximum(parents, 0)])
        return np.where(parents == NO_ROW, graph.hierarchy[node], nodes)

    def _intervals(self, frame: int, steps: EdgeSteps) -> Indices:
        found = self.intervals.get(frame)
        if found is None:
            found = self.intervals[frame] = np.searchsorted(steps.times, self.times, "right")
        return found

    def _step(self, node: int, where: slice | Indices, late: Bools) -> _Step:
        """What puts a node into the one above it at some times. Marks in `late` where a row is too old."""
        graph = self.edges.graph
        frame = graph.nodes[node]
        if frame not in graph.tracks:
            return _Step(np.array([IDENTITY]), None, None, is_plain=True)
        steps = self.edges.steps_of(frame)
        intervals, times = self._intervals(frame, steps)[where], self.times[where]
        blends = steps.blends[intervals] if self.edges.interpolate else np.zeros(len(times), bool)
        if self.edges.max_age is not None and not steps.is_latched:
            since = steps.own_times[np.maximum(intervals - 1, 0)]
            held = (intervals > 0) & (steps.rows[intervals] >= 0) & ~blends
            late |= held & (_span(since, times) > self.edges.max_age) & (since > -(2**63))
        if not blends.any():
            if (intervals == intervals[0]).all():
                intervals = intervals[:1]
            return _Step(np.maximum(steps.rows[intervals], IDENTITY), None, None, steps.is_plain)
        rows = np.maximum(steps.rows[intervals], IDENTITY)
        if blends.all():
            return _Step(rows, steps.rows[intervals + 1], _weights(steps, intervals, times), steps.is_plain)
        others, weights = rows.copy(), np.zeros(len(rows))
        others[blends] = steps.rows[intervals[blends] + 1]
        weights[blends] = _weights(steps, intervals[blends], times[blends])
        return _Step(rows, others, weights, steps.is_plain)

    def _motions(self, steps: Sequence[_Step]) -> list[Motion]:
        """parent_from_node of each step; a few in one go, since then each call costs more than its numbers."""
        table = self.edges.graph.table
        lengths = [len(step.rows) for step in steps]
        if len(steps) < 2 or sum(lengths) > _TOGETHER or not all(step.is_plain for step in steps):
            return [step.motion(table) for step in steps]
        rows = np.concatenate([step.rows for step in steps])
        others = np.concatenate([step.rows if step.others is None else step.others for step in steps])
        weights = [
            np.zeros(n) if step.weights is None else step.weights for n, step in zip(lengths, steps, strict=True)
        ]
        return [*table.poses_between(rows, others, np.concatenate(weights)).split(lengths)]


class _Step(NamedTuple):
    """Rows of the table, of which each is held, or on the way to another one; one row may stand for all times."""

    rows: Indices
    others: Indices | None
    weights: Doubles | None
    is_plain: bool

    def motion(self, table: TransformTable) -> Motion:
        if self.others is None or self.weights is None:
            return table.poses(self.rows) if self.is_plain else table.matrices(self.rows)
        return (table.poses_between if self.is_plain else table.blended)(self.rows, self.others, self.weights)


def _weights(steps: EdgeSteps, intervals: Indices, times: Indices) -> Doubles:
    since = steps.times[intervals - 1]
    weights: Doubles = _span(since, times) / _span(since, steps.times[intervals]).astype(np.float64)
    return weights


def _span(since: Indices, until: Indices) -> npt.NDArray[np.uint64]:
    """Exact for all times, however far apart."""
    return (until - since).view(np.uint64)
