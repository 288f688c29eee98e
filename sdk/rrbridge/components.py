"""Components: values with a meaning. One line each; names and encodings as in the reference (`reference/types.json`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, TypeAlias

import numpy as np

from rrbridge import _selections as sel
from rrbridge import encodings as enc
from rrbridge._archetype import Component
from rrbridge._image_format import Choice
from rrbridge._tensor_encoding import TensorLike, tensor


class Colormap(Choice):
    """How one number becomes a colour."""

    Grayscale = 1
    Inferno = 2
    Magma = 3
    Plasma = 4
    Turbo = 5
    Viridis = 6
    CyanToYellow = 7
    Spectral = 8
    Twilight = 9
    RvizMap = 10
    RvizCostmap = 11
    Costmap = 12


class FillMode(Choice):
    """How a closed shape is drawn."""

    MajorWireframe = 1
    DenseWireframe = 2
    Solid = 3
    TransparentFillMajorWireframe = 4


class GraphType(Choice):
    """Whether edges have a direction."""

    Undirected = 1
    Directed = 2


class InterpolationMode(Choice):
    """How a plot goes from one sample to the next."""

    Linear = 1
    StepAfter = 2
    StepBefore = 3
    StepMid = 4


class AggregationPolicy(Choice):
    """What a plot shows where several samples share a pixel."""

    Off = 1
    Average = 2
    Max = 3
    Min = 4
    MinMax = 5
    MinMaxAverage = 6


class MagnificationFilter(Choice):
    """How an image is shown larger than it is."""

    Nearest = 1
    Linear = 2
    Bicubic = 3


class MarkerShape(Choice):
    """The mark of a sample in a scatter plot."""

    Circle = 1
    Diamond = 2
    Square = 3
    Cross = 4
    Plus = 5
    Up = 6
    Down = 7
    Left = 8
    Right = 9
    Asterisk = 10


class MeshFaceRendering(Choice):
    """Which side of a triangle is drawn."""

    DoubleSided = 1
    Front = 2
    Back = 3


class PointShading(Choice):
    """How points are lit."""

    Gradient = 1
    Flat = 2


class TransformRelation(Choice):
    """Which way a transform goes."""

    ParentFromChild = 1
    ChildFromParent = 2


class VideoCodec(Choice):
    """FourCC of a codec."""

    AV1 = 0x61763031
    H264 = 0x61766331
    H265 = 0x68657631
    VP8 = 0x76703038
    VP9 = 0x76703039


EnumLike: TypeAlias = int | str | Enum
EnumsLike: TypeAlias = EnumLike | Sequence[EnumLike] | np.ndarray[Any, Any]

AggregationPolicyLike: TypeAlias = Annotated[EnumsLike, Component("AggregationPolicy", enc.enum(AggregationPolicy))]
AlbedoFactorLike: TypeAlias = Annotated[enc.ColorLike, Component("AlbedoFactor", enc.rgba)]
AnnotationContextLike: TypeAlias = Annotated[
    enc.AnnotationContextLike, Component("AnnotationContext", enc.annotation_context)
]
AxisLengthLike: TypeAlias = Annotated[enc.FloatLike, Component("AxisLength", enc.float32)]
BlobLike: TypeAlias = Annotated[enc.BlobLike, Component("Blob", enc.blob)]
CellSizeLike: TypeAlias = Annotated[enc.FloatLike, Component("CellSize", enc.float32)]
ChannelIdLike: TypeAlias = Annotated[enc.IntLike, Component("ChannelId", enc.uint16)]
ChannelMessageCountsLike: TypeAlias = Annotated[
    Mapping[int, int], Component("ChannelMessageCounts", enc.channel_message_counts)
]
ClassIdLike: TypeAlias = Annotated[enc.IntLike, Component("ClassId", enc.class_id)]
ClearIsRecursiveLike: TypeAlias = Annotated[enc.BoolLike, Component("ClearIsRecursive", enc.boolean)]
ColorLike: TypeAlias = Annotated[enc.ColorLike, Component("Color", enc.rgba)]
ColormapLike: TypeAlias = Annotated[EnumsLike, Component("Colormap", enc.enum(Colormap))]
CountLike: TypeAlias = Annotated[enc.IntLike, Component("Count", enc.uint64)]
DepthMeterLike: TypeAlias = Annotated[enc.FloatLike, Component("DepthMeter", enc.float32)]
DrawOrderLike: TypeAlias = Annotated[enc.FloatLike, Component("DrawOrder", enc.float32)]
FillModeLike: TypeAlias = Annotated[EnumsLike, Component("FillMode", enc.enum(FillMode))]
FillRatioLike: TypeAlias = Annotated[enc.FloatLike, Component("FillRatio", enc.float32)]
EntityPathLike: TypeAlias = Annotated[enc.TextLike, Component("EntityPath", enc.entity_path)]
GammaCorrectionLike: TypeAlias = Annotated[enc.FloatLike, Component("GammaCorrection", enc.float32)]
GeoLineStringLike: TypeAlias = Annotated[enc.StripsLike, Component("GeoLineString", enc.geo_strip)]
GraphEdgeLike: TypeAlias = Annotated[Sequence[Any], Component("GraphEdge", enc.utf8_pair)]
GraphNodeLike: TypeAlias = Annotated[enc.TextLike, Component("GraphNode", enc.text)]
GraphTypeLike: TypeAlias = Annotated[EnumsLike, Component("GraphType", enc.enum(GraphType))]
HalfSize2DLike: TypeAlias = Annotated[enc.VecLike, Component("HalfSize2D", enc.vec2)]
HalfSize3DLike: TypeAlias = Annotated[enc.VecLike, Component("HalfSize3D", enc.vec3)]
ImageBufferLike: TypeAlias = Annotated[enc.BlobLike, Component("ImageBuffer", enc.blob)]
ImageFormatLike: TypeAlias = Annotated[
    enc.ImageFormat | Mapping[str, Any] | Sequence[Any], Component("ImageFormat", enc.image_format)
]
ImagePlaneDistanceLike: TypeAlias = Annotated[enc.FloatLike, Component("ImagePlaneDistance", enc.float32)]
InterpolationModeLike: TypeAlias = Annotated[EnumsLike, Component("InterpolationMode", enc.enum(InterpolationMode))]
IsKeyframeLike: TypeAlias = Annotated[enc.BoolLike, Component("IsKeyframe", enc.boolean)]
KeypointIdLike: TypeAlias = Annotated[enc.IntLike, Component("KeypointId", enc.keypoint_id)]
KeyValuePairsLike: TypeAlias = Annotated[
    Mapping[str, str] | Sequence[Any], Component("KeyValuePairs", enc.key_value_pairs)
]
LatLonLike: TypeAlias = Annotated[enc.VecLike, Component("LatLon", enc.dvec2)]
LengthLike: TypeAlias = Annotated[enc.FloatLike, Component("Length", enc.float32)]
LineStrip2DLike: TypeAlias = Annotated[enc.StripsLike, Component("LineStrip2D", enc.strip2)]
LineStrip3DLike: TypeAlias = Annotated[enc.StripsLike, Component("LineStrip3D", enc.strip3)]
MagnificationFilterLike: TypeAlias = Annotated[
    EnumsLike, Component("MagnificationFilter", enc.enum(MagnificationFilter))
]
MarkerShapeLike: TypeAlias = Annotated[EnumsLike, Component("MarkerShape", enc.enum(MarkerShape))]
MarkerSizeLike: TypeAlias = Annotated[enc.FloatLike, Component("MarkerSize", enc.float32)]
MediaTypeLike: TypeAlias = Annotated[enc.TextLike, Component("MediaType", enc.text)]
MeshFaceRenderingLike: TypeAlias = Annotated[EnumsLike, Component("MeshFaceRendering", enc.enum(MeshFaceRendering))]
NameLike: TypeAlias = Annotated[enc.TextLike, Component("Name", enc.text)]
OpacityLike: TypeAlias = Annotated[enc.FloatLike, Component("Opacity", enc.float32)]
OpticalDensityLike: TypeAlias = Annotated[enc.FloatLike, Component("OpticalDensity", enc.float32)]
PinholeProjectionLike: TypeAlias = Annotated[enc.Mat3x3Like, Component("PinholeProjection", enc.mat3x3)]
Plane3DLike: TypeAlias = Annotated[sel.Plane3D | enc.VecLike, Component("Plane3D", sel.plane3d)]
PointShadingLike: TypeAlias = Annotated[EnumsLike, Component("PointShading", enc.enum(PointShading))]
Position2DLike: TypeAlias = Annotated[enc.VecLike, Component("Position2D", enc.vec2)]
Position3DLike: TypeAlias = Annotated[enc.VecLike, Component("Position3D", enc.vec3)]
RadiusLike: TypeAlias = Annotated[enc.FloatLike, Component("Radius", enc.float32)]
ValueRangeLike: TypeAlias = Annotated[enc.VecLike, Component("ValueRange", enc.range1d)]
ResolutionLike: TypeAlias = Annotated[enc.VecLike, Component("Resolution", enc.vec2)]
RotationAxisAngleLike: TypeAlias = Annotated[
    enc.RotationAxisAngle | Mapping[str, Any] | Sequence[Any], Component("RotationAxisAngle", enc.axis_angle)
]
RotationQuatLike: TypeAlias = Annotated[enc.VecLike, Component("RotationQuat", enc.quaternion)]
ScalarLike: TypeAlias = Annotated[enc.FloatLike, Component("Scalar", enc.float64)]
Scale3DLike: TypeAlias = Annotated[enc.VecLike, Component("Scale3D", enc.vec3)]
SchemaIdLike: TypeAlias = Annotated[enc.IntLike, Component("SchemaId", enc.uint16)]
ShowLabelsLike: TypeAlias = Annotated[enc.BoolLike, Component("ShowLabels", enc.boolean)]
SphericalHarmonics3RgbLike: TypeAlias = Annotated[
    enc.VecLike, Component("SphericalHarmonics3Rgb", enc.spherical_harmonics)
]
SphericalHarmonicsDegreeLike: TypeAlias = Annotated[enc.IntLike, Component("SphericalHarmonicsDegree", enc.uint32)]
StrokeWidthLike: TypeAlias = Annotated[enc.FloatLike, Component("StrokeWidth", enc.float32)]
TensorDataLike: TypeAlias = Annotated[TensorLike, Component("TensorData", tensor)]
TensorDimensionIndexSelectionLike: TypeAlias = Annotated[
    sel.TensorDimensionIndexSelection | Sequence[sel.TensorDimensionIndexSelection],
    Component("TensorDimensionIndexSelection", sel.tensor_dimension_index),
]
TensorHeightDimensionLike: TypeAlias = Annotated[
    sel.TensorDimensionSelection | int, Component("TensorHeightDimension", sel.tensor_dimension)
]
TensorWidthDimensionLike: TypeAlias = Annotated[
    sel.TensorDimensionSelection | int, Component("TensorWidthDimension", sel.tensor_dimension)
]
Texcoord2DLike: TypeAlias = Annotated[enc.VecLike, Component("Texcoord2D", enc.vec2)]
TextLike: TypeAlias = Annotated[enc.TextLike, Component("Text", enc.text)]
TextLogLevelLike: TypeAlias = Annotated[enc.TextLike, Component("TextLogLevel", enc.text)]
TimestampLike: TypeAlias = Annotated[enc.IntLike, Component("Timestamp", enc.int64)]
TransformFrameIdLike: TypeAlias = Annotated[enc.TextLike, Component("TransformFrameId", enc.text)]
TransformMat3x3Like: TypeAlias = Annotated[enc.Mat3x3Like, Component("TransformMat3x3", enc.mat3x3)]
TransformRelationLike: TypeAlias = Annotated[EnumsLike, Component("TransformRelation", enc.enum(TransformRelation))]
Translation3DLike: TypeAlias = Annotated[enc.VecLike, Component("Translation3D", enc.vec3)]
TriangleIndicesLike: TypeAlias = Annotated[enc.VecLike, Component("TriangleIndices", enc.uvec3)]
UnitLike: TypeAlias = Annotated[enc.TextLike, Component("Unit", enc.text)]
VarianceLike: TypeAlias = Annotated[enc.FloatLike, Component("Variance", enc.float64)]
Vector2DLike: TypeAlias = Annotated[enc.VecLike, Component("Vector2D", enc.vec2)]
Vector3DLike: TypeAlias = Annotated[enc.VecLike, Component("Vector3D", enc.vec3)]
VideoCodecLike: TypeAlias = Annotated[EnumsLike, Component("VideoCodec", enc.enum(VideoCodec, np.uint32))]
VideoSampleLike: TypeAlias = Annotated[enc.BlobLike, Component("VideoSample", enc.blob)]
VideoTimestampLike: TypeAlias = Annotated[enc.IntLike, Component("VideoTimestamp", enc.video_timestamp)]
ViewCoordinatesLike: TypeAlias = Annotated[enc.VecLike, Component("ViewCoordinates", enc.view_coordinates)]
VisibleLike: TypeAlias = Annotated[enc.BoolLike, Component("Visible", enc.boolean)]
VoxelIndexLike: TypeAlias = Annotated[enc.VecLike, Component("VoxelIndex", enc.ivec3)]
VoxelSizeLike: TypeAlias = Annotated[enc.VecLike, Component("VoxelSize", enc.vec3)]
VoxelValueLike: TypeAlias = Annotated[enc.FloatLike, Component("VoxelValue", enc.float32)]
BoolLike: TypeAlias = Annotated[enc.BoolLike, Component("Bool", enc.boolean)]
FlagLike: TypeAlias = Annotated[enc.BoolLike, Component("Flag", enc.boolean)]
InteractiveLike: TypeAlias = Annotated[enc.BoolLike, Component("Interactive", enc.boolean)]
ThumbnailLike: TypeAlias = Annotated[enc.BlobLike, Component("Thumbnail", enc.blob)]
UrlLike: TypeAlias = Annotated[enc.TextLike, Component("Url", enc.text)]
LinearSpeedLike: TypeAlias = Annotated[enc.FloatLike, Component("LinearSpeed", enc.float64)]
Range1DLike: TypeAlias = Annotated[enc.VecLike, Component("Range1D", enc.range1d)]


def __getattr__(name: str) -> Any:
    """Classes of one value, `Color`, and of many, `ColorBatch`, of each component declared above."""
    if not name.startswith("_"):
        from rrbridge._component_values import named_component_class  # when asked for, to keep `import rrbridge` short

        found = named_component_class(globals(), name)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    from rrbridge._component_values import named_component_classes

    return sorted(globals().keys() | named_component_classes(globals()))


__path__: list[str] = []  # the modules of the types, `rrbridge.components.color`, are made: see `_type_modules`
