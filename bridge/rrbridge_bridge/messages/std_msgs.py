"""std_msgs: text and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit, take
from rrbridge_bridge.messages._fields import floats, named_scalars, seconds
from rrbridge_bridge.messages._registry import adapters

_NUMBERS = (
    *("Bool", "Byte", "Char", "Float32", "Float64", "Int8", "Int16", "Int32"),
    *("Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
)
_MULTI_ARRAYS = ("Byte", "Float32", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
MAX_SERIES = 1000
"""Each number of a message is a series; more are of no use in a plot, and cost eight bytes each."""


@adapters("std_msgs/msg/String", reference=True)
def string(msgs: Columns) -> Iterator[Emit]:
    """A text to read."""
    yield Emit(rr.TextDocument.columns(text=msgs.data))


@adapters(*(f"std_msgs/msg/{name}" for name in _NUMBERS))
def number(msgs: Columns) -> Iterator[Emit]:
    """A number over time; booleans are 0 and 1."""
    yield Emit(rr.Scalars.columns(scalars=msgs.data.astype(np.float64)))


@adapters("std_msgs/msg/Float64MultiArray", reference=True)
def numbers(msgs: Columns) -> Iterator[Emit]:
    """Several numbers over time."""
    yield Emit(rr.Scalars.columns(scalars=floats(msgs.data)))


@adapters(*(f"std_msgs/msg/{name}MultiArray" for name in _MULTI_ARRAYS))
def few_numbers(msgs: Columns) -> Iterator[Emit]:
    """Several numbers over time. What has too many for a plot is an array, if it says of which shape, or just bytes."""
    is_few = msgs.data.lengths <= MAX_SERIES
    few, many = np.flatnonzero(is_few), np.flatnonzero(~is_few)
    if len(few):
        yield Emit(rr.Scalars.columns(scalars=floats(take(msgs.data, few) if len(many) else msgs.data)), rows=few)
    shaped = {int(row): tensor for row in many if (tensor := _tensor(msgs, int(row))) is not None}
    if shaped:
        yield Emit(rr.Tensor.columns(data=tuple(shaped.values())), rows=np.array(list(shaped)))


def _tensor(msgs: Columns, row: int) -> rr.TensorData | None:
    """A message's numbers in the shape of its layout; None if it has none, or they do not fill it."""
    axes = msgs.layout.dim[row]
    numbers = msgs.data[row][int(msgs.layout.data_offset[row]) :]
    sizes: list[int] = axes["size"].tolist()
    if len(sizes) < 2 or math.prod(sizes) != len(numbers):
        return None
    return rr.TensorData(array=numbers, shape=sizes, dim_names=[axes.label[i] for i in range(len(sizes))])


@adapters("std_msgs/msg/Time", "std_msgs/msg/Duration")
def time(msgs: Columns) -> Iterator[Emit]:
    """Seconds; ROS 1."""
    yield Emit(rr.Scalars.columns(scalars=seconds(msgs.data)))


@adapters("std_msgs/msg/ColorRGBA")
def color(msgs: Columns) -> Iterator[Emit]:
    """The channels of a colour, 0 to 1."""
    yield from named_scalars({channel: msgs[channel] for channel in "rgba"})


@adapters("std_msgs/msg/Empty")
def empty(msgs: Columns) -> Iterator[Emit]:
    """That something happened, as a log line."""
    yield Emit(rr.TextLog.columns(text=["(empty message)"] * len(msgs)))
