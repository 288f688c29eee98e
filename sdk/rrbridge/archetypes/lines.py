"""Lines and arrows."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import ComponentColumnList, DrawnArchetype
from rrbridge.encodings import StripsLike


class LineStrips2D(DrawnArchetype, visualizer="Lines2D"):
    """Connected line segments in pixels, one strip per instance."""

    strips: c.LineStrip2DLike
    _: KW_ONLY
    radii: c.RadiusLike | None = None
    colors: c.ColorLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    draw_order: c.DrawOrderLike | None = None
    class_ids: c.ClassIdLike | None = None


class LineStrips3D(DrawnArchetype, visualizer="Lines3D"):
    """Connected line segments, one strip per instance."""

    strips: c.LineStrip3DLike
    """Corner points of each strip, in the entity's frame, metres. Shapes (k, 3)."""
    _: KW_ONLY
    radii: c.RadiusLike | None = None
    colors: c.ColorLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    class_ids: c.ClassIdLike | None = None


class GeoLineStrings(DrawnArchetype):
    """Connected line segments on Earth."""

    line_strings: c.GeoLineStringLike
    """Corner points as latitude and longitude, degrees. Shapes (k, 2)."""
    _: KW_ONLY
    radii: c.RadiusLike | None = None
    colors: c.ColorLike | None = None

    def __init__(
        self, *, lat_lon: StripsLike, radii: c.RadiusLike | None = None, colors: c.ColorLike | None = None
    ) -> None:
        """`lat_lon`: latitude and longitude of each corner, degrees."""
        self._assign(line_strings=lat_lon, radii=radii, colors=colors)

    @classmethod
    def columns(  # type: ignore[override]  # columns go by field names
        cls,
        *,
        line_strings: c.GeoLineStringLike | None = None,
        radii: c.RadiusLike | None = None,
        colors: c.ColorLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"line_strings": line_strings, "radii": radii, "colors": colors})


class Arrows2D(DrawnArchetype):
    """Arrows in pixels."""

    vectors: c.Vector2DLike
    """From tail to tip."""
    _: KW_ONLY
    origins: c.Position2DLike | None = None
    radii: c.RadiusLike | None = None
    colors: c.ColorLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    draw_order: c.DrawOrderLike | None = None
    class_ids: c.ClassIdLike | None = None


class Arrows3D(DrawnArchetype):
    """Arrows."""

    vectors: c.Vector3DLike
    """From tail to tip, in the entity's frame. Shape (n, 3)."""
    _: KW_ONLY
    origins: c.Position3DLike | None = None
    radii: c.RadiusLike | None = None
    colors: c.ColorLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    class_ids: c.ClassIdLike | None = None
