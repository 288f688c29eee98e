"""What is shown and where, and what can be selected: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from rrbridge._messages import StoreId
from rrbridge_viewer.message_fields import FieldPath

__all__ = [
    "Blueprint",
    "Container",
    "EntityItem",
    "Item",
    "Pane",
    "PlottedField",
    "RecordingItem",
    "ViewId",
    "ViewItem",
]

ViewId: TypeAlias = str


@dataclass(frozen=True, slots=True)
class PlottedField:
    """A number inside the messages of an entity."""

    entity: str
    component: str
    path: FieldPath


@dataclass(frozen=True, slots=True)
class Pane:
    """One view on screen: which class, rooted where, showing what."""

    view: str
    """The name of a view class: `Spatial3DView`."""
    title: str
    origin: str = "/"
    """Where it looks from: contents are below it, 2D views show its image."""
    contents: tuple[str, ...] = ()
    """The entities it shows."""
    frame: str = ""
    """3D views: the frame that everything is brought into."""
    fields: tuple[PlottedField, ...] = ()
    """Plots: what they show besides the scalars of their contents."""
    left_out: int = 0
    """Plots: how many more such fields there are."""
    frames: bool = False
    """3D views: whether named frames are drawn."""
    hidden: frozenset[str] = frozenset()
    """Entities of `contents` that are switched off; what lies below them is off too."""
    visible: bool = True

    def shows(self, entity: str) -> bool:
        """Whether no switch at the entity or above it is off."""
        return not any(entity == off or entity.startswith(off.rstrip("/") + "/") for off in self.hidden)


@dataclass(frozen=True, slots=True)
class Container:
    """How views share the screen: side by side, one above the other, or as tabs."""

    kind: Literal["horizontal", "vertical", "tabs"]
    children: tuple[ViewId | Container, ...]
    shares: tuple[float, ...] = ()
    """Relative sizes; empty: equal."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What is shown of a recording, and where."""

    panes: Mapping[ViewId, Pane] = field(default_factory=dict)
    root: Container | None = None
    maximized: ViewId | None = None


@dataclass(frozen=True, slots=True)
class EntityItem:
    """An entity, or one instance of it (one point of a cloud)."""

    path: str
    instance: int | None = None


@dataclass(frozen=True, slots=True)
class ViewItem:
    """A view."""

    view_id: ViewId


@dataclass(frozen=True, slots=True)
class RecordingItem:
    """A recording."""

    store_id: StoreId


Item: TypeAlias = EntityItem | ViewItem | RecordingItem
"""What can be selected."""
