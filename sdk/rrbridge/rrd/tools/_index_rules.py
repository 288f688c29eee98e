"""What the index at the end of a file must say (FORMAT §3.4, §3.5): what an index made of the chunks themselves says."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from rrbridge._messages import StoreId
from rrbridge.rrd._codec import DECODE_ERRORS
from rrbridge.rrd._frames import End
from rrbridge.rrd._manifest import INDEX_KEY, Manifest
from rrbridge.rrd._protocol import RawManifest, decode_footer
from rrbridge.rrd.tools._chunk_rules import is_text, same_type
from rrbridge.rrd.tools._problems import Problems

__all__ = ["check_index"]

GLOBAL = (
    *("chunk_entity_path", "chunk_id", "chunk_is_static", "chunk_num_rows"),
    *("chunk_byte_offset", "chunk_byte_size", "chunk_byte_size_uncompressed"),
)
HASH_BYTES = 32


def check_index(problems: Problems, end: End | None, position: int, made: Mapping[StoreId, Manifest]) -> None:
    """`made`: the indexes that the chunks of the last stream give, with offsets from its start."""
    if not made and (end is None or not end.payload):
        problems.error(
            position if end is None else end.offset, "no chunks, so no index, without which readers refuse it"
        )
        return
    if end is None:
        problems.error(
            position, "no index: large files open slowly, and some readers refuse them; `rrbridge recover` adds it"
        )
        return
    if not end.payload:
        problems.error(end.offset, "the end has no index; `rrbridge recover` adds it")
        return
    if end.trailer is None:
        problems.error(end.offset, "nothing points to the index, so it is not found; `rrbridge recover` mends that")
    else:
        if (end.trailer.offset, end.trailer.size) != (end.offset - end.stream_start, len(end.payload)):
            problems.error(end.offset, "what points to the index points elsewhere")
        if not end.trailer.matches(end.payload):
            problems.error(end.offset, "the index does not match its checksum, so readers refuse the file")
    try:
        given = {raw.store_id: (raw, Manifest.decode(raw)) for raw in decode_footer(end.payload)}
    except DECODE_ERRORS as err:
        problems.error(end.offset, f"the index cannot be read: {err}")
        return
    if not given:
        problems.error(end.offset, "the index is empty")
    for store_id in made.keys() - given.keys():
        problems.error(
            end.offset, "has chunks and is not in the index, so readers do not see it", store_id.recording_id
        )
    for store_id in given.keys() - made.keys():
        problems.error(end.offset, "is in the index and has no chunks", store_id.recording_id)
    for store_id in made.keys() & given.keys():
        _check_store(problems, end.offset, *given[store_id], made[store_id])


def _check_store(problems: Problems, offset: int, raw: RawManifest, given: Manifest, made: Manifest) -> None:
    name = raw.store_id.recording_id
    if not (is_text(given.schema) and is_text(given.data.schema)):
        problems.error(offset, "a name in the index is no UTF-8, which readers refuse", name)
        return
    if len(raw.schema_hash) != HASH_BYTES:
        problems.error(offset, "the index lacks the hash of its schema", name)
    missing = [column for column in GLOBAL if given.data.schema.get_field_index(column) < 0]
    if missing:
        problems.error(offset, f"the index lacks {', '.join(missing)}", name)
    if len(given) != len(made):
        problems.error(offset, f"{len(given)} chunks in the index, {len(made)} in the file", name)
        return
    order = pc.sort_indices(given.data, [("chunk_byte_offset", "ascending")])
    data = given.data.take(order)
    for index, field in enumerate(made.data.schema):
        found = data.schema.get_field_index(field.name)
        if found < 0:
            if field.name not in missing:
                _tell_missing(problems, offset, name, field)
        elif not data.schema.field(found).type.equals(field.type) or not data.column(found).equals(
            made.data.column(index)
        ):
            problems.error(offset, f"the index says otherwise than the chunks in {field.name}", name)
    for field in data.schema:
        if field.name not in GLOBAL and INDEX_KEY not in (field.metadata or {}):
            problems.error(offset, f"the index has a column {field.name}, which readers refuse", name)
    _check_schema(problems, offset, name, given.schema, made.schema)


def _tell_missing(problems: Problems, offset: int, name: str, field: pa.Field) -> None:
    is_needed = b"rerun:component" not in (field.metadata or {}) or field.name.endswith(":has_static_data")
    if is_needed:
        problems.error(offset, f"the index lacks {field.name}", name)
    else:
        problems.warn(
            offset, "the index lacks columns for single components, so queries read more than they need", name
        )


def _check_schema(problems: Problems, offset: int, name: str, given: pa.Schema, made: pa.Schema) -> None:
    for field in made:
        index = given.get_field_index(field.name)
        if index < 0:
            problems.error(offset, f"the index's schema lacks {field.name}, so readers do not see it", name)
        elif not same_type(given.field(index).type, field.type):
            problems.error(offset, f"{field.name} has another type in the index's schema", name)
