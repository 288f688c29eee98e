"""How a component column names itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["ComponentDescriptor", "short_name"]

_PREFIXES = ("rerun.archetypes.", "rerun.blueprint.archetypes.", "rerun.")


def short_name(archetype: str) -> str:
    """`rerun.archetypes.Points3D` → `Points3D`; names outside the `rerun.` namespace stay whole."""
    for prefix in _PREFIXES:
        if archetype.startswith(prefix):
            return archetype.removeprefix(prefix)
    return archetype


class ComponentDescriptor(NamedTuple):
    """Archetype, component and component type of a column (FORMAT §2.4, §5.2)."""

    component: str
    """`Points3D:positions`, or a bare name for data outside any archetype."""
    archetype: str | None = None
    """Full name: `rerun.archetypes.Points3D`."""
    component_type: str | None = None
    """Full name: `rerun.components.Position3D`."""

    def __str__(self) -> str:
        return self.component

    @property
    def field(self) -> str:
        """The component without its archetype: `positions`."""
        if self.archetype is None:
            return self.component
        return self.component.removeprefix(short_name(self.archetype) + ":")

    def with_overrides(self, archetype: str | None = None, component_type: str | None = None) -> ComponentDescriptor:
        """The same component with another archetype or type, where given."""
        return ComponentDescriptor(self.component, archetype or self.archetype, component_type or self.component_type)

    def or_with_overrides(self, archetype: str | None = None, component_type: str | None = None) -> ComponentDescriptor:
        """The same component, with an archetype and a type where it had none."""
        return ComponentDescriptor(self.component, self.archetype or archetype, self.component_type or component_type)

    def with_builtin_archetype(self, archetype: str) -> ComponentDescriptor:
        """The component as a field of an archetype: `x` → `Points3D:x`."""
        return ComponentDescriptor(f"{short_name(archetype)}:{self.component}", archetype, self.component_type)

    def metadata(self) -> dict[str, str]:
        """The Arrow field metadata of such a column."""
        keys = {"rerun:archetype": self.archetype, "rerun:component": self.component}
        keys["rerun:component_type"] = self.component_type
        return {"rerun:kind": "data"} | {k: v for k, v in keys.items() if v is not None}

    @classmethod
    def from_metadata(cls, name: str, metadata: Mapping[bytes, bytes]) -> ComponentDescriptor:
        """The descriptor of an Arrow field; a column without metadata is a bare component."""

        def text(key: bytes) -> str | None:
            value = metadata.get(key)
            return None if value is None else value.decode()

        return cls(
            text(b"rerun:component") or name, text(b"rerun:archetype") or None, text(b"rerun:component_type") or None
        )
