"""Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rrbridge.errors import DamagedFileError, FileError
from rrbridge_bridge.tables._importer import TableImporter

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["importer"]

MAGIC = b"PAR1"
ROWS = 65_536


def _takes(path: Path, head: bytes) -> bool:  # noqa: ARG001 - the first bytes say it all
    return head.startswith(MAGIC)


def _batches(
    path: Path,
    tell: Callable[[str], None],  # noqa: ARG001 - a file is whole or cannot be read
    progress: Callable[[int, int], None] | None,
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            total, done = path.stat().st_size, 0
            rows = max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(ROWS):
                yield batch
                done += batch.num_rows
                if progress:
                    progress(total * done // rows, total)
    except pa.ArrowInvalid as err:
        raise DamagedFileError(path, f"no Parquet file that can be read: {err}", offset=0) from err
    except OSError as err:
        raise FileError(path, err.strerror or str(err)) from err


importer = TableImporter("Parquet", _takes, _batches)
