"""The rows of rosbag2's messages table, a few MiB at a time, and past what is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from rrbridge_bridge.readers._db3_open import UNREADABLE, Database
from rrbridge_bridge.readers._notes import Notes

__all__ = ["MessageRows", "Window"]

Window: TypeAlias = list[tuple[int, int, int, bytes]]
"""`(rowid, topic id, timestamp, payload)`; any of them but the first may be None, or of another type, in a hostile file."""
WINDOW_ROWS = 16384
WINDOW_BYTES = 16 << 20
FIRST_ROW, LAST_ROW = -(1 << 63) + 1, (1 << 63) - 1


class MessageRows:
    """Rows that fit a condition. `where` continues a WHERE clause, with numbers and placeholders only, `bound` fills these."""

    def __init__(self, database: Database, notes: Notes, where: str, bound: Sequence[int]) -> None:
        self._db = database
        self._notes = notes
        self._where = where
        self._bound = tuple(bound)

    def last_row(self) -> int:
        """The greatest rowid, which tells well enough how far reading is. Raises sqlite3.Error."""
        self._db.begin()
        row = self._db.connection.execute("SELECT max(rowid) FROM messages").fetchone()
        return int(row[0] or 1)

    def windows(self) -> Iterator[Window]:
        """In file order. Rows that cannot be read are told and left out."""
        self._db.begin()
        last = FIRST_ROW - 1
        while True:
            try:
                for window in self._windows_after(last):
                    last = window[-1][0]
                    yield window
                    self._db.begin()
            except UNREADABLE as err:
                self._db.begin()
                window = self._rows_before_damage(last)
                if window:
                    last = window[-1][0]
                    yield window
                beyond = self._row_behind_damage(last)
                if beyond is None:
                    self._notes.lost(f"the file is damaged ({err}): nothing behind row {max(last, 0)} can be read")
                    return
                if beyond - last > 1:
                    self._notes.lost(f"the file is damaged ({err}): rows {last + 1} to {beyond - 1} cannot be read")
                last = beyond - 1
            else:
                return

    def _windows_after(self, last: int) -> Iterator[Window]:
        # `where` holds numbers and placeholders only, so nothing from the file gets into the text of a query.
        lengths = (
            f"SELECT length(data) AS n FROM messages WHERE rowid > ?{self._where} ORDER BY rowid LIMIT {WINDOW_ROWS}"  # noqa: S608
        )
        totals = f"SELECT count(*), sum(n) FROM ({lengths})"  # noqa: S608
        while True:
            count, total = self._db.connection.execute(totals, (last, *self._bound)).fetchone()
            if not count:
                return
            steps = [count]
            if (total or 0) > WINDOW_BYTES:
                steps = _steps([n or 0 for (n,) in self._db.connection.execute(lengths, (last, *self._bound))])
            cursor = self._messages(last, count)
            for step in steps:
                window = cursor.fetchmany(step)
                if not window or window[-1][0] <= last:
                    # A damaged tree can lead back to where reading came from.
                    self._notes.lost("the file is damaged; the messages before the damage are read")
                    return
                last = window[-1][0]
                yield window

    def _messages(self, last: int, count: int) -> sqlite3.Cursor:
        columns = "rowid, CAST(topic_id AS INTEGER), CAST(timestamp AS INTEGER), CAST(data AS BLOB)"
        query = f"SELECT {columns} FROM messages WHERE rowid > ?{self._where} ORDER BY rowid LIMIT ?"  # noqa: S608 - see above
        return self._db.connection.execute(query, (last, *self._bound, count))

    def _rows_before_damage(self, last: int) -> Window:
        """One by one, up to the first that cannot be read: those that a query for many of them did not give."""
        rows: Window = []
        size = 0
        while len(rows) < WINDOW_ROWS and size < WINDOW_BYTES:
            try:
                row = self._messages(last, 1).fetchone()
            except UNREADABLE:
                break
            if row is None or row[0] <= last:
                break
            rows.append(row)
            last = row[0]
            size += len(row[3] or b"")
        return rows

    def _row_behind_damage(self, last: int) -> int | None:
        """The first row after `last` that can be read again; None if there is none."""

        def row_after(rowid: int) -> int | None:
            try:
                found = self._messages(rowid, 1).fetchone()
            except UNREADABLE:
                return None
            return None if found is None or found[0] <= rowid else int(found[0])

        bad = last
        for step in (0, *(1 << n for n in range(64))):
            good = min(last + step, LAST_ROW)
            if row_after(good) is not None:
                break
            bad = good
        else:
            return None
        while good - bad > 1:
            middle = (bad + good) // 2
            if row_after(middle) is None:
                bad = middle
            else:
                good = middle
        return row_after(good)


def _steps(lengths: Sequence[int]) -> list[int]:
    """How many rows to fetch at a time so that each step stays within a window's bytes."""
    steps, rows, size = [], 0, 0
    for length in lengths:
        if rows and size + length > WINDOW_BYTES:
            steps.append(rows)
            rows, size = 0, 0
        rows += 1
        size += length
    return [*steps, rows]
