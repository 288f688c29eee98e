"""Small records that users make by hand: rotations and the classes of an annotation context."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from rrbridge._plain import one_text
from rrbridge._values import Rgba32
from rrbridge.errors import InvalidValueError

if TYPE_CHECKING:
    from rrbridge._batches import DescribedComponentBatch

__all__ = [
    "Angle",
    "AnnotationInfo",
    "AnnotationInfoLike",
    "ClassDescription",
    "ClassDescriptionLike",
    "ClassDescriptionMapElem",
    "KeypointPair",
    "Quaternion",
    "RotationAxisAngle",
]


class _Record:
    """Values with a name each; equal when all of them are."""

    __slots__: tuple[str, ...] = ()

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self).__name__, repr(self._values())))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({shown})"


def _floats(what: str, values: Any, width: int) -> tuple[float, ...]:
    try:
        array = np.asarray(values, np.float64).reshape(-1)
    except (TypeError, ValueError) as err:
        raise InvalidValueError(what, f"{width} numbers", repr(values)[:80]) from err
    if len(array) != width:
        raise InvalidValueError(what, f"{width} numbers", f"{len(array)}")
    return tuple(array.tolist())


def _whole(what: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as err:
        raise InvalidValueError(what, "a whole number", repr(value)[:80]) from err
    if not 0 <= number <= 0xFFFF:
        raise InvalidValueError(what, "a number within 0 … 65535", str(number))
    return number


class Angle(_Record):
    """An angle, kept in radians."""

    __slots__ = ("radians",)

    def __init__(self, rad: float | None = None, deg: float | None = None) -> None:
        """Give `rad` or `deg`."""
        if (rad is None) == (deg is None):
            raise InvalidValueError("Angle", "exactly one of rad=, deg=", "neither" if rad is None else "both")
        given = _floats("Angle", rad if rad is not None else deg, 1)[0]
        self.radians = given if rad is not None else math.radians(given)

    def __float__(self) -> float:
        return self.radians


class RotationAxisAngle(_Record):
    """A rotation about an axis."""

    __slots__ = ("angle", "axis")

    def __init__(
        self,
        axis: npt.ArrayLike,
        angle: float | Angle | None = None,
        *,
        radians: float | None = None,
        degrees: float | None = None,
    ) -> None:
        """Give `angle` (an `Angle`, or radians), `radians` or `degrees`; `axis` need not have length one."""
        given = [v for v in (angle, radians, degrees) if v is not None]
        if len(given) != 1:
            raise InvalidValueError(
                "RotationAxisAngle", "exactly one of angle=, radians=, degrees=", f"{len(given)} of them"
            )
        self.axis = _floats("RotationAxisAngle.axis", axis, 3)
        if isinstance(angle, Angle):
            self.angle = angle
        else:
            self.angle = Angle(deg=degrees) if degrees is not None else Angle(rad=angle if radians is None else radians)

    @property
    def radians(self) -> float:
        """The angle in radians."""
        return self.angle.radians


class Quaternion(_Record):
    """A rotation as a quaternion x, y, z, w."""

    __slots__ = ("_xyzw",)

    def __init__(self, *, xyzw: npt.ArrayLike) -> None:
        self._xyzw = _floats("Quaternion", xyzw, 4)

    @property
    def xyzw(self) -> npt.NDArray[np.float32]:
        """Its four numbers."""
        return np.array(self._xyzw, np.float32)

    def __repr__(self) -> str:
        return f"Quaternion(xyzw={list(self._xyzw)})"

    @staticmethod
    def identity() -> Quaternion:
        """No rotation."""
        return Quaternion(xyzw=(0, 0, 0, 1))

    @staticmethod
    def invalid() -> Quaternion:
        """All zero: not a rotation, shown as none."""
        return Quaternion(xyzw=(0, 0, 0, 0))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self._xyzw, dtype or np.float32)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> float:
        return self._xyzw[index]


class AnnotationInfo(_Record):
    """The id, name and colour of a class or of a keypoint."""

    __slots__ = ("color", "id", "label")

    def __init__(self, id: int, label: str | None = None, color: Any | None = None) -> None:  # noqa: A002 - the reference's name
        self.id = _whole("AnnotationInfo.id", id)
        try:
            self.label = None if label is None else one_text(label)
        except (TypeError, ValueError) as err:
            raise InvalidValueError("AnnotationInfo.label", "text", repr(label)[:80]) from err
        self.color = None if color is None else Rgba32(color)

    @classmethod
    def of(cls, value: AnnotationInfoLike) -> AnnotationInfo:
        """From an id, `(id, label, colour)`, or a mapping of these."""
        if isinstance(value, AnnotationInfo):
            return value
        if isinstance(value, Mapping):
            return cls(**value)
        if isinstance(value, int | np.integer):
            return cls(int(value))
        if isinstance(value, list | tuple) and 1 <= len(value) <= 3:
            return cls(*value)
        raise InvalidValueError("AnnotationInfo", "an id, (id, label, colour) or an AnnotationInfo", repr(value)[:80])


AnnotationInfoLike: TypeAlias = AnnotationInfo | int | Sequence[Any] | Mapping[str, Any]


class KeypointPair(_Record):
    """Two keypoints that a line connects."""

    __slots__ = ("keypoint0", "keypoint1")

    def __init__(self, keypoint0: int, keypoint1: int) -> None:
        self.keypoint0 = _whole("KeypointPair.keypoint0", keypoint0)
        self.keypoint1 = _whole("KeypointPair.keypoint1", keypoint1)

    @classmethod
    def of(cls, value: KeypointPair | Sequence[int]) -> KeypointPair:
        """From two ids."""
        if isinstance(value, KeypointPair):
            return value
        try:
            first, second = value
        except (TypeError, ValueError) as err:
            raise InvalidValueError("KeypointPair", "two keypoint ids", repr(value)[:80]) from err
        return cls(first, second)


class ClassDescription(_Record):
    """A class, its keypoints and which of them are connected. Can be logged as an annotation context of its own."""

    __slots__ = ("info", "keypoint_annotations", "keypoint_connections")

    def __init__(
        self,
        *,
        info: AnnotationInfoLike,
        keypoint_annotations: Iterable[AnnotationInfoLike] | None = (),
        keypoint_connections: Iterable[KeypointPair | Sequence[int]] | None = (),
    ) -> None:
        self.info = AnnotationInfo.of(info)
        self.keypoint_annotations = [AnnotationInfo.of(k) for k in keypoint_annotations or ()]
        self.keypoint_connections = [KeypointPair.of(k) for k in keypoint_connections or ()]

    @classmethod
    def of(cls, value: ClassDescriptionLike) -> ClassDescription:
        """From itself, or from what makes an `AnnotationInfo`."""
        return value if isinstance(value, ClassDescription) else cls(info=value)

    def as_component_batches(self) -> list[DescribedComponentBatch]:
        """As an annotation context with this one class."""
        from rrbridge.archetypes.meta import AnnotationContext

        return AnnotationContext(self).as_component_batches()


ClassDescriptionLike: TypeAlias = ClassDescription | AnnotationInfoLike


class ClassDescriptionMapElem(_Record):
    """A class under the id it is looked up by."""

    __slots__ = ("class_description", "class_id")

    def __init__(self, class_id: int, class_description: ClassDescriptionLike) -> None:
        self.class_id = _whole("ClassDescriptionMapElem.class_id", class_id)
        self.class_description = ClassDescription.of(class_description)

    @classmethod
    def of(cls, value: ClassDescriptionMapElem | ClassDescriptionLike) -> Self:
        """From itself, or from what makes a `ClassDescription`, under its own id."""
        if isinstance(value, cls):
            return value
        described = ClassDescription.of(value)  # type: ignore[arg-type]  # not a map element, as just seen
        return cls(described.info.id, described)
