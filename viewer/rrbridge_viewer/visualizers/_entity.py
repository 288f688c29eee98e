"""What a visualizer is given: one entity's components at the cursor, as numpy or Arrow."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rrbridge_viewer.render.primitives import F64, IDENTITY

__all__ = ["AnnotationClass", "ComponentValue", "EntityData", "PinholeView", "VideoSample"]


@dataclass(frozen=True, slots=True, eq=False)
class ComponentValue:
    """The instances of one component at the cursor."""

    values: pa.Array
    """What the latest cell of the component holds."""
    identity: Hashable
    """Another one whenever the values are others; the row id will do."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PinholeView:
    """The camera in whose picture an entity lies: its nearest pinhole, itself or upwards in its transform chain."""

    entity_path: str
    world_from_camera: F64
    """(4, 4): from the pinhole's own frame, the one `camera_xyz` describes."""
    image_from_camera: F64
    """(3, 3): pixels from the optical frame, which is right-down-forward whatever `camera_xyz` says."""
    resolution: tuple[float, float] | None = None
    """Width and height in pixels."""
    camera_xyz: tuple[int, int, int] = (3, 2, 5)
    """Directions of the camera's axes (`rr.components.ViewCoordinates`); right-down-forward if not logged."""
    image_plane_distance: float | None = None


@dataclass(frozen=True, slots=True)
class AnnotationClass:
    """How things of one class look."""

    label: str | None = None
    rgba: tuple[int, int, int, int] | None = None
    keypoints: Mapping[int, AnnotationClass] = field(default_factory=dict)


NO_ANNOTATIONS: Mapping[int, AnnotationClass] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class VideoSample:
    """One compressed frame of a video stream."""

    time: int
    data: bytes


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EntityData:
    """One entity at the cursor. The query module fills it; visualizers read it."""

    path: str
    components: Mapping[str, ComponentValue]
    """By component name: `Points3D:positions`. Only what is there at the cursor."""
    world_from_entity: F64 = field(default_factory=lambda: IDENTITY)
    """(4, 4): into the frame that the view shows. In a 2D view it may be projective."""
    time: int | None = None
    """The cursor, in the units of its timeline; None: static data only."""
    pinhole: PinholeView | None = None
    """In a 3D view, the camera whose picture this entity's 2D content belongs to."""
    annotations: Mapping[int, AnnotationClass] = field(default_factory=lambda: NO_ANNOTATIONS)
    """The annotation context in force, by class id; the same object while it is unchanged."""
    frame: str | None = None
    """The name of the entity's transform frame, for labels."""
    video: Sequence[VideoSample] = ()
    """For a `VideoStream`: its samples from the last key frame up to the cursor."""

    def __contains__(self, component: str) -> bool:
        found = self.components.get(component)
        return found is not None and len(found.values) > 0

    def identity(self, component: str) -> Hashable:
        """What tells one value of the component from another; None if it is absent."""
        found = self.components.get(component)
        return None if found is None else found.identity

    def arrow(self, component: str) -> pa.Array | None:
        """The instances as Arrow; None if there are none."""
        found = self.components.get(component)
        return found.values if found is not None and len(found.values) else None

    def array(self, component: str) -> npt.NDArray[Any] | None:
        """The instances of a numeric component, (n,) or (n, k), without a copy where Arrow allows; None if there are none."""
        values = self.arrow(component)
        return None if values is None else _numpy(values)

    def scalar(self, component: str) -> Any | None:
        """The first instance as a Python value; None if there is none, or it is null."""
        values = self.arrow(component)
        return None if values is None else values[0].as_py()

    def bytes_of(self, component: str) -> npt.NDArray[np.uint8] | None:
        """The bytes of the first instance of a blob or image buffer, without a copy."""
        values = self.arrow(component)
        if values is None or not values[0].is_valid:
            return None
        return np.asarray(_numpy(values[0].values), np.uint8)


def _numpy(values: pa.Array) -> npt.NDArray[Any]:
    if pa.types.is_fixed_size_list(values.type):
        flat = values.flatten() if values.null_count == 0 else values.fill_null([0] * values.type.list_size).flatten()
        return _numpy(flat).reshape(len(values), values.type.list_size)
    return np.asarray(values.to_numpy(zero_copy_only=False))
