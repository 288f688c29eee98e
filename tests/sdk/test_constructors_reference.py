"""Archetypes are given the same values here and in the reference: what that takes is taken here, and becomes the same Arrow.

Where it is not the same, `constructor_differences.toml` says so with the reason. What the reference refuses may be taken.
"""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import tomllib
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rrbridge as rr
from rrbridge import archetypes, components
from rrbridge._archetype import Archetype
from rrbridge._messages import StoredChunk
from rrbridge.blueprint import archetypes as blueprint_archetypes
from rrbridge.blueprint import components as blueprint_components
from rrbridge.errors import RrbridgeError
from rrbridge.rrd import RrdReader

TABLE = tomllib.loads((Path(__file__).parent / "constructor_differences.toml").read_text())
LISTED = tuple(name for group in TABLE.values() for name in group["names"])
ENUMS = {
    name: value
    for module in (components, blueprint_components)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, Enum)
}
CLASSES = [
    value
    for module in (archetypes, blueprint_archetypes)
    for value in (getattr(module, name) for name in dir(module))
    if isinstance(value, type) and issubclass(value, Archetype) and value.fields
]


class _E(Enum):
    A = 1


def made(value: Any, sdk: Any) -> Any:
    """A value for one of the two packages: what needs a class of the SDK is a function of the package."""
    return value(sdk) if callable(value) and not isinstance(value, type) else value


FLOATS: dict[str, Any] = {
    "int": 5, "float": 2.5, "bool": True, "nan": float("nan"), "too large": 1e300, "huge int": 2**70,
    "numpy float32": np.float32(1.5), "numpy float16": np.float16(1), "numpy int": np.int64(3),
    "list": [1.5, 2], "tuple": (1, 2, 3), "empty": [], "range": range(3), "list of numpy": [np.float32(1), 2],
    "array of none": np.array(2.5), "array": np.array([1, 2]), "float32 array": np.array([1.5, 2], np.float32),
    "empty array": np.zeros(0), "big endian": np.arange(4, dtype=">f4"), "strided": np.arange(6.0)[::2],
    "bools": np.array([True]), "objects": np.array([1, 2], object), "none in objects": np.array([1.5, None], object),
    "none in a list": [1, None], "rows": np.zeros((2, 3)), "rows in a list": [[1, 2]], "rows of one": np.zeros((2, 1)),
    "three axes": np.zeros((2, 3, 3)), "arrays in a list": [np.array([1, 2])], "text": "1.5", "texts": ["1"],
    "word": "x", "object": object(), "complex": 1j, "date": dt.datetime(2020, 1, 1), "none": None,
    "arrow": pa.array([1.5]), "arrow ints": pa.array([1, 2]), "arrow chunks": pa.chunked_array([[1.0]]),
    "set": {1, 2}, "mapping": {"a": 1}, "time": np.datetime64(5, "s"), "masked": np.ma.array([1.0, 2.0]),
    "memory": np.arange(3.0).data,
}  # fmt: skip
INTS: dict[str, Any] = {
    "int": 5, "float": 2.5, "whole float": 2.0, "bool": True, "nan": float("nan"), "negative": -1, "too large": 2**70,
    "numpy": np.uint8(200), "list": [1, 2], "floats": [1.5, 2.0], "array": np.array([1, 2]), "empty": [],
    "float array": np.array([1.5, 2.0]), "objects": np.array([1, 2], object), "none in a list": [1, None],
    "negative array": np.array([-1, 2]), "array beyond": np.array([2**40]), "rows": np.zeros((2, 3)), "range": range(3),
    "rows in a list": [[1, 2]], "texts": ["1"], "word": "x", "arrow": pa.array([1]), "arrow floats": pa.array([1.5]),
    "object": object(), "none": None, "time": np.datetime64(5, "s"),
}  # fmt: skip
BOOLS: dict[str, Any] = {
    "true": True, "one": 1, "two": 2, "numpy": np.bool_(True), "list": [True, False], "ints": [1, 0], "empty": [],
    "array": np.array([True, False]), "int array": np.array([1, 0]), "tuple": (True,), "arrow": pa.array([True]),
    "text": "false", "texts": ["x"], "none in a list": [True, None], "object": object(), "none": None, "float": 1.0,
}  # fmt: skip
TEXTS: dict[str, Any] = {
    "text": "a", "no text": "", "list": ["a", "b"], "tuple": ("a", "b"), "empty": [], "array": np.array(["a", "b"]),
    "int": 1, "float": 1.5, "mixed": ["a", 1], "ints": [1, 2], "path": Path("/a/b"), "paths": [Path("x")],
    "numpy": np.str_("x"), "none": None, "none in a list": ["a", None], "mapping": {"a": 1}, "set": {"a"},
    "lists in a list": ["a", ["b"]], "error": ValueError("went wrong"), "choice": _E.A, "beyond ascii": "é😀",
    "half a character": "\ud800", "bytes": b"abc", "bytes in a list": [b"a"], "bytearray": bytearray(b"x"),
    "arrow": pa.array(["x"]), "large arrow": pa.array(["x"], pa.large_utf8()), "iterator": lambda _: iter("ab"),
}  # fmt: skip
COLORS: dict[str, Any] = {
    "packed": 0xFF0000FF, "zero": 0, "negative": -1, "too large": 2**32, "channels": [255, 0, 0],
    "with alpha": [255, 0, 0, 128], "floats": (1.0, 0.0, 0.5), "floats and ints": (1.0, 0, 0),
    "floats with alpha": [1.0, 0.5, 0, 0.25], "small channels": [1, 0, 0], "beyond 255": [300, 0, 0],
    "below 0": [-1, 0, 0], "floats beyond 1": [1.5, 0, 0], "floats to 255": [255.0, 0, 0],
    "rows": [[255, 0, 0], [0, 255, 0]],
    "float rows": [[1.0, 0, 0], [0, 0.5, 0]], "rows with alpha": [[255, 0, 0, 1], [0, 255, 0, 2]],
    "rows of two kinds": [[1, 2, 3], [1, 2, 3, 4]], "packed numbers": [0xFF0000FF, 0x00FF00FF],
    "packed and channels": [0xFF0000FF, [1, 2, 3]], "three packed": [0xFF0000FF] * 3, "four packed": (0xFF0000FF,) * 4,
    "uint8 rows": np.array([[1, 2, 3], [4, 5, 6]], np.uint8), "uint8 rows with alpha": np.array([[1, 2, 3, 4]], np.uint8),
    "one uint8 row": np.array([1, 2, 3], np.uint8), "float array": np.array([0.5, 0.5, 0.5]),
    "float32 rows": np.array([[0.5, 0.5, 0.5]], np.float32), "uint32 array": np.array([1, 2, 3, 4], np.uint32),
    "int array": np.array([1, 2]), "int array of three": np.array([1, 2, 3]), "int rows": np.array([[1, 2, 3], [4, 5, 6]]),
    "uint32 rows": np.array([[1, 2, 3], [4, 5, 6]], np.uint32), "rows of five": np.zeros((2, 5)),
    "rows of pairs": np.zeros((2, 2)),
    "image": np.zeros((2, 2, 3), np.uint8), "empty": [], "empty rows": np.zeros((0, 3)), "name": "red", "none": None,
    "bool": True, "bytes": b"abc", "float16": np.array([1, 0, 0], np.float16), "list of numpy": [np.uint8(1)] * 3,
    "Color": lambda m: m.components.Color(5), "Colors": lambda m: [m.components.Color([1, 2, 3]), m.components.Color(7)],
    "Color and channels": lambda m: [m.components.Color(5), [1, 2, 3]], "Rgba32": lambda m: m.encodings.Rgba32(5),
}  # fmt: skip
BLOBS: dict[str, Any] = {
    "bytes": b"abc", "no bytes": b"", "array": np.array([1, 2, 3], np.uint8), "rows": np.array([[1, 2], [3, 4]], np.uint8),
    "many": [b"a", b"bc"], "arrays": [np.array([1, 2], np.uint8), np.array([3], np.uint8)], "tuple": (b"a", b"b"),
    "bytearray": bytearray(b"abc"), "memory": memoryview(b"abc"), "numbers": [1, 2, 3], "text": "abc", "none": None,
    "empty": [], "empty array": np.zeros(0, np.uint8), "beyond 255": [256], "below 0": [-1], "int": 5,
    "Blob": lambda m: m.components.Blob(b"ab"), "BlobBatch": lambda m: m.components.BlobBatch([b"a", b"b"]),
    "bytearrays": [bytearray(b"q")], "object": object(),
}  # fmt: skip


def _vectors(width: int) -> dict[str, Any]:
    return {
        "list": [1.0] * width, "tuple": tuple(range(width)), "lists": [[1] * width, [2] * width],
        "tuples": [(1,) * width, (2,) * width], "array": np.arange(width), "rows": np.arange(2 * width).reshape(2, width),
        "flat": np.arange(2 * width), "flat list": [1] * (2 * width),
        "three axes": np.arange(4 * width).reshape(2, 2, width),
        "transposed": np.zeros((width + 2, 5), order="F")[:width].T.copy(order="F"), "float64": np.zeros((2, width)),
        "one row": [[1] * width], "too wide": np.zeros((2, width + 1)), "too long": np.zeros(width + 1),
        "arrays in a list": [np.zeros(width), np.ones(width)], "rows in a list": [np.zeros((2, width))],
        "nan": [float("nan")] * width, "none": None, "nones": [None] * width, "texts": ["1"] * width, "empty": [],
        "bools": [True] * width, "numpy": [np.float32(1)] * width, "empty rows": np.zeros((0, width)),
        "objects": np.zeros(width, object), "arrow": pa.array([1.0] * width), "int": 5, "word": "x",
        "mixed": [(0,) * width, np.ones(width)],
    }  # fmt: skip


def _strips(width: int) -> dict[str, Any]:
    return {
        "one": [[0] * width, [1] * width], "lists": [[[0] * width, [1] * width]], "array": np.zeros((3, width)),
        "arrays": np.zeros((2, 3, width)), "ragged": [np.zeros((2, width)), np.zeros((3, width))],
        "ragged lists": [[(0,) * width, (1,) * width], [(0,) * width, (1,) * width, (2,) * width]], "empty": [],
        "empty array": np.zeros((0, width)), "an empty strip": [np.zeros((2, width)), []], "none": None, "int": 5,
        "too wide": np.zeros((2, 3, width + 1)), "four axes": np.zeros((2, 2, 2, width)), "nones": [None], "word": "a",
        "points in a list": [np.zeros(width), np.ones(width)], "arrays and lists": [np.zeros((2, width)), [[0] * width]],
    }  # fmt: skip


MATRICES: dict[str, Any] = {
    "array": np.arange(9.0).reshape(3, 3), "lists": [[1, 2, 3], [4, 5, 6], [7, 8, 9]], "flat": np.arange(9),
    "flat list": list(range(9)), "many": np.arange(18.0).reshape(2, 3, 3), "many flat": np.zeros((2, 9)), "none": None,
    "transposed": np.arange(9.0).reshape(3, 3).T, "in a list": [np.eye(3), np.eye(3)], "too large": np.eye(4), "empty": [],
    "Mat3x3": lambda m: m.encodings.Mat3x3(np.arange(9)), "Mat3x3 in a list": lambda m: [m.encodings.Mat3x3(np.arange(9))],
    "word": "x",
}  # fmt: skip
ROTATIONS: dict[str, Any] = {
    "radians": lambda m: m.RotationAxisAngle([1, 0, 0], 1.5),
    "degrees": lambda m: m.RotationAxisAngle([1, 0, 0], degrees=90),
    "many": lambda m: [m.RotationAxisAngle([1, 0, 0], radians=1)] * 2,
    "tuple": lambda m: (m.RotationAxisAngle([1, 0, 0], 1),),
    "Angle": lambda m: m.RotationAxisAngle([0, 0, 1], m.Angle(deg=5)), "empty": [], "none": None, "numbers": [1, 0, 0, 1],
    "component": lambda m: m.components.RotationAxisAngle([0, 0, 1], m.Angle(rad=5)), "word": "x",
}  # fmt: skip
FORMATS: dict[str, Any] = {
    "plain": lambda m: m.components.ImageFormat(3, 2, color_model="RGB", channel_datatype="U8"),
    "chroma": lambda m: m.components.ImageFormat(3, 2, pixel_format="NV12"),
    "size": lambda m: m.components.ImageFormat(3, 2),
    "members": lambda m: m.components.ImageFormat(3, 2, color_model=m.ColorModel.L, channel_datatype=m.ChannelDatatype.F32),
    "many": lambda m: [m.components.ImageFormat(3, 2), m.components.ImageFormat(4, 5)], "none": None, "int": 5,
    "below 0": lambda m: m.components.ImageFormat(-1, 2), "too large": lambda m: m.components.ImageFormat(2**33, 2),
}  # fmt: skip
TENSORS: dict[str, Any] = {
    "list": [1, 2, 3], "floats": [1.5, 2], "float16": np.arange(3, dtype=np.float16), "int8": np.arange(3, dtype=np.int8),
    "array": np.arange(4.0), "strided": np.arange(6)[::2], "tuple": (1, 2), "empty": [], "none": None, "word": "x",
    "texts": ["a"], "complex": np.zeros(2, complex), "range": range(3), "big endian": np.arange(4, dtype=">i4"),
    "TensorData": lambda m: m.TensorData(array=np.zeros(3)),
    "names": lambda m: m.TensorData(array=np.zeros(3), dim_names=["a"]),
    "buffer": lambda m: m.TensorData(shape=[3], buffer=np.zeros(3)),
    "component": lambda m: m.components.TensorData(array=np.zeros(3), dim_names=["a"]),
}  # fmt: skip
CONTEXTS: dict[str, Any] = {
    "info": lambda m: m.AnnotationInfo(1, "a", [1, 2, 3]),
    "infos": lambda m: [m.AnnotationInfo(1, "a"), m.AnnotationInfo(2)],
    "tuples": [(1, "a", (255, 0, 0)), (2, "b")], "ids": [1, 2], "floats": [(1, "a", (1.0, 0.5, 0))], "numbered": [(1, 2)],
    "packed": [(1, "a", 0xFF0000FF)], "class": lambda m: m.ClassDescription(info=1), "too large": [(70000, "a")],
    "keypoints": lambda m: [
        m.ClassDescription(info=(1, "a"), keypoint_annotations=[(0, "k"), 5], keypoint_connections=[(0, 1)])
    ],
    "elements": lambda m: [m.encodings.ClassDescriptionMapElem(3, m.ClassDescription(info=4))], "empty": [], "none": None,
    "all kinds": lambda m: [m.AnnotationInfo(1), (2, "b"), m.ClassDescription(info=3)], "by id": {1: "a", 2: "b"},
    "word": "x",
    "component": lambda m: m.components.AnnotationContext([(1, "a")]), "Color": lambda m: [(1, "a", m.components.Color(5))],
}  # fmt: skip
PAIRS: dict[str, Any] = {
    "pairs": [("a", "b"), ("c", "d")], "lists": [["a", "b"]], "tuples": (("a", "b"), ("c", "d")), "empty": [], "none": None,
    "three": [("a", "b", "c")], "Utf8Pair": lambda m: [m.encodings.Utf8Pair("a", "b")], "word": "x",
    "array": np.array([["a", "b"]]),
    "GraphEdge": lambda m: [m.components.GraphEdge("a", "b"), ("c", "d")], "numbers": [("a", 1)],
}  # fmt: skip
MAPPINGS: dict[str, Any] = {
    "one": {"a": "b", "c": "d"}, "empty": {}, "many": [{"a": "b"}, {"c": "d"}], "numbers": {"a": 1}, "by number": {1: "a"},
    "array": np.array([["a", "b"], ["c", "d"]]), "component": lambda m: m.components.KeyValuePairs({"a": "b"}),
    "none": None, "int": 5,
    "lists": [[("a", "b")], [("c", "d")]],
}  # fmt: skip
HARMONICS: dict[str, Any] = {
    "one": np.zeros((15, 3)), "many": np.zeros((2, 15, 3)), "flat": np.zeros(45), "many flat": np.zeros((2, 45)),
    "none": None,
    "turned": np.zeros((3, 15)), "float16": np.zeros((2, 15, 3), np.float16), "too wide": np.zeros((2, 15, 4)), "empty": [],
}  # fmt: skip
UUIDS: dict[str, Any] = {
    "bytes": bytes(16), "many": [bytes(16), bytes(16)], "array": np.zeros((2, 16), np.uint8), "numbers": list(range(16)),
    "none": None,
    "word": "x", "Uuid": lambda m: m.encodings.Uuid(bytes(range(16))), "uuid": uuid.UUID(int=5),
}  # fmt: skip
RECORDS: dict[str, Any] = {
    "word": "a", "words": ["a", "b"], "int": 5, "none": None, "empty": [], "tuple": (1, 2),
    "TimeRange": lambda m: m.TimeRange(start=m.TimeRangeBoundary.cursor_relative(seq=-5), end=m.TimeRangeBoundary.infinite()),
    "VisibleTimeRange": lambda m: m.VisibleTimeRange(
        "t", start=m.TimeRangeBoundary.absolute(seconds=1.5), end=m.TimeRangeBoundary.infinite()
    ),
    "AbsoluteTimeRange": lambda m: m.encodings.AbsoluteTimeRange(1, 5),
    "Range2D": lambda m: m.encodings.Range2D([0, 1], [2, 3]),
    "TensorDimensionSelection": lambda m: m.TensorDimensionSelection(1, invert=True),
    "TensorDimensionIndexSelection": lambda m: [m.TensorDimensionIndexSelection(1, 5)] * 2,
    "SortBy": lambda m: m.blueprint.encodings.SortBy("a"),
    "SelectedColumns": lambda m: m.blueprint.encodings.SelectedColumns(["t", "/a:b"]),
    "columns": ["t", "/a:b"], "column": "/a:b",
    "FilterIsNotNull": lambda m: m.blueprint.encodings.FilterIsNotNull(True, "/a:b"),
    "FilterByRange": lambda m: m.blueprint.encodings.FilterByRange(1, 5),
    "TextLogColumn": lambda m: m.blueprint.encodings.TextLogColumn("body"),
    "TimelineColumn": lambda m: m.blueprint.encodings.TimelineColumn("t"), "log columns": ["body", "loglevel"],
    "TensorDimensionIndexSlider": lambda m: m.blueprint.encodings.TensorDimensionIndexSlider(3), "numbers": [1, 2],
    "ColumnType": lambda m: m.blueprint.encodings.ColumnType(component="a"),
    "VisualizerComponentMapping": lambda m: [m.blueprint.encodings.VisualizerComponentMapping("a", 1, source_component="x")],
    "Plane3D": lambda m: m.components.Plane3D([1, 2, 3], 5), "Planes3D": lambda m: [m.components.Plane3D.XY] * 2,
}  # fmt: skip


def _enum(name: str) -> dict[str, Any]:
    def members(m: Any) -> Any:
        homes = (m.components, m.blueprint.components, m.encodings, m.blueprint.encodings)
        return next(getattr(home, name) for home in homes if hasattr(home, name))

    return {
        "member": lambda m: next(iter(members(m))), "members": lambda m: list(members(m)), "none": None, "empty": [],
        "name": lambda m: next(iter(members(m))).name, "small name": lambda m: next(iter(members(m))).name.lower(),
        "number": lambda m: next(iter(members(m))).value, "numbers": lambda m: [e.value for e in members(m)],
        "names and members": lambda m: [next(iter(members(m))), next(iter(members(m))).name], "wrong name": "nope",
        "wrong number": 200, "nones": [None],
    }  # fmt: skip


POOLS: Mapping[str, Mapping[str, Any]] = {
    "blobs": BLOBS, "bools": BOOLS, "colors": COLORS, "contexts": CONTEXTS, "floats": FLOATS, "formats": FORMATS,
    "harmonics": HARMONICS, "ints": INTS, "mappings": MAPPINGS, "matrices": MATRICES, "pairs": PAIRS, "records": RECORDS,
    "rotations": ROTATIONS, "strips of 2": _strips(2), "strips of 3": _strips(3), "tensors": TENSORS, "texts": TEXTS,
    "uuids": UUIDS, "vectors of 2": _vectors(2), "vectors of 3": _vectors(3),
    "quaternions": _vectors(4) | {
        "Quaternions": lambda m: [m.Quaternion(xyzw=[1, 2, 3, 4])] * 2,
        "Quaternion": lambda m: m.Quaternion(xyzw=[1, 2, 3, 4]),
        "with numbers": lambda m: [m.Quaternion.invalid(), [1, 2, 3, 4]],
    },
    "axes": {
        "numbers": [3, 2, 5], "rows": [[3, 2, 5]], "array": np.array([3, 2, 5], np.uint8), "zeros": [0, 0, 0], "none": None,
        "members": lambda m: [m.encodings.ViewDir.Right, m.encodings.ViewDir.Down, m.encodings.ViewDir.Forward],
        "component": lambda m: m.components.ViewCoordinates.RDF, "words": ["right", "down", "forward"], "word": "x",
    },
}  # fmt: skip

_BY_COMPONENT = {
    "Color": "colors", "AlbedoFactor": "colors", "RotationQuat": "quaternions", "RotationAxisAngle": "rotations",
    "ImageFormat": "formats", "TensorData": "tensors", "AnnotationContext": "contexts", "KeyValuePairs": "mappings",
    "GraphEdge": "pairs", "PinholeProjection": "matrices", "TransformMat3x3": "matrices", "ViewCoordinates": "axes",
    "SphericalHarmonics3Rgb": "harmonics", "Plane3D": "records", "ColumnOrder": "records",
}  # fmt: skip


def kind_of(component: str, arrow: pa.DataType, enums: Mapping[str, type]) -> tuple[str, Mapping[str, Any]]:
    """Which values fit a field of this component and Arrow type, and the name of their kind."""
    if component in enums:
        return "choices", _enum(component)
    kind = _BY_COMPONENT.get(component)
    if kind is None and pa.types.is_boolean(arrow):
        kind = "bools"
    elif kind is None and pa.types.is_floating(arrow):
        kind = "floats"
    elif kind is None and pa.types.is_integer(arrow):
        kind = "ints"
    elif kind is None and pa.types.is_string(arrow):
        kind = "texts"
    elif kind is None and pa.types.is_fixed_size_list(arrow):
        kind = "uuids" if arrow.list_size == 16 else f"vectors of {arrow.list_size}"
    elif kind is None and pa.types.is_list(arrow) and pa.types.is_integer(arrow.value_type):
        kind = "blobs"
    elif kind is None and pa.types.is_list(arrow) and pa.types.is_fixed_size_list(arrow.value_type):
        kind = f"strips of {arrow.value_type.list_size}"
    return kind or "records", POOLS[kind or "records"]


_PICTURE = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
_PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 10

CALLS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "ActiveVisualizers": ({"instruction_ids": [bytes(16)]},), "AnnotationContext": ({"context": [(1, "a")]},),
    "Arrows2D": ({"vectors": [[1, 2]]},), "Arrows3D": ({"vectors": [[1, 2, 3]]},),
    "Asset3D": ({"contents": b"glTF", "media_type": "model/gltf-binary"},), "AssetAudio": ({"contents": b"x"},),
    "AssetVideo": ({"contents": b"x"},), "Background": ({}, {"color": [1, 2, 3]}), "BarChart": ({"values": [1, 2, 3]},),
    "Boxes2D": (
        {}, {"half_sizes": [[1, 2]]}, {"sizes": [[1, 2]], "mins": [[0, 0]]},
        {"array": [1, 2, 3, 4], "array_format": lambda m: m.Box2DFormat.XYWH},
    ),
    "Boxes3D": ({}, {"half_sizes": [[1, 2, 3]]}, {"sizes": [[1, 2, 3]], "mins": [[0, 0, 0]]}),
    "Capsules3D": ({}, {"lengths": [1], "radii": [1]}), "CardLayout": ({"field_order": ["a"]},),
    "Clear": ({"recursive": True},),
    "ContainerBlueprint": ({"container_kind": "grid"},), "CoordinateFrame": ({"frame": "a"},),
    "Cylinders3D": ({}, {"lengths": [1], "radii": [1]}), "DataframeQuery": ({}, {"timeline": "t"}),
    "DepthImage": ({"image": _PICTURE[..., 0]},), "Ellipses2D": ({}, {"half_sizes": [[1, 2]]}),
    "Ellipsoids3D": ({}, {"half_sizes": [[1, 2, 3]]}, {"radii": [1, 2]}), "EncodedDepthImage": ({"blob": _PNG},),
    "EncodedImage": ({"contents": _PNG, "media_type": "image/png"},),
    "GaussianSplats3D": ({"centers": [[0, 0, 0]], "scales": [[1, 1, 1]]},),
    "GeoLineStrings": ({"lat_lon": [[[1, 2], [3, 4]]]},),
    "GeoPoints": ({"lat_lon": [[1, 2]]},), "GraphEdges": ({"edges": [("a", "b")]},), "GraphNodes": ({"node_ids": ["a"]},),
    "GridMap": (
        {
            "data": bytes(6), "cell_size": 1,
            "format": lambda m: m.components.ImageFormat(3, 2, color_model="L", channel_datatype="U8"),
        },
    ),
    "Image": (
        {"image": _PICTURE}, {"bytes": bytes(18), "width": 3, "height": 2, "color_model": "RGB"},
        {"bytes": bytes(18), "width": 3, "height": 2, "pixel_format": "NV12"},
        {"image": _PICTURE, "width": 3, "height": 2, "pixel_format": "NV12"},
    ),
    "LineStrips2D": ({"strips": [[[0, 0], [1, 1]]]},), "LineStrips3D": ({"strips": [[[0, 0, 0], [1, 1, 1]]]},),
    "MapBackground": ({"provider": "openstreetmap"},), "MapZoom": ({"zoom": 3},),
    "McapChannel": ({"id": 1, "topic": "a", "message_encoding": "b"},), "McapMessage": ({"data": b"x"},),
    "McapSchema": ({"id": 1, "name": "a", "encoding": "b", "data": b"c"},),
    "McapStatistics": (
        {
            "message_count": 1, "schema_count": 1, "channel_count": 1, "attachment_count": 1, "metadata_count": 1,
            "chunk_count": 1, "message_start_time": 1, "message_end_time": 2,
        },
    ),
    "Measurements": ({"values": [1]},), "Mesh3D": ({"vertex_positions": [[0, 0, 0], [1, 1, 1], [2, 2, 2]]},),
    "NearClipPlane": ({"near_clip_plane": 1},),
    "Pinhole": (
        {"image_from_camera": np.eye(3)}, {"focal_length": 300, "width": 640, "height": 480},
        {"fov_y": 0.8, "aspect_ratio": 1.5},
        {"focal_length": [300, 200], "principal_point": [3, 4]}, {"focal_length": 300, "resolution": [640, 480]},
    ),
    "Points2D": ({"positions": [[1, 2], [3, 4]]},), "Points3D": ({"positions": [[1, 2, 3], [4, 5, 6]]},),
    "Scalars": ({"scalars": 1},), "SegmentationImage": ({"image": _PICTURE[..., 0]},),
    "SpatialInformation": ({"target_frame": "a"},),
    "StateChange": ({}, {"state": "a"}), "TableColumnPreview": ({"views": "/a"},), "Tensor": ({"data": np.zeros((2, 3))},),
    "TextDocument": ({"text": "a"},), "TextLog": ({"text": "a"},), "Transform3D": ({}, {"translation": [1, 2, 3]}),
    "TransformAxes3D": ({"axis_length": 1},),
    "VideoFrameReference": ({"seconds": 1.5}, {"nanoseconds": 5}, {"timestamp": 5}),
    "VideoStream": ({"codec": "h264"},), "ViewBlueprint": ({"class_identifier": "3D"},),
    "ViewContents": ({"query": "/**"},),
    "ViewCoordinates": ({"xyz": [3, 2, 5]},), "VisualBounds2D": ({"x_range": [0, 1], "y_range": [2, 3]},),
    "VisualizerInstruction": ({"visualizer_type": "Points3D"},), "Volume3D": ({"values": np.zeros((2, 3, 4))},),
    "VoxelGridMap": ({"voxel_indices": [[0, 0, 0]], "voxel_size": [1, 1, 1]},),
}  # fmt: skip
"""Arguments that a constructor takes, in each way that it may be called; nothing where it is not named."""

IMAGES: dict[str, Any] = {
    "grey": np.zeros((2, 3), np.uint8), "colour": np.zeros((2, 3, 3), np.uint8),
    "with alpha": np.zeros((2, 3, 4), np.uint8),
    "one channel": np.zeros((2, 3, 1), np.uint8), "a row of it": np.zeros((1, 2, 3), np.uint8),
    "two channels": np.zeros((2, 3, 2)),
    "batch of one": np.zeros((1, 2, 3, 3)), "flat": np.zeros(6), "float64": np.zeros((2, 3)),
    "float16": np.zeros((2, 3), np.float16),
    "int64": np.zeros((2, 3), np.int64), "uint16": np.arange(6, dtype=np.uint16).reshape(2, 3),
    "bools": np.zeros((2, 3), bool),
    "strided": np.arange(24, dtype=np.uint8).reshape(2, 4, 3)[:, ::2], "complex": np.zeros((2, 3), complex), "none": None,
    "turned": np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)), "lists": [[1, 2], [3, 4]], "word": "a",
    "empty": [],
    "one pixel": np.zeros((1, 1), np.uint8), "one colour": np.zeros((1, 1, 3), np.uint8),
    "big endian": np.zeros((2, 3), ">u2"),
}  # fmt: skip

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "aspect_ratio": FLOATS, "fov_y": FLOATS, "focal_length": FLOATS | _vectors(2), "principal_point": _vectors(2),
    "array": _vectors(4), "bytes": BLOBS, "contents": BLOBS, "data": TENSORS, "dim_names": TEXTS, "from_parent": BOOLS,
    "color_model": {"member": lambda m: m.ColorModel.RGB, "bgr": "BGR", "small": "rgb", "wrong": "nope", "none": None},
    "pixel_format": {"member": lambda m: m.PixelFormat.NV12, "name": "NV12", "small": "nv12", "wrong": "x", "none": None},
    "datatype": {"numpy": np.uint8, "small": "u8", "name": "U8", "float": np.float32, "dtype": np.dtype("f4"), "none": None},
    "height": {"int": 3, "zero": 0, "below 0": -1, "whole": 3.0, "none": None, "numpy": np.int64(3)}, "image": IMAGES,
    "width": {"int": 3, "zero": 0, "below 0": -1, "whole": 3.0, "none": None, "numpy": np.int64(3)}, "lat_lon": _vectors(2),
    "half_sizes": _vectors(2) | {f"{label} of 3": value for label, value in _vectors(3).items()},
    "mins": _vectors(2) | {f"{label} of 3": value for label, value in _vectors(3).items()},
    "sizes": _vectors(2) | {f"{label} of 3": value for label, value in _vectors(3).items()},
    "nanoseconds": INTS, "seconds": FLOATS, "radii": FLOATS, "recursive": BOOLS, "scale": FLOATS | _vectors(3),
    "rotation": {**POOLS["quaternions"], **{f"{label} turn": value for label, value in ROTATIONS.items()}},
    "rotations": {**POOLS["quaternions"], **{f"{label} turn": value for label, value in ROTATIONS.items()}},
    "x_range": _vectors(2), "y_range": _vectors(2), "color_or_kind": COLORS | {"a kind": "gradientdark"},
    "corner": {"name": "lefttop", "number": 1, "none": None}, "path": {"none": None, "missing": "/no/such/file.png"},
}  # fmt: skip
"""For parameters that are no fields."""


Outcome = dict[str, tuple[Any, str]] | Exception


@pytest.fixture(scope="module")
def reference() -> Iterator[Any]:
    pytest.importorskip("rerun")
    sdk = importlib.import_module("rerun")
    importlib.import_module("rerun.blueprint")
    before = sdk.strict_mode()
    sdk.set_strict_mode(True)
    yield sdk
    sdk.set_strict_mode(before)


def _theirs(cls: type[Archetype], reference: Any) -> Any:
    home = reference.blueprint.archetypes if "blueprint" in cls.archetype_name else reference.archetypes
    return getattr(home, cls.__name__)


def _arrow(batches: Any) -> Outcome:
    found = {}
    for batch in batches:
        if batch is not None:
            values = batch.as_arrow_array()
            found[batch.component_descriptor().component] = (values.type, repr(values.to_pylist()))
    return found


def _outcome(make: Callable[[], Any]) -> Outcome:
    """What is logged, or the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = make()
            return _arrow(result if not hasattr(result, "as_component_batches") else result.as_component_batches())
    except Exception as err:  # noqa: BLE001 - the reference raises whatever it comes to
        return err


def _forms(cls: type[Archetype], values: Mapping[str, Any], sdk: Any) -> dict[str, Outcome]:
    """The values as the fields of one row, and as the columns of many."""

    def arguments() -> dict[str, Any]:
        return {name: made(value, sdk) for name, value in values.items()}  # iterators are made anew

    found = {"row": _outcome(lambda: cls.from_fields(**arguments()))}
    if hasattr(cls, "columns") and "blueprint" not in cls.__module__:
        found["columns"] = _outcome(lambda: cls.columns(**arguments()))
    return found


def _differs(theirs: Outcome, ours: Outcome) -> bool:
    if isinstance(ours, Exception):
        assert isinstance(ours, RrbridgeError), repr(ours)
    return not isinstance(theirs, Exception) and theirs != ours


def _compared(reference: Any) -> tuple[set[str], dict[str, list[str]]]:
    """`kind: value` (`… as columns`) that differ, and for each kind the archetypes and fields of that."""
    found: set[str] = set()
    where: dict[str, list[str]] = {}
    for cls in CLASSES:
        theirs = _theirs(cls, reference)
        for name, field in cls.fields.items():
            component = field.descriptor.component_type.rpartition(".")[2]  # type: ignore[union-attr]  # ours have one
            kind, pool = kind_of(component, field.component.encoding.arrow, ENUMS)
            for label, value in pool.items():
                ours = _forms(cls, {name: value}, rr)
                for form, outcome in _forms(theirs, {name: value}, reference).items():
                    if form in ours and _differs(outcome, ours[form]):
                        what = f"{kind}: {label}{' as columns' if form == 'columns' else ''}"
                        found.add(what)
                        where.setdefault(what, []).append(f"{cls.__name__}.{name}")
    return found, where


def _pool(cls: type[Archetype], parameter: str) -> tuple[str, Mapping[str, Any]]:
    """What a constructor's parameter is given, and under which name that stands in the table."""
    field = cls.fields.get(parameter)
    is_another = parameter in ("half_sizes", "image") or (cls is archetypes.Tensor and parameter == "data")
    if field is None or is_another:
        return f"{cls.__name__}.{parameter}", PARAMETERS.get(parameter, {})
    component = field.descriptor.component_type.rpartition(".")[2]  # type: ignore[union-attr]  # ours have one
    found: tuple[str, Mapping[str, Any]] = kind_of(component, field.component.encoding.arrow, ENUMS)
    return found


def _constructed(reference: Any) -> dict[str, list[str]]:
    """What constructors make otherwise, one argument changed at a time, and which do."""
    where: dict[str, list[str]] = {}
    for cls in CLASSES:
        theirs = _theirs(cls, reference)
        for number, call in enumerate(CALLS.get(cls.__name__, ({},))):
            for parameter in inspect.signature(theirs).parameters:
                kind, pool = _pool(cls, parameter)
                for label, value in {"as it is": call.get(parameter), **pool}.items():
                    arguments = {**call, parameter: value}

                    def make(of: Any, sdk: Any, arguments: Mapping[str, Any] = arguments) -> Outcome:
                        return _outcome(lambda: of(**{name: made(v, sdk) for name, v in arguments.items()}))

                    if _differs(make(theirs, reference), make(cls, rr)):
                        where.setdefault(f"{kind}: {label}", []).append(f"{cls.__name__}#{number}.{parameter}")
    return where


def test_what_differs_stands_in_the_table(reference: Any) -> None:
    found, where = _compared(reference)
    constructed = _constructed(reference)
    found |= constructed.keys()
    for what, places in constructed.items():
        where.setdefault(what, []).extend(places)
    unlisted = {what for what in found if not any(fnmatch(what, pattern) for pattern in LISTED)}
    assert {what: where[what][:3] for what in unlisted} == {}
    assert [pattern for pattern in LISTED if not any(fnmatch(what, pattern) for what in found)] == []


def test_every_group_has_a_reason() -> None:
    assert all(len(group["reason"]) > 20 for group in TABLE.values())


_WIDTHS = {
    "floats": (), "ints": (), "vectors of 2": (2,), "vectors of 3": (3,), "quaternions": (4,), "colors": (3,), "matrices": (3, 3),
    "harmonics": (15, 3),
}  # fmt: skip
_NUMERIC = [
    (cls, {name: _WIDTHS[kind] for name in cls.fields if (kind := _pool(cls, name)[0]) in _WIDTHS})
    for cls in CLASSES
    if cls is not archetypes.BarChart  # whose values the reference wants beside every column
]
_DTYPES = st.sampled_from([np.dtype(t) for t in ("u1", "i4", "i8", "f4", "f8", ">f8", "u4")])


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_arrays_of_any_layout_become_the_same(data: st.DataObject, reference: Any) -> None:
    """Several fields at once: rows of one or of many instances, of any type of number, not always in one piece."""
    cls, widths = data.draw(st.sampled_from([(cls, widths) for cls, widths in _NUMERIC if widths]))
    rows = data.draw(st.integers(0, 4), label="rows")
    values = {}
    for name in data.draw(st.lists(st.sampled_from(sorted(widths)), min_size=1, max_size=3, unique=True)):
        colors = _pool(cls, name)[0] == "colors"  # of which the reference loses some where rows have several
        several = () if colors else data.draw(st.sampled_from([(), (2,), (3,)]), label="instances per row")
        dtype = np.dtype("u1") if colors else data.draw(_DTYPES)
        array = data.draw(hnp.arrays(dtype, (rows, *several, *widths[name]), elements=st.integers(0, 100)))
        values[name] = array[::-1] if data.draw(st.booleans(), label="turned round") else array
    theirs, ours = _forms(_theirs(cls, reference), values, reference), _forms(cls, values, rr)
    for form in ours:
        assert isinstance(theirs[form], Exception) or theirs[form] == ours[form], form


def test_rows_written_in_any_way_come_back_from_one_file(tmp_path: Path) -> None:
    """Numbers, lists, arrays, Arrow and objects of the SDK for one field, one after another: as each is by itself."""
    recording = rr.RecordingStream("rrbridge_test_rows", send_properties=False)
    recording.save(tmp_path / "rows.rrd")
    wanted: dict[str, list[str]] = {}
    for cls in CLASSES:
        for name in cls.fields:
            entity = f"/{cls.__name__}/{name}"
            for value in _pool(cls, name)[1].values():
                try:
                    row = cls.from_fields(**{name: made(value, rr)})
                except RrbridgeError:
                    continue
                for batch in row.as_component_batches():
                    wanted.setdefault(entity, []).append(repr(batch.as_arrow_array().to_pylist()))
                recording.log(entity, row)
    recording.disconnect()
    found: dict[str, list[str]] = {}
    for message in RrdReader(tmp_path / "rows.rrd").messages():
        if isinstance(message, StoredChunk):
            (column,) = message.chunk.components.values()
            found.setdefault(message.chunk.entity_path, []).extend(map(repr, column.cells.to_pylist()))
    assert len(wanted) > 300
    assert found.keys() == wanted.keys()
    assert {entity: rows for entity, rows in found.items() if rows != wanted[entity]} == {}
