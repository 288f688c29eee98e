"""rosbag2's SQLite files (`.db3`) of every schema version, from Crystal's three-column topics on.

Rows are fetched in windows whose bytes are counted first, and joined into one buffer each. Payloads that rosbag2 compressed
one by one (zstd) are told by their first bytes: no CDR message begins with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rrbridge.errors import DamagedFileError, FileError
from rrbridge.importers import Note, Summary, TopicSummary
from rrbridge_bridge.closing import Closing
from rrbridge_bridge.raw import Connection, Int64s, RawBatch, counts, join_payloads
from rrbridge_bridge.readers._blocks import Blocks, Rows
from rrbridge_bridge.readers._db3_open import UNREADABLE, open_database
from rrbridge_bridge.readers._db3_rows import WINDOW_ROWS, MessageRows
from rrbridge_bridge.readers._metadata import RosbagMetadata, parse_metadata
from rrbridge_bridge.readers._names import long_type_name
from rrbridge_bridge.readers._notes import Notes
from rrbridge_bridge.readers._packed import packed, unpacked
from rrbridge_bridge.readers._reader import ReadOptions
from rrbridge_bridge.readers._totals import Totals

__all__ = ["Db3Reader"]


class Db3Reader(Closing):
    """A recording of messages in one `.db3` file."""

    format: ClassVar[str] = "rosbag2 sqlite3"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notes = Notes()
        self._totals: Totals | None = None
        try:
            self.size_bytes = path.stat().st_size
        except OSError as err:
            raise FileError(path, err.strerror or str(err)) from err
        self._database = open_database(path, self.size_bytes, self._notes)
        self._db, self._columns = self._database.connection, self._database.columns
        try:
            self._connections = self._read_connections()
            self._distro = self._read_distro()
        except UNREADABLE as err:
            self._database.close()
            raise DamagedFileError(path, f"SQLite cannot read it: {err}", offset=0) from err
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @property
    def connections(self) -> Sequence[Connection]:
        """One for each row of the topics table, by id."""
        return tuple(self._connections.values())

    @property
    def notes(self) -> Sequence[Note]:
        """What a person should know about this file; reading may add to it."""
        return self._notes.found

    @property
    def ros_distro(self) -> str:
        """From the schema table (Humble and later); or empty."""
        return self._distro

    @property
    def mcap_profile(self) -> str | None:
        """It is no MCAP file."""
        return None

    def metadata(self) -> RosbagMetadata | None:
        """What `metadata.yaml` would say, which rosbag2 also keeps inside the file since Iron; None before."""
        if "metadata" not in self._columns.get("metadata", ()):
            return None
        try:
            row = self._db.execute("SELECT metadata FROM metadata ORDER BY metadata_version DESC LIMIT 1").fetchone()
            return parse_metadata(row[0]) if row and isinstance(row[0], str) else None
        except (*UNREADABLE, ValueError):
            return None

    def summary(self) -> Summary:
        """What the file holds. Counts come from the metadata inside the file, or else are counted."""
        totals = self._totals or self._count()
        topics = tuple(
            TopicSummary(c.topic, c.msgtype, totals.counts.get(c.id, 0), c.encoding, *totals.span(c.id))
            for c in self.connections
        )
        start, end = totals.whole_span()
        return Summary(self.path, self.format, self.size_bytes, start, end, topics, self._notes.texts)

    def batches(self, options: ReadOptions | None = None) -> Iterator[RawBatch]:
        """The messages in the order they were written; see `BagReader.batches`."""
        options = options or ReadOptions()
        blocks = Blocks(self._connections, options)
        found: Counter[tuple[str, str]] = Counter()
        for rows in self._read(options):
            found.update(self._counted(rows))
            yield from blocks.add(rows)
        yield from blocks.flush()
        if blocks.unknown:
            self._notes.lost(f"{blocks.unknown} messages belong to no known topic; they are left out")
        self._check_counts(found, options)
        if options.progress:
            options.progress(self.size_bytes, self.size_bytes)

    def _check_counts(self, found: Mapping[tuple[str, str], int], options: ReadOptions) -> None:
        metadata = self.metadata() if options.is_all_times and not self._notes.has_losses else None
        missing = metadata.missing(found, options.wants) if metadata and metadata.is_of_one_file else 0
        if missing:
            self._notes.lost(f"{missing} of the messages that the file's own metadata counts are not there")

    def rows(self, options: ReadOptions | None = None) -> Iterator[Rows]:
        """The messages of all connections in the order they were written; see `BagReader.rows`."""
        options = options or ReadOptions()
        found: Counter[tuple[str, str]] = Counter()
        for rows in self._read(options):
            found.update(self._counted(rows))
            yield rows.chosen(self._connections, options)
        self._check_counts(found, options)

    def _read(self, options: ReadOptions) -> Iterator[Rows]:
        """Messages of the wanted topics and times, and those of unknown topics if all are wanted. Raises DamagedFileError."""
        order = 0
        try:
            messages = MessageRows(self._database, self._notes, *self._where(options))
            last_row = messages.last_row() if options.progress else 0
            for window in messages.windows():
                yield from self._rows(window, order)
                order += len(window)
                if options.progress:
                    # The last row's id tells the place in the file well enough.
                    options.progress(int(self.size_bytes * window[-1][0] / last_row), self.size_bytes)
        except UNREADABLE as err:
            raise DamagedFileError(self.path, f"SQLite cannot read it: {err}", offset=0) from err
        if not order and self._notes.has_losses and not self._is_readable():
            raise DamagedFileError(self.path, "SQLite can read none of its messages", offset=0)

    def heads(self) -> Iterator[tuple[Int64s, Int64s, Int64s]]:
        """`(topic ids, log times, sizes)` of all messages in the order they were written, without reading them.

        A compressed message has the size of its compressed form. Raises DamagedFileError.
        """
        columns = "CAST(topic_id AS INTEGER), CAST(timestamp AS INTEGER), length(data)"
        try:
            cursor = self._db.execute(f"SELECT {columns} FROM messages ORDER BY rowid")  # noqa: S608 - all ours
            self._database.begin()
            while window := cursor.fetchmany(WINDOW_ROWS):
                self._database.begin()
                ids, times, sizes = zip(*window, strict=True)
                yield tuple(np.array([n or 0 for n in part], np.int64) for part in (ids, times, sizes))  # type: ignore[misc]
        except UNREADABLE as err:
            raise DamagedFileError(self.path, f"SQLite cannot read it: {err}", offset=0) from err

    def problems(self) -> list[str]:
        """What SQLite finds wrong with the file's structure; empty if nothing. Reads all of it."""
        try:
            found = [str(row[0]) for row in self._db.execute("PRAGMA quick_check(20)")]
        except UNREADABLE as err:
            return [str(err)]
        return [] if found == ["ok"] else found

    def _counted(self, rows: Rows) -> dict[tuple[str, str], int]:
        """Messages by (topic, type)."""
        found = counts(rows.connection_ids)
        return {(c.topic, c.msgtype): found[c.id] for c in map(self._connections.get, found) if c}

    def _read_connections(self) -> dict[int, Connection]:
        definitions = self._read_definitions()
        extra = sorted(
            {"serialization_format", "offered_qos_profiles", "type_description_hash"} & self._columns["topics"]
        )
        # The names put into the query are among three of our own.
        query = f"SELECT {', '.join(['id', 'name', 'type', *extra])} FROM topics ORDER BY id"  # noqa: S608
        connections = {}
        for topic_id, topic, msgtype, *values in self._db.execute(query):
            if not (isinstance(topic_id, int) and isinstance(topic, str) and isinstance(msgtype, str)):
                self._notes.lost(
                    f"the topics table has a row without a name or a type (id {topic_id!r}); it is left out"
                )
                continue
            metadata = {name: str(value) for name, value in zip(extra, values, strict=True) if value}
            encoding = metadata.pop("serialization_format", "cdr")
            # The definition of a service event is kept under the service's name.
            described = definitions.get(msgtype) or definitions.get(msgtype.removesuffix("_Event"))
            definition_format, definition = described or ("", "")
            connections[topic_id] = Connection(
                id=topic_id,
                topic=topic,
                msgtype=long_type_name(msgtype),
                encoding=encoding,
                definition=definition,
                definition_format=definition_format,
                metadata=metadata,
            )
        return connections

    def _read_definitions(self) -> Mapping[str, tuple[str, str]]:
        """`{type: (format, text)}`, which rosbag2 keeps since Iron."""
        if not {"topic_type", "encoding", "encoded_message_definition"} <= self._columns.get(
            "message_definitions", set()
        ):
            return {}
        rows = self._db.execute("SELECT topic_type, encoding, encoded_message_definition FROM message_definitions")
        return {str(name): (str(encoding), str(text)) for name, encoding, text in rows}

    def _read_distro(self) -> str:
        if "ros_distro" not in self._columns.get("schema", ()):
            return ""
        row = self._db.execute("SELECT ros_distro FROM schema").fetchone()
        return str(row[0]) if row and row[0] else ""

    def _count(self) -> Totals:
        totals = Totals()
        metadata = self.metadata()
        self._database.begin()
        try:
            lo, hi = self._db.execute(
                "SELECT (SELECT min(timestamp) FROM messages), (SELECT max(timestamp) FROM messages)"
            ).fetchone()
            if isinstance(lo, int) and isinstance(hi, int):
                totals.widen(lo, hi)
            if metadata and metadata.is_complete and metadata.is_of_one_file:
                totals.counts |= {c.id: metadata.counts.get((c.topic, c.msgtype), 0) for c in self.connections}
            else:
                totals.counts |= dict(self._db.execute("SELECT topic_id, count(*) FROM messages GROUP BY topic_id"))
        except UNREADABLE:
            totals = Totals()
            for rows in self._read(ReadOptions()):
                totals.add_rows(rows.connection_ids, rows.log_time_nanos)
        self._totals = totals
        return totals

    def _is_readable(self) -> bool:
        try:
            self._db.execute("SELECT rowid FROM messages LIMIT 1").fetchone()
        except UNREADABLE:
            return False
        return True

    def _where(self, options: ReadOptions) -> tuple[str, list[int]]:
        wanted = [c.id for c in self.connections if options.wants(c.topic)]
        where, bound = "", []
        if len(wanted) < len(self._connections):
            where += f" AND topic_id IN ({', '.join(str(topic_id) for topic_id in wanted)})"
        if options.start_nanos is not None:
            where += " AND timestamp >= ?"
            bound.append(options.start_nanos)
        if options.end_nanos is not None:
            where += " AND timestamp <= ?"
            bound.append(options.end_nanos)
        return where, bound

    def _rows(self, window: Sequence[tuple[int, int, int, bytes]], order: int) -> Iterator[Rows]:
        _, topic_ids, times, payloads = zip(*window, strict=True)
        if None in payloads:
            payloads = tuple(payload or b"" for payload in payloads)
        orders = np.arange(order, order + len(window))
        ids = np.array([-1 if i is None else i for i in topic_ids], np.int64)
        nanos = np.array([t or 0 for t in times], np.int64)
        rows = _as_rows(payloads, ids, nanos, orders)
        which = packed(rows)
        if which.any():
            yield from unpacked(rows, which, self._notes)
        else:
            yield rows


def _as_rows(payloads: Sequence[bytes], ids: Any, nanos: Any, orders: Any) -> Rows:
    buffer, starts, sizes = join_payloads(payloads)
    return Rows(buffer, ids, starts, sizes, nanos, nanos, np.zeros(len(sizes), np.uint32), orders)
