"""The frames of a store and what says where they are: entities, named frames, tracks of edges."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._chunk import Chunk
from rrbridge._store_events import Added, Appeared, Event
from rrbridge._transform_rows import Names, TransformRows
from rrbridge._transform_table import TransformTable
from rrbridge._transform_tracks import Track

__all__ = ["FRAME", "FrameGraph", "implicit_frame", "is_implicit", "speaks_of_frames"]

FRAME = "CoordinateFrame:frame"
CAMERA_FRAME = "Pinhole:parent_frame"
"""Where a camera stands: a frame of its own even if no transform speaks of it."""
_IMPLICIT = "tf#"
_ROOT = "tf#/"

Indices = npt.NDArray[np.int64]


def implicit_frame(entity: str) -> str:
    """The frame that an entity is in unless told otherwise: `/a/b` → `tf#/a/b`."""
    return _IMPLICIT + entity


def is_implicit(frame: str) -> bool:
    """Whether a frame belongs to an entity: `tf#/a/b`."""
    return frame.startswith(_ROOT)


def speaks_of_frames(component: str) -> bool:
    """Whether a component says where a frame is, or which frame something is in."""
    return component.startswith("Transform3D:") or component in (FRAME, CAMERA_FRAME)


class FrameGraph:
    """All frames that chunks speak of, and the edges between them at all times.

    Frames are numbered as they are met. Those that can have an edge, or have no other frame above them, are *nodes*,
    numbered on their own; an implicit frame that never has an edge coincides with the node above it.
    """

    def __init__(self) -> None:
        self.table = TransformTable()
        self.names: list[str] = []
        self.ids: dict[str, int] = {}
        self.tracks: dict[int, list[Track]] = {}
        """By child frame; one for each entity that speaks about it."""
        self.framed: set[str] = set()
        """The entities that have a `CoordinateFrame` at some time."""
        self.nodes: list[int] = []
        """The frame of each node."""
        self.node_of_frame: Indices = np.empty(0, np.int64)
        self.hierarchy: Indices = np.empty(0, np.int64)
        """The node above each node as the entity paths have it; -1 for `tf#/` and named frames."""
        self._by_entity: dict[tuple[str, int], Track] = {}
        self._entities: set[str] = set()
        self._numbered = (0, 0)
        self._frame_id(_ROOT)

    def node(self, frame: str) -> int:
        """The node of a frame, or of the implicit frame of an entity given by its path; -1 if there is neither."""
        found = self.ids.get(frame)
        if found is None and frame.startswith("/"):
            found = self.ids.get(implicit_frame(_entity_path.normalize(frame)))
        return -1 if found is None else int(self.node_of_frame[found])

    def _frame_id(self, name: str) -> int:
        found = self.ids.get(name)
        if found is None:
            found = self.ids[name] = len(self.names)
            self.names.append(name)
        return found

    def _frame_ids(self, names: Names, otherwise: Indices) -> Indices:
        ids = np.array([self._frame_id(name) if name else -1 for name in names.names] + [-1], np.int64)
        return np.where(names.codes < 0, otherwise, ids[names.codes])

    def follow(self, events: Iterable[Event]) -> bool:
        """Take what happened to the store; whether it moves any frame."""
        chunks = []
        for event in events:
            if isinstance(event, Added):
                chunks.append(event.chunk)
            elif isinstance(event, Appeared):
                self._note_entity(event.entity)
        for chunk in chunks:
            self._note_frames(chunk)
        moved = False
        for rows in TransformRows.gather(chunks):
            self._note_edges(rows)
            moved = True
        return moved

    def _note_entity(self, entity: str) -> None:
        if entity not in self._entities:
            for path in _entity_path.ancestors(entity):
                self._entities.add(path)
                self._frame_id(implicit_frame(path))

    def _note_frames(self, chunk: Chunk) -> None:
        for component in (FRAME, CAMERA_FRAME):
            column = chunk.components.get(component)
            if column is None or not pa.types.is_string(column.cells.type.value_type):
                continue
            if component == FRAME:
                self.framed.add(chunk.entity_path)
            for name in column.cells.flatten().drop_null().unique().to_pylist():
                if name:
                    self._frame_id(name)

    def _note_edges(self, rows: TransformRows) -> None:
        paths = [chunk.entity_path for chunk in rows.chunks]
        implicit = np.array([self._frame_id(implicit_frame(path)) for path in paths], np.int64)
        above = [_entity_path.parent(path) or "/" for path in paths]
        hierarchy = np.array([self._frame_id(implicit_frame(path)) for path in above], np.int64)
        children = self._frame_ids(rows.child_frames, implicit[rows.chunk_of])
        parents = self._frame_ids(rows.parent_frames, hierarchy[rows.chunk_of])
        parents[(children == 0) & (rows.parent_frames.codes < 0)] = -1  # above `/` there is nothing
        first = self.table.extend(rows, parents)
        order = np.lexsort((children, rows.chunk_of))
        order = order[
            children[order] != parents[order]
        ]  # of a frame below itself nothing is known: tf2 leaves it out, too
        ends = (np.diff(children[order]) != 0) | (np.diff(rows.chunk_of[order]) != 0)
        for part in np.split(order, np.flatnonzero(ends) + 1) if len(order) else ():
            chunk, child = rows.chunks[rows.chunk_of[part[0]]], int(children[part[0]])
            track = self._by_entity.get((chunk.entity_path, child))
            if track is None:
                track = self._by_entity[chunk.entity_path, child] = Track(chunk.entity_path)
                self.tracks.setdefault(child, []).append(track)
            track.insert(chunk.times, rows.chunk_rows[part], first + part, self.table)

    def number_nodes(self) -> bool:
        """Number the nodes anew if there are more frames or edges than before; whether it was so."""
        if self._numbered == (len(self.names), len(self.tracks)):
            return False
        self._numbered = len(self.names), len(self.tracks)
        implicit = [is_implicit(name) for name in self.names]
        self.nodes = [i for i, hidden in enumerate(implicit) if not hidden or i in self.tracks or i == 0]
        node_of = np.full(len(self.names), -1, np.int64)
        node_of[self.nodes] = np.arange(len(self.nodes))
        above = [self._node_above(i, node_of) if implicit[i] and i else -1 for i in self.nodes]
        self.hierarchy = np.array(above, np.int64)
        hidden = np.flatnonzero(node_of < 0).tolist()
        node_of[hidden] = [self._node_above(i, node_of) for i in hidden]
        self.node_of_frame = node_of
        return True

    def _node_above(self, frame: int, node_of: Indices) -> int:
        for path in _entity_path.ancestors(self.names[frame].removeprefix(_IMPLICIT))[1:]:
            known = self.ids.get(implicit_frame(path))
            if known is not None and node_of[known] >= 0:
                return int(node_of[known])
        return int(node_of[0])
