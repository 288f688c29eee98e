"""diagnostic_msgs: what the parts of a robot say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._arrow import as_numpy, flags, primitive, text_scalar
from rrbridge.columns import Columns, Emit, Ragged
from rrbridge_bridge.messages._fields import path_parts
from rrbridge_bridge.messages._registry import adapters

_LEVELS = np.array(["INFO", "WARN", "ERROR", "STALE"], object)
_STATES = np.array(["OK", "WARN", "ERROR", "STALE"], object)
_COLORS = np.array([0x30A46CFF, 0xFFFF00FF, 0xFF0000FF, 0x808080FF], np.uint32)
_NUMBER = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\s*$"


@adapters("diagnostic_msgs/msg/DiagnosticArray")
def diagnostic_array(msgs: Columns) -> Iterator[Emit]:
    """Of each status a log line, its level as a state, and its values that are numbers as plots."""
    yield from _statuses(msgs.status.values, msgs.status.row_of_value)


@adapters("diagnostic_msgs/msg/DiagnosticStatus")
def diagnostic_status(msgs: Columns) -> Iterator[Emit]:
    """The status of one part."""
    yield from _statuses(msgs, np.arange(len(msgs)))


@adapters("diagnostic_msgs/msg/KeyValue")
def key_value(msgs: Columns) -> Iterator[Emit]:
    """A number by its name, where it is one."""
    yield from _numbers(msgs, path_parts(msgs.key), np.arange(len(msgs)))


def _statuses(status: Columns, rows: npt.NDArray[np.int64]) -> Iterator[Emit]:
    level = np.clip(status.level.astype(np.int64), 0, 3)
    text = pc.binary_join_element_wise(
        status.name.to_arrow(), text_scalar(": "), status.message.to_arrow(), text_scalar("")
    )
    yield Emit(rr.TextLog.columns(text=text, level=_LEVELS[level], color=_COLORS[level]), rows=rows)
    parts = path_parts(status.name)
    yield Emit(rr.StateChange.columns(state=_STATES[level]), at=parts.to_pylist(), rows=rows)
    values: Ragged = status["values"]
    of_status = primitive(values.row_of_value)
    keys = pc.binary_join_element_wise(parts.take(of_status), path_parts(values.values.key), text_scalar("/"))
    yield from _numbers(values.values, keys, rows[values.row_of_value])


def _numbers(pairs: Columns, paths: pa.StringArray, rows: npt.NDArray[np.int64]) -> Iterator[Emit]:
    texts = pairs.value.to_arrow()
    which = np.flatnonzero(flags(pc.match_substring_regex(texts, _NUMBER)))
    trimmed = pc.ascii_trim_whitespace(texts.take(primitive(which)))
    numbers = as_numpy(pc.ascii_ltrim(trimmed, characters="+").cast(pa.float64()), np.float64)
    yield Emit(rr.Scalars.columns(scalars=numbers), at=paths.take(primitive(which)).to_pylist(), rows=rows[which])
