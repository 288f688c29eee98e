"""What reading a bag and an MCAP file have in common: chunks in file order, filled in groups, cut into batches."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import numpy as np

from rrbridge.importers import Note, Summary, TopicSummary
from rrbridge_bridge.closing import Closing
from rrbridge_bridge.raw import Bytes, Connection, Int64s, RawBatch, counts, distinct
from rrbridge_bridge.readers._blocks import Blocks, Rows
from rrbridge_bridge.readers._chunks import ChunkData, fill_group, grouped
from rrbridge_bridge.readers._notes import Notes
from rrbridge_bridge.readers._reader import ReadOptions
from rrbridge_bridge.readers._source import Source
from rrbridge_bridge.readers._totals import Totals

__all__ = ["ChunkedReader"]

P = TypeVar("P")
NAMED_TOPICS = 4


class ChunkedReader(Closing, Generic[P]):
    """A file of chunks. `P` is what the format knows of a chunk before reading it."""

    format: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self.path = path
        self._source = Source(path)
        self._notes = Notes()
        self._totals: Totals | None = None
        try:
            self._open()
        except BaseException:
            self._source.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    @property
    def notes(self) -> Sequence[Note]:
        """What a person should know about this file; reading may add to it."""
        return self._notes.found

    @property
    def ros_distro(self) -> str:
        """The ROS distribution that made the file, if it says so."""
        return ""

    @property
    def mcap_profile(self) -> str | None:
        """What an MCAP file says that its messages follow."""
        return None

    @property
    def connections(self) -> Sequence[Connection]:
        """Every connection, by id. A file whose index does not name them all is scanned once."""
        if not self._totals and not self._names_all_connections():
            self._scan()
        return self._connections_so_far()

    def summary(self) -> Summary:
        """What the file holds, from its index, or else by a scan."""
        totals = self._totals or self._indexed_totals() or self._scan()
        topics = tuple(
            TopicSummary(c.topic, c.msgtype, totals.counts.get(c.id, 0), c.encoding, *totals.span(c.id))
            for c in self._connections_so_far()
        )
        start, end = totals.whole_span()
        return Summary(self.path, self.format, self._source.size, start, end, topics, self._notes.texts)

    def batches(self, options: ReadOptions | None = None) -> Iterator[RawBatch]:
        """The messages in file order within each connection; see `BagReader.batches`."""
        options = options or ReadOptions()
        connections: dict[int, Connection] = {}
        blocks = Blocks(connections, options)
        size = self._source.size
        found: Counter[int] = Counter()
        for group, rows in self._groups(options):
            found.update(counts(rows.connection_ids))
            for connection in self._connections_so_far():
                connections.setdefault(connection.id, connection)
            yield from blocks.add(rows)
            del rows
            if options.progress:
                options.progress(min(group[-1].file_end, size), size)
        yield from blocks.flush()
        if blocks.unknown:
            self._notes.lost(f"{blocks.unknown} messages belong to no known connection; they are left out")
        if options.is_all_times:
            self._check_counts(found, [c.id for c in connections.values() if options.wants(c.topic)])
            self._check_whole()

    def rows(self, options: ReadOptions | None = None) -> Iterator[Rows]:
        """The messages of all connections in file order, a few chunks at a time; see `BagReader.rows`."""
        options = options or ReadOptions()
        found: Counter[int] = Counter()
        for group, rows in self._groups(options):
            ids, counts = np.unique(rows.connection_ids, return_counts=True)
            found.update(dict(zip(ids.tolist(), counts.tolist(), strict=True)))
            yield rows.chosen({c.id: c for c in self._connections_so_far()}, options)
            if options.progress is not None:
                options.progress(min(group[-1].file_end, self._source.size), self._source.size)
        if options.is_all_times:
            self._check_counts(found, [c.id for c in self._connections_so_far() if options.wants(c.topic)])
            self._check_whole()

    def first_rows(self, topic: str) -> Rows | None:
        """The messages of one topic in the first chunk that has some by the index; None without such a chunk."""
        options = ReadOptions(wants=lambda name: name == topic)
        for piece in self._pieces(options):
            chunk = self._chunk_data(piece)
            buffer, ((lo, hi),) = fill_group(self._source, [chunk], lambda *_: None)
            positions = chunk.hints + lo if chunk.is_exact else self._positions(buffer, chunk.hints + lo, lo, hi)[0]
            rows = next(self._as_sent(self._rows(buffer, positions, np.arange(len(positions)))))
            return rows.chosen({c.id: c for c in self._connections_so_far()}, options)
        return None

    def _check_counts(self, found: Mapping[int, int], wanted: Iterable[int]) -> None:
        """Damage that leaves no other trace: the index counts more messages than there are."""
        claimed = self._claimed_counts()
        missing = sum(max(claimed.get(number, 0) - found.get(number, 0), 0) for number in wanted)
        if missing and not self._notes.has_losses:
            self._notes.lost(f"{missing} of the messages that the index counts are not there")

    def _check_whole(self) -> None:
        """What a format has to say once all was read: a checksum of everything."""

    def _scan(self) -> Totals:
        """Read the whole file once for what it holds."""
        totals = Totals()
        for _, rows in self._groups(ReadOptions()):
            totals.add_rows(rows.connection_ids, rows.log_time_nanos)
        self._totals = totals
        return totals

    def _groups(self, options: ReadOptions) -> Iterator[tuple[Sequence[ChunkData], Rows]]:
        order = 0
        for group in grouped(self._pieces(options), self._chunk_data):
            damage: dict[int, str] = {}
            buffer, spans = fill_group(self._source, group, damage.__setitem__)
            found = []
            for number, (chunk, (lo, hi)) in enumerate(zip(group, spans, strict=True)):
                if chunk.is_exact:
                    found.append(chunk.hints + lo)
                    continue
                positions, stop = self._positions(buffer, chunk.hints + lo, lo, hi)
                missing = len(distinct(chunk.hints)) - len(positions) if len(positions) < len(chunk.hints) else 0
                if stop != hi:
                    damage.setdefault(number, f"no record at its byte {stop - lo}")
                elif missing > 0:
                    damage.setdefault(number, f"{missing} messages that the index names are not there")
                found.append(positions)
            positions = np.concatenate(found)
            rows = self._rows(buffer, positions, np.arange(order, order + len(positions)))
            if damage:
                self._tell_damage(group, damage, rows, [len(part) for part in found])
            order += len(positions)
            for part in self._as_sent(rows):
                yield group, part
                del part
            del buffer, rows  # whoever holds them while the next group is read doubles the memory that is in use

    def _as_sent(self, rows: Rows) -> Iterator[Rows]:
        """The messages, should the format hold them otherwise."""
        yield rows

    def _tell_damage(
        self, group: Sequence[ChunkData], damage: Mapping[int, str], rows: Rows, lengths: Sequence[int]
    ) -> None:
        """What is wrong with which chunks, and whose messages can be read of them."""
        topics = {connection.id: connection.topic for connection in self._connections_so_far()}
        ends = np.cumsum(lengths)
        for number, problem in damage.items():
            ids = distinct(rows.connection_ids[ends[number] - lengths[number] : ends[number]])
            named = [topics[i] for i in ids if i in topics]
            listed = ", ".join(named[:NAMED_TOPICS]) + (" …" if len(named) > NAMED_TOPICS else "")
            self._notes.lost(
                f"the chunk at byte {group[number].file_start} is damaged ({problem}); "
                f"{lengths[number]} messages of it are read" + (f", of {listed}" if listed else "")
            )

    @abstractmethod
    def _open(self) -> None:
        """Read header and index."""

    @abstractmethod
    def _connections_so_far(self) -> Sequence[Connection]:
        """Every connection that has come up, by id."""

    @abstractmethod
    def _names_all_connections(self) -> bool:
        """Whether the index is known to name every connection that has messages."""

    @abstractmethod
    def _indexed_totals(self) -> Totals | None:
        """Counts and times from the index; None if only a scan can tell."""

    @abstractmethod
    def _claimed_counts(self) -> Mapping[int, int]:
        """Messages by connection as the index counts them, where that costs no reading; empty where it does not say."""

    @abstractmethod
    def _pieces(self, options: ReadOptions) -> Iterator[P]:
        """Chunks in file order, without those that the options rule out."""

    @abstractmethod
    def _chunk_data(self, piece: P) -> ChunkData:
        """What is needed to fill a group with this chunk; a damaged one is noted and comes back empty."""

    @abstractmethod
    def _positions(self, buffer: Bytes, hints: Int64s, lo: int, hi: int) -> tuple[Int64s, int]:
        """Positions of the messages in one chunk, which fills `buffer[lo:hi]`, and where its readable records stop."""

    @abstractmethod
    def _rows(self, buffer: Bytes, positions: Int64s, order: Int64s) -> Rows:
        """The messages at `positions`."""
