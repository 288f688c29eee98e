"""Capsules: cylinders with round caps, from the origin up along Z."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rrbridge_viewer.render.geometry import affine, broadcast
from rrbridge_viewer.render.primitives import F32, Primitive
from rrbridge_viewer.visualizers._entity import EntityData
from rrbridge_viewer.visualizers._ours import visualizers
from rrbridge_viewer.visualizers._shapes import shapes
from rrbridge_viewer.visualizers._values import positions_of, radii_of, rotations_of, with_instance_poses
from rrbridge_viewer.visualizers._wireframes import TUBE, TUBE_DENSE, Template, circle, half_circle

LOWER_CAP = Template.of([circle(2), half_circle(0, upper=False), half_circle(1, upper=False)])
UPPER_CAP = Template.of([circle(2), half_circle(0, upper=True), half_circle(1, upper=True)])


@visualizers("Capsules3D", needs=["Capsules3D:lengths", "Capsules3D:radii"], content="3D")
def capsules3d(entity: EntityData) -> Iterator[Primitive]:
    """The middles of the caps are at (0, 0, 0) and (0, 0, length)."""
    lengths, radii = radii_of(entity, "Capsules3D:lengths", 1.0), radii_of(entity, "Capsules3D:radii", 1.0)
    count = max(len(lengths), len(radii))
    lengths, radii = broadcast(lengths, count), broadcast(radii, count)
    translations = broadcast(positions_of(entity, "Capsules3D:translations"), count)
    placed = affine(translations, rotations_of(entity, "Capsules3D", count))
    ball = np.stack([radii] * 3, axis=1)

    def part(height: npt.NDArray[np.floating[Any]], scale: npt.NDArray[np.floating[Any]]) -> F32:
        poses = placed.copy()
        poses[:, :, :3] *= scale[:, None]
        poses[:, :, 3] += placed[:, :, 2] * height[:, None]
        return with_instance_poses(entity, poses)

    tube = part(lengths / 2, np.stack([radii, radii, lengths / 2], axis=1))
    lower, upper = part(np.zeros_like(lengths), ball), part(lengths, ball)
    caps = [(LOWER_CAP, lower), (UPPER_CAP, upper)]
    yield from shapes(
        entity,
        "Capsules3D",
        [("cylinder", tube), ("sphere", lower), ("sphere", upper)],
        [(TUBE, tube), *caps],
        [(TUBE_DENSE, tube), *caps],
        line_radii="line_radii",
    )
