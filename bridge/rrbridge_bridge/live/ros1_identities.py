"""Which connection of the recording a ROS 1 publisher's messages belong to: equal headers, one connection, as in a bag."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from rrbridge.errors import RecorderError
from rrbridge_bridge.raw import Connection

__all__ = ["Identities"]

MAX_CONNECTIONS = 2**16 - 1
MAX_CALLERS = 64
"""Of one topic. `rostopic pub` in a loop is a new node every time; those beyond this many are kept as one, without caller id."""


class Identities:
    """Connections by the headers that publishers sent."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Connection] = {}
        self._callers: Counter[tuple[object, ...]] = Counter()

    def of(self, found: Connection) -> tuple[Connection, bool]:
        """The connection, and whether it is new. Raises RecorderError when there are too many."""
        anonymous = {name: value for name, value in found.metadata.items() if name != "callerid"}
        kind = (found.topic, found.msgtype, found.definition, *sorted(anonymous.items()))
        key = (*kind, found.metadata.get("callerid"))
        if key not in self._known and self._callers[kind] >= MAX_CALLERS:
            key = (*kind, None)
            found = replace(found, metadata=anonymous)
        if known := self._known.get(key):
            return known, False
        if len(self._known) > MAX_CONNECTIONS:
            raise RecorderError(f"more than {MAX_CONNECTIONS} connections cannot be recorded into one file")
        self._callers[kind] += 1
        made = self._known[key] = replace(found, id=len(self._known))
        return made, True
