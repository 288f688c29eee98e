"""What a chunk must be like (FORMAT §4.3, §5, §11)."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa

from rrbridge._archetype import Archetype
from rrbridge._chunk import Chunk, ComponentColumn
from rrbridge._timeline import STATIC_TIME
from rrbridge.rrd._codec import Entry
from rrbridge.rrd._protocol import ArrowMsg, Compression
from rrbridge.rrd.tools._problems import Problems

__all__ = ["WITHOUT_ID", "check_chunk", "is_text", "same_type"]

RESERVED = ("rerun.archetypes.", "rerun.blueprint.archetypes.")
WITHOUT_ID = "a message without its chunk's id; some tools fail for it where there is an index"


def check_chunk(problems: Problems, offset: int, entry: Entry, chunk: Chunk) -> None:
    """Everything that can be said of a chunk alone."""
    assert entry.packed is not None
    _check_message(problems, offset, entry.packed, chunk)
    where = chunk.entity_path
    if not entry.is_current:
        problems.warn(offset, "in the names of an older version; `rrd merge` brings them up to date", where)
    if not is_text(chunk.to_record_batch().schema):
        problems.error(offset, "a key or value of the schema is no UTF-8, which readers refuse", where)
    if not chunk.num_rows:
        problems.warn(offset, "no rows; stores drop such a chunk", where)
    if not chunk.components:
        problems.warn(offset, "no components; stores drop such a chunk", where)
    _check_rows(problems, offset, chunk)
    for name, column in chunk.times.items():
        if chunk.is_sorted_on(name) and not column.is_sorted:
            problems.error(offset, f"{name} is said to be sorted and is not, so queries go wrong", where)
        if (column.values == STATIC_TIME).any():
            problems.error(offset, f"{name} has the time -2⁶³, which is reserved: such a row is never found", where)
    _check_components(problems, offset, chunk)


def _check_message(problems: Problems, offset: int, packed: ArrowMsg, chunk: Chunk) -> None:
    where = chunk.entity_path
    if packed.compression is Compression.UNSPECIFIED:
        problems.error(offset, "a message that does not say how it is compressed, which fails tools", where)
    if packed.compression is not Compression.LZ4 and packed.uncompressed_size != sum(map(len, packed.payload)):
        problems.warn(offset, "a message that says a wrong size of its data", where)
    if packed.chunk_id is None:
        problems.warn(offset, WITHOUT_ID, where)
    elif packed.chunk_id != chunk.tuid:
        problems.error(offset, "a message that names another chunk than it holds", where)
    if packed.is_static is None:
        problems.warn(offset, "a message that does not say whether its chunk is static", where)
    elif packed.is_static != chunk.is_static:
        problems.error(offset, "a message that says wrongly whether its chunk is static", where)


def is_text(schema: pa.Schema) -> bool:
    """Whether all that is said about columns is UTF-8."""
    try:
        for said in (schema.metadata, *(field.metadata for field in schema)):
            for key, value in (said or {}).items():
                key.decode(), value.decode()
        for field in schema:
            _read_names(field)
    except UnicodeDecodeError:
        return False
    return True


def _read_names(field: pa.Field) -> None:
    """The names of a field and of those in it, which Arrow does not check. Raises UnicodeDecodeError."""
    assert isinstance(field.name, str)
    for index in range(field.type.num_fields):
        _read_names(field.type.field(index))


def _check_rows(problems: Problems, offset: int, chunk: Chunk) -> None:
    high, low = chunk.row_ids[:, 0], chunk.row_ids[:, 1]
    same = (high[1:] == high[:-1]) & (low[1:] == low[:-1])
    falls = (high[1:] < high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] < low[:-1]))
    if falls.any():
        problems.error(offset, "rows are not in order of their ids; query engines refuse that", chunk.entity_path)
    if same.any() or (falls.any() and len(np.unique(chunk.row_ids, axis=0)) != chunk.num_rows):
        problems.error(offset, "two rows of one id, so which of them wins is not said", chunk.entity_path)


def _check_components(problems: Problems, offset: int, chunk: Chunk) -> None:
    batch = chunk.to_record_batch()
    for index, (name, component) in enumerate(chunk.components.items(), start=1 + len(chunk.times)):
        where, outer = f"{chunk.entity_path} {name}", batch.column(index).type
        if pa.types.is_large_list(outer) or pa.types.is_fixed_size_list(outer):
            problems.error(offset, f"{outer} where a list with 32-bit offsets belongs", where)
        elif not pa.types.is_list(outer):
            problems.warn(offset, f"{outer}, no list; each value is taken for a list of one", where)
        _check_type(problems, offset, where, component)


def _check_type(problems: Problems, offset: int, where: str, component: ComponentColumn) -> None:
    named, values = component.descriptor, component.cells.type.value_type
    fields = _archetypes().get(named.archetype or "")
    # What is of no component type is a value of one's own beside an archetype's, such as the intensity of points.
    if fields is not None and named.component not in fields and named.component_type is not None:
        problems.warn(offset, f"{named.archetype} has no such component", where)
    wanted = _types().get(named.component_type or "")
    if fields is None and (named.archetype or "").startswith(RESERVED):
        tell = problems.warn if wanted is None else problems.error
        tell(offset, f"there is no archetype {named.archetype}", where)
    meant = None if fields is None else fields.get(named.component)
    if named.component_type is not None and meant is not None and meant != named.component_type:
        problems.error(offset, f"{named.component_type} where {named.archetype} has {meant}", where)
    if wanted is None:
        return
    if not same_type(values, wanted):
        problems.error(offset, f"{values} where {named.component_type} is {wanted}", where)
    elif component.cells.flatten().null_count:
        problems.error(offset, "null among the values of a row", where)


@cache
def _archetypes() -> dict[str, dict[str, str]]:
    """The components of each built-in archetype, and their types."""
    return {
        cls.archetype_name: {f.descriptor.component: f.component.type_name for f in cls.fields.values()}
        for cls in _classes()
    }


@cache
def _types() -> dict[str, pa.DataType]:
    """The Arrow type of each built-in component type."""
    return {f.component.type_name: f.component.encoding.arrow for cls in _classes() for f in cls.fields.values()}


def _classes() -> list[type[Archetype]]:
    from rrbridge import archetypes, blueprint

    modules = (archetypes, blueprint.archetypes)
    found = (getattr(module, name) for module in modules for name in dir(module))
    return [cls for cls in found if isinstance(cls, type) and issubclass(cls, Archetype) and cls is not Archetype]


def same_type(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether two types are the same to a reader: what list items are called, and what may be null, does not count."""
    if one.num_fields and one.id == other.id and one.num_fields == other.num_fields:
        if pa.types.is_fixed_size_list(one) and one.list_size != other.list_size:
            return False
        is_named = pa.types.is_struct(one) or pa.types.is_union(one)
        pairs = [(one.field(i), other.field(i)) for i in range(one.num_fields)]
        return all((not is_named or a.name == b.name) and same_type(a.type, b.type) for a, b in pairs)
    return bool(one.equals(other))
