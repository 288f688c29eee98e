"""diagnostic_msgs: what the parts of a robot say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

import rrbridge as rr
from rrbridge._arrow import text_scalar
from rrbridge.columns import Columns, Emit
from rrbridge_bridge.messages._registry import adapters

_LEVELS = np.array(["INFO", "WARN", "ERROR", "STALE"], object)
_COLORS = np.array([0x30A46CFF, 0xFFFF00FF, 0xFF0000FF, 0x808080FF], np.uint32)


@adapters("diagnostic_msgs/msg/DiagnosticArray")
def diagnostic_array(msgs: Columns) -> Iterator[Emit]:
    """One log line per status: `name: message`."""
    status = msgs.status.values
    level = np.clip(status.level.astype(np.int64), 0, 3)
    text = pc.binary_join_element_wise(
        status.name.to_arrow(), text_scalar(": "), status.message.to_arrow(), text_scalar("")
    )
    yield Emit(rr.TextLog.columns(text=text, level=_LEVELS[level], color=_COLORS[level]), rows=msgs.status.row_of_value)
