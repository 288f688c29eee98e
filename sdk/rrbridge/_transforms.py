"""How frames relate: one tree over the entity hierarchy and named frames (DESIGN §7.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from rrbridge._store import ChunkStore
from rrbridge._store_index import ALWAYS, NEVER
from rrbridge._transform_frames import FRAME, FrameGraph, implicit_frame, is_implicit, speaks_of_frames
from rrbridge._transform_tracks import Found, Track
from rrbridge.errors import TransformError

__all__ = ["Relations", "TransformTree", "implicit_frame"]

_SNAPSHOTS_KEPT = 4
_ANSWERS_KEPT = 64

Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Relations:
    """How many frames stand to one target frame."""

    target: str
    sources: tuple[str, ...]
    target_from_source: Doubles
    """Shape (n, 4, 4); not a number where they are not connected."""
    connected: Bools
    """Shape (n,)."""
    _why: Callable[[str, str], str]

    def error(self, index: int) -> TransformError | None:
        """Why a source is not connected; None if it is."""
        if self.connected[index]:
            return None
        source = self.sources[index]
        return TransformError(self._why(self.target, source), target=self.target, source=source)


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """Which node is whose parent, and what follows from it."""

    parents: Indices
    """-1 = a root."""
    roots: Indices
    """-1 = on a cycle, or below one."""
    levels: list[Indices]
    """Nodes by their distance from the root, without the roots."""

    @classmethod
    def of(cls, parents: Indices) -> _Shape:
        nodes = np.arange(len(parents))
        above = np.where(parents < 0, nodes, parents)
        depth = (parents >= 0).astype(np.int64)
        for _ in range(len(parents).bit_length()):
            depth, above = depth + depth[above], above[above]
        roots = np.where(parents[above] < 0, above, -1)
        depth[roots < 0] = 0
        order = np.argsort(depth, kind="stable")
        levels = np.split(order, np.flatnonzero(np.diff(depth[order])) + 1)
        return cls(parents, roots, levels[1:])


@dataclass(frozen=True, slots=True, eq=False)
class _Snapshot:
    """The whole tree; good for all times in `[since, until)`."""

    names: list[str]
    """The name of each node."""
    shape: _Shape
    root_from_node: Doubles
    """Shape (nodes, 4, 4)."""
    since: int
    until: int
    answers: dict[tuple[str, tuple[str, ...]], Relations] = field(default_factory=dict)

    def root(self, node: int) -> str | None:
        """The name of the root above a node; None on a cycle."""
        root = int(self.shape.roots[node])
        return self.names[root] if root >= 0 else None


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
        self._shape: _Shape | None = None
        self._snapshots: dict[tuple[str, bool], list[_Snapshot]] = {}

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

    def _edge(self, tracks: list[Track], timeline: str, time: int) -> Found:
        table = self._graph.table
        found = [track.at(self._store, table, timeline, time) for track in tracks]
        if len(found) == 1:
            return found[0]
        row_ids = [row_id.tobytes() for row_id in table.row_ids(np.array([max(f.row, 0) for f in found]))]
        best = found[max(range(len(found)), key=lambda i: (found[i].row >= 0, found[i].since, row_ids[i]))]
        since, until = max(f.since for f in found), min(f.until for f in found)
        alone = (since, until) == (best.since, best.until)
        return Found(best.row, since, until, best.next_row if alone else -1)

    def _snapshot(self, timeline: str, time: int, *, interpolate: bool = False) -> _Snapshot:
        self._sync()
        kept = self._snapshots.setdefault((timeline, interpolate), [])
        for snapshot in kept:
            if snapshot.since <= time < snapshot.until:
                return snapshot
        snapshot = self._resolve(timeline, time, interpolate)
        kept.insert(0, snapshot)
        del kept[_SNAPSHOTS_KEPT:]
        return snapshot

    def _resolve(self, timeline: str, time: int, interpolate: bool) -> _Snapshot:
        graph = self._graph
        edges = [self._edge(tracks, timeline, time) for tracks in graph.tracks.values()]
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
            self._shape = _Shape.of(parents)
        root_from_node = np.tile(np.eye(4), (len(parents), 1, 1))
        for level in self._shape.levels:
            root_from_node[level] = root_from_node[parents[level]] @ parent_from_node[level]
        return _Snapshot(self._node_names, self._shape, root_from_node, since, until)

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

    def _relate(
        self, snapshot: _Snapshot, target: str, sources: tuple[str, ...], timeline: str, time: int
    ) -> Relations:
        out = np.full((len(sources), 4, 4), np.nan)
        to = self._graph.node(target)
        nodes = np.array([self._graph.node(source) for source in sources], np.int64)
        if to >= 0:
            roots = snapshot.shape.roots
            joined = (nodes >= 0) & (roots[nodes] == roots[to]) & (roots[to] >= 0)
            out[joined] = _inverse(snapshot.root_from_node[to]) @ snapshot.root_from_node[nodes[joined]]
        connected = np.isfinite(out).all(axis=(1, 2))
        out.flags.writeable = connected.flags.writeable = False
        ends = dict(zip((*sources, target), (*nodes.tolist(), to), strict=True))
        return Relations(target, sources, out, connected, partial(self._reason, snapshot, ends, timeline, time))

    def _reason(
        self, snapshot: _Snapshot, nodes: dict[str, int], timeline: str, time: int, target: str, source: str
    ) -> str:
        for name in (target, source):
            if nodes[name] < 0:
                return f"there is no frame {name}"
        roots = [snapshot.root(nodes[name]) for name in (target, source)]
        for name, root in zip((target, source), roots, strict=True):
            if root is None:
                cycle = (snapshot.names[node] for node in _cycle(snapshot.shape.parents, nodes[name]))
                return f"frames form a cycle: {' → '.join(cycle)}"
        if roots[0] == roots[1]:
            return "a transform between them is singular or not a number"
        reason = f"they are not connected: {target} is below {roots[0]}, {source} is below {roots[1]}"
        absences = [self._absence(root, timeline, time) for root in roots if root is not None]
        return "; ".join([reason, *(text for text in absences if text)])

    def _absence(self, frame: str, timeline: str, time: int) -> str:
        """What keeps a root from having a parent, where it has one at other times or on other timelines."""
        tracks = self._graph.tracks.get(self._graph.ids[frame], [])
        firsts = [first for track in tracks if (first := track.first_time(timeline)) is not None]
        if firsts:
            return f"{frame} has no transform before {min(firsts)} on {timeline}" if min(firsts) > time else ""
        others = sorted({other for track in tracks for other in track.timelines()})
        return f"{frame} has transforms on {', '.join(others)}, not on {timeline}" if others else ""

    def frames(self) -> list[str]:
        """All frames that occur at any time, named ones first, each group sorted."""
        return sorted(self._sync().names, key=lambda name: (is_implicit(name), name))

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


def _cycle(parents: Indices, node: int) -> list[int]:
    """The nodes of the cycle that a node is on or below, the first one again at the end."""
    seen: list[int] = []
    while node not in seen:
        seen.append(node)
        node = int(parents[node])
    return [*seen[seen.index(node) :], node]


def _inverse(affine: Doubles) -> Doubles:
    try:
        inverse: Doubles = np.linalg.inv(affine).astype(np.float64, copy=False)
    except np.linalg.LinAlgError:
        return np.full((4, 4), np.nan)
    return inverse
