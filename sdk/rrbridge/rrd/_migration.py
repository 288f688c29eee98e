"""Chunks of older versions, in today's names (FORMAT §5.1, §7.4, §10).

A chunk's `sorbet:version` says whose names it uses; none means 0.23 or older. The data itself never changed, only what
columns are called, so a migration rewrites schemas and drops columns but copies nothing.

| version | what changed |
| --- | --- |
| 0.1.0 (0.24) | metadata keys `rerun.x` became `rerun:x`; columns are named `<archetype>:<field>`; recording properties moved |
| 0.1.1 | indicator columns are gone |
| 0.1.2 | pose components, `Transform3D:axis_length` and `CoordinateFrame:frame_id` got other names |
| 0.1.3 | `SeriesVisible` became `Visible` |
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._arrow import ITEM, unit_lists
from rrbridge._chunk import ROW_ID
from rrbridge._descriptor import short_name
from rrbridge.rrd._ipc import MAX_UNPACKED_BYTES

__all__ = ["migrate"]

log = logging.getLogger(__name__)

Metadata: TypeAlias = dict[str, str]
SorbetVersion: TypeAlias = tuple[int, ...]

TODAY: SorbetVersion = (0, 1, 4)
OLDEST: SorbetVersion = (0, 0, 0)
_CHUNK_LEFTOVERS = {"rerun:heap_size_bytes", "rerun:version"}
_COLUMN_LEFTOVERS = {"rerun:is_static", "rerun:is_semantically_empty", "rerun:is_tombstone", "rerun:entity_path"}
"""What some writers put on a chunk's columns and only an index needs."""
TODAY_TEXT = ".".join(map(str, TODAY))


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    metadata: Metadata
    nullable: bool
    values: pa.Array

    @property
    def kind(self) -> str:
        return self.metadata.get("rerun:kind", "data")


@dataclass(frozen=True, slots=True)
class _Draft:
    metadata: Metadata
    columns: tuple[_Column, ...]


def migrate(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows in today's names; the very same batch where there is nothing to do.

    Raises ValueError for metadata that is not text.
    """
    schema = batch.schema
    version = _version((schema.metadata or {}).get(b"sorbet:version", b""))
    if version > TODAY:
        _warn_newer(version)
    if version >= TODAY and _is_plain(batch):
        return batch
    draft = _Draft(
        _texts(schema.metadata),
        tuple(
            _Column(f.name, _texts(f.metadata), f.nullable, column)
            for f, column in zip(schema, batch.columns, strict=True)
        ),
    )
    for since, step in _STEPS:
        if version < since:
            draft = step(draft)
    return _to_batch(_normalise(draft, version))


def _version(text: bytes) -> SorbetVersion:
    if not text:
        return OLDEST
    try:
        return tuple(int(part) for part in text.decode().split("."))
    except ValueError:
        _warn_unknown(text)
        return TODAY


@lru_cache(maxsize=16)
def _warn_newer(version: SorbetVersion) -> None:
    log.warning(
        "chunks of schema version %s are newer than this rrbridge knows (%s); what is new in them is not understood",
        ".".join(map(str, version)),
        TODAY_TEXT,
    )


@lru_cache(maxsize=16)
def _warn_unknown(text: bytes) -> None:
    log.warning("chunks of schema version %r: not a version; taken for %s", text, TODAY_TEXT)


def _texts(metadata: dict[bytes, bytes] | None) -> Metadata:
    return {key.decode(): value.decode() for key, value in (metadata or {}).items()}


def _is_plain(batch: pa.RecordBatch) -> bool:
    schema = batch.schema
    path = schema.metadata.get(b"rerun:entity_path", b"").decode()
    if _entity_path.normalize(path) != path or schema.names[:1] != [ROW_ID]:
        return False
    return all(
        (f.metadata or {}).get(b"rerun:kind") in (b"control", b"index") or _is_plain_list(f.type) for f in schema
    )


def _is_plain_list(datatype: pa.DataType) -> bool:
    return bool(pa.types.is_list(datatype)) and not pa.types.is_dictionary(datatype.value_type)


def _colon_keys(draft: _Draft) -> _Draft:
    def renamed(metadata: Metadata) -> Metadata:
        return {key.replace("rerun.", "rerun:", 1): value for key, value in metadata.items()}

    metadata = renamed(draft.metadata)
    if metadata.get("rerun:entity_path", "").strip("/") == "__properties/recording":
        metadata["rerun:entity_path"] = "/__properties"
    columns = []
    for column in draft.columns:
        if "rerun.component" in column.metadata or "rerun.kind" in column.metadata:
            column = replace(column, metadata=renamed(column.metadata))
            if column.kind == "data":
                column = _named_by_field(column)
        columns.append(column)
    return _Draft(metadata, tuple(columns))


_ARCHETYPES_OF_023 = {
    "rerun.archetypes.RecordingProperties": ("rerun.archetypes.RecordingInfo", {}),
    "rerun.archetypes.Scalar": ("rerun.archetypes.Scalars", {"scalar": "scalars"}),
    "rerun.archetypes.SeriesLine": (
        "rerun.archetypes.SeriesLines",
        {"color": "colors", "width": "widths", "name": "names"},
    ),
    "rerun.archetypes.SeriesPoint": (
        "rerun.archetypes.SeriesPoints",
        {"color": "colors", "marker": "markers", "name": "names", "marker_size": "marker_sizes"},
    ),
}


def _named_by_field(column: _Column) -> _Column:
    """What was archetype, archetype field and component (a type) is archetype, component and component type now."""
    metadata = dict(column.metadata)
    component_type = metadata.pop("rerun:component", column.name)
    archetype = metadata.pop("rerun:archetype", None)
    field = metadata.pop("rerun:archetype_field", None)
    if _is_indicator(component_type):
        return replace(column, metadata=metadata | {"rerun:component": component_type})
    if archetype in _ARCHETYPES_OF_023:
        archetype, renamed_fields = _ARCHETYPES_OF_023[archetype]
        field = renamed_fields.get(field or "", field)
    if archetype is not None:
        component = f"{short_name(archetype)}:{field}" if field else component_type
        metadata |= {"rerun:archetype": archetype, "rerun:component_type": component_type}
    elif field:
        component = field
        metadata["rerun:component_type"] = component_type
    else:
        component = component_type
    return replace(column, name=component, metadata=metadata | {"rerun:component": component})


def _is_indicator(component: str) -> bool:
    return component.endswith("Indicator") and component.startswith(("rerun.", "Rerun"))


def _without_indicators(draft: _Draft) -> _Draft:
    def keep(column: _Column) -> bool:
        return column.kind != "data" or not _is_indicator(column.metadata.get("rerun:component", ""))

    return replace(draft, columns=tuple(filter(keep, draft.columns)))


def _with_types(renamed: dict[str, str]) -> Callable[[_Draft], _Draft]:
    """A step that gives component types other names."""

    def one(column: _Column) -> _Column:
        component_type = column.metadata.get("rerun:component_type", "")
        if component_type not in renamed:
            return column
        return replace(column, metadata=column.metadata | {"rerun:component_type": renamed[component_type]})

    return lambda draft: replace(draft, columns=tuple(map(one, draft.columns)))


def _with_components(renamed: dict[str, tuple[str, str]]) -> Callable[[_Draft], _Draft]:
    """A step that gives components other names, perhaps under another archetype."""

    def one(column: _Column) -> _Column:
        component = column.metadata.get("rerun:component", column.name)
        if component not in renamed or "rerun:archetype" not in column.metadata:
            return column
        name, archetype = renamed[component]
        return replace(
            column, name=name, metadata=column.metadata | {"rerun:component": name, "rerun:archetype": archetype}
        )

    return lambda draft: replace(draft, columns=tuple(map(one, draft.columns)))


_STEPS: tuple[tuple[SorbetVersion, Callable[[_Draft], _Draft]], ...] = (
    ((0, 1, 0), _colon_keys),
    ((0, 1, 1), _without_indicators),
    (
        (0, 1, 2),
        _with_types(
            {
                f"rerun.components.Pose{name}": f"rerun.components.{name}"
                for name in ("Translation3D", "RotationQuat", "RotationAxisAngle", "Scale3D", "TransformMat3x3")
            }
        ),
    ),
    (
        (0, 1, 2),
        _with_components(
            {
                "Transform3D:axis_length": ("TransformAxes3D:axis_length", "rerun.archetypes.TransformAxes3D"),
                "CoordinateFrame:frame_id": ("CoordinateFrame:frame", "rerun.archetypes.CoordinateFrame"),
            }
        ),
    ),
    ((0, 1, 3), _with_types({"rerun.components.SeriesVisible": "rerun.components.Visible"})),
)


def _normalise(draft: _Draft, version: SorbetVersion) -> _Draft:
    """Canonical names and path, plain lists, columns in order, today's version unless the chunk's is newer."""
    metadata = {key: value for key, value in draft.metadata.items() if key not in _CHUNK_LEFTOVERS}
    if "rerun:entity_path" in metadata:
        metadata["rerun:entity_path"] = _entity_path.normalize(metadata["rerun:entity_path"])
    if version < TODAY:
        metadata["sorbet:version"] = TODAY_TEXT
    order = {"control": 0, "index": 1}
    columns = sorted(draft.columns, key=lambda column: order.get(column.kind, 2))
    return _Draft(metadata, tuple(_canonical(column) for column in columns))


def _canonical(column: _Column) -> _Column:
    if column.kind == "control":
        return replace(column, name=ROW_ID)
    if column.kind == "index":
        return column
    kept = {key: value for key, value in column.metadata.items() if key not in _COLUMN_LEFTOVERS}
    return replace(_plain(column), metadata=kept)


def _plain(column: _Column) -> _Column:
    """Lists of plain values: one-element lists where there are none, dictionaries looked up."""
    values = column.values
    if not pa.types.is_list(values.type):
        values = unit_lists(values)
    if pa.types.is_dictionary(values.type.value_type):
        values = _without_dictionary(values)
    return column if values is column.values else replace(column, values=values)


def _without_dictionary(cells: pa.ListArray) -> pa.ListArray:
    items = cells.values
    if len(items) * items.dictionary.nbytes > MAX_UNPACKED_BYTES:
        return cells
    item = pa.field(ITEM, items.type.value_type)
    return cells.cast(pa.list_(item))


def _to_batch(draft: _Draft) -> pa.RecordBatch:
    fields = [pa.field(c.name, c.values.type, c.nullable, metadata=c.metadata) for c in draft.columns]
    schema = pa.schema(fields, metadata=draft.metadata)
    return pa.RecordBatch.from_arrays([c.values for c in draft.columns], schema=schema)
