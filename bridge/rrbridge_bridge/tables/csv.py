"""Tables as text: cells between commas, semicolons, tabs or bars; the first line names the columns, or there is no such line.

Lines that begin with `#` come before the table; the last of them may name the columns. A column of which all cells are numbers
is numbers, with gaps where cells are empty; a column of dates is dates, and everything else is text. The file is read twice,
first to find that out, a block at a time.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rrbridge.errors import DamagedFileError, FileError
from rrbridge_bridge.tables._importer import TableImporter

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["importer"]

BLOCK_BYTES = 8 << 20
MAX_LINE_BYTES = 64 << 20
HEAD_BYTES = 1 << 20
DELIMITERS = ",;\t|"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|[+-]?inf|\d{4}-\d\d-\d\d.*", re.IGNORECASE)
SUFFIXES = {".csv": "", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class _Layout:
    names: tuple[str, ...]
    delimiter: str
    start: int
    """Where the first row begins, in bytes."""


def _takes(path: Path, head: bytes) -> bool:
    return path.suffix.lower() in SUFFIXES and b"\0" not in head and bool(head)


def _batches(
    path: Path, tell: Callable[[str], None], progress: Callable[[int, int], None] | None
) -> Iterator[pa.RecordBatch]:
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            layout = _layout(path, file.read(HEAD_BYTES))
            kinds: dict[str, pa.DataType] = {}
            for block, _ in _blocks(path, file, layout.start):
                kinds = _unified(kinds, _parse(path, block, layout, None, []).schema)
            wrong: list[int] = []
            for block, done in _blocks(path, file, layout.start):
                yield from _parse(path, block, layout, kinds, wrong).combine_chunks().to_batches()
                if progress:
                    progress(done, total)
            if wrong:
                tell(f"{len(wrong)} rows do not have {len(layout.names)} cells, and are left out")
    except csv.Error as err:
        raise FileError(path, f"no table that can be read: {err}") from err
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err


def _layout(path: Path, head: bytes) -> _Layout:
    """Names, delimiter and the beginning of the rows. Raises FileError."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(path, "its text is UTF-16; save it as UTF-8")
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    remark = ""
    while True:
        end = head.find(b"\n", at)
        line = head[at : end if end >= 0 else len(head)].decode("utf-8", "replace").strip("\r")
        following = end + 1 if end >= 0 else len(head)
        if line.startswith("#"):
            remark = line.lstrip("# ")
        elif line.strip():
            break
        if following >= len(head):
            return _Layout(tuple(_cells(remark, _delimiter(path, remark))) if remark else ("column_1",), ",", len(head))
        at = following
    delimiter = _delimiter(path, line)
    cells = _cells(line, delimiter)
    names = _cells(remark, _delimiter(path, remark)) if remark else []
    numbers = [cell for cell in cells if NUMBER.fullmatch(cell)]
    is_data = bool(numbers) and (len(names) == len(cells) or len(numbers) == sum(map(bool, cells)))
    if not is_data:
        return _Layout(_distinct(cells), delimiter, following)
    if len(names) != len(cells):
        names = [f"column_{n}" for n in range(1, len(cells) + 1)]
    return _Layout(_distinct(names), delimiter, at)


def _delimiter(path: Path, line: str) -> str:
    if given := SUFFIXES[path.suffix.lower()]:
        return given
    return max(DELIMITERS, key=lambda mark: (line.count(mark), mark == ","))


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, int] = {}
    for nth, name in enumerate(names, 1):
        unique, count = name or (f"column_{nth}" if nth > 1 else "index"), 1
        while unique in found:
            count += 1
            unique = f"{name}_{count}"
        found[unique] = nth
    return tuple(found)


def _blocks(path: Path, file: IO[bytes], start: int) -> Iterator[tuple[bytes, int]]:
    """Whole rows, and how many bytes of the file are done; a line end within quotes ends no row. Raises DamagedFileError."""
    file.seek(start)
    rest, at = b"", start
    while part := file.read(BLOCK_BYTES):
        block = rest + part
        end = _end_of_row(block)
        at += len(part)
        if end:
            yield block[:end], at
        elif len(block) > MAX_LINE_BYTES:
            raise DamagedFileError(
                path, f"a row of more than {MAX_LINE_BYTES} bytes: is a quote not closed?", offset=at
            )
        rest = block[end:]
    if rest.strip():
        yield rest, at


def _end_of_row(block: bytes) -> int:
    """Behind the last line end that is not within quotes; 0 if there is none."""
    end = block.rfind(b"\n") + 1
    quotes = block.count(b'"', 0, end)
    while end and quotes % 2:
        before = block.rfind(b"\n", 0, end - 1) + 1
        quotes -= block.count(b'"', before, end)
        end = before
    return end


def _parse(
    path: Path, block: bytes, layout: _Layout, kinds: dict[str, pa.DataType] | None, wrong: list[int]
) -> pa.Table:
    """A block as a table. Raises DamagedFileError."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    def skip(row: Any) -> str:
        wrong.append(row.number or 0)
        return "skip"

    try:
        block.decode()
    except UnicodeDecodeError:
        block = block.decode("utf-8", "replace").encode()
    try:
        return arrow_csv.read_csv(
            io.BytesIO(block),
            arrow_csv.ReadOptions(column_names=list(layout.names), block_size=max(len(block), 1), use_threads=False),
            arrow_csv.ParseOptions(
                delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=skip, ignore_empty_lines=True
            ),
            arrow_csv.ConvertOptions(column_types=kinds, strings_can_be_null=True, quoted_strings_can_be_null=False),
        )
    except pa.ArrowInvalid as err:
        raise DamagedFileError(path, f"no table that can be read: {err}", offset=layout.start) from err


def _unified(known: dict[str, pa.DataType], schema: pa.Schema) -> dict[str, pa.DataType]:
    return {field.name: _wider(known.get(field.name), field.type) for field in schema}


def _wider(a: pa.DataType | None, b: pa.DataType) -> pa.DataType:
    """The type that takes the cells of both."""
    import pyarrow as pa

    if a is None or a == b or pa.types.is_null(a):
        return b
    if pa.types.is_null(b):
        return a
    if {a, b} == {pa.int64(), pa.float64()}:
        return pa.float64()
    if pa.types.is_timestamp(a) and pa.types.is_timestamp(b) and a.tz == b.tz:
        return pa.timestamp("ns", a.tz)
    return pa.string()


importer = TableImporter("CSV", _takes, _batches)
