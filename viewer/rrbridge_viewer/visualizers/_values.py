"""From components to the arrays that primitives want: colours, radii, poses, labels; with what is missing filled in."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rrbridge._rotations import axis_angle_quaternions, rotations
from rrbridge.errors import InvalidValueError
from rrbridge_viewer.render.geometry import affine, broadcast
from rrbridge_viewer.render.primitives import F32, Colors, Labels
from rrbridge_viewer.visualizers._entity import AnnotationClass, EntityData

__all__ = [
    "UI_RADIUS",
    "class_color",
    "colors_of",
    "entity_color",
    "instance_poses",
    "labels_of",
    "positions_of",
    "radii_of",
    "rgba",
    "rotations_of",
    "with_instance_poses",
]

UI_RADIUS = -1.5
"""Of points and lines without a radius, in UI points."""
GOLDEN = 0.61803398875
LABELS_UP_TO = 30
"""An entity with more instances shows its labels only if asked to."""


def positions_of(entity: EntityData, component: str) -> F32:
    """(n, 3) from positions in 3D or 2D; in 2D z is 0. The component's own memory where it can be."""
    found = entity.array(component)
    if found is None:
        return np.zeros((0, 3), np.float32)
    if found.ndim != 2 or found.shape[1] not in (2, 3):
        raise InvalidValueError(component, "vectors of 2 or 3", f"shape {found.shape}")
    flat = found.astype(np.float32, copy=False)
    return flat if flat.shape[1] == 3 else np.pad(flat, ((0, 0), (0, 1)))


def rgba(packed: npt.NDArray[Any]) -> Colors:
    """(n, 4) from 0xRRGGBBAA (n,)."""
    return np.ascontiguousarray(packed, np.dtype(">u4")).view(np.uint8).reshape(-1, 4)


def colors_of(entity: EntityData, archetype: str, component: str = "colors") -> Colors:
    """(n, 4) or (1, 4): as logged, else of the instances' classes, else the entity's own colour."""
    logged = entity.array(f"{archetype}:{component}")
    if logged is not None:
        return rgba(logged)
    class_ids = entity.array(f"{archetype}:class_ids")
    if class_ids is None:
        return entity_color(entity.path)
    keypoints = entity.array(f"{archetype}:keypoint_ids")
    known, number = np.unique(class_ids, return_inverse=True)
    colors = np.array([class_color(entity, int(class_id)) for class_id in known], np.uint8)[number]
    if keypoints is not None and len(keypoints) == len(class_ids):
        pairs = np.stack([class_ids, keypoints], axis=1)
        known_pairs, pair_number = np.unique(pairs, axis=0, return_inverse=True)
        looks = [_keypoint(entity, int(class_id), int(keypoint)) for class_id, keypoint in known_pairs]
        for index, look in enumerate(looks):
            if look is not None and look.rgba is not None:
                colors[pair_number.reshape(-1) == index] = look.rgba
    return colors


def entity_color(path: str) -> Colors:
    """(1, 4): the same for a path in every recording."""
    return _hue(zlib.crc32(path.encode()) * GOLDEN % 1.0)


def class_color(entity: EntityData, class_id: int) -> Colors:
    """(4,): from the annotation context, or one that tells neighbouring classes apart."""
    look = entity.annotations.get(class_id)
    if look is not None and look.rgba is not None:
        return np.array(look.rgba, np.uint8)
    return np.asarray(_hue(class_id * GOLDEN % 1.0)[0])


def _hue(hue: float) -> Colors:
    red, green, blue = colorsys.hls_to_rgb(hue, 0.64, 0.68)
    return np.array([[red * 255, green * 255, blue * 255, 255]]).round().astype(np.uint8)


def _keypoint(entity: EntityData, class_id: int, keypoint: int) -> AnnotationClass | None:
    look = entity.annotations.get(class_id)
    return None if look is None else look.keypoints.get(keypoint)


def radii_of(entity: EntityData, component: str, default: float = UI_RADIUS) -> F32:
    """(n,) or (1,); negative in UI points."""
    logged = entity.array(component)
    if logged is None:
        return np.array([default], np.float32)
    radii = logged.astype(np.float32, copy=False).reshape(-1)
    return np.where(np.isfinite(radii), radii, np.float32(default)) if not np.isfinite(radii).all() else radii


def labels_of(
    entity: EntityData, archetype: str, positions: npt.NDArray[np.floating[Any]], colors: Colors
) -> Iterator[Labels]:
    """The instances' labels, or their classes', at these positions (n, 3), if they are to be shown."""
    count = len(positions)
    texts, class_ids = entity.arrow(f"{archetype}:labels"), entity.array(f"{archetype}:class_ids")
    given = texts if texts is not None else class_ids
    show = entity.scalar(f"{archetype}:show_labels")
    if given is None or show is False or not count or (show is None and len(given) > 1 and count > LABELS_UP_TO):
        return
    if texts is not None:
        words = [str(text) if text is not None else "" for text in texts[:count].to_pylist()]
    else:
        looks = (entity.annotations.get(int(class_id)) for class_id in given[: LABELS_UP_TO + 1])
        words = [look.label or "" if look else "" for look in looks]
    if not any(words):
        return
    if len(words) == 1 and count > 1:
        middle = np.asarray(positions, np.float64).mean(axis=0, keepdims=True).astype(np.float32)
        yield Labels(texts=(words[0],), positions=middle, colors=colors[:1])
        return
    shown = min(len(words), count)
    yield Labels(texts=tuple(words[:shown]), positions=positions[:shown].astype(np.float32), colors=colors[:shown])


def rotations_of(
    entity: EntityData, archetype: str, count: int, *, many: bool = True
) -> npt.NDArray[np.float64] | None:
    """(count, 3, 3): quaternions and axis-angles together, the quaternion outside; None: nothing is turned."""
    ending = "s" if many else ""
    turned: npt.NDArray[np.float64] | None = None
    quaternions = entity.array(f"{archetype}:quaternion{ending}")
    if quaternions is not None:
        turned = broadcast(rotations(quaternions), count)
    axis_angles = entity.arrow(f"{archetype}:rotation_axis_angle{ending}")
    if axis_angles is not None:
        inner = broadcast(rotations(_quaternions(axis_angles)), count)
        turned = inner if turned is None else turned @ inner
    return turned


def _quaternions(axis_angles: pa.StructArray) -> npt.NDArray[np.float64]:
    axes = pc.struct_field(axis_angles, "axis").flatten().to_numpy(zero_copy_only=False).reshape(-1, 3)
    return axis_angle_quaternions(axes, pc.struct_field(axis_angles, "angle").to_numpy(zero_copy_only=False))


def instance_poses(entity: EntityData) -> F32 | None:
    """(k, 3, 4) of `InstancePoses3D`: entity_from_instance; None if there are none."""
    translations = entity.array("InstancePoses3D:translations")
    scales = entity.array("InstancePoses3D:scales")
    matrices = entity.array("InstancePoses3D:mat3x3")
    quaternions = entity.arrow("InstancePoses3D:quaternions")
    axis_angles = entity.arrow("InstancePoses3D:rotation_axis_angles")
    count = max(
        (len(part) for part in (translations, scales, matrices, quaternions, axis_angles) if part is not None),
        default=0,
    )
    if not count:
        return None
    linear = rotations_of(entity, "InstancePoses3D", count)
    if matrices is not None:
        shear = broadcast(matrices.reshape(-1, 3, 3).transpose(0, 2, 1), count)
        linear = shear if linear is None else linear @ shear
    centers = np.zeros((count, 3)) if translations is None else broadcast(translations, count)
    return affine(centers, linear, None if scales is None else broadcast(scales, count))


def with_instance_poses(entity: EntityData, poses: F32) -> F32:
    """Poses (n, 3, 4) of an entity's shapes, the i-th within the i-th instance pose; of either, the last one repeats."""
    outer = instance_poses(entity)
    if outer is None or not len(poses):
        return poses
    count = max(len(outer), len(poses))
    outer, inner = broadcast(outer, count), broadcast(poses, count)
    placed = np.empty((count, 3, 4), np.float32)
    placed[:, :, :3] = outer[:, :, :3] @ inner[:, :, :3]
    placed[:, :, 3] = (outer[:, :, :3] @ inner[:, :, 3:])[:, :, 0] + outer[:, :, 3]
    return placed
