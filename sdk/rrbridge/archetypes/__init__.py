"""All archetypes, by the reference's names. Their modules load when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rrbridge.archetypes.assets import AssetAudio as AssetAudio
    from rrbridge.archetypes.assets import AssetVideo as AssetVideo
    from rrbridge.archetypes.assets import VideoFrameReference as VideoFrameReference
    from rrbridge.archetypes.graphs import GraphEdges as GraphEdges
    from rrbridge.archetypes.graphs import GraphNodes as GraphNodes
    from rrbridge.archetypes.images import DepthImage as DepthImage
    from rrbridge.archetypes.images import EncodedDepthImage as EncodedDepthImage
    from rrbridge.archetypes.images import EncodedImage as EncodedImage
    from rrbridge.archetypes.images import GridMap as GridMap
    from rrbridge.archetypes.images import Image as Image
    from rrbridge.archetypes.images import SegmentationImage as SegmentationImage
    from rrbridge.archetypes.images import VideoStream as VideoStream
    from rrbridge.archetypes.images import VoxelGridMap as VoxelGridMap
    from rrbridge.archetypes.lines import Arrows2D as Arrows2D
    from rrbridge.archetypes.lines import Arrows3D as Arrows3D
    from rrbridge.archetypes.lines import GeoLineStrings as GeoLineStrings
    from rrbridge.archetypes.lines import LineStrips2D as LineStrips2D
    from rrbridge.archetypes.lines import LineStrips3D as LineStrips3D
    from rrbridge.archetypes.meshes import Asset3D as Asset3D
    from rrbridge.archetypes.meshes import Mesh3D as Mesh3D
    from rrbridge.archetypes.meta import AnnotationContext as AnnotationContext
    from rrbridge.archetypes.meta import Clear as Clear
    from rrbridge.archetypes.meta import McapChannel as McapChannel
    from rrbridge.archetypes.meta import McapMessage as McapMessage
    from rrbridge.archetypes.meta import McapSchema as McapSchema
    from rrbridge.archetypes.meta import McapStatistics as McapStatistics
    from rrbridge.archetypes.meta import RecordingInfo as RecordingInfo
    from rrbridge.archetypes.points import GaussianSplats3D as GaussianSplats3D
    from rrbridge.archetypes.points import GeoPoints as GeoPoints
    from rrbridge.archetypes.points import Points2D as Points2D
    from rrbridge.archetypes.points import Points3D as Points3D
    from rrbridge.archetypes.series import Measurements as Measurements
    from rrbridge.archetypes.series import Scalars as Scalars
    from rrbridge.archetypes.series import SeriesLines as SeriesLines
    from rrbridge.archetypes.series import SeriesPoints as SeriesPoints
    from rrbridge.archetypes.series import StateChange as StateChange
    from rrbridge.archetypes.series import StateConfiguration as StateConfiguration
    from rrbridge.archetypes.shapes import Boxes2D as Boxes2D
    from rrbridge.archetypes.shapes import Boxes3D as Boxes3D
    from rrbridge.archetypes.shapes import Capsules3D as Capsules3D
    from rrbridge.archetypes.shapes import Cylinders3D as Cylinders3D
    from rrbridge.archetypes.shapes import Ellipses2D as Ellipses2D
    from rrbridge.archetypes.shapes import Ellipsoids3D as Ellipsoids3D
    from rrbridge.archetypes.tensors import BarChart as BarChart
    from rrbridge.archetypes.tensors import Tensor as Tensor
    from rrbridge.archetypes.tensors import Volume3D as Volume3D
    from rrbridge.archetypes.text import TextDocument as TextDocument
    from rrbridge.archetypes.text import TextLog as TextLog
    from rrbridge.archetypes.transforms import CoordinateFrame as CoordinateFrame
    from rrbridge.archetypes.transforms import InstancePoses3D as InstancePoses3D
    from rrbridge.archetypes.transforms import Pinhole as Pinhole
    from rrbridge.archetypes.transforms import Transform3D as Transform3D
    from rrbridge.archetypes.transforms import TransformAxes3D as TransformAxes3D
    from rrbridge.archetypes.transforms import ViewCoordinates as ViewCoordinates

_NAMES = {
    "assets": ("AssetAudio", "AssetVideo", "VideoFrameReference"),
    "graphs": ("GraphEdges", "GraphNodes"),
    "images": (
        "DepthImage",
        "EncodedDepthImage",
        "EncodedImage",
        "GridMap",
        "Image",
        "SegmentationImage",
        "VideoStream",
        "VoxelGridMap",
    ),
    "lines": ("Arrows2D", "Arrows3D", "GeoLineStrings", "LineStrips2D", "LineStrips3D"),
    "meshes": ("Asset3D", "Mesh3D"),
    "meta": (
        "AnnotationContext",
        "Clear",
        "McapChannel",
        "McapMessage",
        "McapSchema",
        "McapStatistics",
        "RecordingInfo",
    ),
    "points": ("GaussianSplats3D", "GeoPoints", "Points2D", "Points3D"),
    "series": ("Measurements", "Scalars", "SeriesLines", "SeriesPoints", "StateChange", "StateConfiguration"),
    "shapes": ("Boxes2D", "Boxes3D", "Capsules3D", "Cylinders3D", "Ellipses2D", "Ellipsoids3D"),
    "tensors": ("BarChart", "Tensor", "Volume3D"),
    "text": ("TextDocument", "TextLog"),
    "transforms": (
        "CoordinateFrame",
        "InstancePoses3D",
        "Pinhole",
        "Transform3D",
        "TransformAxes3D",
        "ViewCoordinates",
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted(globals().keys() | _MODULE_OF.keys() | _NAMES.keys())
