"""Opening rosbag2's SQLite files: read-only, with nothing from the file in play but its rows, and an end to patience.

SQLite refuses a file that is shorter than its header says, as a copy that broke off is. It lets itself be asked for the pages
that are there; a last one that is there in part it would take for one that ends in zeros, and messages with it. So such a file
is read by way of a temporary one that has the whole pages.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from rrbridge.errors import DamagedFileError, FileError, NotARecordingError
from rrbridge_bridge.readers._notes import Notes

__all__ = ["UNREADABLE", "Database", "open_database"]

UNREADABLE = (sqlite3.Error, UnicodeDecodeError, OverflowError)
"""What reading a damaged database may raise."""
KNOWN = frozenset({"schema", "metadata", "topics", "message_definitions", "messages"})
NEEDED = {"topics": {"id", "name", "type"}, "messages": {"topic_id", "timestamp", "data"}}
HEADER = struct.Struct(">16xH6xI I 60x I")
"""Size of pages (1: 65 536), change counter, number of pages, and the counter for which that number holds."""
DISK_MARGIN_BYTES = 512 << 20
"""So much of the temporary folder's disk stays free."""
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
    copy: TemporaryDirectory[str] | None = None
    """What is read in place of the file."""
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
        if self.copy is not None:
            self.copy.cleanup()


def open_database(path: Path, size_bytes: int, notes: Notes) -> Database:
    """Raises DamagedFileError or NotARecordingError."""
    log, journal = Path(f"{path}-wal"), Path(f"{path}-journal")
    page_bytes, missing = _cut(path, size_bytes)
    if missing:
        notes.lost(f"the file is cut off: its last {missing} bytes are not there")
    has_log = log.is_file() and log.stat().st_size > 0
    if journal.is_file() and journal.stat().st_size:
        notes.say(f"{journal.name} is there: the recording was cut off while it was being written")
    if has_log:
        try:
            database = _opened(path, size_bytes, reads_log=True, is_cut=False)
        except UNREADABLE as err:
            notes.lost(f"{log.name} cannot be read ({err}), which has the last messages; is the folder read-only?")
        else:
            notes.say("the recording was not closed; its write-ahead log is read too")
            return database
    try:
        if missing and size_bytes % page_bytes:
            return _without_part_of_a_page(path, size_bytes - size_bytes % page_bytes)
        return _opened(path, size_bytes, reads_log=False, is_cut=missing > 0)
    except UNREADABLE as err:
        raise DamagedFileError(path, f"SQLite cannot read it: {err}", offset=0) from err


def _without_part_of_a_page(path: Path, size_bytes: int) -> Database:
    """The first bytes of a file, read from a copy. Raises FileError if there is no room for it."""
    folder = TemporaryDirectory(prefix="rrbridge-")
    try:
        copied = Path(folder.name, path.name)
        _require_room(path, copied.parent, size_bytes)
        shutil.copyfile(path, copied)
        os.truncate(copied, size_bytes)
        database = _opened(copied, size_bytes, reads_log=False, is_cut=True)
    except BaseException:
        folder.cleanup()
        raise
    database.copy = folder
    return database


def _require_room(path: Path, folder: Path, size_bytes: int) -> None:
    if size_bytes + DISK_MARGIN_BYTES > shutil.disk_usage(folder).free:
        raise FileError(path, f"it is cut off; to read the rest, {folder} needs room for {size_bytes} bytes more")


def _cut(path: Path, size_bytes: int) -> tuple[int, int]:
    """Bytes in a page, and how many bytes fewer a file has than its header says."""
    with path.open("rb") as file:
        head = file.read(HEADER.size)
    if len(head) < HEADER.size:
        return 1, 0
    said, counter, pages, valid_for = HEADER.unpack(head)
    page_bytes = 65_536 if said == 1 else max(said, 1)
    if counter != valid_for:  # by a program that does not keep the number; SQLite goes by the size then
        return page_bytes, 0
    return page_bytes, max(pages * page_bytes - size_bytes, 0)


def _opened(path: Path, size_bytes: int, *, reads_log: bool, is_cut: bool) -> Database:
    # Where nobody writes to it, no lock is needed, and a read-only disk is no obstacle.
    uri = "file:" + quote(os.fsencode(path.absolute())) + "?mode=ro" + ("" if reads_log else "&immutable=1")
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        database = Database(connection, size_bytes, {})
        connection.set_progress_handler(database.is_too_long, PROGRESS_STEPS)
        # The schema comes from the file: it must not bring functions, views or broken cells into play.
        connection.executescript("PRAGMA trusted_schema=OFF; PRAGMA query_only=ON; PRAGMA cell_size_check=ON;")
        if is_cut:  # nothing is written all the same
            connection.execute("PRAGMA writable_schema=ON")
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
