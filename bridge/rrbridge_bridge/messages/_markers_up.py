"""Markers of a topic through time: which are up, what is drawn and cleared when, and what a state must know of that.

* Replaced by one of another look (type, mesh): cleared first, so that no part of the old one stays.
* `DELETEALL` clears every marker that is up; with a namespace, in ROS 2, only that one's.
* Lifetimes count from when the recorder got the message, as in RViz. An end after the recording's is not written.
* A mesh's file is written where it appears and not again while it stays; 256 MiB per topic at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._arrow import as_numpy, primitive, text_scalar, utf8
from rrbridge._entity_path import escape_entity_path_part
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, Text, nanos, take
from rrbridge.stages import Messages, Note
from rrbridge_bridge.messages._lives import Lives, end_due, ends_of, ends_of_up
from rrbridge_bridge.messages._marker_memory import ADD, DELETE, DELETE_ALL, Acts, Fates, Up, fates_of
from rrbridge_bridge.messages._marker_meshes import Meshes, Source, mesh_content, named_points, placed_meshes, stand_ins
from rrbridge_bridge.messages._marker_shapes import MESH

__all__ = ["MarkersUp", "Style", "end_what_is_due", "take_markers"]

MAX_WRITTEN_BYTES = 256 << 20
"""Of meshes, per topic."""

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Style:
    """How one kind of markers is drawn."""

    types: Sequence[int]
    """What is known of `Marker.type`."""
    draw: Callable[[Columns], Sequence[rr.ComponentColumnList]]
    """Of markers of one type, but for meshes: their looks, a row each."""
    frames: Callable[[Columns], Any]
    """The frame that each is in."""


@dataclass(frozen=True, slots=True)
class MarkersUp:
    """What is known of the markers of a topic."""

    up: Mapping[str, Up] = field(default_factory=dict)
    """By path below the topic, those that came first at the front."""
    embedded: Mapping[str, bytes] = field(default_factory=dict)
    """Meshes that messages brought with them, by name."""
    written_bytes: int = 0
    """Of meshes."""


def end_what_is_due(state: MarkersUp, until_nanos: int, _is_end: bool) -> tuple[MarkersUp, Iterable[Emit]]:
    """Markers whose lifetime has ended by then."""
    up, emits = end_due(state.up, until_nanos, recursive=False)
    return replace(state, up=up), emits


@np.errstate(invalid="ignore", over="ignore")  # of what is infinitely far or large
def take_markers(
    state: MarkersUp, msgs: Messages, markers: Columns, rows: Int64s, style: Style
) -> tuple[MarkersUp, list[Emit | Skipped | Note]]:
    """Draw markers and clear what they end. `rows`: the message that each marker came in."""
    markers = _complete(markers)
    skipped = list(_not_known(markers, rows, style))
    known = np.isin(markers.action, (DELETE, DELETE_ALL)) | (
        (markers.action == ADD) & np.isin(markers.type, style.types)
    )
    if not known.all():
        markers, rows = take(markers, known), rows[known]
    look = _Looks.of(markers, state, msgs)
    table = _Table.of(state, markers, rows, look, msgs)
    fates = fates_of(table.acts, int(msgs.log_time_nanos[-1]))
    drawn = list(_drawn(markers, table, fates, look, style))
    written, meshes = _mesh_files(state.written_bytes, table, fates, look)
    after = MarkersUp(table.up_after(fates), look.meshes.embedded, written)
    return after, [*skipped, *table.clears(fates, recursive=False), *drawn, *meshes, *look.meshes.note()]


def _complete(markers: Columns) -> Columns:
    """With the fields that old definitions lack, empty."""
    count = len(markers)
    texts, lists = ("text", "mesh_resource"), ("points", "colors")
    missing: dict[str, Any] = {n: Text.from_strings([""] * count) for n in texts if n not in markers}
    none = Columns(0, dict.fromkeys(("x", "y", "z", "r", "g", "b", "a"), np.zeros(0)))
    missing |= {name: Ragged.from_lengths(np.zeros(count, np.int64), none) for name in lists if name not in markers}
    return Columns(count, {**{name: markers[name] for name in markers}, **missing}) if missing else markers


def _not_known(markers: Columns, rows: Int64s, style: Style) -> Iterator[Skipped]:
    added = markers.action == ADD
    for kind in np.setdiff1d(markers.type[added], style.types).tolist():
        yield Skipped(rows[added & (markers.type == kind)], f"a marker of type {kind} is not drawn")
    strange = ~np.isin(markers.action, (ADD, DELETE, DELETE_ALL))
    yield Skipped(rows[strange], "a marker's action is not known")


@dataclass(frozen=True, eq=False, slots=True)
class _Looks:
    """What markers look like: their types, and which meshes."""

    kinds: list[str]
    """Names of looks, of all that come up."""
    of_marker: Int64s
    """Index into `kinds`, for each marker."""
    meshes: Meshes

    @classmethod
    def of(cls, markers: Columns, state: MarkersUp, msgs: Messages) -> _Looks:
        found: dict[str, int] = {}
        looks = np.zeros(len(markers), np.int64)
        for kind in np.unique(markers.type).tolist():
            if kind != MESH:
                looks[markers.type == kind] = found.setdefault(str(kind), len(found))
        at = np.flatnonzero((markers.type == MESH) & (markers.action == ADD))
        meshes = Meshes([], {}, state.embedded)
        if len(at):
            meshes = Meshes.of(take(markers, at), state.embedded, msgs.definitions)
            looks[at] = [found.setdefault(kind, len(found)) for kind in meshes.kinds]
        for up in state.up.values():
            found.setdefault(up.kind, len(found))
        return cls(list(found), looks, meshes)


@dataclass(frozen=True, eq=False, slots=True)
class _Table(Lives):
    """Markers that were up, then those of the messages, as acts."""

    before: int
    """How many acts stand for markers that were up."""

    @classmethod
    def of(cls, state: MarkersUp, markers: Columns, rows: Int64s, look: _Looks, msgs: Messages) -> _Table:
        names = {path: i for i, path in enumerate(state.up)}
        up, before = list(state.up.values()), len(state.up)
        codes, paths = _paths(markers)
        place = np.array([names.setdefault(path, len(names)) for path in paths], np.int64)
        spaces: dict[str, int] = {}
        namespaces = [spaces.setdefault(path.rpartition("/")[0], len(spaces)) for path in names]
        log = np.concatenate([np.zeros(before, np.int64), msgs.log_time_nanos[rows]])
        stamps = nanos(markers.header.stamp)
        ends = np.concatenate([ends_of_up(up), ends_of(msgs, rows, stamps, nanos(markers.lifetime))])
        number = np.concatenate([np.arange(before), place[codes]])
        action = np.concatenate([np.full(before, ADD), markers.action])
        namespace = np.array(namespaces, np.int64)[number] if len(number) else number
        is_all = action == DELETE_ALL
        of_all = np.concatenate([np.zeros(before, np.bool_), _of_all_namespaces(markers, msgs.encoding)])
        kinds = {kind: i for i, kind in enumerate(look.kinds)}
        acts = Acts(
            message=np.concatenate([np.full(before, -1), rows]),
            action=action,
            name=number,
            namespace=np.where(is_all & of_all, -1, namespace),
            kind=np.concatenate([np.array([kinds[u.kind] for u in up], np.int64), look.of_marker]),
            log_nanos=log,
            log_end_nanos=ends[:, 0],
        )
        stamps = np.concatenate([np.zeros(before, np.int64), stamps])
        return cls(acts, list(names), look.kinds, ends, stamps, before)


def _drawn(markers: Columns, table: _Table, fates: Fates, look: _Looks, style: Style) -> Iterator[Emit]:
    """Markers to draw, by look; of meshes where they are."""
    looks = table.acts.kind[fates.drawn]
    for kind in np.unique(looks).tolist():
        acts = fates.drawn[looks == kind]
        wanted = take(markers, acts - table.before)
        source = look.meshes.sources.get(look.kinds[kind])
        yield table.emit(
            [*_shapes(wanted, source, style), rr.CoordinateFrame.columns(frame=style.frames(wanted))], acts
        )


def _shapes(markers: Columns, source: Source | None, style: Style) -> Sequence[rr.ComponentColumnList]:
    if source is None:
        return style.draw(markers)
    return [stand_ins(markers)] if source.missing else placed_meshes(markers)


def _mesh_files(written_bytes: int, table: _Table, fates: Fates, look: _Looks) -> tuple[int, list[Emit | Note]]:
    """The meshes themselves, where they appear; and how many bytes of them are written by now."""
    emits: list[Emit | Note] = []
    fresh = fates.drawn[fates.is_fresh]
    looks = table.acts.kind[fresh]
    for kind in np.unique(looks).tolist():
        source, acts = look.meshes.sources.get(look.kinds[kind]), fresh[looks == kind]
        if source is None or source.missing:
            continue
        content, media_type = mesh_content(source)
        count = min(len(acts), max(MAX_WRITTEN_BYTES - written_bytes, 0) // max(len(content), 1))
        written_bytes += count * len(content)
        if count:
            blobs = Ragged.from_lengths(np.full(count, len(content)), np.tile(np.frombuffer(content, np.uint8), count))
            emits.append(
                table.emit([rr.Asset3D.columns(blob=blobs, media_type=[media_type or ""] * count)], acts[:count])
            )
        if count < len(acts):
            emits.append(table.emit([named_points(source, len(acts) - count)], acts[count:]))
            text = f"meshes have been written {MAX_WRITTEN_BYTES >> 20} MiB; where more appear, points stand for them"
            emits.append(Note(text))
    return written_bytes, emits


def _of_all_namespaces(markers: Columns, encoding: str) -> npt.NDArray[np.bool_]:
    """Whether a `DELETEALL` would mean all namespaces: ROS 1 looks at none, ROS 2 at the one that is given."""
    if encoding == "ros1":
        return np.ones(len(markers), np.bool_)
    is_empty: npt.NDArray[np.bool_] = np.diff(markers.ns.offsets) == 0
    return is_empty


def _paths(markers: Columns) -> tuple[Int64s, list[str]]:
    """Which of the paths below the topic each marker has, and the paths."""
    if not len(markers):
        return np.zeros(0, np.int64), []
    codes, namespaces = markers.ns.dictionary()
    escaped = utf8(escape_entity_path_part(ns) or "_" for ns in namespaces)
    joined = pc.binary_join_element_wise(
        escaped.take(primitive(codes)), primitive(markers.id).cast(pa.utf8()), text_scalar("/")
    ).dictionary_encode()
    return as_numpy(joined.indices, np.int32).astype(np.int64), joined.dictionary.to_pylist()
