"""Which columns a recording has: timelines, and the components of its entities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._chunk import ROW_ID, ROW_ID_METADATA
from rrbridge._descriptor import ComponentDescriptor, short_name
from rrbridge._query_columns import ComponentKey, entity_order, index_field
from rrbridge._query_contents import PROPERTIES
from rrbridge._store_clears import CLEAR
from rrbridge.errors import InvalidValueError

if TYPE_CHECKING:
    from rrbridge._archetype import Archetype
    from rrbridge._store import ChunkStore
    from rrbridge.rrd import Manifest

__all__ = ["ComponentColumnDescriptor", "IndexColumnDescriptor", "Schema", "schema_of_manifest", "schema_of_store"]

_KIND = b"rerun:kind"


@dataclass(frozen=True)
class IndexColumnDescriptor:
    """A timeline."""

    name: str
    is_static: bool = False

    def __repr__(self) -> str:
        return f"Index(timeline:{self.name})"


@dataclass(frozen=True)
class ComponentColumnDescriptor:
    """A component of an entity."""

    name: str
    """What the column is called in dataframes: `/imu:Scalars:scalars`, `property:RecordingInfo:name`."""
    entity_path: str
    component: str
    archetype: str | None
    component_type: str | None
    is_static: bool

    @property
    def is_property(self) -> bool:
        """Whether it says something about the recording as a whole."""
        return _entity_path.is_descendant(self.entity_path, PROPERTIES)

    def __repr__(self) -> str:
        lines = [
            f"Column name: {self.name}",
            f"Entity path: {self.entity_path}",
            f"Archetype: {self.archetype}",
            f"Component type: {self.component_type or ''}",
            f"Component: {self.component}",
        ]
        return "\n\t".join(lines + ["Static: true"] * self.is_static)


Column: TypeAlias = IndexColumnDescriptor | ComponentColumnDescriptor


class Schema:
    """All columns of a recording: timelines by name, then components by entity."""

    def __init__(self, fields: Iterable[pa.Field]) -> None:
        """Take Arrow fields of timelines and components, with the metadata that dataframes give them, in any order."""
        fields = list(fields)
        times = sorted((f for f in fields if f.metadata[_KIND] == b"index"), key=lambda field: field.name)
        by_entity: dict[str, list[pa.Field]] = {}
        for field in fields:
            if field.metadata[_KIND] == b"data":
                by_entity.setdefault(field.metadata[b"rerun:entity_path"].decode(), []).append(field)
        components = [
            field for entity in entity_order(by_entity) for field in sorted(by_entity[entity], key=_archetype_and_name)
        ]
        row_id = pa.field(ROW_ID, pa.binary(16), nullable=False, metadata=ROW_ID_METADATA)
        self._arrow = pa.schema([row_id, *times, *components])
        self._indexes = [IndexColumnDescriptor(field.name) for field in times]
        self._components = [_component_column(field) for field in components]

    def index_columns(self) -> list[IndexColumnDescriptor]:
        """The timelines."""
        return list(self._indexes)

    def component_columns(self) -> list[ComponentColumnDescriptor]:
        """The components of all entities."""
        return list(self._components)

    def __iter__(self) -> Iterator[Column]:
        yield from self._indexes
        yield from self._components

    def column_names(self) -> list[str]:
        """What the columns are called."""
        return [column.name for column in self]

    def column_for(self, entity_path: str, component: str) -> ComponentColumnDescriptor | None:
        """The column of a component (`Points3D:positions`) of an entity; None if there is none."""
        entity = _entity_path.normalize(entity_path)
        found = (c for c in self._components if (c.entity_path, c.component) == (entity, component))
        return next(found, None)

    def column_for_selector(self, selector: str | ComponentColumnDescriptor) -> ComponentColumnDescriptor:
        """The column that is called so: `/imu:Scalars:scalars`. Raises LookupError, InvalidValueError."""
        if isinstance(selector, ComponentColumnDescriptor):
            return selector
        if ":" not in selector:
            raise InvalidValueError("selector", "`<entity path>:<component>`", repr(selector)[:80])
        found = next((column for column in self._components if column.name == selector), None)
        found = found or self.column_for(*selector.split(":", 1))
        if found is None:
            raise LookupError(f"no column {selector}")
        return found

    def columns_for(
        self,
        *,
        entity_path: str | None = None,
        archetype: str | type[Archetype] | None = None,
        component_type: str | None = None,
        include_properties: bool = False,
    ) -> list[ComponentColumnDescriptor]:
        """The columns of an entity, of an archetype (its class, `Points3D`, or its full name), of a component type."""
        wanted = archetype if archetype is None or isinstance(archetype, str) else archetype.archetype()
        return [
            column
            for column in self._components
            if (include_properties or not column.is_property)
            and (entity_path is None or column.entity_path == entity_path)
            and (wanted is None or wanted in (column.archetype, short_name(column.archetype or "")))
            and (component_type is None or column.component_type == component_type)
        ]

    def column_names_for(
        self,
        *,
        entity_path: str | None = None,
        archetype: str | type[Archetype] | None = None,
        component_type: str | None = None,
        include_properties: bool = False,
    ) -> list[str]:
        """What those columns are called."""
        found = self.columns_for(
            entity_path=entity_path,
            archetype=archetype,
            component_type=component_type,
            include_properties=include_properties,
        )
        return [column.name for column in found]

    def archetypes(self, *, include_properties: bool = False) -> list[str]:
        """The full names of all archetypes, sorted."""
        return sorted({c.archetype for c in self.columns_for(include_properties=include_properties) if c.archetype})

    def component_types(self, *, include_properties: bool = False) -> list[str]:
        """The full names of all component types, sorted."""
        found = self.columns_for(include_properties=include_properties)
        return sorted({column.component_type for column in found if column.component_type})

    def entity_paths(self, *, include_properties: bool = False) -> list[str]:
        """All entities that have data, sorted."""
        return sorted({column.entity_path for column in self.columns_for(include_properties=include_properties)})

    def to_arrow(self) -> pa.Schema:
        """The columns as Arrow fields, row ids first."""
        return self._arrow

    def __arrow_c_schema__(self) -> object:
        return self._arrow.__arrow_c_schema__()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and bool(self._arrow.equals(other._arrow, check_metadata=True))

    __hash__ = None  # type: ignore[assignment]  # compared by what it holds

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))


def _archetype_and_name(field: pa.Field) -> tuple[str, str]:
    descriptor = ComponentDescriptor.from_metadata(field.name, field.metadata)
    return descriptor.archetype or "", descriptor.component


def _component_column(field: pa.Field) -> ComponentColumnDescriptor:
    descriptor = ComponentDescriptor.from_metadata(field.name, field.metadata)
    return ComponentColumnDescriptor(
        name=field.name,
        entity_path=field.metadata[b"rerun:entity_path"].decode(),
        component=descriptor.component,
        archetype=descriptor.archetype,
        component_type=descriptor.component_type,
        is_static=field.metadata.get(b"rerun:is_static") == b"true",
    )


def schema_of_store(store: ChunkStore) -> Schema:
    """The columns of what is in memory."""
    fields = [index_field(name, kind) for name, kind in store.timelines().items()]
    for entity in store.entities():
        datatypes = store.datatypes(entity)
        fields += (
            ComponentKey(
                entity, descriptor, store.is_static(entity, name), name == CLEAR, False, datatypes[name]
            ).field()
            for name, descriptor in store.components(entity).items()
        )
    return Schema(fields)


def schema_of_manifest(manifest: Manifest) -> Schema:
    """The columns of a file, from its index."""
    return Schema(f for f in manifest.schema if (f.metadata or {}).get(_KIND) in (b"index", b"data"))
