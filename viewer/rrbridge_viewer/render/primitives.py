"""What to draw, as frozen values without any GL. Visualizers make them, `SceneRenderer` draws them.

A visualizer leaves `key`, `entity_path` and `world_from_entity` alone; `Visualizers` fills them in.

Arrays are never changed after they are put into a primitive: the renderer compares them by identity and uploads an array
only when it is another object than last time. Give the same array object again for the same data.

Conventions: positions are metres (scene units) in the frame of the entity, `world_from_entity` places them; colours are
sRGB 0..255; a radius ≥ 0 is in scene units, a radius < 0 is that many UI points on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "F32",
    "F64",
    "IDENTITY",
    "Colors",
    "Labels",
    "Lines",
    "Mesh",
    "Picture",
    "Points",
    "Primitive",
    "SolidShape",
    "Solids",
]

F32: TypeAlias = npt.NDArray[np.float32]
F64: TypeAlias = npt.NDArray[np.float64]
Colors: TypeAlias = npt.NDArray[np.uint8]
SolidShape: TypeAlias = Literal["box", "sphere", "cylinder", "cone"]

IDENTITY: F64 = np.eye(4)
IDENTITY.flags.writeable = False
WHITE: Colors = np.full((1, 4), 255, np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Primitive:
    """What all things that can be drawn have in common."""

    key: str = ""
    """Unique in its scene and the same from frame to frame: `/world/cloud#Points3D#0`. GPU buffers are kept under it."""
    entity_path: str = ""
    """Whose data this is: what picking answers and highlighting asks for."""
    world_from_entity: F64 = field(default_factory=lambda: IDENTITY)
    """(4, 4). May be projective, as for what a pinhole camera sees, shown in its image."""
    draw_order: float = 0.0
    """In 2D, higher is drawn on top. In 3D, depth decides."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points(Primitive):
    """Round points."""

    positions: F32
    """(n, 3)"""
    colors: Colors
    """(n, 4), or (1, 4) for all."""
    radii: F32
    """(n,), or (1,) for all."""
    shaded: bool = True
    """As little spheres; else flat discs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lines(Primitive):
    """Line strips, with an arrow head at their ends if wanted."""

    positions: F32
    """(n, 3): the points of all strips, one strip after another."""
    offsets: npt.NDArray[np.integer[Any]]
    """(m + 1,): strip i is `positions[offsets[i]:offsets[i + 1]]`."""
    colors: Colors
    """(m, 4), or (1, 4) for all: of each strip."""
    radii: F32
    """(m,), or (1,) for all: half the width of each strip."""
    arrow_heads: bool = False
    instance_ids: npt.NDArray[np.uint32] | None = None
    """(m,): which instance of the entity a strip belongs to; None: its number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solids(Primitive):
    """Many copies of one unit shape, each with its own affine pose.

    The unit shapes: `box` spans -1..1 on each axis, `sphere` has radius 1, `cylinder` and `cone` have radius 1 and span -1..1
    along Z, the cone's tip at +1.
    """

    shape: SolidShape
    poses: F32
    """(n, 3, 4): entity_from_unit_shape."""
    colors: Colors
    """(n, 4), or (1, 4) for all."""
    instance_ids: npt.NDArray[np.uint32] | None = None
    """(n,): which instance of the entity a solid belongs to; None: its number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mesh(Primitive):
    """Triangles, perhaps drawn several times at different poses."""

    vertices: F32
    """(n, 3)"""
    triangles: npt.NDArray[np.uint32]
    """(m, 3): indices into `vertices`."""
    normals: F32
    """(n, 3), unit length."""
    colors: Colors = field(default_factory=lambda: WHITE)
    """(n, 4), or (1, 4) for all."""
    texcoords: F32 | None = None
    """(n, 2): (0, 0) is the texture's first row, first column."""
    texture: Colors | None = None
    """(h, w, 4)"""
    albedo: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Multiplied with everything, 0..1."""
    poses: F32 | None = None
    """(k, 3, 4): entity_from_mesh of each copy; None: one copy, where it is."""
    faces: Literal["both", "front", "back"] = "both"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture(Primitive):
    """Pixels on a parallelogram: an image in 2D, a pinhole's image plane, a grid map.

    `corner` is where the first row's first pixel begins, `across` runs along the first row, `down` along the first column.
    """

    pixels: npt.NDArray[Any]
    """(h, w, 4) u8: colours. (h, w) u8 / u16 / f32: values, through `colormap`."""
    corner: tuple[float, float, float] = (0.0, 0.0, 0.0)
    across: tuple[float, float, float] = (1.0, 0.0, 0.0)
    down: tuple[float, float, float] = (0.0, 1.0, 0.0)
    colormap: Colors | None = None
    """(k, 4): colours of a picture of values; None: grey. See `indexed`."""
    value_range: tuple[float, float] = (0.0, 255.0)
    """The values at the two ends of the colour map."""
    indexed: bool = False
    """The value itself is the index of its colour (class ids, occupancy); else the colours are spread over `value_range`."""
    opacity: float = 1.0
    smooth: bool = False
    """Interpolate between pixels when magnified; else each pixel is a square."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels(Primitive):
    """Words at places. The renderer does not draw them: the view does, with the window's own font (`camera.on_screen`)."""

    texts: tuple[str, ...]
    """n of them."""
    positions: F32
    """(n, 3)"""
    colors: Colors
    """(n, 4), or (1, 4) for all."""
    beside: bool = False
    """Beside their places rather than over them, and left out where they would cover one another."""
