"""Parquet: a folder with one file for each topic, or one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rrbridge_bridge.writers._format import OutputFormat, WriteOptions, Written

if TYPE_CHECKING:
    from rrbridge.importers import ImportOptions

__all__ = ["parquet", "parquet_file"]

COMPRESSIONS = ("zstd", "snappy", "lz4", "none")


def _write(inputs: Sequence[Path], output: Path, options: ImportOptions, how: WriteOptions) -> Written:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from rrbridge_bridge.writers._storable import storable_batch, storable_type
    from rrbridge_bridge.writers._tables import write_tables

    class File:
        """One file, in types that Parquet has."""

        def __init__(self, path: Path, schema: pa.Schema) -> None:
            self._schema = pa.schema([f.with_type(storable_type(f.type)) for f in schema], schema.metadata)
            self._is_as_given = self._schema.equals(schema)
            self._file = pq.ParquetWriter(path, self._schema, compression=how.compression or COMPRESSIONS[0])

        def write(self, batch: pa.RecordBatch) -> None:
            """Add rows."""
            self._file.write(batch if self._is_as_given else storable_batch(batch, self._schema))

        def close(self) -> None:
            """Finish it."""
            self._file.close()

    return write_tables(inputs, output, options, how, parquet, File)


parquet = OutputFormat("parquet", "folder of Parquet files", ".parquet", COMPRESSIONS, _write, is_folder=True)
parquet_file = OutputFormat("parquet-file", "Parquet file", ".parquet", COMPRESSIONS, _write)
