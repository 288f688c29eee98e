"""Joints: where a child link is in its parent, for a joint's value."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rrbridge._misuse import caller_depth
from rrbridge.errors import InvalidValueError, RrbridgeWarning
from rrbridge.urdf._model import Origin, Triple, parse_origin, triple
from rrbridge.urdf._xml import Element

if TYPE_CHECKING:
    from rrbridge._archetype import ComponentColumnList
    from rrbridge.archetypes.transforms import Transform3D

__all__ = ["UrdfJoint", "UrdfMimic", "parse_joint", "quaternion_from_rpy"]

JOINT_TYPES = ("revolute", "continuous", "prismatic", "fixed", "floating", "planar", "spherical")
_UNITS = {"revolute": "rad", "prismatic": "m"}
"""Of the joints that have limits."""
Array = npt.NDArray[np.float64]
_AT_REST = Origin()


@dataclass(frozen=True, repr=False)
class UrdfMimic:
    """A joint that follows another: `value = multiplier · value of the other + offset`."""

    joint: str
    """Name of the joint that it follows."""
    multiplier: float = 1.0
    """Factor on the other joint's value."""
    offset: float = 0.0
    """Added after that, in radians or metres."""

    def __repr__(self) -> str:
        return f'UrdfMimic(joint="{self.joint}", multiplier={self.multiplier:g}, offset={self.offset:g})'


@dataclass(frozen=True, repr=False)
class UrdfJoint:
    """What holds a link to its parent. Angles in radians, distances in metres."""

    name: str
    """Name of the joint."""
    joint_type: str
    """revolute, continuous, prismatic, fixed, floating, planar or spherical."""
    parent_link: str
    """Name of the parent link."""
    child_link: str
    """Name of the child link."""
    axis: Triple = (1.0, 0.0, 0.0)
    """What it turns about or slides along, in the joint's frame, as the file gives it."""
    _origin: Origin = _AT_REST
    limit_lower: float = 0.0
    """Least value, in radians or metres; 0 if the file gives none."""
    limit_upper: float = 0.0
    """Greatest value, in radians or metres; 0 if the file gives none."""
    limit_effort: float = 0.0
    """Greatest torque (Nm) or force (N); 0 if the file gives none."""
    limit_velocity: float = 0.0
    """Greatest speed, in rad/s or m/s; 0 if the file gives none."""
    mimic: UrdfMimic | None = None
    """The joint that it follows, if any."""
    _frame_prefix: str = ""

    @property
    def origin_xyz(self) -> Triple:
        """Where the joint is in the parent link, in metres."""
        return self._origin.xyz

    @property
    def origin_rpy(self) -> Triple:
        """How the joint is turned in the parent link: roll, pitch, yaw in radians."""
        return self._origin.rpy

    @property
    def frames(self) -> tuple[str, str]:
        """Frames of the parent and of the child link, with the tree's prefix."""
        return self._frame_prefix + self.parent_link, self._frame_prefix + self.child_link

    def __repr__(self) -> str:
        return (
            f'UrdfJoint(name="{self.name}", type={self.joint_type}, parent="{self.parent_link}", '
            f'child="{self.child_link}")'
        )

    def compute_transform(self, value: float, clamp: bool = True) -> Transform3D:
        """Where the child link is in the parent link at an angle or a distance.

        A fixed joint ignores the value. With `clamp`, values beyond the limits are taken back to them, with a warning.
        Raises InvalidValueError for joints of more than one degree of freedom.
        """
        from rrbridge.archetypes.transforms import Transform3D

        translations, quaternions = self.poses(np.array([_finite(self.name, value)]).reshape(1), clamp=clamp)
        parent, child = self.frames
        return Transform3D(
            translation=translations[0], quaternion=quaternions[0], parent_frame=parent, child_frame=child
        )

    def compute_transform_columns(self, values: Sequence[float], *, clamp: bool = True) -> ComponentColumnList:
        """The same for many values, as columns for `send_columns`. Raises InvalidValueError."""
        from rrbridge.archetypes.transforms import Transform3D

        translations, quaternions = self.poses(_finite(self.name, values), clamp=clamp)
        parent, child = self.frames
        count = len(translations)
        return Transform3D.columns(
            translation=translations, quaternion=quaternions, parent_frame=[parent] * count, child_frame=[child] * count
        )

    def poses(self, values: Array, *, clamp: bool) -> tuple[Array, Array]:
        """Translations (n, 3) in metres and quaternions (n, 4), x y z w, of the child link in the parent link."""
        if self.joint_type not in ("revolute", "continuous", "prismatic", "fixed"):
            raise InvalidValueError(
                f"joint {self.name}", "a revolute, continuous, prismatic or fixed joint", self.joint_type
            )
        if clamp:
            values = self._within_limits(values)
        translations = np.tile(np.array(self._origin.xyz), (len(values), 1))
        turned = quaternion_from_rpy(self._origin.rpy)
        quaternions = np.tile(turned, (len(values), 1))
        length = float(np.linalg.norm(self.axis))
        if self.joint_type == "fixed" or length == 0.0:
            return translations, quaternions
        axis = np.array(self.axis) / length
        if self.joint_type == "prismatic":
            return translations + values[:, None] * _rotated(turned, axis), quaternions
        halves = values / 2
        moved = np.concatenate((np.sin(halves)[:, None] * axis, np.cos(halves)[:, None]), axis=1)
        return translations, _product(turned, moved)

    def _within_limits(self, values: Array) -> Array:
        unit = _UNITS.get(self.joint_type)
        if unit is None:
            return values
        within = np.minimum(np.maximum(values, self.limit_lower), self.limit_upper)
        beyond = np.flatnonzero(within != values)
        if len(beyond):
            warnings.warn(
                f"joint {self.name}: {values[beyond[0]]:.4f} {unit} is beyond its limits, {self.limit_lower:.4f} to "
                f"{self.limit_upper:.4f} {unit}; taken back to them ({len(beyond)} of {len(values)} values)",
                RrbridgeWarning,
                caller_depth(),
            )
        return within


def _finite(name: str, values: object) -> Array:
    try:
        found = np.asarray(values, np.float64)
    except (TypeError, ValueError) as err:
        raise InvalidValueError(f"joint {name}", "numbers", repr(values)[:80]) from err
    if found.ndim > 1 or not np.all(np.isfinite(found)):
        raise InvalidValueError(f"joint {name}", "finite numbers", repr(values)[:80])
    return found


def quaternion_from_rpy(rpy: Triple) -> Array:
    """Quaternion x, y, z, w of a turn by roll about x, then pitch about y, then yaw about z, all fixed axes."""
    (sr, sp, sy), (cr, cp, cy) = np.sin(np.array(rpy) / 2), np.cos(np.array(rpy) / 2)
    return np.array(
        [
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            cr * cp * cy + sr * sp * sy,
        ]
    )


def _product(first: Array, second: Array) -> Array:
    """Hamilton products of one quaternion (4,) with many (n, 4); x, y, z, w."""
    vector, vectors = first[:3], second[:, :3]
    scalar, scalars = first[3], second[:, 3:]
    crossed = scalar * vectors + scalars * vector + np.cross(vector, vectors)
    return np.concatenate((crossed, scalar * scalars - (vectors @ vector)[:, None]), axis=1)


def _rotated(quaternion: Array, vector: Array) -> Array:
    twice = 2 * np.cross(quaternion[:3], vector)
    turned: Array = vector + quaternion[3] * twice + np.cross(quaternion[:3], twice)
    return turned


def parse_joint(element: Element, frame_prefix: str) -> UrdfJoint:
    """A `<joint>`. Raises FileError."""
    joint_type = element.text("type")
    if joint_type not in JOINT_TYPES:
        raise element.error(f"type {joint_type!r} is none of {', '.join(JOINT_TYPES)}")
    ends = {}
    for tag in ("parent", "child"):
        end = element.first(tag)
        if end is None:
            raise element.error(f"no <{tag}>")
        ends[tag] = end.text("link")
    limit, mimic = element.first("limit"), element.first("mimic")
    limits = {
        f"limit_{key}": 0.0 if limit is None else limit.number(key, 0.0)
        for key in ("lower", "upper", "effort", "velocity")
    }
    return UrdfJoint(
        name=element.text("name"),
        joint_type=joint_type,
        parent_link=ends["parent"],
        child_link=ends["child"],
        axis=triple(element.first("axis"), "xyz", (1.0, 0.0, 0.0)),
        _origin=parse_origin(element),
        mimic=None
        if mimic is None
        else UrdfMimic(mimic.text("joint"), mimic.number("multiplier", 1.0), mimic.number("offset", 0.0)),
        _frame_prefix=frame_prefix,
        **limits,
    )
