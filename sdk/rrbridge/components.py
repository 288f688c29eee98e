"""Components: values with a meaning. One line each; names and encodings as in the reference (`reference/types.json`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Annotated, Any, TypeAlias

import numpy as np

from rrbridge import encodings as enc
from rrbridge._archetype import Component
from rrbridge._tensor_encoding import TensorLike, tensor
from rrbridge.encodings import (
    BlobLike,
    BoolLike,
    ColorLike,
    FloatLike,
    ImageFormatRecord,
    IntLike,
    Mat3x3Like,
    StripsLike,
    TextLike,
    VecLike,
)


class Colormap(IntEnum):
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


class FillMode(IntEnum):
    """How a closed shape is drawn."""

    MajorWireframe = 1
    DenseWireframe = 2
    Solid = 3
    TransparentFillMajorWireframe = 4


class GraphType(IntEnum):
    """Whether edges have a direction."""

    Undirected = 1
    Directed = 2


class InterpolationMode(IntEnum):
    """How a plot goes from one sample to the next."""

    Linear = 1
    StepAfter = 2
    StepBefore = 3
    StepMid = 4


class AggregationPolicy(IntEnum):
    """What a plot shows where several samples share a pixel."""

    Off = 1
    Average = 2
    Max = 3
    Min = 4
    MinMax = 5
    MinMaxAverage = 6


class MagnificationFilter(IntEnum):
    """How an image is shown larger than it is."""

    Nearest = 1
    Linear = 2
    Bicubic = 3


class MarkerShape(IntEnum):
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


class MeshFaceRendering(IntEnum):
    """Which side of a triangle is drawn."""

    DoubleSided = 1
    Front = 2
    Back = 3


class PointShading(IntEnum):
    """How points are lit."""

    Gradient = 1
    Flat = 2


class TransformRelation(IntEnum):
    """Which way a transform goes."""

    ParentFromChild = 1
    ChildFromParent = 2


class VideoCodec(Enum):
    """FourCC of a codec."""

    AV1 = 0x61763031
    H264 = 0x61766331
    H265 = 0x68657631
    VP8 = 0x76703038
    VP9 = 0x76703039


class LogLevel:
    """The usual levels of a text log, from worst to least."""

    CRITICAL = "CRITICAL"
    ERROR = "ERROR"
    WARN = "WARN"
    INFO = "INFO"
    DEBUG = "DEBUG"
    TRACE = "TRACE"


@dataclass(frozen=True, slots=True)
class AxisAngle:
    """A rotation by `angle` radians about `axis`."""

    axis: Sequence[float]
    angle: float


EnumLike: TypeAlias = int | str | Enum
EnumsLike: TypeAlias = EnumLike | Sequence[EnumLike] | np.ndarray[Any, Any]

AggregationPolicyLike: TypeAlias = Annotated[EnumsLike, Component("AggregationPolicy", enc.enum(AggregationPolicy))]
AlbedoFactor: TypeAlias = Annotated[ColorLike, Component("AlbedoFactor", enc.rgba)]
AnnotationContextLike: TypeAlias = Annotated[Sequence[Any], Component("AnnotationContext", enc.annotation_context)]
AxisLength: TypeAlias = Annotated[FloatLike, Component("AxisLength", enc.float32)]
Blob: TypeAlias = Annotated[BlobLike, Component("Blob", enc.blob)]
CellSize: TypeAlias = Annotated[FloatLike, Component("CellSize", enc.float32)]
ChannelId: TypeAlias = Annotated[IntLike, Component("ChannelId", enc.uint16)]
ChannelMessageCounts: TypeAlias = Annotated[
    Mapping[int, int], Component("ChannelMessageCounts", enc.channel_message_counts)
]
ClassId: TypeAlias = Annotated[IntLike, Component("ClassId", enc.uint16)]
ClearIsRecursive: TypeAlias = Annotated[BoolLike, Component("ClearIsRecursive", enc.boolean)]
Color: TypeAlias = Annotated[ColorLike, Component("Color", enc.rgba)]
ColormapLike: TypeAlias = Annotated[EnumsLike, Component("Colormap", enc.enum(Colormap))]
Count: TypeAlias = Annotated[IntLike, Component("Count", enc.uint64)]
DepthMeter: TypeAlias = Annotated[FloatLike, Component("DepthMeter", enc.float32)]
DrawOrder: TypeAlias = Annotated[FloatLike, Component("DrawOrder", enc.float32)]
FillModeLike: TypeAlias = Annotated[EnumsLike, Component("FillMode", enc.enum(FillMode))]
FillRatio: TypeAlias = Annotated[FloatLike, Component("FillRatio", enc.float32)]
EntityPath: TypeAlias = Annotated[TextLike, Component("EntityPath", enc.text)]
GammaCorrection: TypeAlias = Annotated[FloatLike, Component("GammaCorrection", enc.float32)]
GeoLineString: TypeAlias = Annotated[StripsLike, Component("GeoLineString", enc.geo_strip)]
GraphEdge: TypeAlias = Annotated[Sequence[Any], Component("GraphEdge", enc.utf8_pair)]
GraphNode: TypeAlias = Annotated[TextLike, Component("GraphNode", enc.text)]
GraphTypeLike: TypeAlias = Annotated[EnumsLike, Component("GraphType", enc.enum(GraphType))]
HalfSize2D: TypeAlias = Annotated[VecLike, Component("HalfSize2D", enc.vec2)]
HalfSize3D: TypeAlias = Annotated[VecLike, Component("HalfSize3D", enc.vec3)]
ImageBuffer: TypeAlias = Annotated[BlobLike, Component("ImageBuffer", enc.blob)]
ImageFormat: TypeAlias = Annotated[
    ImageFormatRecord | Mapping[str, Any] | Sequence[Any], Component("ImageFormat", enc.image_format)
]
ImagePlaneDistance: TypeAlias = Annotated[FloatLike, Component("ImagePlaneDistance", enc.float32)]
InterpolationModeLike: TypeAlias = Annotated[EnumsLike, Component("InterpolationMode", enc.enum(InterpolationMode))]
IsKeyframe: TypeAlias = Annotated[BoolLike, Component("IsKeyframe", enc.boolean)]
KeypointId: TypeAlias = Annotated[IntLike, Component("KeypointId", enc.uint16)]
KeyValuePairs: TypeAlias = Annotated[Mapping[str, str] | Sequence[Any], Component("KeyValuePairs", enc.key_value_pairs)]
LatLon: TypeAlias = Annotated[VecLike, Component("LatLon", enc.dvec2)]
Length: TypeAlias = Annotated[FloatLike, Component("Length", enc.float32)]
LineStrip2D: TypeAlias = Annotated[StripsLike, Component("LineStrip2D", enc.strip2)]
LineStrip3D: TypeAlias = Annotated[StripsLike, Component("LineStrip3D", enc.strip3)]
MagnificationFilterLike: TypeAlias = Annotated[
    EnumsLike, Component("MagnificationFilter", enc.enum(MagnificationFilter))
]
MarkerShapeLike: TypeAlias = Annotated[EnumsLike, Component("MarkerShape", enc.enum(MarkerShape))]
MarkerSize: TypeAlias = Annotated[FloatLike, Component("MarkerSize", enc.float32)]
MediaType: TypeAlias = Annotated[TextLike, Component("MediaType", enc.text)]
MeshFaceRenderingLike: TypeAlias = Annotated[EnumsLike, Component("MeshFaceRendering", enc.enum(MeshFaceRendering))]
Name: TypeAlias = Annotated[TextLike, Component("Name", enc.text)]
Opacity: TypeAlias = Annotated[FloatLike, Component("Opacity", enc.float32)]
OpticalDensity: TypeAlias = Annotated[FloatLike, Component("OpticalDensity", enc.float32)]
PinholeProjection: TypeAlias = Annotated[Mat3x3Like, Component("PinholeProjection", enc.mat3x3)]
PointShadingLike: TypeAlias = Annotated[EnumsLike, Component("PointShading", enc.enum(PointShading))]
Position2D: TypeAlias = Annotated[VecLike, Component("Position2D", enc.vec2)]
Position3D: TypeAlias = Annotated[VecLike, Component("Position3D", enc.vec3)]
Radius: TypeAlias = Annotated[FloatLike, Component("Radius", enc.float32)]
Range1D: TypeAlias = Annotated[VecLike, Component("ValueRange", enc.dvec2)]
Resolution: TypeAlias = Annotated[VecLike, Component("Resolution", enc.vec2)]
RotationAxisAngle: TypeAlias = Annotated[
    AxisAngle | Mapping[str, Any] | Sequence[Any], Component("RotationAxisAngle", enc.axis_angle)
]
RotationQuat: TypeAlias = Annotated[VecLike, Component("RotationQuat", enc.vec4)]
Scalar: TypeAlias = Annotated[FloatLike, Component("Scalar", enc.float64)]
Scale3D: TypeAlias = Annotated[VecLike, Component("Scale3D", enc.vec3)]
SchemaId: TypeAlias = Annotated[IntLike, Component("SchemaId", enc.uint16)]
ShowLabels: TypeAlias = Annotated[BoolLike, Component("ShowLabels", enc.boolean)]
SphericalHarmonics3Rgb: TypeAlias = Annotated[VecLike, Component("SphericalHarmonics3Rgb", enc.spherical_harmonics)]
SphericalHarmonicsDegree: TypeAlias = Annotated[IntLike, Component("SphericalHarmonicsDegree", enc.uint32)]
StrokeWidth: TypeAlias = Annotated[FloatLike, Component("StrokeWidth", enc.float32)]
TensorValues: TypeAlias = Annotated[TensorLike, Component("TensorData", tensor)]
Texcoord2D: TypeAlias = Annotated[VecLike, Component("Texcoord2D", enc.vec2)]
Label: TypeAlias = Annotated[TextLike, Component("Text", enc.text)]
TextLogLevel: TypeAlias = Annotated[TextLike, Component("TextLogLevel", enc.text)]
Timestamp: TypeAlias = Annotated[IntLike, Component("Timestamp", enc.int64)]
TransformFrameId: TypeAlias = Annotated[TextLike, Component("TransformFrameId", enc.text)]
TransformMat3x3: TypeAlias = Annotated[Mat3x3Like, Component("TransformMat3x3", enc.mat3x3)]
TransformRelationLike: TypeAlias = Annotated[EnumsLike, Component("TransformRelation", enc.enum(TransformRelation))]
Translation3D: TypeAlias = Annotated[VecLike, Component("Translation3D", enc.vec3)]
TriangleIndices: TypeAlias = Annotated[VecLike, Component("TriangleIndices", enc.uvec3)]
Unit: TypeAlias = Annotated[TextLike, Component("Unit", enc.text)]
Variance: TypeAlias = Annotated[FloatLike, Component("Variance", enc.float64)]
Vector2D: TypeAlias = Annotated[VecLike, Component("Vector2D", enc.vec2)]
Vector3D: TypeAlias = Annotated[VecLike, Component("Vector3D", enc.vec3)]
VideoCodecLike: TypeAlias = Annotated[EnumsLike, Component("VideoCodec", enc.enum(VideoCodec, np.uint32))]
VideoSample: TypeAlias = Annotated[BlobLike, Component("VideoSample", enc.blob)]
VideoTimestamp: TypeAlias = Annotated[IntLike, Component("VideoTimestamp", enc.int64)]
ViewCoordinatesLike: TypeAlias = Annotated[VecLike, Component("ViewCoordinates", enc.u8vec3)]
Visible: TypeAlias = Annotated[BoolLike, Component("Visible", enc.boolean)]
VoxelIndex: TypeAlias = Annotated[VecLike, Component("VoxelIndex", enc.ivec3)]
VoxelSize: TypeAlias = Annotated[VecLike, Component("VoxelSize", enc.vec3)]
VoxelValue: TypeAlias = Annotated[FloatLike, Component("VoxelValue", enc.float32)]
