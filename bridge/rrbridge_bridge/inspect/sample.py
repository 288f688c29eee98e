"""The frames that messages are in, from the first few of each topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rrbridge.columns import Text
from rrbridge_bridge.inspect.headers import edges_of, header_reader, is_transforms, transform_reader
from rrbridge_bridge.raw import Connection, RawBatch
from rrbridge_bridge.readers import BagReader
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers._chunked import ChunkedReader

__all__ = ["Frames", "frames_of"]

FIRST_GROUPS = 2
"""Of some 16 MiB each."""
LATE_TOPICS = 16
"""So many topics that do not come up in these are looked for in the index, one chunk each."""
FEW = 20
"""Messages of a topic that are looked at."""
MAX_FRAMES = 1000


@dataclass(slots=True)
class Frames:
    """Frame ids by connection, in order of appearance."""

    by_connection: dict[int, dict[str, None]] = field(default_factory=dict)
    messages: int = 0
    """So many were looked at."""
    _readers: dict[int, Callable[[RawBatch], Iterator[Text]] | None] = field(default_factory=dict)

    def take(self, rows: Rows, connections: dict[int, Connection], make: MakeReader, few: int | None = FEW) -> None:
        """Look at messages of any connections, at most so many of each."""
        order = np.argsort(rows.connection_ids, kind="stable")
        cuts = np.flatnonzero(np.diff(rows.connection_ids[order])) + 1
        for part in np.split(order, cuts):
            connection = connections.get(int(rows.connection_ids[part[0]])) if len(part) else None
            if connection is None:
                continue
            if connection.id not in self._readers:
                self._readers[connection.id] = make(connection)
            known = self.by_connection.setdefault(connection.id, {})
            read = self._readers[connection.id]
            if read is None or len(known) >= MAX_FRAMES:
                continue
            batch = rows.batch(connection, part[:few])
            self.messages += len(batch)
            for names in read(batch):
                known |= dict.fromkeys(names.dictionary()[1])


MakeReader = Callable[[Connection], "Callable[[RawBatch], Iterator[Text]] | None"]


def frames_of(reader: BagReader, definitions: Sequence[Path] = ()) -> Frames:
    """The frames of the first messages of each topic, reading a bounded part of the file. Raises FileError."""
    found = Frames()
    make = frame_reader(reader.ros_distro, definitions)
    for number, rows in enumerate(reader.rows(), 1):
        found.take(rows, {c.id: c for c in reader.connections}, make)
        if number == FIRST_GROUPS:
            break
    if isinstance(reader, ChunkedReader):
        late = [c for c in reader.connections if c.id not in found.by_connection]
        for topic in list(dict.fromkeys(c.topic for c in late))[:LATE_TOPICS]:
            rows_of_topic = reader.first_rows(topic)
            if rows_of_topic is not None:
                found.take(rows_of_topic, {c.id: c for c in late if c.topic == topic}, make)
    return found


def frame_reader(ros_distro: str, definitions: Sequence[Path]) -> MakeReader:
    """Makes for a connection what reads frame ids of its messages; None where they have none."""

    def make(connection: Connection) -> Callable[[RawBatch], Iterator[Text]] | None:
        if is_transforms(connection):
            decode = transform_reader(connection, definitions=definitions, ros_distro=ros_distro)
            if decode is None:
                return None

            def transforms(batch: RawBatch) -> Iterator[Text]:
                edges = edges_of(decode, batch)
                yield from (edges.parents, edges.children)

            return transforms
        read = header_reader(connection, definitions=definitions, ros_distro=ros_distro)
        if read is None:
            return None

        def headers(batch: RawBatch) -> Iterator[Text]:
            found = read(batch)
            if found is not None and found.frame_ids is not None:
                yield found.frame_ids

        return headers

    return make
