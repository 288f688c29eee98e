"""Which camera an entity's picture was taken by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from rrbridge import _entity_path
from rrbridge_viewer.recordings import Recording
from rrbridge_viewer.render.primitives import IDENTITY
from rrbridge_viewer.visualizers import PinholeView

__all__ = ["PROJECTION", "Pinholes"]

PROJECTION = "Pinhole:image_from_camera"
_PARTS = (
    PROJECTION,
    "Pinhole:resolution",
    "Pinhole:camera_xyz",
    "Pinhole:child_frame",
    "Pinhole:parent_frame",
    "Pinhole:image_plane_distance",
)


OPTICAL = "[3, 2, 5]"
"""Right, down, forward: a `camera_xyz` as text."""


class Pinholes:
    """The pinhole cameras of a recording at a time."""

    def __init__(self, recording: Recording, timeline: str, time: int) -> None:
        self._recording = recording
        self._timeline = timeline
        self._time = time

    @cached_property
    def paths(self) -> list[str]:
        """The entities that are pinhole cameras."""
        store = self._recording.store
        return [path for path in store.entities() if PROJECTION in store.components(path)]

    @cached_property
    def _by_image_frame(self) -> dict[str, str]:
        named = ((self._text(path, "Pinhole:child_frame"), path) for path in self.paths)
        return {frame: path for frame, path in named if frame}

    @property
    def image_frames(self) -> frozenset[str]:
        """The names of image planes: they are called frames, but are in no space."""
        return frozenset(self._by_image_frame)

    def _text(self, path: str, component: str) -> str | None:
        found = self._recording.store.latest_at(path, (component,), self._timeline, self._time).get(component)
        return str(found.values[0].as_py()) if found is not None and len(found.values) else None

    def frames_of(self, entities: Sequence[str]) -> list[str]:
        """The frame that each entity's data is in; for a camera and what lies on its image plane, the camera's frame."""
        frames = self._recording.transforms.frames_of(entities, self._timeline, self._time)
        planes, cameras = self._by_image_frame, set(self.paths)
        return [
            self._camera_frame(planes[frame])
            if frame in planes
            else self._camera_frame(entity)
            if entity in cameras
            else frame
            for entity, frame in zip(entities, frames, strict=True)
        ]

    def _camera_frame(self, path: str) -> str:
        parent = self._text(path, "Pinhole:parent_frame")
        return parent or self._recording.transforms.frame_of(path, self._timeline, self._time)

    def is_optical(self, frame: str) -> bool:
        """Whether a camera that looks along +Z, its picture's top at -Y, stands in this very frame."""
        return any(
            self._camera_frame(path) == frame and self._text(path, "Pinhole:camera_xyz") in (None, OPTICAL)
            for path in self.paths
        )

    def camera_of(self, entity: str) -> str | None:
        """The entity of the camera in whose picture this entity lies; None: in no picture."""
        if not self.paths:
            return None
        frame = self._recording.transforms.frame_of(entity, self._timeline, self._time)
        if frame in self._by_image_frame:
            return self._by_image_frame[frame]
        return next((path for path in _entity_path.ancestors(entity) if path in self.paths), None)

    def view_of(self, entity: str, frame: str | None) -> PinholeView | None:
        """The camera of an entity, placed in a view's frame; `frame` None: where it stands does not matter.

        None where there is no camera, or no way from it to the frame.
        """
        path = self.camera_of(entity)
        if path is None:
            return None
        parts = self._recording.store.latest_at(path, _PARTS, self._timeline, self._time)
        values = {name: found.values[0].as_py() for name, found in parts.items() if len(found.values)}
        if PROJECTION not in values:
            return None
        world_from_camera = IDENTITY
        if frame is not None:
            source = self._camera_frame(path)
            relations = self._recording.transforms.transforms_to(frame, (source,), self._timeline, self._time)
            if not relations.connected[0]:
                return None
            world_from_camera = relations.target_from_source[0]
        width, height = values.get("Pinhole:resolution") or (None, None)
        right, down, forward = values.get("Pinhole:camera_xyz") or (3, 2, 5)
        return PinholeView(
            entity_path=path,
            world_from_camera=world_from_camera,
            image_from_camera=np.array(values[PROJECTION], np.float64).reshape(3, 3, order="F"),
            resolution=None if width is None or height is None else (width, height),
            camera_xyz=(right, down, forward),
            image_plane_distance=values.get("Pinhole:image_plane_distance"),
        )
