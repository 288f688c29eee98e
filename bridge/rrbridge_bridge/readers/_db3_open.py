"""Opening rosbag2's SQLite files: read-only, with nothing from the file in play but its rows, and an end to patience."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from rrbridge.errors import DamagedFileError, NotARecordingError
from rrbridge_bridge.readers._notes import Notes

__all__ = ["UNREADABLE", "Database", "open_database"]

UNREADABLE = (sqlite3.Error, UnicodeDecodeError, OverflowError)
"""What reading a damaged database may raise."""
KNOWN = frozenset({"schema", "metadata", "topics", "message_definitions", "messages"})
NEEDED = {"topics": {"id", "name", "type"}, "messages": {"topic_id", "timestamp", "data"}}
PROGRESS_STEPS = 100_000
MIN_QUERY_STEPS = 20_000_000
QUERY_STEPS_PER_BYTE = 8
"""How many instructions of SQLite's machine a query may take. A row is rarely below 20 bytes and takes some 20."""


@dataclass(eq=False, slots=True)
class Database:
    """An open file. A query that goes on for longer than a sound file of this size can make it fails.

    The tree of tables may be made to lead astray, or to hold the same rows over and over.
    """

    connection: sqlite3.Connection
    size_bytes: int
    columns: Mapping[str, frozenset[str]]
    """Of each table that rosbag2 makes, those that are there."""
    _steps: int = 0

    def begin(self) -> None:
        """Another query may take its time."""
        self._steps = 0

    def is_too_long(self) -> bool:
        """Called by SQLite now and then; stops the query if true."""
        self._steps += PROGRESS_STEPS
        return self._steps > MIN_QUERY_STEPS + QUERY_STEPS_PER_BYTE * self.size_bytes

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()


def open_database(path: Path, size_bytes: int, notes: Notes) -> Database:
    """Raises DamagedFileError or NotARecordingError."""
    log, journal = Path(f"{path}-wal"), Path(f"{path}-journal")
    has_log = log.is_file() and log.stat().st_size > 0
    if journal.is_file() and journal.stat().st_size:
        notes.say(f"{journal.name} is there: the recording was cut off while it was being written")
    if has_log:
        try:
            database = _opened(path, size_bytes, reads_log=True)
        except UNREADABLE as err:
            notes.lost(f"{log.name} cannot be read ({err}), which has the last messages; is the folder read-only?")
        else:
            notes.say("the recording was not closed; its write-ahead log is read too")
            return database
    try:
        return _opened(path, size_bytes, reads_log=False)
    except UNREADABLE as err:
        raise DamagedFileError(path, f"SQLite cannot read it: {err}", offset=0) from err


def _opened(path: Path, size_bytes: int, *, reads_log: bool) -> Database:
    # Where nobody writes to it, no lock is needed, and a read-only disk is no obstacle.
    uri = "file:" + quote(os.fsencode(path.absolute())) + "?mode=ro" + ("" if reads_log else "&immutable=1")
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        database = Database(connection, size_bytes, {})
        connection.set_progress_handler(database.is_too_long, PROGRESS_STEPS)
        # The schema comes from the file: it must not bring functions, views or broken cells into play.
        connection.executescript("PRAGMA trusted_schema=OFF; PRAGMA query_only=ON; PRAGMA cell_size_check=ON;")
        database.columns = _columns(path, connection)
    except BaseException:
        connection.close()
        raise
    return database


def _columns(path: Path, connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """Columns of each table. Raises NotARecordingError."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table' AND sql LIKE 'CREATE TABLE%'")
    names = KNOWN & {name for (name,) in tables.fetchall()}
    columns = {
        name: frozenset(str(row[1]) for row in connection.execute(f"PRAGMA table_info({name})")) for name in names
    }
    for table, needed in NEEDED.items():
        if not needed <= columns.get(table, frozenset()):
            raise NotARecordingError(path, f"an SQLite file, but not of rosbag2: it has no {table} table")
    return columns
