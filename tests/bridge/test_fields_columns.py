"""Message columns as Arrow: types as the reference's reflection writes them, values as they were."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from rrbridge.columns import Columns, Ragged, Text
from rrbridge_bridge.fields import archetype_name, message_column, struct_array, to_arrow


def not_null(datatype: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("item", datatype, nullable=False))


def test_names_are_the_reference_ones() -> None:
    column = message_column(Columns(1, {"data": np.zeros(1)}), archetype_name("std_msgs/msg/Float64"))
    assert column is not None
    assert column.descriptor.metadata() == {
        "rerun:kind": "data",
        "rerun:archetype": "std_msgs.msg.Float64",
        "rerun:component": "std_msgs.msg.Float64:message",
    }


def test_every_kind_of_field() -> None:
    points = Columns(3, {"x": np.array([1.0, 2.0, 3.0]), "label": Text.from_strings(["a", "", "ü"])})
    msgs = Columns(
        2,
        {
            "flag": np.array([True, False]),
            "number": np.array([1, -1], np.int8),
            "text": Text.from_strings(["hello", ""]),
            "matrix": np.arange(6, dtype=np.float32).reshape(2, 3),
            "bytes": Ragged.from_lengths([2, 0], np.array([7, 8], np.uint8)),
            "names": Ragged.from_lengths([1, 2], Text.from_strings(["p", "q", "r"])),
            "points": Ragged.from_lengths([2, 1], points),
            "stamp": Columns(2, {"sec": np.array([1, 2], np.int32), "nanosec": np.array([3, 4], np.uint32)}),
        },
    )
    array = struct_array(msgs, list(msgs))
    assert array.to_pylist() == [
        {
            "flag": True,
            "number": 1,
            "text": "hello",
            "matrix": [0.0, 1.0, 2.0],
            "bytes": [7, 8],
            "names": ["p"],
            "points": [{"x": 1.0, "label": "a"}, {"x": 2.0, "label": ""}],
            "stamp": {"sec": 1, "nanosec": 3},
        },
        {
            "flag": False,
            "number": -1,
            "text": "",
            "matrix": [3.0, 4.0, 5.0],
            "bytes": [],
            "names": ["q", "r"],
            "points": [{"x": 3.0, "label": "ü"}],
            "stamp": {"sec": 2, "nanosec": 4},
        },
    ]
    array.validate(full=True)
    types = {field.name: field.type for field in array.type}
    assert types["matrix"] == not_null(pa.float32())
    assert types["bytes"] == not_null(pa.uint8())
    assert types["names"] == not_null(pa.utf8())
    assert types["points"].value_field.nullable
    assert not any(field.nullable for field in array.type)


def test_lists_that_begin_inside_their_values() -> None:
    inner = Ragged(np.array([2, 4, 5]), np.arange(9, dtype=np.int32))
    assert to_arrow(inner).to_pylist() == [[2, 3], [4]]
    outer = Ragged(np.array([1, 2]), inner)
    assert to_arrow(outer).to_pylist() == [[[4]]]


def test_big_endian_numbers_are_turned() -> None:
    assert to_arrow(np.array([1, 2], ">i4")).to_pylist() == [1, 2]


def test_numbers_are_not_copied() -> None:
    values = np.arange(1000.0)
    assert to_arrow(values).buffers()[1].address == values.ctypes.data


def test_a_message_without_fields_keeps_its_rows() -> None:
    column = message_column(Columns(4, {}), "std_msgs.msg.Empty")
    assert column is not None
    assert column.cells.to_pylist() == [[{"structure_needs_at_least_one_member": 0}]] * 4


def test_carried_fields_are_left_out() -> None:
    msgs = Columns(2, {"width": np.array([1, 2]), "data": Ragged.from_lengths([1, 1], np.zeros(2, np.uint8))})
    column = message_column(msgs, "x", without={"data"})
    assert column is not None
    assert column.cells.to_pylist() == [[{"width": 1}], [{"width": 2}]]
    assert message_column(Columns(1, {"data": np.zeros(1)}), "x", without={"data"}) is None


def test_what_is_no_column_is_told() -> None:
    with pytest.raises(TypeError, match="not a message column: str"):
        to_arrow("text")
