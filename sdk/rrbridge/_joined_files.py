"""Files of one recording, such as the parts of a split run, as one file with one index."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rrbridge._chunk import Chunk
from rrbridge._joined_repeats import repeated_chunks
from rrbridge.errors import DamagedFileError
from rrbridge.rrd import Manifest, RrdReader

__all__ = ["JoinedFiles"]


class JoinedFiles:
    """Reads chunks from several files by one index; what `RrdReader` is for one file."""

    def __init__(self, readers: Sequence[RrdReader], manifest: Manifest, starts: Sequence[int]) -> None:
        """`starts`: the number of each file's first chunk."""
        self.path = readers[0].path
        self._readers = readers
        self._manifest = manifest
        self._starts = starts

    @classmethod
    def of(cls, parts: Sequence[tuple[RrdReader, Manifest]]) -> JoinedFiles | None:
        """None if their indexes do not go together: those of old versions, and of types that differ."""
        manifests = [manifest for _, manifest in parts]
        if not all(map(_is_whole, manifests)):
            return None
        kept = [np.flatnonzero(~mask) for mask in repeated_chunks(manifests)]
        try:
            schema = pa.unify_schemas([manifest.schema for manifest in manifests])
            tables = [
                pa.Table.from_batches(
                    [manifest.data.take(pa.array(rows)) if len(rows) < len(manifest) else manifest.data]
                )
                for manifest, rows in zip(manifests, kept, strict=True)
            ]
            table = pa.concat_tables(tables, promote_options="default")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            return None
        columns = [_filled(column.combine_chunks()) for column in table.columns]
        data = pa.RecordBatch.from_arrays(columns, schema=pa.schema([f.with_nullable(True) for f in table.schema]))
        starts = list(accumulate(map(len, kept), initial=0))[:-1]
        return cls([reader for reader, _ in parts], Manifest(manifests[0].store_id, schema, data), starts)

    def manifests(self) -> tuple[Manifest, ...]:
        """The one index."""
        return (self._manifest,)

    def chunk(self, manifest: Manifest, index: int) -> Chunk:
        """One chunk of the index. Raises FileError."""
        reader = self._readers[bisect_right(self._starts, index) - 1]
        return reader.chunk(manifest, index)

    def tell(self, error: DamagedFileError) -> None:
        """Say that a chunk which the index has is left out."""
        next(reader for reader in self._readers if reader.path == error.path).tell(error)

    def close(self) -> None:
        """Let go of all files."""
        for reader in self._readers:
            reader.close()


def _is_whole(manifest: Manifest) -> bool:
    """Whether a missing column says that there is nothing, and not that nothing is said."""
    return manifest.num_rows is not None and all(map(manifest.tells_component_times, manifest.timelines))


def _filled(column: pa.Array) -> pa.Array:
    """Where a file lacks a column, its chunks hold nothing of what that counts."""
    nothing = {pa.bool_(): False, pa.uint64(): 0}.get(column.type)
    return column if nothing is None else pc.fill_null(column, nothing)
