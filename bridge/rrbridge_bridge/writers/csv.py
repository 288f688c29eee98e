"""CSV: a folder with one file for each topic, or one file. Lists are JSON; bytes are left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written

if TYPE_CHECKING:
    import pyarrow as pa

    from rrbridge.importers import ImportOptions, Note

__all__ = ["csv", "csv_file"]


class CsvTable:
    """One file that is being written: comma-separated, texts in quotes, numbers with a point where they are no whole ones."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow as pa

        from rrbridge.importers import Note
        from rrbridge_bridge.writers._flat import as_text

        kept = [as_text(pa.array([], field.type)) is not None for field in schema]
        self._names = [name for name, is_kept in zip(schema.names, kept, strict=True) if is_kept]
        left_out = [name for name, is_kept in zip(schema.names, kept, strict=True) if not is_kept]
        self.notes: list[Note] = [Note(f"{path.name}: no text is made of {name}, which is bytes") for name in left_out]
        self._file = path.open("wb", buffering=1 << 20)
        heads = [pa.array([name]) for name in self._names]
        self._write_lines([_quoted(head) for head in heads])

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows. Raises OSError."""
        from rrbridge_bridge.writers._flat import as_text

        if batch.num_rows:
            self._write_lines([_cells(as_text(batch.column(name))) for name in self._names])

    def _write_lines(self, columns: Sequence[pa.Array]) -> None:
        import pyarrow.compute as pc

        lines = pc.binary_join_element_wise(*columns, ",", null_handling="replace", null_replacement="")
        # The texts of an array stand end to end in one buffer: with the line ends put in, that is the file.
        lines = pc.binary_join_element_wise(lines, "", "\n")
        _, offsets, data = lines.buffers()
        starts = memoryview(offsets).cast("i")
        self._file.write(memoryview(data)[starts[lines.offset] : starts[lines.offset + len(lines)]])

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


def _cells(column: pa.Array) -> pa.Array:
    """Values as they stand in the file; nulls stay."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _quoted(column.cast(pa.utf8()))
    if pa.types.is_duration(column.type):
        return _seconds(column.cast(pa.duration("ns")).cast(pa.int64()))
    texts = column.cast(pa.utf8())
    if pa.types.is_floating(column.type):
        # Readers that guess from the first rows would take 1 for a whole number, and stumble over 0.99.
        is_whole = pc.match_substring_regex(texts, r"^-?\d+$")
        texts = pc.if_else(is_whole, pc.binary_join_element_wise(texts, "0", "."), texts)
    return texts


def _seconds(nanos: pa.Array) -> pa.Array:
    """Exact, and without an exponent; as a time without a unit is taken when the file is read again."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.divide(nanos, 1_000_000_000)  # towards zero
    rest = pc.abs(pc.subtract(nanos, pc.multiply(whole, 1_000_000_000)))
    sign = pc.if_else(pc.less(nanos, 0), "-", "")
    digits = pc.utf8_lpad(rest.cast(pa.utf8()), 9, "0")
    return pc.binary_join_element_wise(
        sign, pc.binary_join_element_wise(pc.abs(whole).cast(pa.utf8()), digits, "."), ""
    )


def _quoted(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")


def _write(inputs: Sequence[Path], output: Path, options: ImportOptions, how: WriteOptions) -> Written:
    from rrbridge_bridge.writers._tables import write_tables

    return write_tables(inputs, output, options, how, csv, CsvTable)


csv = OutputFormat("csv", "folder of CSV files", ".csv", ("none",), _write, is_folder=True)
csv_file = OutputFormat("csv-file", "CSV file", ".csv", ("none",), _write)
