"""std_msgs: text and single numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import rrbridge as rr
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._registry import adapters


@adapters("std_msgs/msg/String", reference=True)
def string(msgs: Columns) -> Iterator[Emit]:
    """A text to read."""
    yield Emit(rr.TextDocument.columns(text=msgs.data))


@adapters(
    *(
        f"std_msgs/msg/{name}"
        for name in (
            *("Bool", "Byte", "Float32", "Float64", "Int8", "Int16", "Int32"),
            *("Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
        )
    )
)
def number(msgs: Columns) -> Iterator[Emit]:
    """A number over time; booleans are 0 and 1."""
    yield Emit(rr.Scalars.columns(scalars=msgs.data.astype(np.float64)))


@adapters("std_msgs/msg/Float64MultiArray", reference=True)
@adapters("std_msgs/msg/Float32MultiArray")
def numbers(msgs: Columns) -> Iterator[Emit]:
    """Several numbers over time."""
    yield Emit(rr.Scalars.columns(scalars=Ragged(msgs.data.offsets, msgs.data.values.astype(np.float64))))
