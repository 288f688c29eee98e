"""Recordings as tables, one for each topic: a row for every message, with its times and its fields by path.

Of a recording that has no messages' bytes the tables are views of its entities, as `rr.open` gives them: a row for every time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from rrbridge._arrow import list_values
from rrbridge._query_view import View
from rrbridge._tuid import TuidArray
from rrbridge.adapters import Adapters
from rrbridge.chunk import Chunk
from rrbridge.errors import FileError
from rrbridge.importers import ImportOptions, Note
from rrbridge_bridge.driver import Driver
from rrbridge_bridge.output_files import complete_or_absent, output_path, progress_bar, shortened
from rrbridge_bridge.readers._blocks import Rows
from rrbridge_bridge.readers.rrd import NoBytesError, RrdMessages
from rrbridge_bridge.report import TopicReport
from rrbridge_bridge.writers._copy import check_chosen, input_bytes
from rrbridge_bridge.writers._flat import flat
from rrbridge_bridge.writers._folders import complete_or_absent_folder, folder_path
from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written
from rrbridge_bridge.writers._messages import Messages, open_messages

__all__ = ["TableFile", "write_tables"]

WAITING_BYTES = 64 << 20
"""So much of the input is taken in before what came of it is written."""
MESSAGE = ":message"
"""What components with all fields of a message end in."""
NAMED = 5
"""So many entities are named in a note."""
ABOUT_THE_FILE = ("/__properties", "/__mcap_")


class TableFile(Protocol):
    """One table that is being written."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows, always with the same columns."""

    def close(self) -> None:
        """Finish the file."""


MakeTable = Callable[[Path, pa.Schema], TableFile]


@dataclass(slots=True)
class _Table:
    file: TableFile
    schema: pa.Schema
    waiting: list[pa.RecordBatch]


def write_tables(
    inputs: Sequence[Path],
    output: Path,
    options: ImportOptions,
    how: WriteOptions,
    to: OutputFormat,
    make: MakeTable,
) -> Written:
    """Write one file for each topic into a folder, or the only topic into a file. Raises FileError."""
    began = time.monotonic()
    is_file = output.suffix.lower() == to.suffix
    check_path = output_path if is_file else folder_path
    place: Callable[[Path], AbstractContextManager[Path]] = complete_or_absent if is_file else complete_or_absent_folder
    target = check_path(inputs, output, force=how.force)
    with progress_bar("converting") as progress, place(target) as partial:
        options = replace(options, progress=progress)
        tables = _Tables(partial, to, make, is_file=is_file)
        try:
            work = _Messages(inputs, options) if _have_messages(inputs) else _Views(inputs, options, how.index)
            work.write(tables)
            tables.flush()
        finally:
            tables.close()
    return Written(
        output=output,
        format=to.describes,
        topics=work.reports,
        notes=[*work.notes, *tables.notes],
        input_bytes=input_bytes(inputs),
        output_bytes=input_bytes([target]),
        start_nanos=work.start_nanos,
        end_nanos=work.end_nanos,
        seconds=time.monotonic() - began,
    )


def _have_messages(inputs: Sequence[Path]) -> bool:
    """Whether there are bytes of messages in all that can be opened. Raises FileError if only in some, or if none can be."""
    found: dict[Path, bool] = {}
    failed: list[FileError] = []
    for path in inputs:
        try:
            with open_messages(path) as reader:
                found[path] = not (isinstance(reader, RrdMessages) and reader.topics_without_bytes())
        except NoBytesError:
            found[path] = False
        except FileError as err:
            failed.append(err)
    if not found:
        raise failed[0]
    if len(set(found.values())) > 1:
        without = next(path for path, has_bytes in found.items() if not has_bytes)
        raise FileError(without, "has not all messages' bytes, unlike the others; convert it by itself")
    return next(iter(found.values()))


class _Tables:
    """The files that are written, by entity and columns."""

    def __init__(self, place: Path, to: OutputFormat, make: MakeTable, *, is_file: bool) -> None:
        self.notes: list[Note] = []
        self._place = place
        self._suffix = to.suffix
        self._make = make
        self._is_file = is_file
        self._tables: dict[tuple[str, pa.Schema], _Table] = {}
        self._names: set[str] = set()

    def add(self, entity: str, batch: pa.RecordBatch) -> None:
        """Rows of an entity."""
        found = self._tables.get((entity, batch.schema))
        if found is None:
            found = _Table(self._make(self._path(entity), batch.schema), batch.schema, [])
            self._tables[entity, batch.schema] = found
        found.waiting.append(batch)

    def flush(self) -> None:
        """Write what waits."""
        for found in self._tables.values():
            if found.waiting:
                rows = pa.Table.from_batches(found.waiting, found.schema).combine_chunks()
                found.waiting.clear()
                for batch in rows.to_batches():
                    found.file.write(batch)

    def close(self) -> None:
        """Finish all files."""
        for found in self._tables.values():
            found.file.close()
        self.notes += [note for found in self._tables.values() for note in getattr(found.file, "notes", ())]

    def _path(self, entity: str) -> Path:
        if self._is_file:
            if self._tables:
                names = f"{next(iter(self._tables))[0]}, {entity} …"
                name = self._suffix[1:]
                raise FileError(
                    self._place,
                    f"one {name} file holds one table, and there are several ({names}); choose a topic with -t, or give a "
                    f"folder: --to {name} -o FOLDER (the table `log` of rrbridge query has all in one)",
                )
            return self._place
        base = shortened(re.sub(r"[^\w.-]+", "_", entity).strip("_")) or "root"
        name, number = base, 1
        while name.lower() in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name.lower())
        return self._place / f"{name}{self._suffix}"


class _Messages:
    """Tables of messages."""

    def __init__(self, inputs: Sequence[Path], options: ImportOptions) -> None:
        self._messages = Messages(inputs, options)
        # Without adapters every field is in its message's struct, the pixels of an image too.
        plain = replace(options, fields="all", mapping="all", raw=False, progress=None)
        self._driver = Driver(plain, adapters=Adapters())

    @property
    def reports(self) -> Sequence[TopicReport]:
        return self._driver.reports

    @property
    def notes(self) -> Sequence[Note]:
        return self._messages.notes

    @property
    def start_nanos(self) -> int | None:
        return self._messages.start_nanos

    @property
    def end_nanos(self) -> int | None:
        return self._messages.end_nanos

    def write(self, tables: _Tables) -> None:
        taken = 0
        for source in self._messages.sources():
            self._driver.next_file(source.ros_distro)
            self._driver.announce(self._messages.connections.values())
            for rows in self._messages.blocks(source):
                for entity, batch in self._tables_of(rows):
                    tables.add(entity, batch)
                taken += rows.buffer.nbytes
                if taken > WAITING_BYTES:
                    tables.flush()
                    taken = 0
        check_chosen(self._messages)

    def _tables_of(self, rows: Rows) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The rows as tables; those of several publishers of one topic in their order."""
        found: dict[tuple[str, str, pa.DataType], list[Chunk]] = {}
        for number in np.unique(rows.connection_ids).tolist():
            batch = rows.batch(self._messages.connections[number], np.flatnonzero(rows.connection_ids == number))
            for chunk in self._driver.convert(batch):
                for name, column in chunk.components.items():
                    if name.endswith(MESSAGE):
                        found.setdefault((chunk.entity_path, name, column.cells.type), []).append(chunk)
        for (entity, component, _), chunks in found.items():
            yield entity, _joined(chunks, component)


def _joined(chunks: Sequence[Chunk], component: str) -> pa.RecordBatch:
    """The fields of chunks' messages, by row id."""
    batches = [_fields(chunk, component) for chunk in chunks]
    if len(batches) == 1:
        return batches[0]
    together = pa.Table.from_batches(batches, batches[0].schema).combine_chunks()
    (batch,) = together.to_batches()
    order = _order(np.concatenate([chunk.row_ids for chunk in chunks]))
    return batch if (np.diff(order) > 0).all() else batch.take(pa.array(order))


def _order(ids: TuidArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.lexsort((ids[:, 1].astype(np.uint64), ids[:, 0].astype(np.uint64)))


def _fields(chunk: Chunk, component: str) -> pa.RecordBatch:
    """Times and fields of a chunk's messages, one row each."""
    offsets, messages = list_values(chunk.components[component].cells)
    rows = np.repeat(np.arange(chunk.num_rows), offsets[1:] - offsets[:-1])
    times = {n: pa.array(time.values[rows]).cast(time.kind.value) for n, time in sorted(chunk.times.items())}
    fields = dict(flat("", messages))
    return _batch(times | {(f"message.{name}" if name in times else name): array for name, array in fields.items()})


def _batch(columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


class _Views:
    """Tables of a recording without bytes."""

    def __init__(self, inputs: Sequence[Path], options: ImportOptions, index: str) -> None:
        import rrbridge as rr

        self._options = options
        self._index = index
        self.notes: list[Note] = []
        self._recordings = rr.open(list(inputs), ImportOptions(note=self.notes.append))
        self.reports: list[TopicReport] = []
        self._timeless: list[str] = []
        self.start_nanos: int | None = None
        self.end_nanos: int | None = None

    def write(self, tables: _Tables) -> None:
        from rrbridge._query_sql import table

        for entity in self._recordings.entities():
            if entity.startswith(ABOUT_THE_FILE) or not self._options.wants(entity):
                continue
            view = table(self._recordings, entity, self._index)
            if view.index is None or len(view.schema().names) < 2:
                self._timeless.append(entity)
                continue
            self._note_equal_times(entity, view)
            view = view.filter_range_nanos(self._options.start_nanos, self._options.end_nanos)
            report = TopicReport(entity, "", "", entity)
            for batch in view.to_reader():
                tables.add(entity, _batch({n: a for name, c in _columns(batch) for n, a in flat(name, c)}))
                tables.flush()
                report.messages += batch.num_rows
                report.rows += batch.num_rows
                report.nbytes += batch.nbytes
            self.reports.append(report)
        if self._timeless:
            more = f" and {len(self._timeless) - NAMED} more" if len(self._timeless) > NAMED else ""
            names = ", ".join(self._timeless[:NAMED]) + more
            self.notes.append(Note(f"{names}: left out, as static data have no time and so no row"))

    def _note_equal_times(self, entity: str, view: View) -> None:
        """A view shows one row for a time; of a recording with bytes, the messages themselves are written."""
        chunks = [chunk for source in self._recordings.sources() for chunk in source.store.iter_chunks(entity)]
        messages = sum(
            chunk.num_rows - column.cells.null_count
            for chunk in chunks
            for name, column in chunk.components.items()
            if name.endswith(MESSAGE) and not chunk.is_static
        )
        missing = messages - view.count_rows()
        if messages and missing > 0:
            hint = "convert the bag itself, or a recording made with --raw"
            self.notes.append(
                Note(
                    f"{entity}: {missing} messages have the same time as another and are left out; {hint}", is_loss=True
                )
            )


def _columns(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    """A view's columns; the struct with a message's fields has no name of its own."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        yield ("" if name == "message" and pa.types.is_struct(column.type) else name), column
