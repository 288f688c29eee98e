"""The columns of a dataframe: their names, order and metadata, as the reference's dataframes have them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from rrbridge import _entity_path
from rrbridge._descriptor import ComponentDescriptor
from rrbridge._query_contents import PROPERTIES
from rrbridge._timeline import TimeKind

__all__ = ["ComponentKey", "column_name", "entity_order", "index_field"]

_RUNS = re.compile(r"[0-9]+|[^0-9]", re.DOTALL)

Key = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class ComponentKey:
    """One component column: of an entity, with what is known about it."""

    entity: str
    descriptor: ComponentDescriptor
    is_static: bool
    """Whether some chunk has it as static data."""
    is_tombstone: bool
    is_semantically_empty: bool
    """Whether no row has an instance."""
    datatype: pa.DataType

    @property
    def name(self) -> str:
        """`/imu:Scalars:scalars`, `property:RecordingInfo:name`."""
        return column_name(self.entity, self.descriptor.component)

    def field(self) -> pa.Field:
        """Name, type and metadata."""
        flags = {
            "rerun:is_static": self.is_static,
            "rerun:is_tombstone": self.is_tombstone,
            "rerun:is_semantically_empty": self.is_semantically_empty,
        }
        metadata = self.descriptor.metadata() | {"rerun:entity_path": self.entity}
        metadata |= {key: "true" for key, is_set in flags.items() if is_set}
        return pa.field(self.name, self.datatype, metadata=metadata)


def column_name(entity: str, component: str) -> str:
    """What the column of an entity's component is called."""
    if not _entity_path.is_descendant(entity, PROPERTIES):
        return f"{entity}:{component}"
    below = entity.removeprefix(PROPERTIES).removeprefix("/")
    return f"property:{below}:{component}" if below else f"property:{component}"


def index_field(timeline: str, kind: TimeKind) -> pa.Field:
    """The column of a timeline."""
    return pa.field(timeline, kind.value, metadata={"rerun:index_name": timeline, "rerun:kind": "index"})


def entity_order(entities: Iterable[str]) -> list[str]:
    """Entities as columns are ordered: by parts, numbers in parts by value, reserved paths such as properties last."""
    return sorted(entities, key=lambda entity: (entity.startswith("/__"), _natural_path(entity)))


def _natural_path(entity: str) -> list[Key]:
    return [_natural(_entity_path.unescape(part)) for part in _entity_path.parts(entity)]


def _natural(part: str) -> Key:
    """`A`, `a`, `B`, `cam2`, `cam10`; a number that begins with 0 is compared digit by digit."""
    return tuple(_run(run) for run in _RUNS.findall(part))


def _run(run: str) -> tuple[int, ...]:
    if not "0" <= run[0] <= "9":
        return (ord(run.lower()[0]), ord(run))
    if run[0] == "0":
        return (ord("0"), 0, *map(ord, run))
    return (ord("0"), 1, int(run))
