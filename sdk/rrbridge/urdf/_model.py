"""What a URDF file says, without its joints' motion: http://wiki.ros.org/urdf/XML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rrbridge.urdf._xml import Element

__all__ = ["Geometry", "Origin", "Shape", "UrdfLink", "parse_geometries", "parse_materials", "parse_origin"]

Triple = tuple[float, float, float]
Color = tuple[float, float, float, float]
"""Red, green, blue, alpha, 0 to 1; red to blue are linear light."""
SHAPES = ("box", "cylinder", "sphere", "capsule", "mesh")


@dataclass(frozen=True)
class Origin:
    """Where something is in its link: metres, and roll, pitch, yaw about the fixed axes in radians."""

    xyz: Triple = (0.0, 0.0, 0.0)
    rpy: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Shape:
    """Box (whole sizes), cylinder or capsule (along z), sphere or mesh; metres."""

    kind: str
    size: Triple = (0.0, 0.0, 0.0)
    radius: float = 0.0
    length: float = 0.0
    mesh: str = ""
    scale: Triple | None = None


@dataclass(frozen=True)
class Geometry:
    """A shape that a link is seen by, or that it collides with."""

    name: str
    """As given, or `visual_0`, `collision_1`, … by its place in the link."""
    origin: Origin
    shape: Shape
    color: Color | None = None


@dataclass(frozen=True, repr=False)
class UrdfLink:
    """A rigid part of the robot."""

    name: str
    """Name of the link."""
    _visuals: tuple[Geometry, ...] = ()
    _collisions: tuple[Geometry, ...] = ()

    def __repr__(self) -> str:
        return f'UrdfLink(name="{self.name}")'


def triple(element: Element | None, name: str, default: Triple) -> Triple:
    """Three numbers of an attribute, or the default where the element or the attribute is missing."""
    if element is None:
        return default
    x, y, z = element.numbers(name, 3, default)
    return x, y, z


def parse_origin(element: Element) -> Origin:
    """The origin of a joint, visual or collision; at rest if it gives none."""
    origin = element.first("origin")
    return Origin(triple(origin, "xyz", (0.0, 0.0, 0.0)), triple(origin, "rpy", (0.0, 0.0, 0.0)))


def _color(material: Element | None) -> Color | None:
    color = None if material is None else material.first("color")
    if color is None:
        return None
    red, green, blue, alpha = color.numbers("rgba", 4)
    return red, green, blue, alpha


def parse_materials(robot: Element) -> dict[str, Color | None]:
    """Colours of the materials that all links may use, by name."""
    return {material.text("name"): _color(material) for material in robot.each("material")}


def _shape(owner: Element) -> Shape:
    geometry = owner.first("geometry")
    found = [] if geometry is None else [child for child in geometry.children if child.tag in SHAPES]
    if len(found) != 1:
        raise owner.error(f"expected a <geometry> with one of {', '.join(SHAPES)}")
    element = found[0]
    given: dict[str, Any] = {}
    if element.tag == "box":
        given["size"] = element.numbers("size", 3)
    elif element.tag == "mesh":
        given["mesh"] = element.text("filename")
        if "scale" in element.attributes:
            given["scale"] = element.numbers("scale", 3)
    else:
        given["radius"] = element.number("radius")
        if element.tag != "sphere":
            given["length"] = element.number("length")
    return Shape(element.tag, **given)


def parse_geometries(link: Element, tag: str, materials: dict[str, Color | None]) -> tuple[Geometry, ...]:
    """The `visual` or `collision` geometries of a link. Raises FileError."""
    found = []
    for index, element in enumerate(link.each(tag)):
        material = element.first("material")
        color = _color(material)
        if color is None and material is not None:
            color = materials.get(material.attributes.get("name", ""))
        name = element.attributes.get("name", f"{tag}_{index}")
        found.append(Geometry(name, parse_origin(element), _shape(element), color))
    return tuple(found)
