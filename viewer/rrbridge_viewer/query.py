"""What is true at the cursor: the views' only door to the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._store_index import Latest
from rrbridge._store_range import Range
from rrbridge_viewer.clock import Span
from rrbridge_viewer.layout import FLAT, IMAGES, SPACE
from rrbridge_viewer.message_fields import FieldPath, field_numbers
from rrbridge_viewer.pinholes import Pinholes
from rrbridge_viewer.recordings import Recording
from rrbridge_viewer.render.primitives import F64, IDENTITY
from rrbridge_viewer.series import NamedSeries, Series, by_name, series_of_cells
from rrbridge_viewer.video_samples import samples_at
from rrbridge_viewer.visualizers import AnnotationClass, ComponentValue, EntityData, PinholeView, Space

__all__ = ["Query"]

SHOWN_IN_SPACE = SPACE | IMAGES | FLAT
ANNOTATIONS = "AnnotationContext:context"
NO_ANNOTATIONS: Mapping[int, AnnotationClass] = {}


@dataclass(frozen=True, slots=True)
class Query:
    """A recording, looked at along a timeline at a time."""

    recording: Recording
    timeline: str
    time: int
    span: Span | None = None
    """All of the timeline."""

    def all_latest(self, entity: str) -> Mapping[str, Latest]:
        """Every component of an entity that has a value; the same object while nothing changes."""
        return self.recording.store.latest_at(entity, None, self.timeline, self.time)

    def latest(self, entity: str, component: str) -> Latest | None:
        """The latest value of a component; None if there is none."""
        return self.recording.store.latest_at(entity, (component,), self.timeline, self.time).get(component)

    def value(self, entity: str, component: str) -> Any | None:
        """The first instance of a component as a Python value; None if there is none."""
        found = self.latest(entity, component)
        return found.values[0].as_py() if found is not None and len(found.values) else None

    def range(self, entity: str, component: str) -> Range:
        """All rows of a component on this timeline, whatever the cursor."""
        span = self.span or Span(self.recording.store.timelines()[self.timeline], 0, 0)
        return self.recording.store.range(entity, component, self.timeline, span.lo, span.hi)

    def series(self, entity: str, component: str) -> Series:
        """A component's numbers over all of the timeline."""
        rows = self.range(entity, component)
        key = ("series", entity, component, self.timeline)
        return self.recording.memo(key, rows, lambda: series_of_cells(rows.times, rows.cells))

    def series_by_name(self, entity: str, component: str, names: str) -> list[NamedSeries] | None:
        """The same, a series per name, where the names in the component `names` change with time; else None."""
        rows, named = self.range(entity, component), self.range(entity, names)
        if len(named) < 2:
            return None
        series = self.series(entity, component)
        key = ("named", entity, component, names, self.timeline)
        return self.recording.memo(key, (rows, named), lambda: by_name(series, named.times, named.cells))

    def field_series(self, entity: str, component: str, path: FieldPath) -> Series:
        """A number inside messages over all of the timeline. Raises KeyError, TypeError where there is no such field."""
        rows = self.range(entity, component)
        key = ("field", entity, component, path, self.timeline)
        return self.recording.memo(key, rows, lambda: Series(rows.times, field_numbers(rows.cells, path)[:, None]))

    def entities(
        self, paths: Iterable[str], frame: str, space: Space
    ) -> tuple[list[EntityData], list[tuple[str, str]]]:
        """Entities as visualizers want them, and `(entity, why)` of those that have no place in the view's frame.

        `frame` is the one that a 3D view shows; a 2D view shows the plane of its pixels, where everything is already.
        """
        store, transforms = self.recording.store, self.recording.transforms
        latest = store.latest_at_many(paths, None, self.timeline, self.time)
        pinholes = Pinholes(self.recording, self.timeline, self.time)
        frames = pinholes.frames_of(list(latest))
        lost: list[tuple[str, str]] = []
        places = [IDENTITY] * len(latest)
        if space == "3D":
            relations = transforms.transforms_to(frame, frames, self.timeline, self.time)
            places = list(relations.target_from_source)
            errors = (relations.error(index) for index in range(len(frames)))
            why = {path: str(err) for path, err in zip(latest, errors, strict=True) if err is not None}
            lost = [(path, reason) for path, reason in why.items() if _has_place(latest[path])]
            unplaced = set(why)
        else:
            unplaced = set()
        found = [
            self._entity(path, cells, place, name, pinholes.view_of(path, frame if space == "3D" else None))
            for (path, cells), place, name in zip(latest.items(), places, frames, strict=True)
            if path not in unplaced
        ]
        return found, lost

    def _entity(
        self, path: str, latest: Mapping[str, Latest], place: F64, frame: str, pinhole: PinholeView | None
    ) -> EntityData:
        return EntityData(
            path=path,
            components=self.recording.memo(("values", path), latest, lambda: _component_values(latest)),
            world_from_entity=place,
            time=self.time,
            pinhole=pinhole,
            annotations=self._annotations(path),
            frame=frame,
            video=samples_at(self.recording, path, self.timeline, self.time) if "VideoStream:codec" in latest else (),
        )

    def _annotations(self, path: str) -> Mapping[int, AnnotationClass]:
        found = (self.latest(ancestor, ANNOTATIONS) for ancestor in _entity_path.ancestors(path))
        latest = next((answer for answer in found if answer is not None and len(answer.values)), None)
        if latest is None:
            return NO_ANNOTATIONS
        key = ("annotations", latest.chunk.entity_path)
        return self.recording.memo(key, latest, lambda: _annotation_classes(latest.values))


def _has_place(latest: Mapping[str, Latest]) -> bool:
    """Whether there is anything to draw, so that its absence is worth a note."""
    return any(name.partition(":")[0] in SHOWN_IN_SPACE for name in latest)


def _component_values(latest: Mapping[str, Latest]) -> dict[str, ComponentValue]:
    return {
        name: ComponentValue(found.values, (found.row_id, found.time, name))  # compaction moves rows, and changes none
        for name, found in latest.items()
    }


def _annotation_classes(values: pa.Array) -> dict[int, AnnotationClass]:
    classes: dict[int, AnnotationClass] = {}
    for entry in values[0].as_py() or ():
        description = entry.get("class_description") or {}
        keypoints = {k["id"]: _annotation(k) for k in description.get("keypoint_annotations") or ()}
        known = _annotation(description.get("info") or {})
        classes[entry["class_id"]] = AnnotationClass(known.label, known.rgba, keypoints)
    return classes


def _annotation(info: Mapping[str, Any]) -> AnnotationClass:
    packed = info.get("color")
    if packed is None:
        return AnnotationClass(info.get("label"))
    rgba = (packed >> 24 & 255, packed >> 16 & 255, packed >> 8 & 255, packed & 255)
    return AnnotationClass(info.get("label"), rgba)
