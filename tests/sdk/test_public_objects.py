"""What programs do with the objects that the SDK hands out: expressions have the same result here and in the reference."""

from __future__ import annotations

import datetime as dt
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import rrbridge as rr
from rrbridge._misuse import strict
from rrbridge.error_utils import catch_and_log_exceptions, deprecated_param
from rrbridge.errors import InvalidValueError, RrbridgeWarning

Expression = Callable[[Any], Any]


def _descriptor(m: Any) -> Any:
    return m.ComponentDescriptor("a", archetype="b", component_type="c")


def _three(descriptor: Any) -> tuple[Any, ...]:
    return descriptor.component, descriptor.archetype, descriptor.component_type


def _colors(m: Any) -> Any:
    return m.components.ColorBatch([[1, 2, 3], [4, 5, 6], [7, 8, 9]])


def _lists(batch: Any) -> Any:
    return batch.as_arrow_array().to_pylist()


OBJECTS: dict[str, Expression] = {
    "equal archetypes": lambda m: m.Points3D([1, 2, 3]) == m.Points3D([1, 2, 3]),
    "unequal archetypes": lambda m: m.Points3D([1, 2, 3]) == m.Points3D([1, 2, 4]),
    "archetype": lambda m: (m.Points3D.archetype(), m.Points3D.archetype_short_name()),
    "fields not given": lambda m: m.Points3D([1, 2, 3]).colors,
    "descriptor of a field": lambda m: _three(m.Points3D.descriptor_positions()),
    "descriptor as text": lambda m: str(m.Points3D.descriptor_positions()),
    "descriptors": lambda m: (_descriptor(m) == _descriptor(m), len({_descriptor(m), _descriptor(m)})),
    "overrides": lambda m: _three(_descriptor(m).with_overrides(archetype="x", component_type="y")),
    "one override": lambda m: _three(_descriptor(m).with_overrides(archetype=None, component_type="y")),
    "or overrides": lambda m: _three(_descriptor(m).or_with_overrides(archetype="x", component_type="y")),
    "or bare": lambda m: _three(m.ComponentDescriptor("a").or_with_overrides(archetype="x", component_type="y")),
    "builtin archetype": lambda m: _three(m.ComponentDescriptor("x").with_builtin_archetype("rerun.archetypes.Points3D")),
    "batch": lambda m: (type(_colors(m)).__name__, len(_colors(m)), _colors(m) == _colors(m), _colors(m).component_type()),
    "described": lambda m: _three(_colors(m).described(_descriptor(m)).component_descriptor()),
    "partition": lambda m: _lists(_colors(m).partition([2, 0, 1])),
    "partition in ones": lambda m: _lists(_colors(m).partition()),
    "partition described": lambda m: _lists(_colors(m).described(_descriptor(m)).partition([1, 2])),
    "columns": lambda m: [_three(c.component_descriptor()) for c in m.Points3D.columns(positions=[[1, 2, 3]], colors=[1])],
    "columns partitioned": lambda m: [_lists(c) for c in m.Points3D.columns(positions=np.eye(3)).partition([2, 1])],
    "column length": lambda m: len(list(m.Points3D.columns(positions=[[1, 2, 3]], colors=[1]))),
    "times": lambda m: (m.TimeColumn("t", sequence=[1, 2]).timeline_name(), _lists(m.TimeColumn("t", sequence=[1, 2]))),
    "seconds": lambda m: m.TimeColumn("t", timestamp=np.array([1.7e9 + 0.1, 0.3])).as_arrow_array().cast(pa.int64()).to_pylist(),
    "listed seconds": lambda m: m.TimeColumn("t", duration=[0.1, 0.3, 1e-9]).as_arrow_array().cast(pa.int64()).to_pylist(),
    "color": lambda m: (m.components.Color([1, 2, 3]).rgba, int(m.components.Color([1, 2, 3])), m.components.Color.arrow_type()),
    "color as arrow": lambda m: (_lists(m.components.Color(5)), m.components.Color.component_type()),
    "vector": lambda m: (np.asarray(m.encodings.Vec3D([1, 2, 3])).tolist(), np.asarray(m.encodings.Vec3D([1, 2, 3])).dtype),
    "choice": lambda m: (str(m.components.FillMode.Solid), m.ColorModel.auto("rgb").value, m.components.FillMode.auto(3).name),
    "channel": lambda m: (m.ChannelDatatype.U8.to_np_dtype(), m.ChannelDatatype.F16.to_np_dtype()),
    "radii on the screen": lambda m: _lists(m.components.RadiusBatch(m.Radius.ui_points([1, 2]))),
    "angle": lambda m: (m.Angle(deg=180).radians, m.Angle(rad=1).radians),
    "info": lambda m: (int(m.AnnotationInfo(1, "a", [1, 2, 3]).id), int(m.AnnotationInfo(1, "a", [1, 2, 3]).color)),
    "tensor": lambda m: (list(m.TensorData(array=np.eye(2), dim_names=["a", "b"]).names), m.TensorData(array=np.eye(2)).names),
    "tensor as numpy": lambda m: m.TensorData(array=np.eye(2)).numpy(force=True).tolist(),
    "timestamps": lambda m: _lists(m.components.VideoTimestamp.seconds([0.1, 2.5])),
    "millis": lambda m: _lists(m.components.VideoTimestamp.milliseconds(np.array([1, 2]))),
    "nanos": lambda m: _lists(m.components.VideoTimestamp.nanoseconds([5])),
    "coordinates": lambda m: _lists(m.components.ViewCoordinates.RDF.as_component_batches()[0]),
    "directions": lambda m: int(m.components.ViewCoordinates.ViewDir.Right.value),
    "counts": lambda m: (m.components.ChannelMessageCounts({1: 2}).counts, len(m.components.KeyValuePairs({"a": "b"}).pairs)),
    "path": lambda m: (m.escape_entity_path_part("a b/ü"), m.new_entity_path(["a b", 1, "/"])),
    "constant": lambda m: m.EXTERNAL_IMPORTER_INCOMPATIBLE_EXIT_CODE,
    "array": lambda m: (m.asarray([1, 2]).tolist(), m.asarray([1], dtype=np.float32).dtype),
    "nothing to log to": lambda m: m.sinks.is_recording_enabled(m.RecordingStream("rrbridge_test")),
}  # fmt: skip

BATCHES: dict[str, Expression] = {
    "AngleBatch": lambda m: [m.Angle(deg=90), m.Angle(rad=1)],
    "ChannelCountPairBatch": lambda m: [m.encodings.ChannelCountPair(1, 2), (3, 4)],
    "ChannelDatatypeBatch": lambda m: [m.ChannelDatatype.U8, "f32"],
    "ClassDescriptionBatch": lambda m: [m.ClassDescription(info=1), (2, "a")],
    "ClassDescriptionMapElemBatch": lambda m: m.encodings.ClassDescriptionMapElem(1, m.ClassDescription(info=1)),
    "ColorModelBatch": lambda m: ["rgb", m.ColorModel.BGR],
    "KeypointPairBatch": lambda m: [(0, 1), m.encodings.KeypointPair(1, 2)],
    "Mat4x4Batch": lambda m: [m.encodings.Mat4x4(np.arange(16)), m.encodings.Mat4x4(np.eye(4))],
    "PixelFormatBatch": lambda _: "nv12",
    "SphericalHarmonics3RgbBatch": lambda m: m.encodings.SphericalHarmonics3Rgb(np.ones((15, 3))),
    "ViewDirBatch": lambda m: [m.encodings.ViewDir.Up, "down", 3],
}


@pytest.fixture(scope="module")
def reference() -> Any:
    pytest.importorskip("rerun")
    return importlib.import_module("rerun")


@pytest.mark.parametrize("expression", OBJECTS.values(), ids=OBJECTS)
def test_objects_do_the_same(expression: Expression, reference: Any) -> None:
    assert expression(rr) == expression(reference)


@pytest.mark.parametrize("name", BATCHES)
def test_batches_of_every_encoding_become_the_same(name: str, reference: Any) -> None:
    theirs = getattr(reference.encodings, name)(BATCHES[name](reference)).as_arrow_array()
    ours = getattr(rr.encodings, name)(BATCHES[name](rr)).as_arrow_array()
    assert ours.type == theirs.type
    assert ours.to_pylist() == theirs.to_pylist()


def test_what_the_reference_cannot_encode_of_a_tensor() -> None:
    numbers = [np.array([1.5]), np.array([1, 2], np.uint8)]
    buffers = rr.encodings.TensorBufferBatch([rr.encodings.TensorBuffer(array) for array in numbers])
    assert buffers.as_arrow_array().to_pylist() == [[1.5], [1, 2]]
    tensors = rr.components.TensorDataBatch([rr.TensorData(array=[1.5])]).as_arrow_array()
    assert buffers.as_arrow_array().type == tensors.field("buffer").type


@pytest.mark.parametrize(
    "times",
    [
        {"sequence": [None]}, {"sequence": np.array([1.5])}, {"sequence": [2**70]}, {"sequence": 5},
        {"duration": [float("nan")]},
        {"duration": np.array(["NaT"], "m8[s]")}, {"timestamp": np.array(["NaT"], "M8[s]")},
        {"timestamp": [1e300]}, {"timestamp": ["x"]},
    ],
    ids=repr,
)  # fmt: skip
def test_times_that_are_none_are_refused(times: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError):
        rr.TimeColumn("t", **times)


def test_times_of_one_value(reference: Any) -> None:
    durations: list[Any] = [1, 1.5, np.float64(2.5), dt.timedelta(microseconds=3), np.timedelta64(5, "ms")]
    assert [rr.time.to_nanos(d) for d in durations] == [reference.time.to_nanos(d) for d in durations]
    stamps: list[Any] = [1, 1.7e9 + 0.1, dt.datetime(2020, 1, 1, 3, tzinfo=dt.UTC), np.datetime64(5, "s")]
    stamps.append(pa.scalar(5, pa.timestamp("ns")))
    assert [rr.time.to_nanos_since_epoch(s) for s in stamps] == [reference.time.to_nanos_since_epoch(s) for s in stamps]
    with pytest.raises(InvalidValueError):
        rr.time.to_nanos(np.timedelta64("NaT"))


def test_errors_of_a_users_own_functions_become_warnings_at_the_caller() -> None:
    @catch_and_log_exceptions("drawing", exception_return_value=5)
    def draw(*, strict: bool | None = None) -> int:
        raise ValueError("no colour", strict)

    with strict(False):
        with pytest.warns(RrbridgeWarning, match="drawing: ValueError") as caught:
            assert draw() == 5
        assert caught[0].filename == __file__
        with pytest.warns(RrbridgeWarning, match="block: ZeroDivisionError"), catch_and_log_exceptions("block"):
            print(1 / 0)
        with pytest.raises(ValueError, match="no colour"):
            draw(strict=True)
    with strict(True), pytest.raises(ZeroDivisionError), catch_and_log_exceptions():
        print(1 / 0)


def test_deprecated_parameters_warn_where_they_are_given() -> None:
    @deprecated_param("old", use_instead="new", since="0.1")
    def paint(new: int = 0, old: int | None = None) -> int:
        return new if old is None else old

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert paint(3) == 3
    with pytest.warns(DeprecationWarning, match="`old` is deprecated since 0.1; use `new`") as caught:
        assert paint(old=4) == 4
    assert caught[0].filename == __file__
