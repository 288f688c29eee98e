"""Lines and arrows."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import Archetype, ComponentColumnList
from rrbridge.encodings import StripsLike


class LineStrips2D(Archetype):
    """Connected line segments in pixels, one strip per instance."""

    strips: c.LineStrip2D
    _: KW_ONLY
    radii: c.Radius | None = None
    colors: c.Color | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    draw_order: c.DrawOrder | None = None
    class_ids: c.ClassId | None = None


class LineStrips3D(Archetype):
    """Connected line segments, one strip per instance."""

    strips: c.LineStrip3D
    """Corner points of each strip, in the entity's frame, metres. Shapes (k, 3)."""
    _: KW_ONLY
    radii: c.Radius | None = None
    colors: c.Color | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    class_ids: c.ClassId | None = None


class GeoLineStrings(Archetype):
    """Connected line segments on Earth."""

    line_strings: c.GeoLineString
    """Corner points as latitude and longitude, degrees. Shapes (k, 2)."""
    _: KW_ONLY
    radii: c.Radius | None = None
    colors: c.Color | None = None

    def __init__(self, *, lat_lon: StripsLike, radii: c.Radius | None = None, colors: c.Color | None = None) -> None:
        """`lat_lon`: latitude and longitude of each corner, degrees."""
        self._assign(line_strings=lat_lon, radii=radii, colors=colors)

    @classmethod
    def columns(  # type: ignore[override]  # columns go by field names
        cls,
        *,
        line_strings: c.GeoLineString | None = None,
        radii: c.Radius | None = None,
        colors: c.Color | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"line_strings": line_strings, "radii": radii, "colors": colors})


class Arrows2D(Archetype):
    """Arrows in pixels."""

    vectors: c.Vector2D
    """From tail to tip."""
    _: KW_ONLY
    origins: c.Position2D | None = None
    radii: c.Radius | None = None
    colors: c.Color | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    draw_order: c.DrawOrder | None = None
    class_ids: c.ClassId | None = None


class Arrows3D(Archetype):
    """Arrows."""

    vectors: c.Vector3D
    """From tail to tip, in the entity's frame. Shape (n, 3)."""
    _: KW_ONLY
    origins: c.Position3D | None = None
    radii: c.Radius | None = None
    colors: c.Color | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    class_ids: c.ClassId | None = None
