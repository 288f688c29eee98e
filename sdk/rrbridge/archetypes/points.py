"""Points."""

from __future__ import annotations

from dataclasses import KW_ONLY

from rrbridge import components as c
from rrbridge._archetype import Archetype, ComponentColumnList
from rrbridge.encodings import VecLike


class Points2D(Archetype):
    """A cloud of points in pixels."""

    positions: c.Position2D
    _: KW_ONLY
    radii: c.Radius | None = None
    """In pixels of the view's space; negative: in screen pixels."""
    colors: c.Color | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    draw_order: c.DrawOrder | None = None
    class_ids: c.ClassId | None = None
    keypoint_ids: c.KeypointId | None = None


class Points3D(Archetype):
    """A cloud of points."""

    positions: c.Position3D
    """Where each point is, in the entity's frame, metres. Shape (n, 3)."""
    _: KW_ONLY
    radii: c.Radius | None = None
    """Metres; negative: screen pixels."""
    colors: c.Color | None = None
    labels: c.Label | None = None
    show_labels: c.ShowLabels | None = None
    point_shading: c.PointShadingLike | None = None
    class_ids: c.ClassId | None = None
    keypoint_ids: c.KeypointId | None = None


class GaussianSplats3D(Archetype):
    """A scene as soft ellipsoids."""

    centers: c.Position3D
    _: KW_ONLY
    scales: c.Scale3D | None = None
    quaternions: c.RotationQuat | None = None
    colors: c.Color | None = None
    sh_coefficients: c.SphericalHarmonics3Rgb | None = None
    spherical_harmonics_degree: c.SphericalHarmonicsDegree | None = None


class GeoPoints(Archetype):
    """Places on Earth."""

    positions: c.LatLon
    """Latitude and longitude, degrees, WGS 84. Shape (n, 2)."""
    _: KW_ONLY
    radii: c.Radius | None = None
    """Metres; negative: screen pixels."""
    colors: c.Color | None = None
    class_ids: c.ClassId | None = None

    def __init__(
        self,
        *,
        lat_lon: VecLike,
        radii: c.Radius | None = None,
        colors: c.Color | None = None,
        class_ids: c.ClassId | None = None,
    ) -> None:
        """`lat_lon`: latitude and longitude, degrees."""
        self._assign(positions=lat_lon, radii=radii, colors=colors, class_ids=class_ids)

    @classmethod
    def columns(  # type: ignore[override]  # columns go by field names
        cls,
        *,
        positions: c.LatLon | None = None,
        radii: c.Radius | None = None,
        colors: c.Color | None = None,
        class_ids: c.ClassId | None = None,
    ) -> ComponentColumnList:
        """Many rows at once."""
        return cls._columns({"positions": positions, "radii": radii, "colors": colors, "class_ids": class_ids})
