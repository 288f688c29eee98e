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

    from rrbridge_bridge.writers._tables import write_tables

    def make(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
        return pq.ParquetWriter(path, schema, compression=how.compression or COMPRESSIONS[0])

    return write_tables(inputs, output, options, how, parquet, make)


parquet = OutputFormat("parquet", "folder of Parquet files", ".parquet", COMPRESSIONS, _write, is_folder=True)
parquet_file = OutputFormat("parquet-file", "Parquet file", ".parquet", COMPRESSIONS, _write)
