"""How frames relate: one tree over the entity hierarchy and named frames (DESIGN §7.7)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from rrbridge._store import ChunkStore
from rrbridge._store_index import ALWAYS, NEVER
from rrbridge._transform_frames import FRAME, FrameGraph, implicit_frame, is_implicit, speaks_of_frames
from rrbridge._transform_lookup import Edges, lookup_many
from rrbridge._transform_reasons import Question
from rrbridge._transform_report import FramesReport, edge_reports
from rrbridge._transform_snapshot import Relations, Shape, Snapshot, inverse
from rrbridge._transform_steps import EdgeSteps
from rrbridge._transform_times import SpanLike, TimeLike, TimesLike, span_of, times_of
from rrbridge._transform_tracks import Found, Track
from rrbridge.errors import InvalidValueError, TransformError

__all__ = ["Relations", "TransformTree", "implicit_frame"]

_log = logging.getLogger(__name__)

_SNAPSHOTS_KEPT = 4
_ANSWERS_KEPT = 64

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


class TransformTree:
    """Where every frame of a store is, at any time.

    * Each entity has an implicit frame, `tf#/path`. Its parent is the implicit frame of the entity above, and the
      entity's `Transform3D` rows without `child_frame` are the edge (`parent_frame` puts it under another frame); without
      such rows it is the identity.
    * A `Transform3D` row with `child_frame` is an edge of that named frame, whichever entity it stands on; its parent is
      `parent_frame` or else the implicit frame of the parent of that entity. Edges are told apart by (entity, child
      frame). A named frame without an edge is a root.
    * A row stands for itself: what it leaves out is reset. `[]` in a row resets too. A `Clear` ends an edge.
    * Of one entity, static rows shadow the others. Of several entities that speak about one child frame, the latest row
      on the timeline counts, and static ones count before it.
    * `CoordinateFrame:frame` puts an entity, but not those below it, into a frame.

    Within a row: translation · axis-angle · quaternion · scale · mat3x3, that is parent_from_child, or its inverse with
    `relation` = ChildFromParent. `Pinhole` is no edge here: projecting is the business of the 2D and 3D views.

    Follows the store as it grows. To be used from one thread.
    """

    def __init__(self, store: ChunkStore) -> None:
        self._store = store
        self._feed = store.follow(speaks_of_frames)
        self._revision = -1
        self._clear_revision = 0
        self._graph = FrameGraph()
        self._node_names: list[str] = []
        self._shape: Shape | None = None
        self._snapshots: dict[tuple[str, bool], list[Snapshot]] = {}
        self._steps: dict[tuple[int, str], tuple[object, EdgeSteps]] = {}
        self._told: set[int] = set()

    def _sync(self) -> FrameGraph:
        graph, store = self._graph, self._store
        if self._revision != store.revision:
            self._revision = store.revision
            moved = graph.follow(self._feed.take())
            cleared, self._clear_revision = self._clear_revision != store.clear_revision, store.clear_revision
            if graph.number_nodes():
                self._node_names = [graph.names[frame] for frame in graph.nodes]
                self._snapshots.clear()
            elif cleared or moved:
                self._snapshots.clear()
        return graph

    def _steps_of(self, frame: int, timeline: str) -> EdgeSteps:
        """What is said about a child frame; worked out anew if there is more."""
        tracks = self._graph.tracks[frame]
        version = (*(track.version for track in tracks), self._store.clear_revision)
        kept_version, steps = self._steps.get((frame, timeline), (None, None))
        if steps is None or kept_version != version:
            steps = EdgeSteps.of(tracks, self._store, self._graph.table, timeline)
            self._steps[frame, timeline] = version, steps
            if len(tracks) > 1 and frame not in self._told:
                self._told.add(frame)
                entities = " and ".join(track.entity for track in tracks)
                _log.warning("where %s is, is said by %s: the latest row counts", self._graph.names[frame], entities)
        return steps

    def _edge(self, frame: int, tracks: list[Track], timeline: str, time: int, interpolate: bool) -> Found:
        table = self._graph.table
        if interpolate and len(tracks) > 1:
            return self._steps_of(frame, timeline).found(time)
        found = [track.at(self._store, table, timeline, time) for track in tracks]
        if len(found) == 1:
            return found[0]
        row_ids = [row_id.tobytes() for row_id in table.row_ids(np.array([max(f.row, 0) for f in found]))]
        best = found[max(range(len(found)), key=lambda i: (found[i].row >= 0, found[i].since, row_ids[i]))]
        since, until = max(f.since for f in found), min(f.until for f in found)
        return Found(best.row, since, until, -1)

    def _snapshot(self, timeline: str, time: int, *, interpolate: bool = False) -> Snapshot:
        self._sync()
        kept = self._snapshots.setdefault((timeline, interpolate), [])
        for snapshot in kept:
            if snapshot.since <= time < snapshot.until:
                return snapshot
        snapshot = self._resolve(timeline, time, interpolate)
        kept.insert(0, snapshot)
        del kept[_SNAPSHOTS_KEPT:]
        return snapshot

    def _resolve(self, timeline: str, time: int, interpolate: bool) -> Snapshot:
        graph = self._graph
        edges = [self._edge(frame, tracks, timeline, time, interpolate) for frame, tracks in graph.tracks.items()]
        rows = np.array([edge.row for edge in edges], np.int64)
        nodes = graph.node_of_frame[np.array(list(graph.tracks), np.int64)]
        known = rows >= 0
        parents = graph.hierarchy.copy()
        frames = graph.table.parents(rows[known])
        parents[nodes[known]] = np.where(frames < 0, -1, graph.node_of_frame[frames])
        parent_from_node = np.tile(np.eye(4), (len(parents), 1, 1))
        parent_from_node[nodes[known]] = graph.table.matrices(rows[known])
        since = max((edge.since for edge in edges), default=ALWAYS)
        until = min((edge.until for edge in edges), default=NEVER)
        if interpolate and self._blend(edges, nodes, time, parent_from_node):
            since, until = time, time + 1
        if self._shape is None or not np.array_equal(self._shape.parents, parents):
            self._shape = Shape.of(parents)
        root_from_node = np.tile(np.eye(4), (len(parents), 1, 1))
        for level in self._shape.levels:
            root_from_node[level] = root_from_node[parents[level]] @ parent_from_node[level]
        return Snapshot(self._node_names, self._shape, parent_from_node, root_from_node, since, until)

    def _blend(self, edges: list[Found], nodes: Indices, time: int, parent_from_node: Doubles) -> bool:
        """Put edges that have a row on either side in between; whether there are any."""
        between = [i for i, edge in enumerate(edges) if edge.row >= 0 and edge.next_row >= 0]
        rows = np.array([edges[i].row for i in between], np.int64)
        others = np.array([edges[i].next_row for i in between], np.int64)
        weights = np.array([(time - edges[i].since) / (edges[i].until - edges[i].since) for i in between])
        same = self._graph.table.parents(rows) == self._graph.table.parents(others)
        if not same.any():
            return False
        moved = nodes[np.array(between, np.int64)[same]]
        parent_from_node[moved] = self._graph.table.blended(rows[same], others[same], weights[same])
        return True

    def lookup(
        self,
        target: str,
        source: str,
        timeline: str,
        t: TimesLike,
        *,
        interpolate: bool = True,
        extrapolation_limit: SpanLike | None = None,
        source_time: TimesLike | None = None,
        fixed_frame: str | None = None,
        missing: Literal["raise", "nan"] = "raise",
    ) -> Doubles:
        """target_from_source at one time, shape (4, 4), or at n times, shape (n, 4, 4).

        It turns what is in `source` into `target`: `(target_from_source @ [x, y, z, 1])[:3]`. Frames are given by name;
        an entity's path stands for its implicit frame.

        `t`: nanoseconds or sequence numbers as the timeline has them, `numpy.datetime64`, `datetime`, or many of these.
        `interpolate`: between two rows of an edge translations go straight and rotations along the shorter arc at even
        speed, scales and shears straight; without it, the latest row holds, as in the viewer.
        `extrapolation_limit`: how old a row may be that is held because nothing follows it (without `interpolate`: any
        row), in units of the timeline or as a timedelta. None: as old as it may be, as in the viewer; 0: tf2's rule.
        Before its first row, an edge does not exist, whatever the limit. Static rows are never too old, nor are
        those of a topic `tf_static` that stand in time, as the reference writes them.
        `fixed_frame`: where `source` was at `source_time`, seen from `target` at `t`, with `fixed_frame` standing still
        between the two.
        `missing`: with "nan", times that have no answer are not a number instead of an error.

        Raises UnknownFrameError; FramesNotConnectedError; TransformTimeError; TransformError for a cycle, and for a
        transform that is not a number or cannot be inverted. InvalidValueError for times that are no times.
        """
        if (source_time is None) != (fixed_frame is None):
            raise InvalidValueError("lookup", "both of source_time= and fixed_frame=, or none", "one of them")
        if missing not in ("raise", "nan"):
            raise InvalidValueError("missing", "'raise' or 'nan'", repr(missing))
        limit = None if extrapolation_limit is None else span_of(extrapolation_limit)
        times, many = times_of(t)
        if source_time is None or fixed_frame is None:
            out = self._lookup(target, source, timeline, times, interpolate, limit, missing)
            return out if many else out[0]
        source_times, many_sources = times_of(source_time)
        if many and many_sources and len(times) != len(source_times):
            raise InvalidValueError("source_time", f"one time, or {len(times)} as t has", f"{len(source_times)} times")
        out = self._lookup(target, fixed_frame, timeline, times, interpolate, limit, missing) @ self._lookup(
            fixed_frame, source, timeline, source_times, interpolate, limit, missing
        )
        return out if many or many_sources else out[0]

    def _lookup(
        self,
        target: str,
        source: str,
        timeline: str,
        times: Indices,
        interpolate: bool,
        limit: int | None,
        missing: Literal["raise", "nan"],
    ) -> Doubles:
        graph = self._sync()
        nodes = graph.node(target), graph.node(source)
        out, found = np.full((len(times), 4, 4), np.nan), np.zeros(len(times), np.bool_)
        if min(nodes) >= 0:
            edges = Edges(graph, partial(self._steps_of, timeline=timeline), interpolate, limit)
            out, found = lookup_many(edges, *nodes, times)
        if missing == "raise" and not found.all():
            failed = np.flatnonzero(~found)
            time = int(times[failed[0]])
            snapshot = self._snapshot(timeline, time)
            error = Question(self._store, graph, snapshot, nodes, timeline, time, interpolate, limit).error(
                target, source
            )
            if len(times) > 1 and min(nodes) >= 0:
                error.add_note(f"{len(failed)} of {len(times)} times have no answer; this is about the first of them")
            raise error
        return out

    def can_transform(
        self,
        target: str,
        source: str,
        timeline: str,
        t: TimesLike,
        *,
        interpolate: bool = True,
        extrapolation_limit: SpanLike | None = None,
    ) -> np.bool_ | Bools:
        """Whether `lookup` has an answer: one bool, or an array of n."""
        found = self.lookup(
            target,
            source,
            timeline,
            t,
            interpolate=interpolate,
            extrapolation_limit=extrapolation_limit,
            missing="nan",
        )
        return np.isfinite(found).all(axis=(-2, -1))

    def chain(self, target: str, source: str, timeline: str, t: TimeLike) -> tuple[str, ...]:
        """The frames from target to source, both included, through the frame that is above both.

        Raises as `lookup` does.
        """
        time = int(times_of(t)[0][0])
        snapshot = self._snapshot(timeline, time)
        nodes = self._graph.node(target), self._graph.node(source)
        roots = [snapshot.root(node) if node >= 0 else None for node in nodes]
        if roots[0] is None or roots[0] != roots[1]:
            raise Question(self._store, self._graph, snapshot, nodes, timeline, time).error(target, source)
        to, start = (snapshot.shape.path(node) for node in nodes)
        common = next(node for node in start if node in to)
        path = [*to[: to.index(common) + 1], *reversed(start[: start.index(common)])]
        return tuple(snapshot.names[node] for node in path)

    def latest_common_time(self, target: str, source: str, timeline: str) -> int | None:
        """The latest time at which no edge between two frames must be extrapolated; None if all of them are static.

        The tree is taken as it is at the end. Raises as `lookup` does.
        """
        frames = self.chain(target, source, timeline, NEVER - 1)
        common = min(frames, key=lambda name: self._depth(name, timeline))
        edges = [self._graph.ids[name] for name in frames if name != common]
        moving = [self._steps_of(frame, timeline) for frame in edges if frame in self._graph.tracks]
        lasts = [int(steps.times[-1]) for steps in moving if not steps.is_latched]
        return min(lasts, default=None)

    def _depth(self, frame: str, timeline: str) -> int:
        return len(self._snapshot(timeline, NEVER - 1).shape.path(self._graph.node(frame)))

    def transform(self, target: str, source: str, timeline: str, time: int, *, interpolate: bool = False) -> Doubles:
        """target_from_source, shape (4, 4): what it multiplies is a point in `source`, what comes out is in `target`.

        Frames are given by name; `implicit_frame(path)` is the one of an entity. With `interpolate`, an edge that has a
        row before and one after `time`, under the same parent, is put in between: translations straight, rotations
        along the shorter arc; otherwise the latest row holds.

        Raises TransformError: no such frame; not connected; cyclic; a transform that cannot be inverted.
        """
        relations = self.transforms_to(target, (source,), timeline, time, interpolate=interpolate)
        error = relations.error(0)
        if error is not None:
            raise error
        matrix: Doubles = relations.target_from_source[0]
        return matrix

    def transforms_to(
        self, target: str, sources: Iterable[str], timeline: str, time: int, *, interpolate: bool = False
    ) -> Relations:
        """`transform` of many sources at once; instead of an error, a source may be not `connected`.

        While nothing moves, the same question gets the same object.
        """
        snapshot = self._snapshot(timeline, time, interpolate=interpolate)
        key = (target, tuple(sources))
        kept = snapshot.answers.get(key)
        if kept is None:
            if len(snapshot.answers) >= _ANSWERS_KEPT:
                snapshot.answers.clear()
            kept = snapshot.answers[key] = self._relate(snapshot, *key, timeline, time)
        return kept

    def _relate(self, snapshot: Snapshot, target: str, sources: tuple[str, ...], timeline: str, time: int) -> Relations:
        out = np.full((len(sources), 4, 4), np.nan)
        to = self._graph.node(target)
        nodes = np.array([self._graph.node(source) for source in sources], np.int64)
        if to >= 0:
            roots = snapshot.shape.roots
            joined = (nodes >= 0) & (roots[nodes] == roots[to]) & (roots[to] >= 0)
            out[joined] = inverse(snapshot.root_from_node[to]) @ snapshot.root_from_node[nodes[joined]]
            for i in np.flatnonzero(joined & ~np.isfinite(out).all(axis=(1, 2))).tolist():
                out[i] = snapshot.relation(to, int(nodes[i]))  # what is broken or flat may be above both
        connected = np.isfinite(out).all(axis=(1, 2))
        out.flags.writeable = connected.flags.writeable = False
        node_of = dict(zip((*sources, target), (*nodes.tolist(), to), strict=True))

        def why(target: str, source: str) -> TransformError:
            ends = node_of[target], node_of[source]
            return Question(self._store, self._graph, snapshot, ends, timeline, time).error(target, source)

        return Relations(target, sources, out, connected, why)

    def frames(self) -> list[str]:
        """All frames that occur at any time, named ones first, each group sorted."""
        return sorted(self._sync().names, key=lambda name: (is_implicit(name), name))

    def report(self, timeline: str, time: int | None = None) -> FramesReport:
        """The tree at a time (None: at the end), and per edge its topics, rate, first and last time and what is odd.

        `print(tree.report("message_log_time"))` shows a tree; `to_yaml()` and `to_dict()` are for programs.
        """
        graph = self._sync()
        edges = edge_reports(graph, self._store, timeline, partial(self._steps_of, timeline=timeline))
        if time is None:
            time = max((edge.last for edge in edges if edge.last is not None), default=0)
        return FramesReport(timeline, self._store.timelines().get(timeline), time, self.parents(timeline, time), edges)

    def parents(self, timeline: str, time: int) -> dict[str, str | None]:
        """The tree at a time: the parent of each frame, None for roots.

        Implicit frames that never have a transform of their own are left out: they coincide with the one above.
        """
        parents = self._snapshot(timeline, time).shape.parents.tolist()
        names = self._node_names
        return {name: names[parent] if parent >= 0 else None for name, parent in zip(names, parents, strict=True)}

    def roots(self, timeline: str, time: int) -> list[str]:
        """The frames that have no parent at a time; those of the largest trees first, named ones before `tf#/`."""
        roots = self._snapshot(timeline, time).shape.roots
        found, counts = np.unique(roots[roots >= 0], return_counts=True)
        names = [self._node_names[i] for i in found.tolist()]
        sizes = dict(zip(names, counts.tolist(), strict=True))
        return sorted(names, key=lambda name: (-sizes[name], is_implicit(name), name))

    def root_of(self, frame: str, timeline: str, time: int) -> str | None:
        """The root of the tree that a frame is in; None if there is no such frame, or it is on a cycle."""
        snapshot = self._snapshot(timeline, time)
        node = self._graph.node(frame)
        return snapshot.root(node) if node >= 0 else None

    def frame_of(self, entity: str, timeline: str, time: int) -> str:
        """The frame that an entity's data is in: its `CoordinateFrame`, else its implicit frame."""
        return self.frames_of((entity,), timeline, time)[0]

    def frames_of(self, entities: Sequence[str], timeline: str, time: int) -> list[str]:
        """`frame_of` of many entities at once."""
        framed = self._sync().framed
        asked = [entity for entity in entities if entity in framed] if framed else []
        found = self._store.latest_at_many(asked, (FRAME,), timeline, time)
        named = {entity: cells[FRAME].values for entity, cells in found.items() if len(cells[FRAME].values)}
        return [(named[entity][0].as_py() if entity in named else "") or implicit_frame(entity) for entity in entities]
