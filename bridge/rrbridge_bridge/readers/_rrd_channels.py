"""The channels of a recording: what its entities say of the connections that their messages came by.

Recordings that were put together may each have a channel 1, so a channel's number counts at its entity only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from rrbridge import _entity_path
from rrbridge_bridge.raw import ROS_DEFINITIONS, TEXT_DEFINITIONS, Connection, Int64s
from rrbridge_bridge.readers._names import long_type_name

__all__ = ["Channels", "Statics", "pairs_of"]

Statics: TypeAlias = Mapping[str, Mapping[str, pa.Array]]
"""Static cells by entity and component."""
FURTHER = "__channel"
"""Below a topic: where its second and later channels are described."""


class Channels:
    """Every channel as a connection with a number of its own: the channel's, where it is free."""

    def __init__(self, statics: Statics) -> None:
        self._at: dict[str, dict[int, Connection]] = {}
        taken: set[int] = set()
        described = [(path, cells) for path, cells in statics.items() if "McapChannel:topic" in cells]
        for path, cells in sorted(described, key=lambda one: (_number(one[1]), one[0])):
            entity, number = _entity_of(path), _number(cells)
            free = number if number not in taken else max(taken) + 1
            taken.add(free)
            connection = _connection(cells)
            topic = _prefixed(connection, entity)
            self._at.setdefault(entity, {})[number] = replace(connection, id=free, topic=topic)

    def connections(self) -> tuple[Connection, ...]:
        """All of them, by number."""
        found = (connection for at in self._at.values() for connection in at.values())
        return tuple(sorted(found, key=lambda connection: connection.id))

    def numbers(self, entity: str, channel_ids: Int64s) -> Int64s:
        """The connections of an entity's messages; of a channel that nobody describes, the entity's first."""
        at = self._at.get(entity, {})
        ids, which = np.unique(channel_ids, return_inverse=True)
        first = next(iter(at.values()), None)
        found = [at.get(number, first) for number in ids.tolist()]
        numbers = [-1 if connection is None else connection.id for connection in found]
        return np.array(numbers, np.int64)[which]


def _entity_of(path: str) -> str:
    """Where the messages of a channel are that is described here."""
    above = _entity_path.parent(path)
    is_further = above is not None and _entity_path.parts(above)[-1:] == [FURTHER]
    return (_entity_path.parent(above) or path) if above is not None and is_further else path


def _prefixed(connection: Connection, entity: str) -> str:
    """The topic, below the prefix that its robot got when it was converted."""
    below = [part for part in connection.topic.split("/") if part]
    parts = [_entity_path.unescape(part) for part in _entity_path.parts(entity)]
    if parts[-1:] == ["__" + connection.msgtype.replace("/", ".")]:
        parts.pop()
    prefix = parts[: len(parts) - len(below)]
    if not below or not prefix or parts[len(prefix) :] != below:
        return connection.topic
    return "/" + "/".join(prefix) + "/" + connection.topic.removeprefix("/")


def _number(cells: Mapping[str, pa.Array]) -> int:
    return int(cells["McapChannel:id"][0].as_py())


def _connection(cells: Mapping[str, pa.Array]) -> Connection:
    def text(name: str) -> str:
        values = cells.get(name)
        return "" if values is None or not len(values) else str(values[0].as_py())

    encoding, definition_format = text("McapChannel:message_encoding"), text("McapSchema:encoding")
    data = b""
    if "McapSchema:data" in cells and len(cells["McapSchema:data"]):
        data = cells["McapSchema:data"][0].values.to_numpy().tobytes()
    is_text, is_ros = definition_format in TEXT_DEFINITIONS, definition_format in ROS_DEFINITIONS
    name = text("McapSchema:name")
    metadata = cells.get("McapChannel:metadata")
    return Connection(
        id=_number(cells),
        topic=text("McapChannel:topic"),
        msgtype=long_type_name(name) if is_ros else name,
        encoding=encoding,
        definition=data.decode("utf-8", "replace") if is_text else data.decode("latin-1"),
        definition_format=definition_format,
        metadata={} if metadata is None or not len(metadata) else pairs_of(metadata[0].as_py()),
    )


def pairs_of(pairs: list[dict[str, str]]) -> dict[str, str]:
    """A map as MCAP has them, of the structs that it is kept as."""
    return {pair["first"]: pair["second"] for pair in pairs}
