"""Interactive markers: handles that people drag, as their server describes them.

A server speaks on `<server>/update` and `<server>/update_full`; what it shows is drawn at `<server>/<marker>`, which stands where
the marker does, so that moving it takes one row. Below it each control has an entity `<control>`, with its markers by number, and
a handle in its place where it has none: arrows along what it slides along, a ring around what it turns about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import rrbridge as rr
from rrbridge._entity_path import escape_entity_path_part
from rrbridge.adapters import Skipped
from rrbridge.columns import Columns, Emit, Ragged, take
from rrbridge.errors import FileError
from rrbridge.stages import Emitted, Messages, Note, Takes
from rrbridge_bridge.messages._fields import xyz
from rrbridge_bridge.messages._marker_meshes import Meshes, mesh_content, placed_meshes, stand_ins
from rrbridge_bridge.messages._marker_shapes import DRAWN, MESH
from rrbridge_bridge.messages._registry import adapters
from rrbridge_bridge.messages._rotations import orientation, rotate

INIT, UPDATE = "visualization_msgs/msg/InteractiveMarkerInit", "visualization_msgs/msg/InteractiveMarkerUpdate"
MOVE_AXIS, MOVE_PLANE, ROTATE_AXIS, MOVE_ROTATE = 3, 4, 5, 6
MAX_WRITTEN_BYTES = 256 << 20
"""Of meshes, per server."""
RING_CORNERS = 48

Int64s = npt.NDArray[np.int64]


def _server(topic: str) -> str:
    return topic.rpartition("/")[0]


@adapters.stage(Takes(INIT, wholly=True), Takes(UPDATE, wholly=True), start=0, group=_server)
@np.errstate(invalid="ignore", over="ignore")  # of what is infinitely far or large
def interactive_markers(written_bytes: int, msgs: Messages) -> tuple[int, Emitted]:
    """Interactive markers where they are; the state is how many bytes of meshes were written."""
    columns, server = msgs.columns, _entity(_server(msgs.topic))
    made: list[Emit | Skipped | Note] = []
    if len(columns.markers.values):
        shown = _Shown.of(columns.markers, server)
        made += shown.emits()
        written_bytes, shapes = _control_markers(shown, written_bytes, msgs)
        made += [*_handles(shown), *shapes]
    if "poses" in columns and len(columns.poses.values):
        moved = columns.poses
        made.append(
            _placed(moved.values, [f"{server}/{_part(n)}" for n in moved.values.name.to_list()], moved.row_of_value)
        )
    if "erases" in columns and len(columns.erases.values):
        gone = [f"{server}/{_part(name)}" for name in columns.erases.values.to_list()]
        made.append(_cleared(gone, columns.erases.row_of_value))
    return written_bytes, made


@dataclass(frozen=True, eq=False, slots=True)
class _Shown:
    """Whole interactive markers of messages."""

    markers: Columns
    paths: list[str]
    rows: Int64s
    """The message of each marker."""
    controls: Columns
    owner: Int64s
    """The marker of each control."""
    control_paths: list[str]

    @classmethod
    def of(cls, markers: Ragged, server: str) -> _Shown:
        found: Columns = markers.values
        paths = [f"{server}/{_part(name)}" for name in found.name.to_list()]
        controls: Ragged = found.controls
        owner = controls.row_of_value
        place = (np.arange(len(owner)) - controls.offsets[:-1][owner]).tolist()
        names = controls.values.name.to_list()
        below = [
            f"{paths[o]}/{_part(name or f'control_{i}')}"
            for o, i, name in zip(owner.tolist(), place, names, strict=True)
        ]
        return cls(found, paths, markers.row_of_value, controls.values, owner, below)

    def emits(self) -> Iterator[Emit]:
        """What was there goes; where the marker is, and what it is called."""
        yield _cleared(self.paths, self.rows)
        yield _placed(self.markers, self.paths, self.rows)
        texts = self.markers.description.to_list()
        named = np.array([i for i, text in enumerate(texts) if text], np.int64)
        if len(named):
            columns = rr.Points3D.columns(
                positions=np.zeros((len(named), 3)),
                radii=np.full(len(named), -1.0),
                labels=[texts[i] for i in named.tolist()],
                show_labels=np.ones(len(named), np.bool_),
            )
            yield Emit(columns, at=[f"{self.paths[i]}/description" for i in named.tolist()], rows=self.rows[named])


def _placed(things: Columns, paths: list[str], rows: Int64s) -> Emit:
    """Where interactive markers are: the frame of their entity in that of their header."""
    columns = rr.Transform3D.columns(
        translation=xyz(things.pose.position),
        quaternion=orientation(things.pose.orientation),
        parent_frame=things.header.frame_id,
    )
    return Emit(columns, at=paths, rows=rows)


def _control_markers(shown: _Shown, written_bytes: int, msgs: Messages) -> tuple[int, list[Emit | Skipped | Note]]:
    """The markers that controls look like; those without a frame move with the interactive marker."""
    lists: Ragged = shown.controls.markers
    markers, control = lists.values, lists.row_of_value
    if not len(markers):
        return written_bytes, []
    place = np.arange(len(control)) - lists.offsets[:-1][control]
    paths = [f"{shown.control_paths[c]}/{i}" for c, i in zip(control.tolist(), place.tolist(), strict=True)]
    rows = shown.rows[shown.owner[control]]
    has_frame = np.diff(markers.header.frame_id.offsets) > 0
    out: list[Emit | Skipped | Note] = []
    for kind in np.unique(markers.type).tolist():
        if kind not in (MESH, *DRAWN):
            out.append(Skipped(rows[markers.type == kind], f"a marker of type {kind} is not drawn"))
            continue
        for framed in (False, True):
            index = np.flatnonzero((markers.type == kind) & (has_frame == framed))
            if not len(index):
                continue
            wanted, at = take(markers, index), [paths[i] for i in index.tolist()]
            frames = [rr.CoordinateFrame.columns(frame=wanted.header.frame_id)] if framed else []
            if kind != MESH:
                out.append(Emit([DRAWN[kind](wanted), *frames], at=at, rows=rows[index]))
                continue
            written_bytes, meshes = _meshes(wanted, at, rows[index], frames, written_bytes, msgs)
            out += meshes
    return written_bytes, out


def _meshes(
    markers: Columns, at: list[str], rows: Int64s, frames: Sequence[Any], written_bytes: int, msgs: Messages
) -> tuple[int, list[Emit | Note]]:
    found = Meshes.of(markers, {}, msgs.definitions)
    out: list[Emit | Note] = [*found.note()]
    for i, kind in enumerate(found.kinds):
        one, source = take(markers, [i]), found.sources[kind]
        framed = [rr.CoordinateFrame.columns(frame=one.header.frame_id)] if frames else []
        try:
            content, media_type = (b"", None) if source.missing else mesh_content(source)
        except FileError as err:
            out.append(Note(str(err)))
            continue
        if source.missing or written_bytes + len(content) > MAX_WRITTEN_BYTES:
            out.append(Emit([stand_ins(one), *framed], at=[at[i]], rows=rows[i : i + 1]))
            continue
        written_bytes += len(content)
        mesh = rr.Asset3D.columns(blob=[content], media_type=[media_type or ""])
        out.append(Emit([mesh, *placed_meshes(one), *framed], at=[at[i]], rows=rows[i : i + 1]))
    return written_bytes, out


def _handles(shown: _Shown) -> Iterator[Emit]:
    """Arrows and rings for controls without markers, half as far out as the interactive marker is large."""
    controls, size = shown.controls, shown.markers.scale[shown.owner] / 2
    size = np.where(size > 0, size, 0.5)
    bare = controls.markers.lengths == 0
    turns = orientation(controls.orientation)
    colors = _axis_colors(rotate(turns, np.broadcast_to([1.0, 0.0, 0.0], (len(turns), 3))))

    def at(index: Int64s) -> Mapping[str, Any]:
        paths = [f"{shown.control_paths[i]}/handle" for i in index.tolist()]
        return {"at": paths, "rows": shown.rows[shown.owner[index]]}

    slides = np.flatnonzero(bare & (controls.interaction_mode == MOVE_AXIS))
    if len(slides):
        ends = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
        arrows = rotate(np.repeat(turns[slides], 2, axis=0), (size[slides][:, None, None] * ends).reshape(-1, 3))
        vectors = Ragged.from_lengths(np.full(len(slides), 2), arrows)
        yield Emit(rr.Arrows3D.columns(vectors=vectors, colors=colors[slides]), **at(slides))
    around = np.flatnonzero(bare & np.isin(controls.interaction_mode, (MOVE_PLANE, ROTATE_AXIS, MOVE_ROTATE)))
    if len(around):
        angles = np.linspace(0, 2 * np.pi, RING_CORNERS + 1)
        ring = np.stack([np.zeros_like(angles), np.cos(angles), np.sin(angles)], axis=-1)
        corners = (size[around][:, None, None] * ring).reshape(-1, 3)
        strips = Ragged.from_lengths(
            np.full(len(around), len(angles)), rotate(np.repeat(turns[around], len(angles), axis=0), corners)
        )
        yield Emit(rr.LineStrips3D.columns(strips=strips, colors=colors[around]), **at(around))


def _axis_colors(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    """Red for x, green for y, blue for z, mixed in between."""
    channels = np.rint(np.abs(np.nan_to_num(axes)).clip(0, 1) * 255).astype(np.uint32)
    packed: npt.NDArray[np.uint32] = (channels @ np.array([1 << 24, 1 << 16, 1 << 8], np.uint32)) | np.uint32(0xFF)
    return packed.astype(np.uint32)


def _cleared(paths: list[str], rows: Int64s) -> Emit:
    columns = rr.Clear._columns({"is_recursive": np.ones(len(paths), np.bool_)})
    return Emit(columns, at=paths, rows=rows)


def _part(name: str) -> str:
    return escape_entity_path_part(name) or "_"


def _entity(topic: str) -> str:
    return "/" + "/".join(escape_entity_path_part(part) for part in topic.split("/") if part)
