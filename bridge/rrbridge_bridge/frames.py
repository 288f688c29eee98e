"""Frame ids on their way from messages into recordings.

Messages name frames in many spellings. Recordings get one: a single leading `/` is dropped (as tf2 does), a prefix for the
robot is put before the name, and an empty name means the frame that the entity has by itself, `tf#/its/path`. This is done
to every component of type `TransformFrameId`, whichever adapter made it, so adapters pass on what the message says.

An entity's data lies in the frame that `CoordinateFrame:frame` names; `with_frames` adds it from `header.frame_id`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from rrbridge._arrow import (
    distinct,
    filtered,
    list_array,
    list_offsets,
    list_type,
    list_values,
    taken,
    unit_lists,
    utf8,
    valid_rows,
)
from rrbridge._descriptor import ComponentDescriptor
from rrbridge.chunk import ComponentColumn
from rrbridge.columns import Columns, Text
from rrbridge_bridge.emits import Placed

__all__ = ["IMAGE_PLANE", "FrameNames", "with_frames"]

FRAME_TYPE = "rerun.components.TransformFrameId"
COORDINATE_FRAME = "rerun.archetypes.CoordinateFrame"
FRAME = ComponentDescriptor("CoordinateFrame:frame", COORDINATE_FRAME, FRAME_TYPE)
PARENT_FRAME = ComponentDescriptor("Transform3D:parent_frame", "rerun.archetypes.Transform3D", FRAME_TYPE)

IMAGE_PLANE = "_image_plane"
"""Put behind the camera's frame to name the frame of its images, as the reference does; a Pinhole relates the two."""

IMAGES = frozenset(
    f"rerun.archetypes.{name}"
    for name in ("Image", "EncodedImage", "DepthImage", "EncodedDepthImage", "SegmentationImage", "VideoStream")
)
NOT_SPATIAL = frozenset(
    f"rerun.archetypes.{name}"
    for name in (
        *("BarChart", "Clear", "GeoLineStrings", "GeoPoints", "Measurements", "RecordingInfo", "Scalars"),
        *("SeriesLines", "SeriesPoints", "StateChange", "Tensor", "TextDocument", "TextLog"),
    )
)


@dataclass(frozen=True, slots=True)
class FrameNames:
    """How frame ids are spelled in one recording."""

    prefix: str = ""
    """Put before every frame name with a `/` between; empty for none."""

    def spelled(self, frame_id: str) -> str:
        """One frame id as the recording has it; an empty one stays empty."""
        name = frame_id.removeprefix("/")
        return f"{self.prefix}/{name}" if self.prefix and name and not name.startswith("tf#") else name

    def applied(self, column: ComponentColumn, entity_path: str) -> ComponentColumn:
        """A column with its frame ids spelled that way; any other column as it is."""
        if column.descriptor.component_type != FRAME_TYPE:
            return column
        cells = _mapped(column.cells, self.spelled)
        if column.descriptor.archetype == COORDINATE_FRAME:
            cells = _mapped(cells, lambda name: name or f"tf#{entity_path}")
        else:
            cells = _without_empty(cells)
        return ComponentColumn(column.descriptor, cells)


def with_frames(placed: list[Placed], msgs: Columns, topic_entity: str, *, at_topic: bool = True) -> list[Placed]:
    """What an adapter made of messages, with the frame that `header.frame_id` says it is in.

    The topic's entity gets `CoordinateFrame:frame`, one per message; and so does every entity below it that has spatial data,
    as entities do not inherit named frames. Left alone are data that name their frame themselves, and a Pinhole's.
    With `at_topic=False` the topic's entity has its frame already.
    """
    frames = _header_frames(msgs) if placed else None
    if frames is None:
        return placed
    out = [_framed(item, frames, topic_entity) for item in placed]
    own = [item for item in out if item.entity_path == topic_entity]
    if at_topic and not any(_names_its_frame(item) for item in own):
        images = any(_shows_an_image(item) for item in own)
        out.append(Placed(topic_entity, (_frame_column(frames, of_images=images),)))
    return out


def _header_frames(msgs: Columns) -> pa.StringArray | None:
    header = msgs.get("header", msgs)  # Foxglove's messages have no header
    frame_id = header.get("frame_id") if isinstance(header, Columns) else None
    return frame_id.to_arrow() if isinstance(frame_id, Text) else None


def _framed(item: Placed, frames: pa.StringArray, topic_entity: str) -> Placed:
    if item.static or _names_its_frame(item):
        return item
    places_entity = any(c.descriptor.component.startswith("Transform3D:") for c in item.columns) and not any(
        c.descriptor.component in ("Transform3D:parent_frame", "Transform3D:child_frame") for c in item.columns
    )
    if not places_entity and (item.entity_path == topic_entity or not _is_spatial(item)):
        return item
    own = frames if item.rows is None else taken(frames, item.rows)
    if not places_entity and any(c.descriptor.component == "Transform3D:child_frame" for c in item.columns):
        return item  # an edge between two frames is in neither
    extra = ComponentColumn(PARENT_FRAME, unit_lists(own))
    if not places_entity:
        extra = _frame_column(own, of_images=_shows_an_image(item))
    return replace(item, columns=(*item.columns, extra))


def _frame_column(frames: pa.StringArray, *, of_images: bool) -> ComponentColumn:
    if of_images:
        frames = _replaced(frames, lambda name: f"{name}{IMAGE_PLANE}" if name else "")
    return ComponentColumn(FRAME, unit_lists(frames))


def _names_its_frame(item: Placed) -> bool:
    names = {column.descriptor.component for column in item.columns}
    return (
        FRAME.component in names
        or any(name.startswith("Pinhole:") for name in names)
        or (PARENT_FRAME.component in names and "Transform3D:child_frame" not in names)
    )


def _shows_an_image(item: Placed) -> bool:
    return any(column.descriptor.archetype in IMAGES for column in item.columns)


def _is_spatial(item: Placed) -> bool:
    archetypes = {column.descriptor.archetype or "" for column in item.columns}
    return any(name.startswith("rerun.archetypes.") and name not in NOT_SPATIAL for name in archetypes)


def _replaced(names: pa.StringArray, spelling: Callable[[str], str]) -> pa.StringArray:
    """Each name respelled; the few distinct ones are looked at, not each row."""
    codes, before = distinct(names)
    after = [spelling(name) for name in before]
    return names if before == after else taken(utf8(after), codes)


def _mapped(cells: pa.ListArray, spelling: Callable[[str], str]) -> pa.ListArray:
    names = _replaced(cells.values, spelling)
    if names is cells.values:
        return cells
    validity, offsets = cells.buffers()[:2]
    return pa.Array.from_buffers(
        list_type(pa.utf8()), len(cells), [validity, offsets], cells.null_count, cells.offset, children=[names]
    )


def _without_empty(cells: pa.ListArray) -> pa.ListArray:
    """Cells without empty names: an empty cell means the entity's own frame, or its parent's."""
    offsets, names = list_values(cells)
    kept = np.diff(list_offsets(names)) > 0
    if kept.all():
        return cells
    before = np.concatenate(([0], np.cumsum(kept)))
    valid = None if not cells.null_count else valid_rows(cells)
    return list_array(before[offsets], filtered(names, kept), valid=valid)
