"""rrbridge: log, open, query and view what robots recorded. `import rrbridge as rr`.

The names and arguments are those of Rerun's Python SDK, and so are the data: what is logged here opens there.
"""

import sys as _sys
import typing as _typing
from importlib import import_module as _import_module

from rrbridge import encodings as encodings
from rrbridge._active import get_data_recording as get_data_recording
from rrbridge._active import get_global_data_recording as get_global_data_recording
from rrbridge._active import get_thread_local_data_recording as get_thread_local_data_recording
from rrbridge._active import set_global_data_recording as set_global_data_recording
from rrbridge._active import set_thread_local_data_recording as set_thread_local_data_recording
from rrbridge._archetype import Archetype as Archetype
from rrbridge._archetype import Component as Component
from rrbridge._archetype import ComponentColumnList as ComponentColumnList
from rrbridge._auto_index import AUTO_INDEX as AUTO_INDEX
from rrbridge._batcher import ChunkBatcherConfig as ChunkBatcherConfig
from rrbridge._batches import ComponentBatchLike as ComponentBatchLike
from rrbridge._batches import ComponentBatchMixin as ComponentBatchMixin
from rrbridge._batches import DescribedComponentBatch as DescribedComponentBatch
from rrbridge._chunk import Chunk as Chunk
from rrbridge._chunk import ComponentColumn as ComponentColumn
from rrbridge._descriptor import ComponentDescriptor as ComponentDescriptor
from rrbridge._entity_path import escape_entity_path_part as escape_entity_path_part
from rrbridge._global import binary_stream as binary_stream
from rrbridge._global import disable_timeline as disable_timeline
from rrbridge._global import disconnect as disconnect
from rrbridge._global import get_application_id as get_application_id
from rrbridge._global import get_recording_id as get_recording_id
from rrbridge._global import init as init
from rrbridge._global import is_enabled as is_enabled
from rrbridge._global import log as log
from rrbridge._global import log_file_from_contents as log_file_from_contents
from rrbridge._global import log_file_from_path as log_file_from_path
from rrbridge._global import memory_recording as memory_recording
from rrbridge._global import new_entity_path as new_entity_path
from rrbridge._global import reset_time as reset_time
from rrbridge._global import save as save
from rrbridge._global import send_blueprint as send_blueprint
from rrbridge._global import send_chunks as send_chunks
from rrbridge._global import send_columns as send_columns
from rrbridge._global import send_dataframe as send_dataframe
from rrbridge._global import send_property as send_property
from rrbridge._global import send_record_batch as send_record_batch
from rrbridge._global import send_recording_name as send_recording_name
from rrbridge._global import send_recording_start_time_nanos as send_recording_start_time_nanos
from rrbridge._global import set_log_tick_enabled as set_log_tick_enabled
from rrbridge._global import set_log_time_enabled as set_log_time_enabled
from rrbridge._global import set_sinks as set_sinks
from rrbridge._global import set_time as set_time
from rrbridge._global import spawn as spawn
from rrbridge._global import stdout as stdout
from rrbridge._global import version as version
from rrbridge._misuse import set_strict_mode as set_strict_mode
from rrbridge._misuse import strict_mode as strict_mode
from rrbridge._plain import asarray as asarray
from rrbridge._process import cleanup_if_forked_child as cleanup_if_forked_child
from rrbridge._process import rerun_shutdown as rerun_shutdown
from rrbridge._process import unregister_shutdown as unregister_shutdown
from rrbridge._recording import AsComponents as AsComponents
from rrbridge._recording import RecordingStream as RecordingStream
from rrbridge._sinks import FileSink as FileSink
from rrbridge._timeline import TimeColumn as TimeColumn
from rrbridge._timeline import TimeColumnLike as TimeColumnLike
from rrbridge._type_modules import TypeModules as _TypeModules
from rrbridge.columns import Columns as Columns
from rrbridge.columns import Emit as Emit
from rrbridge.columns import Ragged as Ragged
from rrbridge.columns import Text as Text
from rrbridge.encodings import Angle as Angle
from rrbridge.encodings import AnnotationInfo as AnnotationInfo
from rrbridge.encodings import ChannelDatatype as ChannelDatatype
from rrbridge.encodings import ClassDescription as ClassDescription
from rrbridge.encodings import ColorModel as ColorModel
from rrbridge.encodings import PixelFormat as PixelFormat
from rrbridge.encodings import Quaternion as Quaternion
from rrbridge.encodings import RotationAxisAngle as RotationAxisAngle
from rrbridge.errors import RrbridgeError as RrbridgeError
from rrbridge.errors import RrbridgeWarning as RrbridgeWarning

ImageFormat = encodings.ImageFormat

__all__ = [
    "AUTO_INDEX", "EXTERNAL_IMPORTER_INCOMPATIBLE_EXIT_CODE", "RECORDING_PROPERTIES_PATH", "RERUN_KIND",
    "RERUN_KIND_CONTROL", "RERUN_KIND_INDEX", "SORBET_ARCHETYPE_NAME", "SORBET_COMPONENT", "SORBET_COMPONENT_TYPE",
    "SORBET_ENTITY_PATH", "SORBET_INDEX_NAME", "SORBET_IS_TABLE_INDEX", "AggregationPolicy", "AlbedoFactor",
    "Angle", "AnnotationContext", "AnnotationInfo", "AnyBatchValue", "AnyValues", "Archetype", "Arrows2D",
    "Arrows3D", "AsComponents", "Asset3D", "AssetAudio", "AssetVideo", "BarChart", "BinaryStream", "Box2DFormat",
    "Boxes2D", "Boxes3D", "Capsules3D", "ChannelDatatype", "Chunk", "ChunkBatcherConfig", "ClassDescription",
    "Clear", "Color", "ColorModel", "Colormap", "Columns", "Component", "ComponentBatchLike", "ComponentBatchMixin",
    "ComponentColumn", "ComponentColumnList", "ComponentDescriptor", "ComponentMixin", "ComponentValueLike",
    "CoordinateFrame", "Cylinders3D", "DepthImage", "DescribedComponentBatch", "DynamicArchetype", "Ellipses2D",
    "Ellipsoids3D", "Emit", "EncodedDepthImage", "EncodedImage", "FileSink", "FillMode", "GaussianSplats3D",
    "GeoLineStrings", "GeoPoints", "GraphEdge", "GraphEdges", "GraphNodes", "GraphType", "GridMap", "Image",
    "ImageFormat", "InstancePoses3D", "InterpolationMode", "LineStrips2D", "LineStrips3D", "LiveRecording",
    "LoggingHandler", "MagnificationFilter", "MarkerShape", "McapChannel", "McapMessage", "McapSchema",
    "McapStatistics", "Measurements", "MediaType", "MemoryRecording", "Mesh3D", "MeshFaceRendering", "Pinhole",
    "PixelFormat", "PointShading", "Points2D", "Points3D", "Quaternion", "Radius", "Ragged", "Recording",
    "RecordingInfo", "RecordingStream", "Recordings", "RotationAxisAngle", "RrbridgeError", "RrbridgeWarning",
    "Scalars", "Scale3D", "SegmentationImage", "SeriesLines", "SeriesPoints", "StateChange", "StateConfiguration",
    "Tensor", "TensorData", "TensorDimensionIndexSelection", "TensorDimensionSelection", "Text", "TextDocument",
    "TextLog", "TextLogLevel", "TimeColumn", "TimeColumnLike", "TimeInt", "TimeRange", "TimeRangeBoundary",
    "Transform3D", "TransformAxes3D", "TransformRelation", "TransformTree", "VideoCodec", "VideoFrameReference",
    "VideoStream", "View", "ViewCoordinates", "VisibleTimeRange", "Volume3D", "VoxelGridMap", "any_batch_value",
    "any_value", "archetypes", "asarray", "binary_stream", "blueprint", "chunk", "cleanup_if_forked_child",
    "components", "disable_timeline", "disconnect", "dynamic_archetype", "encodings", "error_utils",
    "escape_entity_path_part", "get_application_id", "get_data_recording", "get_global_data_recording",
    "get_recording_id", "get_thread_local_data_recording", "init", "is_enabled", "log", "log_file_from_contents",
    "log_file_from_path", "memory_recording", "new_entity_path", "open_all", "recording_stream",
    "recording_stream_generator_ctx", "rerun_shutdown", "reset_time", "save", "script_add_args", "script_setup",
    "script_teardown", "send_blueprint", "send_chunks", "send_columns", "send_dataframe", "send_property",
    "send_record_batch", "send_recording_name", "send_recording_start_time_nanos", "set_global_data_recording",
    "set_log_tick_enabled", "set_log_time_enabled", "set_sinks", "set_strict_mode",
    "set_thread_local_data_recording", "set_time", "shutdown_at_exit", "sinks", "spawn", "stdout", "strict_mode",
    "thread_local_stream", "unregister_shutdown", "urdf", "version",
]  # fmt: skip
"""What a star import brings: all but `open` and `time`, which Python has, and `datatypes`, which is deprecated."""

if _typing.TYPE_CHECKING:
    from rrbridge import any_batch_value as any_batch_value
    from rrbridge import any_value as any_value
    from rrbridge import archetypes as archetypes
    from rrbridge import blueprint as blueprint
    from rrbridge import chunk as chunk
    from rrbridge import components as components
    from rrbridge import datatypes as datatypes
    from rrbridge import dynamic_archetype as dynamic_archetype
    from rrbridge import error_utils as error_utils
    from rrbridge import recording_stream as recording_stream
    from rrbridge import sinks as sinks
    from rrbridge import time as time
    from rrbridge import urdf as urdf
    from rrbridge._any_values import AnyBatchValue as AnyBatchValue
    from rrbridge._any_values import AnyValues as AnyValues
    from rrbridge._any_values import ComponentValueLike as ComponentValueLike
    from rrbridge._any_values import DynamicArchetype as DynamicArchetype
    from rrbridge._component_values import ComponentMixin as ComponentMixin
    from rrbridge._contexts import recording_stream_generator_ctx as recording_stream_generator_ctx
    from rrbridge._contexts import shutdown_at_exit as shutdown_at_exit
    from rrbridge._contexts import thread_local_stream as thread_local_stream
    from rrbridge._logging_handler import LoggingHandler as LoggingHandler
    from rrbridge._metadata import RECORDING_PROPERTIES_PATH as RECORDING_PROPERTIES_PATH
    from rrbridge._metadata import RERUN_KIND as RERUN_KIND
    from rrbridge._metadata import RERUN_KIND_CONTROL as RERUN_KIND_CONTROL
    from rrbridge._metadata import RERUN_KIND_INDEX as RERUN_KIND_INDEX
    from rrbridge._metadata import SORBET_ARCHETYPE_NAME as SORBET_ARCHETYPE_NAME
    from rrbridge._metadata import SORBET_COMPONENT as SORBET_COMPONENT
    from rrbridge._metadata import SORBET_COMPONENT_TYPE as SORBET_COMPONENT_TYPE
    from rrbridge._metadata import SORBET_ENTITY_PATH as SORBET_ENTITY_PATH
    from rrbridge._metadata import SORBET_INDEX_NAME as SORBET_INDEX_NAME
    from rrbridge._metadata import SORBET_IS_TABLE_INDEX as SORBET_IS_TABLE_INDEX
    from rrbridge._outputs import BinaryStream as BinaryStream
    from rrbridge._outputs import MemoryRecording as MemoryRecording
    from rrbridge._query_open import open as open  # noqa: A004 - `rr.open` is what it is called
    from rrbridge._query_open import open_all as open_all
    from rrbridge._query_recording import LiveRecording as LiveRecording
    from rrbridge._query_recording import Recording as Recording
    from rrbridge._query_recording import Recordings as Recordings
    from rrbridge._query_view import View as View
    from rrbridge._scripts import script_add_args as script_add_args
    from rrbridge._scripts import script_setup as script_setup
    from rrbridge._scripts import script_teardown as script_teardown
    from rrbridge._selections import TensorDimensionSelection as TensorDimensionSelection
    from rrbridge._tensor_encoding import TensorData as TensorData
    from rrbridge._time_ranges import TimeRange as TimeRange
    from rrbridge._time_ranges import TimeRangeBoundary as TimeRangeBoundary
    from rrbridge._time_ranges import VisibleTimeRange as VisibleTimeRange
    from rrbridge._transforms import TransformTree as TransformTree
    from rrbridge._values import TimeInt as TimeInt
    from rrbridge.archetypes import AnnotationContext as AnnotationContext
    from rrbridge.archetypes import Arrows2D as Arrows2D
    from rrbridge.archetypes import Arrows3D as Arrows3D
    from rrbridge.archetypes import Asset3D as Asset3D
    from rrbridge.archetypes import AssetAudio as AssetAudio
    from rrbridge.archetypes import AssetVideo as AssetVideo
    from rrbridge.archetypes import BarChart as BarChart
    from rrbridge.archetypes import Boxes2D as Boxes2D
    from rrbridge.archetypes import Boxes3D as Boxes3D
    from rrbridge.archetypes import Capsules3D as Capsules3D
    from rrbridge.archetypes import Clear as Clear
    from rrbridge.archetypes import CoordinateFrame as CoordinateFrame
    from rrbridge.archetypes import Cylinders3D as Cylinders3D
    from rrbridge.archetypes import DepthImage as DepthImage
    from rrbridge.archetypes import Ellipses2D as Ellipses2D
    from rrbridge.archetypes import Ellipsoids3D as Ellipsoids3D
    from rrbridge.archetypes import EncodedDepthImage as EncodedDepthImage
    from rrbridge.archetypes import EncodedImage as EncodedImage
    from rrbridge.archetypes import GaussianSplats3D as GaussianSplats3D
    from rrbridge.archetypes import GeoLineStrings as GeoLineStrings
    from rrbridge.archetypes import GeoPoints as GeoPoints
    from rrbridge.archetypes import GraphEdges as GraphEdges
    from rrbridge.archetypes import GraphNodes as GraphNodes
    from rrbridge.archetypes import GridMap as GridMap
    from rrbridge.archetypes import Image as Image
    from rrbridge.archetypes import InstancePoses3D as InstancePoses3D
    from rrbridge.archetypes import LineStrips2D as LineStrips2D
    from rrbridge.archetypes import LineStrips3D as LineStrips3D
    from rrbridge.archetypes import McapChannel as McapChannel
    from rrbridge.archetypes import McapMessage as McapMessage
    from rrbridge.archetypes import McapSchema as McapSchema
    from rrbridge.archetypes import McapStatistics as McapStatistics
    from rrbridge.archetypes import Measurements as Measurements
    from rrbridge.archetypes import Mesh3D as Mesh3D
    from rrbridge.archetypes import Pinhole as Pinhole
    from rrbridge.archetypes import Points2D as Points2D
    from rrbridge.archetypes import Points3D as Points3D
    from rrbridge.archetypes import RecordingInfo as RecordingInfo
    from rrbridge.archetypes import Scalars as Scalars
    from rrbridge.archetypes import SegmentationImage as SegmentationImage
    from rrbridge.archetypes import SeriesLines as SeriesLines
    from rrbridge.archetypes import SeriesPoints as SeriesPoints
    from rrbridge.archetypes import StateChange as StateChange
    from rrbridge.archetypes import StateConfiguration as StateConfiguration
    from rrbridge.archetypes import Tensor as Tensor
    from rrbridge.archetypes import TextDocument as TextDocument
    from rrbridge.archetypes import TextLog as TextLog
    from rrbridge.archetypes import Transform3D as Transform3D
    from rrbridge.archetypes import TransformAxes3D as TransformAxes3D
    from rrbridge.archetypes import VideoFrameReference as VideoFrameReference
    from rrbridge.archetypes import VideoStream as VideoStream
    from rrbridge.archetypes import ViewCoordinates as ViewCoordinates
    from rrbridge.archetypes import Volume3D as Volume3D
    from rrbridge.archetypes import VoxelGridMap as VoxelGridMap
    from rrbridge.archetypes.shapes import Box2DFormat as Box2DFormat
    from rrbridge.components import AggregationPolicy as AggregationPolicy
    from rrbridge.components import Colormap as Colormap
    from rrbridge.components import FillMode as FillMode
    from rrbridge.components import GraphType as GraphType
    from rrbridge.components import InterpolationMode as InterpolationMode
    from rrbridge.components import MagnificationFilter as MagnificationFilter
    from rrbridge.components import MarkerShape as MarkerShape
    from rrbridge.components import MeshFaceRendering as MeshFaceRendering
    from rrbridge.components import PointShading as PointShading
    from rrbridge.components import TensorDimensionIndexSelection as TensorDimensionIndexSelection
    from rrbridge.components import TransformRelation as TransformRelation
    from rrbridge.components import VideoCodec as VideoCodec
    from rrbridge.importers import (
        EXTERNAL_IMPORTER_INCOMPATIBLE_EXIT_CODE as EXTERNAL_IMPORTER_INCOMPATIBLE_EXIT_CODE,
    )

    # component values, whose classes are made when they are asked for
    AlbedoFactor: type[_typing.Any]
    Color: type[_typing.Any]
    GraphEdge: type[_typing.Any]
    MediaType: type[_typing.Any]
    Radius: type[_typing.Any]
    Scale3D: type[_typing.Any]
    TextLogLevel: type[_typing.Any]

_LAZY = {
    "LiveRecording": "rrbridge._query_recording",
    "Recording": "rrbridge._query_recording",
    "Recordings": "rrbridge._query_recording",
    "View": "rrbridge._query_view",
    "open": "rrbridge._query_open",
    "open_all": "rrbridge._query_open",
    "AnnotationContext": "rrbridge.archetypes",
    "Arrows2D": "rrbridge.archetypes",
    "Arrows3D": "rrbridge.archetypes",
    "Asset3D": "rrbridge.archetypes",
    "AssetAudio": "rrbridge.archetypes",
    "AssetVideo": "rrbridge.archetypes",
    "BarChart": "rrbridge.archetypes",
    "Boxes2D": "rrbridge.archetypes",
    "Boxes3D": "rrbridge.archetypes",
    "Capsules3D": "rrbridge.archetypes",
    "Clear": "rrbridge.archetypes",
    "CoordinateFrame": "rrbridge.archetypes",
    "Cylinders3D": "rrbridge.archetypes",
    "DepthImage": "rrbridge.archetypes",
    "Ellipses2D": "rrbridge.archetypes",
    "Ellipsoids3D": "rrbridge.archetypes",
    "EncodedDepthImage": "rrbridge.archetypes",
    "EncodedImage": "rrbridge.archetypes",
    "GaussianSplats3D": "rrbridge.archetypes",
    "GeoLineStrings": "rrbridge.archetypes",
    "GeoPoints": "rrbridge.archetypes",
    "GraphEdges": "rrbridge.archetypes",
    "GraphNodes": "rrbridge.archetypes",
    "GridMap": "rrbridge.archetypes",
    "Image": "rrbridge.archetypes",
    "InstancePoses3D": "rrbridge.archetypes",
    "LineStrips2D": "rrbridge.archetypes",
    "LineStrips3D": "rrbridge.archetypes",
    "McapChannel": "rrbridge.archetypes",
    "McapMessage": "rrbridge.archetypes",
    "McapSchema": "rrbridge.archetypes",
    "McapStatistics": "rrbridge.archetypes",
    "Measurements": "rrbridge.archetypes",
    "Mesh3D": "rrbridge.archetypes",
    "Pinhole": "rrbridge.archetypes",
    "Points2D": "rrbridge.archetypes",
    "Points3D": "rrbridge.archetypes",
    "RecordingInfo": "rrbridge.archetypes",
    "Scalars": "rrbridge.archetypes",
    "SegmentationImage": "rrbridge.archetypes",
    "SeriesLines": "rrbridge.archetypes",
    "SeriesPoints": "rrbridge.archetypes",
    "StateChange": "rrbridge.archetypes",
    "StateConfiguration": "rrbridge.archetypes",
    "Tensor": "rrbridge.archetypes",
    "TextDocument": "rrbridge.archetypes",
    "TextLog": "rrbridge.archetypes",
    "Transform3D": "rrbridge.archetypes",
    "TransformAxes3D": "rrbridge.archetypes",
    "VideoFrameReference": "rrbridge.archetypes",
    "VideoStream": "rrbridge.archetypes",
    "ViewCoordinates": "rrbridge.archetypes",
    "Volume3D": "rrbridge.archetypes",
    "VoxelGridMap": "rrbridge.archetypes",
    "Box2DFormat": "rrbridge.archetypes.shapes",
    "AggregationPolicy": "rrbridge.components",
    "Colormap": "rrbridge.components",
    "FillMode": "rrbridge.components",
    "GraphType": "rrbridge.components",
    "InterpolationMode": "rrbridge.components",
    "MagnificationFilter": "rrbridge.components",
    "MarkerShape": "rrbridge.components",
    "MeshFaceRendering": "rrbridge.components",
    "PointShading": "rrbridge.components",
    "TransformRelation": "rrbridge.components",
    "VideoCodec": "rrbridge.components",
    "TensorData": "rrbridge._tensor_encoding",
    "RECORDING_PROPERTIES_PATH": "rrbridge._metadata",
    "RERUN_KIND": "rrbridge._metadata",
    "RERUN_KIND_CONTROL": "rrbridge._metadata",
    "RERUN_KIND_INDEX": "rrbridge._metadata",
    "SORBET_ARCHETYPE_NAME": "rrbridge._metadata",
    "SORBET_COMPONENT": "rrbridge._metadata",
    "SORBET_COMPONENT_TYPE": "rrbridge._metadata",
    "SORBET_ENTITY_PATH": "rrbridge._metadata",
    "SORBET_INDEX_NAME": "rrbridge._metadata",
    "SORBET_IS_TABLE_INDEX": "rrbridge._metadata",
    "recording_stream_generator_ctx": "rrbridge._contexts",
    "shutdown_at_exit": "rrbridge._contexts",
    "thread_local_stream": "rrbridge._contexts",
    "LoggingHandler": "rrbridge._logging_handler",
    "MemoryRecording": "rrbridge._outputs",
    "BinaryStream": "rrbridge._outputs",
    "script_add_args": "rrbridge._scripts",
    "script_setup": "rrbridge._scripts",
    "script_teardown": "rrbridge._scripts",
    "TensorDimensionIndexSelection": "rrbridge.components",
    "TensorDimensionSelection": "rrbridge._selections",
    "TimeInt": "rrbridge._values",
    "TimeRange": "rrbridge._time_ranges",
    "TimeRangeBoundary": "rrbridge._time_ranges",
    "VisibleTimeRange": "rrbridge._time_ranges",
    "TransformTree": "rrbridge._transforms",
    "AlbedoFactor": "rrbridge.components",
    "Color": "rrbridge.components",
    "GraphEdge": "rrbridge.components",
    "MediaType": "rrbridge.components",
    "Radius": "rrbridge.components",
    "Scale3D": "rrbridge.components",
    "TextLogLevel": "rrbridge.components",
    "ComponentMixin": "rrbridge._component_values",
    "AnyBatchValue": "rrbridge._any_values",
    "AnyValues": "rrbridge._any_values",
    "ComponentValueLike": "rrbridge._any_values",
    "EXTERNAL_IMPORTER_INCOMPATIBLE_EXIT_CODE": "rrbridge.importers",
    "DynamicArchetype": "rrbridge._any_values",
}
"""Names that load their module when they are first used, to keep `import rrbridge` short."""


_MODULES = (
    "any_batch_value", "any_value", "archetypes", "blueprint", "chunk", "components", "datatypes", "dynamic_archetype",
    "error_utils", "recording_stream", "sinks", "time", "urdf",
)  # fmt: skip
"""Modules that load when they are first used."""


if not _typing.TYPE_CHECKING:  # else a type checker would take every misspelt name for one that is found here

    def __getattr__(name: str) -> _typing.Any:
        if name in _MODULES:
            return _import_module(f"rrbridge.{name}")
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(_import_module(_LAZY[name]), name)
        return found


def __dir__() -> list[str]:
    return sorted((globals().keys() | _LAZY.keys() | set(_MODULES)) - {"datatypes"})  # which is deprecated


if not any(isinstance(finder, _TypeModules) for finder in _sys.meta_path):
    _sys.meta_path.append(_TypeModules())
