"""Points."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import ClassVar

from rrbridge import components as c
from rrbridge._archetype import ComponentColumnList, DrawnArchetype
from rrbridge.encodings import VecLike


class Points2D(DrawnArchetype):
    """A cloud of points in pixels."""

    positions: c.Position2DLike
    _: KW_ONLY
    radii: c.RadiusLike | None = None
    """In pixels of the view's space; negative: in screen pixels."""
    colors: c.ColorLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    draw_order: c.DrawOrderLike | None = None
    class_ids: c.ClassIdLike | None = None
    keypoint_ids: c.KeypointIdLike | None = None
    """Keypoints belong to a class: class 0 where no other is given."""
    _implied: ClassVar = {"class_ids": ("keypoint_ids", 0)}


class Points3D(DrawnArchetype):
    """A cloud of points."""

    positions: c.Position3DLike
    """Where each point is, in the entity's frame, metres. Shape (n, 3)."""
    _: KW_ONLY
    radii: c.RadiusLike | None = None
    """Metres; negative: screen pixels."""
    colors: c.ColorLike | None = None
    labels: c.TextLike | None = None
    show_labels: c.ShowLabelsLike | None = None
    point_shading: c.PointShadingLike | None = None
    class_ids: c.ClassIdLike | None = None
    keypoint_ids: c.KeypointIdLike | None = None
    """Keypoints belong to a class: class 0 where no other is given."""
    _implied: ClassVar = {"class_ids": ("keypoint_ids", 0)}


class GaussianSplats3D(DrawnArchetype):
    """A scene as soft ellipsoids."""

    centers: c.Position3DLike
    _: KW_ONLY
    scales: c.Scale3DLike | None = None
    quaternions: c.RotationQuatLike | None = None
    colors: c.ColorLike | None = None
    sh_coefficients: c.SphericalHarmonics3RgbLike | None = None
    spherical_harmonics_degree: c.SphericalHarmonicsDegreeLike | None = None


class GeoPoints(DrawnArchetype):
    """Places on Earth."""

    positions: c.LatLonLike
    """Latitude and longitude, degrees, WGS 84. Shape (n, 2)."""
    _: KW_ONLY
    radii: c.RadiusLike | None = None
    """Metres; negative: screen pixels."""
    colors: c.ColorLike | None = None
    class_ids: c.ClassIdLike | None = None

    def __init__(
        self,
        *,
        lat_lon: VecLike,
        radii: c.RadiusLike | None = None,
        colors: c.ColorLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> None:
        """`lat_lon`: latitude and longitude, degrees."""
        self._assign(positions=lat_lon, radii=radii, colors=colors, class_ids=class_ids)

    @classmethod
    def columns(  # type: ignore[override]  # columns go by field names
        cls,
        *,
        positions: c.LatLonLike | None = None,
        radii: c.RadiusLike | None = None,
        colors: c.ColorLike | None = None,
        class_ids: c.ClassIdLike | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"positions": positions, "radii": radii, "colors": colors, "class_ids": class_ids})
